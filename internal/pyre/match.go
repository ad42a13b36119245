package pyre

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrTooLong is the error of a match that took too many steps.
var ErrTooLong = errors.New("the regular expression takes too long; rewrite it so that parts of it cannot match the same text in many ways")

// maxSteps bounds one search; maxStack bounds its recursion.
const (
	maxSteps = 10_000_000
	maxStack = 200_000
)

// Match is where a pattern matched. Offsets are in bytes.
type Match struct {
	Text  string
	spans []int // begin and end of each group, -1 if it took no part
}

// Span is where group i matched; ok is false if it took no part.
func (m *Match) Span(i int) (begin, end int, ok bool) {
	return m.spans[2*i], m.spans[2*i+1], m.spans[2*i] >= 0
}

// Group is the text of group i; ok is false if it took no part.
func (m *Match) Group(i int) (text string, ok bool) {
	b, e, ok := m.Span(i)
	if !ok {
		return "", false
	}
	return m.Text[b:e], true
}

type matcher struct {
	s     string
	spans []int
	steps int
	depth int
	err   error
}

// cont is what has to match after a node.
type cont func(pos int) bool

func (m *matcher) step() bool {
	m.steps++
	if m.steps > maxSteps {
		m.err = ErrTooLong
	}
	return m.err == nil
}

// Search finds the first match at or after the byte offset from.
func (r *Regexp) Search(s string, from int) (*Match, error) {
	m := &matcher{s: s, spans: make([]int, 2*(r.groups+1))}
	for pos := from; pos <= len(s); {
		if r.first != "" {
			i := strings.Index(s[pos:], r.first)
			if i < 0 {
				return nil, nil
			}
			pos += i
		}
		if ok, err := r.at(m, pos, false); err != nil {
			return nil, err
		} else if ok {
			return &Match{s, m.spans}, nil
		}
		_, n := utf8.DecodeRuneInString(s[pos:])
		pos += max(n, 1)
	}
	return nil, nil
}

// Match matches at the beginning of s.
func (r *Regexp) Match(s string) (*Match, error) { return r.anchored(s, false) }

// FullMatch matches all of s.
func (r *Regexp) FullMatch(s string) (*Match, error) { return r.anchored(s, true) }

// Find is Search, Match or FullMatch by the name that Python gives it; any
// other name searches.
func (r *Regexp) Find(how, s string) (*Match, error) {
	switch how {
	case "match":
		return r.Match(s)
	case "fullmatch":
		return r.FullMatch(s)
	}
	return r.Search(s, 0)
}

func (r *Regexp) anchored(s string, full bool) (*Match, error) {
	m := &matcher{s: s, spans: make([]int, 2*(r.groups+1))}
	if ok, err := r.at(m, 0, full); !ok {
		return nil, err
	}
	return &Match{s, m.spans}, nil
}

func (r *Regexp) at(m *matcher, pos int, full bool) (bool, error) {
	for i := range m.spans {
		m.spans[i] = -1
	}
	end := -1
	ok := m.run(&r.root, pos, func(p int) bool {
		if full && p != len(m.s) {
			return false
		}
		end = p
		return true
	})
	if ok && m.err == nil {
		m.spans[0], m.spans[1] = pos, end
		return true, nil
	}
	return false, m.err
}

// one matches a node that takes a single character; n is its size in bytes.
func (m *matcher) one(n *node, pos int) (int, bool) {
	if pos >= len(m.s) {
		return 0, false
	}
	r, size := rune(m.s[pos]), 1
	if r >= utf8.RuneSelf {
		r, size = utf8.DecodeRuneInString(m.s[pos:])
	}
	switch n.kind {
	case nChar:
		if r == n.r {
			return size, true
		}
		return size, n.flags&IgnoreCase != 0 && sameFold(r, n.r)
	case nAny:
		return size, r != '\n' || n.flags&DotAll != 0
	}
	return size, n.set.has(r, n.flags)
}

func sameFold(a, b rune) bool {
	for f := unicode.SimpleFold(a); f != a; f = unicode.SimpleFold(f) {
		if f == b {
			return true
		}
	}
	return false
}

func (m *matcher) wordAt(pos int, before bool, flags Flags) bool {
	var r rune
	if before {
		if pos == 0 {
			return false
		}
		r, _ = utf8.DecodeLastRuneInString(m.s[:pos])
	} else {
		if pos >= len(m.s) {
			return false
		}
		r, _ = utf8.DecodeRuneInString(m.s[pos:])
	}
	return isWord(r, flags&ASCII != 0)
}

// run matches n at pos and then k.
func (m *matcher) run(n *node, pos int, k cont) bool {
	if !m.step() {
		return false
	}
	if m.depth++; m.depth > maxStack {
		m.err = ErrTooLong
		return false
	}
	defer func() { m.depth-- }()
	switch n.kind {
	case nEmpty:
		return k(pos)
	case nChar, nAny, nSet:
		size, ok := m.one(n, pos)
		return ok && k(pos+size)
	case nSeq:
		return m.seq(n.subs, pos, k)
	case nAlt:
		for i := range n.subs {
			if m.run(&n.subs[i], pos, k) {
				return true
			}
		}
		return false
	case nGroup:
		b, e := m.spans[2*n.group], m.spans[2*n.group+1]
		if m.run(&n.subs[0], pos, func(p int) bool {
			ob, oe := m.spans[2*n.group], m.spans[2*n.group+1]
			m.spans[2*n.group], m.spans[2*n.group+1] = pos, p
			if k(p) {
				return true
			}
			m.spans[2*n.group], m.spans[2*n.group+1] = ob, oe
			return false
		}) {
			return true
		}
		m.spans[2*n.group], m.spans[2*n.group+1] = b, e
		return false
	case nRepeat:
		return m.repeat(n, pos, k)
	case nAtomic:
		end, ok := m.alone(&n.subs[0], pos)
		return ok && k(end)
	case nBackref:
		b, e := m.spans[2*n.group], m.spans[2*n.group+1]
		if b < 0 {
			return false
		}
		return m.backref(n, m.s[b:e], pos, k)
	case nLook:
		return m.look(n, pos) && k(pos)
	case nCond:
		if m.spans[2*n.group] >= 0 {
			return m.run(&n.subs[0], pos, k)
		}
		return m.run(&n.subs[1], pos, k)
	}
	return m.edge(n, pos) && k(pos)
}

