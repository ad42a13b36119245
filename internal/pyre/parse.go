package pyre

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// String returns the pattern.
func (r *Regexp) String() string { return r.source }

const maxDepth = 200

type parser struct {
	s      []rune
	i      int
	flags  Flags
	groups int
	open   map[int]bool
	names  map[string]int
	depth  int
}

type bail struct{ err *Error }

func (p *parser) fail(pos int, format string, args ...any) {
	panic(bail{&Error{fmt.Sprintf(format, args...), pos}})
}

// Compile parses a pattern.
func Compile(pattern string, flags Flags) (re *Regexp, err error) {
	p := &parser{s: []rune(pattern), flags: flags, names: map[string]int{}, open: map[int]bool{}}
	defer func() {
		if r := recover(); r != nil {
			b, ok := r.(bail)
			if !ok {
				panic(r)
			}
			re, err = nil, b.err
		}
	}()
	root := p.alternatives()
	if p.i < len(p.s) {
		p.fail(p.i, "unbalanced parenthesis")
	}
	return &Regexp{root: root, groups: p.groups, names: p.names, source: pattern, first: literalPrefix(root)}, nil
}

// literalPrefix finds text that every match begins with.
func literalPrefix(n node) string {
	switch n.kind {
	case nChar:
		if n.flags&IgnoreCase == 0 {
			return string(n.r)
		}
	case nSeq:
		var b strings.Builder
		for _, s := range n.subs {
			if s.kind != nChar || s.flags&IgnoreCase != 0 {
				break
			}
			b.WriteRune(s.r)
		}
		return b.String()
	}
	return ""
}

func (p *parser) more() bool { return p.i < len(p.s) }

func (p *parser) peek(r rune) bool { return p.i < len(p.s) && p.s[p.i] == r }

func (p *parser) skip(r rune) bool {
	if p.peek(r) {
		p.i++
		return true
	}
	return false
}

func (p *parser) skipText(t string) bool {
	r := []rune(t)
	if p.i+len(r) > len(p.s) || string(p.s[p.i:p.i+len(r)]) != t {
		return false
	}
	p.i += len(r)
	return true
}

func (p *parser) alternatives() node {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.i, "the pattern is nested too deeply")
	}
	flags := p.flags
	defer func() { p.depth--; p.flags = flags }()
	var alts []node
	for {
		alts = append(alts, p.sequence())
		if !p.skip('|') {
			break
		}
	}
	if len(alts) == 1 {
		return alts[0]
	}
	return node{kind: nAlt, subs: alts}
}

func (p *parser) sequence() node {
	var subs []node
	for p.more() && !p.peek('|') && !p.peek(')') {
		if p.flags&Verbose != 0 {
			if r := p.s[p.i]; unicode.IsSpace(r) {
				p.i++
				continue
			} else if r == '#' {
				for p.more() && !p.peek('\n') {
					p.i++
				}
				continue
			}
		}
		start := p.i
		n, ok := p.atom()
		if !ok {
			continue
		}
		subs = append(subs, p.repeat(n, start))
	}
	switch len(subs) {
	case 0:
		return node{kind: nEmpty}
	case 1:
		return subs[0]
	}
	return node{kind: nSeq, subs: subs}
}

// repeat reads the repeats after an atom.
func (p *parser) repeat(n node, start int) node {
	for p.more() {
		if p.flags&Verbose != 0 && unicode.IsSpace(p.s[p.i]) {
			p.i++
			continue
		}
		at := p.i
		lo, hi := 0, -1
		switch p.s[p.i] {
		case '*':
		case '+':
			lo = 1
		case '?':
			hi = 1
		case '{':
			var ok bool
			if lo, hi, ok = p.braces(); !ok {
				return n
			}
			p.i--
		default:
			return n
		}
		p.i++
		switch n.kind {
		case nRepeat:
			p.fail(at, "multiple repeat")
		case nBegin, nLineBegin:
			p.fail(at, "nothing to repeat")
		}
		n = node{kind: nRepeat, subs: []node{n}, min: lo, max: hi, flags: p.flags}
		switch {
		case p.skip('?'):
			n.lazy = true
		case p.skip('+'):
			n.atomic = true
		}
	}
	return n
}

const maxRepeat = 1 << 20

// braces reads {n}, {n,}, {,m} or {n,m}; anything else is literal text.
func (p *parser) braces() (lo, hi int, ok bool) {
	j := p.i + 1
	number := func() (int, bool) {
		k := j
		for j < len(p.s) && p.s[j] >= '0' && p.s[j] <= '9' {
			j++
		}
		n, err := strconv.Atoi(string(p.s[k:j]))
		if j > k && (err != nil || n > maxRepeat) {
			p.fail(p.i, "the repetition number is too large")
		}
		return n, j > k
	}
	lo, hasLo := number()
	hi, comma := lo, false
	hasHi := hasLo
	if j < len(p.s) && p.s[j] == ',' {
		j++
		comma = true
		if hi, hasHi = number(); !hasHi {
			hi = -1
		}
	}
	if j >= len(p.s) || p.s[j] != '}' || !hasLo && !comma {
		return 0, 0, false
	}
	if hi >= 0 && hi < lo {
		p.fail(p.i, "min repeat greater than max repeat")
	}
	p.i = j + 1
	return lo, hi, true
}

func (p *parser) char(r rune) node { return node{kind: nChar, r: r, flags: p.flags} }

// atom reads one thing that can be repeated; ok is false for what matches
// nothing at all, such as a comment.
func (p *parser) atom() (node, bool) {
	at := p.i
	r := p.s[p.i]
	p.i++
	switch r {
	case '.':
		return node{kind: nAny, flags: p.flags}, true
	case '^':
		if p.flags&Multiline != 0 {
			return node{kind: nLineBegin}, true
		}
		return node{kind: nBegin}, true
	case '$':
		if p.flags&Multiline != 0 {
			return node{kind: nLineEnd}, true
		}
		return node{kind: nEnd}, true
	case '*', '+', '?':
		p.fail(at, "nothing to repeat")
	case '(':
		return p.group(at)
	case '[':
		return p.set(at), true
	case '\\':
		return p.escape(at), true
	}
	return p.char(r), true
}

const unbounded = 1 << 30

// width gives the least and the greatest number of characters that n matches.
func width(n node) (lo, hi int) {
	switch n.kind {
	case nChar, nAny, nSet:
		return 1, 1
	case nSeq:
		for _, s := range n.subs {
			l, h := width(s)
			lo, hi = lo+l, min(hi+h, unbounded)
		}
	case nAlt, nCond:
		lo, hi = width(n.subs[0])
		for _, s := range n.subs[1:] {
			l, h := width(s)
			lo, hi = min(lo, l), max(hi, h)
		}
	case nGroup, nAtomic:
		return width(n.subs[0])
	case nRepeat:
		l, h := width(n.subs[0])
		lo = l * n.min
		if n.max < 0 {
			if h > 0 {
				return lo, unbounded
			}
			return lo, 0
		}
		return lo, min(h*n.max, unbounded)
	case nBackref:
		return 0, unbounded
	}
	return lo, hi
}
