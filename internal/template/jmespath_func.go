package template

import (
	"math"
	"math/big"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// jmesFunc is a function of JMESPath. Of each parameter it says which types it
// takes; the last one repeats with more.
type jmesFunc struct {
	takes []string
	more  bool
	call  func(p *jmes, a []any) any
}

const numbersOrTexts = "array-number array-string"

var jmesFuncs = map[string]jmesFunc{
	"abs": {takes: []string{"number"}, call: func(p *jmes, a []any) any {
		if jmesLess(p, a[0], 0) {
			return p.must(unary("-", a[0]))
		}
		return a[0]
	}},
	"avg": {takes: []string{"array-number"}, call: func(p *jmes, a []any) any {
		if n := len(jmesList(a[0])); n > 0 {
			return p.must(binary(nil, "/", jmesSum(p, a[0]), n))
		}
		return nil
	}},
	"ceil":  {takes: []string{"number"}, call: func(p *jmes, a []any) any { return jmesWhole(p, a[0], math.Ceil) }},
	"floor": {takes: []string{"number"}, call: func(p *jmes, a []any) any { return jmesWhole(p, a[0], math.Floor) }},
	"sum":   {takes: []string{"array-number"}, call: func(p *jmes, a []any) any { return jmesSum(p, a[0]) }},
	"contains": {takes: []string{"array string", ""}, call: func(p *jmes, a []any) any {
		if l := jmesList(a[0]); l != nil {
			return holds(l, a[1])
		}
		sub, ok := asStr(a[1])
		if !ok {
			p.fail("In function contains(), a text cannot contain a %s", jmesType(a[1]))
		}
		return strings.Contains(jmesText(a[0]), sub)
	}},
	"starts_with": {takes: []string{"string", "string"}, call: func(_ *jmes, a []any) any { return strings.HasPrefix(jmesText(a[0]), jmesText(a[1])) }},
	"ends_with":   {takes: []string{"string", "string"}, call: func(_ *jmes, a []any) any { return strings.HasSuffix(jmesText(a[0]), jmesText(a[1])) }},
	"join": {takes: []string{"string", "array-string"}, call: func(_ *jmes, a []any) any {
		var parts []string
		for _, e := range jmesList(a[1]) {
			parts = append(parts, jmesText(e))
		}
		return strings.Join(parts, jmesText(a[0]))
	}},
	"keys":   {takes: []string{"object"}, call: func(p *jmes, a []any) any { return p.keys(a[0]) }},
	"values": {takes: []string{"object"}, call: func(p *jmes, a []any) any { return p.mapValues(a[0]) }},
	"length": {takes: []string{"string array object"}, call: func(p *jmes, a []any) any { return p.must(length(a[0])) }},
	"map": {takes: []string{"expref", "array"}, call: func(_ *jmes, a []any) any {
		by, l := a[0].(query), jmesList(a[1])
		out := make([]any, len(l))
		for i, e := range l {
			out[i] = by(e)
		}
		return out
	}},
	"max": {takes: []string{numbersOrTexts}, call: func(p *jmes, a []any) any { return jmesBest(p, jmesList(a[0]), itself, true) }},
	"min": {takes: []string{numbersOrTexts}, call: func(p *jmes, a []any) any { return jmesBest(p, jmesList(a[0]), itself, false) }},
	"max_by": {takes: []string{"array", "expref"}, call: func(p *jmes, a []any) any {
		return jmesBest(p, jmesList(a[0]), p.keyOf("max_by", a[1], "number string"), true)
	}},
	"min_by": {takes: []string{"array", "expref"}, call: func(p *jmes, a []any) any {
		return jmesBest(p, jmesList(a[0]), p.keyOf("min_by", a[1], "number string"), false)
	}},
	"sort": {takes: []string{numbersOrTexts}, call: func(p *jmes, a []any) any { return jmesSorted(p, a[0], itself) }},
	"sort_by": {takes: []string{"array", "expref"}, call: func(p *jmes, a []any) any {
		l := jmesList(a[0])
		if len(l) == 0 {
			return l
		}
		// The first key decides of which type all have to be.
		first := p.keyOf("sort_by", a[1], "number string")(l[0])
		return jmesSorted(p, l, p.keyOf("sort_by", a[1], jmesType(first)))
	}},
	"merge": {takes: []string{"object"}, more: true, call: func(p *jmes, a []any) any {
		out := value.NewMap(4)
		for _, e := range a {
			m, ok := e.(*value.Map)
			if !ok {
				p.wrongType("merge", e, "object")
			}
			out.Update(m)
		}
		return out
	}},
	"not_null": {takes: []string{""}, more: true, call: func(_ *jmes, a []any) any {
		for _, e := range a {
			if e != nil {
				return e
			}
		}
		return nil
	}},
	"reverse": {takes: []string{"array string"}, call: func(_ *jmes, a []any) any {
		if l := jmesList(a[0]); l != nil {
			return reversed(l)
		}
		all, _ := items(jmesText(a[0]))
		return join(reversed(all))
	}},
	"to_array": {takes: []string{""}, call: func(_ *jmes, a []any) any {
		if l := jmesList(a[0]); l != nil {
			return l
		}
		return []any{a[0]}
	}},
	"to_string": {takes: []string{""}, call: func(_ *jmes, a []any) any {
		if jmesType(a[0]) == "string" {
			return a[0]
		}
		return string(value.JSON{ASCII: true}.Append(nil, a[0]))
	}},
	"to_number": {takes: []string{""}, call: func(_ *jmes, a []any) any {
		switch jmesType(a[0]) {
		case "number":
			return a[0]
		case "string":
			if n, ok := parseInt(jmesText(a[0]), 10); ok {
				return n
			}
			if f, ok := toFloat(a[0]); ok {
				return f
			}
		}
		return nil
	}},
	"type": {takes: []string{""}, call: func(_ *jmes, a []any) any {
		if t := jmesType(a[0]); t != "expref" {
			return t
		}
		return nil
	}},
}

// function reads the arguments of a function and gives its node. That there is
// no such function, or that it takes other arguments, counts when it is called.
func (p *jmes) function(name string) jmesNode {
	var args []query
	for !p.skip(")") {
		args = append(args, p.expression(0).eval)
		p.skip(",")
	}
	return jmesNode{eval: func(v any) any {
		vals := make([]any, len(args))
		for i, a := range args {
			vals[i] = a(v)
		}
		f, ok := jmesFuncs[name]
		if !ok {
			p.fail("Unknown function: %s()", name)
		}
		if len(vals) < len(f.takes) || len(vals) > len(f.takes) && !f.more {
			p.fail("Expected %d arguments for function %s(), received %d", len(f.takes), name, len(vals))
		}
		for i, types := range f.takes {
			if types != "" {
				p.check(name, vals[i], types)
			}
		}
		return f.call(p, vals)
	}}
}

// check refuses an argument that is of none of the types.
func (p *jmes) check(name string, v any, types string) {
	t := jmesType(v)
	for _, want := range strings.Fields(types) {
		kind, of, _ := strings.Cut(want, "-")
		if t == kind && (of == "" || allOf(jmesList(v), of)) {
			return
		}
	}
	p.wrongType(name, v, types)
}

func allOf(l []any, want string) bool {
	for _, e := range l {
		if jmesType(e) != want {
			return false
		}
	}
	return true
}

func (p *jmes) wrongType(name string, v any, types string) {
	shown := "an expression"
	if _, ok := v.(query); !ok {
		shown = Repr(v)
	}
	p.fail("In function %s(), invalid type for value: %s, expected one of: %s, received: %s", name, shown,
		strings.Join(strings.Fields(types), ", "), jmesType(v))
}

func (p *jmes) must(v any, err error) any {
	if err != nil {
		p.fail("%s", err)
	}
	return v
}

// jmesType is the name that JMESPath has for the type of v.
func jmesType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case int, float64, *big.Int:
		return "number"
	case []any:
		return "array"
	case *value.Map, Mapping:
		return "object"
	case query:
		return "expref"
	}
	if _, ok := asStr(v); ok {
		return "string"
	}
	return "unknown"
}

