package parallel

import (
	"context"
	"time"
)

// pool is a number of places, given out in order of arrival.
type pool struct {
	name  string
	size  int
	used  int
	first *slotWaiter
	last  *slotWaiter
	queue int
}

type slotWaiter struct {
	next    *slotWaiter
	granted bool          // guarded by the Manager's mutex, as is gone
	gone    bool          // gave up; skipped when its turn comes
	ready   chan struct{} // closed after granted was set, outside the mutex
}

func (m *Manager) takeSlot(ctx context.Context, s Slot, owner string, wait bool) (*pool, error) {
	m.mu.Lock()
	p := m.pools[s.Pool]
	if p == nil {
		p = &pool{name: s.Pool, size: max(1, s.Size)}
		m.pools[s.Pool] = p
	}
	p.size = min(p.size, max(1, s.Size))
	if p.used < p.size && p.queue == 0 {
		p.used++
		m.mu.Unlock()
		return p, nil
	}
	if !wait {
		m.mu.Unlock()
		return nil, errWouldWait
	}
	w := &slotWaiter{ready: make(chan struct{})}
	if p.last == nil {
		p.first = w
	} else {
		p.last.next = w
	}
	p.last = w
	p.queue++
	begin := time.Now()
	m.mu.Unlock()
	select {
	case <-w.ready:
		return p, nil
	case <-ctx.Done():
		m.mu.Lock()
		if w.granted { // in the same moment
			m.mu.Unlock()
			m.freeSlot(p)
			return nil, ctx.Err()
		}
		w.gone = true
		p.queue--
		m.mu.Unlock()
		return nil, &WaitError{Key: "slot:" + s.Pool, Owner: owner, Waited: time.Since(begin), Err: context.Cause(ctx)}
	}
}

func (m *Manager) freeSlot(p *pool) {
	m.mu.Lock()
	p.used--
	var woken *slotWaiter
	for p.first != nil && woken == nil {
		w := p.first
		p.first = w.next
		if p.first == nil {
			p.last = nil
		}
		if !w.gone {
			p.queue--
			p.used++
			w.granted = true
			woken = w
		}
	}
	if p.used == 0 && p.queue == 0 {
		delete(m.pools, p.name)
	}
	m.mu.Unlock()
	if woken != nil {
		close(woken.ready)
	}
}
