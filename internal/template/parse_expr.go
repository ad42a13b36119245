package template

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

func (p *parser) expr() node { return p.cond() }

// cond reads `a if b else c`.
func (p *parser) cond() node {
	p.enter()
	defer p.leave()
	off := p.cur().off
	x := p.or()
	for p.skipName("if") {
		test := p.or()
		var no node
		if p.skipName("else") {
			no = p.cond()
		}
		x = &condNode{test, x, no, p.line(off)}
	}
	return x
}

func (p *parser) or() node {
	l := p.and()
	for p.skipName("or") {
		l = &orNode{l, p.and()}
	}
	return l
}

func (p *parser) and() node {
	l := p.not()
	for p.skipName("and") {
		l = &andNode{l, p.not()}
	}
	return l
}

func (p *parser) not() node {
	if p.isName("not") {
		p.enter()
		defer p.leave()
		p.next()
		return &notNode{p.not()}
	}
	return p.compare()
}

func (p *parser) compare() node {
	first := p.sum()
	var ops []string
	var rest []node
	for {
		t := p.cur()
		switch {
		case t.kind == "==" || t.kind == "!=" || t.kind == "<" || t.kind == "<=" || t.kind == ">" || t.kind == ">=":
			p.next()
			ops = append(ops, t.text)
		case p.isName("in"):
			p.next()
			ops = append(ops, "in")
		case p.isName("not") && p.look().kind == tName && p.look().text == "in":
			p.next()
			p.next()
			ops = append(ops, "not in")
		default:
			if ops == nil {
				return first
			}
			return &compareNode{first, ops, rest}
		}
		rest = append(rest, p.sum())
	}
}

func (p *parser) binary(operand func() node, ops ...kind) node {
	l := operand()
	for {
		k := p.cur().kind
		found := false
		for _, o := range ops {
			found = found || k == o
		}
		if !found {
			return l
		}
		p.next()
		l = &binNode{string(k), l, operand()}
	}
}

func (p *parser) sum() node { return p.binary(p.concat, "+", "-") }

func (p *parser) concat() node {
	first := p.product()
	if !p.is("~") {
		return first
	}
	parts := []node{first}
	for p.skip("~") {
		parts = append(parts, p.product())
	}
	return &concatNode{parts}
}

func (p *parser) product() node { return p.binary(p.power, "*", "/", "//", "%") }

func (p *parser) power() node {
	return p.binary(func() node { return p.unary(true) }, "**")
}

func (p *parser) unary(filters bool) node {
	var x node
	switch k := p.cur().kind; k {
	case "-", "+":
		p.enter()
		p.next()
		x = &unaryNode{string(k), p.unary(false)}
		p.leave()
	default:
		x = p.primary()
	}
	x = p.postfix(x)
	if filters {
		x = p.filters(x)
	}
	return x
}

func (p *parser) primary() node {
	t := p.cur()
	switch t.kind {
	case tName:
		p.next()
		switch t.text {
		case "true", "True":
			return &constNode{true}
		case "false", "False":
			return &constNode{false}
		case "none", "None":
			return &constNode{nil}
		}
		p.use(t.text)
		return &nameNode{t.text}
	case tString:
		p.next()
		if !p.is(tString) {
			return &constNode{t.text}
		}
		var b strings.Builder
		b.WriteString(t.text)
		for p.is(tString) {
			b.WriteString(p.next().text)
		}
		return &constNode{b.String()}
	case tInt:
		p.next()
		n, ok := new(big.Int).SetString(strings.ToLower(t.text), 0)
		if !ok {
			n, _ = new(big.Int).SetString(strings.ReplaceAll(t.text, "_", ""), 10)
		}
		if n == nil {
			p.fail(t.off, "bad number '%s'", t.text)
		}
		return &constNode{value.Int(n)}
	case tFloat:
		p.next()
		f, _ := strconv.ParseFloat(strings.ReplaceAll(t.text, "_", ""), 64)
		return &constNode{f}
	case "(":
		p.next()
		x := p.tuple(true, true, nil)
		p.expect(")")
		return x
	case "[":
		return p.list()
	case "{":
		return p.dict()
	}
	p.fail(t.off, "unexpected '%s'", t.describe())
	return nil
}

// tuple reads one expression, or several with commas between them.
func (p *parser) tuple(withCond, explicit bool, ends []string) node {
	p.enter()
	defer p.leave()
	var items []node
	comma, several := false, false
	for {
		if len(items) > 0 && !comma {
			break
		}
		if p.tupleEnd(ends) {
			break
		}
		if withCond {
			items = append(items, p.cond())
		} else {
			items = append(items, p.or())
		}
		comma = p.skip(",")
		several = several || comma
	}
	if !several {
		if len(items) == 1 {
			return items[0]
		}
		if !explicit {
			p.fail(p.cur().off, "Expected an expression, got '%s'", p.cur().describe())
		}
	}
	return &tupleNode{items}
}

func (p *parser) tupleEnd(ends []string) bool {
	switch p.cur().kind {
	case tVarEnd, tBlockEnd, ")":
		return true
	}
	for _, e := range ends {
		if p.isName(e) {
			return true
		}
	}
	return false
}

func (p *parser) list() node {
	p.expect("[")
	p.enter()
	defer p.leave()
	n := &listNode{}
	for !p.is("]") {
		if len(n.items) > 0 {
			p.expect(",")
		}
		if p.is("]") {
			break
		}
		n.items = append(n.items, p.expr())
	}
	p.expect("]")
	return n
}

