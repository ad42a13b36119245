package template

import (
	"github.com/tutti-run/tutti/internal/value"
)

// jsonQuery evaluates a JMESPath expression.
func jsonQuery(f *frame, data any, expr string) (out any, err error) {
	p := &jmes{f: f, s: expr}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			out, err = nil, e
		}
	}()
	p.scan()
	q := p.expression(0)
	if t := p.next(); t.kind != "end" {
		p.unexpected(t)
	}
	return q.eval(data), nil
}

// query gives what an expression is of its input.
type query func(v any) any

func itself(v any) any { return v }

// jmesNode is a parsed expression: what it gives, and what is to be known of
// its form by what follows it.
type jmesNode struct {
	eval  query
	field string // the name, if it is nothing but a name without quotes
	index bool   // it ends with [n]
}

// jmes parses JMESPath into functions by the precedence of its operators.
type jmes struct {
	f      *frame // for data that is not all in memory
	s      string
	tokens []jmesToken
	i      int
	depth  int
}

// jmesPower says how strongly an operator binds to what stands before it. What
// is not here ends an expression.
var jmesPower = map[string]int{
	"|": 1, "||": 2, "&&": 3, "==": 5, "!=": 5, "<": 5, "<=": 5, ">": 5, ">=": 5,
	"[]": 9, "*": 20, "[?": 21, ".": 40, "!": 45, "{": 50, "[": 55, "(": 60,
}

// projectionEnd is the power from which on operators belong to the elements of a
// projection, rather than to its result.
const projectionEnd = 10

func (p *jmes) fail(format string, args ...any) {
	panic(filterErr("JMESPathError in json_query filter plugin:\n"+format, args...).(*Error))
}

func (p *jmes) unexpected(t jmesToken) {
	if t.kind == "end" {
		p.fail("unexpected end of %s", Repr(p.s))
	}
	p.fail("unexpected %s at column %d of %s", Repr(p.s[t.at:p.tokens[p.i].at]), t.at, Repr(p.s))
}

func (p *jmes) peek() string { return p.tokens[p.i].kind }

func (p *jmes) next() jmesToken {
	t := p.tokens[p.i]
	p.i = min(p.i+1, len(p.tokens)-1)
	return t
}

func (p *jmes) skip(kind string) bool {
	if p.peek() != kind {
		return false
	}
	p.next()
	return true
}

func (p *jmes) want(kind string) {
	if t := p.next(); t.kind != kind {
		p.unexpected(t)
	}
}

// expression reads a term and the operators after it that bind more strongly
// than power.
func (p *jmes) expression(power int) jmesNode {
	if p.depth++; p.depth > maxNesting {
		p.fail("nested too deeply")
	}
	defer func() { p.depth-- }()
	left := p.term()
	for power < jmesPower[p.peek()] {
		left = p.operator(left)
	}
	return left
}

func (p *jmes) term() jmesNode {
	switch t := p.next(); t.kind {
	case "@":
		return jmesNode{eval: itself}
	case "literal":
		return jmesNode{eval: func(any) any { return t.val }}
	case "name":
		return jmesNode{eval: p.field(t.val), field: t.val.(string)}
	case "quoted":
		return jmesNode{eval: p.field(t.val)}
	case "(":
		x := p.expression(0)
		p.want(")")
		return x
	case "!":
		x := p.expression(jmesPower["!"]).eval
		return jmesNode{eval: func(v any) any { return !jmesTrue(x(v)) }}
	case "&":
		x := p.expression(0).eval
		return jmesNode{eval: func(any) any { return x }}
	case "{":
		return p.multiMap()
	case "*":
		tail := query(itself)
		if p.peek() != "]" {
			tail = p.projected(jmesPower["*"])
		}
		return project(itself, p.mapValues, tail)
	case "[]", "[?":
		p.i--
		return p.operator(jmesNode{eval: itself})
	case "[":
		star := p.peek() == "*" && p.tokens[p.i+1].kind == "]"
		if k := p.peek(); star || k == "number" || k == ":" {
			return p.bracket(jmesNode{eval: itself})
		}
		return p.multiList()
	default:
		p.unexpected(t)
	}
	return jmesNode{}
}

