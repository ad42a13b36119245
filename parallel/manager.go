package parallel

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Request is what a piece of work asks for.
type Request struct {
	// Host is the machine the work runs on: the key of HostExclusive hints.
	Host string
	// Hints say what the work may overlap with.
	Hints []Hint
	// Slots are counted places that the work takes besides.
	Slots []Slot
	// Owner says who asks, for those who wait: "web1: Install nginx".
	Owner string
}

// Slot is one of Size places of a pool, such as the forks of a run.
type Slot struct {
	Pool string
	Size int // at least 1; the smallest size ever asked for holds
}

// EventKind says what happened to a key.
type EventKind uint8

// What an Observer is told.
const (
	Waiting  EventKind = iota + 1 // a request begins to wait
	Acquired                      // a request was granted
	Released                      // a holder let go
	Canceled                      // a request stopped waiting
)

// String names the kind.
func (k EventKind) String() string {
	return [...]string{"", "wait", "acquire", "release", "cancel"}[k]
}

// Event is one step of one request on one key.
type Event struct {
	Kind   EventKind
	Time   time.Time // of a token: when it was due, not when the work got going
	Key    string    // "host:web1/dpkg", "global:etcd", "rate:ec2", "slot:forks"
	Owner  string
	Holder string        // who holds the key, when Kind is Waiting
	Since  time.Time     // since when that holder holds it
	Queue  int           // how many wait for the key, this request included
	Waited time.Duration // when Kind is Acquired or Canceled

	// Rate and Burst are those in force for a rate key, when Kind is Acquired.
	Rate  float64
	Burst int
}

// Options configure a Manager.
type Options struct {
	// Observe, if set, is told of every wait, grant and release. The release of
	// a holder is told before anybody else's grant. It is called from many
	// goroutines and must not call the Manager.
	Observe func(Event)
	// Coordinate, if set, gives the coordinator with which a key is shared
	// beyond this process; nil for keys that are not shared. All keys of one
	// machine have the same one, and so have all global keys.
	Coordinate func(key Key) Coordinator
	// Disabled switches all enforcement off. It exists to see tests fail.
	Disabled bool
}

// Manager hands out leases. It is the only place that waits. It is safe for
// concurrent use; make one with New.
type Manager struct {
	options Options
	base    time.Time // zero of the clock that ages are kept on

	mu       sync.Mutex
	machines map[string]*domain
	global   domain // the global names
	shared   domain // the lines for rates that are shared beyond this process
	idle     idle   // machines whose keys nobody uses
	pools    map[string]*pool
	rates    map[string]*limiter
	waits    waitTotals
	sweeper  *time.Timer // runs while there are rates

	spare sync.Pool // holdings for the next requests
}

// New returns a Manager.
func New(o Options) *Manager {
	return &Manager{
		options: o, base: time.Now(),
		machines: map[string]*domain{}, pools: map[string]*pool{}, rates: map[string]*limiter{},
		global: domain{id: domainID{kind: GlobalExclusive}}, shared: domain{id: domainID{kind: RateLimited}},
	}
}

// Key names one thing that can be held.
type Key struct {
	Kind Kind
	Host string // the machine of a HostExclusive key
	Name string // resource, name or rate key
}

// String gives the form in which events and documents show keys. A slash parts
// machine and resource; one in a machine's name becomes a colon.
func (k Key) String() string {
	switch k.Kind {
	case HostExclusive:
		host := k.Host
		if strings.Contains(host, "/") {
			host = strings.ReplaceAll(host, "/", ":")
		}
		if k.Name == "" {
			return "host:" + host
		}
		return "host:" + host + "/" + k.Name
	case GlobalExclusive:
		if k.Name == "" {
			return "global"
		}
		return "global:" + k.Name
	}
	return "rate:" + k.Name
}

// Lease is the right to do the work that was asked for. The zero Lease holds
// nothing. It may be copied; Release may be called often and from anywhere.
type Lease struct {
	ctx  context.Context
	h    *holding
	turn uint64 // of the holding, which serves one lease after the other
}

