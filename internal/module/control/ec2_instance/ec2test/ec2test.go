// Package ec2test is a server that speaks as much of EC2's query API as tests
// need. It keeps instances that take a moment to start and to stop, and it
// throttles as Amazon documents: each action has a bucket of request tokens,
// and those that name instances a bucket of resource tokens besides. What was
// called, and when, can be read afterwards.
//
// A server that refuses what Amazon refuses shows what a client would suffer
// there; see Server.Exceeded for what a client should be judged by.
package ec2test

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

// Account and Key are the account of the server and the only access key that it
// knows.
const (
	Account = "123456789012"
	Key     = "AKIDTEST"
	Secret  = "not-a-secret-worth-keeping"
	Region  = "eu-test-1"
)

// Bucket is a bucket of tokens: what it holds, and how many come back a second.
type Bucket struct {
	Capacity float64
	Refill   float64
}

// Requests and Resources are the buckets that Amazon documents; actions that
// are not among them are told apart by whether they change something.
var (
	Requests = map[string]Bucket{
		"RunInstances": {5, 2}, "StartInstances": {5, 2}, "TerminateInstances": {100, 5}, "CreateTags": {100, 10}, "DeleteTags": {100, 10},
	}
	Resources = map[string]Bucket{
		"RunInstances": {1000, 2}, "StartInstances": {1000, 2}, "StopInstances": {1000, 20}, "TerminateInstances": {1000, 20},
	}
	mutating   = Bucket{50, 5}
	reading    = Bucket{100, 20}
	unfiltered = Bucket{50, 10} // lists with neither filter nor pages
)

// Call is one call as the server saw it.
type Call struct {
	Time      time.Time
	Action    string
	Region    string
	Instances int // that it names or makes
	Throttled bool
	Params    url.Values
}

// Options say how the server behaves.
type Options struct {
	// Moment is how long an instance takes from one state to the next.
	Moment time.Duration
	// Requests replaces the request buckets of some actions.
	Requests map[string]Bucket
	// TLS makes the server speak TLS, with a certificate that nobody trusts; see
	// Server.Certificate.
	TLS bool
	// NoIdentity makes GetCallerIdentity unknown, as other makers' services do.
	NoIdentity bool
}

// Server is the service. It is safe for concurrent use.
type Server struct {
	URL string
	// Certificate is that of a server with TLS, in PEM.
	Certificate []byte

	o  Options
	mu sync.Mutex // guards the following
	cloud
	levels map[string]*level
	calls  []Call
}

// level is how full a bucket is.
type level struct {
	tokens float64
	at     time.Time
}

// New starts a server that ends with the test.
func New(t testing.TB, o Options) *Server {
	s := &Server{o: o, levels: map[string]*level{}, cloud: newCloud(o.Moment)}
	web := httptest.NewUnstartedServer(s)
	web.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not trust us are no news
	if o.TLS {
		web.StartTLS()
		s.Certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	} else {
		web.Start()
	}
	t.Cleanup(web.Close)
	s.URL = web.URL
	return s
}

// Calls are the calls so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// Reset forgets the calls.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

// Count is how often the actions were called, all of them if none is named.
func (s *Server) Count(actions ...string) int {
	n := 0
	for _, c := range s.Calls() {
		for _, a := range actions {
			if a == c.Action {
				n++
			}
		}
		if len(actions) == 0 {
			n++
		}
	}
	return n
}

// Launches is how often instances were made: a call that is made again with the
// same client token, such as after a lost answer, makes none.
func (s *Server) Launches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tokens)
}

// Throttled is how many calls were refused.
func (s *Server) Throttled() int {
	n := 0
	for _, c := range s.Calls() {
		if c.Throttled {
			n++
		}
	}
	return n
}

// Exceeded looks at every window of time between two calls of the action: it
// returns the first in which more calls began than rate allows, with allowance
// many to spare for calls that were held up on the way; "" if there is none.
func (s *Server) Exceeded(action string, rate float64, allowance int) string {
	var times []time.Time
	for _, c := range s.Calls() {
		if c.Action == action {
			times = append(times, c.Time)
		}
	}
	for i := range times {
		for j := i + 1; j < len(times); j++ {
			window := times[j].Sub(times[i])
			if n, most := float64(j-i+1), 1+rate*window.Seconds()+float64(allowance); n > most {
				return fmt.Sprintf("%d calls of %s within %s, more than %.1f", int(n), action, window.Round(time.Millisecond), most)
			}
		}
	}
	return ""
}

// bucketOf are the request tokens of a call.
func (s *Server) bucketOf(action string, params url.Values) (string, Bucket) {
	if b, ok := s.o.Requests[action]; ok {
		return action, b
	}
	if b, ok := Requests[action]; ok {
		return action, b
	}
	if !strings.HasPrefix(action, "Describe") {
		return action, mutating
	}
	for k := range params {
		if strings.HasPrefix(k, "Filter.") || k == "MaxResults" || ids.MatchString(k) || k == "InstanceId" {
			return action, reading
		}
	}
	return action + " of everything", unfiltered
}

var ids = lazyregexp.New(`Id\.\d+$`)

// take takes n tokens, if they are there.
func (s *Server) take(key string, b Bucket, n float64, now time.Time) bool {
	l := s.levels[key]
	if l == nil {
		l = &level{b.Capacity, now}
		s.levels[key] = l
	}
	l.tokens = min(b.Capacity, l.tokens+now.Sub(l.at).Seconds()*b.Refill)
	l.at = now
	if l.tokens < n {
		return false
	}
	l.tokens -= n
	return true
}

var scope = lazyregexp.New(`Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request`)

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "MalformedQueryString", err.Error())
		return
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	action := r.Form.Get("Action")
	c := Call{Time: now, Action: action, Params: r.Form, Instances: named(action, r.Form)}
	defer func() { s.calls = append(s.calls, c) }()
	m := scope.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil || m[1] != Key {
		refuse(w, http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials")
		return
	}
	c.Region = m[2]
	if action == "GetCallerIdentity" {
		if s.o.NoIdentity {
			refuse(w, http.StatusBadRequest, "InvalidAction", "The action GetCallerIdentity is not valid for this web service.")
			return
		}
		send(w, identity{Account: Account, Arn: "arn:aws:iam::" + Account + ":user/test", UserID: Key})
		return
	}
	name, bucket := s.bucketOf(action, r.Form)
	ok := s.take(name, bucket, 1, now)
	if resource, counts := Resources[action]; ok && counts {
		ok = s.take(action+" resources", resource, float64(c.Instances), now)
	}
	if !ok {
		c.Throttled = true
		refuse(w, http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded.")
		return
	}
	answer, err := s.answer(action, r.Form, now)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.code, err.message)
		return
	}
	send(w, answer)
}

// named is how many instances a call names or makes.
func named(action string, params url.Values) int {
	if action == "RunInstances" {
		return number(params.Get("MaxCount"))
	}
	return len(values(params, "InstanceId"))
}
