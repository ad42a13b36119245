package template

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/value"
)

var errLiteral = errors.New("not a literal")

// mayBeLiteral rules out most text without parsing it.
func mayBeLiteral(s string) bool {
	s = strings.TrimLeft(s, "\n\r")
	if s == "" {
		return false
	}
	switch c := s[0]; {
	case c >= '0' && c <= '9', strings.IndexByte("[{('\"-+.bBrRuU#", c) >= 0:
		return true
	}
	return strings.HasPrefix(s, "None") || strings.HasPrefix(s, "True") || strings.HasPrefix(s, "False") || strings.HasPrefix(s, "set")
}

// parseLiteral reads s as Python's literal_eval does; with json, also true,
// false and null.
func parseLiteral(s string, json bool) (any, error) {
	if s != "" && (s[0] == ' ' || s[0] == '\t') {
		return nil, errLiteral
	}
	p := &literal{s: s, json: json}
	p.space()
	v, err := p.tuple("")
	if err != nil {
		return nil, err
	}
	if p.space(); p.i != len(p.s) {
		return nil, errLiteral
	}
	return v, p.unhashable
}

type literal struct {
	s     string
	i     int
	json  bool
	depth int
	open  int // brackets: newlines only count outside of them

	unhashable error // a list or dict stands where a key has to
}

func (p *literal) space() {
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == ' ' || c == '\t' || c == '\f' || c == '\r' || c == '\n':
			p.i++
		case c == '\\' && strings.HasPrefix(p.s[p.i:], "\\\n"):
			p.i += 2
		case c == '#':
			for p.i < len(p.s) && p.s[p.i] != '\n' {
				p.i++
			}
		default:
			return
		}
		if p.open == 0 && p.i > 0 && p.s[p.i-1] == '\n' && strings.TrimSpace(p.s[:p.i]) != "" {
			// The line ends here; only empty lines may follow.
			if strings.TrimSpace(p.s[p.i:]) != "" {
				p.i--
				return
			}
			p.i = len(p.s)
		}
	}
}

