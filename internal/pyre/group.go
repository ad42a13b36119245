package pyre

import (
	"strconv"
	"unicode"
)

func (p *parser) group(at int) (node, bool) {
	if !p.skip('?') {
		return p.capture("", at), true
	}
	if !p.more() {
		p.fail(p.i, "unexpected end of pattern")
	}
	switch {
	case p.skip(':'):
		n := p.alternatives()
		p.close(at)
		if n.kind == nRepeat || n.kind == nBegin || n.kind == nLineBegin {
			n = node{kind: nSeq, subs: []node{n}}
		}
		return n, true
	case p.skip('>'):
		n := p.alternatives()
		p.close(at)
		return node{kind: nAtomic, subs: []node{n}}, true
	case p.skip('#'):
		for p.more() && !p.peek(')') {
			p.i++
		}
		if !p.more() {
			p.fail(at, "missing ), unterminated comment")
		}
		p.i++
		return node{}, false
	case p.skipText("P<"):
		return p.capture(p.name('>'), at), true
	case p.skipText("P="):
		name := p.name(')')
		g, ok := p.names[name]
		if !ok {
			p.fail(p.i, "unknown group name '%s'", name)
		}
		return node{kind: nBackref, group: g, flags: p.flags}, true
	case p.peek('=') || p.peek('!') || p.peek('<'):
		return p.look(at), true
	case p.skip('('):
		return p.conditional(at), true
	case p.skip('P'):
		p.fail(at+1, "unknown extension ?P")
	}
	return p.inlineFlags(at)
}

func (p *parser) close(at int) {
	if !p.skip(')') {
		p.fail(at, "missing ), unterminated subpattern")
	}
}

func (p *parser) name(end rune) string {
	start := p.i
	for p.more() && !p.peek(end) {
		p.i++
	}
	if !p.more() {
		p.fail(start, "missing %c, unterminated name", end)
	}
	name := string(p.s[start:p.i])
	p.i++
	if name == "" {
		p.fail(start, "missing group name")
	}
	if !isIdentifier(name) {
		p.fail(start, "bad character in group name '%s'", name)
	}
	return name
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

func (p *parser) capture(name string, at int) node {
	p.groups++
	g := p.groups
	if name != "" {
		if old, ok := p.names[name]; ok {
			p.fail(at, "redefinition of group name '%s' as group %d; was group %d", name, g, old)
		}
		p.names[name] = g
	}
	p.open[g] = true
	n := p.alternatives()
	p.close(at)
	delete(p.open, g)
	return node{kind: nGroup, group: g, subs: []node{n}}
}

func (p *parser) look(at int) node {
	n := node{kind: nLook}
	if p.skip('<') {
		n.behind = true
		if !p.peek('=') && !p.peek('!') {
			p.fail(p.i, "unknown extension ?<%s", string(p.s[p.i:min(p.i+1, len(p.s))]))
		}
	}
	n.negate = p.s[p.i] == '!'
	p.i++
	sub := p.alternatives()
	p.close(at)
	if n.behind {
		lo, hi := width(sub)
		if lo != hi {
			p.fail(at, "look-behind requires fixed-width pattern")
		}
		n.width = lo
	}
	n.subs = []node{sub}
	return n
}

func (p *parser) conditional(at int) node {
	start := p.i
	for p.more() && !p.peek(')') {
		p.i++
	}
	name := string(p.s[start:p.i])
	if !p.skip(')') {
		p.fail(start, "missing ), unterminated name")
	}
	g, err := strconv.Atoi(name)
	if err != nil {
		var ok bool
		if g, ok = p.names[name]; !ok {
			p.fail(start, "unknown group name '%s'", name)
		}
	}
	if g <= 0 {
		p.fail(start, "bad group number")
	}
	yes := p.sequence()
	no := node{kind: nEmpty}
	if p.skip('|') {
		no = p.sequence()
		if p.peek('|') {
			p.fail(p.i, "conditional backref with more than two branches")
		}
	}
	p.close(at)
	return node{kind: nCond, group: g, subs: []node{yes, no}}
}

var flagLetters = map[rune]Flags{'i': IgnoreCase, 'm': Multiline, 's': DotAll, 'x': Verbose, 'a': ASCII, 'u': 0, 'L': 0}

func (p *parser) inlineFlags(at int) (node, bool) {
	var on, off Flags
	negate := false
	for p.more() {
		r := p.s[p.i]
		if r == '-' && !negate {
			negate = true
			p.i++
			continue
		}
		f, ok := flagLetters[r]
		if !ok {
			break
		}
		if negate {
			off |= f
		} else {
			on |= f
		}
		p.i++
	}
	switch {
	case p.skip(')'):
		if at != 0 {
			p.fail(at, "global flags not at the start of the expression")
		}
		p.flags |= on
		return node{}, false
	case p.skip(':'):
		save := p.flags
		p.flags = p.flags&^off | on
		n := p.alternatives()
		p.flags = save
		p.close(at)
		return node{kind: nSeq, subs: []node{n}}, true
	}
	if !p.more() {
		p.fail(p.i, "unexpected end of pattern")
	}
	p.fail(at+1, "unknown extension ?%c", p.s[p.i])
	return node{}, false
}
