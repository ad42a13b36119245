package template

import (
	"github.com/tutti-run/tutti/internal/value"
)

func combineFilter(c *call) (any, error) {
	recursive, merge := false, "replace"
	for k, v := range c.kw.Strings() {
		switch k {
		case "recursive":
			recursive = Bool(v)
		case "list_merge":
			merge = Str(v)
		default:
			return nil, filterErr("'recursive' and 'list_merge' are the only valid keyword arguments")
		}
	}
	for _, t := range c.rest {
		if err := failUndefined(t); err != nil {
			return nil, err
		}
	}
	dicts := flattenList(c.rest, 1, true)
	if len(dicts) == 0 {
		return value.NewMap(0), nil
	}
	out := dicts[len(dicts)-1]
	for i := len(dicts) - 2; i >= 0; i-- {
		var err error
		if out, err = mergeMaps(c, dicts[i], out, recursive, merge); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Combine is a with the entries of b over it at every depth; list_merge says what
// becomes of lists that both have, as in the filter combine.
func Combine(a, b *value.Map, listMerge string) (*value.Map, error) {
	v, err := mergeMaps(&call{}, a, b, true, listMerge)
	if err != nil {
		return nil, err
	}
	return v.(*value.Map), nil
}

// mergeMaps is x with the entries of y over it.
func mergeMaps(c *call, x, y any, recursive bool, merge string) (any, error) {
	switch merge {
	case "replace", "keep", "append", "prepend", "append_rp", "prepend_rp":
	default:
		return nil, &Error{Kind: "AnsibleError", Msg: "merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'"}
	}
	for _, v := range [...]*any{&x, &y} {
		if m, ok := (*v).(Mapping); ok {
			full, err := mapOf(c.f, m)
			if err != nil {
				return nil, err
			}
			*v = full
		}
	}
	a, aok := x.(*value.Map)
	b, bok := y.(*value.Map)
	if !aok || !bok {
		show := value.JSON{Python: true, ASCII: true}
		return nil, &Error{Kind: "AnsibleError", Msg: "failed to combine variables, expected dicts but got a '" + TypeName(x) + "' and a '" + TypeName(y) +
			"': \n" + string(show.Append(nil, x)) + "\n" + string(show.Append(nil, y))}
	}
	if a.Len() == 0 || equal(a, b) {
		return b.Clone(), nil
	}
	out := a.Clone()
	for k, v := range b.All() {
		old, ok := out.Get(k)
		if !ok {
			out.Set(k, v)
			continue
		}
		_, m1 := old.(*value.Map)
		_, m2 := v.(*value.Map)
		if m1 && m2 {
			if recursive {
				merged, err := mergeMaps(c, old, v, recursive, merge)
				if err != nil {
					return nil, err
				}
				v = merged
			}
			out.Set(k, v)
			continue
		}
		if isList(old) && isList(v) {
			l, _ := asList(old)
			m, _ := asList(v)
			switch merge {
			case "keep":
				continue
			case "append":
				v = joined(l, m)
			case "prepend":
				v = joined(m, l)
			case "append_rp":
				v = joined(without(l, m), m)
			case "prepend_rp":
				v = joined(m, without(l, m))
			}
		}
		out.Set(k, v)
	}
	return out, nil
}

func joined(a, b []any) []any { return append(append(make([]any, 0, len(a)+len(b)), a...), b...) }

// without is a less the elements that are in b.
func without(a, b []any) []any { return filterBy(a, b, false) }

func filterBy(a, b []any, keep bool) []any {
	has := membership(b)
	out := []any{}
	for _, e := range a {
		if has(e) == keep {
			out = append(out, e)
		}
	}
	return out
}

// membership makes a test for being in l that is quick for what can be hashed.
func membership(l []any) func(any) bool {
	set := value.NewSet()
	var odd []any
	for _, e := range l {
		if k, err := key(e); err == nil {
			set.Add(k)
		} else {
			odd = append(odd, e)
		}
	}
	return func(v any) bool {
		if k, err := key(v); err == nil {
			return set.Has(k)
		}
		return holds(odd, v)
	}
}

func rekeyFilter(c *call) (any, error) {
	if d := c.str(2); d != "error" && d != "overwrite" {
		return nil, filterErr("duplicates parameter to rekey_on_member has unknown value: %s", d)
	}
	for i := range 2 {
		if err := c.need(i); err != nil {
			return nil, err
		}
	}
	var all []any
	switch v := c.a[0].(type) {
	case *value.Map:
		all = v.Values()
	default:
		if _, isText := asStr(v); isText || !isIterable(v) {
			return nil, typeErr("Type is not a valid list, set, or dict")
		}
		all, _ = items(v)
	}
	out := value.NewMap(len(all))
	for _, e := range all {
		m, ok := e.(*value.Map)
		if !ok {
			return nil, typeErr("List item is not a valid dict")
		}
		k, ok := m.Get(plainKey(c.a[1]))
		if !ok {
			return nil, filterErr("Key %s was not found", c.str(1))
		}
		k, err := key(k)
		if err != nil {
			return nil, err
		}
		if out.Has(k) && c.str(2) == "error" {
			return nil, filterErr("Key %s is not unique, cannot correctly turn into dict", Str(k))
		}
		out.Set(k, e)
	}
	return out, nil
}
