package parallel

import (
	"context"
	"fmt"
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

// ErrLost is the cause of a lease's context when its key was lost.
var ErrLost = fmt.Errorf("lock lost: another holder may have it")

// share takes a key at its coordinator, once it is held here.
func (h *holding) share(ctx context.Context, lease *Lease, k Key, wait bool) error {
	c := h.m.options.Coordinate(k)
	if c == nil {
		return nil
	}
	if !wait {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
	}
	held, err := c.Lock(ctx, k, h.owner, func(holder string) {
		h.m.tell(Event{Kind: Waiting, Key: k.String(), Owner: h.owner, Holder: holder, Queue: 1})
	})
	if err != nil {
		return err
	}
	h.shared = append(h.shared, held)
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
		case <-held.Lost():
			cancel(ErrLost)
		case <-stop:
		}
	}()
	return nil
}
