package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// Options are what a module adds to its arguments.
type Options struct {
	Method     string
	Header     map[string]string // besides the parameter headers
	Body       []byte
	Timeout    time.Duration
	Force      bool      // let no cache answer
	NewerThan  time.Time // ask only for what is newer, if not zero
	OwnType    bool      // Header's Content-Type counts, whatever the parameter headers says
	Redirects  string    // all, none, safe or urllib2
	UnixSocket string
	CAPath     string
}

// Response is an answer. If Status is -1 there was none, and Msg says why.
type Response struct {
	Status  int
	Msg     string // "OK (123 bytes)", "HTTP Error 404: Not Found", ...
	URL     string // after redirects
	Header  http.Header
	Cookies []*http.Cookie
	Body    io.ReadCloser // nil without an answer
	// NoURL tells that nobody was asked, since that is no URL at all.
	NoURL bool
}

// Do asks. Everything that goes wrong is in the Response, since modules report
// it with a status; the caller closes the Body.
func Do(ctx context.Context, env *module.Env, args module.Args, rawURL string, o Options) *Response {
	r := &Response{Status: -1, URL: rawURL}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	astray := ""
	resp, err := do(ctx, env, args, rawURL, o, &astray)
	if errors.Is(err, errNoURL) {
		r.NoURL, r.Msg = true, err.Error()
		return r
	}
	if err != nil {
		r.Msg = errorText(err)
		return r
	}
	r.Status, r.Header, r.Cookies, r.Body = resp.StatusCode, resp.Header, resp.Cookies(), resp.Body
	r.URL = resp.Request.URL.String()
	if args.Bool("decompress") && resp.Header.Get("Content-Encoding") == "gzip" && o.Method != http.MethodHead {
		if z, err := gzip.NewReader(resp.Body); err == nil {
			r.Body = struct {
				io.Reader
				io.Closer
			}{z, resp.Body}
		}
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		length := resp.Header.Get("Content-Length")
		if length == "" {
			length = "unknown"
		}
		r.Msg = fmt.Sprintf("OK (%s bytes)", length)
	} else {
		_, reason, _ := strings.Cut(resp.Status, " ")
		if astray != "" {
			reason = fmt.Sprintf(astray, reason)
		}
		r.Msg = fmt.Sprintf("HTTP Error %d: %s", resp.StatusCode, reason)
	}
	return r
}

var errNoURL = errors.New("unknown url type")

func do(ctx context.Context, env *module.Env, args module.Args, rawURL string, o Options, astray *string) (*http.Response, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "" {
		return nil, fmt.Errorf("%w: %s", errNoURL, value.Repr(rawURL))
	}
	switch u.Scheme {
	case "http", "https":
	case "file":
		return local(u)
	default:
		return nil, fmt.Errorf("unknown url type: %s", u.Scheme)
	}
	c, err := client(env, args, o, u.Scheme == "https", astray)
	if err != nil {
		return nil, err
	}
	user, password, login := credentials(u, env, args)
	ask := func(auth bool) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, o.Method, u.String(), bytes.NewReader(o.Body))
		if err != nil {
			return nil, err
		}
		if o.Body == nil {
			req.Body, req.ContentLength = nil, 0
		}
		req.Header.Set("User-Agent", args.String("http_agent"))
		if o.Body != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded") // unless another is given
		}
		switch {
		case o.Force:
			req.Header.Set("Cache-Control", "no-cache")
		case !o.NewerThan.IsZero():
			req.Header.Set("If-Modified-Since", o.NewerThan.UTC().Format(http.TimeFormat))
		}
		for k, v := range o.Header {
			req.Header.Set(k, v)
		}
		for k, v := range args.Dict("headers").Strings() {
			if o.OwnType && strings.EqualFold(k, "content-type") {
				continue
			}
			req.Header.Set(k, value.Str(v))
			if strings.EqualFold(k, "host") {
				req.Host = value.Str(v)
			}
		}
		if auth {
			req.SetBasicAuth(user, password)
		}
		return c.Do(req)
	}
	forced := login && (args.Bool("force_basic_auth") || args.String("url_username") == "")
	resp, err := ask(forced)
	if err != nil || !login || forced || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	if !strings.Contains(strings.ToLower(resp.Header.Get("WWW-Authenticate")), "basic") {
		return resp, nil
	}
	resp.Body.Close()
	return ask(true)
}

// Fields adds the answer's headers, cookies and address to a result.
func (r *Response) Fields(res *module.Result) {
	for k, v := range r.Header {
		res.Set(strings.ReplaceAll(strings.ToLower(k), "-", "_"), strings.Join(v, ", "))
	}
	cookies, words := value.NewMap(len(r.Cookies)), make([]string, 0, len(r.Cookies))
	for _, c := range r.Cookies {
		cookies.Set(c.Name, c.Value)
		words = append(words, c.Name+"="+c.Value)
	}
	if r.Status >= 200 && r.Status < 300 {
		res.Set("cookies", cookies).Set("cookies_string", strings.Join(words, "; "))
	}
	res.Set("url", r.URL).Set("status", r.Status)
}

// errno is a system's error as Python words it, "" for other errors.
func errno(err error) string {
	var n syscall.Errno
	if !errors.As(err, &n) {
		return ""
	}
	text := n.Error()
	return fmt.Sprintf("[Errno %d] %s", int(n), strings.ToUpper(text[:1])+text[1:])
}
