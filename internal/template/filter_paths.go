package template

import (
	"math/big"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

// utilsFilters are ansible.utils' filters for data.
func utilsFilters() []*def {
	const keyArgs = "data target matching_parameter=None *rest"
	return []*def{
		define("ansible.utils.keep_keys", keyArgs, keepKeysFilter),
		define("ansible.utils.remove_keys", keyArgs, removeKeysFilter),
		define("ansible.utils.replace_keys", keyArgs, replaceKeysFilter),
		define("ansible.utils.get_path", "var path *rest wantlist=None", func(c *call) (any, error) {
			path, err := c.textArg(1)
			if err != nil {
				return nil, err
			}
			wantList, err := c.boolArg(2, false)
			if err != nil {
				return nil, err
			}
			return getPath(c.f, c.short(), c.a[0], path, wantList)
		}),
		define("ansible.utils.to_paths", "var prepend=None wantlist=None *rest", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			prepend, err := c.textArg(1)
			if err != nil {
				return nil, err
			}
			wantList, err := c.boolArg(2, false)
			if err != nil {
				return nil, err
			}
			return toPaths(c.f, c.short(), freeze(c.a[0]), prepend, wantList)
		}),
		define("ansible.utils.index_of", "data test value=None key=None fail_on_missing=None wantlist=None *rest", indexOfFilter),
		define("ansible.utils.consolidate", "data_sources fail_missing_match_key=True fail_missing_match_value=True fail_duplicate=True *rest", consolidateFilter),
		define("ansible.utils.param_list_compare", "base target *rest", paramListCompare),
		define("ansible.utils.from_xml", "data engine='xmltodict' *rest", fromXMLFilter),
		define("ansible.utils.to_xml", "data engine='xmltodict' indent='tabs' indent_width=4 *rest full_document=True", toXMLFilter),
	}
}

// getPath evaluates path with the entries of v as variables. It runs no lookups.
func getPath(f *frame, name string, v any, path string, wantList bool) (any, error) {
	if u, ok := v.(*Undefined); ok {
		return nil, u.fail()
	}
	v = freeze(v)
	if lazy, ok := v.(Mapping); ok {
		m, err := mapOf(f, lazy)
		if err != nil {
			return nil, err
		}
		v = m
	}
	m, ok := v.(*value.Map)
	if !ok {
		return nil, filterErr("%s: the input must be a dictionary, not %s", name, TypeName(v))
	}
	st := newState(f.r.st.e, &Context{Ctx: f.r.st.c.ctx(), Vars: VarsOf(m), Env: &Env{}})
	st.depth, st.steps, st.restricted, st.noLookups = f.r.st.depth, f.r.st.steps, f.r.st.restricted, true
	out, err := st.inner(&value.Template{Source: "{{ " + path + " }}"})
	f.r.st.steps = st.steps
	if err != nil {
		return nil, err
	}
	if !st.native {
		switch out.(type) {
		case nil:
			out = ""
		case int, float64, *big.Int:
			out = Str(out)
		}
	}
	if wantList {
		return []any{out}, nil
	}
	return out, nil
}

var plainName = lazyregexp.New(`^[a-zA-Z_][a-zA-Z0-9_]*\n?$`)

// toPaths flattens v to a dict of paths and the values at their ends.
func toPaths(f *frame, name string, v any, prepend string, wantList bool) (any, error) {
	if prepend != "" {
		v = value.MapOf(prepend, v)
	}
	out := value.NewMap(8)
	var flatten func(v, at any) error
	flatten = func(v, at any) error {
		if err := f.r.st.step(); err != nil {
			return err
		}
		if lazy, ok := v.(Mapping); ok {
			m, err := mapOf(f, lazy)
			if err != nil {
				return err
			}
			v = m
		}
		path, isText := asStr(at)
		m, isMap := v.(*value.Map)
		l, isL := v.([]any)
		switch {
		case (isMap || isL) && !Bool(v):
			if Bool(at) {
				out.Set(at, v)
			}
			return nil
		case (isMap && Bool(at) || isL) && !isText:
			return typeErr("%s: the key %s is no text", name, Repr(at))
		case isMap:
			for k, e := range m.All() {
				next := k
				if path != "" {
					s, ok := asStr(k)
					if !ok {
						return typeErr("%s: the key %s is no text", name, Repr(k))
					}
					if plainName.MatchString(s) {
						next = path + "." + s
					} else {
						next = path + "['" + s + "']"
					}
				}
				if err := flatten(e, next); err != nil {
					return err
				}
			}
			return nil
		case isL:
			for i, e := range l {
				if err := flatten(e, path+"["+Str(i)+"]"); err != nil {
					return err
				}
			}
			return nil
		}
		out.Set(at, v)
		return nil
	}
	if err := flatten(v, ""); err != nil {
		return nil, err
	}
	var got any = out
	if l, ok := v.([]any); ok && len(l) == 0 {
		got = l
	}
	if wantList {
		return []any{got}, nil
	}
	return got, nil
}

func indexOfFilter(c *call) (any, error) {
	l, err := c.listArg(0)
	if err != nil {
		return nil, err
	}
	name, err := c.textArg(1)
	if err != nil {
		return nil, err
	}
	fail, err := c.boolArg(4, false)
	if err != nil {
		return nil, err
	}
	wantList, err := c.boolArg(5, false)
	if err != nil {
		return nil, err
	}
	key, err := c.textArg(3)
	if err != nil {
		return nil, err
	}
	q := indexQuery{name: c.short(), test: name, value: c.a[2], failOnMissing: fail}
	if c.a[3] != nil {
		q.key = &key
	}
	found, err := q.find(c.f, l)
	if err != nil {
		return nil, err
	}
	if len(found) == 1 && !wantList {
		return found[0], nil
	}
	return found, nil
}

