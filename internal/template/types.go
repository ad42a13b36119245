package template

import (
	"iter"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/value"
)

// omitted is the type of Omit.
type omitted struct{}

// Omit is what the variable `omit` holds: a parameter with this value is to be
// left out by whoever uses it. It survives Resolve wherever it stands alone.
var Omit any = omitted{}

const omitText = "__omit_place_holder__"

func (omitted) PythonType() string { return "str" }
func (omitted) PythonStr() string  { return omitText }
func (omitted) PythonRepr() string { return "'" + omitText + "'" }
func (omitted) JSONValue() any     { return omitText }

// List is a list that a template may change. Only templates that call a
// changing method make Lists; everywhere else a list is a plain []any.
// Lists never leave the engine.
type List struct{ Items []any }

func (l *List) PythonType() string { return "list" }
func (l *List) PythonStr() string  { return value.Repr(l.Items) }
func (l *List) PythonRepr() string { return value.Repr(l.Items) }
func (l *List) JSONValue() any     { return l.Items }

// Markup is text that is marked as safe HTML, as the escape filter makes it.
type Markup string

func (m Markup) PythonType() string { return "Markup" }
func (m Markup) PythonStr() string  { return string(m) }
func (m Markup) PythonRepr() string { return "Markup(" + value.Repr(string(m)) + ")" }
func (m Markup) JSONValue() any     { return string(m) }

// nativeText is text that must stay text: what to_json and string give is not
// read as a literal afterwards.
type nativeText string

func (t nativeText) PythonType() string { return "NativeJinjaText" }
func (t nativeText) PythonStr() string  { return string(t) }
func (t nativeText) PythonRepr() string { return value.Repr(string(t)) }
func (t nativeText) JSONValue() any     { return string(t) }

// lookupText is nativeText that a lookup gave. It only differs in the name that
// type_debug shows.
type lookupText string

func (t lookupText) PythonType() string { return "NativeJinjaUnsafeText" }
func (t lookupText) PythonStr() string  { return string(t) }
func (t lookupText) PythonRepr() string { return value.Repr(string(t)) }
func (t lookupText) JSONValue() any     { return string(t) }

// vaulted is an encrypted text as an object, as the vault filter makes it.
type vaulted string

func (v vaulted) PythonType() string { return "AnsibleVaultEncryptedUnicode" }
func (v vaulted) PythonStr() string  { return string(v) }
func (v vaulted) PythonRepr() string { return value.Repr(string(v)) }
func (v vaulted) JSONValue() any     { return string(v) }

// Bytes is Python's bytes.
type Bytes string

func (b Bytes) PythonType() string { return "bytes" }
func (b Bytes) PythonStr() string  { return string(b) } // Ansible's to_text decodes
func (b Bytes) JSONValue() any     { return string(b) }
func (b Bytes) PythonRepr() string {
	const hex = "0123456789abcdef"
	var out strings.Builder
	out.WriteString("b'")
	for i := range len(b) {
		switch c := b[i]; {
		case c == '\'' || c == '\\':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c == '\n':
			out.WriteString(`\n`)
		case c == '\r':
			out.WriteString(`\r`)
		case c == '\t':
			out.WriteString(`\t`)
		case c < ' ' || c > '~':
			out.WriteString(`\x`)
			out.WriteByte(hex[c>>4])
			out.WriteByte(hex[c&15])
		default:
			out.WriteByte(c)
		}
	}
	return out.String() + "'"
}

// Mapping is a dict that is not all in memory, such as hostvars. Get may be
// called from many goroutines; its values may be templates.
type Mapping interface {
	Get(key any) (any, bool, error)
	Keys() []any
	Len() int
}

// rawMapping is a Mapping that gives a value unevaluated, for those that use
// variables which are unknown where they belong.
type rawMapping interface{ Raw(key any) any }

// view is a dict's items(), keys() or values().
type view struct {
	kind string // dict_items, dict_keys, dict_values
	m    *value.Map
}

func (v view) list() []any {
	switch v.kind {
	case "dict_keys":
		return v.m.Keys()
	case "dict_values":
		return v.m.Values()
	}
	return mapItems(v.m)
}
func (v view) PythonType() string { return v.kind }
func (v view) PythonStr() string  { return v.PythonRepr() }
func (v view) PythonRepr() string { return v.kind + "(" + value.Repr(v.list()) + ")" }
func (v view) JSONValue() any     { return v.list() }

func mapItems(m *value.Map) []any {
	out := make([]any, 0, m.Len())
	for k, e := range m.All() {
		out = append(out, value.Tuple{k, e})
	}
	return out
}

// span is Python's range.
type span struct{ start, stop, step int }

func (s span) len() int {
	switch {
	case s.step > 0 && s.start < s.stop:
		return (s.stop-s.start-1)/s.step + 1
	case s.step < 0 && s.start > s.stop:
		return (s.start-s.stop-1)/(-s.step) + 1
	}
	return 0
}
func (s span) list() []any {
	out := make([]any, s.len())
	for i := range out {
		out[i] = s.start + i*s.step
	}
	return out
}
func (s span) PythonType() string { return "range" }
func (s span) PythonStr() string  { return s.PythonRepr() }
func (s span) PythonRepr() string {
	t := "range(" + value.Repr(s.start) + ", " + value.Repr(s.stop)
	if s.step != 1 {
		t += ", " + value.Repr(s.step)
	}
	return t + ")"
}
func (s span) JSONValue() any { return s.list() }

