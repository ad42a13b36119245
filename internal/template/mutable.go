package template

import (
	"github.com/tutti-run/tutti/internal/value"
)

// thaw copies v deeply into what methods may change.
func thaw(v any) any {
	switch v := v.(type) {
	case []any:
		l := &List{make([]any, len(v))}
		for i, e := range v {
			l.Items[i] = thaw(e)
		}
		return l
	case value.Tuple:
		t := make(value.Tuple, len(v))
		for i, e := range v {
			t[i] = thaw(e)
		}
		return t
	case *value.Set:
		return value.NewSet(v.Items()...)
	case *value.Map:
		m := value.NewMap(v.Len())
		for k, e := range v.All() {
			m.Set(k, thaw(e))
		}
		return m
	}
	return v
}

// adopt makes a value that a filter or lookup returned fit for changes: lists
// become Lists, and what is already the template's own keeps its identity.
func (f *frame) adopt(v any) any {
	if !f.r.mutable {
		return v
	}
	switch v := v.(type) {
	case []any:
		l := &List{make([]any, len(v))}
		for i, e := range v {
			l.Items[i] = f.adopt(e)
		}
		return l
	case *value.Map:
		if !holdsRaw(v) {
			return v
		}
		m := value.NewMap(v.Len())
		for k, e := range v.All() {
			m.Set(k, f.adopt(e))
		}
		return m
	}
	return v
}

// holdsRaw reports whether v holds a plain list, which cannot be changed.
func holdsRaw(v any) bool {
	switch v := v.(type) {
	case []any:
		return true
	case *value.Map:
		for _, e := range v.All() {
			if holdsRaw(e) {
				return true
			}
		}
	}
	return false
}

// freeze turns Lists back into plain lists.
func freeze(v any) any {
	switch v := v.(type) {
	case *List:
		return freeze(v.Items)
	case []any:
		for i, e := range v {
			if holdsList(e) {
				out := append([]any(nil), v...)
				for j := i; j < len(out); j++ {
					out[j] = freeze(out[j])
				}
				return out
			}
		}
	case value.Tuple:
		return value.Tuple(freeze([]any(v)).([]any))
	case *value.Map:
		if holdsList(v) {
			m := value.NewMap(v.Len())
			for k, e := range v.All() {
				m.Set(k, freeze(e))
			}
			return m
		}
	}
	return v
}

func holdsList(v any) bool {
	switch v := v.(type) {
	case *List:
		return true
	case []any:
		for _, e := range v {
			if holdsList(e) {
				return true
			}
		}
	case value.Tuple:
		return holdsList([]any(v))
	case *value.Map:
		for _, e := range v.All() {
			if holdsList(e) {
				return true
			}
		}
	}
	return false
}
