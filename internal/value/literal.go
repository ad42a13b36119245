package value

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ParseLiteral reads one Python literal as ast.literal_eval does: None, True,
// False, numbers, strings, lists, tuples, sets and dicts, and nothing that
// computes. What stands behind a # is a comment.
func ParseLiteral(text string) (any, error) {
	p := literalParser{text: strings.TrimSpace(text)}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.peek() == ',' { // a tuple needs no parentheses
		l := Tuple{v}
		for p.peek() == ',' {
			p.pos++
			if c := p.peek(); c == 0 || c == '#' {
				break
			}
			if v, err = p.value(0); err != nil {
				return nil, err
			}
			l = append(l, v)
		}
		v = l
	}
	if p.peek() == '#' && !strings.Contains(p.text[p.pos:], "\n") {
		p.pos = len(p.text)
	}
	if p.space(); p.pos != len(p.text) {
		return nil, p.errorf("text after the value")
	}
	return v, nil
}

type literalParser struct {
	text string
	pos  int
}

func (p *literalParser) errorf(format string, args ...any) error {
	return fmt.Errorf("not a Python literal at character %d: %s", p.pos+1, fmt.Sprintf(format, args...))
}

func (p *literalParser) space() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

// peek returns the next byte that is no space, 0 at the end.
func (p *literalParser) peek() byte {
	if p.space(); p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *literalParser) value(depth int) (any, error) {
	if depth > 200 {
		return nil, p.errorf("nested too deeply")
	}
	switch c := p.peek(); {
	case c == '[':
		l, _, err := p.items(']', depth)
		return l, err
	case c == '(':
		l, comma, err := p.items(')', depth)
		if err == nil && len(l) == 1 && !comma {
			return l[0], nil
		}
		return Tuple(l), err
	case c == '{':
		return p.dict(depth)
	case p.atText():
		var b strings.Builder
		for p.atText() { // adjacent strings are one
			if c := p.peek(); c == 'u' || c == 'U' {
				p.pos++
			}
			s, err := p.quoted(p.text[p.pos])
			if err != nil {
				return nil, err
			}
			b.WriteString(s)
		}
		return b.String(), nil
	}
	return p.word()
}

// atText reports whether a string comes next, 'x' or u'x'.
func (p *literalParser) atText() bool {
	c := p.peek()
	if (c == 'u' || c == 'U') && p.pos+1 < len(p.text) {
		c = p.text[p.pos+1]
	}
	return c == '\'' || c == '"'
}

func (p *literalParser) word() (any, error) {
	start := p.pos
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n,:]})#", p.text[p.pos]) < 0 {
		p.pos++
	}
	w := p.text[start:p.pos]
	switch w {
	case "None":
		return nil, nil
	case "True":
		return true, nil
	case "False":
		return false, nil
	}
	digits := strings.TrimLeft(w, "+-")
	if digits != "" && (digits[0] >= '0' && digits[0] <= '9' || digits[0] == '.') && len(w)-len(digits) <= 1 {
		zeros := strings.Trim(digits, "0_") == ""
		if digits[0] != '0' || zeros || len(digits) > 1 && strings.IndexByte("xXoObB", digits[1]) >= 0 {
			if n, ok := new(big.Int).SetString(w, 0); ok {
				return Int(n), nil
			}
		}
		if f, err := strconv.ParseFloat(w, 64); err == nil && strings.ContainsAny(w, ".eE") && !strings.ContainsAny(w, "xXpP") {
			return f, nil
		}
	}
	p.pos = start
	return nil, p.errorf("unexpected %.20q", w)
}

// items reads values up to end; comma reports whether the last one had one.
func (p *literalParser) items(end byte, depth int) (l []any, comma bool, err error) {
	p.pos++
	l = []any{}
	for p.peek() != end {
		if len(l) > 0 && !comma {
			return nil, false, p.errorf("expected ',' or '%c'", end)
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, false, err
		}
		l, comma = append(l, v), false
		if p.peek() == ',' {
			p.pos++
			comma = true
		}
	}
	p.pos++
	return l, comma, nil
}

// dict reads a dict, or a set: braces with values that have no colon.
func (p *literalParser) dict(depth int) (any, error) {
	p.pos++
	start := p.pos
	m, comma := NewMap(4), true
	for p.peek() != '}' {
		if !comma {
			return nil, p.errorf("expected ',' or '}'")
		}
		k, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		switch k.(type) {
		case []any, *Map:
			return nil, p.errorf("a %s cannot be a key", TypeName(k))
		}
		if c := p.peek(); (c == ',' || c == '}') && m.Len() == 0 {
			p.pos = start - 1
			l, _, err := p.items('}', depth)
			if err != nil {
				return nil, err
			}
			return NewSet(l...), nil
		}
		if p.peek() != ':' {
			return nil, p.errorf("expected ':'")
		}
		p.pos++
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m.Set(k, v)
		if comma = p.peek() == ','; comma {
			p.pos++
		}
	}
	p.pos++
	return m, nil
}

var literalEscapes = map[byte]string{
	'\\': `\`, '\'': "'", '"': `"`, 'n': "\n", 't': "\t", 'r': "\r", 'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v", '\n': "",
}

func (p *literalParser) quoted(q byte) (string, error) {
	end := strings.Repeat(string(q), 3)
	if !strings.HasPrefix(p.text[p.pos:], end) {
		end = end[:1]
	}
	p.pos += len(end)
	var b []byte
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		switch {
		case strings.HasPrefix(p.text[p.pos:], end):
			p.pos += len(end)
			return string(b), nil
		case c == '\n' && len(end) == 1:
			return "", p.errorf("string without end")
		case c != '\\' || p.pos+1 == len(p.text):
			b = append(b, c)
			p.pos++
			continue
		}
		e := p.text[p.pos+1]
		if s, ok := literalEscapes[e]; ok {
			b = append(b, s...)
			p.pos += 2
			continue
		}
		if e >= '0' && e <= '7' { // up to three octal digits
			end := p.pos + 2
			for end < len(p.text) && end < p.pos+4 && p.text[end] >= '0' && p.text[end] <= '7' {
				end++
			}
			n, _ := strconv.ParseUint(p.text[p.pos+1:end], 8, 32)
			b = utf8.AppendRune(b, rune(n))
			p.pos = end
			continue
		}
		if e == 'N' {
			return "", p.errorf("characters by name are not read")
		}
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[e]
		if digits == 0 {
			b = append(b, c, e)
			p.pos += 2
			continue
		}
		stop := p.pos + 2 + digits
		if stop > len(p.text) {
			return "", p.errorf("short \\%c escape", e)
		}
		n, err := strconv.ParseUint(p.text[p.pos+2:stop], 16, 32)
		if err != nil || n > utf8.MaxRune {
			return "", p.errorf("bad \\%c escape", e)
		}
		b = utf8.AppendRune(b, rune(n))
		p.pos = stop
	}
	return "", p.errorf("string without end")
}
