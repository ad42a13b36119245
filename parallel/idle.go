package parallel

// Keys that nobody uses are forgotten, so that names used once leave nothing.
// A few are kept all the same: the same machine is asked for again and again,
// and to make and drop its key each time would cost more than the lock itself.
const (
	idleDomains = 64 // idle domains kept, the least recently used goes first
	idleKeys    = 8  // unused keys kept in one domain
)

// idle is the ring of idle domains; next of the sentinel is the oldest.
type idle struct {
	ring domain
	n    int
}

func (l *idle) add(d *domain) {
	if l.ring.next == nil {
		l.ring.prev, l.ring.next = &l.ring, &l.ring
	}
	d.prev, d.next = l.ring.prev, &l.ring
	d.prev.next, d.next.prev = d, d
	l.n++
}

func (l *idle) remove(d *domain) {
	d.prev.next, d.next.prev = d.next, d.prev
	d.prev, d.next = nil, nil
	l.n--
}

// domain finds a domain, or makes it, for one more user.
func (m *Manager) domain(id domainID) *domain {
	d := &m.global
	switch id.kind {
	case RateLimited:
		d = &m.shared
	case HostExclusive:
		d = m.machines[id.host]
		if d == nil {
			d = &domain{id: id}
			m.machines[id.host] = d
		} else if d.users == 0 {
			m.idle.remove(d)
		}
	}
	d.users++
	return d
}

// leave ends a grant's use of its domain. Keys of it that nobody uses any more
// are forgotten, beyond the few that are kept.
func (m *Manager) leave(g *grant) {
	d := g.d
	if len(d.keys) > idleKeys {
		for _, s := range g.states {
			if s != &d.whole && s.unused() {
				delete(d.keys, s.name)
				if d.recent == s {
					d.recent = nil
				}
			}
		}
	}
	if d.users--; d.users > 0 || d.id.kind != HostExclusive {
		return
	}
	m.idle.add(d)
	if m.idle.n > idleDomains {
		old := m.idle.ring.next
		m.idle.remove(old)
		delete(m.machines, old.id.host)
	}
}