func (p *jmes) operator(left jmesNode) jmesNode {
	a := left.eval
	switch t := p.next(); t.kind {
	case "|":
		return jmesNode{eval: then(a, p.expression(jmesPower["|"]).eval)}
	case "||", "&&":
		b := p.expression(jmesPower[t.kind]).eval
		return jmesNode{eval: func(v any) any {
			if x := a(v); jmesTrue(x) == (t.kind == "||") {
				return x
			}
			return b(v)
		}}
	case "==", "!=", "<", "<=", ">", ">=":
		b := p.expression(jmesPower[t.kind]).eval
		return jmesNode{eval: func(v any) any { return p.compare(t.kind, a(v), b(v)) }}
	case ".":
		if p.skip("*") {
			return project(a, p.mapValues, p.projected(jmesPower["."]))
		}
		return jmesNode{eval: then(a, p.member(jmesPower["."]))}
	case "[]":
		return project(a, flattened, p.projected(jmesPower["[]"]))
	case "[?":
		cond := p.expression(0).eval
		p.want("]")
		return project(a, func(v any) []any { return chosen(jmesList(v), cond) }, p.projected(jmesPower["[?"]))
	case "[":
		return p.bracket(left)
	case "(":
		if left.field == "" {
			p.unexpected(t)
		}
		return p.function(left.field)
	default:
		p.unexpected(t)
	}
	return jmesNode{}
}

// member reads what may stand after a dot.
func (p *jmes) member(power int) query {
	switch t := p.tokens[p.i]; t.kind {
	case "name", "quoted", "*":
		return p.expression(power).eval
	case "[":
		p.next()
		return p.multiList().eval
	case "{":
		p.next()
		return p.multiMap().eval
	default:
		p.next()
		p.unexpected(t)
	}
	return nil
}

// projected reads what is asked of each element of a projection.
func (p *jmes) projected(power int) query {
	switch k := p.peek(); {
	case jmesPower[k] < projectionEnd:
		return itself
	case k == "[" || k == "[?":
		return p.expression(power).eval
	case k == ".":
		p.next()
		return p.member(power)
	}
	p.unexpected(p.next())
	return nil
}

// project asks tail of each element that take gives of head, and leaves out what
// is null.
func project(head query, take func(v any) []any, tail query) jmesNode {
	return jmesNode{eval: func(v any) any {
		all := take(head(v))
		if all == nil {
			return nil
		}
		out := make([]any, 0, len(all))
		for _, e := range all {
			if x := tail(e); x != nil {
				out = append(out, x)
			}
		}
		return out
	}}
}

// jmesList is v if it is a list, else nil.
func jmesList(v any) []any {
	l, ok := v.([]any)
	if ok && l == nil {
		l = []any{}
	}
	return l
}

// flattened is a list with the elements of the lists in it in their places.
func flattened(v any) []any {
	l := jmesList(v)
	if l == nil {
		return nil
	}
	out := make([]any, 0, len(l))
	for _, e := range l {
		if inner := jmesList(e); inner != nil {
			out = append(out, inner...)
		} else {
			out = append(out, e)
		}
	}
	return out
}

func (p *jmes) mapValues(v any) []any {
	if lazy, ok := v.(Mapping); ok {
		m, err := mapOf(p.f, lazy)
		p.must(nil, err)
		v = m
	}
	m, ok := v.(*value.Map)
	if !ok {
		return nil
	}
	return append([]any{}, m.Values()...)
}

func chosen(l []any, cond query) []any {
	if l == nil {
		return nil
	}
	out := []any{}
	for _, e := range l {
		if jmesTrue(cond(e)) {
			out = append(out, e)
		}
	}
	return out
}