func (p *literal) skip(c byte) bool {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

// tuple reads a value, or several with commas, up to one of the end bytes.
func (p *literal) tuple(end string) (any, error) {
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	if !p.skip(',') {
		return v, nil
	}
	t := value.Tuple{v}
	for {
		p.space()
		if p.i >= len(p.s) || strings.IndexByte(end, p.s[p.i]) >= 0 {
			return t, nil
		}
		if v, err = p.value(); err != nil {
			return nil, err
		}
		t = append(t, v)
		if !p.skip(',') {
			return t, nil
		}
	}
}

func (p *literal) value() (any, error) {
	p.space()
	if p.i >= len(p.s) {
		return nil, errLiteral
	}
	if p.depth++; p.depth > 90 {
		return nil, errLiteral
	}
	defer func() { p.depth-- }()
	switch c := p.s[p.i]; {
	case c == '[':
		return p.bracket(']')
	case c == '(':
		return p.bracket(')')
	case c == '{':
		return p.brace()
	case c == '-' || c == '+':
		p.i++
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		switch v.(type) {
		case int, float64, *big.Int:
			return unary(string(c), v)
		}
		return nil, errLiteral
	case c >= '0' && c <= '9' || c == '.':
		return p.number()
	}
	if v, ok, err := p.strings(); ok || err != nil {
		return v, err
	}
	n := nameLength(p.s[p.i:])
	word := p.s[p.i : p.i+n]
	p.i += n
	switch {
	case word == "None" || word == "null" && p.json:
		return nil, nil
	case word == "True" || word == "true" && p.json:
		return true, nil
	case word == "False" || word == "false" && p.json:
		return false, nil
	case word == "set" && p.skip('(') && p.skip(')'):
		return value.NewSet(), nil
	}
	return nil, errLiteral
}

func (p *literal) bracket(end byte) (any, error) {
	p.i++
	p.open++
	defer func() { p.open-- }()
	out := []any{}
	comma := true
	for !p.skip(end) {
		if !comma {
			return nil, errLiteral
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		comma = p.skip(',')
	}
	if end == ']' {
		return out, nil
	}
	if len(out) == 1 && !comma {
		return out[0], nil
	}
	return value.Tuple(out), nil
}

func (p *literal) brace() (any, error) {
	p.i++
	p.open++
	defer func() { p.open-- }()
	m := value.NewMap(4)
	var set *value.Set
	comma := true
	for !p.skip('}') {
		if !comma {
			return nil, errLiteral
		}
		k, err := p.value()
		if err != nil {
			return nil, err
		}
		if k, err = key(k); err != nil {
			// Python finds this out only once the whole text has been read.
			p.unhashable, k = err, nil
		}
		switch {
		case set == nil && p.skip(':'):
			v, err := p.value()
			if err != nil {
				return nil, err
			}
			m.Set(k, v)
		case m.Len() > 0:
			return nil, errLiteral
		default:
			if set == nil {
				set = value.NewSet()
			}
			set.Add(k)
		}
		comma = p.skip(',')
	}
	if set != nil {
		return set, nil
	}
	return m, nil
}

func (p *literal) number() (any, error) {
	start := p.i
	for p.i < len(p.s) {
		c := p.s[p.i]
		sign := (c == '+' || c == '-') && p.i > start && (p.s[p.i-1]|0x20) == 'e' && !strings.HasPrefix(strings.ToLower(p.s[start:p.i]), "0x")
		if !sign && c != '.' && c != '_' && !(c >= '0' && c <= '9') && !(c|0x20 >= 'a' && c|0x20 <= 'z') {
			break
		}
		p.i++
	}
	w := p.s[start:p.i]
	if strings.HasPrefix(w, "_") || strings.HasSuffix(w, "_") || strings.Contains(w, "__") {
		return nil, errLiteral
	}
	lower := strings.ToLower(w)
	if len(lower) > 1 && lower[0] == '0' && strings.IndexByte("xob", lower[1]) >= 0 {
		if n, ok := new(big.Int).SetString(lower, 0); ok {
			return value.Int(n), nil
		}
		return nil, errLiteral
	}
	if strings.ContainsAny(lower, ".e") {
		plain := strings.ReplaceAll(w, "_", "")
		if strings.ContainsAny(strings.ToLower(plain), "xpnif") {
			return nil, errLiteral
		}
		f, err := strconv.ParseFloat(plain, 64)
		if err != nil && !math.IsInf(f, 0) {
			return nil, errLiteral
		}
		return f, nil
	}
	plain := strings.ReplaceAll(w, "_", "")
	if len(plain) > 1 && plain[0] == '0' && strings.Trim(plain, "0") != "" || len(plain) > 4300 {
		return nil, errLiteral
	}
	n, ok := new(big.Int).SetString(plain, 10)
	if !ok {
		return nil, errLiteral
	}
	return value.Int(n), nil
}

// strings reads adjacent string or bytes literals.
func (p *literal) strings() (any, bool, error) {
	var out strings.Builder
	found, bytes := false, false
	for {
		p.space()
		j := p.i
		raw, isBytes := false, false
	prefix:
		for ; j < len(p.s) && j < p.i+2; j++ {
			switch p.s[j] | 0x20 {
			case 'r':
				raw = true
			case 'b':
				isBytes = true
			case 'u':
			default:
				break prefix
			}
		}
		if j >= len(p.s) || p.s[j] != '\'' && p.s[j] != '"' {
			if bytes {
				return Bytes(out.String()), found, nil
			}
			return out.String(), found, nil
		}
		if found && bytes != isBytes {
			return nil, true, errLiteral
		}
		found, bytes = true, isBytes
		quote := p.s[j : j+1]
		if strings.HasPrefix(p.s[j:], strings.Repeat(quote, 3)) {
			quote = p.s[j : j+3]
		}
		p.i = j + len(quote)
		start := p.i
		for {
			if p.i >= len(p.s) || len(quote) == 1 && p.s[p.i] == '\n' {
				return nil, true, errLiteral
			}
			if strings.HasPrefix(p.s[p.i:], quote) {
				break
			}
			if p.s[p.i] == '\\' {
				p.i++
			}
			p.i++
		}
		text := p.s[start:p.i]
		p.i += len(quote)
		if !raw && strings.IndexByte(text, '\\') >= 0 {
			var err error
			if text, err = unescape(text); err != nil {
				return nil, true, errLiteral
			}
		}
		if isBytes {
			var b []byte
			for _, r := range text {
				if r > 0xff {
					return nil, true, errLiteral
				}
				b = append(b, byte(r))
			}
			text = string(b)
		}
		out.WriteString(text)
	}
}

// unescape replaces the escapes of a Python string.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 >= len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if j := strings.IndexByte("\\'\"abfnrtv", s[i]); j >= 0 {
			b.WriteByte("\\'\"\a\b\f\n\r\t\v"[j])
			continue
		}
		switch c := s[i]; {
		case c == '\n':
		case c >= '0' && c <= '7':
			n, j := 0, i
			for ; j < len(s) && j < i+3 && s[j] >= '0' && s[j] <= '7'; j++ {
				n = n*8 + int(s[j]-'0')
			}
			b.WriteRune(rune(n))
			i = j - 1
		case c == 'x' || c == 'u' || c == 'U':
			digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
			if i+1+digits > len(s) {
				return "", errors.New("truncated \\" + string(c) + " escape")
			}
			n, err := strconv.ParseUint(s[i+1:i+1+digits], 16, 32)
			if err != nil || n > utf8.MaxRune {
				return "", errors.New("bad \\" + string(c) + " escape")
			}
			b.WriteRune(rune(n))
			i += digits
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}
