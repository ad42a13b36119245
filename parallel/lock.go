package parallel

import (
	"context"
	"slices"
	"strings"
	"time"
)

// domainID names a set of keys that may overlap: a machine, or the world.
type domainID struct {
	kind Kind
	host string
}

// key is the Key of a name in the domain.
func (id domainID) key(name string) Key { return Key{Kind: id.kind, Host: id.host, Name: name} }

// domain is the keys of one machine, or all global ones. Idle domains, which
// nobody holds or waits for anything in, are kept for a while: see idle.
//
// A request takes all its names in a domain at once. Taking them one after the
// other would deadlock: A holds x and wants y, B came in between and wants all
// names; A would wait behind B, and B for A.
type domain struct {
	id      domainID
	keys    map[string]*lockState
	recent  *lockState // the one of keys that was asked for last
	whole   lockState  // the empty name, which overlaps all others
	held    int        // how many named keys are held
	users   int        // grants that are held or waited for
	number  uint64     // numbers the waiters in order of arrival
	waiting int        // waiters of named keys

	prev, next *domain // among the idle ones
}

// lockState is one key: who holds it and who waits, first come first.
type lockState struct {
	name        string
	holder      *grant
	first, last *place
	count       int
}

func (s *lockState) unused() bool { return s.holder == nil && s.first == nil }

// grant is the keys of a domain that one request holds or waits for. It is part
// of its holding, so that it costs no allocation of its own.
type grant struct {
	h      *holding
	d      *domain // nil if the request asks for nothing here
	states []*lockState
	since  time.Duration // held since, or waiting since, on the Manager's clock
	waited time.Duration
	told   bool // Acquired was told
	held   Held // where it is shared; nil elsewhere
	asking bool // held here, and not yet where it is shared; guarded by the Manager's mutex
	one    [1]*lockState
}

// all reports whether the grant is the empty name, which overlaps the others.
func (g *grant) all() bool { return g.states[0] == &g.d.whole }

// waiter is a request in line, with one place for each of its names.
type waiter struct {
	number  uint64
	grant   *grant
	places  []place
	granted bool          // guarded by the Manager's mutex
	ready   chan struct{} // closed after granted was set, outside the mutex
	one     [1]place
}

// place is a waiter's place in the line for one name.
type place struct {
	prev, next *place
	w          *waiter
}

func (s *lockState) push(p *place) {
	if s.last == nil {
		s.first, s.last = p, p
	} else {
		p.prev, s.last.next = s.last, p
		s.last = p
	}
	s.count++
}

func (s *lockState) remove(p *place) {
	if p.prev == nil {
		s.first = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		s.last = p.prev
	} else {
		p.next.prev = p.prev
	}
	s.count--
}

func (d *domain) state(name string) *lockState {
	if d.recent != nil && d.recent.name == name {
		return d.recent
	}
	s := d.keys[name]
	if s == nil {
		if d.keys == nil {
			d.keys = map[string]*lockState{}
		}
		s = &lockState{name: name}
		d.keys[name] = s
	}
	d.recent = s
	return s
}

// ask finds the keys that the hints of one kind name: sorted, each once, or
// only the empty one if it is among them, since that covers the others.
func (g *grant) ask(d *domain, hints []Hint) {
	g.d = d
	g.states = g.one[:0]
	for i := range hints {
		if hints[i].Kind != d.id.kind {
			continue
		}
		if hints[i].Name == "" {
			g.states = append(g.one[:0], &d.whole)
			return
		}
		g.states = append(g.states, d.state(hints[i].Name))
	}
	if len(g.states) > 1 {
		slices.SortFunc(g.states, func(a, b *lockState) int { return strings.Compare(a.name, b.name) })
		g.states = slices.Compact(g.states)
	}
}

// free reports whether a request that arrives now may go ahead: no holder and
// no waiter overlaps it.
func (d *domain) free(g *grant) bool {
	if !d.whole.unused() {
		return false
	}
	if g.all() {
		return d.held == 0 && d.waiting == 0
	}
	for _, s := range g.states {
		if !s.unused() {
			return false
		}
	}
	return true
}

func (d *domain) hold(g *grant, now time.Duration) {
	g.since = now
	for _, s := range g.states {
		s.holder = g
	}
	if !g.all() {
		d.held += len(g.states)
	}
}

// blocker is a holder that g waits for, with the name.
func (d *domain) blocker(g *grant) (string, *grant) {
	if d.whole.holder != nil {
		return "", d.whole.holder
	}
	if !g.all() {
		for _, s := range g.states {
			if s.holder != nil {
				return s.name, s.holder
			}
		}
		return g.states[0].name, nil
	}
	var oldest *grant
	for _, s := range d.keys {
		if s.holder != nil && (oldest == nil || s.holder.since < oldest.since) {
			oldest = s.holder
		}
	}
	return "", oldest
}

