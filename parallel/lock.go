package parallel

import (
	"context"
	"time"
)

// domainID names a set of keys that may overlap: a machine, or the world.
type domainID struct {
	kind Kind
	host string
}

// domain is the keys of one machine, or all global ones, that are in use. It
// is dropped when nobody holds or waits for anything in it.
type domain struct {
	id    domainID
	keys  map[string]*lockState
	whole lockState // the empty name, which overlaps all others
	held  int       // how many named keys are held
	queue uint64    // numbers the waiters of the domain in order of arrival
	// namedWaiting counts the waiters of named keys.
	namedWaiting int
}

// lockState is one key: who holds it and who waits.
type lockState struct {
	holder *grant
	first  *waiter
	last   *waiter
	count  int
}

// grant is one key held by one request.
type grant struct {
	d     *domain
	name  string
	owner string
	since time.Time
}

type waiter struct {
	prev, next *waiter
	number     uint64
	name       string
	grant      *grant
	ready      chan struct{}
}

func (s *lockState) push(w *waiter) {
	if s.last == nil {
		s.first, s.last = w, w
	} else {
		w.prev, s.last.next = s.last, w
		s.last = w
	}
	s.count++
}

func (s *lockState) remove(w *waiter) {
	if w.prev == nil {
		s.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		s.last = w.prev
	} else {
		w.next.prev = w.prev
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

// free reports whether a request for name that arrives now may go ahead: no
// holder and no waiter overlaps it.
func (d *domain) free(name string) bool {
	if d.whole.holder != nil || d.whole.first != nil {
		return false
	}
	if name == "" {
		return d.held == 0 && d.namedWaiting == 0
	}
	s := d.keys[name]
	return s == nil || s.holder == nil && s.first == nil
}

func (d *domain) hold(name string, g *grant) {
	d.state(name).holder = g
	if name != "" {
		d.held++
	}
}

// blocker is the holder that a request for name waits for.
func (d *domain) blocker(name string) *grant {
	if d.whole.holder != nil {
		return d.whole.holder
	}
	if name != "" {
		if s := d.keys[name]; s != nil && s.holder != nil {
			return s.holder
		}
		return nil
	}
	var oldest *grant
	for _, s := range d.keys {
		if s.holder != nil && (oldest == nil || s.holder.since.Before(oldest.since)) {
			oldest = s.holder
		}
	}
	return oldest
}

func (m *Manager) lock(ctx context.Context, k Key, owner string, wait bool) (*grant, error) {
	id := domainID{k.Kind, k.Host}
	g := &grant{name: k.Name, owner: owner}
	m.mu.Lock()
	d := m.domains[id]
	if d == nil {
		d = &domain{id: id}
		m.domains[id] = d
	}
	g.d = d
	if d.free(k.Name) {
		g.since = time.Now()
		d.hold(k.Name, g)
		m.mu.Unlock()
		if m.options.Observe != nil {
			m.tell(Event{Kind: Acquired, Key: k.String(), Owner: owner})
		}
		return g, nil
	}
	if !wait {
		m.mu.Unlock()
		return nil, errWouldWait
	}
	d.queue++
	w := &waiter{number: d.queue, name: k.Name, grant: g, ready: make(chan struct{})}
	s := d.state(k.Name)
	s.push(w)
	if k.Name != "" {
		d.namedWaiting++
	}
	begin := time.Now()
	e := Event{Kind: Waiting, Key: k.String(), Owner: owner, Queue: s.count}
	if b := d.blocker(k.Name); b != nil {
		e.Holder, e.Since = b.owner, b.since
	}
	m.mu.Unlock()
	m.tell(e)

	select {
	case <-w.ready:
	case <-ctx.Done():
		m.mu.Lock()
		select {
		case <-w.ready:
			// Granted in the same moment: whoever asked has gone, so give it back.
			m.mu.Unlock()
			m.tell(Event{Kind: Acquired, Key: k.String(), Owner: owner, Waited: time.Since(begin)})
			m.unlock(g)
			return nil, ctx.Err()
		default:
		}
		err := &WaitError{Key: k.String(), Owner: owner, Waited: time.Since(begin), Err: context.Cause(ctx)}
		if b := d.blocker(k.Name); b != nil {
			err.Holder, err.Held = b.owner, time.Since(b.since)
		}
		s.remove(w)
		if k.Name != "" {
			d.namedWaiting--
		}
		granted := d.grant() // those behind us may be able to go ahead now
		m.drop(d, k.Name)
		m.mu.Unlock()
		wake(granted)
		m.tell(Event{Kind: Canceled, Key: k.String(), Owner: owner, Waited: err.Waited})
		return nil, err
	}
	waited := time.Since(begin)
	m.mu.Lock()
	m.waits.add(k.Kind, waited)
	m.mu.Unlock()
	m.tell(Event{Kind: Acquired, Key: k.String(), Owner: owner, Waited: waited})
	return g, nil
}

func (m *Manager) unlock(g *grant) {
	if m.options.Observe != nil {
		// Told before the key is free, so that a log never shows two holders.
		m.tell(Event{Kind: Released, Key: Key{Kind: g.d.id.kind, Host: g.d.id.host, Name: g.name}.String(), Owner: g.owner})
	}
	m.mu.Lock()
	d := g.d
	s := d.state(g.name)
	s.holder = nil
	if g.name != "" {
		d.held--
	}
	granted := d.grantAfter(g.name)
	m.drop(d, g.name)
	m.mu.Unlock()
	wake(granted)
}

func wake(granted []*waiter) {
	for _, w := range granted {
		close(w.ready)
	}
}

// grantAfter hands on the key that was just let go.
func (d *domain) grantAfter(name string) []*waiter {
	if name != "" && d.whole.first == nil {
		s := d.keys[name]
		if s == nil || s.first == nil || s.holder != nil || d.whole.holder != nil {
			return nil
		}
		return []*waiter{d.take(s)}
	}
	return d.grant()
}

// grant lets every waiter go ahead that nobody who holds or came earlier
// overlaps.
func (d *domain) grant() []*waiter {
	var out []*waiter
	if d.whole.holder != nil {
		return nil
	}
	limit := ^uint64(0) // named waiters behind the first whole waiter have to wait
	if d.whole.first != nil {
		limit = d.whole.first.number
	}
	for _, s := range d.keys {
		if s.holder == nil && s.first != nil && s.first.number < limit {
			out = append(out, d.take(s))
		}
	}
	if len(out) == 0 && d.whole.first != nil && d.held == 0 && !d.earlierNamed(limit) {
		out = append(out, d.take(&d.whole))
	}
	return out
}

func (d *domain) earlierNamed(limit uint64) bool {
	for _, s := range d.keys {
		if s.first != nil && s.first.number < limit {
			return true
		}
	}
	return false
}

func (d *domain) take(s *lockState) *waiter {
	w := s.first
	s.remove(w)
	if w.name != "" {
		d.namedWaiting--
	}
	w.grant.since = time.Now()
	d.hold(w.name, w.grant)
	return w
}

// drop forgets a key, and its domain, that nobody holds or waits for.
func (m *Manager) drop(d *domain, name string) {
	if name != "" {
		if s := d.keys[name]; s != nil && s.holder == nil && s.first == nil {
			delete(d.keys, name)
		}
	}
	if len(d.keys) == 0 && d.whole.holder == nil && d.whole.first == nil {
		delete(m.domains, d.id)
	}
}
