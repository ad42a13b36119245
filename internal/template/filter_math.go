package template

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// mathFilters are Ansible's filters for numbers, sets and combinations.
func mathFilters() []*def {
	return []*def{
		define("log", "x base=2.718281828459045", func(c *call) (any, error) {
			x, err := c.number(0, "log")
			if err != nil {
				return nil, err
			}
			b, err := c.number(1, "log")
			if err != nil {
				return nil, err
			}
			if x <= 0 || b <= 0 {
				return nil, valueErr("math domain error")
			}
			switch {
			case !c.given(1):
				return logarithm(x, 0), nil
			case b == 10:
				return logarithm(x, 10), nil
			case b == 1:
				return nil, zeroDivision("float division by zero")
			}
			return logarithm(x, 0) / logarithm(b, 0), nil
		}),
		define("pow", "x y", func(c *call) (any, error) {
			x, err := c.number(0, "pow")
			if err != nil {
				return nil, err
			}
			y, err := c.number(1, "pow")
			if err != nil {
				return nil, err
			}
			if x == 0 && y < 0 || x < 0 && y != math.Trunc(y) {
				return nil, valueErr("math domain error")
			}
			return floatOp("**", x, y)
		}),
		define("root", "x base=2", func(c *call) (any, error) {
			x, err := c.number(0, "root")
			if err != nil {
				return nil, err
			}
			b, ok := toFloat(c.a[1])
			if !ok || x < 0 {
				return nil, typeErr("root() can only be used on numbers: math domain error")
			}
			if b == 2 {
				return math.Sqrt(x), nil
			}
			if b == 0 {
				return nil, zeroDivision("float division by zero")
			}
			return power(x, 1/b), nil
		}),
		define("human_readable", "size isbits=False unit=None", humanReadable),
		define("human_to_bytes", "size default_unit=None isbits=False", humanToBytes),
		setFilter("union", true, func(a, b []any) []any { return distinct(joined(a, b)) }),
		setFilter("intersect", false, func(a, b []any) []any { return distinct(filterBy(a, b, true)) }),
		setFilter("difference", false, func(a, b []any) []any { return distinct(without(a, b)) }),
		setFilter("symmetric_difference", true, func(a, b []any) []any {
			return without(distinct(joined(a, b)), filterBy(a, b, true))
		}),
		define("product", "first *lists **kw", func(c *call) (any, error) {
			rows, _, err := c.columns()
			if err != nil {
				return nil, err
			}
			if r, ok := c.kw.Get("repeat"); ok {
				n, err := asInt(r)
				if err != nil {
					return nil, err
				}
				once := rows
				rows = nil
				for range min(max(n, 0), 64) {
					rows = append(rows, once...)
				}
			}
			size := max(len(rows), 1) // each element of the product is as long
			for _, r := range rows {
				if len(r) > 0 && size > maxRange/len(r) {
					return nil, limitErr("the product has more than %d elements", maxRange/max(len(rows), 1))
				}
				size *= len(r)
			}
			out := []any{value.Tuple{}}
			for _, r := range rows {
				next := make([]any, 0, len(out)*len(r))
				for _, head := range out {
					h := head.(value.Tuple)
					for _, e := range r {
						next = append(next, append(h[:len(h):len(h)], e))
					}
				}
				out = next
			}
			return out, nil
		}),
		define("permutations", "iterable r=None", func(c *call) (any, error) { return c.arrange(true) }),
		define("combinations", "iterable r", func(c *call) (any, error) { return c.arrange(false) }),
		define("random", "end start=None step=None seed=None", randomFilter),
		define("shuffle", "mylist seed=None", func(c *call) (any, error) {
			l, err := c.list(0)
			if err != nil {
				return c.a[0], c.need(0)
			}
			seed := c.a[1]
			if !Bool(seed) {
				seed = nil
			}
			out := append([]any{}, l...)
			r := newRandom(seed)
			for i := len(out) - 1; i > 0; i-- {
				j := r.below(i + 1)
				out[i], out[j] = out[j], out[i]
			}
			return out, nil
		}),
	}
}

// number is parameter i as a float.
func (c *call) number(i int, name string) (float64, error) {
	if err := c.need(i); err != nil {
		return 0, err
	}
	f, ok := asFloat(c.a[i])
	if !ok {
		return 0, typeErr("%s() can only be used on numbers: must be real number, not %s", name, TypeName(c.a[i]))
	}
	return f, nil
}

// setFilter makes a filter of a function of two lists. For two tuples or
// strings it gives a set, as Ansible's does. adds tells that it adds one list to
// the other, which must be of a kind then.
func setFilter(name string, adds bool, fn func(a, b []any) []any) *def {
	return define(name, "a b", func(c *call) (any, error) {
		a, err := c.list(0)
		if err != nil {
			return nil, err
		}
		b, err := c.list(1)
		if err != nil {
			return nil, err
		}
		_, err1 := key(c.a[0])
		_, err2 := key(c.a[1])
		if err1 == nil && err2 == nil {
			return setOf(fn(a, b))
		}
		if adds {
			if _, err := binary(c.f.r.st, "+", c.a[0], c.a[1]); err != nil {
				return nil, err
			}
		} else if _, isText := asStr(c.a[1]); isText {
			// Whether an element is in a text is whether it is a part of it.
			parts := []any{}
			for _, e := range a {
				ok, err := in(c.f, e, c.a[1])
				if err != nil {
					return nil, err
				}
				if ok {
					parts = append(parts, e)
				}
			}
			b = parts
		}
		return fn(a, b), nil
	})
}

