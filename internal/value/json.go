package value

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// JSON says how AppendJSON writes. The zero JSON is the shortest form.
type JSON struct {
	Indent   int  // spaces a level; 0 keeps all on one line
	SortKeys bool // by key text, as Python's sort_keys
	ASCII    bool // escape everything above U+007E, as Python's ensure_ascii
	Python   bool // ", " and ": " as separators on one line, as Python's json.dumps
}

// ToJSON returns v in the shortest form.
func ToJSON(v any) []byte { return JSON{}.Append(nil, v) }

// Append writes v to dst. A *Template is written as its source; anything that
// is not a value as the text that fmt gives it.
func (j JSON) Append(dst []byte, v any) []byte { return j.append(dst, v, 0) }

func (j JSON) append(dst []byte, v any, depth int) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case *big.Int:
		return v.Append(dst, 10)
	case float64:
		return append(dst, jsonFloat(v)...)
	case string:
		return j.appendString(dst, v)
	case *Template:
		return j.appendString(dst, v.Source)
	case []any:
		return j.appendList(dst, v, depth)
	case Tuple:
		return j.appendList(dst, v, depth)
	case []string:
		return j.appendList(dst, FromGo(v).([]any), depth)
	case *Map:
		return j.appendMap(dst, v, depth)
	case map[string]any:
		return j.appendMap(dst, FromGo(v).(*Map), depth)
	case interface{ JSONValue() any }:
		return j.append(dst, v.JSONValue(), depth)
	case Shown:
		return j.appendString(dst, v.PythonStr())
	case Lazy:
		forced, err := v.Force()
		if err != nil {
			return j.appendString(dst, err.Error())
		}
		return j.append(dst, forced, depth)
	}
	return j.appendString(dst, fmt.Sprint(v))
}

func (j JSON) newline(dst []byte, depth int) []byte {
	dst = append(dst, '\n')
	for range depth * j.Indent {
		dst = append(dst, ' ')
	}
	return dst
}

func (j JSON) separator(dst []byte, depth int) []byte {
	dst = append(dst, ',')
	switch {
	case j.Indent > 0:
		return j.newline(dst, depth)
	case j.Python:
		return append(dst, ' ')
	}
	return dst
}

func (j JSON) appendList(dst []byte, l []any, depth int) []byte {
	if len(l) == 0 {
		return append(dst, "[]"...)
	}
	dst = append(dst, '[')
	if j.Indent > 0 {
		dst = j.newline(dst, depth+1)
	}
	for i, e := range l {
		if i > 0 {
			dst = j.separator(dst, depth+1)
		}
		dst = j.append(dst, e, depth+1)
	}
	if j.Indent > 0 {
		dst = j.newline(dst, depth)
	}
	return append(dst, ']')
}

func (j JSON) appendMap(dst []byte, m *Map, depth int) []byte {
	if m.Len() == 0 {
		return append(dst, "{}"...)
	}
	order := make([]int, m.Len())
	names := make([]string, m.Len())
	for i, k := range m.keys {
		order[i], names[i] = i, KeyText(k)
	}
	if j.SortKeys {
		slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(names[a], names[b]) })
	}
	dst = append(dst, '{')
	if j.Indent > 0 {
		dst = j.newline(dst, depth+1)
	}
	for n, i := range order {
		if n > 0 {
			dst = j.separator(dst, depth+1)
		}
		dst = j.appendString(dst, names[i])
		dst = append(dst, ':')
		if j.Indent > 0 || j.Python {
			dst = append(dst, ' ')
		}
		dst = j.append(dst, m.vals[i], depth+1)
	}
	if j.Indent > 0 {
		dst = j.newline(dst, depth)
	}
	return append(dst, '}')
}

// KeyText is a dict key as JSON writes it.
func KeyText(k any) string {
	switch k := k.(type) {
	case string:
		return k
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(k)
	case float64:
		return jsonFloat(k)
	case *Template:
		return k.Source
	}
	return fmt.Sprint(k)
}

func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return FormatFloat(f)
}

// FormatFloat writes a float as Python's repr does: the shortest text that
// reads back the same, always with a point or an exponent.
func FormatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.ContainsRune(s, '.') {
		s += ".0"
	}
	return s
}

const hexDigits = "0123456789abcdef"

func (j JSON) appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			case '\b':
				dst = append(dst, '\\', 'b')
			case '\f':
				dst = append(dst, '\\', 'f')
			case 0x7f:
				dst = append(dst, c)
			default:
				dst = appendEscape(dst, rune(c))
			}
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			// A byte that is not UTF-8 travels as Python's surrogateescape does.
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, 0xdc00+rune(c))
			i++
			start = i
			continue
		}
		if j.ASCII {
			dst = append(dst, s[start:i]...)
			if r > 0xffff {
				hi, lo := utf16.EncodeRune(r)
				dst = appendEscape(appendEscape(dst, hi), lo)
			} else {
				dst = appendEscape(dst, r)
			}
			start = i + n
		}
		i += n
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// maxDepth bounds nesting, so that hostile input cannot exhaust the stack.
const maxDepth = 2000

// ParseJSON reads one JSON document as Python's json.loads does: object order
// is kept, integers are exact, NaN and Infinity are allowed.
func ParseJSON(data []byte) (any, error) {
	p := jsonParser{data: data}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos != len(p.data) {
		return nil, p.errorf("extra data after the value")
	}
	return v, nil
}

type jsonParser struct {
	data []byte
	pos  int
}