func (p *jmes) keys(v any) any {
	l, err := items(v)
	p.must(nil, err)
	return append([]any{}, l...)
}

func jmesText(v any) string {
	s, _ := asStr(v)
	return s
}

func jmesLess(p *jmes, x, y any) bool {
	c, err := order("<", x, y)
	p.must(nil, err)
	return c == -1
}

func jmesSum(p *jmes, v any) any {
	var total any = 0
	for _, e := range jmesList(v) {
		total = p.must(binary(nil, "+", total, e))
	}
	return total
}

func jmesWhole(p *jmes, v any, round func(float64) float64) any {
	f, ok := v.(float64)
	if !ok {
		return v
	}
	n, ok := toInt(round(f), 10)
	if !ok {
		p.fail("%s is no whole number", Repr(v))
	}
	return n
}

// keyOf is the expression by which a function orders, whose results are of one of
// the types.
func (p *jmes) keyOf(name string, by any, types string) query {
	q := by.(query)
	return func(v any) any {
		k := q(v)
		p.check(name, k, types)
		return k
	}
}

// jmesBest is the first element with the largest key, or the smallest.
func jmesBest(p *jmes, l []any, key query, largest bool) any {
	var best, bestKey any
	for i, e := range l {
		k := key(e)
		if i == 0 || largest && jmesLess(p, bestKey, k) || !largest && jmesLess(p, k, bestKey) {
			best, bestKey = e, k
		}
	}
	return best
}

func jmesSorted(p *jmes, v any, key query) any {
	out := append([]any{}, jmesList(v)...)
	p.must(nil, sortValues(out, func(v any) (any, error) { return key(v), nil }, false))
	return out
}
