package parallel

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Coordinator shares keys beyond one process. The Manager asks it only after
// the keys are free here, so at most one local holder of a key reaches it.
type Coordinator interface {
	// Lock waits for keys: all that a request wants of one machine, or all global
	// ones, sorted, and alone if it is the one with the empty name. It takes them
	// at once: one after the other, two requests could wait for each other, with
	// a third in between that wants the empty name. waiting, which may be called
	// several times, is told who holds which of them. ctx bounds the wait alone.
	// The error is ctx's, or says why the keys cannot be had.
	Lock(ctx context.Context, keys []Key, owner string, waiting func(k Key, holder string)) (Held, error)
}

// Held are keys held at a coordinator.
type Held interface {
	// Lost is closed when one may have been given to somebody else; nil if that
	// cannot be.
	Lost() <-chan struct{}
	// Unlock lets go; it may be called often.
	Unlock()
}

// Pacer is a Coordinator that shares rates as well.
type Pacer interface {
	Coordinator
	// Reserve takes the next token of a RateLimited hint at once and returns in
	// how long it is due (0: now) and the rate in force. waited is how long the
	// caller has been in line for it, see Lateness. A Manager has at most one
	// token of a key reserved that is not due yet. cancel gives the token back,
	// unless somebody has reserved a later one.
	Reserve(h Hint, waited time.Duration) (in time.Duration, rate float64, cancel func(), err error)
	// Throttled is Manager.Throttled for everybody.
	Throttled(name string)
}

// takeShared takes a token of a rate that is shared beyond this process. Those
// who wait here stand in one line, of which only the first reserves.
func (m *Manager) takeShared(ctx context.Context, p Pacer, h Hint, owner string, wait bool) error {
	key := Key{Kind: RateLimited, Name: h.Name}.String()
	begin := time.Now()
	g := &grant{h: &holding{m: m, owner: owner}}
	if err := m.lock(ctx, g, domainID{kind: RateLimited}, []Hint{h}, wait); err != nil {
		return err
	}
	defer m.unlock(g)
	in, rate, cancel, err := p.Reserve(h, time.Since(begin))
	if err != nil {
		return err
	}
	at := time.Now().Add(in)
	if in > 0 {
		if !wait {
			cancel()
			return errWouldWait
		}
		if g.waited == 0 {
			m.tell(Event{Kind: Waiting, Key: key, Owner: owner, Queue: 1})
		}
		due := time.NewTimer(in)
		defer due.Stop()
		select {
		case <-due.C:
		case <-ctx.Done():
			cancel()
			waited := time.Since(begin)
			m.tell(Event{Kind: Canceled, Key: key, Owner: owner, Waited: waited})
			return &WaitError{Key: key, Owner: owner, Waited: waited, Err: context.Cause(ctx)}
		}
	}
	waited := time.Duration(0) // both halves: in line, and until it was due
	if in > 0 || g.waited > 0 {
		waited = time.Since(begin)
		m.mu.Lock()
		m.waits.add(RateLimited, waited)
		m.mu.Unlock()
	}
	m.tell(Event{Kind: Acquired, Time: at, Key: key, Owner: owner, Waited: waited, Rate: rate, Burst: h.Burst})
	return nil
}

// ErrLost is the cause of a lease's context when its key was lost.
var ErrLost = fmt.Errorf("lock lost: another holder may have it")

// share takes the keys of a grant at their coordinator, once they are held here.
func (h *holding) share(ctx context.Context, lease *Lease, g *grant, wait bool) error {
	keys := make([]Key, len(g.states))
	for i, s := range g.states {
		keys[i] = g.d.id.key(s.name)
	}
	c := h.m.options.Coordinate(keys[0])
	if c == nil {
		return nil
	}
	asking := func(now bool) {
		h.m.mu.Lock()
		g.asking, g.since = now, h.m.now()
		h.m.mu.Unlock()
	}
	asking(true)
	begin := h.m.now()
	var waited atomic.Pointer[Key] // what was waited for last
	owner := h.owner               // the holding may serve somebody else by the time a late word comes
	// It is asked even if it may not wait: ask ends at its first word of a wait.
	ask, stopAsking := context.WithCancel(ctx)
	defer stopAsking()
	held, err := c.Lock(ask, keys, owner, func(k Key, holder string) {
		waited.Store(&k)
		if !wait {
			stopAsking()
			return
		}
		h.m.tell(Event{Kind: Waiting, Key: k.String(), Owner: owner, Holder: holder, Queue: 1})
	})
	k := waited.Load()
	switch {
	case err != nil && k != nil && !wait:
		return errWouldWait
	case err != nil:
		if k != nil {
			h.m.tell(Event{Kind: Canceled, Key: k.String(), Owner: h.owner, Waited: h.m.now() - begin})
		}
		return err
	case k != nil:
		g.waited += h.m.now() - begin
	}
	asking(false)
	g.held = held
	lost := held.Lost()
	if lost == nil { // it never is
		return nil
	}
	work, cancel := context.WithCancelCause(lease.ctx)
	if h.cancel != nil {
		inner := h.cancel
		outer := cancel
		cancel = func(err error) { outer(err); inner(err) }
	}
	h.cancel, lease.ctx = cancel, work
	stop := work.Done()
	go func() { // ends with the lease: release cancels work
		select {
		case <-lost:
			cancel(ErrLost)
		case <-stop:
		}
	}()
	return nil
}
