package template

import (
	"encoding/base64"
	"strings"

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
			msg := "Mandatory variable '" + u.name + "'  not defined."
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
		define("type_debug", "o", func(c *call) (any, error) {
			if s, ok := c.a[0].(string); ok {
				return value.WrittenType(s), nil
			}
			return TypeName(c.a[0]), nil
		}),
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
				var pair [2]any
				for i := range pair {
					at, found := plainKey(c.a[1+i]), false
					place, isPlace := at.(int)
					switch e := e.(type) {
					case *value.Map:
						if pair[i], found = e.Get(at); !found {
							return nil, typeErr("items2dict requires each dictionary in the list to contain the keys '%s' and '%s', got %s instead.", c.str(1), c.str(2), Repr(l))
						}
					case []any, value.Tuple: // as zip gives them, with places for keys
						all, _ := asList(e)
						if !isPlace {
							return nil, typeErr("items2dict requires a list of dictionaries, got %s instead.", Repr(l))
						}
						if pair[i], found = element(all, place); !found {
							return nil, typeErr("items2dict: there is no place %d in %s", place, Repr(e))
						}
					default:
						return nil, typeErr("items2dict requires a list of dictionaries, got %s instead.", Repr(l))
					}
				}
				k, err := key(pair[0])
				if err != nil {
					return nil, err
				}
				out.Set(k, pair[1])
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
			return subelements(freeze(c.a[0]), path, c.bool(2))
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
