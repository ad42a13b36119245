// Package value is the data model that playbooks, templates, modules and
// results share: Python's values as Ansible users know them.
//
// A value is one of
//
//	nil              None
//	bool             True, False
//	int, *big.Int    an integer; *big.Int only where it does not fit an int
//	float64          a float
//	string           text, as data: never templated again
//	[]any            a list
//	Tuple            a tuple (templates only; a list to everybody else)
//	*Set             a set (templates only; a sorted list to everybody else)
//	*Map             a dict, in insertion order, with keys of any hashable kind
//	*Template        text from the user's files that holds Jinja2 markers
//	Lazy             something computed on use, such as an inline vault
//
// The split between string and *Template is a safety property: only readers of
// the user's own files create a *Template, so text that came from a target,
// a module or an untrusted file cannot be evaluated by accident.
//
// Values are shared between goroutines once they are complete; nobody changes
// a Map or a list that he did not make himself.
package value

import (
	"math/big"
	"strings"
	"sync/atomic"

	"github.com/tutti-run/tutti/internal/diag"
)

// Tuple is Python's tuple: a list that prints with round brackets.
type Tuple []any

// Lazy is a value that is worked out when it is used. Force may be called
// often and from many goroutines; it returns the same answer each time.
type Lazy interface {
	Force() (any, error)
}

// Template is text that holds Jinja2 markers and comes from the user's own
// files, with the place of its first character.
type Template struct {
	Source string
	Pos    diag.Pos

	// Compiled belongs to the template engine: the parsed form, kept so that
	// each text is parsed once however often and from wherever it is rendered.
	Compiled atomic.Pointer[any]
}

// String returns the source text.
func (t *Template) String() string { return t.Source }

// HasMarkers reports whether s holds a Jinja2 opening marker.
func HasMarkers(s string) bool {
	for {
		i := strings.IndexByte(s, '{')
		if i < 0 || i+1 >= len(s) {
			return false
		}
		switch s[i+1] {
		case '{', '%', '#':
			return true
		}
		s = s[i+1:]
	}
}

// Text returns s as the user's own text: a *Template if it holds markers, else
// the string itself.
func Text(s string, pos diag.Pos) any {
	if HasMarkers(s) {
		return &Template{Source: s, Pos: pos}
	}
	return s
}

// MarkTemplates returns v with every string in it that holds markers turned
// into a *Template. It is for the user's own data that arrives in a form
// without positions (JSON on the command line, INI inventories, scripts).
func MarkTemplates(v any, pos diag.Pos) any {
	switch v := v.(type) {
	case string:
		return Text(v, pos)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = MarkTemplates(e, pos)
		}
		return out
	case Tuple:
		return Tuple(MarkTemplates([]any(v), pos).([]any))
	case *Map:
		out := NewMap(v.Len())
		for k, e := range v.All() {
			out.Set(k, MarkTemplates(e, pos))
		}
		return out
	}
	return v
}

// Plain returns v with every *Template in it replaced by its source text.
func Plain(v any) any {
	switch v := v.(type) {
	case *Template:
		return v.Source
	case Tuple:
		return Plain([]any(v))
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = Plain(e)
		}
		return out
	case *Map:
		out := NewMap(v.Len())
		for k, e := range v.All() {
			out.Set(k, Plain(e))
		}
		return out
	}
	return v
}

// HasTemplates reports whether v holds a *Template or a Lazy anywhere.
func HasTemplates(v any) bool {
	switch v := v.(type) {
	case *Template, Lazy:
		return true
	case []any:
		for _, e := range v {
			if HasTemplates(e) {
				return true
			}
		}
	case *Map:
		if v == nil || v.plain.Load() {
			return false
		}
		for _, e := range v.All() {
			if HasTemplates(e) {
				return true
			}
		}
		v.plain.Store(true)
	}
	return false
}

// Int returns the integer b as an int where it fits, else b.
func Int(b *big.Int) any {
	if b.IsInt64() {
		return int(b.Int64())
	}
	return b
}

// Lists returns v with every tuple in it turned into a list: what a result or a
// fact is once it has been kept.
func Lists(v any) any {
	if !hasTuple(v) {
		return v
	}
	switch v := v.(type) {
	case Tuple:
		return Lists([]any(v))
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = Lists(e)
		}
		return out
	case *Map:
		out := NewMap(v.Len())
		for k, e := range v.All() {
			out.Set(k, Lists(e))
		}
		return out
	}
	return v
}

func hasTuple(v any) bool {
	switch v := v.(type) {
	case Tuple:
		return true
	case []any:
		for _, e := range v {
			if hasTuple(e) {
				return true
			}
		}
	case *Map:
		for _, e := range v.All() {
			if hasTuple(e) {
				return true
			}
		}
	}
	return false
}
