package template

import (
	"math/big"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// Filters of collections declare the types of their arguments, and take what can
// be converted to them. These are the conversions; null stands for an argument
// that was not given.

// short is the name of the filter without that of its collection, as messages
// have it.
func (c *call) short() string { return c.name[strings.LastIndexByte(c.name, '.')+1:] }

// textArg is argument i as text, null as "".
func (c *call) textArg(i int) (string, error) {
	if c.a[i] == nil {
		return "", nil
	}
	return c.str(i), c.need(i)
}

// intArg is argument i as an integer, or nil.
func (c *call) intArg(i int) (*big.Int, error) {
	if c.a[i] == nil {
		return nil, nil
	}
	if err := c.need(i); err != nil {
		return nil, err
	}
	v := c.a[i]
	if s, ok := asStr(v); ok {
		v, _ = parseInt(s, 10)
	}
	n, ok := asBig(v)
	if !ok {
		return nil, typeErr("%s: argument '%s' must be an integer, not %s", c.short(), c.paramName(i), Repr(c.a[i]))
	}
	return n, nil
}

// boolArg is argument i as a truth value, null as std.
func (c *call) boolArg(i int, std bool) (bool, error) {
	if c.a[i] == nil {
		return std, nil
	}
	if err := c.need(i); err != nil {
		return false, err
	}
	b, ok := boolean(c.a[i])
	if !ok {
		return false, typeErr("%s: argument '%s' must be a truth value, not %s", c.short(), c.paramName(i), Repr(c.a[i]))
	}
	return b, nil
}

// listArg is argument i as a list: text is one with commas.
func (c *call) listArg(i int) ([]any, error) {
	if err := c.need(i); err != nil {
		return nil, err
	}
	if l, ok := freeze(c.a[i]).([]any); ok {
		return l, nil
	}
	if s, ok := asStr(c.a[i]); ok {
		return anyStrings(strings.Split(s, ",")), nil
	}
	switch c.a[i].(type) {
	case int, float64, *big.Int, bool:
		return []any{Str(c.a[i])}, nil
	}
	return nil, typeErr("%s: argument '%s' must be a list, not %s", c.short(), c.paramName(i), TypeName(c.a[i]))
}

// textsArg is argument i as a list of texts.
func (c *call) textsArg(i int) ([]string, error) {
	l, err := c.listArg(i)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(l))
	for j, e := range l {
		if err := failUndefined(e); err != nil {
			return nil, err
		}
		out[j] = Str(e)
	}
	return out, nil
}

// choiceArg is argument i, which must be one of the choices or null.
func (c *call) choiceArg(i int, choices ...string) (string, error) {
	s, err := c.textArg(i)
	if err != nil || c.a[i] == nil {
		return s, err
	}
	for _, ok := range choices {
		if s == ok {
			return s, nil
		}
	}
	return "", valueErr("%s: argument '%s' must be one of %s, not %s", c.short(), c.paramName(i), strings.Join(choices, ", "), s)
}

// mapsArg is argument i as a list of dicts.
func (c *call) mapsArg(i int) ([]*value.Map, error) {
	l, err := c.listArg(i)
	if err != nil {
		return nil, err
	}
	out := make([]*value.Map, len(l))
	for j, e := range l {
		m, ok := e.(*value.Map)
		if !ok {
			return nil, typeErr("%s: elements of '%s' must be dictionaries, not %s", c.short(), c.paramName(i), TypeName(e))
		}
		out[j] = m
	}
	return out, nil
}
