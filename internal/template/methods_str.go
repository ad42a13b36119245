package template

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/value"
)

func strMethods() []*def {
	// on makes a method of a function of the text.
	on := func(name string, fn func(string) any) *def {
		return define(name, "self", func(c *call) (any, error) { return fn(c.str(0)), nil })
	}
	is := func(name string, ok func(rune) bool) *def {
		return on(name, func(s string) any {
			return s != "" && strings.IndexFunc(s, func(r rune) bool { return !ok(r) }) < 0
		})
	}
	return []*def{
		on("upper", func(s string) any { return pyUpper(s) }),
		on("lower", func(s string) any { return strings.ToLower(s) }),
		on("title", func(s string) any { return pyTitle(s) }),
		on("capitalize", func(s string) any { return pyCapitalize(s) }),
		on("casefold", func(s string) any { return strings.ReplaceAll(strings.ToLower(s), "ß", "ss") }),
		on("swapcase", func(s string) any {
			return strings.Map(func(r rune) rune {
				if unicode.IsUpper(r) {
					return unicode.ToLower(r)
				}
				return unicode.ToUpper(r)
			}, s)
		}),
		is("isalpha", unicode.IsLetter),
		is("isalnum", func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }),
		is("isdigit", unicode.IsDigit), is("isdecimal", unicode.IsDigit), is("isnumeric", unicode.IsNumber),
		is("isspace", unicode.IsSpace),
		on("isascii", func(s string) any { return isASCII(s) }),
		on("isprintable", func(s string) any {
			return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
		}),
		on("isidentifier", func(s string) any { return s != "" && nameLength(s) == len(s) }),
		on("isupper", func(s string) any { return hasCase(s, unicode.IsUpper, unicode.IsLower) }),
		on("islower", func(s string) any { return hasCase(s, unicode.IsLower, unicode.IsUpper) }),
		on("istitle", func(s string) any { return pyTitle(s) == s && strings.IndexFunc(s, unicode.IsUpper) >= 0 }),
		define("strip", "self chars=None", stripMethod(true, true)),
		define("lstrip", "self chars=None", stripMethod(true, false)),
		define("rstrip", "self chars=None", stripMethod(false, true)),
		define("split", "self sep=None maxsplit=-1", func(c *call) (any, error) { return splitText(c, false) }),
		define("rsplit", "self sep=None maxsplit=-1", func(c *call) (any, error) { return splitText(c, true) }),
		define("splitlines", "self keepends=False", func(c *call) (any, error) { return splitLines(c.str(0), c.bool(1)), nil }),
		define("partition", "self sep", partition(strings.Index, false)),
		define("rpartition", "self sep", partition(strings.LastIndex, true)),
		define("startswith", "self prefix start=None end=None", affix(strings.HasPrefix)),
		define("endswith", "self suffix start=None end=None", affix(strings.HasSuffix)),
		define("removeprefix", "self prefix", func(c *call) (any, error) {
			p, err := c.needStr(1)
			return strings.TrimPrefix(c.str(0), p), err
		}),
		define("removesuffix", "self suffix", func(c *call) (any, error) {
			p, err := c.needStr(1)
			return strings.TrimSuffix(c.str(0), p), err
		}),
		define("replace", "self old new count=-1", func(c *call) (any, error) {
			old, err := c.needStr(1)
			if err != nil {
				return nil, err
			}
			repl, err := c.needStr(2)
			if err != nil {
				return nil, err
			}
			n, err := c.int(3)
			if err != nil {
				return nil, err
			}
			return replaceText(c, c.str(0), old, repl, n)
		}),
		define("find", "self sub start=None end=None", find(strings.Index, "")),
		define("rfind", "self sub start=None end=None", find(strings.LastIndex, "")),
		define("index", "self sub start=None end=None", find(strings.Index, "substring not found")),
		define("rindex", "self sub start=None end=None", find(strings.LastIndex, "substring not found")),
		define("count", "self sub start=None end=None", func(c *call) (any, error) {
			sub, err := c.needStr(1)
			if err != nil {
				return nil, err
			}
			part, _, err := window(c, 2)
			if err != nil {
				return nil, err
			}
			return strings.Count(part, sub), nil
		}),
		define("join", "self iterable", func(c *call) (any, error) {
			l, err := c.list(1)
			if err != nil {
				return nil, typeErr("can only join an iterable")
			}
			parts, size := make([]string, len(l)), 0
			for i, e := range l {
				s, ok := asStr(e)
				if !ok {
					if u, ok := e.(*Undefined); ok {
						return nil, u.fail()
					}
					return nil, typeErr("sequence item %d: expected str instance, %s found", i, TypeName(e))
				}
				parts[i] = s
				if size += len(s) + len(c.str(0)); i == 0 {
					size = len(s)
				}
				if err := c.room(size); err != nil {
					return nil, err
				}
			}
			return strings.Join(parts, c.str(0)), nil
		}),
		define("zfill", "self width", func(c *call) (any, error) {
			n, err := c.int(1)
			if err != nil {
				return nil, err
			}
			s := c.str(0)
			fill := n - utf8.RuneCountInString(s)
			if fill <= 0 {
				return s, nil
			}
			if err := c.room(fill); err != nil {
				return nil, err
			}
			if s != "" && (s[0] == '-' || s[0] == '+') {
				return s[:1] + strings.Repeat("0", fill) + s[1:], nil
			}
			return strings.Repeat("0", fill) + s, nil
		}),
		define("center", "self width fillchar='\\s'", justify('^')),
		define("ljust", "self width fillchar='\\s'", justify('<')),
		define("rjust", "self width fillchar='\\s'", justify('>')),
		define("expandtabs", "self tabsize=8", func(c *call) (any, error) {
			n, err := c.int(1)
			if err != nil {
				return nil, err
			}
			return expandTabs(c.str(0), n), nil
		}),
		define("encode", "self encoding='utf-8' errors='strict'", func(c *call) (any, error) { return Bytes(c.str(0)), nil }),
		define("format", "self *args **kwargs", func(c *call) (any, error) {
			return formatText(c.f, c.str(0), c.rest, c.kw)
		}),
		define("format_map", "self mapping", func(c *call) (any, error) {
			m, _ := c.a[1].(*value.Map)
			return formatText(c.f, c.str(0), nil, m)
		}),
		define("translate", "self table", func(c *call) (any, error) {
			m, ok := c.a[1].(*value.Map)
			if !ok {
				return nil, typeErr("'%s' object is not subscriptable", TypeName(c.a[1]))
			}
			var b strings.Builder
			for _, r := range c.str(0) {
				v, ok := m.Get(int(r))
				switch n, isInt := v.(int); {
				case !ok:
					b.WriteRune(r)
				case isInt:
					b.WriteRune(rune(n))
				case v != nil:
					b.WriteString(Str(v))
				}
			}
			return b.String(), nil
		}),
		define("maketrans", "self x y=None z=None", func(c *call) (any, error) {
			m := value.NewMap(4)
			if d, ok := c.a[1].(*value.Map); ok && !c.given(2) {
				for k, v := range d.All() {
					if s, ok := asStr(k); ok {
						r, _ := utf8.DecodeRuneInString(s)
						k = int(r)
					}
					m.Set(k, v)
				}
				return m, nil
			}
			from, to := []rune(c.str(1)), []rune(c.str(2))
			if len(from) != len(to) {
				return nil, valueErr("the first two maketrans arguments must have equal length")
			}
			for i, r := range from {
				m.Set(int(r), int(to[i]))
			}
			if c.given(3) {
				for _, r := range c.str(3) {
					m.Set(int(r), nil)
				}
			}
			return m, nil
		}),
	}
}

