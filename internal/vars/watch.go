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
