package template

// statement reads one block tag, and for those that have one its body and end
// tag, up to but without the block's end.
func (p *parser) statement() stmt {
	t := p.cur()
	if t.kind != tName {
		p.fail(t.off, "tag name expected")
	}
	p.next()
	switch t.text {
	case "if":
		return p.ifTag(t.off)
	case "for":
		return p.forTag(t.off)
	case "set":
		return p.setTag(t.off)
	case "macro":
		return p.macroTag(t.off)
	case "call":
		return p.callTag(t.off)
	case "filter":
		s := &filterStmt{off: t.off}
		s.filter = p.filterChain(nil, true)
		s.body = p.block("endfilter")
		return s
	case "with":
		return p.withTag(t.off)
	case "autoescape":
		p.expr()
		return &scopeStmt{p.block("endautoescape")}
	case "block":
		return p.blockTag(t.off)
	case "extends":
		p.mutates = true
		return &extendsStmt{p.expr(), t.off}
	case "include":
		return p.includeTag(t.off)
	case "import":
		p.mutates = true
		s := &importStmt{from: p.expr(), off: t.off}
		p.expectName("as")
		s.as = p.target(true).(*nameNode).name
		s.withContext = p.context(false)
		return s
	case "from":
		return p.fromTag(t.off)
	case "do":
		if p.e.opt.Do {
			return &doStmt{p.tuple(true, false, nil), t.off}
		}
	case "break", "continue":
		if p.e.opt.LoopControls && p.loops > 0 {
			return &loopControl{t.text == "break"}
		}
	}
	p.unknownEnd(t.text, t.off)
	return nil
}

// block reads the end of a tag, a body, and the name of the end tag.
func (p *parser) block(end ...string) []stmt {
	p.skip(":") // as in Python, which line statements like to look like
	p.expect(tBlockEnd)
	b := p.body(end)
	p.endTag()
	return b
}

func (p *parser) ifTag(off int) stmt {
	s := &ifStmt{off: off}
	for {
		s.tests = append(s.tests, p.tuple(false, false, nil))
		p.skip(":")
		p.expect(tBlockEnd)
		s.bodies = append(s.bodies, p.body([]string{"elif", "else", "endif"}))
		switch p.endTag() {
		case "elif":
			continue
		case "else":
			s.other = p.block("endif")
		}
		return s
	}
}

func (p *parser) forTag(off int) stmt {
	s := &forStmt{off: off}
	s.target = p.targets("in")
	p.expectName("in")
	s.iter = p.tuple(false, false, []string{"recursive"})
	used := map[string]bool{}
	p.used = append(p.used, used)
	if p.skipName("if") {
		s.filter = p.expr()
	}
	s.recursive = p.skipName("recursive")
	p.skip(":")
	p.expect(tBlockEnd)
	p.loops++
	s.body = p.body([]string{"endfor", "else"})
	p.loops--
	p.used = p.used[:len(p.used)-1]
	s.usesLoop = used["loop"] || s.recursive
	if p.endTag() == "else" {
		s.other = p.block("endfor")
	}
	return s
}

// targets reads what is assigned to: a name, or several in a tuple.
func (p *parser) targets(ends ...string) node {
	off := p.cur().off
	x := p.targetTuple(ends)
	p.checkTarget(x, off)
	return x
}

func (p *parser) targetTuple(ends []string) node {
	var items []node
	comma := false
	for {
		if len(items) > 0 && !comma || p.tupleEnd(ends) || p.is("=") {
			break
		}
		items = append(items, p.primary())
		comma = p.skip(",")
	}
	if len(items) == 1 && !comma {
		return items[0]
	}
	if len(items) == 0 {
		p.fail(p.cur().off, "Expected an expression, got '%s'", p.cur().describe())
	}
	return &tupleNode{items}
}

func (p *parser) checkTarget(x node, off int) {
	switch x := x.(type) {
	case *nameNode, *nsNode:
		return
	case *tupleNode:
		for _, e := range x.items {
			p.checkTarget(e, off)
		}
		return
	}
	p.fail(off, "can't assign to a value")
}

// target reads a single name to assign to.
func (p *parser) target(nameOnly bool) node {
	t := p.expect(tName)
	switch t.text {
	case "true", "false", "none", "True", "False", "None":
		p.fail(t.off, "can't assign to '%s'", t.text)
	}
	if !nameOnly && p.skip(".") {
		return &nsNode{t.text, p.expect(tName).text}
	}
	return &nameNode{t.text}
}

