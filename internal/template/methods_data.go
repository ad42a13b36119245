package template

import (
	"math"
	"math/big"
	"sort"

	"github.com/tutti-run/tutti/internal/value"
)

// sortValues sorts l as Python does: stable, by less, after key if that is given.
func sortValues(l []any, keyOf func(any) (any, error), reverse bool) error {
	type item struct{ k, v any }
	all := make([]item, len(l))
	for i, v := range l {
		k := v
		if keyOf != nil {
			var err error
			if k, err = keyOf(v); err != nil {
				return err
			}
		}
		all[i] = item{k, v}
	}
	var failed error
	sort.SliceStable(all, func(i, j int) bool {
		if failed != nil {
			return false
		}
		if reverse {
			i, j = j, i
		}
		ok, err := less(all[i].k, all[j].k)
		if err != nil {
			failed = err
		}
		return ok
	})
	for i := range all {
		l[i] = all[i].v
	}
	return failed
}

// changing makes a method of a list that a template may change.
func changing(name, signature string, fn func(c *call, l *List) (any, error)) *def {
	return define(name, "self "+signature, func(c *call) (any, error) {
		l, ok := c.a[0].(*List)
		if !ok {
			all, _ := asList(c.a[0])
			l = &List{append([]any(nil), all...)}
		}
		return fn(c, l)
	})
}

func indexMethod(c *call) (any, error) {
	l, _ := asList(c.a[0])
	for i, e := range l {
		if equal(e, c.a[1]) {
			return i, nil
		}
	}
	return nil, valueErr("%s is not in list", Repr(c.a[1]))
}

func countMethod(c *call) (any, error) {
	l, _ := asList(c.a[0])
	n := 0
	for _, e := range l {
		if equal(e, c.a[1]) {
			n++
		}
	}
	return n, nil
}

func tupleMethods() []*def {
	return []*def{define("index", "self value", indexMethod), define("count", "self value", countMethod)}
}

func listMethods() []*def {
	return []*def{
		define("index", "self value", indexMethod), define("count", "self value", countMethod),
		define("copy", "self", func(c *call) (any, error) {
			l, _ := asList(c.a[0])
			return append([]any{}, l...), nil
		}),
		changing("append", "object", func(c *call, l *List) (any, error) {
			if err := apart(l, c.a[1]); err != nil {
				return nil, err
			}
			l.Items = append(l.Items, c.a[1])
			if len(l.Items) > maxRange {
				return nil, limitErr("a list has more than %d elements", maxRange)
			}
			return nil, nil
		}),
		changing("extend", "iterable", func(c *call, l *List) (any, error) {
			more, err := c.list(1)
			for _, e := range more {
				if err := apart(l, e); err != nil {
					return nil, err
				}
			}
			if len(l.Items)+len(more) > maxRange {
				return nil, limitErr("a list has more than %d elements", maxRange)
			}
			l.Items = append(l.Items, more...)
			return nil, err
		}),
		changing("insert", "index object", func(c *call, l *List) (any, error) {
			i, err := c.int(1)
			if err != nil {
				return nil, err
			}
			if err := apart(l, c.a[2]); err != nil {
				return nil, err
			}
			if i < 0 {
				i = max(0, i+len(l.Items))
			}
			i = min(i, len(l.Items))
			l.Items = append(l.Items[:i:i], append([]any{c.a[2]}, l.Items[i:]...)...)
			return nil, nil
		}),
		changing("pop", "index=-1", func(c *call, l *List) (any, error) {
			i, err := c.int(1)
			if err != nil {
				return nil, err
			}
			if len(l.Items) == 0 {
				return nil, &Error{Kind: "IndexError", Msg: "pop from empty list"}
			}
			if i < 0 {
				i += len(l.Items)
			}
			if i < 0 || i >= len(l.Items) {
				return nil, &Error{Kind: "IndexError", Msg: "pop index out of range"}
			}
			v := l.Items[i]
			l.Items = append(l.Items[:i:i], l.Items[i+1:]...)
			return v, nil
		}),
		changing("remove", "value", func(c *call, l *List) (any, error) {
			for i, e := range l.Items {
				if equal(e, c.a[1]) {
					l.Items = append(l.Items[:i:i], l.Items[i+1:]...)
					return nil, nil
				}
			}
			return nil, valueErr("list.remove(x): x not in list")
		}),
		changing("clear", "", func(_ *call, l *List) (any, error) {
			l.Items = nil
			return nil, nil
		}),
		changing("reverse", "", func(_ *call, l *List) (any, error) {
			l.Items = reversed(l.Items)
			return nil, nil
		}),
		changing("sort", "key=None reverse=False", func(c *call, l *List) (any, error) {
			out := append([]any(nil), l.Items...)
			var keyOf func(any) (any, error)
			if c.a[1] != nil {
				keyOf = func(v any) (any, error) { return callValue(c.f, c.a[1], &args{pos: []any{v}}) }
			}
			err := sortValues(out, keyOf, c.bool(2))
			l.Items = out
			return nil, err
		}),
	}
}

