package parallel

import (
	"context"
	"slices"
	"time"
)

// domainID names a set of keys that may overlap: a machine, or the world.
type domainID struct {
	kind Kind
	host string
}

// key is the Key of a name in the domain.
func (id domainID) key(name string) Key { return Key{Kind: id.kind, Host: id.host, Name: name} }

// domain is the keys of one machine, or all global ones, that are in use. It
// is dropped when nobody holds or waits for anything in it.
//
// A request takes all its names in a domain at once. Taking them one after the
// other would deadlock: A holds x and wants y, B came in between and wants all
// names; A would wait behind B, and B for A.
type domain struct {
	id      domainID
	keys    map[string]*lockState
	whole   lockState // the empty name, which overlaps all others
	held    int       // how many named keys are held
	number  uint64    // numbers the waiters in order of arrival
	waiting int       // waiters of named keys
}

// lockState is one key: who holds it and who waits, first come first.
type lockState struct {
	holder      *grant
	first, last *place
	count       int
}

// grant is the names of a domain that one request holds.
type grant struct {
	d     *domain
	names []string
	owner string
	since time.Time
	one   [1]string
}

// waiter is a request in line, with one place for each of its names.
type waiter struct {
	number  uint64
	grant   *grant
	places  []place
	granted bool          // guarded by the Manager's mutex
	ready   chan struct{} // closed after granted was set, outside the mutex
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
	if name == "" {
		return &d.whole
	}
	s := d.keys[name]
	if s == nil {
		if d.keys == nil {
			d.keys = map[string]*lockState{}
		}
		s = &lockState{}
		d.keys[name] = s
	}
	return s
}

// free reports whether a request for names that arrives now may go ahead: no
// holder and no waiter overlaps it.
func (d *domain) free(names []string) bool {
	if d.whole.holder != nil || d.whole.first != nil {
		return false
	}
	for _, name := range names {
		if name == "" {
			return d.held == 0 && d.waiting == 0
		}
		if s := d.keys[name]; s != nil && (s.holder != nil || s.first != nil) {
			return false
		}
	}
	return true
}

func (d *domain) hold(g *grant) {
	g.since = time.Now()
	for _, name := range g.names {
		d.state(name).holder = g
		if name != "" {
			d.held++
		}
	}
}

// blocker is a holder that a request for names waits for, with the name.
func (d *domain) blocker(names []string) (string, *grant) {
	if d.whole.holder != nil {
		return "", d.whole.holder
	}
	for _, name := range names {
		if s := d.keys[name]; name != "" && s != nil && s.holder != nil {
			return name, s.holder
		}
	}
	if names[0] != "" {
		return names[0], nil
	}
	var oldest *grant
	for _, s := range d.keys {
		if s.holder != nil && (oldest == nil || s.holder.since.Before(oldest.since)) {
			oldest = s.holder
		}
	}
	return "", oldest
}

// lock takes all names of a domain that a request asks for.
func (m *Manager) lock(ctx context.Context, id domainID, names []string, owner string, wait bool) (*grant, error) {
	g := &grant{owner: owner}
	g.names = append(g.one[:0], names...)
	m.mu.Lock()
	d := m.domains[id]
	if d == nil {
		d = &domain{id: id}
		m.domains[id] = d
	}
	g.d = d
	if d.free(names) {
		d.hold(g)
		m.mu.Unlock()
		m.tellAll(Acquired, g, 0)
		return g, nil
	}
	if !wait {
		m.mu.Unlock()
		return nil, errWouldWait
	}
	d.number++
	w := &waiter{number: d.number, grant: g, ready: make(chan struct{}), places: make([]place, len(names))}
	queue := 0
	for i, name := range names {
		w.places[i].w = w
		s := d.state(name)
		s.push(&w.places[i])
		queue = max(queue, s.count)
	}
	if names[0] != "" {
		d.waiting++
	}
	begin := time.Now()
	name, b := d.blocker(names)
	e := Event{Kind: Waiting, Key: id.key(name).String(), Owner: owner, Queue: queue}
	if b != nil {
		e.Holder, e.Since = b.owner, b.since
	}
	m.mu.Unlock()
	m.tell(e)

	select {
	case <-w.ready:
	case <-ctx.Done():
		m.mu.Lock()
		if w.granted {
			// Granted in the same moment: whoever asked has gone, so give it back.
			// ready may not be closed yet, so it cannot tell.
			m.mu.Unlock()
			m.tellAll(Acquired, g, time.Since(begin))
			m.unlock(g)
			return nil, ctx.Err()
		}
		err := &WaitError{Key: e.Key, Owner: owner, Waited: time.Since(begin), Err: context.Cause(ctx)}
		if name, b := d.blocker(names); b != nil {
			err.Key, err.Holder, err.Held = id.key(name).String(), b.owner, time.Since(b.since)
		}
		d.leave(w)
		granted := d.grant(names) // those behind us may be able to go ahead now
		m.drop(d, names)
		m.mu.Unlock()
		wake(granted)
		m.tell(Event{Kind: Canceled, Key: e.Key, Owner: owner, Waited: err.Waited})
		return nil, err
	}
	waited := time.Since(begin)
	m.mu.Lock()
	m.waits.add(id.kind, waited)
	m.mu.Unlock()
	m.tellAll(Acquired, g, waited)
	return g, nil
}

