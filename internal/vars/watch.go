package vars

import (
	"slices"

	"github.com/tutti-run/tutti/internal/value"
)

// Watch is a scope that takes note of what is looked up in it. It belongs to one
// goroutine.
type Watch struct {
	*Scope
	// Told is set once a variable was used that may hold the text of somebody else
	// than the user, of a target or of a lookup, or text that he calls unsafe.
	Told bool
}

// Lookup is that of the scope.
func (w *Watch) Lookup(name string) (any, bool) {
	v, ok := w.Scope.Lookup(name)
	switch name {
	case "lookup", "query", "q", "vars", "hostvars":
		w.Told = true
	default:
		own := notUnsafe
		if w.told(name) {
			own = written
		}
		w.Told = w.Told || ok && !value.EveryText(v, own)
	}
	return v, ok
}

func written(class string) bool   { return class == "AnsibleUnicode" }
func notUnsafe(class string) bool { return class != "AnsibleUnsafeText" }

// told reports whether a variable is one whose values are made by a run: an item
// of a loop, what an include or a role is given, a fact, or what set_fact,
// register or include_vars keep.
func (s *Scope) told(name string) bool {
	for _, m := range slices.Concat(s.top, s.tasks.params) {
		if m.Has(name) {
			return true
		}
	}
	if s.stored == nil {
		return false
	}
	if _, ok := s.stored.lookup(name); ok {
		return true
	}
	_, ok := s.fact(name)
	return ok
}

// Foreign is a scope that takes note of whether text of somebody else than the user
// is looked up in it: of a target or a lookup. It belongs to one goroutine.
//
// It knows more than Watch of where values come from, since a condition is refused
// for it, and costs less, as it does not look at each text.
type Foreign struct {
	*Scope
	// Told are variables of the scope's innermost layers with such text.
	Told []string
	// Marked tells that text that is marked unsafe counts, too.
	Marked bool
	// Others tells that all that hostvars holds counts.
	Others bool
	// Seen is set once such text was looked up.
	Seen bool
	// Noted are the names given to Note.
	Noted map[string]bool
}

// Note keeps a name for what has been looked up, and begins anew.
func (f *Foreign) Note(name string) {
	if f.Noted == nil {
		f.Noted = map[string]bool{}
	}
	f.Noted[name], f.Seen = true, false
}

// Lookup is that of the scope.
func (f *Foreign) Lookup(name string) (any, bool) {
	v, ok := f.Scope.Lookup(name)
	if ok && !f.Seen {
		f.Seen = name == "vars" || name == "hostvars" && f.Others || (slices.Contains(f.Told, name) || f.foreign(name)) && hasText(v) ||
			f.Marked && !value.EveryText(v, notUnsafe)
	}
	if h, is := v.(hostvars); is {
		h.seen = f
		return h, ok
	}
	return v, ok
}

// foreign reports whether a variable was told by a target.
func (s *Scope) foreign(name string) bool {
	for _, m := range slices.Concat(s.top, s.tasks.params) {
		if v, ok := m.Get(name); ok { // the item of a loop may have come along with an include
			return name == "ansible_delegated_vars" || !value.EveryText(v, notUnsafe)
		}
	}
	if s.stored != nil {
		if _, ok := s.stored.lookup(name); ok {
			s.stored.mu.RLock()
			defer s.stored.mu.RUnlock()
			return s.stored.foreign[name]
		}
		if _, ok := s.fact(name); ok {
			return true
		}
	}
	if s.host == nil {
		return false
	}
	_, ok := s.m.added.Load(addedVar{s.host.Name, name})
	return ok
}

func hasText(v any) bool {
	return !value.EveryText(v, func(string) bool { return false })
}
