package template

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/tutti-run/tutti/internal/value"
)

// generalFilters are community.general's filters for data and text.
func generalFilters() []*def {
	const keyArgs = "data target=None matching_parameter='equal'"
	return []*def{
		define("community.general.counter", "sequence", counterFilter),
		define("community.general.crc32", "value", func(c *call) (any, error) {
			s, err := c.needStr(0)
			if err != nil {
				return nil, err
			}
			return fmt.Sprintf("%x", crc32.ChecksumIEEE([]byte(s))), nil
		}),
		define("community.general.dict_kv", "value key", func(c *call) (any, error) {
			k, err := key(c.a[1])
			if err != nil {
				return nil, err
			}
			return value.MapOf(k, c.a[0]), nil
		}),
		define("community.general.groupby_as_dict", "sequence attribute", groupbyAsDict),
		define("community.general.lists_mergeby", "*terms **kwargs", listsMergeBy),
		define("community.general.lists_union", "*lists **kwargs", listsFilter(func(a, b []any) []any { return joined(a, b) })),
		define("community.general.lists_intersect", "*lists **kwargs", listsFilter(func(a, b []any) []any { return filterBy(a, b, true) })),
		define("community.general.lists_difference", "*lists **kwargs", listsFilter(without)),
		define("community.general.lists_symmetric_difference", "*lists **kwargs", listsFilter(func(a, b []any) []any {
			return joined(without(a, b), without(b, a))
		})),
		define("community.general.keep_keys", keyArgs, flatKeys(true)),
		define("community.general.remove_keys", keyArgs, flatKeys(false)),
		define("community.general.replace_keys", keyArgs, flatReplaceKeys),
		define("random_mac|community.general.random_mac", "value seed=None", randomMAC),
		define("community.general.unicode_normalize", "data form='NFC'", func(c *call) (any, error) {
			s, err := c.needStr(0)
			if err != nil {
				return nil, err
			}
			form, ok := map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}[c.str(1)]
			if !ok {
				return nil, filterErr("%s: %s is not a valid form", c.name, c.str(1))
			}
			return form.String(s), nil
		}),
		define("community.general.from_csv", "data dialect='excel' fieldnames=None delimiter=None skipinitialspace=None strict=None", fromCSVFilter),
		define("community.general.from_ini", "obj", fromINIFilter),
		define("community.general.to_ini", "obj", toINIFilter),
		define("community.general.reveal_ansible_type", "data alias=None", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			alias, ok := c.a[1].(*value.Map)
			if !ok && c.a[1] != nil {
				return nil, filterErr("%s: alias must be a dictionary, not %s", c.name, TypeName(c.a[1]))
			}
			return revealType(freeze(c.a[0]), alias), nil
		}),
	}
}

// sequence is v as what Python counts as a sequence: a list or a text. The
// message is for what is neither.
func sequence(v any, message string, args ...any) ([]any, error) {
	if err := failUndefined(v); err != nil {
		return nil, err
	}
	if l, ok := asList(freeze(v)); ok {
		return l, nil
	}
	if _, ok := asStr(v); ok {
		return items(v)
	}
	return nil, filterErr(message, args...)
}

func counterFilter(c *call) (any, error) {
	l, err := sequence(c.a[0], "Argument for %s must be a sequence (string or list). %s is %s", c.name, Str(c.a[0]), TypeName(c.a[0]))
	if err != nil {
		return nil, err
	}
	out := value.NewMap(len(l))
	for _, e := range l {
		k, err := key(e)
		if err != nil {
			return nil, filterErr("%s needs a sequence with hashable elements (int, float or str) - %s", c.name, err)
		}
		n, _ := out.At(k).(int)
		out.Set(k, n+1)
	}
	return out, nil
}

func groupbyAsDict(c *call) (any, error) {
	l, err := sequence(c.a[0], "Input is not a sequence")
	if err != nil {
		return nil, err
	}
	attribute, err := key(c.a[1])
	if err != nil {
		return nil, err
	}
	out := value.NewMap(len(l))
	for i, e := range l {
		m, ok := e.(*value.Map)
		if !ok {
			return nil, filterErr("Sequence element #%d is not a mapping", i)
		}
		v, ok := m.Get(attribute)
		if !ok {
			return nil, filterErr("Attribute not contained in element #%d of sequence", i)
		}
		if v, err = key(v); err != nil {
			return nil, err
		}
		if out.Has(v) {
			return nil, filterErr("Multiple sequence entries have attribute value %s", Repr(v))
		}
		out.Set(v, m)
	}
	return out, nil
}

