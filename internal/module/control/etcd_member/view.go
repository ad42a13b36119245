package etcdmember

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// credentials are how to speak to the cluster.
type credentials struct {
	tls            *tls.Config
	user, password string
}

func access(c module.Controller, args module.Args) (credentials, error) {
	cr := credentials{user: args.String("user"), password: args.String("password")}
	read := func(name string) ([]byte, error) {
		path := args.String(name)
		if path == "" {
			return nil, nil
		}
		if !filepath.IsAbs(path) {
			var err error
			if path, err = c.FindFile("files", path); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return data, nil
	}
	ca, err := read("ca_cert")
	if err != nil {
		return cr, err
	}
	cert, err := read("client_cert")
	if err != nil {
		return cr, err
	}
	key, err := read("client_key")
	if err != nil {
		return cr, err
	}
	cr.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != nil {
		cr.tls.RootCAs = x509.NewCertPool()
		if !cr.tls.RootCAs.AppendCertsFromPEM(ca) {
			return cr, fmt.Errorf("ca_cert: no certificate in %s", args.String("ca_cert"))
		}
	}
	if cert != nil {
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return cr, fmt.Errorf("client_cert and client_key: %w", err)
		}
		cr.tls.Certificates = []tls.Certificate{pair}
	}
	return cr, nil
}

// open makes a client of one endpoint, so that all it is asked is answered by
// the same member.
func (j *job) open(ctx context.Context, endpoint string) (*clientv3.Client, error) {
	cfg := clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: j.timeout, Context: ctx, Logger: zap.NewNop(),
		Username: j.access.user, Password: j.access.password, MaxUnaryRetries: 1}
	if strings.HasPrefix(endpoint, "https://") {
		cfg.TLS = j.access.tls
	}
	return clientv3.New(cfg)
}

// member is one member, and what is wrong with it.
type member struct {
	id             uint64
	name           string
	peers, clients []string
	learner        bool
	ill            string // "" if it is well
}

func (m member) title() string {
	if m.name != "" {
		return m.name
	}
	return hex(m.id) + " at " + strings.Join(m.peers, ",")
}

func (m member) shown() *value.Map {
	return value.MapOf("id", hex(m.id), "name", m.name, "peer_urls", anys(m.peers), "client_urls", anys(m.clients), "learner", m.learner)
}

func anys(l []string) []any {
	out := []any{}
	for _, s := range l {
		out = append(out, s)
	}
	return out
}

func hex(id uint64) string { return strconv.FormatUint(id, 16) }

// view is a cluster as one member of it shows it, with the health of all.
type view struct {
	j       *job
	client  *clientv3.Client
	cluster uint64
	leader  uint64
	members []member
}

func (v *view) close() { _ = v.client.Close() } // it was only read from

