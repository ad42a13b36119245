package template

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// operators, longest first where one begins another.
var operators = []string{
	"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
	">", "<", "=", ".", ":", "|", ",", ";",
}

// inside reads the tokens of an expression or statement up to its end marker.
func (l *lexer) inside(end kind) error {
	var open []byte // brackets that are waiting for their end
	for {
		if end == tLineEnd && len(open) == 0 && l.atLineEnd() {
			return nil
		}
		l.skipSpace()
		if l.pos >= len(l.src) {
			l.add(tEOF, "", len(l.src))
			return nil
		}
		if len(open) == 0 && end != tLineEnd && l.atEnd(end) {
			return nil
		}
		off, c := l.pos, l.src[l.pos]
		switch {
		case c == '"' || c == '\'':
			if err := l.str(c, end == tVarEnd); err != nil {
				return err
			}
			continue
		case c >= '0' && c <= '9':
			l.number()
			continue
		}
		if n := nameLength(l.rest()); n > 0 {
			l.pos += n
			l.add(tName, l.src[off:l.pos], off)
			continue
		}
		op := ""
		for _, o := range operators {
			if strings.HasPrefix(l.rest(), o) {
				op = o
				break
			}
		}
		switch op {
		case "":
			return l.unexpected(off)
		case "(", "[", "{":
			open = append(open, map[string]byte{"(": ')', "[": ']', "{": '}'}[op])
		case ")", "]", "}":
			if len(open) == 0 {
				return l.fail(off, "unexpected '%s'", op)
			}
			if want := open[len(open)-1]; want != op[0] {
				return l.fail(off, "unexpected '%s', expected '%c'", op, want)
			}
			open = open[:len(open)-1]
		}
		l.pos += len(op)
		l.add(kind(op), op, off)
	}
}

// atLineEnd reads white space up to the end of a line.
func (l *lexer) atLineEnd() bool {
	rest := l.rest()
	white := len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
	i := strings.LastIndexByte(rest[:white], '\n')
	if i < 0 && white < len(rest) {
		return false
	}
	l.add(tBlockEnd, "", l.pos)
	if i < 0 {
		i = white - 1
	}
	l.pos += i + 1
	return true
}

func (l *lexer) atEnd(end kind) bool {
	off := l.pos
	if end == tBlockEnd {
		if !l.closing(l.syn.BlockEnd) {
			return false
		}
		l.add(tBlockEnd, "", off)
		return true
	}
	switch {
	case strings.HasPrefix(l.rest(), "-"+l.syn.VariableEnd):
		l.pos += 1 + len(l.syn.VariableEnd)
		l.skipSpace()
	case strings.HasPrefix(l.rest(), l.syn.VariableEnd):
		l.pos += len(l.syn.VariableEnd)
	default:
		return false
	}
	l.add(tVarEnd, "", off)
	return true
}

// str reads a string. The token's text is the string's value.
func (l *lexer) str(quote byte, inVariable bool) error {
	off := l.pos
	i := off + 1
	escaped := false
	for ; i < len(l.src) && l.src[i] != quote; i++ {
		if l.src[i] == '\\' {
			escaped = true
			i++
		}
	}
	if i >= len(l.src) {
		l.pos = len(l.src)
		return l.unexpected(off)
	}
	text := l.src[off+1 : i]
	l.pos = i + 1
	if l.literal && inVariable {
		if j := strings.IndexByte(text, quote); j >= 0 {
			// Ansible doubles the backslashes, so that \" ends the string.
			l.pos = off + 1 + j + 1
			text = text[:j]
		}
	} else if escaped {
		var err error
		if text, err = unescape(text); err != nil {
			return l.fail(off, "%s", err)
		}
	}
	l.add(tString, text, off)
	return nil
}

// number reads an integer or a float.
func (l *lexer) number() {
	off := l.pos
	s := l.src[off:]
	afterDot := off > 0 && l.src[off-1] == '.'
	digits := func(i int) int { // the end of (\d+_)*\d+ at i, or i
		j := i
		for j < len(s) && s[j] >= '0' && s[j] <= '9' {
			j++
			if j+1 < len(s) && s[j] == '_' && s[j+1] >= '0' && s[j+1] <= '9' {
				j++
			}
		}
		return j
	}
	n := digits(0)
	if !afterDot {
		end := n
		if n < len(s) && s[n] == '.' {
			if f := digits(n + 1); f > n+1 {
				end = f
			}
		}
		if end < len(s) && (s[end] == 'e' || s[end] == 'E') {
			x := end + 1
			if x < len(s) && (s[x] == '+' || s[x] == '-') {
				x++
			}
			if f := digits(x); f > x {
				end = f
			}
		}
		if end > n {
			l.pos += end
			l.add(tFloat, s[:end], off)
			return
		}
	}
	if s[0] == '0' && len(s) > 1 {
		if set := map[byte]string{'b': "01", 'o': "01234567", 'x': "0123456789abcdef"}[s[1]|0x20]; set != "" {
			j := 2
			for j < len(s) {
				k := j
				if s[k] == '_' {
					k++
				}
				if k >= len(s) || strings.IndexByte(set, lower(s[k])) < 0 {
					break
				}
				j = k + 1
			}
			if j > 2 {
				l.pos += j
				l.add(tInt, s[:j], off)
				return
			}
		}
		// 0, 00, 0_0; other digits after it are a token of their own.
		for n = 1; n < len(s) && (s[n] == '0' || s[n] == '_' && n+1 < len(s) && s[n+1] == '0'); n++ {
		}
	}
	l.pos += n
	l.add(tInt, s[:n], off)
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 32
	}
	return c
}

// nameLength returns the length of the identifier that s begins with.
func nameLength(s string) int {
	n := 0
	for n < len(s) {
		c := s[n]
		if c < utf8.RuneSelf {
			if c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || n > 0 && c >= '0' && c <= '9' {
				n++
				continue
			}
			return n
		}
		r, size := utf8.DecodeRuneInString(s[n:])
		if !unicode.IsLetter(r) && (n == 0 || !unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc)) {
			return n
		}
		n += size
	}
	return n
}