// flatLists gives the lists among terms; of a list of lists those in it.
func (c *call) flatLists(terms []any) ([][]any, error) {
	var out [][]any
	for _, t := range terms {
		l, err := sequence(t, "All arguments before the argument index for %s must be lists. %s is %s", c.name, Str(t), TypeName(t))
		if err != nil {
			return nil, err
		}
		var inner [][]any
		for _, e := range l {
			if in, ok := asList(e); ok {
				inner = append(inner, in)
			}
		}
		switch {
		case len(l) == 0:
		case len(inner) == len(l):
			out = append(out, inner...)
		default:
			out = append(out, l)
		}
	}
	return out, nil
}

func listsMergeBy(c *call) (any, error) {
	recursive, merge := false, "replace"
	for k, v := range c.kw.Strings() {
		switch k {
		case "recursive":
			recursive = Bool(v)
		case "list_merge":
			merge = Str(v)
		default:
			return nil, filterErr("%s: 'recursive' and 'list_merge' are the only valid keyword arguments, not %s", c.name, k)
		}
	}
	if len(c.rest) < 2 {
		return nil, filterErr("%s: At least one list and index are needed", c.name)
	}
	last := len(c.rest) - 1
	lists, err := c.flatLists(c.rest[:last])
	if err != nil {
		return nil, err
	}
	switch len(lists) {
	case 0:
		return []any{}, nil
	case 1:
		return lists[0], nil
	}
	index, ok := asStr(c.rest[last])
	if !ok {
		return nil, filterErr("First argument after the lists for %s must be string. %s is %s", c.name, Str(c.rest[last]), TypeName(c.rest[last]))
	}
	result := lists[len(lists)-1]
	for _, l := range slices.Backward(lists[:len(lists)-1]) {
		byIndex := value.NewMap(len(l))
		for _, e := range joined(l, result) {
			m, ok := e.(*value.Map)
			if !ok {
				return nil, filterErr("Elements of list arguments for lists_mergeby must be dictionaries. %s is %s", Str(e), TypeName(e))
			}
			v, ok := m.Get(index)
			if !ok {
				continue
			}
			if v, err = key(v); err != nil {
				return nil, err
			}
			old, ok := byIndex.At(v).(*value.Map)
			if !ok {
				old = value.NewMap(0)
			}
			merged, err := mergeMaps(c, old, m, recursive, merge)
			if err != nil {
				return nil, err
			}
			byIndex.Set(v, merged)
		}
		result = slices.Clone(byIndex.Values())
		if err := sortValues(result, func(v any) (any, error) { return v.(*value.Map).At(index), nil }, false); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// listsFilter makes a filter of lists, two at a time from the left, whose result
// has each element once.
func listsFilter(fn func(a, b []any) []any) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		flatten := false
		for k, v := range c.kw.Strings() {
			if k != "flatten" {
				return nil, filterErr("%s: 'flatten' is the only valid keyword argument, not %s", c.name, k)
			}
			flatten = Bool(v)
		}
		var lists [][]any
		for _, t := range c.rest {
			if err := failUndefined(t); err != nil {
				return nil, err
			}
			l, ok := asList(freeze(t))
			if !ok {
				return nil, filterErr("%s: all arguments must be lists, not %s", c.name, TypeName(t))
			}
			lists = append(lists, l)
		}
		if flatten {
			var err error
			if lists, err = c.flatLists(c.rest); err != nil {
				return nil, err
			}
		}
		if len(lists) == 0 {
			return []any{}, nil
		}
		out := lists[0]
		for _, l := range lists[1:] {
			out = once(fn(out, l))
		}
		return out, nil
	}
}

// once is a list with each of its elements once.
func once(l []any) []any {
	seen := value.NewSet()
	out := []any{}
	for _, e := range l {
		if k, err := key(e); err == nil {
			if seen.Has(k) {
				continue
			}
			seen.Add(k)
		} else if holds(out, e) {
			continue
		}
		out = append(out, e)
	}
	return out
}

// flatData reads the list of dicts of a filter for their keys.
func (c *call) flatData() ([]*value.Map, string, error) {
	if err := c.need(0); err != nil {
		return nil, "", err
	}
	l, ok := asList(freeze(c.a[0]))
	if !ok {
		return nil, "", filterErr("%s: a list of dictionaries is expected, not %s", c.name, TypeName(c.a[0]))
	}
	out := make([]*value.Map, len(l))
	for i, e := range l {
		if out[i], ok = e.(*value.Map); !ok {
			return nil, "", filterErr("%s: elements of the list must be dictionaries, not %s", c.name, TypeName(e))
		}
		for k := range out[i].All() {
			if _, ok := asStr(k); !ok {
				return nil, "", filterErr("%s: keys must be text, not %s", c.name, TypeName(k))
			}
		}
	}
	if c.a[2] == nil {
		return nil, "", filterErr("%s: matching_parameter must not be null", c.name)
	}
	how, err := c.choiceArg(2, "equal", "starts_with", "ends_with", "regex")
	return out, how, err
}

