package parallel

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
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
	Time   time.Time
	Key    string // "host:web1/dpkg", "global:etcd", "rate:ec2", "slot:forks"
	Owner  string
	Holder string        // who holds the key, when Kind is Waiting
	Since  time.Time     // since when that holder holds it
	Queue  int           // how many wait for the key, this request included
	Waited time.Duration // when Kind is Acquired or Canceled
}

// Options configure a Manager.
type Options struct {
	// Observe, if set, is told of every wait, grant and release. The release of
	// a holder is told before anybody else's grant. It is called from many
	// goroutines and must not call the Manager.
	Observe func(Event)
	// Coordinate, if set, gives the coordinator with which a key is shared
	// beyond this process; nil for keys that are not shared.
	Coordinate func(key Key) Coordinator
	// Disabled switches all enforcement off. It exists to see tests fail.
	Disabled bool
}

// Manager hands out leases. It is the only place that waits. It is safe for
// concurrent use; make one with New.
type Manager struct {
	options Options

	mu      sync.Mutex
	domains map[domainID]*domain
	pools   map[string]*pool
	rates   map[string]*limiter
	waits   waitTotals
}

// New returns a Manager.
func New(o Options) *Manager {
	return &Manager{options: o, domains: map[domainID]*domain{}, pools: map[string]*pool{}, rates: map[string]*limiter{}}
}

// Key names one thing that can be held.
type Key struct {
	Kind Kind
	Host string // the machine of a HostExclusive key
	Name string // resource, name or rate key
}

// String gives the form in which events and documents show keys.
func (k Key) String() string {
	switch k.Kind {
	case HostExclusive:
		if k.Name == "" {
			return "host:" + k.Host
		}
		return "host:" + k.Host + "/" + k.Name
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
	ctx context.Context
	h   *holding
}

// holding is what a lease holds until it is released.
type holding struct {
	m      *Manager
	once   sync.Once
	grants []*grant
	slots  []*pool
	owner  string
	cancel context.CancelCauseFunc
	shared []Held
	one    [1]*grant // so that one key costs one allocation less
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
		l.h.once.Do(l.h.release)
	}
}

func (h *holding) release() {
	for i := len(h.shared) - 1; i >= 0; i-- {
		h.shared[i].Unlock()
	}
	if h.cancel != nil {
		h.cancel(context.Canceled)
	}
	for _, p := range h.slots {
		h.m.freeSlot(p, h.owner)
	}
	for i := len(h.grants) - 1; i >= 0; i-- {
		h.m.unlock(h.grants[i])
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
	return m.acquire(ctx, r, true)
}

// TryAcquire is Acquire without waiting: ok is false if the request would have
// had to wait.
func (m *Manager) TryAcquire(ctx context.Context, r Request) (lease Lease, ok bool, err error) {
	if len(r.Slots) == 0 && unlimited(r.Hints) {
		return Lease{ctx: ctx}, true, nil
	}
	lease, err = m.acquire(ctx, r, false)
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
	for i := range hints {
		if hints[i].Kind != FullyParallel {
			return false
		}
	}
	return true
}

func (m *Manager) acquire(ctx context.Context, r Request, wait bool) (Lease, error) {
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
	h := &holding{m: m, owner: r.Owner}
	h.grants = h.one[:0]
	lease := Lease{ctx: ctx, h: h}
	// Global names first, then those of the machine, each set at once: nobody who
	// holds a machine's names waits for global ones, so nobody waits in a circle.
	var buf [2]string
	for _, kind := range [...]Kind{GlobalExclusive, HostExclusive} {
		names := exclusive(r.Hints, kind, buf[:0])
		if len(names) == 0 {
			continue
		}
		id := domainID{kind: kind}
		if kind == HostExclusive {
			id.host = r.Host
		}
		g, err := m.lock(ctx, id, names, r.Owner, wait)
		if err != nil {
			lease.Release()
			return Lease{}, err
		}
		h.grants = append(h.grants, g)
		if m.options.Coordinate == nil {
			continue
		}
		for _, name := range names {
			if err := h.share(ctx, &lease, id.key(name), wait); err != nil {
				lease.Release()
				return Lease{}, err
			}
		}
	}
	for _, s := range r.Slots {
		p, err := m.takeSlot(ctx, s, r.Owner, wait)
		if err != nil {
			lease.Release()
			return Lease{}, err
		}
		h.slots = append(h.slots, p)
	}
	for _, hint := range r.Hints {
		if hint.Kind != RateLimited {
			continue
		}
		if err := m.takeToken(ctx, hint, r.Owner, wait); err != nil {
			lease.Release()
			return Lease{}, err
		}
	}
	return lease, nil
}

// exclusive lists the names that a request asks for of one kind, sorted and
// without those that the empty name covers.
func exclusive(hints []Hint, kind Kind, names []string) []string {
	for _, h := range hints {
		if h.Kind != kind {
			continue
		}
		if h.Name == "" {
			return append(names[:0], "")
		}
		names = append(names, h.Name)
	}
	if len(names) < 2 {
		return names
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (m *Manager) tell(e Event) {
	if m.options.Observe != nil {
		e.Time = time.Now()
		m.options.Observe(e)
	}
}
