package template

import (
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// getter makes the function that reads an attribute such as "a.b.0".
func (c *call) getter(attribute any, std any, hasStd bool) func(any) (any, error) {
	if attribute == nil {
		return func(v any) (any, error) { return v, nil }
	}
	var path []any
	if s, ok := asStr(attribute); ok {
		for _, p := range strings.Split(s, ".") {
			if n, err := strconv.Atoi(p); err == nil && n >= 0 && p[0] != '+' {
				path = append(path, n)
			} else {
				path = append(path, p)
			}
		}
	} else {
		path = []any{attribute}
	}
	return func(v any) (any, error) {
		for _, p := range path {
			var err error
			if v, err = c.f.item(v, p); err != nil {
				return nil, err
			}
			if _, ok := v.(*Undefined); ok && hasStd && std != nil {
				v = std
			}
		}
		return v, nil
	}
}

// folded makes keys for sorting and grouping that ignore case.
func folded(get func(any) (any, error), caseSensitive bool) func(any) (any, error) {
	if caseSensitive {
		return get
	}
	return func(v any) (any, error) {
		v, err := get(v)
		if s, ok := asStr(v); ok {
			return strings.ToLower(s), err
		}
		return v, err
	}
}

// sequenceFilters are Jinja2's filters for lists.
func sequenceFilters() []*def {
	return []*def{
		define("list", "value", func(c *call) (any, error) {
			l, err := c.list(0)
			return append([]any{}, l...), err
		}),
		define("items", "value", func(c *call) (any, error) {
			switch m := c.a[0].(type) {
			case *Undefined:
				return []any{}, nil
			case *value.Map:
				return mapItems(m), nil
			}
			return nil, typeErr("Can only get item pairs from a mapping.")
		}),
		define("first", "seq", func(c *call) (any, error) {
			l, err := c.list(0)
			if err != nil {
				return nil, err
			}
			if len(l) == 0 {
				return &Undefined{name: "first", msg: "No first item, sequence was empty."}, nil
			}
			return l[0], nil
		}),
		define("last", "seq", func(c *call) (any, error) {
			l, err := c.list(0)
			if err != nil {
				return nil, err
			}
			if len(l) == 0 {
				return &Undefined{name: "last", msg: "No last item, sequence was empty."}, nil
			}
			return l[len(l)-1], nil
		}),
		define("reverse", "value", func(c *call) (any, error) {
			l, err := c.list(0)
			if err != nil {
				return nil, typeErr("argument must be iterable")
			}
			out := reversed(l)
			if _, ok := asStr(c.a[0]); ok {
				return join(out), nil
			}
			return out, nil
		}),
		define("join", "value d='' attribute=None", func(c *call) (any, error) {
			l, err := c.list(0)
			if err != nil {
				return nil, err
			}
			get := c.getter(c.a[2], nil, false)
			sep := c.str(1)
			var b strings.Builder
			for i, e := range l {
				if e, err = get(e); err != nil {
					return nil, err
				}
				if u, ok := e.(*Undefined); ok && !u.lenient {
					return nil, u.fail()
				}
				if i > 0 {
					b.WriteString(sep)
				}
				b.WriteString(Str(e))
				if err := c.room(b.Len()); err != nil {
					return nil, err
				}
			}
			return b.String(), nil
		}),
		define("sort", "value reverse=False case_sensitive=False attribute=None", sortFilter),
		define("dictsort", "value case_sensitive=False by='key' reverse=False", func(c *call) (any, error) {
			m, ok := c.a[0].(*value.Map)
			if others, is := c.a[0].(Mapping); is && !ok {
				var err error
				if m, err = mapOf(c.f, others); err != nil {
					return nil, err
				}
				ok = true
			}
			if !ok {
				if err := c.need(0); err != nil {
					return nil, err
				}
				return nil, typeErr("'%s' object has no attribute 'items'", TypeName(c.a[0]))
			}
			pos := 0
			switch c.str(2) {
			case "key":
			case "value":
				pos = 1
			default:
				return nil, &Error{Kind: "FilterArgumentError", Msg: `You can only sort by either "key" or "value"`}
			}
			l := mapItems(m)
			get := folded(func(v any) (any, error) { return v.(value.Tuple)[pos], nil }, c.bool(1))
			return l, sortValues(l, get, c.bool(3))
		}),
		define("groupby", "value attribute default=None case_sensitive=False", groupbyFilter),
		define("unique", "value case_sensitive=None attribute=None", uniqueFilter),
		define("min", "value case_sensitive=None attribute=None **kwargs", extreme(false)),
		define("max", "value case_sensitive=None attribute=None **kwargs", extreme(true)),
		define("sum", "iterable attribute=None start=0", func(c *call) (any, error) {
			l, err := c.list(0)
			if err != nil {
				return nil, err
			}
			get := c.getter(c.a[1], nil, false)
			total := c.a[2]
			if _, ok := asStr(total); ok {
				return nil, typeErr("sum() can't sum strings [use ''.join(seq) instead]")
			}
			for _, e := range l {
				if e, err = get(e); err != nil {
					return nil, err
				}
				if total, err = binary(c.f.r.st, "+", total, e); err != nil {
					return nil, err
				}
			}
			return total, nil
		}),
		define("batch", "value linecount fill_with=None", func(c *call) (any, error) {
			l, err := c.list(0)
			if err != nil {
				return nil, err
			}
			n, err := c.int(1)
			if err != nil {
				return nil, err
			}
			out := []any{}
			for n = max(n, 1); len(l) > n; l = l[n:] {
				out = append(out, append([]any{}, l[:n]...))
			}
			if len(l) > 0 {
				last := append([]any{}, l...)
				if c.a[2] != nil {
					if n > maxRange {
						return nil, limitErr("a batch of %d elements is too long", n)
					}
					for len(last) < n {
						last = append(last, c.a[2])
					}
				}
				out = append(out, last)
			}
			return out, nil
		}),
		define("slice", "value slices fill_with=None", func(c *call) (any, error) {
			l, err := c.list(0)
			if err != nil {
				return nil, err
			}
			n, err := c.int(1)
			if err != nil {
				return nil, err
			}
			if n == 0 {
				return nil, zeroDivision("integer division or modulo by zero")
			}
			if n > maxRange {
				return nil, limitErr("%d slices are too many", n)
			}
			out := []any{}
			per, extra := len(l)/n, len(l)%n
			at := 0
			for i := range n {
				size := per
				if i < extra {
					size++
				}
				part := append([]any{}, l[at:at+size]...)
				at += size
				if c.a[2] != nil && i >= extra {
					part = append(part, c.a[2])
				}
				out = append(out, part)
			}
			return out, nil
		}),
		define("map", "value *args **kwargs", mapFilter),
		define("select", "value *args **kwargs", choose(false, true)),
		define("reject", "value *args **kwargs", choose(false, false)),
		define("selectattr", "value *args **kwargs", choose(true, true)),
		define("rejectattr", "value *args **kwargs", choose(true, false)),
	}
}

func sortFilter(c *call) (any, error) {
	l, err := c.list(0)
	if err != nil {
		return nil, err
	}
	out := append([]any{}, l...)
	var gets []func(any) (any, error)
	if s, ok := asStr(c.a[3]); ok && strings.Contains(s, ",") {
		for _, a := range strings.Split(s, ",") {
			gets = append(gets, folded(c.getter(a, nil, false), c.bool(2)))
		}
	} else {
		gets = append(gets, folded(c.getter(c.a[3], nil, false), c.bool(2)))
	}
	get := gets[0]
	if len(gets) > 1 {
		get = func(v any) (any, error) {
			t := make([]any, len(gets))
			for i, g := range gets {
				var err error
				if t[i], err = g(v); err != nil {
					return nil, err
				}
			}
			return t, nil
		}
	}
	return out, sortValues(out, get, c.bool(1))
}

func groupbyFilter(c *call) (any, error) {
	l, err := c.list(0)
	if err != nil {
		return nil, err
	}
	plain := c.getter(c.a[1], c.a[2], c.given(2))
	get := folded(plain, c.bool(3))
	sorted := append([]any{}, l...)
	if err := sortValues(sorted, get, false); err != nil {
		return nil, err
	}
	out := []any{}
	var last any
	var group []any
	flush := func() error {
		if group == nil {
			return nil
		}
		k := last
		if !c.bool(3) {
			// The group goes by the name that its first element has.
			var err error
			if k, err = plain(group[0]); err != nil {
				return err
			}
		}
		out = append(out, value.Tuple{k, group})
		return nil
	}
	for _, e := range sorted {
		k, err := get(e)
		if err != nil {
			return nil, err
		}
		if u, ok := k.(*Undefined); ok {
			return nil, u.fail()
		}
		if group == nil || !equal(k, last) {
			if err := flush(); err != nil {
				return nil, err
			}
			group, last = []any{}, k
		}
		group = append(group, e)
	}
	err = flush()
	return out, err
}