// identify asks all endpoints for the id of their cluster.
func (j *job) identify(ctx context.Context) (uint64, error) {
	endpoints := j.args.Strings("endpoints")
	ids, errs := make([]uint64, len(endpoints)), make([]error, len(endpoints))
	var wg sync.WaitGroup
	for i, e := range endpoints {
		wg.Go(func() { ids[i], errs[i] = j.clusterOf(ctx, e) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	var id uint64
	var all []error
	for i, e := range endpoints {
		switch {
		case errs[i] != nil:
			all = append(all, fmt.Errorf("%s: %s", e, j.cause(ctx, e, errs[i])))
		case id == 0:
			id = ids[i]
		case ids[i] != id:
			return 0, fmt.Errorf("the endpoints belong to different clusters, %s and %s", hex(id), hex(ids[i]))
		}
	}
	if id == 0 {
		return 0, fmt.Errorf("no endpoint answers: %w", errors.Join(all...))
	}
	return id, nil
}

func (j *job) clusterOf(ctx context.Context, endpoint string) (uint64, error) {
	c, err := j.open(ctx, endpoint)
	if err != nil {
		return 0, err
	}
	defer c.Close() //nolint:errcheck // it was only read from
	ctx, cancel := context.WithTimeout(ctx, j.timeout)
	defer cancel()
	status, err := c.Status(ctx, endpoint)
	if err != nil {
		return 0, err
	}
	return status.Header.ClusterId, nil
}

// look shows the cluster through the first endpoint that can still write: one
// cut off from the others would tell of members that are gone.
func (j *job) look(ctx context.Context) (*view, error) {
	var all []error
	for _, endpoint := range j.args.Strings("endpoints") {
		c, err := j.open(ctx, endpoint)
		if err == nil {
			v := &view{j: j, client: c}
			if err = v.fresh(ctx); err == nil {
				err = v.list(ctx)
			}
			if err == nil {
				v.examine(ctx)
				return v, nil
			}
			v.close()
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		all = append(all, fmt.Errorf("%s: %s", endpoint, j.cause(ctx, endpoint, err)))
	}
	return nil, notNow{"no endpoint is part of a working majority: " + errors.Join(all...).Error()}
}

// fresh reads through the majority, which also brings the member up to date.
// What may not be read is an answer as well.
func (v *view) fresh(ctx context.Context) error {
	err := v.request(ctx, func(ctx context.Context) error {
		_, err := v.client.Get(ctx, "health")
		return err
	})
	if errors.Is(err, rpctypes.ErrPermissionDenied) {
		return nil
	}
	return err
}

// list lists the members.
func (v *view) list(ctx context.Context) error {
	return v.request(ctx, func(ctx context.Context) error {
		answer, err := v.client.MemberList(ctx)
		if err != nil {
			return err
		}
		v.cluster = answer.Header.ClusterId
		v.take(answer.Members)
		return nil
	})
}

// take notes the members as an answer has them.
func (v *view) take(members []*etcdserverpb.Member) {
	v.members = nil
	for _, m := range members {
		v.members = append(v.members, member{id: m.ID, name: m.Name, peers: m.PeerURLs, clients: m.ClientURLs, learner: m.IsLearner})
	}
	slices.SortFunc(v.members, func(a, b member) int { return strings.Compare(a.title(), b.title()) })
}

// examine asks each member how it is.
func (v *view) examine(ctx context.Context) {
	var wg sync.WaitGroup
	leaders := make([]uint64, len(v.members))
	for i := range v.members {
		wg.Go(func() { leaders[i] = v.ask(ctx, &v.members[i]) })
	}
	wg.Wait()
	for _, l := range leaders {
		if l != 0 {
			v.leader = l
		}
	}
}

// ask notes what is wrong with a member and returns who it thinks leads.
func (v *view) ask(ctx context.Context, m *member) uint64 {
	if len(m.clients) == 0 {
		m.ill = "not started"
		return 0
	}
	for _, url := range m.clients {
		leader, err := v.statusOf(ctx, m, url)
		if err == nil {
			m.ill = ""
			return leader
		}
		m.ill = v.j.cause(ctx, url, err)
	}
	return 0
}

func (v *view) statusOf(ctx context.Context, m *member, url string) (uint64, error) {
	c, err := v.j.open(ctx, url)
	if err != nil {
		return 0, err
	}
	defer c.Close() //nolint:errcheck // it was only read from
	var leader uint64
	err = v.request(ctx, func(ctx context.Context) error {
		s, err := c.Status(ctx, url)
		switch {
		case err != nil:
			return err
		case s.Header.ClusterId != v.cluster || s.Header.MemberId != m.id:
			return fmt.Errorf("%s is another member's address", url)
		case s.Leader == 0:
			return errors.New("it knows no leader")
		case len(s.Errors) > 0:
			return errors.New(strings.Join(s.Errors, ", "))
		}
		leader = s.Leader
		return nil
	})
	return leader, err
}

// request bounds one request in time.
func (v *view) request(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, v.j.timeout)
	defer cancel()
	return do(ctx)
}

// handOver gives a member's lead to another that is well, so that removing it
// costs the cluster no election.
func (v *view) handOver(ctx context.Context, m *member) error {
	heir := slices.IndexFunc(v.members, func(o member) bool { return o.id != m.id && !o.learner && o.ill == "" })
	if heir < 0 {
		return notNow{"nobody can take over from " + m.title()}
	}
	var last error
	for _, url := range m.clients { // only the leader itself can do it
		c, err := v.j.open(ctx, url)
		if err == nil {
			err = v.request(ctx, func(ctx context.Context) error {
				_, err := c.MoveLeader(ctx, v.members[heir].id)
				return err
			})
			_ = c.Close() // it was told all it had to be
			if err == nil {
				return v.settle(ctx, m)
			}
		}
		last = err
	}
	return notNow{fmt.Sprintf("%s leads and does not hand over: %s", m.title(), plain(last))}
}

// settle waits until the member that is asked knows another leader: what it is
// told before then may be dropped.
func (v *view) settle(ctx context.Context, old *member) error {
	return v.request(ctx, func(ctx context.Context) error {
		endpoint := v.client.Endpoints()[0]
		for {
			s, err := v.client.Status(ctx, endpoint)
			if err == nil && s.Leader != 0 && s.Leader != old.id {
				return nil
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
				return notNow{"the lead of " + old.title() + " is being handed over"}
			}
		}
	})
}

func (v *view) voters() []member {
	return slices.DeleteFunc(slices.Clone(v.members), func(m member) bool { return m.learner })
}

// well is how many voters are well.
func (v *view) well() int {
	n := 0
	for _, m := range v.voters() {
		if m.ill == "" {
			n++
		}
	}
	return n
}

func (v *view) shown() []any {
	out := []any{}
	for _, m := range v.members {
		out = append(out, m.shown())
	}
	return out
}

// initialCluster is what a new member has to be started with: all members with
// their peer URLs. Those that have no name yet may be called anything.
func (v *view) initialCluster(id uint64, name string) string {
	var parts []string
	for _, m := range v.members {
		n := m.name
		if n == "" && m.id == id {
			n = name
		}
		if n == "" {
			n = hex(m.id)
		}
		for _, u := range m.peers {
			parts = append(parts, n+"="+u)
		}
	}
	return strings.Join(parts, ",")
}

// plain is an error without what gRPC says about itself.
func plain(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, "desc = "); i >= 0 {
		text = text[i+len("desc = "):]
	}
	return strings.Trim(text, `"`)
}

// cause says why an endpoint does not answer. etcd's client goes on trying to
// connect until the time is up and does not say what for; this looks once.
func (j *job) cause(ctx context.Context, endpoint string, err error) string {
	if !errors.Is(err, context.DeadlineExceeded) && status.Code(err) != codes.DeadlineExceeded || ctx.Err() != nil {
		return plain(err)
	}
	u, parseErr := url.Parse(endpoint)
	if parseErr != nil || u.Host == "" {
		return "no URL such as http://10.0.0.1:2379"
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return err.Error()
	}
	defer conn.Close() //nolint:errcheck // nothing was written
	if u.Scheme == "https" {
		config := j.access.tls.Clone()
		config.ServerName, config.NextProtos = u.Hostname(), []string{"h2"}
		client := tls.Client(conn, config)
		if err := client.HandshakeContext(ctx); err != nil {
			return err.Error()
		}
		// A server that wants a certificate says so only after the handshake.
		_ = client.SetReadDeadline(time.Now().Add(200 * time.Millisecond)) // a socket has deadlines
		if _, err := client.Read(make([]byte, 1)); err != nil && strings.Contains(err.Error(), "remote error") {
			return err.Error()
		}
	}
	return "no answer in time"
}
