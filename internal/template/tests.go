package template

import (
	"math/big"
	"unicode"

	"github.com/tutti-run/tutti/internal/value"
)

// is makes a test of a predicate that takes anything, even what is undefined.
func is(name string, fn func(v any) bool) *def {
	return define(name, "value", func(c *call) (any, error) { return fn(c.a[0]), nil })
}

// comparing makes a test of a comparison.
func comparing(name, op string) *def {
	return define(name, "a b", func(c *call) (any, error) { return compareOp(c.f, op, c.a[0], c.a[1]) })
}

// remainder makes a test of value % n.
func remainder(name string, n, want int) *def {
	return define(name, "value", func(c *call) (any, error) {
		v, err := binary(c.f.r.st, "%", c.a[0], n)
		return equal(v, want), err
	})
}

// coreTests are Jinja2's tests.
func coreTests() []*def {
	return []*def{
		is("defined", func(v any) bool { _, u := v.(*Undefined); return !u }),
		is("undefined", func(v any) bool { _, u := v.(*Undefined); return u }),
		is("none", func(v any) bool { return v == nil }),
		is("boolean", func(v any) bool { _, ok := v.(bool); return ok }),
		is("true", func(v any) bool { return v == true }),
		is("false", func(v any) bool { return v == false }),
		is("integer", func(v any) bool {
			_, isBool := v.(bool)
			_, ok := asBig(v)
			return ok && !isBool
		}),
		is("float", func(v any) bool { _, ok := v.(float64); return ok }),
		is("number", isNumber),
		is("string", func(v any) bool { _, ok := asStr(v); return ok }),
		is("mapping", func(v any) bool { return isMapping(v) }),
		is("sequence", func(v any) bool { return isSequence(v) || isMapping(v) || isSpan(v) }),
		is("callable", isCallable),
		is("escaped", func(v any) bool { _, ok := v.(Markup); return ok }),
		define("iterable", "value", func(c *call) (any, error) { return isIterable(c.a[0]), c.need(0) }),
		define("lower", "value", func(c *call) (any, error) {
			return hasCase(c.str(0), unicode.IsLower, unicode.IsUpper), c.need(0)
		}),
		define("upper", "value", func(c *call) (any, error) {
			return hasCase(c.str(0), unicode.IsUpper, unicode.IsLower), c.need(0)
		}),
		remainder("odd", 2, 1), remainder("even", 2, 0),
		define("divisibleby", "value num", func(c *call) (any, error) {
			v, err := binary(c.f.r.st, "%", c.a[0], c.a[1])
			return equal(v, 0), err
		}),
		comparing("==|eq|equalto", "=="), comparing("!=|ne", "!="), comparing(">|gt|greaterthan", ">"),
		comparing(">=|ge", ">="), comparing("<|lt|lessthan", "<"), comparing("<=|le", "<="), comparing("in", "in"),
		define("sameas", "value other", func(c *call) (any, error) { return same(c.a[0], c.a[1]), nil }),
		define("filter", "value", func(c *call) (any, error) {
			if c.f.r.st.e.filter(c.str(0)) == nil {
				return nil, noPlugin(c.str(0))
			}
			return true, nil
		}),
		define("test", "value", func(c *call) (any, error) {
			if c.f.r.st.e.test(c.str(0)) == nil {
				return nil, noPlugin(c.str(0))
			}
			return true, nil
		}),
	}
}

func isMapping(v any) bool {
	switch v.(type) {
	case *value.Map, Mapping:
		return true
	}
	return false
}

func isSpan(v any) bool {
	_, ok := v.(span)
	return ok
}

// same is Python's `is`, for the values that it is asked about.
func same(a, b any) bool {
	switch x := a.(type) {
	case nil, bool, string, int, float64:
		return a == b
	case []any:
		y, ok := b.([]any)
		return ok && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	case value.Tuple:
		y, ok := b.(value.Tuple)
		return ok && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	case *value.Map, *List, *Undefined, *big.Int, *value.Set:
		return a == b
	}
	return equal(a, b)
}
