package template

import (
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

func mapFilter(c *call) (any, error) {
	if c.empty() {
		return []any{}, nil
	}
	l, err := c.list(0)
	if err != nil {
		return nil, err
	}
	var apply func(any) (any, error)
	if attribute, ok := c.kw.Get("attribute"); ok && len(c.rest) == 0 {
		std, hasStd := c.kw.Get("default")
		for k := range c.kw.Strings() {
			if k != "attribute" && k != "default" {
				return nil, &Error{Kind: "FilterArgumentError", Msg: "Unexpected keyword argument " + Repr(k)}
			}
		}
		apply = c.getter(attribute, std, hasStd)
	} else {
		if len(c.rest) == 0 {
			return nil, &Error{Kind: "FilterArgumentError", Msg: "map requires a filter argument"}
		}
		name, ok := asStr(c.rest[0])
		if !ok {
			return nil, typeErr("map() needs a filter's name, not %s", TypeName(c.rest[0]))
		}
		d := c.f.r.st.e.filter(name)
		if d == nil {
			return nil, noPlugin(name)
		}
		a := args{pos: c.rest[1:]}
		a.names, a.named = named(c.kw)
		apply = func(v any) (any, error) { return d.invoke(c.f, true, v, &a) }
	}
	out, size := make([]any, len(l)), 0
	for i, e := range l {
		if err := c.f.r.st.step(); err != nil {
			return nil, err
		}
		if out[i], err = apply(e); err != nil {
			return nil, err
		}
		if s, ok := asStr(out[i]); ok {
			size += len(s)
			if err := c.room(size); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// empty reports whether the filtered value is false or nothing, of which map,
// select and their like make an empty list, whatever its type and their
// arguments are.
func (c *call) empty() bool {
	_, undefined := c.a[0].(*Undefined)
	return !undefined && !Bool(c.a[0])
}

// noPlugin is the error for a filter or test that does not exist.
func noPlugin(name string) error {
	reason := "'" + name + "'"
	if name == "" || strings.Trim(name, lowercase+uppercase+digitChars+"_.") != "" {
		reason = "'invalid plugin name: ansible.builtin." + name + "'"
	}
	return &Error{Kind: "TemplateSyntaxError", Msg: "Could not load \"" + name + "\": " + reason}
}

func named(m *value.Map) ([]string, []any) {
	var names []string
	var vals []any
	for k, v := range m.Strings() {
		names, vals = append(names, k), append(vals, v)
	}
	return names, vals
}

// choose makes select and its three relatives.
func choose(byAttribute, keep bool) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		if c.empty() {
			return []any{}, nil
		}
		l, err := c.list(0)
		if err != nil {
			return nil, err
		}
		rest := c.rest
		get := func(v any) (any, error) { return v, nil }
		if byAttribute {
			if len(rest) == 0 {
				return nil, &Error{Kind: "FilterArgumentError", Msg: "Missing parameter for attribute name"}
			}
			get = c.getter(rest[0], nil, false)
			rest = rest[1:]
		}
		check := truth
		if len(rest) > 0 {
			name, ok := asStr(rest[0])
			if !ok {
				return nil, typeErr("%s() needs a test's name, not %s", c.name, TypeName(rest[0]))
			}
			d := c.f.r.st.e.test(name)
			if d == nil {
				return nil, noPlugin(name)
			}
			a := args{pos: rest[1:]}
			a.names, a.named = named(c.kw)
			check = func(v any) (bool, error) {
				r, err := d.invoke(c.f, true, v, &a)
				return Bool(r), err
			}
		}
		out := []any{}
		for _, e := range l {
			if err := c.f.r.st.step(); err != nil {
				return nil, err
			}
			v, err := get(e)
			if err != nil {
				return nil, err
			}
			ok, err := check(v)
			if err != nil {
				return nil, err
			}
			if ok == keep {
				out = append(out, e)
			}
		}
		return out, nil
	}
}