func bytesMethods() []*def {
	return []*def{
		define("decode", "self encoding='utf-8' errors='strict'", func(c *call) (any, error) { return string(c.a[0].(Bytes)), nil }),
		define("hex", "self", func(c *call) (any, error) { return hexText([]byte(c.a[0].(Bytes))), nil }),
	}
}

func (c *call) room(n int) error { return c.f.r.st.room(n) }

func stripMethod(left, right bool) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		s := c.str(0)
		cut := isPySpace
		if c.a[1] != nil {
			chars, err := c.needStr(1)
			if err != nil {
				return nil, err
			}
			cut = func(r rune) bool { return strings.ContainsRune(chars, r) }
		}
		if left {
			s = strings.TrimLeftFunc(s, cut)
		}
		if right {
			s = strings.TrimRightFunc(s, cut)
		}
		return s, nil
	}
}

// splitText is str.split and str.rsplit of parameters text, sep, maxsplit.
func splitText(c *call, right bool) (any, error) {
	s := c.str(0)
	limit, err := c.int(2)
	if err != nil {
		return nil, err
	}
	var parts []string
	if c.a[1] == nil {
		parts = splitSpace(s, limit, right)
	} else {
		sep, err := c.needStr(1)
		if err != nil {
			return nil, err
		}
		if sep == "" {
			return nil, valueErr("empty separator")
		}
		switch {
		case limit < 0:
			parts = strings.Split(s, sep)
		case !right:
			parts = strings.SplitN(s, sep, limit+1)
		default:
			all := strings.Split(s, sep)
			if cut := len(all) - limit; cut > 1 {
				all = append([]string{strings.Join(all[:cut], sep)}, all[cut:]...)
			}
			parts = all
		}
	}
	return anyStrings(parts), nil
}

