package pyre

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

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
