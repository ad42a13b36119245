package template

import (
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// maxDeep is how deeply lists and dicts may lie in each other where a value
// is printed, written in a format, compared, or kept in a namespace.
const maxDeep = 1000

// walking are the filters that visit or copy all that lies in their arguments.
var walking = strings.Fields("string to_json to_nice_json tojson to_yaml to_nice_yaml pprint flatten combine hash checksum md5 sha1 urlencode xmlattr unique join")

// weigh fails if v, written out, is more than a template may make. A few lists
// that hold the same list many times over take little memory and yet describe a
// text without end, so the parts count as often as they occur.
func (st *state) weigh(v any) error {
	w := scale{nodes: maxRange, text: st.e.limits.Output}
	if w.put(v, 0) {
		return nil
	}
	switch {
	case w.nodes < 0:
		return limitErr("a value has more than %d elements", maxRange)
	case w.text < 0:
		return st.room(-1)
	}
	return limitErr("a value is nested more than %d levels deep", maxDeep)
}

// scale is what is left of a value's allowance.
type scale struct{ nodes, text int }

func (w *scale) put(v any, depth int) bool {
	if w.nodes--; w.nodes < 0 || depth > maxDeep {
		return false
	}
	switch v := v.(type) {
	case nil, bool, int, float64:
		return true
	case *value.Map:
		for k, e := range v.All() {
			if !w.put(k, depth+1) || !w.put(e, depth+1) {
				return false
			}
		}
		return true
	case *namespace:
		return w.put(v.attrs, depth+1)
	case *value.Set:
		for _, e := range v.Items() {
			if !w.put(e, depth+1) {
				return false
			}
		}
		return true
	}
	if l, ok := asList(v); ok {
		for _, e := range l {
			if !w.put(e, depth+1) {
				return false
			}
		}
		return true
	}
	if s, ok := asStr(v); ok {
		w.text -= len(s)
	}
	return w.text >= 0
}

// weighed makes d look at the size of its arguments first.
func weighed(d *def) {
	fn := d.fn
	d.fn = func(c *call) (any, error) {
		for _, l := range [...][]any{c.a, c.rest} {
			for _, v := range l {
				if err := c.f.r.st.weigh(v); err != nil {
					return nil, err
				}
			}
		}
		return fn(c)
	}
}

// apart fails if v is box or holds it: a list or dict that held itself could
// never be printed, nor compared.
func apart(box, v any) error {
	h := holder{box: box, nodes: maxRange}
	if !h.in(v) {
		return nil
	}
	if h.nodes < 0 {
		return limitErr("a value has more than %d elements", maxRange)
	}
	return valueErr("a %s cannot hold itself", TypeName(box))
}

// apartAll is apart for the values of a dict that is put into another.
func apartAll(box, m *value.Map) error {
	for _, v := range m.All() {
		if err := apart(box, v); err != nil {
			return err
		}
	}
	return nil
}

type holder struct {
	box   any
	nodes int
}

func (h *holder) in(v any) bool {
	switch v := v.(type) {
	case *List:
		return any(v) == h.box || h.among(v.Items)
	case *namespace:
		return any(v) == h.box || h.in(v.attrs)
	case []any:
		return h.among(v)
	case value.Tuple:
		return h.among(v)
	case *value.Map:
		if any(v) == h.box {
			return true
		}
		for _, e := range v.All() {
			if h.nodes--; h.nodes < 0 || h.in(e) {
				return true
			}
		}
	}
	return false
}

func (h *holder) among(l []any) bool {
	for _, e := range l {
		if h.nodes--; h.nodes < 0 || h.in(e) {
			return true
		}
	}
	return false
}
