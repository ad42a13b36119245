package template

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/value"
)

// formatText is str.format.
func formatText(f *frame, s string, pos []any, kw *value.Map) (string, error) {
	next := 0
	out, err := formatFields(f, s, pos, kw, &next, 2)
	if err != nil {
		return "", err
	}
	return out, f.r.st.room(len(out))
}

func formatFields(f *frame, s string, pos []any, kw *value.Map, next *int, depth int) (string, error) {
	if depth == 0 {
		return "", valueErr("Max string recursion exceeded")
	}
	var b strings.Builder
	for {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		b.WriteString(s[:i])
		c := s[i]
		s = s[i+1:]
		if s != "" && s[0] == c {
			b.WriteByte(c)
			s = s[1:]
			continue
		}
		if c == '}' {
			return "", valueErr("Single '}' encountered in format string")
		}
		end, level := -1, 1
		for j := 0; j < len(s) && end < 0; j++ {
			switch s[j] {
			case '{':
				level++
			case '}':
				if level--; level == 0 {
					end = j
				}
			}
		}
		if end < 0 {
			if s == "" {
				return "", valueErr("Single '{' encountered in format string")
			}
			return "", valueErr("expected '}' before end of string")
		}
		text, err := formatField(f, s[:end], pos, kw, next, depth)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		if err := f.r.st.room(b.Len()); err != nil {
			return "", err
		}
		s = s[end+1:]
	}
}

func formatField(f *frame, field string, pos []any, kw *value.Map, next *int, depth int) (string, error) {
	name, format := field, ""
	conversion := byte(0)
	bracket := false
	for i := range len(field) {
		switch field[i] {
		case '[':
			bracket = true
		case ']':
			bracket = false
		}
		if !bracket && (field[i] == '!' || field[i] == ':') {
			name = field[:i]
			rest := field[i:]
			if rest[0] == '!' {
				if len(rest) < 2 || len(rest) > 2 && rest[2] != ':' {
					return "", valueErr("expected ':' after conversion specifier")
				}
				conversion = rest[1]
				rest = rest[2:]
			}
			format = strings.TrimPrefix(rest, ":")
			break
		}
	}
	v, err := formatArg(f, name, pos, kw, next)
	if err != nil {
		return "", err
	}
	if format, err = formatFields(f, format, pos, kw, next, depth-1); err != nil {
		if depth > 1 || strings.ContainsAny(format, "{}") {
			return "", err
		}
	}
	switch conversion {
	case 0:
	case 's':
		v = Str(v)
	case 'r':
		v = Repr(v)
	case 'a':
		v = asciiRepr(v)
	default:
		return "", valueErr("Unknown conversion specifier '%c'", conversion)
	}
	if u, ok := v.(*Undefined); ok && !u.lenient {
		return "", u.fail()
	}
	if d, ok := v.(DateTime); ok && format != "" {
		return strftime(format, d.t), nil
	}
	sp, err := parseSpec(format)
	if err != nil {
		return "", err
	}
	return sp.apply(v)
}

// formatArg finds what a field such as 0.name[key] stands for.
func formatArg(f *frame, name string, pos []any, kw *value.Map, next *int) (any, error) {
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	head, tail := name[:end], name[end:]
	var v any
	index, err := strconv.Atoi(head)
	switch {
	case head == "":
		index = *next
		*next++
		fallthrough
	case err == nil:
		if index < 0 || index >= len(pos) {
			return nil, &Error{Kind: "IndexError", Msg: "Replacement index " + strconv.Itoa(index) + " out of range for positional args tuple"}
		}
		v = pos[index]
	default:
		var ok bool
		if v, ok = kw.Get(head); !ok {
			return nil, keyError(head)
		}
	}
	for tail != "" {
		if tail[0] == '.' {
			end := strings.IndexAny(tail[1:], ".[")
			if end < 0 {
				end = len(tail) - 1
			}
			attr := tail[1 : 1+end]
			if _, isMap := v.(*value.Map); isMap {
				return nil, &Error{Kind: "AttributeError", Msg: "'dict' object has no attribute " + Repr(attr)}
			}
			if v, err = f.attr(v, attr); err != nil {
				return nil, err
			}
			tail = tail[1+end:]
		} else if tail[0] != '[' {
			return nil, valueErr("Only '.' or '[' may follow ']' in format field specifier")
		} else {
			end := strings.IndexByte(tail, ']')
			if end < 0 {
				return nil, valueErr("Missing ']' in format string")
			}
			var k any = tail[1:end]
			if n, err := strconv.Atoi(tail[1:end]); err == nil {
				k = n
			}
			if v, err = f.item(v, k); err != nil {
				return nil, err
			}
			tail = tail[end+1:]
		}
		if u, ok := v.(*Undefined); ok {
			return nil, keyError(u.name)
		}
	}
	return v, nil
}

