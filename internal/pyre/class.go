package pyre

import (
	"unicode"
)

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