func (m *Manager) tellAll(kind EventKind, g *grant, waited time.Duration) {
	if m.options.Observe == nil {
		return
	}
	for _, name := range g.names {
		m.tell(Event{Kind: kind, Key: g.d.id.key(name).String(), Owner: g.owner, Waited: waited})
	}
}

func (m *Manager) unlock(g *grant) {
	m.tellAll(Released, g, 0) // before the keys are free, so that a log never shows two holders
	m.mu.Lock()
	d := g.d
	for _, name := range g.names {
		d.state(name).holder = nil
		if name != "" {
			d.held--
		}
	}
	granted := d.grant(g.names)
	m.drop(d, g.names)
	m.mu.Unlock()
	wake(granted)
}

func wake(granted []*waiter) {
	for _, w := range granted {
		close(w.ready)
	}
}

// leave takes a waiter out of its lines.
func (d *domain) leave(w *waiter) {
	for i, name := range w.grant.names {
		d.state(name).remove(&w.places[i])
	}
	if w.grant.names[0] != "" {
		d.waiting--
	}
}

// grant lets the waiters go ahead that the freeing of names makes possible:
// those that nobody who holds or came earlier overlaps.
func (d *domain) grant(freed []string) []*waiter {
	if d.whole.holder != nil {
		return nil
	}
	var out []*waiter
	offer := func(s *lockState) {
		if s != nil && s.first != nil && d.may(s.first.w) {
			w := s.first.w
			d.leave(w)
			d.hold(w.grant)
			w.granted = true
			out = append(out, w)
		}
	}
	if d.whole.first == nil && freed[0] != "" {
		for _, name := range freed { // nobody else can have waited for these
			offer(d.keys[name])
		}
		return out
	}
	for _, s := range d.keys {
		offer(s)
	}
	if len(out) == 0 {
		offer(&d.whole)
	}
	return out
}

// may reports whether a waiter who is first in one of his lines may go ahead.
func (d *domain) may(w *waiter) bool {
	if w.grant.names[0] == "" {
		return d.held == 0 && !d.earlier(w.number)
	}
	if d.whole.first != nil && d.whole.first.w.number < w.number {
		return false
	}
	return !slices.ContainsFunc(w.grant.names, func(name string) bool {
		s := d.keys[name]
		return s.holder != nil || s.first.w != w
	})
}

// earlier reports whether a waiter of a named key came before number.
func (d *domain) earlier(number uint64) bool {
	for _, s := range d.keys {
		if s.first != nil && s.first.w.number < number {
			return true
		}
	}
	return false
}

// drop forgets keys, and the domain, that nobody holds or waits for.
func (m *Manager) drop(d *domain, names []string) {
	for _, name := range names {
		if s := d.keys[name]; s != nil && s.holder == nil && s.first == nil {
			delete(d.keys, name)
		}
	}
	if len(d.keys) == 0 && d.whole.holder == nil && d.whole.first == nil {
		delete(m.domains, d.id)
	}
}
