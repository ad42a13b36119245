// Package client is the controller's end of the agents: it connects to hosts,
// puts the agent there, and makes calls.
//
// A Pool keeps one connection to each host and login user, and on it one agent
// process for each user that tasks run as. A Target is one of those users; it
// connects when it is first used, and again after the connection was lost or
// reset. Calls without become on the controller's own machine run in this
// process. Begin with Pool.Target and Target.Do.
package client

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/tutti-run/tutti/internal/agent"
	"github.com/tutti-run/tutti/internal/agent/embedded"
	"github.com/tutti-run/tutti/internal/agent/wire"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/transport"
)

// Options are what a Pool works with.
type Options struct {
	// Dialers by Config.Kind; see transport/all.
	Dialers map[string]transport.Dialer
	// Agents are what is put on the targets.
	Agents embedded.Source
	// Registry and Self make calls on this machine run in this process: Self is
	// the command that starts this program as an agent, for background jobs.
	Registry *module.Registry
	Self     []string
	// Holder says who we are to those who wait for our locks on a target: the
	// controller, the user, the run.
	Holder string
	// Notice, if set, is told when a call waits for a lock on its machine and
	// when it waits no more. It is called from many goroutines and must not block.
	Notice func(host string, call *module.Call, n wire.Notice)
	// Log, if set, gets what happens to connections; never arguments.
	Log *slog.Logger
}

// Pool holds connections and agents. It is safe for concurrent use.
type Pool struct {
	o      Options
	ctx    context.Context // ends with the pool
	cancel context.CancelFunc
	work   sync.WaitGroup // everything the pool started
	user   func() string  // who runs us

	mu      sync.Mutex // guards the following
	targets map[targetKey]*Target
	conns   map[connKey]*sharedConn
	closed  bool
}

type targetKey struct {
	cfg    transport.Config
	become Become
}

// NewPool returns a Pool. The caller closes it.
func NewPool(o Options) *Pool {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Pool{o: o, targets: map[targetKey]*Target{}, conns: map[connKey]*sharedConn{}}
	p.user = sync.OnceValue(func() string { return agent.Hello("").User })
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// Close cancels every call, ends every agent and connection, and waits for
// them.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	targets := p.targets
	p.mu.Unlock()
	p.cancel()
	var ending sync.WaitGroup
	for _, t := range targets {
		ending.Go(func() { t.drop() })
	}
	ending.Wait()
	p.mu.Lock()
	conns := maps.Clone(p.conns)
	p.mu.Unlock()
	for _, c := range conns {
		c.close()
	}
	p.work.Wait()
}

// Target returns the target for a connection and, unless become is nil, the
// user to become on it. Equal arguments give the same Target. It does not
// connect.
func (p *Pool) Target(cfg transport.Config, become *Become) *Target {
	if cfg.Kind == "local" {
		// Whatever the inventory says, it is this user on this machine.
		cfg = transport.Config{Kind: cfg.Kind, Host: cfg.Host, User: p.user(), RemoteTmp: cfg.RemoteTmp}
	}
	key := targetKey{cfg: cfg}
	if become != nil && !become.pointless(cfg) {
		key.become = become.complete()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.targets[key]
	if t == nil {
		t = &Target{pool: p, cfg: key.cfg, become: key.become}
		p.targets[key] = t
	}
	return t
}

// Target is one user on one host. It is safe for concurrent use.
type Target struct {
	pool   *Pool
	cfg    transport.Config
	become Become // the zero value is no become

	mu      sync.Mutex // guards the following
	session session
	pending *attempt
	using   int         // calls under way
	idle    *time.Timer // ends the session when nobody calls any more
}

// session is an agent that is ready for calls.
type session interface {
	hello() *wire.Hello
	do(ctx context.Context, call *module.Call) (*module.Result, error)
	// dead reports whether a new session has to be made.
	dead() bool
	close()
}

// attempt is a connecting that several callers wait for.
type attempt struct {
	done    chan struct{}
	session session
	err     error
}

// Identity is where and who a Target is.
type Identity struct {
	Machine  string // the same for every name of the machine, until it boots anew
	Hostname string
	User     string
	UID      int
	Home     string
	OS, Arch string // as Go names them
}

// Connect connects if need be and says where we are. The error is an
// *transport.UnreachableError, a *BecomeError, or ctx's.
func (t *Target) Connect(ctx context.Context) (Identity, error) {
	s, err := t.connected(ctx)
	if err != nil {
		return Identity{}, err
	}
	h := s.hello()
	return Identity{
		Machine: agent.Machine(h), Hostname: h.Hostname, User: h.User, UID: h.UID, Home: h.Home, OS: h.OS, Arch: h.Arch,
	}, nil
}

// Do makes a call and returns its result. The error tells that there is no
// result: an *transport.UnreachableError, a *BecomeError, or ctx's. A call that
// is cancelled has ended on the target, too, or a few seconds were not enough.
func (t *Target) Do(ctx context.Context, call *module.Call) (*module.Result, error) {
	t.enter()
	defer t.leave()
	s, err := t.connected(ctx)
	if err != nil {
		return nil, err
	}
	return s.do(ctx, call)
}

// Reset drops the agent and the connection; the next call makes new ones. Calls
// that run fail as unreachable.
func (t *Target) Reset(context.Context) error {
	t.drop()
	p := t.pool
	var mine []*sharedConn
	p.mu.Lock()
	for key, c := range p.conns {
		if key.cfg == t.cfg {
			mine = append(mine, c)
			delete(p.conns, key)
		}
	}
	p.mu.Unlock()
	for _, c := range mine {
		c.close()
	}
	return nil
}

func (t *Target) drop() {
	t.mu.Lock()
	s := t.session
	t.session = nil
	t.mu.Unlock()
	if s != nil {
		s.close()
	}
}

// connected returns the session, made if need be. The making belongs to the
// pool: one caller who gives up does not spoil it for others.
func (t *Target) connected(ctx context.Context) (session, error) {
	t.mu.Lock()
	if t.session != nil && !t.session.dead() {
		s := t.session
		t.mu.Unlock()
		return s, nil
	}
	a := t.pending
	if a == nil {
		if !t.pool.begin() {
			t.mu.Unlock()
			return nil, errors.New("the connections are closed")
		}
		a = &attempt{done: make(chan struct{})}
		t.pending = a
		go func() {
			defer t.pool.work.Done()
			t.attempt(a)
		}()
	}
	t.mu.Unlock()
	select {
	case <-a.done:
		return a.session, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin counts a goroutine of the pool unless the pool is closed.
func (p *Pool) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.work.Add(1)
	return true
}

func (t *Target) attempt(a *attempt) {
	begin := time.Now()
	a.session, a.err = t.open(t.pool.ctx)
	t.mu.Lock()
	t.pending = nil
	if a.err == nil {
		t.session = a.session
	}
	t.mu.Unlock()
	t.pool.o.Log.Debug("connect", "host", t.cfg.Host, "user", t.become.User, "took", time.Since(begin), "error", a.err)
	close(a.done)
	if t.pool.ctx.Err() != nil {
		t.drop() // Close may have looked before the session was there
	}
}

func (t *Target) open(ctx context.Context) (s session, err error) {
	if t.cfg.Kind == "local" && t.become == (Become{}) {
		return newInProcess(t), nil
	}
	err = t.pool.onConn(ctx, t.cfg, func(c *sharedConn) error {
		s, err = t.boot(ctx, c)
		return err
	})
	return s, err
}
