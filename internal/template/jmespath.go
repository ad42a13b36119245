package template

import (
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// jsonQuery evaluates a JMESPath expression.
func jsonQuery(data any, expr string) (out any, err error) {
	p := &jmes{s: expr, data: data}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			out, err = nil, e
		}
	}()
	q := p.pipe()
	if p.space(); p.i < len(p.s) {
		p.fail("unexpected %s", Repr(p.s[p.i:]))
	}
	return q(data), nil
}

// query gives what an expression is of its input.
type query func(v any) any

// jmes parses JMESPath into functions.
type jmes struct {
	s     string
	i     int
	data  any
	depth int
}

func (p *jmes) fail(format string, args ...any) {
	e := filterErr("JMESPathError in json_query filter plugin:\n"+format, args...).(*Error)
	panic(e)
}

func (p *jmes) space() {
	for p.i < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.i]) >= 0 {
		p.i++
	}
}

func (p *jmes) skip(t string) bool {
	p.space()
	if strings.HasPrefix(p.s[p.i:], t) {
		p.i += len(t)
		return true
	}
	return false
}

func (p *jmes) peek(t string) bool {
	p.space()
	return strings.HasPrefix(p.s[p.i:], t)
}

func (p *jmes) want(t string) {
	if !p.skip(t) {
		p.fail("expected %s at column %d of %s", Repr(t), p.i, Repr(p.s))
	}
}

func (p *jmes) pipe() query {
	if p.depth++; p.depth > maxNesting {
		p.fail("nested too deeply")
	}
	defer func() { p.depth-- }()
	l := p.or()
	for p.peek("|") && !p.peek("||") {
		p.i++
		a, b := l, p.or()
		l = func(v any) any { return b(a(v)) }
	}
	return l
}

func jmesTrue(v any) bool {
	switch v := v.(type) {
	case int, float64:
		return true
	default:
		return Bool(v)
	}
}

func (p *jmes) or() query {
	l := p.and()
	for p.skip("||") {
		a, b := l, p.and()
		l = func(v any) any {
			if x := a(v); jmesTrue(x) {
				return x
			}
			return b(v)
		}
	}
	return l
}

func (p *jmes) and() query {
	l := p.compare()
	for p.peek("&&") {
		p.i += 2
		a, b := l, p.compare()
		l = func(v any) any {
			if x := a(v); !jmesTrue(x) {
				return x
			}
			return b(v)
		}
	}
	return l
}

func (p *jmes) compare() query {
	l := p.chain()
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if !p.skip(op) {
			continue
		}
		r := p.chain()
		return func(v any) any {
			x, y := l(v), r(v)
			switch op {
			case "==":
				return jmesEqual(x, y)
			case "!=":
				return !jmesEqual(x, y)
			}
			if !isNumber(x) || !isNumber(y) {
				return nil
			}
			ok, _ := compareOp(nil, op, x, y)
			return ok
		}
	}
	return l
}

// jmesEqual is equal, but a truth value is no number.
func jmesEqual(x, y any) bool {
	_, xb := x.(bool)
	_, yb := y.(bool)
	return xb == yb && equal(x, y)
}

// chain reads a term and what follows it. A projection applies the rest of
// its chain to each element.
func (p *jmes) chain() query {
	if p.depth++; p.depth > maxNesting {
		p.fail("nested too deeply")
	}
	defer func() { p.depth-- }()
	p.space()
	var head query
	switch {
	case p.skip("!"):
		x := p.chain()
		return func(v any) any { return !jmesTrue(x(v)) }
	case p.peek("["):
		if q, ok := p.multiList(); ok {
			head = q
		} else {
			return p.rest(func(v any) any { return v })
		}
	case p.peek("*"):
		p.i++
		return p.project(func(v any) any { return v }, mapValues)
	default:
		head = p.term()
	}
	return p.rest(head)
}

func mapValues(v any) []any {
	if m, ok := v.(*value.Map); ok {
		return m.Values()
	}
	return nil
}

// project applies what follows to each element that take gives of head.
func (p *jmes) project(head query, take func(v any) []any) query {
	tail := p.rest(func(v any) any { return v })
	return func(v any) any {
		all := take(head(v))
		if all == nil {
			return nil
		}
		out := []any{}
		for _, e := range all {
			if x := tail(e); x != nil {
				out = append(out, x)
			}
		}
		return out
	}
}

func listOf(v any) []any {
	l, ok := asList(v)
	if ok && l == nil {
		l = []any{}
	}
	return l
}

// rest reads .name, [0], [*], [], [a:b], [?cond] after head.
func (p *jmes) rest(head query) query {
	for {
		p.space()
		switch {
		case p.skip("."):
			switch {
			case p.skip("*"):
				return p.project(head, mapValues)
			case p.peek("["):
				sub, ok := p.multiList()
				if !ok {
					p.fail("expected a list of expressions at column %d", p.i)
				}
				head = then(head, sub)
			default:
				head = then(head, p.term())
			}
		case p.skip("[*]"):
			return p.project(head, listOf)
		case p.skip("[]"):
			return p.project(head, func(v any) []any {
				l, ok := asList(v)
				if !ok {
					return nil
				}
				return flattenOne(l)
			})
		case p.skip("[?"):
			cond := p.pipe()
			p.want("]")
			return p.project(head, func(v any) []any {
				l, ok := asList(v)
				if !ok {
					return nil
				}
				out := []any{}
				for _, e := range l {
					if jmesTrue(cond(e)) {
						out = append(out, e)
					}
				}
				return out
			})
		case p.peek("["):
			p.i++
			bound, isSlice := p.bounds()
			p.want("]")
			if isSlice {
				return p.project(head, func(v any) []any {
					l, ok := asList(v)
					if !ok {
						return nil
					}
					part, err := slice(l, bound)
					if err != nil {
						p.fail("%s", err)
					}
					return part
				})
			}
			i, before := *bound[0], head
			head = func(v any) any {
				if l, ok := asList(before(v)); ok {
					e, _ := element(l, i)
					return e
				}
				return nil
			}
		default:
			return head
		}
	}
}