func (p *parser) dict() node {
	p.expect("{")
	p.enter()
	defer p.leave()
	n := &dictNode{}
	for !p.is("}") {
		if len(n.keys) > 0 {
			p.expect(",")
		}
		if p.is("}") {
			break
		}
		k := p.expr()
		p.expect(":")
		n.keys, n.vals = append(n.keys, k), append(n.vals, p.expr())
	}
	p.expect("}")
	return n
}

func (p *parser) postfix(x node) node {
	depth := p.depth
	defer func() { p.depth = depth }()
	for {
		switch p.cur().kind {
		case ".", "[":
			x = p.subscript(x)
		case "(":
			x = p.call(x)
		default:
			return x
		}
		p.enter() // a chain nests as deep as it is long
	}
}

func (p *parser) filters(x node) node {
	depth := p.depth
	defer func() { p.depth = depth }()
	for {
		switch {
		case p.is("|"):
			p.next()
			x = p.filter(x)
		case p.isName("is"):
			x = p.test(x)
		case p.is("("):
			x = p.call(x)
		default:
			return x
		}
		p.enter()
	}
}

func (p *parser) subscript(x node) node {
	if p.next().kind == "." {
		t := p.next()
		switch t.kind {
		case tName:
			if mutators[t.text] {
				p.mutates = true
			}
			return &attrNode{x, t.text}
		case tInt:
			n, err := strconv.Atoi(t.text)
			if err != nil {
				p.fail(t.off, "bad index '%s'", t.text)
			}
			return &itemNode{x, &constNode{n}}
		}
		p.fail(t.off, "expected name or number")
	}
	var args []node
	for !p.is("]") {
		if len(args) > 0 {
			p.expect(",")
		}
		args = append(args, p.subscribed())
	}
	p.expect("]")
	if len(args) == 1 {
		if c, ok := args[0].(*constNode); ok {
			if s, ok := c.v.(string); ok && mutators[s] {
				p.mutates = true
			}
		}
		return &itemNode{x, args[0]}
	}
	return &itemNode{x, &tupleNode{args}}
}

// mutators are the methods that change their list, dict or set.
var mutators = map[string]bool{
	"append": true, "extend": true, "insert": true, "pop": true, "remove": true, "clear": true, "sort": true,
	"reverse": true, "update": true, "setdefault": true, "popitem": true, "add": true, "discard": true,
}

func (p *parser) subscribed() node {
	var lo, hi, step node
	if !p.is(":") {
		lo = p.expr()
		if !p.is(":") {
			return lo
		}
	}
	p.next()
	if !p.is(":") && !p.is("]") && !p.is(",") {
		hi = p.expr()
	}
	if p.skip(":") && !p.is("]") && !p.is(",") {
		step = p.expr()
	}
	return &sliceNode{lo, hi, step}
}

func (p *parser) args() callArgs {
	var a callArgs
	open := p.expect("(")
	p.enter()
	defer p.leave()
	first := true
	for !p.is(")") {
		if !first {
			p.expect(",")
			if p.is(")") {
				break
			}
		}
		first = false
		switch {
		case p.is("*"):
			if a.star != nil || a.kwstar != nil {
				p.fail(open.off, "invalid syntax for function call expression")
			}
			p.next()
			a.star = p.expr()
		case p.is("**"):
			if a.kwstar != nil {
				p.fail(open.off, "invalid syntax for function call expression")
			}
			p.next()
			a.kwstar = p.expr()
		case p.is(tName) && p.look().kind == "=":
			if a.kwstar != nil {
				p.fail(open.off, "invalid syntax for function call expression")
			}
			a.names = append(a.names, p.next().text)
			p.next()
			a.named = append(a.named, p.expr())
		default:
			if a.star != nil || a.kwstar != nil || len(a.names) > 0 {
				p.fail(open.off, "invalid syntax for function call expression")
			}
			a.pos = append(a.pos, p.expr())
		}
	}
	p.expect(")")
	return a
}

func (p *parser) call(fn node) node {
	off := p.cur().off
	return &callNode{fn, p.args(), off}
}

// dotted reads the name of a filter or test.
func (p *parser) dotted() (string, int) {
	t := p.expect(tName)
	name := t.text
	for p.skip(".") {
		name += "." + p.expect(tName).text
	}
	return name, t.off
}

func (p *parser) filter(in node) *filterNode {
	name, off := p.dotted()
	d := p.e.filter(name)
	if d == nil {
		p.fail(off, "%s%s", noPlugin(name).Error(), p.e.suggest(name, false))
	}
	n := &filterNode{in: in, name: name, def: d, off: off}
	if p.is("(") {
		n.args = p.args()
	}
	return n
}

func (p *parser) test(in node) node {
	p.next()
	negate := p.skipName("not")
	name, off := p.dotted()
	d := p.e.test(name)
	if d == nil {
		p.fail(off, "%s%s", noPlugin(name).Error(), p.e.suggest(name, true))
	}
	n := &testNode{in: in, name: name, def: d, off: off}
	switch t := p.cur(); {
	case t.kind == "(":
		n.args = p.args()
	case t.kind == tName && (t.text == "else" || t.text == "or" || t.text == "and"):
	case t.kind == tName || t.kind == tString || t.kind == tInt || t.kind == tFloat || t.kind == "[" || t.kind == "{":
		if t.kind == tName && t.text == "is" {
			p.fail(t.off, "You cannot chain multiple tests with is")
		}
		n.args.pos = []node{p.postfix(p.primary())}
	}
	if negate {
		return &notNode{n}
	}
	return n
}
