package template

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/value"
)

// spec is a format specification: what stands after the colon in {:...}, or
// between % and the letter.
type spec struct {
	fill      string
	align     byte // < > ^ = or 0
	sign      byte // + - space or 0
	alt       bool
	zero      bool
	width     int
	group     byte // , _ or 0
	precision int  // -1 if not given
	verb      byte
}

const maxWidth = 1 << 20

func parseSpec(s string) (spec, error) {
	sp := spec{fill: " ", precision: -1}
	isAlign := func(c byte) bool { return c == '<' || c == '>' || c == '^' || c == '=' }
	if _, n := utf8.DecodeRuneInString(s); n > 0 && n < len(s) && isAlign(s[n]) {
		sp.fill, sp.align, s = s[:n], s[n], s[n+1:]
	} else if s != "" && isAlign(s[0]) {
		sp.align, s = s[0], s[1:]
	}
	if s != "" && strings.IndexByte("+- ", s[0]) >= 0 {
		sp.sign, s = s[0], s[1:]
	}
	if strings.HasPrefix(s, "#") {
		sp.alt, s = true, s[1:]
	}
	if strings.HasPrefix(s, "0") {
		sp.zero, s = true, s[1:]
		if sp.align == 0 {
			sp.fill, sp.align = "0", '='
		}
	}
	number := func() (int, bool) {
		i := 0
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		n, err := strconv.Atoi(s[:i])
		if i == 0 || err != nil {
			return 0, false
		}
		s = s[i:]
		return n, true
	}
	if n, ok := number(); ok {
		sp.width = n
	}
	if s != "" && (s[0] == ',' || s[0] == '_') {
		sp.group, s = s[0], s[1:]
	}
	if strings.HasPrefix(s, ".") {
		s = s[1:]
		n, ok := number()
		if !ok {
			return sp, valueErr("Format specifier missing precision")
		}
		sp.precision = n
	}
	if len(s) > 1 {
		return sp, valueErr("Invalid format specifier")
	}
	if s != "" {
		sp.verb = s[0]
	}
	if sp.width > maxWidth || sp.precision > maxWidth {
		return sp, limitErr("a format width of more than %d is too much", maxWidth)
	}
	return sp, nil
}

// apply formats v.
func (sp spec) apply(v any) (string, error) {
	switch x := v.(type) {
	case float64:
		return sp.number(sp.float(x)), nil
	case bool:
		if sp != (spec{fill: " ", precision: -1}) {
			n, _ := asBig(v)
			return sp.integer(n)
		}
	case int, *big.Int:
		n, _ := asBig(v)
		return sp.integer(n)
	case DateTime:
		return "", valueErr("Invalid format specifier")
	}
	s, ok := asStr(v)
	if !ok {
		s = Str(v)
		if _, isBool := v.(bool); !isBool && sp != (spec{fill: " ", precision: -1}) {
			return "", typeErr("unsupported format string passed to %s.__format__", TypeName(v))
		}
	}
	if sp.verb != 0 && sp.verb != 's' {
		return "", valueErr("Unknown format code '%c' for object of type '%s'", sp.verb, TypeName(v))
	}
	if sp.precision >= 0 {
		r := []rune(s)
		s = string(r[:min(len(r), sp.precision)])
	}
	align := sp.align
	if align == 0 || align == '=' {
		align = '<'
	}
	return padSpec(s, sp.width, sp.fill, align), nil
}

// padSpec pads as format does: the odd space of ^ goes to the right.
func padSpec(s string, width int, fill string, align byte) string {
	n := width - utf8.RuneCountInString(s)
	if n <= 0 {
		return s
	}
	left := 0
	switch align {
	case '>':
		left = n
	case '^':
		left = n / 2
	}
	return strings.Repeat(fill, left) + s + strings.Repeat(fill, n-left)
}