func asciiRepr(v any) string {
	var b strings.Builder
	for _, r := range Repr(v) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// percent is Python's str % value.
func percent(st *state, s string, arg any) (string, error) {
	m, isMap := arg.(*value.Map)
	list, isTuple := arg.(value.Tuple)
	if !isTuple {
		list = value.Tuple{arg}
	}
	used := 0
	named := false
	take := func() (any, error) {
		if used >= len(list) {
			return nil, typeErr("not enough arguments for format string")
		}
		used++
		return list[used-1], nil
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		sp := spec{fill: " ", precision: -1}
		var v any
		have := false
		if strings.HasPrefix(s, "(") {
			end := strings.IndexByte(s, ')')
			if end < 0 {
				return "", valueErr("incomplete format key")
			}
			if !isMap {
				return "", typeErr("format requires a mapping")
			}
			var ok bool
			if v, ok = m.Get(s[1:end]); !ok {
				return "", keyError(s[1:end])
			}
			have, named = true, true
			s = s[end+1:]
		}
	flags:
		for ; s != ""; s = s[1:] {
			switch s[0] {
			case '-':
				sp.align = '<'
			case '+':
				sp.sign = '+'
			case ' ':
				if sp.sign == 0 {
					sp.sign = ' '
				}
			case '#':
				sp.alt = true
			case '0':
				sp.zero = true
			default:
				break flags
			}
		}
		number := func() (int, error) {
			if strings.HasPrefix(s, "*") {
				s = s[1:]
				v, err := take()
				if err != nil {
					return 0, err
				}
				return asInt(v)
			}
			i := 0
			for i < len(s) && s[i] >= '0' && s[i] <= '9' {
				i++
			}
			n, _ := strconv.Atoi(s[:i])
			s = s[i:]
			return n, nil
		}
		var err error
		if sp.width, err = number(); err != nil {
			return "", err
		}
		if sp.width < 0 {
			sp.width, sp.align = -sp.width, '<'
		}
		if strings.HasPrefix(s, ".") {
			s = s[1:]
			if sp.precision, err = number(); err != nil {
				return "", err
			}
		}
		if sp.width > maxWidth || sp.precision > maxWidth {
			return "", limitErr("a format width of more than %d is too much", maxWidth)
		}
		s = strings.TrimLeft(s, "hlL")
		if s == "" {
			return "", valueErr("incomplete format")
		}
		sp.verb = s[0]
		s = s[1:]
		if sp.verb == '%' {
			b.WriteByte('%')
			continue
		}
		if !have {
			if v, err = take(); err != nil {
				return "", err
			}
		}
		text, err := sp.percent(v)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		if err := st.room(b.Len()); err != nil {
			return "", err
		}
	}
	if used < len(list) && !named && !((isMap || isList(arg)) && used == 0) {
		return "", typeErr("not all arguments converted during string formatting")
	}
	return b.String(), nil
}

// percent formats one argument of str % value.
func (sp spec) percent(v any) (string, error) {
	if u, ok := v.(*Undefined); ok && !u.lenient && sp.verb != 'r' {
		return "", u.fail()
	}
	right := sp.align
	if right == 0 {
		right = '>'
	}
	text := func(s string) (string, error) {
		if sp.precision >= 0 {
			r := []rune(s)
			s = string(r[:min(len(r), sp.precision)])
		}
		return padSpec(s, sp.width, " ", right), nil
	}
	if sp.zero && sp.align == 0 {
		sp.fill, sp.align = "0", '='
	}
	switch sp.verb {
	case 's':
		return text(Str(v))
	case 'r':
		return text(Repr(v))
	case 'a':
		return text(asciiRepr(v))
	case 'c':
		if n, ok := v.(int); ok {
			return text(string(rune(n)))
		}
		if s, ok := asStr(v); ok && utf8.RuneCountInString(s) == 1 {
			return text(s)
		}
		return "", typeErr("%%c requires int or char")
	case 'd', 'i', 'u', 'x', 'X', 'o':
		n, ok := asBig(v)
		if f, isFloat := v.(float64); isFloat && strings.IndexByte("diu", sp.verb) >= 0 {
			n, _ = big.NewFloat(math.Trunc(f)).Int(nil)
			ok = true
		}
		if !ok {
			if strings.IndexByte("diu", sp.verb) >= 0 {
				return "", typeErr("%%%c format: a real number is required, not %s", sp.verb, TypeName(v))
			}
			return "", typeErr("%%%c format: an integer is required, not %s", sp.verb, TypeName(v))
		}
		digits := sp.precision
		sp.precision = -1
		if sp.verb == 'i' || sp.verb == 'u' {
			sp.verb = 'd'
		}
		if digits > 0 {
			inner := sp
			inner.width, inner.align = 0, 0
			s, err := inner.integer(new(big.Int).Abs(n))
			if err != nil {
				return "", err
			}
			s = strings.TrimLeft(s, "+ ")
			return sp.number(n.Sign() < 0, "", strings.Repeat("0", max(0, digits-len(s)))+s), nil
		}
		return sp.integer(n)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		f, ok := asFloat(v)
		if !ok {
			return "", typeErr("must be real number, not %s", TypeName(v))
		}
		return sp.number(sp.float(f)), nil
	}
	return "", valueErr("unsupported format character '%c' (0x%x)", sp.verb, sp.verb)
}