func flatKeys(keep bool) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		data, how, err := c.flatData()
		if err != nil {
			return nil, err
		}
		targets := []any{c.a[1]}
		if l, ok := asList(freeze(c.a[1])); ok {
			targets = l
		}
		var patterns []string
		for _, t := range targets {
			s, ok := asStr(t)
			if !ok || s == "" && len(targets) == 1 {
				return nil, filterErr("%s: the target must be text or a list of it, not %s", c.name, Repr(t))
			}
			patterns = append(patterns, s)
		}
		if len(patterns) == 0 || how == "regex" && len(patterns) > 1 {
			return nil, filterErr("%s: the target must have one pattern, not %d", c.name, len(patterns))
		}
		match := c.keyMatch(how)
		out := make([]any, len(data))
		for i, m := range data {
			left := value.NewMap(m.Len())
			for k, v := range m.All() {
				found := false
				for _, p := range patterns {
					ok, err := match(k, p)
					if err != nil {
						return nil, err
					}
					found = found || ok
				}
				if found == keep {
					left.Set(k, v)
				}
			}
			out[i] = left
		}
		return out, nil
	}
}

func flatReplaceKeys(c *call) (any, error) {
	data, how, err := c.flatData()
	if err != nil {
		return nil, err
	}
	maps, err := c.mapsArg(1)
	if err != nil {
		return nil, err
	}
	var targets []renaming
	for _, m := range maps {
		before, isText := asStr(m.At("before"))
		after, ok := asStr(m.At("after"))
		if !isText || !ok {
			return nil, filterErr("%s: each target must have texts before and after", c.name)
		}
		targets = append(targets, renaming{before, after})
	}
	if len(targets) == 0 {
		return nil, filterErr("%s: the target must not be empty", c.name)
	}
	match := c.keyMatch(how)
	out := make([]any, len(data))
	for i, m := range data {
		renamed := value.NewMap(m.Len())
		for k, v := range m.All() {
			for _, t := range targets {
				ok, err := match(k, t.before)
				if err != nil {
					return nil, err
				}
				if ok {
					k = t.after
					break
				}
			}
			renamed.Set(k, v)
		}
		out[i] = renamed
	}
	return out, nil
}

// randomMAC completes the beginning of a hardware address with random bytes.
func randomMAC(c *call) (any, error) {
	if err := c.need(0); err != nil {
		return nil, err
	}
	s, ok := asStr(c.a[0])
	if !ok {
		return nil, filterErr("Invalid value type (%s) for random_mac (%s)", TypeName(c.a[0]), Str(c.a[0]))
	}
	s = strings.ToLower(s)
	parts := strings.Split(s, ":")
	if len(parts) > 5 {
		return nil, filterErr("Invalid value (%s) for random_mac: 5 colon(:) separated items max", s)
	}
	for _, p := range parts {
		if len(p) < 2 || strings.Trim(p[:2], digitChars+"abcdef") != "" {
			return nil, filterErr("Invalid value (%s) for random_mac: %s not hexa byte", s, p)
		}
	}
	const least, most = 0x1000000000, 0xffffffffff
	hex := fmt.Sprintf("%x", least+newRandom(c.a[1]).below(most-least+1))
	for i := range 6 - len(parts) {
		s += ":" + hex[2*i:2*i+2]
	}
	return s, nil
}

// revealType is the name of a value's type, for lists and dicts with those of
// what they hold.
func revealType(v any, alias *value.Map) string {
	name := func(v any) string {
		n := TypeName(v)
		if s, ok := v.(string); ok {
			n = value.WrittenType(s)
		}
		if a, ok := asStr(alias.At(n)); ok {
			return a
		}
		return n
	}
	types := func(l []any) string {
		var names []string
		for _, e := range l {
			names = append(names, name(e))
		}
		slices.Sort(names)
		return strings.Join(slices.Compact(names), "|")
	}
	switch of := name(v); {
	case of == "list" && Bool(v):
		l, _ := asList(v)
		return of + "[" + types(l) + "]"
	case of == "dict" && Bool(v):
		if m, ok := v.(*value.Map); ok {
			return of + "[" + types(m.Keys()) + ", " + types(m.Values()) + "]"
		}
		return of
	default:
		return of
	}
}

// generalTests are the tests of community.general.
func generalTests() []*def {
	return []*def{
		define("community.general.a_module", "term", func(c *call) (any, error) {
			name, err := c.needStr(0)
			if err != nil {
				return nil, err
			}
			known := c.f.r.st.c.env().IsModule
			if known == nil {
				return nil, filterErr("%s: modules are not known here", c.name)
			}
			return known(name), nil
		}),
	}
}