// holding is what a lease holds until it is released. It then serves another
// lease: to make one for each would cost more than the lock itself.
type holding struct {
	m      *Manager
	turn   atomic.Uint64 // of the lease that it serves; counted up by its release
	owner  string
	first  grant
	second *grant                  // of a request for keys of both kinds, which is rare
	cancel context.CancelCauseFunc // if keys are shared

	slots   []*pool // set before the lease is given out
	oneSlot [1]*pool
	noSlots bool // they were given back before the rest; guarded by the Manager's mutex
}

// Context is the context under which the work has to run. It ends with the
// request's context, and when the lease is lost.
func (l Lease) Context() context.Context {
	if l.ctx == nil {
		return context.Background()
	}
	return l.ctx
}

// Release gives everything back.
func (l Lease) Release() {
	if l.h != nil {
		l.h.release(l.turn)
	}
}

// ReleaseSlots gives the slots back and keeps the keys: for work that goes on
// elsewhere, or turns out to wait for something that the Manager does not know.
func (l Lease) ReleaseSlots() {
	if l.h != nil {
		l.h.m.freeSlotsEarly(l)
	}
}

// release gives back what the holding holds, if it still serves that turn.
func (h *holding) release(turn uint64) {
	if !h.turn.CompareAndSwap(turn, turn+1) {
		return
	}
	// Told before the keys are free, so that a log never shows two holders.
	if h.second != nil {
		h.tellReleased(h.second)
	}
	h.tellReleased(&h.first)
	if h.second != nil && h.second.held != nil {
		h.second.held.Unlock()
	}
	if h.first.held != nil {
		h.first.held.Unlock()
	}
	if h.cancel != nil {
		h.cancel(context.Canceled)
	}
	if len(h.slots) > 0 {
		h.m.freeSlots(h)
	}
	if h.second != nil && h.second.d != nil {
		h.m.unlock(h.second)
	}
	if h.first.d != nil {
		h.m.unlock(&h.first)
	}
	h.m.recycle(h)
}

// holding finds one for a new lease.
func (m *Manager) holding(owner string) *holding {
	h, _ := m.spare.Get().(*holding)
	if h == nil {
		h = &holding{m: m}
	}
	h.owner = owner
	return h
}

// recycle keeps a holding whose lease was released and that nobody refers to
// but leases of former turns. What shared keys remains referred to for longer.
func (m *Manager) recycle(h *holding) {
	if h.cancel != nil || h.first.held != nil || h.second != nil {
		return
	}
	h.owner, h.first, h.slots, h.oneSlot, h.noSlots = "", grant{}, nil, [1]*pool{}, false
	m.spare.Put(h)
}

func (h *holding) tellAcquired(g *grant) {
	g.told = true
	if h.m.options.Observe == nil {
		return
	}
	for _, s := range g.states {
		h.m.tell(Event{Kind: Acquired, Key: g.d.id.key(s.name).String(), Owner: h.owner, Waited: g.waited})
	}
}

func (h *holding) tellReleased(g *grant) {
	if h.m.options.Observe == nil || !g.told {
		return
	}
	for _, s := range g.states {
		h.m.tell(Event{Kind: Released, Key: g.d.id.key(s.name).String(), Owner: h.owner})
	}
}

// WaitError tells that a context ended while a request waited.
type WaitError struct {
	Key    string
	Owner  string
	Holder string // "" if nobody held the key (a rate)
	Held   time.Duration
	Waited time.Duration
	Err    error // the context's
}

