package pyre

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Flags change how a pattern matches, as re's flags of the same names.
type Flags uint8

const (
	IgnoreCase Flags = 1 << iota
	Multiline        // ^ and $ match at each line
	DotAll           // . matches a newline
	Verbose          // white space and comments in the pattern do not count
	ASCII            // \w, \d, \s are ASCII only
)

// Error is a mistake in a pattern.
type Error struct {
	Msg string
	Pos int // character in the pattern, from 0
}

func (e *Error) Error() string { return fmt.Sprintf("%s at position %d", e.Msg, e.Pos) }

// Regexp is a compiled pattern.
type Regexp struct {
	root   node
	groups int
	names  map[string]int
	source string
	// first is a literal that every match begins with, or "".
	first string
}

// NumGroups is the number of groups in the pattern.
func (r *Regexp) NumGroups() int { return r.groups }

// GroupIndex gives the number of each named group.
func (r *Regexp) GroupIndex() map[string]int { return r.names }

// String returns the pattern.
func (r *Regexp) String() string { return r.source }

type nodeKind uint8

const (
	nEmpty nodeKind = iota
	nChar
	nAny
	nSet
	nSeq
	nAlt
	nRepeat
	nGroup
	nBackref
	nLook
	nCond
	nAtomic
	nBegin // ^ without multiline, \A
	nLineBegin
	nEnd // $ without multiline
	nLineEnd
	nTextEnd  // \Z
	nWordB    // \b
	nNotWordB // \B
)

type node struct {
	kind     nodeKind
	r        rune
	flags    Flags
	set      *charSet
	subs     []node
	min, max int // repeat; max < 0: no end
	lazy     bool
	atomic   bool
	group    int  // number of a group, reference or condition
	negate   bool // of a look-around
	behind   bool
	width    int // of a look-behind, in characters
}

type charRange struct{ lo, hi rune }

// charSet is what stands in square brackets.
type charSet struct {
	negate bool
	ranges []charRange
	class  []class
}

type class struct {
	kind   byte // w d s
	negate bool
}

func (c class) has(r rune, flags Flags) bool {
	var ok bool
	ascii := flags&ASCII != 0
	switch c.kind {
	case 'd':
		ok = r >= '0' && r <= '9' || !ascii && r > 127 && unicode.IsDigit(r)
	case 's':
		ok = r == ' ' || r >= '\t' && r <= '\r' || !ascii && (r >= 0x1c && r <= 0x1f || r > 127 && unicode.IsSpace(r))
	default:
		ok = isWord(r, ascii)
	}
	return ok != c.negate
}

func isWord(r rune, ascii bool) bool {
	if r < 128 {
		return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	return !ascii && (unicode.IsLetter(r) || unicode.IsNumber(r))
}

func (s *charSet) has(r rune, flags Flags) bool {
	ok := s.in(r, flags)
	if !ok && flags&IgnoreCase != 0 {
		for f := unicode.SimpleFold(r); f != r && !ok; f = unicode.SimpleFold(f) {
			ok = s.in(f, flags)
		}
	}
	return ok != s.negate
}

func (s *charSet) in(r rune, flags Flags) bool {
	for _, c := range s.ranges {
		if r >= c.lo && r <= c.hi {
			return true
		}
	}
	for _, c := range s.class {
		if c.has(r, flags) {
			return true
		}
	}
	return false
}

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

var simpleEscapes = map[rune]rune{'a': 7, 'b': 8, 'f': 12, 'n': 10, 'r': 13, 't': 9, 'v': 11, '\\': '\\'}

func (p *parser) hex(n, at int) rune {
	if p.i+n > len(p.s) {
		p.fail(at, "incomplete escape %s", string(p.s[at:]))
	}
	v, err := strconv.ParseUint(string(p.s[p.i:p.i+n]), 16, 32)
	if err != nil || v > utf8.MaxRune {
		p.fail(at, "incomplete escape %s", string(p.s[at:p.i]))
	}
	p.i += n
	return rune(v)
}

// common reads the escapes that are the same inside and outside of a set.
func (p *parser) common(r rune, at int) (rune, bool) {
	switch r {
	case 'x':
		return p.hex(2, at), true
	case 'u':
		return p.hex(4, at), true
	case 'U':
		return p.hex(8, at), true
	}
	if c, ok := simpleEscapes[r]; ok {
		return c, true
	}
	if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
		return 0, false
	}
	return r, true
}

