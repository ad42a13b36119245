package parallel

import (
	"context"
	"fmt"
	"time"
)

// Coordinator shares keys beyond one process. The Manager asks it only after
// the key is free here, so at most one local holder of a key reaches it.
type Coordinator interface {
	// Lock waits for the key. waiting, which may be called several times, is
	// told who holds it. The error is ctx's, or says why the key cannot be had.
	Lock(ctx context.Context, k Key, owner string, waiting func(holder string)) (Held, error)
}

// Held is a key held at a coordinator.
type Held interface {
	// Lost is closed when the key may have been given to somebody else.
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

// shareAll takes the keys of a grant at their coordinators, once they are held
// here.
func (h *holding) shareAll(ctx context.Context, lease *Lease, g *grant, wait bool) error {
	begin, waited := h.m.now(), false
	set := func(asking bool) {
		h.m.mu.Lock()
		g.asking = asking
		g.since = h.m.now()
		h.m.mu.Unlock()
	}
	set(true)
	for _, s := range g.states {
		k := g.d.id.key(s.name)
		c := h.m.options.Coordinate(k)
		if c == nil {
			continue
		}
		// It is asked even if it may not wait: ctx ends at its first word of a wait.
		ask, cancel := context.WithCancel(ctx)
		err := h.share(ask, lease, c, k, func(holder string) {
			if waited = true; !wait {
				cancel()
				return
			}
			h.m.tell(Event{Kind: Waiting, Key: k.String(), Owner: h.owner, Holder: holder, Queue: 1})
		})
		cancel()
		if err != nil {
			if waited && wait {
				h.m.tell(Event{Kind: Canceled, Key: k.String(), Owner: h.owner, Waited: h.m.now() - begin})
			}
			if waited && !wait {
				return errWouldWait
			}
			return err
		}
	}
	set(false)
	if waited {
		g.waited += h.m.now() - begin
	}
	return nil
}

func (h *holding) share(ctx context.Context, lease *Lease, c Coordinator, k Key, waiting func(holder string)) error {
	held, err := c.Lock(ctx, k, h.owner, waiting)
	if err != nil {
		return err
	}
	h.shared = append(h.shared, held)
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
