package template

import (
	"math/big"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// equal is Python's ==.
func equal(l, r any) bool {
	switch a := l.(type) {
	case nil:
		return r == nil
	case string:
		b, ok := asStr(r)
		return ok && a == b
	case bool, int, float64, *big.Int:
		return isNumber(r) && compareNumbers(l, r) == 0
	case []any, *List:
		if !isList(r) {
			return false
		}
		x, _ := asList(l)
		y, _ := asList(r)
		return equalLists(x, y)
	case value.Tuple:
		b, ok := r.(value.Tuple)
		return ok && equalLists(a, b)
	case *value.Map:
		b, ok := r.(*value.Map)
		if !ok || a.Len() != b.Len() {
			return false
		}
		if a == b {
			return true
		}
		for k, x := range a.All() {
			y, ok := b.Get(k)
			if !ok || !equal(x, y) {
				return false
			}
		}
		return true
	case *value.Set:
		b, ok := r.(*value.Set)
		return ok && a.Len() == b.Len() && isSubset(a, b)
	case view:
		b, ok := r.(view)
		return ok && a.kind == b.kind && equalLists(a.list(), b.list())
	case *Undefined:
		return false
	case DateTime:
		b, ok := r.(DateTime)
		return ok && a.t.Equal(b.t)
	case span, Bytes, Delta, class, omitted:
		if s, ok := asStr(r); ok {
			t, ok := asStr(l)
			return ok && s == t
		}
		return l == r
	case *namespace, *macro, *function, *method, *loopValue, *module:
		return l == r
	}
	if a, ok := asStr(l); ok {
		b, ok := asStr(r)
		return ok && a == b
	}
	return false
}

func equalLists(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] {
		return true
	}
	for i := range a {
		if !equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// compareNumbers returns -1, 0 or 1, or 2 if one of them is not a number.
func compareNumbers(l, r any) int {
	a, aok := smallInt(l)
	b, bok := smallInt(r)
	if aok && bok {
		switch {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	}
	x, lf := l.(float64)
	y, rf := r.(float64)
	if !lf && !rf {
		m, _ := asBig(l)
		n, _ := asBig(r)
		return m.Cmp(n)
	}
	if !lf {
		x, _ = asFloat(l)
	}
	if !rf {
		y, _ = asFloat(r)
	}
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y:
		return 0
	}
	return 2
}

// order compares what Python can order; op is for the error.
func order(op string, l, r any) (int, error) {
	if isNumber(l) && isNumber(r) {
		return compareNumbers(l, r), nil
	}
	if u, ok := l.(*Undefined); ok {
		return 0, u.fail()
	}
	if u, ok := r.(*Undefined); ok {
		return 0, u.fail()
	}
	if a, ok := asStr(l); ok {
		if b, ok := asStr(r); ok {
			return strings.Compare(a, b), nil
		}
	}
	switch a := l.(type) {
	case Bytes:
		if b, ok := r.(Bytes); ok {
			return strings.Compare(string(a), string(b)), nil
		}
	case DateTime:
		if b, ok := r.(DateTime); ok {
			return a.t.Compare(b.t), nil
		}
	case Delta:
		if b, ok := r.(Delta); ok {
			return compareNumbers(int(a), int(b)), nil
		}
	}
	_, lt := l.(value.Tuple)
	_, rt := r.(value.Tuple)
	if lt && rt || isList(l) && isList(r) {
		a, _ := asList(l)
		b, _ := asList(r)
		for i := range min(len(a), len(b)) {
			if !equal(a[i], b[i]) {
				return order(op, a[i], b[i])
			}
		}
		return compareNumbers(len(a), len(b)), nil
	}
	return 0, typeErr("'%s' not supported between instances of '%s' and '%s'", op, TypeName(l), TypeName(r))
}

// less is order for sorting.
func less(l, r any) (bool, error) {
	c, err := order("<", l, r)
	return c == -1, err
}

func compareOp(f *frame, op string, l, r any) (bool, error) {
	switch op {
	case "==", "!=":
		for _, v := range [...]any{l, r} {
			if u, ok := v.(*Undefined); ok && !u.lenient {
				return false, u.fail()
			}
		}
		if err := weighBoth(f, l, r); err != nil {
			return false, err
		}
		return equal(l, r) == (op == "=="), nil
	case "in", "not in":
		ok, err := in(f, l, r)
		return ok == (op == "in"), err
	}
	if a, ok := l.(*value.Set); ok {
		if b, ok := r.(*value.Set); ok {
			return compareSets(op, a, b), nil
		}
	}
	c, err := order(op, l, r)
	if err != nil || c == 2 {
		return false, err
	}
	switch op {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	}
	return c >= 0, nil
}

// weighBoth looks at the size of two values that are compared, if both hold others.
func weighBoth(f *frame, l, r any) error {
	for _, v := range [...]any{l, r} {
		if _, dict := v.(*value.Map); !dict && !isList(v) {
			return nil
		}
	}
	if err := f.r.st.weigh(l); err != nil {
		return err
	}
	return f.r.st.weigh(r)
}

// in is Python's `l in r`.
func in(f *frame, l, r any) (bool, error) {
	switch r := r.(type) {
	case *value.Map:
		k, err := key(l)
		return err == nil && r.Has(k), err
	case *value.Set:
		k, err := key(l)
		return err == nil && r.Has(k), err
	case Mapping:
		k, err := key(l)
		if err != nil {
			return false, err
		}
		_, ok, err := r.Get(k)
		return ok, err
	case *Undefined:
		if r.lenient {
			return false, nil
		}
		return false, r.fail()
	case Bytes:
		b, ok := l.(Bytes)
		if !ok {
			return false, typeErr("a bytes-like object is required, not '%s'", TypeName(l))
		}
		return strings.Contains(string(r), string(b)), nil
	}
	if u, ok := l.(*Undefined); ok && !u.lenient {
		if all, isList := asList(r); isList && len(all) == 0 {
			return false, nil // it is compared with nothing
		}
		return false, u.fail()
	}
	if s, ok := asStr(r); ok {
		sub, ok := asStr(l)
		if !ok {
			return false, typeErr("'in <string>' requires string as left operand, not %s", TypeName(l))
		}
		return strings.Contains(s, sub), nil
	}
	all, err := items(r)
	if err != nil {
		return false, typeErr("argument of type '%s' is not iterable", TypeName(r))
	}
	for _, e := range all {
		if equal(l, e) {
			return true, nil
		}
	}
	return false, nil
}

func isSubset(a, b *value.Set) bool {
	for _, e := range a.Items() {
		if !b.Has(e) {
			return false
		}
	}
	return true
}

func compareSets(op string, a, b *value.Set) bool {
	switch op {
	case "<":
		return a.Len() < b.Len() && isSubset(a, b)
	case "<=":
		return isSubset(a, b)
	case ">":
		return b.Len() < a.Len() && isSubset(b, a)
	}
	return isSubset(b, a)
}
