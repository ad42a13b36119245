package template

import (
	"errors"

	"github.com/tutti-run/tutti/internal/pyre"
	"github.com/tutti-run/tutti/internal/value"
	"strconv"
	"strings"
)

type regexKey struct {
	pattern string
	flags   pyre.Flags
}

// compileRegex parses a pattern, each one once.
func (e *Engine) compileRegex(pattern string, flags pyre.Flags) (*pyre.Regexp, error) {
	k := regexKey{pattern, flags}
	if re, ok := e.textCache.Load(k); ok {
		return re.(*pyre.Regexp), nil
	}
	re, err := pyre.Compile(pattern, flags)
	if err != nil {
		return nil, regexErr(err)
	}
	if e.textCached.Add(1) <= maxCached {
		e.textCache.Store(k, re)
	}
	return re, nil
}

func regexErr(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, pyre.ErrTooLong) || errors.Is(err, pyre.ErrTooMuch) {
		return limitErr("%s", err)
	}
	return &Error{Kind: "error", Msg: err.Error()}
}

// regex is parameter i as a pattern.
func (c *call) regex(i int, ignoreCase, multiline bool) (*pyre.Regexp, error) {
	pattern, err := c.needStr(i)
	if err != nil {
		return nil, err
	}
	var flags pyre.Flags
	if ignoreCase {
		flags |= pyre.IgnoreCase
	}
	if multiline {
		flags |= pyre.Multiline
	}
	return c.f.r.st.e.compileRegex(pattern, flags)
}

// regexFilters are Ansible's filters with regular expressions.
func regexFilters() []*def {
	return []*def{
		define("regex_replace", "value='' pattern='' replacement='' ignorecase=False multiline=False", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			re, err := c.regex(1, c.bool(3), c.bool(4))
			if err != nil {
				return nil, err
			}
			repl, err := c.needStr(2)
			if err != nil {
				return nil, err
			}
			s, err := re.SubMost(repl, c.str(0), 0, c.f.r.st.e.limits.Output)
			if err != nil {
				return nil, regexErr(err)
			}
			return s, c.room(len(s))
		}),
		define("regex_findall", "value regex multiline=False ignorecase=False", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			re, err := c.regex(1, c.bool(3), c.bool(2))
			if err != nil {
				return nil, err
			}
			all, err := re.FindAll(c.str(0))
			if err != nil {
				return nil, regexErr(err)
			}
			out := make([]any, len(all))
			for i, m := range all {
				switch re.NumGroups() {
				case 0:
					out[i], _ = m.Group(0)
				case 1:
					out[i], _ = m.Group(1)
				default:
					t := make(value.Tuple, re.NumGroups())
					for g := range t {
						t[g], _ = m.Group(g + 1)
					}
					out[i] = t
				}
			}
			return out, nil
		}),
		define("regex_search", "value regex *args **kwargs", regexSearch),
		define("regex_escape", "string re_type='python'", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			switch c.str(1) {
			case "python":
				return pyre.Escape(c.str(0)), nil
			case "posix_basic":
				var b strings.Builder
				for _, r := range c.str(0) {
					if strings.ContainsRune(`].[^$*\`, r) {
						b.WriteByte('\\')
					}
					b.WriteRune(r)
				}
				return b.String(), nil
			case "posix_extended":
				return nil, filterErr("Regex type (%s) not yet implemented", c.str(1))
			}
			return nil, filterErr("Invalid regex type (%s)", c.str(1))
		}),
	}
}

func regexSearch(c *call) (any, error) {
	if err := c.need(0); err != nil {
		return nil, err
	}
	re, err := c.regex(1, Bool(c.kw.At("ignorecase")), Bool(c.kw.At("multiline")))
	if err != nil {
		return nil, err
	}
	groups := []string{}
	for _, a := range c.rest {
		s, _ := asStr(a)
		name, isName := strings.CutPrefix(s, `\g<`)
		digits := len(s) - len(strings.TrimLeft(strings.TrimPrefix(s, `\`), digitChars))
		switch {
		case isName && strings.HasSuffix(name, ">"):
			groups = append(groups, strings.TrimSuffix(name, ">"))
		case strings.HasPrefix(s, `\`) && digits > 1:
			groups = append(groups, s[1:digits])
		default:
			return nil, filterErr("Unknown argument")
		}
	}
	m, err := re.Search(c.str(0), 0)
	if m == nil || err != nil {
		return nil, regexErr(err)
	}
	if len(groups) == 0 {
		s, _ := m.Group(0)
		return s, nil
	}
	out := make([]any, len(groups))
	for i, name := range groups {
		g, ok := re.GroupIndex()[name]
		if n, err := strconv.Atoi(name); !ok && err == nil {
			g, ok = n, n <= re.NumGroups()
		}
		if !ok {
			return nil, &Error{Kind: "IndexError", Msg: "no such group"}
		}
		if s, ok := m.Group(g); ok {
			out[i] = s
		}
	}
	return out, nil
}
