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
			woken := m.vacate([]*pool{p})
			m.mu.Unlock()
			callIn(woken)
			return nil, ctx.Err()
		}
		w.gone = true
		p.queue--
		m.mu.Unlock()
		return nil, &WaitError{Key: "slot:" + s.Pool, Owner: owner, Waited: time.Since(begin), Err: context.Cause(ctx)}
	}
}

// freeSlots gives the slots of a released lease back, unless they were before.
func (m *Manager) freeSlots(h *holding) {
	m.mu.Lock()
	var woken []*slotWaiter
	if !h.noSlots {
		woken = m.vacate(h.slots)
	}
	m.mu.Unlock()
	callIn(woken)
}

// freeSlotsEarly gives the slots of a lease back, if it still is the holding's.
func (m *Manager) freeSlotsEarly(l Lease) {
	m.mu.Lock()
	var woken []*slotWaiter
	if l.h.turn.Load() == l.turn && !l.h.noSlots {
		l.h.noSlots = true
		woken = m.vacate(l.h.slots)
	}
	m.mu.Unlock()
	callIn(woken)
}

func callIn(woken []*slotWaiter) {
	for _, w := range woken {
		close(w.ready)
	}
}

// vacate frees one place of each pool and returns those whose turn it is.
func (m *Manager) vacate(pools []*pool) (woken []*slotWaiter) {
	for _, p := range pools {
		p.used--
		for w := p.next(); w != nil; w = p.next() {
			if w.gone {
				continue
			}
			p.queue--
			p.used++
			w.granted = true
			woken = append(woken, w)
			break
		}
		if p.used == 0 && p.queue == 0 {
			delete(m.pools, p.name)
		}
	}
	return woken
}

// next takes the first out of the line; nil if there is none.
func (p *pool) next() *slotWaiter {
	w := p.first
	if w != nil {
		p.first = w.next
		if p.first == nil {
			p.last = nil
		}
	}
	return w
}