// arrange gives the permutations or combinations of r elements.
func (c *call) arrange(ordered bool) (any, error) {
	l, err := c.list(0)
	if err != nil {
		return nil, err
	}
	r := len(l)
	if c.a[1] != nil {
		if r, err = c.int(1); err != nil {
			return nil, err
		}
	}
	if r < 0 {
		return nil, valueErr("r must be non-negative")
	}
	out := []any{}
	used := make([]bool, len(l))
	cur := make([]int, 0, min(r, len(l)))
	var walk func(from int) error
	walk = func(from int) error {
		if len(cur) == r {
			if most := maxRange / max(r, 1); len(out) >= most {
				return limitErr("there are more than %d %s", most, c.name)
			}
			t := make(value.Tuple, r)
			for i, j := range cur {
				t[i] = l[j]
			}
			out = append(out, t)
			return nil
		}
		for i := from; i < len(l); i++ {
			if used[i] {
				continue
			}
			if err := c.f.r.st.step(); err != nil {
				return err
			}
			used[i] = true
			cur = append(cur, i)
			next := i + 1
			if ordered {
				next = 0
			}
			err := walk(next)
			cur = cur[:len(cur)-1]
			used[i] = false
			if err != nil {
				return err
			}
		}
		return nil
	}
	if r > len(l) {
		return out, nil
	}
	return out, walk(0)
}

func randomFilter(c *call) (any, error) {
	if err := c.need(0); err != nil {
		return nil, err
	}
	r := newRandom(c.a[3])
	if end, ok := c.a[0].(int); ok {
		start, step := 0, 1
		var err error
		if Bool(c.a[1]) {
			if start, err = c.int(1); err != nil {
				return nil, err
			}
		}
		if Bool(c.a[2]) {
			if step, err = c.int(2); err != nil {
				return nil, err
			}
		}
		n := span{start, end, step}.len()
		if n <= 0 {
			return nil, valueErr("empty range for randrange() (%d, %d, %d)", start, end, end-start)
		}
		return start + step*r.below(n), nil
	}
	l, err := c.list(0)
	if err != nil {
		return nil, filterErr("random can only be used on sequences and integers")
	}
	if _, isMap := c.a[0].(*value.Map); isMap && len(l) > 0 {
		return nil, keyError(strconv.Itoa(r.below(len(l))))
	}
	if Bool(c.a[1]) || Bool(c.a[2]) {
		return nil, filterErr("start and step can only be used with integer values")
	}
	if len(l) == 0 {
		return nil, &Error{Kind: "IndexError", Msg: "Cannot choose from an empty sequence"}
	}
	return l[r.below(len(l))], nil
}

var sizeUnits = []struct {
	letter byte
	bytes  float64
}{
	{'Y', 1 << 80}, {'Z', 1 << 70}, {'E', 1 << 60}, {'P', 1 << 50}, {'T', 1 << 40}, {'G', 1 << 30}, {'M', 1 << 20}, {'K', 1 << 10}, {'B', 1},
}

func humanReadable(c *call) (any, error) {
	if err := c.need(0); err != nil {
		return nil, err
	}
	size, ok := asFloat(c.a[0])
	if !ok {
		return nil, typeErr("human_readable() failed on bad input: '>=' not supported between instances of '%s' and 'int'", TypeName(c.a[0]))
	}
	base := "Bytes"
	if c.bool(1) {
		base = "bits"
	}
	unit, suffix, limit := "", "", 1.0
	if c.a[2] != nil {
		unit = strings.ToUpper(c.str(2))
	}
	for _, u := range sizeUnits {
		if unit == "" && size >= u.bytes || unit != "" && unit[0] == u.letter {
			suffix, limit = string(u.letter), u.bytes
			break
		}
	}
	switch {
	case limit == 1:
		suffix = base
	default:
		suffix += base[:1]
	}
	return fmt.Sprintf("%.2f %s", size/limit, suffix), nil
}

func humanToBytes(c *call) (any, error) {
	if err := c.need(0); err != nil {
		return nil, err
	}
	text := c.str(0)
	fail := filterErr("human_to_bytes() can't interpret following string: %s", text)
	s := strings.TrimLeft(text, " \t")
	n := 0
	for point := false; n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] == '.' && !point); n++ {
		point = point || s[n] == '.'
	}
	num, err := strconv.ParseFloat(s[:n], 64)
	if err != nil {
		return nil, fail
	}
	// What comes after the number and its unit does not count.
	unit := strings.TrimLeft(s[n:], " \t")
	unit = unit[:len(unit)-len(strings.TrimLeft(unit, lowercase+uppercase))]
	isBits := c.bool(2)
	if unit == "" && c.a[1] != nil {
		unit = c.str(1)
	}
	if unit == "" {
		return wholeNumber(num)
	}
	limit := 0.0
	for _, u := range sizeUnits {
		if strings.ToUpper(unit[:1])[0] == u.letter {
			limit = u.bytes
		}
	}
	if limit == 0 {
		return nil, fail
	}
	letter, word := "B", "byte"
	if isBits {
		letter, word = "b", "bit"
	}
	if len(unit) > 1 {
		// The unit must end as bytes or bits are written: MB, Mb, megabyte.
		long := strings.HasPrefix(strings.ToLower(unit), word)
		if !long && (len(unit) != 2 || unit[1:] != letter) && !strings.HasSuffix(strings.TrimSuffix(strings.ToLower(unit), "s"), word) {
			return nil, fail
		}
	} else if strings.ToUpper(unit) == "B" && unit != letter {
		return nil, fail
	}
	return wholeNumber(num * limit)
}

// wholeNumber rounds f, however large it is.
func wholeNumber(f float64) (any, error) {
	if math.IsInf(f, 0) {
		return nil, &Error{Kind: "OverflowError", Msg: "cannot convert float infinity to integer"}
	}
	n, _ := big.NewFloat(math.RoundToEven(f)).Int(nil)
	return value.Int(n), nil
}