// edge decides the nodes that match between characters.
func (m *matcher) edge(n *node, pos int) bool {
	switch n.kind {
	case nBegin:
		return pos == 0
	case nLineBegin:
		return pos == 0 || m.s[pos-1] == '\n'
	case nEnd:
		return pos == len(m.s) || pos == len(m.s)-1 && m.s[pos] == '\n'
	case nLineEnd:
		return pos == len(m.s) || m.s[pos] == '\n'
	case nTextEnd:
		return pos == len(m.s)
	}
	boundary := m.wordAt(pos, true, n.flags) != m.wordAt(pos, false, n.flags)
	return boundary == (n.kind == nWordB)
}

func (m *matcher) seq(subs []node, pos int, k cont) bool {
	for len(subs) > 0 && subs[0].kind <= nSet && subs[0].kind != nEmpty {
		size, ok := m.one(&subs[0], pos)
		if !ok {
			return false
		}
		pos += size
		subs = subs[1:]
	}
	switch len(subs) {
	case 0:
		return k(pos)
	case 1:
		return m.run(&subs[0], pos, k)
	}
	return m.run(&subs[0], pos, func(p int) bool { return m.seq(subs[1:], p, k) })
}

// alone matches n without what follows: the first way it matches counts.
func (m *matcher) alone(n *node, pos int) (int, bool) {
	end := -1
	ok := m.run(n, pos, func(p int) bool { end = p; return true })
	return end, ok
}

func (m *matcher) backref(n *node, text string, pos int, k cont) bool {
	if n.flags&IgnoreCase == 0 {
		return strings.HasPrefix(m.s[pos:], text) && k(pos+len(text))
	}
	p := pos
	for _, want := range text {
		if p >= len(m.s) {
			return false
		}
		r, size := utf8.DecodeRuneInString(m.s[p:])
		if r != want && !sameFold(r, want) {
			return false
		}
		p += size
	}
	return k(p)
}

func (m *matcher) look(n *node, pos int) bool {
	saved := append([]int(nil), m.spans...)
	ok := false
	if !n.behind {
		_, ok = m.alone(&n.subs[0], pos)
	} else {
		start := pos
		for i := 0; i < n.width && start >= 0; i++ {
			if start == 0 {
				start = -1
				break
			}
			_, size := utf8.DecodeLastRuneInString(m.s[:start])
			start -= size
		}
		if start >= 0 {
			ok = m.run(&n.subs[0], start, func(p int) bool { return p == pos })
		}
	}
	if !ok || n.negate {
		copy(m.spans, saved)
	}
	return ok != n.negate && m.err == nil
}

func (m *matcher) repeat(n *node, pos int, k cont) bool {
	sub := &n.subs[0]
	if sub.kind >= nChar && sub.kind <= nSet {
		return m.repeatOne(n, sub, pos, k)
	}
	if n.atomic {
		for count := 0; n.max < 0 || count < n.max; count++ {
			end, ok := m.alone(sub, pos)
			if !ok {
				if m.err != nil || count < n.min {
					return false
				}
				break
			}
			if end == pos && count >= n.min {
				break
			}
			pos = end
		}
		return k(pos)
	}
	return m.times(n, sub, pos, 0, k)
}

// times matches the rest of a repeat of which count rounds are done.
func (m *matcher) times(n, sub *node, pos, count int, k cont) bool {
	again := func() bool {
		if n.max >= 0 && count >= n.max {
			return false
		}
		return m.run(sub, pos, func(p int) bool {
			if p == pos && count > 0 && count >= n.min {
				return false // a second empty round leads nowhere
			}
			return m.times(n, sub, p, count+1, k)
		})
	}
	if count < n.min {
		return again()
	}
	if n.lazy {
		return k(pos) || again()
	}
	return again() || k(pos)
}

// repeatOne repeats something that takes one character, without recursion.
func (m *matcher) repeatOne(n, sub *node, pos int, k cont) bool {
	if n.lazy {
		for count := 0; ; count++ {
			if count >= n.min && k(pos) {
				return true
			}
			if n.max >= 0 && count >= n.max || !m.step() {
				return false
			}
			size, ok := m.one(sub, pos)
			if !ok {
				return false
			}
			pos += size
		}
	}
	start, count := pos, 0
	for n.max < 0 || count < n.max {
		size, ok := m.one(sub, pos)
		if !ok {
			break
		}
		pos += size
		count++
	}
	if m.steps += count / 8; count < n.min {
		return false
	}
	if n.atomic {
		return k(pos)
	}
	for {
		if k(pos) {
			return true
		}
		if count <= n.min || pos <= start || !m.step() {
			return false
		}
		_, size := utf8.DecodeLastRuneInString(m.s[:pos])
		pos -= size
		count--
	}
}
