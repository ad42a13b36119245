package template

import (
	"html"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/value"
)

// need fails if parameter i is undefined.
func (c *call) need(i int) error {
	if u, ok := c.a[i].(*Undefined); ok && !u.lenient {
		return u.fail()
	}
	return nil
}

// onText makes a filter of a function of the input's text.
func onText(name string, fn func(string) any) *def {
	return define(name, "s", func(c *call) (any, error) {
		if err := c.need(0); err != nil {
			return nil, err
		}
		return fn(c.str(0)), nil
	})
}

// coreFilters are Jinja2's filters for single values.
func coreFilters() []*def {
	return []*def{
		onText("upper", func(s string) any { return pyUpper(s) }),
		onText("lower", func(s string) any { return strings.ToLower(s) }),
		onText("capitalize", func(s string) any { return pyCapitalize(s) }),
		onText("title", func(s string) any { return titleFilter(s) }),
		onText("striptags", func(s string) any { return stripTags(s) }),
		onText("wordcount", func(s string) any { return len(wordPattern(s)) }),
		define("string", "s", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			return nativeText(c.str(0)), nil
		}),
		define("safe", "value", func(c *call) (any, error) { return Markup(c.str(0)), c.need(0) }),
		define("escape|e", "s", func(c *call) (any, error) {
			if m, ok := c.a[0].(Markup); ok {
				return m, nil
			}
			return Markup(escapeHTML(c.str(0))), c.need(0)
		}),
		define("forceescape", "value", func(c *call) (any, error) { return Markup(escapeHTML(c.str(0))), c.need(0) }),
		define("default|d", "value default_value='' boolean=False", func(c *call) (any, error) {
			if _, ok := c.a[0].(*Undefined); ok || c.bool(2) && !Bool(c.a[0]) {
				return c.a[1], nil
			}
			return c.a[0], nil
		}),
		define("attr", "obj name", func(c *call) (any, error) {
			if u, ok := c.a[0].(*Undefined); ok {
				return u, nil
			}
			name := c.str(1)
			if h, ok := c.a[0].(hasAttr); ok {
				if v, ok := h.attr(name); ok {
					return v, nil
				}
			}
			if v, ok := c.f.pythonAttr(c.a[0], name); ok {
				return v, nil
			}
			return missing(c.a[0], name), nil
		}),
		define("length|count", "obj", func(c *call) (any, error) { return length(c.a[0]) }),
		define("abs", "x", absFilter),
		define("int", "value default=0 base=10", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			base, err := c.int(2)
			if err != nil {
				return nil, err
			}
			if n, ok := toInt(c.a[0], base); ok {
				return n, nil
			}
			if f, ok := toFloat(c.a[0]); ok && math.IsInf(f, 0) {
				return nil, &Error{Kind: "OverflowError", Msg: "cannot convert float infinity to integer"}
			}
			return c.a[1], nil
		}),
		define("float", "value default=0.0", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			if f, ok := toFloat(c.a[0]); ok {
				return f, nil
			}
			return c.a[1], nil
		}),
		define("round", "value precision=0 method='common'", roundFilter),
		define("trim", "value chars=None", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			c.a[0] = c.str(0)
			return stripMethod(true, true)(c)
		}),
		define("replace", "s old new count=None", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			n := -1
			if c.a[3] != nil {
				var err error
				if n, err = c.int(3); err != nil {
					return nil, err
				}
			}
			return replaceText(c, c.str(0), c.str(1), c.str(2), n)
		}),
		define("format", "value *args **kwargs", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			if c.kw.Len() > 0 && len(c.rest) > 0 {
				return nil, &Error{Kind: "FilterArgumentError", Msg: "can't handle positional and keyword arguments at the same time"}
			}
			if c.kw.Len() > 0 {
				return percent(c.f.r.st, c.str(0), c.kw)
			}
			return percent(c.f.r.st, c.str(0), value.Tuple(c.rest))
		}),
		define("center", "value width=80", func(c *call) (any, error) {
			n, err := c.int(1)
			if err != nil {
				return nil, err
			}
			if err := c.room(n); n > 0 && err != nil {
				return nil, err
			}
			return pad(c.str(0), n, " ", '^'), c.need(0)
		}),
		define("indent", "s width=4 first=False blank=False", indentFilter),
		define("truncate", "s length=255 killwords=False end='...' leeway=None", truncateFilter),
		define("wordwrap", "s width=79 break_long_words=True wrapstring=None break_on_hyphens=True", wordwrapFilter),
		define("urlencode", "value", urlencodeFilter),
		define("urlize", "value trim_url_limit=None nofollow=False target=None rel=None extra_schemes=None", urlizeFilter),
		define("filesizeformat", "value binary=False", fileSizeFilter),
		define("xmlattr", "d autospace=True", xmlattrFilter),
		define("pprint", "value", func(c *call) (any, error) { return pretty(c.a[0]), c.need(0) }),
		define("tojson", "value indent=None", func(c *call) (any, error) {
			if err := failUndefined(c.a[0]); err != nil {
				return nil, err
			}
			indent := 0
			if c.a[1] != nil {
				var err error
				if indent, err = c.int(1); err != nil {
					return nil, err
				}
				if indent > maxWidth {
					return nil, limitErr("an indent of %d is too much", indent)
				}
			}
			text, err := dumpJSON(c, c.a[0], value.JSON{Indent: indent, SortKeys: true, ASCII: true, Python: true})
			if err != nil {
				return nil, err
			}
			return Markup(strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`).Replace(text)), nil
		}),
	}
}

func escapeHTML(s string) string {
	return strings.NewReplacer("&", "&amp;", ">", "&gt;", "<", "&lt;", "'", "&#39;", `"`, "&#34;").Replace(s)
}

// titleFilter is Jinja2's title: words begin after white space and brackets.
func titleFilter(s string) string {
	begin := true
	return strings.Map(func(r rune) rune {
		was := begin
		begin = unicode.IsSpace(r) || strings.ContainsRune("-({[<", r)
		if begin {
			return r
		}
		if was {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func stripTags(s string) string {
	for {
		a := strings.Index(s, "<!--")
		if a < 0 {
			break
		}
		b := strings.Index(s[a:], "-->")
		if b < 0 {
			break
		}
		s = s[:a] + s[a+b+3:]
	}
	for {
		a := strings.IndexByte(s, '<')
		if a < 0 {
			break
		}
		b := strings.IndexByte(s[a:], '>')
		if b < 0 {
			break
		}
		s = s[:a] + s[a+b+1:]
	}
	return html.UnescapeString(strings.Join(strings.Fields(s), " "))
}

// wordPattern finds the runs of word characters.
func wordPattern(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '_' })
}

func absFilter(c *call) (any, error) {
	switch v := c.a[0].(type) {
	case int, bool, *big.Int:
		n, _ := asBig(v)
		return value.Int(new(big.Int).Abs(n)), nil
	case float64:
		return math.Abs(v), nil
	case Delta:
		return max(v, -v), nil
	case *Undefined:
		return nil, v.fail()
	}
	return nil, typeErr("bad operand type for abs(): '%s'", TypeName(c.a[0]))
}

// toInt is the int filter's conversion.
func toInt(v any, base int) (any, bool) {
	switch v := v.(type) {
	case int, *big.Int:
		return v, true
	case bool:
		n, _ := smallInt(v)
		return n, true
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, false
		}
		n, _ := big.NewFloat(math.Trunc(v)).Int(nil)
		return value.Int(n), true
	}
	s, ok := asStr(v)
	if !ok {
		return nil, false
	}
	if n, ok := parseInt(s, base); ok {
		return n, true
	}
	if f, ok := toFloat(s); ok {
		return toInt(f, base)
	}
	return nil, false
}

// parseInt is Python's int(s, base).
func parseInt(s string, base int) (any, bool) {
	s = strings.TrimFunc(s, isPySpace)
	digits := strings.TrimLeft(s, "+-")
	if digits == "" || len(s)-len(digits) > 1 || base < 0 || base == 1 || base > 36 || len(digits) > 4300 {
		return nil, false
	}
	if len(digits) > 2 && digits[0] == '0' {
		if b := map[byte]int{'x': 16, 'o': 8, 'b': 2}[digits[1]|0x20]; b != 0 && (b == base || base == 0) {
			digits, base = strings.TrimPrefix(digits[2:], "_"), b
		}
	}
	if base == 0 {
		if digits[0] == '0' && strings.Trim(digits, "0_") != "" {
			return nil, false
		}
		base = 10
	}
	if strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || strings.Contains(digits, "__") {
		return nil, false
	}
	digits = strings.ReplaceAll(digits, "_", "")
	if digits == "" || digits[0] == '-' || digits[0] == '+' {
		return nil, false
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return nil, false
	}
	if s[0] == '-' {
		n.Neg(n)
	}
	return value.Int(n), true
}

// toFloat is Python's float(v), false where that fails.
func toFloat(v any) (float64, bool) {
	if f, ok := asFloat(v); ok {
		return f, true
	}
	s, ok := asStr(v)
	if !ok {
		return 0, false
	}
	s = strings.TrimFunc(s, isPySpace)
	if strings.ContainsAny(s, "xXpP") || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return f, err == nil || math.IsInf(f, 0)
}

// roundWhole rounds n to a multiple of ten to the power p, the half of one to an
// even multiple.
func roundWhole(n *big.Int, p int) *big.Int {
	if p > n.BitLen() {
		return new(big.Int)
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(p)), nil)
	q, rest := new(big.Int).DivMod(n, unit, new(big.Int))
	if c := rest.Lsh(rest, 1).Cmp(unit); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	return q.Mul(q, unit)
}

func roundFilter(c *call) (any, error) {
	if err := c.need(0); err != nil {
		return nil, err
	}
	p, err := c.int(1)
	if err != nil {
		return nil, err
	}
	f, ok := asFloat(c.a[0])
	if !ok {
		return nil, typeErr("type %s doesn't define __round__ method", TypeName(c.a[0]))
	}
	switch c.str(2) {
	case "common":
		if n, isInt := asBig(c.a[0]); isInt {
			if p >= 0 {
				return value.Int(n), nil
			}
			return value.Int(roundWhole(n, -p)), nil
		}
		return roundTo(f, p), nil
	case "ceil":
		return math.Ceil(f*math.Pow10(p)) / math.Pow10(p), nil
	case "floor":
		return math.Floor(f*math.Pow10(p)) / math.Pow10(p), nil
	}
	return nil, &Error{Kind: "FilterArgumentError", Msg: "method must be common, ceil or floor"}
}

// roundTo rounds half to even, by the exact value of f.
func roundTo(f float64, places int) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) || places > 300 {
		return f
	}
	if places >= 0 {
		r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', places, 64), 64)
		return r
	}
	scale := math.Pow10(-places)
	return math.RoundToEven(f/scale) * scale
}

