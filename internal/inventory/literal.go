package inventory

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// literal reads a Python literal, as ast.literal_eval does for the values that
// people write in INI inventories: numbers, quoted text, True, False, None,
// lists, tuples and dicts. ok is false for anything else, which is text.
func literal(s string) (v any, ok bool) {
	p := &literalParser{s: s}
	p.space()
	v, ok = p.value(0)
	p.space()
	return v, ok && p.i == len(p.s)
}

type literalParser struct {
	s string
	i int
}

func (p *literalParser) space() {
	for p.i < len(p.s) && strings.IndexByte(" \t\n\r", p.s[p.i]) >= 0 {
		p.i++
	}
}

func (p *literalParser) accept(c byte) bool {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *literalParser) value(depth int) (any, bool) {
	if depth > 100 || p.i >= len(p.s) {
		return nil, false
	}
	switch c := p.s[p.i]; {
	case c == '\'' || c == '"':
		return p.text(c)
	case c == '[':
		p.i++
		return p.list(']', depth)
	case c == '(':
		p.i++
		return p.list(')', depth)
	case c == '{':
		p.i++
		return p.dict(depth)
	}
	start := p.i
	for p.i < len(p.s) && strings.IndexByte(" \t\n\r,:]})", p.s[p.i]) < 0 {
		p.i++
	}
	return word(p.s[start:p.i])
}

func word(w string) (any, bool) {
	switch w {
	case "True":
		return true, true
	case "False":
		return false, true
	case "None":
		return nil, true
	}
	if w == "" || strings.IndexByte("+-.0123456789", w[0]) < 0 {
		return nil, false
	}
	digits := strings.TrimLeft(w, "+-")
	if len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0_") != "" && strings.IndexByte("xXoObB.eE", digits[1]) < 0 && !strings.ContainsAny(digits, ".eE") {
		return nil, false // Python refuses 0644
	}
	if strings.HasPrefix(w, "_") || strings.HasSuffix(w, "_") || strings.Contains(w, "__") {
		return nil, false
	}
	if n, ok := new(big.Int).SetString(w, 0); ok {
		return value.Int(n), true
	}
	if !strings.ContainsAny(w, "xXpPnN") {
		if f, err := strconv.ParseFloat(w, 64); err == nil {
			return f, true
		}
	}
	return nil, false
}

func (p *literalParser) text(quote byte) (any, bool) {
	p.i++
	var b strings.Builder
	for p.i < len(p.s) {
		c := p.s[p.i]
		p.i++
		switch {
		case c == quote:
			return b.String(), true
		case c == '\\' && p.i < len(p.s):
			e := p.s[p.i]
			p.i++
			switch e {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			case '\\', '\'', '"':
				b.WriteByte(e)
			default:
				b.WriteByte('\\')
				b.WriteByte(e)
			}
		default:
			b.WriteByte(c)
		}
	}
	return nil, false
}

func (p *literalParser) list(end byte, depth int) (any, bool) {
	out := []any{}
	for {
		if p.accept(end) {
			return out, true
		}
		p.space()
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		out = append(out, v)
		if p.accept(',') {
			continue
		}
		if p.accept(end) {
			if end == ')' && len(out) == 1 {
				return out[0], true
			}
			return out, true
		}
		return nil, false
	}
}

func (p *literalParser) dict(depth int) (any, bool) {
	m := value.NewMap(4)
	for {
		if p.accept('}') {
			return m, true
		}
		p.space()
		k, ok := p.value(depth + 1)
		if !ok || !p.accept(':') {
			return nil, false
		}
		p.space()
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		m.Set(k, v)
		if p.accept(',') {
			continue
		}
		if p.accept('}') {
			return m, true
		}
		return nil, false
	}
}
