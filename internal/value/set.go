package value

import (
	"cmp"
	"slices"
)

// Set is Python's set: distinct hashable values, in the order they came.
// It may be read by many goroutines; writing needs it to be the caller's own.
type Set struct{ m Map }

// NewSet returns a set of items.
func NewSet(items ...any) *Set {
	s := &Set{}
	for _, e := range items {
		s.Add(e)
	}
	return s
}

// Add puts e into the set.
func (s *Set) Add(e any) { s.m.Set(e, nil) }

// Has reports whether e is in the set.
func (s *Set) Has(e any) bool { return s.m.Has(e) }

// Delete takes e out and reports whether it was there.
func (s *Set) Delete(e any) bool { return s.m.Delete(e) }

// Len returns the number of elements.
func (s *Set) Len() int { return s.m.Len() }

// Items returns the elements in a slice of the caller's own.
func (s *Set) Items() []any { return s.m.Keys() }

// JSONValue is the set as a sorted list, so that it prints the same each time.
func (s *Set) JSONValue() any {
	items := s.Items()
	slices.SortStableFunc(items, func(a, b any) int {
		x, xok := a.(int)
		y, yok := b.(int)
		if xok && yok {
			return cmp.Compare(x, y)
		}
		return cmp.Compare(KeyText(a), KeyText(b))
	})
	return items
}