// lock takes all names of a domain that a request asks for.
func (m *Manager) lock(ctx context.Context, g *grant, id domainID, hints []Hint, wait bool) error {
	now := m.now()
	m.mu.Lock()
	d := m.domain(id)
	g.ask(d, hints)
	if d.free(g) {
		d.hold(g, now)
		m.mu.Unlock()
		return nil
	}
	if !wait {
		m.leave(g)
		m.mu.Unlock()
		return errWouldWait
	}
	w, queue := d.enqueue(g, now)
	name, b := d.blocker(g)
	if m.options.Observe == nil {
		m.mu.Unlock()
	} else {
		e := &Event{Kind: Waiting, Key: id.key(name).String(), Owner: g.h.owner, Queue: queue}
		if b != nil {
			e.Holder, e.Since = b.h.owner, m.base.Add(b.since)
		}
		m.mu.Unlock()
		m.tell(*e)
	}
	select {
	case <-w.ready:
		g.waited = m.now() - now
		return nil
	case <-ctx.Done():
		return m.giveUp(ctx, w, name)
	}
}

// giveUp ends a wait whose context has ended. name is what was waited for.
func (m *Manager) giveUp(ctx context.Context, w *waiter, name string) error {
	g := w.grant
	d := g.d
	key := d.id.key(name).String()
	m.mu.Lock()
	now := m.now()
	err := &WaitError{Key: key, Owner: g.h.owner, Waited: now - g.since, Err: context.Cause(ctx)}
	if w.granted {
		// Granted in the same moment: whoever asked has gone, so give it back.
		// ready may not be closed yet, so it cannot tell.
		m.mu.Unlock()
		m.tell(Event{Kind: Canceled, Key: key, Owner: g.h.owner, Waited: err.Waited})
		m.unlock(g)
		return err
	}
	if name, b := d.blocker(g); b != nil {
		err.Key, err.Holder, err.Held = d.id.key(name).String(), b.h.owner, now-b.since
	}
	d.dequeue(w)
	granted := d.grant(g, now) // those behind us may be able to go ahead now
	m.leave(g)
	m.mu.Unlock()
	wake(granted)
	m.tell(Event{Kind: Canceled, Key: key, Owner: g.h.owner, Waited: err.Waited})
	return err
}

// enqueue puts g at the end of its lines and returns the longest one's length.
func (d *domain) enqueue(g *grant, now time.Duration) (w *waiter, queue int) {
	d.number++
	g.since = now
	w = &waiter{number: d.number, grant: g, ready: make(chan struct{})}
	w.places = w.one[:]
	if len(g.states) > 1 {
		w.places = make([]place, len(g.states))
	}
	for i, s := range g.states {
		w.places[i].w = w
		s.push(&w.places[i])
		queue = max(queue, s.count)
	}
	if !g.all() {
		d.waiting++
	}
	return w, queue
}

// dequeue takes a waiter out of its lines.
func (d *domain) dequeue(w *waiter) {
	for i, s := range w.grant.states {
		s.remove(&w.places[i])
	}
	if !w.grant.all() {
		d.waiting--
	}
}

// unlock gives the keys of g to whoever waits for them.
func (m *Manager) unlock(g *grant) {
	m.mu.Lock()
	d := g.d
	for _, s := range g.states {
		s.holder = nil
	}
	if !g.all() {
		d.held -= len(g.states)
	}
	var granted []*waiter
	if d.users > 1 {
		granted = d.grant(g, m.now())
	}
	m.leave(g)
	m.mu.Unlock()
	wake(granted)
}

func wake(granted []*waiter) {
	for _, w := range granted {
		close(w.ready)
	}
}

// grant lets the waiters go ahead that the freeing of g's keys makes possible:
// those that nobody who holds or came earlier overlaps.
func (d *domain) grant(g *grant, now time.Duration) (out []*waiter) {
	if d.whole.holder != nil {
		return nil
	}
	if d.whole.first == nil && !g.all() {
		for _, s := range g.states { // nobody else can have waited for these
			out = d.offer(s, now, out)
		}
		return out
	}
	if d.waiting > 0 {
		for _, s := range d.keys {
			out = d.offer(s, now, out)
		}
	}
	if len(out) == 0 {
		out = d.offer(&d.whole, now, out)
	}
	return out
}

// offer lets the first in a line go ahead, if he may.
func (d *domain) offer(s *lockState, now time.Duration, out []*waiter) []*waiter {
	if s.first == nil || !d.may(s.first.w) {
		return out
	}
	w := s.first.w
	d.dequeue(w)
	d.hold(w.grant, now)
	w.granted = true
	return append(out, w)
}

// may reports whether a waiter who is first in one of his lines may go ahead.
func (d *domain) may(w *waiter) bool {
	if w.grant.all() {
		return d.held == 0 && !d.earlier(w.number)
	}
	if d.whole.first != nil && d.whole.first.w.number < w.number {
		return false
	}
	for _, s := range w.grant.states {
		if s.holder != nil || s.first.w != w {
			return false
		}
	}
	return true
}

// earlier reports whether a waiter of a named key came before number.
func (d *domain) earlier(number uint64) bool {
	if d.waiting == 0 {
		return false
	}
	for _, s := range d.keys {
		if s.first != nil && s.first.w.number < number {
			return true
		}
	}
	return false
}
