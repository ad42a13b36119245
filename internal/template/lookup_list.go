package template

import (
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

func lookupDict(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		m, ok := t.(*value.Map)
		if !ok {
			if mp, isMapping := t.(Mapping); isMapping {
				var err error
				if m, err = mapOf(l.f, mp); err != nil {
					return nil, err
				}
			} else {
				return nil, lookupErr("with_dict expects a dict")
			}
		}
		out = append(out, pairs(m, "key", "value")...)
	}
	return out, nil
}

func pairs(m *value.Map, k, v string) []any {
	out := make([]any, 0, m.Len())
	for key, val := range m.All() {
		out = append(out, value.MapOf(k, key, v, val))
	}
	return out
}

func lookupIndexed(l *look) ([]any, error) {
	out := []any{}
	for i, e := range flat(l.terms) {
		out = append(out, value.Tuple{i, e})
	}
	return out, nil
}

func lookupItems(l *look) ([]any, error) { return flat(l.terms), nil }

func lookupList(l *look) ([]any, error) { return l.terms, nil }

func lookupFlattened(l *look) ([]any, error) { return flattenList(l.terms, -1, true), nil }

func lookupTogether(l *look) ([]any, error) {
	if len(l.terms) == 0 {
		return nil, lookupErr("with_together requires at least one element in each list")
	}
	var lists [][]any
	longest := 0
	for _, t := range l.terms {
		all, err := items(t)
		if err != nil {
			return nil, err
		}
		lists = append(lists, all)
		longest = max(longest, len(all))
	}
	out := make([]any, longest)
	for i := range out {
		row := make([]any, len(lists))
		for j, all := range lists {
			if i < len(all) {
				row[j] = all[i]
			}
		}
		out[i] = flattenOne(row)
	}
	return out, nil
}

// flattenOne flattens by one level, which keeps strings.
func flattenOne(l []any) []any {
	out := make([]any, 0, len(l))
	for _, e := range l {
		if inner, ok := asList(e); ok {
			out = append(out, inner...)
		} else {
			out = append(out, e)
		}
	}
	return out
}

func lookupNested(l *look) ([]any, error) {
	if len(l.terms) == 0 {
		return nil, lookupErr("with_nested requires at least one element in the nested list")
	}
	rows := [][]any{{}}
	for _, t := range l.terms {
		list, ok := asList(t)
		if !ok {
			list = []any{t}
		}
		if len(list) > 0 && len(rows) > maxRange/len(list) {
			return nil, limitErr("the combinations are more than %d", maxRange)
		}
		next := make([][]any, 0, len(rows)*len(list))
		for _, r := range rows {
			for _, e := range list {
				next = append(next, append(r[:len(r):len(r)], e))
			}
		}
		rows = next
	}
	out := make([]any, len(rows))
	for i, r := range rows {
		out[i] = flattenOne(r)
	}
	return out, nil
}

func lookupRandomChoice(l *look) ([]any, error) {
	terms := l.terms
	if len(terms) == 0 {
		return terms, nil
	}
	return []any{terms[newRandom(nil).below(len(terms))]}, nil
}

func lookupSubelements(l *look) ([]any, error) {
	terms := l.terms
	wrong := func(msg string) ([]any, error) {
		return nil, &Error{Kind: "AnsibleError", Msg: "subelements lookup expects a list of two or three items, " + msg}
	}
	if len(terms) < 2 || len(terms) > 3 {
		return wrong("first a dict or a list, second a string pointing to the subkey")
	}
	key, ok := asStr(terms[1])
	if !ok {
		return wrong("first a dict or a list, second a string pointing to the subkey")
	}
	skip := false
	if len(terms) == 3 {
		flags, ok := terms[2].(*value.Map)
		if !ok {
			return wrong("the optional third item must be a dict with flags skip_missing")
		}
		skip, _ = boolean(flags.At("skip_missing"))
	}
	elements := terms[0]
	if m, ok := elements.(*value.Map); ok {
		if Bool(m.At("skipped")) {
			return []any{}, nil
		}
		elements = m.Values()
	}
	all, ok := asList(elements)
	if !ok {
		all = []any{elements}
	}
	out := []any{}
	for _, e := range all {
		m, ok := e.(*value.Map)
		if !ok {
			return nil, &Error{Kind: "AnsibleError", Msg: "subelements lookup expects a dictionary, got '" + Str(e) + "'"}
		}
		if Bool(m.At("skipped")) {
			continue
		}
		rest, list, err := takeList(m, strings.Split(key, "."), skip)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			out = append(out, value.Tuple{rest, s})
		}
	}
	return out, nil
}

// takeList takes the list at path out of m: it gives the list, and m without
// it, as each pair of with_subelements has it.
func takeList(m *value.Map, path []string, skip bool) (*value.Map, []any, error) {
	fail := func(format string, args ...any) (*value.Map, []any, error) {
		return nil, nil, &Error{Kind: "AnsibleError", Msg: fmt.Sprintf(format, args...)}
	}
	v, ok := m.Get(path[0])
	if !ok {
		if skip {
			return m, nil, nil
		}
		return fail("could not find '%s' key in iterated item '%s'", path[0], Repr(m))
	}
	if len(path) > 1 {
		inner, ok := v.(*value.Map)
		if !ok {
			if skip {
				return m, nil, nil
			}
			return fail("the key %s should point to a dictionary, got '%s'", path[0], Str(v))
		}
		rest, list, err := takeList(inner, path[1:], skip)
		if err != nil {
			return nil, nil, err
		}
		out := m.Clone()
		out.Set(path[0], rest)
		return out, list, nil
	}
	list, ok := asList(v)
	if !ok {
		return fail("the key %s should point to a list, got '%s'", path[0], Str(v))
	}
	out := m.Clone()
	out.Delete(path[0])
	return out, list, nil
}

// subelements pairs each element with each entry of its list called path.
func subelements(v any, path string, skip bool) ([]any, error) {
	var all []any
	if m, ok := v.(*value.Map); ok {
		all = m.Values()
	} else if l, ok := asList(v); ok {
		all = l
	} else {
		return nil, filterErr("obj must be a list of dicts or a nested dict")
	}
	out := []any{}
	for _, e := range all {
		m, ok := e.(*value.Map)
		if !ok {
			return nil, filterErr("subelements expects dictionaries, got '%s'", Str(e))
		}
		var cur any = m
		missing := false
		for _, part := range strings.Split(path, ".") {
			cm, ok := cur.(*value.Map)
			if !ok {
				return nil, filterErr("the key %s should point to a dictionary, got '%s'", part, Str(cur))
			}
			next, ok := cm.Get(part)
			if !ok {
				if !skip {
					return nil, filterErr("could not find '%s' key in iterated item '%s'", part, Repr(m))
				}
				missing = true
				break
			}
			cur = next
		}
		if missing {
			continue
		}
		list, ok := asList(cur)
		if !ok {
			return nil, filterErr("the key %s should point to a list, got '%s'", path, Str(cur))
		}
		for _, s := range list {
			out = append(out, value.Tuple{m, s})
		}
	}
	return out, nil
}