func reversed(l []any) []any {
	out := make([]any, len(l))
	for i, e := range l {
		out[len(l)-1-i] = e
	}
	return out
}

func keyError(k any) error { return &Error{Kind: "KeyError", Msg: Repr(k)} }

// onMap makes a method of a dict. A Mapping is read as if it were one.
func onMap(name, signature string, fn func(c *call, m *value.Map) (any, error)) *def {
	return define(name, "self "+signature, func(c *call) (any, error) {
		switch m := c.a[0].(type) {
		case *value.Map:
			return fn(c, m)
		case Mapping:
			full, err := mapOf(c.f, m)
			if err != nil {
				return nil, err
			}
			return fn(c, full)
		}
		return nil, typeErr("descriptor '%s' requires a 'dict' object but received a '%s'", name, TypeName(c.a[0]))
	})
}

// mapOf reads all of a Mapping.
func mapOf(f *frame, m Mapping) (*value.Map, error) {
	out := value.NewMap(m.Len())
	for _, k := range m.Keys() {
		v, err := f.item(m, k)
		if err != nil {
			return nil, err
		}
		out.Set(k, v)
	}
	return out, nil
}

func dictMethods() []*def {
	return []*def{
		onMap("items", "", func(_ *call, m *value.Map) (any, error) { return view{"dict_items", m}, nil }),
		onMap("values", "", func(_ *call, m *value.Map) (any, error) { return view{"dict_values", m}, nil }),
		define("keys", "self", func(c *call) (any, error) {
			if m, ok := c.a[0].(Mapping); ok {
				return m.Keys(), nil
			}
			return view{"dict_keys", c.a[0].(*value.Map)}, nil
		}),
		define("get", "self key default=None", func(c *call) (any, error) {
			k, err := key(c.a[1])
			if err != nil {
				return nil, err
			}
			if m, ok := c.a[0].(Mapping); ok {
				_, has, err := m.Get(k)
				if !has || err != nil {
					return c.a[2], err
				}
				return c.f.item(m, k)
			}
			if v, ok := c.a[0].(*value.Map).Get(k); ok {
				return c.f.live(v)
			}
			return c.a[2], nil
		}),
		onMap("copy", "", func(_ *call, m *value.Map) (any, error) { return m.Clone(), nil }),
		onMap("update", "other=None **kwargs", func(c *call, m *value.Map) (any, error) {
			if c.a[1] != nil {
				other, err := dictOf(c.a[1])
				if err != nil {
					return nil, err
				}
				if err := apartAll(m, other); err != nil {
					return nil, err
				}
				m.Update(other)
			}
			if err := apartAll(m, c.kw); err != nil {
				return nil, err
			}
			m.Update(c.kw)
			return nil, nil
		}),
		onMap("setdefault", "key default=None", func(c *call, m *value.Map) (any, error) {
			k, err := key(c.a[1])
			if err != nil {
				return nil, err
			}
			if v, ok := m.Get(k); ok {
				return v, nil
			}
			if err := apart(m, c.a[2]); err != nil {
				return nil, err
			}
			m.Set(k, c.a[2])
			return c.a[2], nil
		}),
		onMap("pop", "key default=None", func(c *call, m *value.Map) (any, error) {
			k, err := key(c.a[1])
			if err != nil {
				return nil, err
			}
			v, ok := m.Get(k)
			switch {
			case ok:
				m.Delete(k)
				return v, nil
			case c.given(2):
				return c.a[2], nil
			}
			return nil, keyError(k)
		}),
		onMap("popitem", "", func(_ *call, m *value.Map) (any, error) {
			keys := m.Keys()
			if len(keys) == 0 {
				return nil, &Error{Kind: "KeyError", Msg: "'popitem(): dictionary is empty'"}
			}
			k := keys[len(keys)-1]
			v := m.At(k)
			m.Delete(k)
			return value.Tuple{k, v}, nil
		}),
		onMap("clear", "", func(_ *call, m *value.Map) (any, error) {
			for _, k := range m.Keys() {
				m.Delete(k)
			}
			return nil, nil
		}),
		onMap("fromkeys", "iterable value=None", func(c *call, _ *value.Map) (any, error) {
			l, err := c.list(1)
			if err != nil {
				return nil, err
			}
			m := value.NewMap(len(l))
			for _, k := range l {
				if k, err = key(k); err != nil {
					return nil, err
				}
				m.Set(k, c.a[2])
			}
			return m, nil
		}),
	}
}