func indentFilter(c *call) (any, error) {
	if _, err := c.needStr(0); err != nil {
		return nil, err
	}
	pad, ok := asStr(c.a[1])
	if !ok {
		n, err := c.int(1)
		if err != nil {
			return nil, err
		}
		if err := c.room(n); n > 0 && err != nil {
			return nil, err
		}
		pad = strings.Repeat(" ", max(n, 0))
	}
	s := c.str(0) + "\n" // so that a last empty line counts
	var out string
	if c.bool(3) {
		out = strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n"+pad)
	} else {
		lines := splitLines(s, false)
		var b strings.Builder
		for i, l := range lines {
			if i > 0 {
				b.WriteByte('\n')
				if l != "" {
					b.WriteString(pad)
				}
			}
			b.WriteString(l.(string))
		}
		out = b.String()
	}
	if c.bool(2) {
		out = pad + out
	}
	return out, c.room(len(out))
}

func truncateFilter(c *call) (any, error) {
	n, err := c.int(1)
	if err != nil {
		return nil, err
	}
	leeway := 5
	if c.a[4] != nil {
		if leeway, err = c.int(4); err != nil {
			return nil, err
		}
	}
	if _, err := c.needStr(0); err != nil {
		if l, bad := c.list(0); bad != nil || len(l) > n+leeway {
			return nil, err
		}
		return c.a[0], nil // what has a length and is short may be anything
	}
	end, s := c.str(3), []rune(c.str(0))
	size := utf8.RuneCountInString(end)
	if n < size {
		return nil, &Error{Kind: "AssertionError", Msg: "expected length >= " + strconv.Itoa(size) + ", got " + strconv.Itoa(n)}
	}
	if len(s) <= n+leeway {
		return c.str(0), nil
	}
	cut := string(s[:n-size])
	if !c.bool(2) {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return cut + end, nil
}

func fileSizeFilter(c *call) (any, error) {
	f, ok := toFloat(c.a[0])
	if !ok {
		return nil, valueErr("could not convert string to float: %s", Repr(c.a[0]))
	}
	base := 1000.0
	units := []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if c.bool(1) {
		base = 1024
		units = []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	if f == 1 {
		return "1 Byte", nil
	}
	if f < base {
		return strconv.Itoa(int(f)) + " Bytes", nil
	}
	unit := base
	for i, u := range units {
		unit = math.Pow(base, float64(i+2))
		if f < unit || i == len(units)-1 {
			return strconv.FormatFloat(base*f/unit, 'f', 1, 64) + " " + u, nil
		}
	}
	return "", nil
}

func xmlattrFilter(c *call) (any, error) {
	m, ok := c.a[0].(*value.Map)
	if !ok {
		return nil, typeErr("'%s' object has no attribute 'items'", TypeName(c.a[0]))
	}
	var parts []string
	for k, v := range m.All() {
		if _, undef := v.(*Undefined); undef || v == nil {
			continue
		}
		if strings.ContainsAny(Str(k), " \t\n\f\r/>=") {
			return nil, valueErr("Invalid character in attribute name: %s", Repr(k))
		}
		parts = append(parts, escapeHTML(Str(k))+`="`+escapeHTML(Str(v))+`"`)
	}
	s := strings.Join(parts, " ")
	if c.bool(1) && s != "" {
		s = " " + s
	}
	return s, nil
}
