package template

import (
	"math/big"

	"github.com/tutti-run/tutti/internal/value"
)

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
	case nil, bool, int, float64, string, Markup, nativeText, lookupText, *big.Int, omitted:
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