func then(a, b query) query {
	return func(v any) any {
		x := a(v)
		if x == nil {
			return nil
		}
		return b(x)
	}
}

// bounds reads 1 or a:b:c.
func (p *jmes) bounds() (b [3]*int, isSlice bool) {
	for i := 0; i < 3; i++ {
		p.space()
		start := p.i
		for p.i < len(p.s) && (p.s[p.i] == '-' || p.s[p.i] >= '0' && p.s[p.i] <= '9') {
			p.i++
		}
		if p.i > start {
			n, err := strconv.Atoi(p.s[start:p.i])
			if err != nil {
				p.fail("bad index %s", Repr(p.s[start:p.i]))
			}
			b[i] = &n
		}
		if !p.skip(":") {
			break
		}
		isSlice = true
	}
	if !isSlice && b[0] == nil {
		p.fail("bad index at column %d of %s", p.i, Repr(p.s))
	}
	return b, isSlice
}

// multiList reads [a, b], unless it is an index or a projection.
func (p *jmes) multiList() (query, bool) {
	p.space()
	save := p.i
	p.want("[")
	p.space()
	if p.i < len(p.s) && strings.IndexByte("*]?:-0123456789", p.s[p.i]) >= 0 && !p.peek("*.") {
		p.i = save
		return nil, false
	}
	var qs []query
	for {
		qs = append(qs, p.pipe())
		if !p.skip(",") {
			break
		}
	}
	p.want("]")
	return func(v any) any {
		if v == nil {
			return nil
		}
		out := make([]any, len(qs))
		for i, q := range qs {
			out[i] = q(v)
		}
		return out
	}, true
}

func (p *jmes) term() query {
	p.space()
	if p.i >= len(p.s) {
		p.fail("unexpected end of %s", Repr(p.s))
	}
	switch c := p.s[p.i]; {
	case c == '@':
		p.i++
		return func(v any) any { return v }
	case c == '(':
		p.i++
		q := p.pipe()
		p.want(")")
		return q
	case c == '{':
		return p.multiMap()
	case c == '\'':
		text := p.until('\'')
		return func(any) any { return text }
	case c == '`':
		text := p.until('`')
		v, err := value.ParseJSON([]byte(text))
		if err != nil {
			v = strings.TrimSpace(text)
		}
		return func(any) any { return v }
	case c == '&':
		p.i++
		q := p.pipe()
		return func(any) any { return q }
	case c == '"':
		name := p.name()
		return field(name)
	}
	name := p.name()
	if p.i < len(p.s) && p.s[p.i] == '(' {
		return p.function(name)
	}
	return field(name)
}

func field(name string) query {
	return func(v any) any {
		if m, ok := v.(*value.Map); ok {
			return m.At(name)
		}
		return nil
	}
}

func (p *jmes) until(quote byte) string {
	var b strings.Builder
	for p.i++; p.i < len(p.s) && p.s[p.i] != quote; p.i++ {
		if p.s[p.i] == '\\' && p.i+1 < len(p.s) && p.s[p.i+1] == quote {
			p.i++
		}
		b.WriteByte(p.s[p.i])
	}
	if p.i >= len(p.s) {
		p.fail("unclosed %c in %s", quote, Repr(p.s))
	}
	p.i++
	return b.String()
}

func (p *jmes) name() string {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == '"' {
		start := p.i
		p.until('"')
		v, err := value.ParseJSON([]byte(p.s[start:p.i]))
		s, ok := v.(string)
		if err != nil || !ok {
			p.fail("bad name %s", p.s[start:p.i])
		}
		return s
	}
	start := p.i
	for p.i < len(p.s) && (p.s[p.i] == '_' || p.s[p.i]|0x20 >= 'a' && p.s[p.i]|0x20 <= 'z' || p.i > start && p.s[p.i] >= '0' && p.s[p.i] <= '9') {
		p.i++
	}
	if p.i == start {
		p.fail("unexpected %s at column %d of %s", Repr(p.s[p.i:min(p.i+1, len(p.s))]), p.i, Repr(p.s))
	}
	return p.s[start:p.i]
}

func (p *jmes) multiMap() query {
	p.want("{")
	var names []string
	var qs []query
	for {
		names = append(names, p.name())
		p.want(":")
		qs = append(qs, p.pipe())
		if !p.skip(",") {
			break
		}
	}
	p.want("}")
	return func(v any) any {
		if v == nil {
			return nil
		}
		m := value.NewMap(len(qs))
		for i, q := range qs {
			m.Set(names[i], q(v))
		}
		return m
	}
}
