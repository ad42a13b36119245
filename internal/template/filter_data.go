package template

import (
	"encoding/base64"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/value"
)

// dataFilters are Ansible's filters for data: JSON, YAML, dicts and lists.
func dataFilters() []*def {
	return []*def{
		define("bool", "a", func(c *call) (any, error) {
			if c.a[0] == nil {
				return nil, nil
			}
			return ToBool(c.a[0]), c.need(0)
		}),
		define("mandatory", "a msg=None", func(c *call) (any, error) {
			u, ok := c.a[0].(*Undefined)
			if !ok {
				return c.a[0], nil
			}
			msg := "Mandatory variable '" + u.name + "' not defined."
			if c.a[1] != nil {
				msg = c.str(1)
			}
			return nil, &Error{Kind: "AnsibleFilterError", Msg: msg, Name: u.name}
		}),
		define("ternary", "value true_val false_val none_val=None", func(c *call) (any, error) {
			if c.a[0] == nil && c.a[3] != nil {
				return c.a[3], nil
			}
			ok, err := truth(c.a[0])
			if ok {
				return c.a[1], err
			}
			return c.a[2], err
		}),
		define("type_debug", "o", func(c *call) (any, error) { return TypeName(c.a[0]), nil }),
		define("to_json", "a **kw", func(c *call) (any, error) { return toJSON(c, value.JSON{}) }),
		define("to_nice_json", "a indent=4 sort_keys=True **kw", func(c *call) (any, error) {
			if c.kw == nil {
				c.kw = value.NewMap(2)
			}
			c.kw.Set("indent", c.a[1])
			c.kw.Set("sort_keys", c.a[2])
			return toJSON(c, value.JSON{})
		}),
		define("from_json", "s **kw", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			s, ok := asStr(c.a[0])
			if b, isBytes := c.a[0].(Bytes); isBytes {
				s, ok = string(b), true
			}
			if !ok {
				return nil, typeErr("the JSON object must be str, bytes or bytearray, not %s", TypeName(c.a[0]))
			}
			v, err := value.ParseJSON([]byte(s))
			if err != nil {
				return nil, &Error{Kind: "JSONDecodeError", Msg: err.Error()}
			}
			return v, nil
		}),
		define("to_yaml", "a default_flow_style=None **kw", func(c *call) (any, error) { return toYAML(c, c.a[1], 0) }),
		define("to_nice_yaml", "a indent=4 **kw", func(c *call) (any, error) {
			n, err := c.int(1)
			if err != nil {
				return nil, err
			}
			return toYAML(c, false, n)
		}),
		define("from_yaml", "data", func(c *call) (any, error) {
			s, ok := asStr(c.a[0])
			if !ok {
				return c.a[0], c.need(0)
			}
			return loadYAML(s)
		}),
		define("from_yaml_all", "data", func(c *call) (any, error) {
			s, ok := asStr(c.a[0])
			if !ok {
				return c.a[0], c.need(0)
			}
			return loadAllYAML(s)
		}),
		define("combine", "*terms **kwargs", combineFilter),
		define("extract", "item container morekeys=None", func(c *call) (any, error) {
			keys := []any{c.a[0]}
			if more, ok := asList(c.a[2]); ok && isList(c.a[2]) {
				keys = append(keys, more...)
			} else if c.a[2] != nil {
				keys = append(keys, c.a[2])
			}
			v := c.a[1]
			for _, k := range keys {
				var err error
				if v, err = c.f.item(v, k); err != nil {
					return nil, err
				}
			}
			return v, nil
		}),
		define("flatten", "mylist levels=None skip_nulls=True", func(c *call) (any, error) {
			l, err := c.list(0)
			if err != nil {
				return nil, err
			}
			levels := -1
			if c.a[1] != nil {
				n, ok := toInt(c.a[1], 10)
				if levels, _ = n.(int); !ok {
					return nil, valueErr("invalid literal for int() with base 10: %s", Repr(c.a[1]))
				}
				levels = max(levels, 0)
			}
			return flattenList(l, levels, c.bool(2)), nil
		}),
		define("dict2items", "mydict key_name='key' value_name='value'", func(c *call) (any, error) {
			m, err := c.mapping(0, "dict2items requires a dictionary, got %s instead.")
			if err != nil {
				return nil, err
			}
			return pairs(m, c.str(1), c.str(2)), nil
		}),
		define("items2dict", "mylist key_name='key' value_name='value'", func(c *call) (any, error) {
			l, ok := asList(c.a[0])
			if !ok {
				if err := c.need(0); err != nil {
					return nil, err
				}
				return nil, typeErr("items2dict requires a list, got %s instead.", class(TypeName(c.a[0])).PythonStr())
			}
			out := value.NewMap(len(l))
			for _, e := range l {
				m, ok := e.(*value.Map)
				if !ok {
					return nil, typeErr("items2dict requires a list of dictionaries, got %s instead.", Repr(l))
				}
				k, kok := m.Get(plainKey(c.a[1]))
				v, vok := m.Get(plainKey(c.a[2]))
				if !kok || !vok {
					return nil, typeErr("items2dict requires each dictionary in the list to contain the keys '%s' and '%s', got %s instead.", c.str(1), c.str(2), Repr(l))
				}
				k, err := key(k)
				if err != nil {
					return nil, err
				}
				out.Set(k, v)
			}
			return out, nil
		}),
		define("subelements", "obj subelements skip_missing=False", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			path, ok := asStr(c.a[1])
			if l, isL := asList(c.a[1]); isL {
				parts := make([]string, len(l))
				for i, p := range l {
					parts[i] = Str(p)
				}
				path, ok = strings.Join(parts, "."), true
			}
			if !ok {
				return nil, typeErr("subelements must be a list or a string")
			}
			return subelements(c.f, freeze(c.a[0]), path, c.bool(2), false)
		}),
		define("b64encode", "string encoding='utf-8'", func(c *call) (any, error) {
			b, err := encodeText(c.str(0), c.str(1))
			if err != nil {
				return nil, err
			}
			return base64.StdEncoding.EncodeToString(b), c.need(0)
		}),
		define("b64decode", "string encoding='utf-8'", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			clean := strings.Map(func(r rune) rune {
				if r < 128 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+/=", r)) {
					return r
				}
				return -1
			}, c.str(0))
			b, err := base64.StdEncoding.DecodeString(clean)
			if err != nil {
				return nil, &Error{Kind: "Error", Msg: "Incorrect padding"}
			}
			return decodeText(b, c.str(1))
		}),
		define("rekey_on_member", "data key duplicates='error'", rekeyFilter),
		define("zip", "first *lists", func(c *call) (any, error) {
			rows, n, err := c.columns()
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				n = min(n, len(r))
			}
			return zipped(rows, n, nil), nil
		}),
		define("zip_longest", "first *lists **kw", func(c *call) (any, error) {
			rows, n, err := c.columns()
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				n = max(n, len(r))
			}
			return zipped(rows, n, c.kw.At("fillvalue")), nil
		}),
		define("split", "self sep=None maxsplit=-1", func(c *call) (any, error) {
			if _, err := c.needStr(0); err != nil {
				if IsUndefined(err) {
					return nil, err
				}
				return nil, typeErr("descriptor 'split' for 'str' objects doesn't apply to a '%s' object", TypeName(c.a[0]))
			}
			return splitText(c, false)
		}),
	}
}

