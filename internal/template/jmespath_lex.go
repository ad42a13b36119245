package template

import (
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// jmesToken is a word of a JMESPath expression. Its kind is what is written, or
// name, quoted, number, literal or end.
type jmesToken struct {
	kind string
	val  any // of a name, number or literal
	at   int
}

// jmesSigns are the signs of JMESPath, those first that begin with another.
var jmesSigns = strings.Fields("[] [? || && == != <= >= [ | & < > ! . * ] , : @ ( ) { }")

// jmesTokens cuts an expression into its words.
func (p *jmes) scan() {
	s := p.s
next:
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
			continue
		case isNameByte(c) && !isDigit(c):
			end := i + 1
			for end < len(s) && isNameByte(s[end]) {
				end++
			}
			p.add("name", s[i:end], i)
			i = end
			continue
		case isDigit(c) || c == '-':
			end := i + 1
			for end < len(s) && isDigit(s[end]) {
				end++
			}
			n, err := strconv.Atoi(s[i:end])
			if err != nil {
				p.fail("bad number %s", Repr(s[i:end]))
			}
			p.add("number", n, i)
			i = end
			continue
		case c == '\'' || c == '"' || c == '`':
			text := p.until(i)
			p.addQuoted(c, text, i)
			i += len(text) + 2
			continue
		}
		for _, sign := range jmesSigns {
			if strings.HasPrefix(s[i:], sign) {
				p.add(sign, nil, i)
				i += len(sign)
				continue next
			}
		}
		p.fail("unexpected %s at column %d of %s", Repr(string([]rune(s[i:])[0])), i, Repr(s))
	}
	p.add("end", nil, len(s))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isNameByte(c byte) bool {
	return c == '_' || isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func (p *jmes) add(kind string, val any, at int) {
	p.tokens = append(p.tokens, jmesToken{kind, val, at})
}

// until is what stands between the quote at i and the next one that has no
// backslash before it, as it is written.
func (p *jmes) until(i int) string {
	for j := i + 1; j < len(p.s); j++ {
		switch p.s[j] {
		case '\\':
			j++
		case p.s[i]:
			return p.s[i+1 : j]
		}
	}
	p.fail("unclosed %c in %s", p.s[i], Repr(p.s))
	return ""
}

func (p *jmes) addQuoted(quote byte, text string, at int) {
	if quote == '\'' {
		p.add("literal", strings.ReplaceAll(text, `\'`, `'`), at)
		return
	}
	kind := "quoted"
	if quote == '`' {
		kind = "literal"
		text = strings.ReplaceAll(text, "\\`", "`")
		if v, err := value.ParseJSON([]byte(text)); err == nil {
			p.add(kind, v, at)
			return
		}
		// A text in back quotes need not have quotes of its own.
		text = strings.TrimLeft(text, " \t\r\n\v\f")
	}
	v, err := value.ParseJSON([]byte(`"` + text + `"`))
	if err != nil {
		p.fail("bad %s at column %d of %s", kind, at, Repr(p.s))
	}
	p.add(kind, v, at)
}