func (p *parser) setTag(off int) stmt {
	var target node
	if p.is(tName) && p.look().kind == "." {
		target = p.target(false)
	} else {
		target = p.targets()
	}
	if p.skip("=") {
		return &setStmt{target, p.tuple(true, false, nil), off}
	}
	s := &setBlockStmt{target: target, off: off}
	s.filter = p.filterChain(nil, false)
	s.body = p.block("endset")
	return s
}

// filterChain reads filters that are joined with |. With start, the first has
// no | before it.
func (p *parser) filterChain(in *filterNode, start bool) *filterNode {
	for start || p.is("|") {
		if !start {
			p.next()
		}
		start = false
		var x node
		if in != nil {
			x = in
		}
		in = p.filter(x)
	}
	return in
}

func (p *parser) signature(m *macroStmt) {
	p.expect("(")
	for !p.is(")") {
		if len(m.params) > 0 {
			p.expect(",")
		}
		m.params = append(m.params, p.target(true).(*nameNode).name)
		if p.skip("=") {
			m.defaults = append(m.defaults, p.expr())
		} else if len(m.defaults) > 0 {
			p.fail(p.cur().off, "non-default argument follows default argument")
		}
	}
	p.expect(")")
}

func (p *parser) macroBody(m *macroStmt, end string) {
	used := map[string]bool{}
	p.used = append(p.used, used)
	loops := p.loops
	p.loops = 0
	m.body = p.block(end)
	p.loops = loops
	p.used = p.used[:len(p.used)-1]
	m.varargs, m.kwargs, m.caller = used["varargs"], used["kwargs"], used["caller"]
}

func (p *parser) macroTag(off int) stmt {
	m := &macroStmt{off: off}
	m.name = p.target(true).(*nameNode).name
	p.signature(m)
	p.macroBody(m, "endmacro")
	return m
}

func (p *parser) callTag(off int) stmt {
	m := &macroStmt{name: "caller", off: off}
	if p.is("(") {
		p.signature(m)
	}
	x := p.expr()
	c, ok := x.(*callNode)
	if !ok {
		p.fail(off, "expected call")
	}
	p.macroBody(m, "endcall")
	return &callStmt{c, m, off}
}

func (p *parser) withTag(off int) stmt {
	s := &withStmt{off: off}
	for !p.is(tBlockEnd) {
		if len(s.targets) > 0 {
			p.expect(",")
		}
		s.targets = append(s.targets, p.target(true))
		p.expect("=")
		s.values = append(s.values, p.expr())
	}
	s.body = p.block("endwith")
	return s
}

func (p *parser) blockTag(off int) stmt {
	s := &blockStmt{off: off, name: p.expect(tName).text}
	s.scoped = p.skipName("scoped")
	s.required = p.skipName("required")
	if p.is("-") {
		p.fail(p.cur().off, "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.")
	}
	if p.blocks[s.name] != nil {
		p.fail(off, "block '%s' defined twice", s.name)
	}
	p.blocks[s.name] = s
	p.expect(tBlockEnd)
	s.body = p.body([]string{"endblock"})
	p.endTag()
	p.skipName(s.name)
	return s
}

// context reads `with context` or `without context`.
func (p *parser) context(otherwise bool) bool {
	if (p.isName("with") || p.isName("without")) && p.look().kind == tName && p.look().text == "context" {
		with := p.next().text == "with"
		p.next()
		return with
	}
	return otherwise
}

func (p *parser) includeTag(off int) stmt {
	p.mutates = true
	s := &includeStmt{from: p.expr(), off: off}
	if p.isName("ignore") && p.look().kind == tName && p.look().text == "missing" {
		p.next()
		p.next()
		s.ignoreMissing = true
	}
	s.withContext = p.context(true)
	return s
}

func (p *parser) fromTag(off int) stmt {
	p.mutates = true
	s := &importStmt{from: p.expr(), off: off}
	p.expectName("import")
	for {
		if p.isName("with") || p.isName("without") {
			if l := p.look(); l.kind == tName && l.text == "context" {
				break
			}
		}
		name := p.target(true).(*nameNode).name
		if name[0] == '_' {
			p.fail(off, "names starting with an underline can not be imported")
		}
		alias := name
		if p.skipName("as") {
			alias = p.target(true).(*nameNode).name
		}
		s.names, s.aliases = append(s.names, name), append(s.aliases, alias)
		if !p.skip(",") {
			break
		}
		if p.is(tBlockEnd) {
			break
		}
	}
	s.withContext = p.context(false)
	return s
}