func (p *jsonParser) errorf(format string, args ...any) error {
	line := 1 + bytes.Count(p.data[:p.pos], []byte{'\n'})
	col := p.pos - bytes.LastIndexByte(p.data[:p.pos], '\n')
	return fmt.Errorf("JSON line %d column %d: %s", line, col, fmt.Sprintf(format, args...))
}

func (p *jsonParser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func (p *jsonParser) value(depth int) (any, error) {
	p.space()
	if depth > maxDepth {
		return nil, p.errorf("nested too deeply")
	}
	if p.pos >= len(p.data) {
		return nil, p.errorf("unexpected end")
	}
	switch c := p.data[p.pos]; c {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		return p.str()
	default:
		return p.word(c)
	}
}

func (p *jsonParser) word(c byte) (any, error) {
	start := p.pos
	for p.pos < len(p.data) && strings.IndexByte(" \t\r\n,:]}", p.data[p.pos]) < 0 {
		p.pos++
	}
	w := string(p.data[start:p.pos])
	switch w {
	case "null":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	if c == '-' || c >= '0' && c <= '9' {
		digits := strings.TrimPrefix(w, "-")
		if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
			p.pos = start
			return nil, p.errorf("a number cannot start with 0: %s", w)
		}
		if n, err := strconv.ParseInt(w, 10, 64); err == nil {
			return int(n), nil
		}
		if !strings.ContainsAny(w, ".eExX_pP") {
			if b, ok := new(big.Int).SetString(w, 10); ok {
				return b, nil
			}
		}
		if f, err := strconv.ParseFloat(w, 64); err == nil && !strings.ContainsAny(w, "xX_pP") {
			return f, nil
		} else if err != nil && math.IsInf(f, 0) {
			return f, nil
		}
	}
	p.pos = start
	return nil, p.errorf("expected a value, found %.20q", w)
}

func (p *jsonParser) object(depth int) (any, error) {
	m := NewMap(4)
	p.pos++
	p.space()
	if p.pos < len(p.data) && p.data[p.pos] == '}' {
		p.pos++
		return m, nil
	}
	for {
		p.space()
		if p.pos >= len(p.data) || p.data[p.pos] != '"' {
			return nil, p.errorf("expected a property name in double quotes")
		}
		k, err := p.str()
		if err != nil {
			return nil, err
		}
		p.space()
		if p.pos >= len(p.data) || p.data[p.pos] != ':' {
			return nil, p.errorf("expected ':'")
		}
		p.pos++
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m.Set(k, v)
		more, err := p.next('}')
		if err != nil || !more {
			return m, err
		}
	}
}

func (p *jsonParser) array(depth int) (any, error) {
	out := []any{}
	p.pos++
	p.space()
	if p.pos < len(p.data) && p.data[p.pos] == ']' {
		p.pos++
		return out, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		more, err := p.next(']')
		if err != nil || !more {
			return out, err
		}
	}
}

func (p *jsonParser) next(end byte) (bool, error) {
	p.space()
	if p.pos >= len(p.data) {
		return false, p.errorf("unexpected end, expected ',' or '%c'", end)
	}
	c := p.data[p.pos]
	p.pos++
	switch c {
	case ',':
		return true, nil
	case end:
		return false, nil
	}
	p.pos--
	return false, p.errorf("expected ',' or '%c', found %q", end, c)
}

func (p *jsonParser) str() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == '"':
			s := string(p.data[start:p.pos])
			p.pos++
			return s, nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", p.errorf("control character in a string")
		}
		p.pos++
	}
	return "", p.errorf("string without end")
}

func (p *jsonParser) escaped(start int) (string, error) {
	buf := append([]byte(nil), p.data[start:p.pos]...)
	for p.pos < len(p.data) {
		c := p.data[p.pos]
		switch {
		case c == '"':
			p.pos++
			return string(buf), nil
		case c < ' ':
			return "", p.errorf("control character in a string")
		case c != '\\':
			buf = append(buf, c)
			p.pos++
			continue
		}
		p.pos++
		if p.pos >= len(p.data) {
			break
		}
		c = p.data[p.pos]
		p.pos++
		switch c {
		case '"', '\\', '/':
			buf = append(buf, c)
		case 'n':
			buf = append(buf, '\n')
		case 't':
			buf = append(buf, '\t')
		case 'r':
			buf = append(buf, '\r')
		case 'b':
			buf = append(buf, '\b')
		case 'f':
			buf = append(buf, '\f')
		case 'u':
			r, err := p.hex4()
			if err != nil {
				return "", err
			}
			if utf16.IsSurrogate(r) && bytes.HasPrefix(p.data[p.pos:], []byte(`\u`)) {
				mark := p.pos
				p.pos += 2
				low, err := p.hex4()
				if err != nil {
					return "", err
				}
				if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
					buf = utf8.AppendRune(buf, full)
					continue
				}
				p.pos = mark
			}
			if r >= 0xdc80 && r <= 0xdcff { // surrogateescape: the byte itself
				buf = append(buf, byte(r-0xdc00))
				continue
			}
			buf = utf8.AppendRune(buf, r)
		default:
			p.pos--
			return "", p.errorf("unknown escape \\%c", c)
		}
	}
	return "", p.errorf("string without end")
}

func (p *jsonParser) hex4() (rune, error) {
	if p.pos+4 > len(p.data) {
		return 0, p.errorf("short \\u escape")
	}
	n, err := strconv.ParseUint(string(p.data[p.pos:p.pos+4]), 16, 32)
	if err != nil {
		return 0, p.errorf("bad \\u escape")
	}
	p.pos += 4
	return rune(n), nil
}