func (p *parser) escape(at int) node {
	if !p.more() {
		p.fail(at, "bad escape (end of pattern)")
	}
	r := p.s[p.i]
	p.i++
	switch r {
	case 'A':
		return node{kind: nBegin}
	case 'Z':
		return node{kind: nTextEnd}
	case 'b':
		return node{kind: nWordB, flags: p.flags}
	case 'B':
		return node{kind: nNotWordB, flags: p.flags}
	case 'd', 'D', 's', 'S', 'w', 'W':
		return node{kind: nSet, set: &charSet{class: []class{{byte(unicode.ToLower(r)), unicode.IsUpper(r)}}}, flags: p.flags}
	case '0':
		v := rune(0)
		for k := 0; k < 2 && p.more() && p.s[p.i] >= '0' && p.s[p.i] <= '7'; k++ {
			v = v*8 + p.s[p.i] - '0'
			p.i++
		}
		return p.char(v)
	}
	if r >= '1' && r <= '9' {
		n := int(r - '0')
		if p.more() && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
			second := p.s[p.i]
			if r <= '3' && second <= '7' && p.i+1 < len(p.s) && p.s[p.i+1] >= '0' && p.s[p.i+1] <= '7' {
				v := (r-'0')*64 + (second-'0')*8 + p.s[p.i+1] - '0'
				p.i += 2
				return p.char(v)
			}
			n = n*10 + int(second-'0')
			p.i++
		}
		if n > p.groups {
			p.fail(at+1, "invalid group reference %d", n)
		}
		if p.open[n] {
			p.fail(at, "cannot refer to an open group")
		}
		return node{kind: nBackref, group: n, flags: p.flags}
	}
	c, ok := p.common(r, at)
	if !ok {
		p.fail(at, "bad escape \\%c", r)
	}
	return p.char(c)
}

func (p *parser) set(at int) node {
	set := &charSet{negate: p.skip('^')}
	for first := true; ; first = false {
		if !p.more() {
			p.fail(at, "unterminated character set")
		}
		if p.peek(']') && !first {
			p.i++
			break
		}
		start := p.i
		lo, cl := p.setItem()
		if p.peek('-') && p.i+1 < len(p.s) && p.s[p.i+1] != ']' {
			p.i++
			hi, cl2 := p.setItem()
			if cl != nil || cl2 != nil || hi < lo {
				p.fail(start, "bad character range %s", string(p.s[start:p.i]))
			}
			set.ranges = append(set.ranges, charRange{lo, hi})
			continue
		}
		if cl != nil {
			set.class = append(set.class, *cl)
		} else {
			set.ranges = append(set.ranges, charRange{lo, lo})
		}
	}
	return node{kind: nSet, set: set, flags: p.flags}
}

func (p *parser) setItem() (rune, *class) {
	at := p.i
	r := p.s[p.i]
	p.i++
	if r != '\\' {
		return r, nil
	}
	if !p.more() {
		p.fail(at, "bad escape (end of pattern)")
	}
	r = p.s[p.i]
	p.i++
	switch r {
	case 'd', 'D', 's', 'S', 'w', 'W':
		return 0, &class{byte(unicode.ToLower(r)), unicode.IsUpper(r)}
	}
	if r >= '0' && r <= '7' {
		v := r - '0'
		for k := 0; k < 2 && p.more() && p.s[p.i] >= '0' && p.s[p.i] <= '7'; k++ {
			v = v*8 + p.s[p.i] - '0'
			p.i++
		}
		return v, nil
	}
	c, ok := p.common(r, at)
	if !ok {
		p.fail(at, "bad escape \\%c", r)
	}
	return c, nil
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
