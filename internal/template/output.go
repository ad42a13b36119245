package template

import (
	"bytes"
	"io"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// output gathers what a template prints. It keeps a single printed value as
// it is, since what a template turns into depends on that.
type output struct {
	st    *state
	mode  mode
	muted bool // after {% extends %}: only blocks count
	n     int
	first any
	b     []byte
	// w, if set, gets the text as it comes; b is what it has not got yet.
	w    io.Writer
	sent int64
	ends int // newlines at the end of what was sent
}

// text prints a piece of the template itself.
func (o *output) text(s string) error {
	if o.muted {
		return nil
	}
	if o.mode == asValue {
		o.n++
		if o.n == 1 {
			o.first = s
			return nil
		}
		o.flush()
	}
	if o.w != nil && len(s) >= direct {
		return o.send(s)
	}
	o.b = append(o.b, s...)
	return o.pass()
}

// direct is how many bytes a text has at least that is written without being
// gathered first.
const direct = 16 << 10

// pass sends what has been gathered if it is much, and sees to it that the whole
// stays within its bounds.
func (o *output) pass() error {
	if o.w != nil && len(o.b) >= 64<<10 {
		return o.send("")
	}
	return o.st.room(len(o.b))
}

// resultFactor is how many times as long as a text in memory a result may be
// that is written as it comes.
const resultFactor = 128

// send writes what has been gathered, and then text.
func (o *output) send(text string) error {
	if most := int64(o.st.e.limits.Output); o.sent/resultFactor >= most {
		return limitErr("the template makes more than %d bytes", most*resultFactor)
	}
	o.ending(len(o.b), len(bytes.TrimRight(o.b, "\n")))
	o.ending(len(text), len(strings.TrimRight(text, "\n")))
	n, err := o.w.Write(o.b)
	o.sent += int64(n)
	o.b = o.b[:0]
	if err == nil && text != "" {
		n, err = io.WriteString(o.w, text)
		o.sent += int64(n)
	}
	return err
}

// ending counts the newlines at the end: size bytes are sent, trimmed without those
// at their end.
func (o *output) ending(size, trimmed int) {
	if trimmed > 0 {
		o.ends = 0
	}
	o.ends += size - trimmed
}

func (o *output) flush() {
	if o.n == 2 {
		o.b = append(o.b, Str(o.first)...)
	}
}

// print prints the value of an expression.
func (o *output) print(v any) error {
	if o.muted {
		return nil
	}
	if s, ok := v.(string); ok {
		return o.text(s)
	}
	if err := o.st.weigh(v); err != nil {
		return err
	}
	v, err := finalize(v)
	if err != nil {
		return err
	}
	if v == nil && !o.st.native {
		v = ""
	}
	if o.mode == asValue {
		o.n++
		if o.n == 1 {
			o.first = v
			return nil
		}
		o.flush()
	}
	switch v := v.(type) {
	case string:
		o.b = append(o.b, v...)
	default:
		o.b = append(o.b, Str(v)...)
	}
	return o.pass()
}

// finalize is what happens to each printed value: what is undefined fails, what
// is computed on demand becomes a list.
func finalize(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, int, bool, float64:
		return v, nil
	case view:
		return v.list(), failUndefined(v.list())
	case span:
		return items(v)
	case printable:
		return v.Printable()
	}
	return v, failUndefined(v)
}

// printable is a Mapping that can be printed as a whole.
type printable interface{ Printable() (any, error) }

// result is what the output turns into. The only error is text that reads as
// a literal which Python refuses, such as a dict as the key of a dict.
func (o *output) result() (any, error) {
	if o.mode == asText {
		return string(o.b), nil
	}
	if o.st.native {
		return o.nativeResult()
	}
	var s string
	switch {
	case o.n == 0:
		return "", nil
	case o.n > 1:
		s = string(o.b)
	default:
		switch v := o.first.(type) {
		case string:
			s = v
		case nativeText, lookupText, omitted, bool:
			return v, nil
		case []any, *List, *value.Map, *value.Set:
			if literalSafe(v, 0) {
				return v, nil
			}
			return Str(v), nil
		default:
			s = Str(v)
		}
	}
	if strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") || s == "True" || s == "False" {
		v, err := parseLiteral(s, true)
		if err == nil || isKind(err, "TypeError") {
			return v, err
		}
	}
	return s, nil
}

func (o *output) nativeResult() (any, error) {
	var s string
	switch {
	case o.n == 0:
		return nil, nil
	case o.n == 1:
		str, ok := o.first.(string)
		if m, isMarkup := o.first.(Markup); isMarkup {
			str, ok = string(m), true
		}
		if !ok {
			return o.first, nil
		}
		s = str
	default:
		s = string(o.b)
	}
	if !mayBeLiteral(s) {
		return s, nil
	}
	v, err := parseLiteral(s, false)
	if err != nil {
		if isKind(err, "TypeError") {
			return nil, err
		}
		return s, nil
	}
	if str, ok := v.(string); ok {
		return s[:1] + str + s[:1], nil
	}
	return v, nil
}

// literalSafe reports whether writing v out and reading it back gives v.
func literalSafe(v any, depth int) bool {
	if depth > 90 {
		return false
	}
	switch v := v.(type) {
	case nil, bool, int, string, Bytes, nativeText, lookupText, omitted:
		return true
	case float64:
		return v-v == 0 // neither infinite nor NaN
	case []any:
		for _, e := range v {
			if !literalSafe(e, depth+1) {
				return false
			}
		}
		return true
	case *List:
		return literalSafe(v.Items, depth)
	case value.Tuple:
		return literalSafe([]any(v), depth)
	case *value.Set:
		return v.Len() > 0 && literalSafe(v.Items(), depth)
	case *value.Map:
		for k, e := range v.All() {
			if !literalSafe(k, depth+1) || !literalSafe(e, depth+1) {
				return false
			}
		}
		return true
	}
	_, big := asBig(v)
	return big
}
