package template

import (
	"github.com/tutti-run/tutti/internal/value"
)

func uniqueFilter(c *call) (any, error) {
	l, err := c.list(0)
	if err != nil {
		return nil, err
	}
	sensitive := c.bool(1)
	get := folded(c.getter(c.a[2], nil, false), sensitive)
	out := []any{}
	seen := value.NewSet()
	for _, e := range l {
		k, err := get(e)
		if err != nil {
			return nil, err
		}
		if u, ok := k.(*Undefined); ok && c.a[2] != nil {
			return nil, filterErr("Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the parameters supplied. %s", u.msg)
		}
		h, err := key(k)
		if err != nil {
			if u, ok := k.(*Undefined); ok {
				return nil, u.fail()
			}
			if c.a[1] == false || c.a[2] != nil {
				return nil, filterErr("Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the parameters supplied")
			}
			return distinct(l), nil
		}
		if !seen.Has(h) {
			seen.Add(h)
			out = append(out, e)
		}
	}
	return out, nil
}

// distinct keeps the first of equal elements, whatever they are.
func distinct(l []any) []any {
	seen := value.NewSet()
	out := []any{}
	var odd []any // what cannot be hashed
	for _, e := range l {
		if k, err := key(e); err == nil {
			if !seen.Has(k) {
				seen.Add(k)
				out = append(out, e)
			}
			continue
		}
		if !holds(odd, e) {
			odd = append(odd, e)
			out = append(out, e)
		}
	}
	return out
}

func holds(l []any, v any) bool {
	for _, e := range l {
		if equal(e, v) {
			return true
		}
	}
	return false
}

func extreme(most bool) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		l, err := c.list(0)
		if err != nil {
			return nil, err
		}
		for k := range c.kw.Strings() {
			return nil, typeErr("%s() got an unexpected keyword argument '%s'", c.name, k)
		}
		if len(l) == 0 {
			return &Undefined{name: c.name, msg: "No aggregated item, sequence was empty."}, nil
		}
		get := folded(c.getter(c.a[2], nil, false), c.bool(1))
		best := l[0]
		bestKey, err := get(best)
		if err != nil {
			return nil, err
		}
		for _, e := range l[1:] {
			k, err := get(e)
			if err != nil {
				return nil, err
			}
			var better bool
			if most {
				better, err = less(bestKey, k)
			} else {
				better, err = less(k, bestKey)
			}
			if err != nil {
				return nil, err
			}
			if better {
				best, bestKey = e, k
			}
		}
		if u, ok := bestKey.(*Undefined); ok && len(l) > 1 {
			return nil, u.fail()
		}
		return best, nil
	}
}
