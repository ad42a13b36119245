package template

import (
	"math"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// function reads the arguments of a function and gives its query.
func (p *jmes) function(name string) query {
	p.want("(")
	var args []query
	for !p.skip(")") {
		if len(args) > 0 {
			p.want(",")
		}
		args = append(args, p.pipe())
	}
	least, most, ok := jmesArity(name)
	if !ok {
		p.fail("Unknown function: %s()", name)
	}
	if len(args) < least || most >= 0 && len(args) > most {
		p.fail("%s() takes %d arguments, not %d", name, least, len(args))
	}
	return func(v any) any {
		vals := make([]any, len(args))
		for i, a := range args {
			vals[i] = a(v)
		}
		return p.callFunction(name, vals)
	}
}

func jmesArity(name string) (least, most int, ok bool) {
	switch name {
	case "abs", "avg", "ceil", "floor", "keys", "values", "length", "max", "min", "reverse", "sort", "sum", "to_array", "to_number",
		"to_string", "type":
		return 1, 1, true
	case "contains", "ends_with", "starts_with", "join", "map", "max_by", "min_by", "sort_by":
		return 2, 2, true
	case "merge", "not_null":
		return 1, -1, true
	}
	return 0, 0, false
}

func (p *jmes) callFunction(name string, a []any) any {
	wrong := func() any {
		p.fail("In function %s(), invalid type for value: %s, received: %s", name, Repr(a[0]), TypeName(a[0]))
		return nil
	}
	list, isList := asList(a[0])
	text, isText := asStr(a[0])
	m, isMap := a[0].(*value.Map)
	f, isNum := asFloat(a[0])
	must := func(v any, err error) any {
		if err != nil {
			p.fail("In function %s(), %s", name, err)
		}
		return v
	}
	switch name {
	case "abs", "ceil", "floor":
		if !isNum {
			return wrong()
		}
		switch n, isInt := a[0].(int); {
		case isInt && name == "abs":
			return max(n, -n)
		case isInt:
			return n
		}
		return map[string]any{"abs": math.Abs(f), "ceil": int(math.Ceil(f)), "floor": int(math.Floor(f))}[name]
	case "sum", "avg":
		if !isList {
			return wrong()
		}
		var total any = 0
		for _, e := range list {
			total = must(binary(nil, "+", total, e))
		}
		if name == "avg" {
			if len(list) == 0 {
				return nil
			}
			return must(binary(nil, "/", total, len(list)))
		}
		return total
	case "length":
		if !isList && !isText && !isMap {
			return wrong()
		}
		return must(length(a[0]))
	case "keys", "values":
		if !isMap {
			return wrong()
		}
		if name == "keys" {
			return m.Keys()
		}
		return m.Values()
	case "reverse":
		if isText {
			all, _ := items(text)
			return join(reversed(all))
		}
		if !isList {
			return wrong()
		}
		return reversed(list)
	case "sort":
		if !isList {
			return wrong()
		}
		out := append([]any{}, list...)
		must(nil, sortValues(out, nil, false))
		return out
	case "sort_by", "max_by", "min_by":
		by, ok := a[1].(query)
		if !isList || !ok {
			return wrong()
		}
		out := append([]any{}, list...)
		must(nil, sortValues(out, func(v any) (any, error) { return by(v), nil }, false))
		switch {
		case name == "sort_by":
			return out
		case len(out) == 0:
			return nil
		case name == "max_by":
			return out[len(out)-1]
		}
		return out[0]
	case "max", "min":
		if !isList {
			return wrong()
		}
		if len(list) == 0 {
			return nil
		}
		out := append([]any{}, list...)
		must(nil, sortValues(out, nil, name == "max"))
		return out[0]
	case "map":
		by, ok := a[0].(query)
		all, isList := asList(a[1])
		if !ok || !isList {
			return wrong()
		}
		out := make([]any, len(all))
		for i, e := range all {
			out[i] = by(e)
		}
		return out
	case "contains":
		if isText {
			sub, ok := asStr(a[1])
			return ok && strings.Contains(text, sub)
		}
		if !isList {
			return wrong()
		}
		return slices.ContainsFunc(list, func(e any) bool { return jmesEqual(e, a[1]) })
	case "starts_with", "ends_with":
		affix, ok := asStr(a[1])
		if !isText || !ok {
			return wrong()
		}
		if name == "starts_with" {
			return strings.HasPrefix(text, affix)
		}
		return strings.HasSuffix(text, affix)
	case "join":
		all, ok := asList(a[1])
		if !isText || !ok {
			return wrong()
		}
		parts := make([]string, len(all))
		for i, e := range all {
			if parts[i], ok = asStr(e); !ok {
				return wrong()
			}
		}
		return strings.Join(parts, text)
	case "merge":
		out := value.NewMap(4)
		for _, e := range a {
			m, ok := e.(*value.Map)
			if !ok {
				return wrong()
			}
			out.Update(m)
		}
		return out
	case "not_null":
		for _, e := range a {
			if e != nil {
				return e
			}
		}
		return nil
	case "to_array":
		if isList {
			return list
		}
		return []any{a[0]}
	case "to_string":
		if isText {
			return text
		}
		return string(value.ToJSON(a[0]))
	case "to_number":
		switch {
		case isText:
			if n, ok := parseInt(text, 10); ok {
				return n
			}
			if f, ok := toFloat(text); ok {
				return f
			}
			return nil
		case isNum:
			return a[0]
		}
		return nil
	}
	switch _, isBool := a[0].(bool); {
	case a[0] == nil:
		return "null"
	case isBool:
		return "boolean"
	case isText:
		return "string"
	case isNum:
		return "number"
	case isList:
		return "array"
	}
	return "object"
}