func partition(index func(s, sep string) int, fromRight bool) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		s := c.str(0)
		sep, err := c.needStr(1)
		if err != nil {
			return nil, err
		}
		if sep == "" {
			return nil, valueErr("empty separator")
		}
		i := index(s, sep)
		switch {
		case i >= 0:
			return value.Tuple{s[:i], sep, s[i+len(sep):]}, nil
		case fromRight:
			return value.Tuple{"", "", s}, nil
		}
		return value.Tuple{s, "", ""}, nil
	}
}

// window is the text cut to the optional parameters i (start) and i+1 (end),
// with the index of its first character.
func window(c *call, i int) (string, int, error) {
	s := c.str(0)
	var b [3]*int
	for j := range 2 {
		if c.a[i+j] != nil {
			n, err := c.int(i + j)
			if err != nil {
				return "", 0, err
			}
			b[j] = &n
		}
	}
	if b[0] == nil && b[1] == nil {
		return s, 0, nil
	}
	r := []rune(s)
	lo, hi, _, _ := sliceBounds(len(r), b)
	if b[0] != nil && *b[0] > len(r) {
		return "\xff", lo, nil // even the empty text is not found there
	}
	return string(r[lo:max(lo, hi)]), lo, nil
}

func affix(has func(s, affix string) bool) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		s, _, err := window(c, 2)
		if err != nil {
			return nil, err
		}
		if t, ok := c.a[1].(value.Tuple); ok {
			for _, e := range t {
				if p, ok := asStr(e); ok && has(s, p) {
					return true, nil
				}
			}
			return false, nil
		}
		p, ok := asStr(c.a[1])
		if !ok {
			if u, ok := c.a[1].(*Undefined); ok {
				return nil, u.fail()
			}
			return nil, typeErr("%s first arg must be str or a tuple of str, not %s", c.name, TypeName(c.a[1]))
		}
		return has(s, p), nil
	}
}

func find(index func(s, sub string) int, absent string) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		sub, err := c.needStr(1)
		if err != nil {
			return nil, err
		}
		s, from, err := window(c, 2)
		if err != nil {
			return nil, err
		}
		i := index(s, sub)
		switch {
		case i >= 0:
			return from + utf8.RuneCountInString(s[:i]), nil
		case absent != "":
			return nil, valueErr("%s", absent)
		}
		return -1, nil
	}
}

func replaceText(c *call, s, old, repl string, n int) (string, error) {
	count := strings.Count(s, old)
	if n >= 0 {
		count = min(count, n)
	}
	if len(repl) > 0 && count > c.f.r.st.e.limits.Output/len(repl) {
		return "", c.room(-1)
	}
	return strings.Replace(s, old, repl, n), nil
}

func justify(align byte) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		width, err := c.int(1)
		if err != nil {
			return nil, err
		}
		fill := c.str(2)
		if utf8.RuneCountInString(fill) != 1 {
			return nil, typeErr("The fill character must be exactly one character long")
		}
		if err := c.room(width); width > 0 && err != nil {
			return nil, err
		}
		return pad(c.str(0), width, fill, align), nil
	}
}