// namespace is what namespace() makes: attributes that templates may set.
type namespace struct{ attrs *value.Map }

func (n *namespace) PythonType() string { return "Namespace" }
func (n *namespace) PythonStr() string  { return n.PythonRepr() }
func (n *namespace) PythonRepr() string { return "<Namespace " + value.Repr(n.attrs) + ">" }

// class is what x.__class__ gives.
type class string

func (c class) PythonType() string { return "type" }
func (c class) PythonStr() string  { return "<class '" + string(c) + "'>" }
func (c class) PythonRepr() string { return "<class '" + string(c) + "'>" }

// Str is v as Python's str shows it.
func Str(v any) string { return value.Str(v) }

// Repr is v as Python's repr shows it.
func Repr(v any) string { return value.Repr(v) }

// TypeName is the name of v's Python type.
func TypeName(v any) string { return value.TypeName(v) }

// asStr returns the text of any kind of string.
func asStr(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Markup:
		return string(v), true
	case nativeText:
		return string(v), true
	case lookupText:
		return string(v), true
	case *value.Template:
		return v.Source, true
	case vaulted:
		return string(v), true
	case omitted:
		return omitText, true
	}
	return "", false
}

// plainKey is v in the form in which it is a dict key.
func plainKey(v any) any {
	switch v := v.(type) {
	case Markup:
		return string(v)
	case nativeText:
		return string(v)
	case lookupText:
		return string(v)
	case omitted:
		return omitText
	}
	return v
}

// key returns v as a dict key or set element, or the error that Python gives.
func key(v any) (any, error) {
	switch v := v.(type) {
	case []any, *List, *value.Map, *value.Set, Mapping:
		return nil, typeErr("unhashable type: '%s'", TypeName(v))
	case value.Tuple:
		for _, e := range v {
			if _, err := key(e); err != nil {
				return nil, err
			}
		}
	case *Undefined:
		return nil, v.fail()
	}
	return plainKey(v), nil
}

// asList returns the elements of a list or tuple.
func asList(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case *List:
		return v.Items, true
	case value.Tuple:
		return v, true
	}
	return nil, false
}

// isList reports whether v is a list (and not a tuple).
func isList(v any) bool {
	switch v.(type) {
	case []any, *List:
		return true
	}
	return false
}

// items returns what iterating over v gives, in order.
func items(v any) ([]any, error) {
	switch v := v.(type) {
	case []any:
		return v, nil
	case *List:
		return v.Items, nil
	case value.Tuple:
		return v, nil
	case *value.Map:
		return v.Keys(), nil
	case *value.Set:
		return v.Items(), nil
	case view:
		return v.list(), nil
	case span:
		if v.len() > maxRange {
			return nil, limitErr("a range of %d elements is too long; at most %d are allowed", v.len(), maxRange)
		}
		return v.list(), nil
	case Bytes:
		out := make([]any, len(v))
		for i := range len(v) {
			out[i] = int(v[i])
		}
		return out, nil
	case Mapping:
		return v.Keys(), nil
	case *Undefined:
		if v.lenient {
			return nil, nil
		}
		return nil, v.fail()
	}
	if s, ok := asStr(v); ok {
		if len(s) > maxRange {
			return nil, limitErr("a text of %d bytes has too many characters for a list; at most %d are allowed", len(s), maxRange)
		}
		out := make([]any, 0, len(s))
		for c := range chars(s) {
			out = append(out, c)
		}
		return out, nil
	}
	return nil, typeErr("'%s' object is not iterable", TypeName(v))
}

const maxRange = 10_000_000

// chars gives the characters of s; a byte that is not UTF-8 is one of its own.
func chars(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for s != "" {
			_, n := utf8.DecodeRuneInString(s)
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
	}
}

// isIterable reports whether items would succeed.
func isIterable(v any) bool {
	switch v.(type) {
	case []any, *List, value.Tuple, *value.Map, *value.Set, view, span, Bytes, Mapping:
		return true
	case *Undefined:
		return true
	}
	_, ok := asStr(v)
	return ok
}

// Bool is Python's truth of v. An undefined value counts as false here; the
// evaluator refuses it before asking.
func Bool(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int:
		return v != 0
	case float64:
		return v != 0
	case *big.Int:
		return v.Sign() != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case *List:
		return len(v.Items) > 0
	case value.Tuple:
		return len(v) > 0
	case *value.Map:
		return v.Len() > 0
	case *value.Set:
		return v.Len() > 0
	case Markup:
		return v != ""
	case nativeText:
		return v != ""
	case lookupText:
		return v != ""
	case Bytes:
		return v != ""
	case view:
		return v.m.Len() > 0
	case span:
		return v.len() > 0
	case Mapping:
		return v.Len() > 0
	case Delta:
		return v != 0
	case *Undefined:
		return false
	}
	return true
}

// truth is Bool for the evaluator: it refuses what is undefined.
func truth(v any) (bool, error) {
	if u, ok := v.(*Undefined); ok && !u.lenient {
		return false, u.fail()
	}
	return Bool(v), nil
}