func (sp spec) integer(n *big.Int) (string, error) {
	switch sp.verb {
	case 'e', 'E', 'f', 'F', 'g', 'G', '%':
		f, _ := new(big.Float).SetInt(n).Float64()
		return sp.number(sp.float(f)), nil
	case 'c':
		return padSpec(string(rune(n.Int64())), sp.width, sp.fill, max(sp.align, '<')), nil
	}
	if sp.precision >= 0 {
		return "", valueErr("Precision not allowed in integer format specifier")
	}
	base, prefix := 10, ""
	switch sp.verb {
	case 0, 'd', 'n':
	case 'b':
		base, prefix = 2, "0b"
	case 'o':
		base, prefix = 8, "0o"
	case 'x':
		base, prefix = 16, "0x"
	case 'X':
		base, prefix = 16, "0X"
	default:
		return "", valueErr("Unknown format code '%c' for object of type 'int'", sp.verb)
	}
	digits := new(big.Int).Abs(n).Text(base)
	if sp.verb == 'X' {
		digits = strings.ToUpper(digits)
	}
	if !sp.alt {
		prefix = ""
	}
	return sp.number(n.Sign() < 0, prefix, digits), nil
}

// float gives sign and digits of f.
func (sp spec) float(f float64) (bool, string, string) {
	neg := math.Signbit(f) && !math.IsNaN(f)
	f = math.Abs(f)
	if math.IsInf(f, 0) || math.IsNaN(f) {
		s := value.FormatFloat(f)
		if sp.verb >= 'A' && sp.verb <= 'Z' {
			s = strings.ToUpper(s)
		}
		return neg, "", s
	}
	p := sp.precision
	if p < 0 {
		p = 6
	}
	switch sp.verb {
	case 'f', 'F':
		return neg, "", altPoint(strconv.FormatFloat(f, 'f', p, 64), sp.alt)
	case 'e', 'E':
		return neg, "", strconv.FormatFloat(f, sp.verb, p, 64)
	case '%':
		return neg, "", strconv.FormatFloat(f*100, 'f', p, 64) + "%"
	case 'g', 'G', 'n':
		s := general(f, max(p, 1), sp.alt)
		if sp.verb == 'G' {
			s = strings.ToUpper(s)
		}
		return neg, "", s
	}
	if sp.precision < 0 {
		return neg, "", value.FormatFloat(f)
	}
	s := general(f, max(p, 1), false)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return neg, "", s
}

func altPoint(s string, alt bool) string {
	if alt && strings.IndexByte(s, '.') < 0 {
		return s + "."
	}
	return s
}

// general is %g: the shorter of %e and %f, without zeros at the end.
func general(f float64, p int, alt bool) string {
	e := strconv.FormatFloat(f, 'e', p-1, 64)
	exp, _ := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	if exp < -4 || exp >= p {
		if alt {
			return e
		}
		mantissa, tail, _ := strings.Cut(e, "e")
		if strings.IndexByte(mantissa, '.') >= 0 {
			mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
		}
		return mantissa + "e" + tail
	}
	s := strconv.FormatFloat(f, 'f', max(p-1-exp, 0), 64)
	if !alt && strings.IndexByte(s, '.') >= 0 {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// number puts sign, prefix and digits together, grouped and padded.
func (sp spec) number(neg bool, prefix, digits string) string {
	sign := ""
	switch {
	case neg:
		sign = "-"
	case sp.sign == '+' || sp.sign == ' ':
		sign = string(sp.sign)
	}
	align := sp.align
	if align == 0 {
		align = '>'
	}
	if sp.group != 0 {
		every := 3
		if sp.verb == 'x' || sp.verb == 'X' || sp.verb == 'b' || sp.verb == 'o' {
			every = 4
		}
		end := strings.IndexAny(digits, ".e%")
		if end < 0 || every == 4 {
			end = len(digits)
		}
		whole := digits[:end]
		if sp.fill == "0" && align == '=' {
			for {
				g := groupDigits("0"+whole, every, sp.group)
				if len(sign)+len(prefix)+len(g)+len(digits)-end > sp.width {
					break
				}
				whole = "0" + whole
			}
		}
		digits = groupDigits(whole, every, sp.group) + digits[end:]
	}
	if align == '=' {
		return sign + prefix + padSpec(digits, sp.width-len(sign)-len(prefix), sp.fill, '>')
	}
	return padSpec(sign+prefix+digits, sp.width, sp.fill, align)
}

func groupDigits(s string, every int, sep byte) string {
	var b []byte
	for i := range len(s) {
		if i > 0 && (len(s)-i)%every == 0 {
			b = append(b, sep)
		}
		b = append(b, s[i])
	}
	return string(b)
}