// Error names the key, the holder and for how long both have been at it.
func (e *WaitError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "gave up waiting for %s after %s", e.Key, e.Waited.Round(time.Millisecond))
	if e.Holder != "" {
		fmt.Fprintf(&b, ", held by %s for %s", e.Holder, e.Held.Round(time.Millisecond))
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

// Unwrap returns the context's error.
func (e *WaitError) Unwrap() error { return e.Err }

// Acquire waits until the request may go ahead. The error is a *WaitError if
// ctx ends first, or says what is wrong with the hints.
func (m *Manager) Acquire(ctx context.Context, r Request) (Lease, error) {
	if len(r.Slots) == 0 && unlimited(r.Hints) {
		return Lease{ctx: ctx}, ctx.Err()
	}
	return m.acquire(ctx, &r, true)
}

// TryAcquire is Acquire without waiting: ok is false if the request would have
// had to wait.
func (m *Manager) TryAcquire(ctx context.Context, r Request) (lease Lease, ok bool, err error) {
	if len(r.Slots) == 0 && unlimited(r.Hints) {
		return Lease{ctx: ctx}, true, nil
	}
	lease, err = m.acquire(ctx, &r, false)
	if err == errWouldWait {
		return Lease{}, false, nil
	}
	return lease, err == nil, err
}

var errWouldWait = fmt.Errorf("parallel: the request would have to wait")

// Do runs work under a lease and releases it however the work ends, by a
// panic too.
func (m *Manager) Do(ctx context.Context, r Request, work func(ctx context.Context) error) error {
	lease, err := m.Acquire(ctx, r)
	if err != nil {
		return err
	}
	defer lease.Release()
	return work(lease.Context())
}

func unlimited(hints []Hint) bool {
	for len(hints) > 0 && hints[0].Kind == FullyParallel {
		hints = hints[1:]
	}
	return len(hints) == 0
}

func (m *Manager) acquire(ctx context.Context, r *Request, wait bool) (Lease, error) {
	for _, h := range r.Hints {
		if err := h.Validate(); err != nil {
			return Lease{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return Lease{}, err
	}
	if m.options.Disabled {
		return Lease{ctx: ctx}, nil
	}
	lease := Lease{ctx: ctx}
	if len(r.Slots) > 0 || exclusive(r.Hints) {
		lease.h = m.holding(r.Owner)
		lease.turn = lease.h.turn.Load()
	}
	if err := m.fill(ctx, &lease, r, wait); err != nil {
		lease.Release()
		return Lease{}, err
	}
	return lease, nil
}

// fill takes what a request asks for, in the one order that all follow: global
// names, then those of the machine, each set at once, then slots, then tokens.
// Nobody who holds a machine's names waits for global ones, so nobody waits in
// a circle.
func (m *Manager) fill(ctx context.Context, lease *Lease, r *Request, wait bool) error {
	h := lease.h
	for i := range r.Hints {
		if r.Hints[i].Kind == GlobalExclusive {
			if err := m.exclude(ctx, lease, &h.first, domainID{kind: GlobalExclusive}, r.Hints, wait); err != nil {
				return err
			}
			break
		}
	}
	for i := range r.Hints {
		if r.Hints[i].Kind == HostExclusive {
			g := &h.first
			if g.d != nil {
				h.second = &grant{}
				g = h.second
			}
			if err := m.exclude(ctx, lease, g, domainID{kind: HostExclusive, host: r.Host}, r.Hints, wait); err != nil {
				return err
			}
			break
		}
	}
	for _, s := range r.Slots {
		if h.slots == nil {
			h.slots = h.oneSlot[:0]
		}
		p, err := m.takeSlot(ctx, s, r.Owner, wait)
		if err != nil {
			return err
		}
		h.slots = append(h.slots, p)
	}
	for i := range r.Hints {
		if r.Hints[i].Kind == RateLimited {
			if err := m.takeToken(ctx, r.Hints[i], r.Owner, wait); err != nil {
				return err
			}
		}
	}
	return nil
}

// exclusive reports whether any hint names a key that can be held.
func exclusive(hints []Hint) bool {
	for i := range hints {
		if hints[i].Kind == HostExclusive || hints[i].Kind == GlobalExclusive {
			return true
		}
	}
	return false
}

// exclude takes all keys of one kind, here and then where they are shared.
func (m *Manager) exclude(ctx context.Context, lease *Lease, g *grant, id domainID, hints []Hint, wait bool) error {
	g.h = lease.h
	if err := m.lock(ctx, g, id, hints, wait); err != nil {
		g.d = nil
		return err
	}
	if m.options.Coordinate != nil {
		if err := lease.h.share(ctx, lease, g, wait); err != nil {
			return err
		}
	}
	if g.waited > 0 {
		m.mu.Lock()
		m.waits.add(id.kind, g.waited)
		m.mu.Unlock()
	}
	lease.h.tellAcquired(g)
	return nil
}

// now reads the clock once; time.Now would read two.
func (m *Manager) now() time.Duration { return time.Since(m.base) }

func (m *Manager) tell(e Event) {
	if m.options.Observe != nil {
		if e.Time.IsZero() {
			e.Time = time.Now()
		}
		m.options.Observe(e)
	}
}