// mapping is parameter i, which must be a dict.
func (c *call) mapping(i int, format string) (*value.Map, error) {
	switch m := c.a[i].(type) {
	case *value.Map:
		return m, nil
	case Mapping:
		return mapOf(c.f, m)
	case *Undefined:
		return nil, m.fail()
	}
	return nil, typeErr(format, class(TypeName(c.a[i])).PythonStr())
}

// columns are the lists that zip puts side by side, and the first's length.
func (c *call) columns() ([][]any, int, error) {
	first, err := c.list(0)
	if err != nil {
		return nil, 0, err
	}
	rows := [][]any{first}
	for _, r := range c.rest {
		l, err := items(r)
		if err != nil {
			return nil, 0, err
		}
		rows = append(rows, l)
	}
	return rows, len(first), nil
}

func zipped(rows [][]any, n int, fill any) []any {
	out := make([]any, n)
	for i := range out {
		t := make(value.Tuple, len(rows))
		for j, r := range rows {
			t[j] = fill
			if i < len(r) {
				t[j] = r[i]
			}
		}
		out[i] = t
	}
	return out
}

func flattenList(l []any, levels int, skipNulls bool) []any {
	out := []any{}
	for _, e := range l {
		if skipNulls {
			if s, ok := asStr(e); e == nil || ok && (s == "None" || s == "null") {
				continue
			}
		}
		inner, ok := asList(e)
		if s, isSet := e.(*value.Set); isSet {
			inner, ok = s.Items(), true
		}
		switch {
		case !ok || levels == 0:
			out = append(out, e)
		default:
			out = append(out, flattenList(inner, levels-1, skipNulls)...)
		}
	}
	return out
}

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
	if err := c.need(0); err != nil {
		return nil, err
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

// dumpJSON writes v as Python's json.dumps does.
func dumpJSON(c *call, v any, form value.JSON) (string, error) {
	v, err := jsonable(c, v, 0)
	if err != nil {
		return "", err
	}
	text := string(form.Append(nil, v))
	return text, c.room(len(text))
}

// jsonable checks that v can be written, and reads what is not in memory yet.
func jsonable(c *call, v any, depth int) (any, error) {
	if depth > 900 {
		return nil, &Error{Kind: "RecursionError", Msg: "maximum recursion depth exceeded while encoding a JSON object"}
	}
	switch v := v.(type) {
	case nil, bool, int, float64, string, Markup, nativeText, *big.Int, omitted:
		return v, nil
	case *Undefined:
		if v.lenient {
			return nil, v.fail()
		}
		return nil, v.fail()
	case DateTime:
		return v.iso("T"), nil
	case Bytes:
		return nil, typeErr("Object of type bytes is not JSON serializable")
	case view, span, Delta, *namespace, *macro, *function, *method, class:
		return nil, typeErr("Object of type %s is not JSON serializable", TypeName(v))
	case Mapping:
		m, err := mapOf(c.f, v)
		if err != nil {
			return nil, err
		}
		return jsonable(c, m, depth)
	case *value.Set:
		return nil, typeErr("Object of type set is not JSON serializable")
	case *value.Map:
		return v, eachOf(v, func(k, e any) error {
			switch k.(type) {
			case value.Tuple, Bytes, DateTime:
				return typeErr("keys must be str, int, float, bool or None, not %s", TypeName(k))
			}
			_, err := jsonable(c, e, depth+1)
			return err
		})
	}
	if l, ok := asList(v); ok {
		out := l
		for i, e := range l {
			n, err := jsonable(c, e, depth+1)
			if err != nil {
				return nil, err
			}
			if _, date := e.(DateTime); date {
				out = append([]any{}, out...)
				out[i] = n
			}
		}
		return out, nil
	}
	return v, nil
}

func eachOf(m *value.Map, fn func(k, e any) error) error {
	for k, e := range m.All() {
		if err := fn(k, e); err != nil {
			return err
		}
	}
	return nil
}

// toJSON is to_json with the options of json.dumps.
func toJSON(c *call, form value.JSON) (any, error) {
	if err := failUndefined(c.a[0]); err != nil {
		return nil, err
	}
	form.Python, form.ASCII = true, true
	for k, v := range c.kw.Strings() {
		switch k {
		case "indent":
			if v != nil {
				n, err := asInt(v)
				if err != nil {
					return nil, err
				}
				form.Indent = max(n, 0)
				if n > maxWidth {
					return nil, limitErr("an indent of %d is too much", n)
				}
			}
		case "sort_keys":
			form.SortKeys = Bool(v)
		case "ensure_ascii":
			form.ASCII = Bool(v)
		case "separators", "vault_to_text", "preprocess_unsafe", "skipkeys", "allow_nan", "default", "check_circular":
		default:
			return nil, typeErr("to_json() got an unexpected keyword argument '%s'", k)
		}
	}
	text, err := dumpJSON(c, c.a[0], form)
	if err != nil {
		return nil, err
	}
	if l, ok := asList(c.kw.At("separators")); ok && len(l) == 2 && form.Indent == 0 && Str(l[0]) == "," && Str(l[1]) == ":" {
		form.Python = false
		if text, err = dumpJSON(c, c.a[0], form); err != nil {
			return nil, err
		}
	}
	return nativeText(text), nil
}

// encodeText gives the bytes of s in an encoding.
func encodeText(s, encoding string) ([]byte, error) {
	switch strings.ReplaceAll(strings.ToLower(encoding), "_", "-") {
	case "utf-8", "utf8", "ascii", "us-ascii":
		return []byte(s), nil
	case "latin-1", "latin1", "iso-8859-1":
		var b []byte
		for _, r := range s {
			if r > 0xff {
				return nil, &Error{Kind: "UnicodeEncodeError", Msg: "'latin-1' codec can't encode character " + Repr(string(r))}
			}
			b = append(b, byte(r))
		}
		return b, nil
	case "utf-16-le", "utf-16le", "utf-16-be", "utf-16be", "utf-16", "utf16":
		return encodeUTF16(s, encoding), nil
	}
	return nil, &Error{Kind: "LookupError", Msg: "unknown encoding: " + encoding}
}

func encodeUTF16(s, encoding string) []byte {
	big := strings.Contains(strings.ToLower(encoding), "be")
	var b []byte
	put := func(u uint16) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	if l := len(encoding); l < 8 {
		put(0xfeff)
	}
	for _, r := range s {
		if r >= 0x10000 {
			r -= 0x10000
			put(uint16(0xd800 + r>>10))
			put(uint16(0xdc00 + r&0x3ff))
			continue
		}
		put(uint16(r))
	}
	return b
}

func decodeText(b []byte, encoding string) (string, error) {
	switch strings.ReplaceAll(strings.ToLower(encoding), "_", "-") {
	case "latin-1", "latin1", "iso-8859-1":
		var s []rune
		for _, c := range b {
			s = append(s, rune(c))
		}
		return string(s), nil
	case "utf-16-le", "utf-16le", "utf-16-be", "utf-16be", "utf-16", "utf16":
		big := strings.Contains(strings.ToLower(encoding), "be")
		var out []rune
		for i := 0; i+1 < len(b); i += 2 {
			u := rune(b[i]) | rune(b[i+1])<<8
			if big {
				u = rune(b[i])<<8 | rune(b[i+1])
			}
			if n := len(out); n > 0 && u >= 0xdc00 && u < 0xe000 && out[n-1] >= 0xd800 && out[n-1] < 0xdc00 {
				out[n-1] = 0x10000 + (out[n-1]-0xd800)<<10 + u - 0xdc00
				continue
			}
			if i == 0 && u == 0xfeff {
				continue
			}
			out = append(out, u)
		}
		return string(out), nil
	}
	if !utf8.Valid(b) {
		return string(b), nil
	}
	return string(b), nil
}