// indexQuery says which elements index_of looks for.
type indexQuery struct {
	name, test    string
	value         any
	key           *string
	failOnMissing bool
}

func (q *indexQuery) find(f *frame, l []any) ([]any, error) {
	name, invert := strings.CutPrefix(q.test, "!")
	if invert && name == "=" {
		name = "=="
	}
	if bare, ok := strings.CutPrefix(name, "not "); ok {
		name, invert = strings.TrimSpace(bare), true
	}
	test := f.r.st.e.test(name)
	if test == nil && len(l) > 0 {
		return nil, filterErr("Error when using plugin '%s': the test '%s' was not found.", q.name, name)
	}
	right := q.value
	if right != nil {
		if _, ok := asList(right); !ok && name == "in" {
			right = []any{right}
		}
	}
	var a args
	if right != nil {
		a.pos = []any{right}
	}
	out := []any{}
	for i, e := range l {
		if err := f.r.st.step(); err != nil {
			return nil, err
		}
		if q.key != nil {
			m, ok := e.(*value.Map)
			if !ok {
				return nil, filterErr("Error when using plugin '%s': with a key all elements have to be dictionaries, not %s", q.name, TypeName(e))
			}
			if e, ok = m.Get(*q.key); !ok && q.failOnMissing {
				return nil, filterErr("Error when using plugin '%s': '%s' was not found in %s at [%d]", q.name, *q.key, Repr(m), i)
			} else if !ok {
				continue
			}
		}
		r, err := test.invoke(f, true, e, &a)
		if err != nil {
			return nil, filterErr("Error when using plugin '%s': testing %s with '%s': %s", q.name, Repr(e), q.test, err)
		}
		if Bool(r) != invert {
			out = append(out, i)
		}
	}
	return out, nil
}

func paramListCompare(c *call) (any, error) {
	base, err := c.textsArg(0)
	if err != nil {
		return nil, err
	}
	target, err := c.textsArg(1)
	if err != nil {
		return nil, err
	}
	var combined []string
	if slices.Contains(target, "all") {
		combined = slices.Clone(base)
	}
	for _, t := range target {
		if bare, ok := strings.CutPrefix(t, "!"); ok {
			if i := slices.Index(combined, bare); i >= 0 {
				combined = slices.Delete(combined, i, i+1)
			}
		}
	}
	unsupported := []any{}
	for _, t := range target {
		switch {
		case t == "all" || strings.HasPrefix(t, "!"):
		case !slices.Contains(base, t):
			unsupported = append(unsupported, t)
		case !slices.Contains(combined, t):
			combined = append(combined, t)
		}
	}
	slices.Sort(combined)
	return value.MapOf("actionable", anyStrings(combined), "unsupported", unsupported), nil
}

// consolidateFilter puts lists of dicts from several sources together by a key
// of each.
func consolidateFilter(c *call) (any, error) {
	sources, err := c.mapsArg(0)
	if err != nil {
		return nil, err
	}
	var strict [3]bool // about a missing key, a missing value, a value that comes twice
	for i := range strict {
		if strict[i], err = c.boolArg(i+1, true); err != nil {
			return nil, err
		}
	}
	type source struct {
		name   string
		byKey  *value.Map
		values *value.Set
	}
	var all []source
	values := value.NewSet()
	for n, s := range sources {
		for _, k := range [...]string{"data", "match_key", "name"} {
			if !s.Has(k) {
				return nil, valueErr("%s: data source %d lacks '%s'", c.short(), n+1, k)
			}
		}
		for k := range s.Strings() {
			if k != "data" && k != "match_key" && k != "name" {
				return nil, valueErr("%s: a data source has data, match_key and name, not %s", c.short(), k)
			}
		}
		data, err := items(s.At("data"))
		if err != nil {
			return nil, err
		}
		src := source{Str(s.At("name")), value.NewMap(len(data)), value.NewSet()}
		for i, e := range data {
			m, ok := e.(*value.Map)
			if !ok {
				return nil, typeErr("%s: entry %d of data source %d is no dictionary", c.short(), i+1, n+1)
			}
			k, ok := m.Get(Str(s.At("match_key")))
			if !ok && strict[0] {
				return nil, filterErr("Error when using plugin '%s': 'fail_missing_match_key' reported missing match key '%s' in data source %d in list entry %d",
					c.short(), Str(s.At("match_key")), n+1, i+1)
			}
			if !ok {
				continue
			}
			if k, err = key(k); err != nil {
				return nil, err
			}
			if src.values.Has(k) && strict[2] {
				return nil, filterErr("Error when using plugin '%s': 'fail_duplicate' reported duplicate values in data source %d", c.short(), n+1)
			}
			src.values.Add(k)
			values.Add(k)
			src.byKey.Set(k, m)
		}
		all = append(all, src)
	}
	sorted := slices.Clone(values.Items())
	if err := sortValues(sorted, nil, false); err != nil {
		return nil, err
	}
	out := value.NewMap(len(sorted))
	for n, src := range all {
		for _, v := range sorted {
			if !src.values.Has(v) && strict[1] {
				return nil, filterErr("Error when using plugin '%s': 'fail_missing_match_value' reported missing match value %s in data source %d", c.short(), Str(v), n+1)
			}
			into, ok := out.At(v).(*value.Map)
			if !ok {
				into = value.NewMap(len(all))
				out.Set(v, into)
			}
			m, ok := src.byKey.Get(v)
			if !ok {
				m = value.NewMap(0)
			}
			into.Set(src.name, m)
		}
	}
	return out, nil
}