// dictOf is Python's dict(v): of a dict, or of pairs.
func dictOf(v any) (*value.Map, error) {
	if m, ok := v.(*value.Map); ok {
		return m.Clone(), nil
	}
	l, err := items(v)
	if err != nil {
		return nil, err
	}
	m := value.NewMap(len(l))
	for i, e := range l {
		pair, err := items(e)
		if err != nil {
			return nil, typeErr("cannot convert dictionary update sequence element #%d to a sequence", i)
		}
		if len(pair) != 2 {
			return nil, valueErr("dictionary update sequence element #%d has length %d; 2 is required", i, len(pair))
		}
		k, err := key(pair[0])
		if err != nil {
			return nil, err
		}
		m.Set(k, pair[1])
	}
	return m, nil
}

// setOf is Python's set(v).
func setOf(v any) (*value.Set, error) {
	l, err := items(v)
	if err != nil {
		return nil, err
	}
	s := value.NewSet()
	for _, e := range l {
		k, err := key(e)
		if err != nil {
			return nil, err
		}
		s.Add(k)
	}
	return s, nil
}

func setMethods() []*def {
	with := func(name string, fn func(a, b *value.Set) any) *def {
		return define(name, "self other", func(c *call) (any, error) {
			b, err := setOf(c.a[1])
			if err != nil {
				return nil, err
			}
			return fn(c.a[0].(*value.Set), b), nil
		})
	}
	return []*def{
		with("union", func(a, b *value.Set) any { return value.NewSet(append(a.Items(), b.Items()...)...) }),
		with("difference", func(a, b *value.Set) any { return setDifference(a, b) }),
		with("intersection", func(a, b *value.Set) any { return setDifference(a, setDifference(a, b)) }),
		with("symmetric_difference", func(a, b *value.Set) any {
			return value.NewSet(append(setDifference(a, b).Items(), setDifference(b, a).Items()...)...)
		}),
		with("issubset", func(a, b *value.Set) any { return isSubset(a, b) }),
		with("issuperset", func(a, b *value.Set) any { return isSubset(b, a) }),
		with("isdisjoint", func(a, b *value.Set) any { return setDifference(a, b).Len() == a.Len() }),
		define("copy", "self", func(c *call) (any, error) { return value.NewSet(c.a[0].(*value.Set).Items()...), nil }),
		define("add", "self elem", func(c *call) (any, error) {
			k, err := key(c.a[1])
			if err == nil {
				c.a[0].(*value.Set).Add(k)
			}
			return nil, err
		}),
		define("discard", "self elem", func(c *call) (any, error) {
			c.a[0].(*value.Set).Delete(plainKey(c.a[1]))
			return nil, nil
		}),
		define("remove", "self elem", func(c *call) (any, error) {
			if !c.a[0].(*value.Set).Delete(plainKey(c.a[1])) {
				return nil, keyError(c.a[1])
			}
			return nil, nil
		}),
		define("update", "self *others", func(c *call) (any, error) {
			for _, o := range c.rest {
				b, err := setOf(o)
				if err != nil {
					return nil, err
				}
				for _, e := range b.Items() {
					c.a[0].(*value.Set).Add(e)
				}
			}
			return nil, nil
		}),
	}
}

func intMethods() []*def {
	return []*def{
		define("bit_length", "self", func(c *call) (any, error) {
			n, _ := asBig(c.a[0])
			return n.BitLen(), nil
		}),
		define("bit_count", "self", func(c *call) (any, error) {
			n, _ := asBig(c.a[0])
			count := 0
			for i := range n.BitLen() {
				count += int(new(big.Int).Abs(n).Bit(i))
			}
			return count, nil
		}),
		define("conjugate", "self", func(c *call) (any, error) { return c.a[0], nil }),
		define("as_integer_ratio", "self", func(c *call) (any, error) { return value.Tuple{c.a[0], 1}, nil }),
		define("to_bytes", "self length=1 byteorder='big'", func(c *call) (any, error) {
			n, _ := asBig(c.a[0])
			size, err := c.int(1)
			if err != nil {
				return nil, err
			}
			if n.Sign() < 0 || (n.BitLen()+7)/8 > size || size > 1<<20 {
				return nil, &Error{Kind: "OverflowError", Msg: "int too big to convert"}
			}
			b := n.FillBytes(make([]byte, size))
			if c.str(2) == "little" {
				for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
					b[i], b[j] = b[j], b[i]
				}
			}
			return Bytes(b), nil
		}),
	}
}

func floatMethods() []*def {
	return []*def{
		define("is_integer", "self", func(c *call) (any, error) {
			f := c.a[0].(float64)
			return f == math.Trunc(f) && !math.IsInf(f, 0), nil
		}),
		define("conjugate", "self", func(c *call) (any, error) { return c.a[0], nil }),
		define("as_integer_ratio", "self", func(c *call) (any, error) {
			r := new(big.Rat).SetFloat64(c.a[0].(float64))
			if r == nil {
				return nil, &Error{Kind: "OverflowError", Msg: "cannot convert infinity or NaN to integer ratio"}
			}
			return value.Tuple{value.Int(r.Num()), value.Int(r.Denom())}, nil
		}),
	}
}