func then(a, b query) query { return func(v any) any { return b(a(v)) } }

func (p *jmes) field(name any) query {
	return func(v any) any {
		switch m := v.(type) {
		case *value.Map:
			return m.At(name)
		case Mapping:
			e := p.must(p.f.item(m, name))
			if _, undefined := e.(*Undefined); !undefined {
				return e
			}
		}
		return nil
	}
}

// bracket reads [n], [a:b:c] or [*] from after the bracket on.
func (p *jmes) bracket(left jmesNode) jmesNode {
	if p.skip("*") {
		p.want("]")
		return project(left.eval, jmesList, p.projected(jmesPower["*"]))
	}
	var bound [3]*int
	colons := 0
	for p.peek() != "]" {
		switch t := p.next(); {
		case t.kind == ":" && colons < 2:
			colons++
		case t.kind == "number" && bound[colons] == nil:
			n := t.val.(int)
			bound[colons] = &n
		default:
			p.unexpected(t)
		}
	}
	if end := p.next(); bound[0] == nil && colons == 0 {
		p.unexpected(end)
	}
	head := left.eval
	if colons == 0 {
		return jmesNode{index: true, eval: func(v any) any {
			if l := jmesList(head(v)); l != nil {
				e, _ := element(l, *bound[0])
				return e
			}
			return nil
		}}
	}
	part := func(v any) []any {
		l := jmesList(v)
		if l == nil {
			return nil
		}
		out, err := slice(l, bound)
		if err != nil {
			p.fail("%s", err)
		}
		return out
	}
	if left.index {
		// A slice right after an index gives a plain list, as it does in Python.
		return jmesNode{index: true, eval: func(v any) any {
			if l := part(head(v)); l != nil {
				return l
			}
			return nil
		}}
	}
	return project(head, part, p.projected(jmesPower["*"]))
}

// multiList reads [a, b] from after the bracket on.
func (p *jmes) multiList() jmesNode {
	qs := []query{p.expression(0).eval}
	for p.skip(",") {
		qs = append(qs, p.expression(0).eval)
	}
	p.want("]")
	return jmesNode{eval: func(v any) any {
		if v == nil {
			return nil
		}
		out := make([]any, len(qs))
		for i, q := range qs {
			out[i] = q(v)
		}
		return out
	}}
}

// multiMap reads {a: b, c: d} from after the brace on.
func (p *jmes) multiMap() jmesNode {
	var names []any
	var qs []query
	for {
		t := p.next()
		if t.kind != "name" && t.kind != "quoted" {
			p.unexpected(t)
		}
		p.want(":")
		names, qs = append(names, t.val), append(qs, p.expression(0).eval)
		if p.skip("}") {
			break
		}
		p.skip(",")
	}
	return jmesNode{eval: func(v any) any {
		if v == nil {
			return nil
		}
		m := value.NewMap(len(qs))
		for i, q := range qs {
			m.Set(names[i], q(v))
		}
		return m
	}}
}

// jmesTrue tells true from false: numbers are true, whatever they are.
func jmesTrue(v any) bool {
	switch v.(type) {
	case nil, bool, string, []any, *value.Map:
		return Bool(v)
	}
	s, isText := asStr(v)
	return !isText || s != ""
}

// compare is null if values have no order.
func (p *jmes) compare(op string, x, y any) any {
	switch op {
	case "==":
		return jmesEqual(x, y)
	case "!=":
		return !jmesEqual(x, y)
	}
	for _, v := range [...]any{x, y} {
		if t := jmesType(v); t != "number" && t != "string" {
			return nil
		}
	}
	return p.must(compareOp(nil, op, x, y))
}

// jmesEqual is equal, but a truth value is no number.
func jmesEqual(x, y any) bool {
	_, xb := x.(bool)
	_, yb := y.(bool)
	return xb == yb && equal(x, y)
}
