package template

import (
	"math"
	"math/big"
	"math/bits"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// asBig returns the integer v, which may be a bool, as a *big.Int.
func asBig(v any) (*big.Int, bool) {
	switch v := v.(type) {
	case int:
		return big.NewInt(int64(v)), true
	case *big.Int:
		return v, true
	case bool:
		if v {
			return big.NewInt(1), true
		}
		return new(big.Int), true
	}
	return nil, false
}

// smallInt returns an int or bool as an int.
func smallInt(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// asFloat returns any number as a float.
func asFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, true
	}
	return 0, false
}

func isNumber(v any) bool {
	switch v.(type) {
	case int, float64, bool, *big.Int:
		return true
	}
	return false
}

func unary(op string, v any) (any, error) {
	switch x := v.(type) {
	case int:
		if op == "+" {
			return x, nil
		}
		if x == math.MinInt {
			return new(big.Int).Neg(big.NewInt(int64(x))), nil
		}
		return -x, nil
	case float64:
		if op == "-" {
			return -x, nil
		}
		return x, nil
	case bool:
		n, _ := smallInt(x)
		if op == "-" {
			n = -n
		}
		return n, nil
	case *big.Int:
		if op == "-" {
			return value.Int(new(big.Int).Neg(x)), nil
		}
		return x, nil
	case Delta:
		if op == "-" {
			return -x, nil
		}
		return x, nil
	case *Undefined:
		return nil, x.fail()
	}
	return nil, typeErr("bad operand type for unary %s: '%s'", op, TypeName(v))
}

func binary(st *state, op string, l, r any) (any, error) {
	if u, ok := l.(*Undefined); ok {
		return nil, u.fail()
	}
	if u, ok := r.(*Undefined); ok {
		return nil, u.fail()
	}
	a, aok := smallInt(l)
	b, bok := smallInt(r)
	if aok && bok {
		if v, ok, err := intOp(op, a, b); ok || err != nil {
			return v, err
		}
	}
	if isNumber(l) && isNumber(r) {
		_, lf := l.(float64)
		_, rf := r.(float64)
		if lf || rf {
			x, _ := asFloat(l)
			y, _ := asFloat(r)
			return floatOp(op, x, y)
		}
		x, _ := asBig(l)
		y, _ := asBig(r)
		return bigOp(op, x, y)
	}
	switch op {
	case "+":
		return add(st, l, r)
	case "*":
		if n, ok := smallInt(r); ok {
			if v, ok, err := repeat(st, l, n); ok || err != nil {
				return v, err
			}
		}
		if n, ok := smallInt(l); ok {
			if v, ok, err := repeat(st, r, n); ok || err != nil {
				return v, err
			}
		}
		if isSequence(l) {
			return nil, typeErr("can't multiply sequence by non-int of type '%s'", TypeName(r))
		}
		if isSequence(r) {
			return nil, typeErr("can't multiply sequence by non-int of type '%s'", TypeName(l))
		}
	case "%":
		if s, ok := asStr(l); ok {
			t, err := percent(st, s, r)
			if err != nil {
				return nil, err
			}
			if _, ok := l.(Markup); ok {
				return Markup(t), nil
			}
			return t, nil
		}
	case "-":
		if x, ok := l.(*value.Set); ok {
			if y, ok := r.(*value.Set); ok {
				return setDifference(x, y), nil
			}
		}
	}
	if v, ok, err := timeOp(op, l, r); ok || err != nil {
		return v, err
	}
	name := op
	if op == "**" {
		name = "** or pow()"
	}
	return nil, typeErr("unsupported operand type(s) for %s: '%s' and '%s'", name, TypeName(l), TypeName(r))
}

func isSequence(v any) bool {
	switch v.(type) {
	case []any, *List, value.Tuple, Bytes:
		return true
	}
	_, ok := asStr(v)
	return ok
}

func add(st *state, l, r any) (any, error) {
	switch x := l.(type) {
	case []any, *List:
		a, _ := asList(x)
		if !isList(r) {
			return nil, typeErr("can only concatenate list (not \"%s\") to list", TypeName(r))
		}
		b, _ := asList(r)
		if len(a)+len(b) > maxRange {
			return nil, limitErr("a list has more than %d elements", maxRange)
		}
		return append(append(make([]any, 0, len(a)+len(b)), a...), b...), nil
	case value.Tuple:
		b, ok := r.(value.Tuple)
		if !ok {
			return nil, typeErr("can only concatenate tuple (not \"%s\") to tuple", TypeName(r))
		}
		if len(x)+len(b) > maxRange {
			return nil, limitErr("a tuple has more than %d elements", maxRange)
		}
		return append(append(make(value.Tuple, 0, len(x)+len(b)), x...), b...), nil
	case Bytes:
		if b, ok := r.(Bytes); ok {
			return x + b, nil
		}
		return nil, typeErr("can't concat %s to bytes", TypeName(r))
	}
	if a, ok := asStr(l); ok {
		b, ok := asStr(r)
		if !ok {
			return nil, typeErr("can only concatenate str (not \"%s\") to str", TypeName(r))
		}
		if err := st.room(len(a) + len(b)); err != nil {
			return nil, err
		}
		if m, ok := l.(Markup); ok {
			if _, ok := r.(Markup); !ok {
				b = escapeHTML(b)
			}
			return m + Markup(b), nil
		}
		return a + b, nil
	}
	if v, ok, err := timeOp("+", l, r); ok || err != nil {
		return v, err
	}
	return nil, typeErr("unsupported operand type(s) for +: '%s' and '%s'", TypeName(l), TypeName(r))
}

func repeat(st *state, v any, n int) (any, bool, error) {
	n = max(n, 0)
	if s, ok := asStr(v); ok {
		if hi, lo := bits.Mul64(uint64(len(s)), uint64(n)); hi != 0 || lo > math.MaxInt {
			return nil, true, st.room(-1)
		} else if err := st.room(int(lo)); err != nil {
			return nil, true, err
		}
		return strings.Repeat(s, n), true, nil
	}
	l, ok := asList(v)
	if !ok {
		return nil, false, nil
	}
	if len(l) > 0 && n > maxRange/len(l) {
		return nil, true, limitErr("a list of %d times %d elements is too long; at most %d are allowed", n, len(l), maxRange)
	}
	out := make([]any, 0, len(l)*n)
	for range n {
		out = append(out, l...)
	}
	if _, ok := v.(value.Tuple); ok {
		return value.Tuple(out), true, nil
	}
	return out, true, nil
}

func zeroDivision(msg string) error { return &Error{Kind: "ZeroDivisionError", Msg: msg} }

// intOp computes with ints; ok is false where the result may not fit.
func intOp(op string, a, b int) (any, bool, error) {
	switch op {
	case "+":
		if s := a + b; (s > a) == (b > 0) {
			return s, true, nil
		}
	case "-":
		if s := a - b; (s < a) == (b > 0) {
			return s, true, nil
		}
	case "*":
		if a == 0 || b == 0 {
			return 0, true, nil
		}
		if p := a * b; p/b == a && !(a == -1 && b == math.MinInt) && !(b == -1 && a == math.MinInt) {
			return p, true, nil
		}
	case "/":
		if b == 0 {
			return nil, true, zeroDivision("division by zero")
		}
		const exact = 1 << 53
		if a < exact && a > -exact && b < exact && b > -exact {
			return float64(a) / float64(b), true, nil
		}
		f, _ := new(big.Rat).SetFrac(big.NewInt(int64(a)), big.NewInt(int64(b))).Float64()
		return f, true, nil
	case "//", "%":
		if b == 0 {
			return nil, true, zeroDivision("integer division or modulo by zero")
		}
		if b == -1 {
			return nil, false, nil
		}
		q, m := a/b, a%b
		if m != 0 && (m < 0) != (b < 0) {
			q, m = q-1, m+b
		}
		if op == "%" {
			return m, true, nil
		}
		return q, true, nil
	}
	return nil, false, nil
}

func floatOp(op string, a, b float64) (any, error) {
	switch op {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "/":
		if b == 0 {
			return nil, zeroDivision("float division by zero")
		}
		return a / b, nil
	case "//", "%":
		if b == 0 {
			return nil, zeroDivision("float floor division by zero")
		}
		m := math.Mod(a, b)
		if m != 0 && (m < 0) != (b < 0) {
			m += b
		}
		if op == "%" {
			return m, nil
		}
		return math.Round((a - m) / b), nil
	}
	if a == 0 && b < 0 {
		return nil, zeroDivision("0.0 cannot be raised to a negative power")
	}
	if a < 0 && b != math.Trunc(b) {
		return nil, valueErr("a negative number raised to a fraction is a complex number, which templates do not have")
	}
	f := power(a, b)
	if math.IsInf(f, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return nil, &Error{Kind: "OverflowError", Msg: "(34, 'Numerical result out of range')"}
	}
	return f, nil
}

// maxBits bounds the size of integers.
const maxBits = 1 << 20

func bigOp(op string, a, b *big.Int) (any, error) {
	z := new(big.Int)
	switch op {
	case "+":
		return value.Int(z.Add(a, b)), nil
	case "-":
		return value.Int(z.Sub(a, b)), nil
	case "*":
		if a.BitLen()+b.BitLen() > maxBits {
			return nil, limitErr("the product has more than %d bits", maxBits)
		}
		return value.Int(z.Mul(a, b)), nil
	case "/":
		if b.Sign() == 0 {
			return nil, zeroDivision("division by zero")
		}
		f, _ := new(big.Rat).SetFrac(a, b).Float64()
		if math.IsInf(f, 0) {
			return nil, &Error{Kind: "OverflowError", Msg: "integer division result too large for a float"}
		}
		return f, nil
	case "//", "%":
		if b.Sign() == 0 {
			return nil, zeroDivision("integer division or modulo by zero")
		}
		q, m := z.QuoRem(a, b, new(big.Int))
		if m.Sign() != 0 && (m.Sign() < 0) != (b.Sign() < 0) {
			q.Sub(q, big.NewInt(1))
			m.Add(m, b)
		}
		if op == "%" {
			return value.Int(m), nil
		}
		return value.Int(q), nil
	}
	if b.Sign() < 0 {
		x, _ := asFloat(a)
		y, _ := asFloat(b)
		return floatOp("**", x, y)
	}
	if !b.IsInt64() || a.BitLen() > 1 && int64(a.BitLen())*min(b.Int64(), maxBits+1) > maxBits {
		if a.IsInt64() && (a.Int64() == 0 || a.Int64() == 1) {
			return int(a.Int64()), nil
		}
		return nil, limitErr("the power has more than %d bits", maxBits)
	}
	return value.Int(z.Exp(a, b, nil)), nil
}

func setDifference(a, b *value.Set) *value.Set {
	out := value.NewSet()
	for _, e := range a.Items() {
		if !b.Has(e) {
			out.Add(e)
		}
	}
	return out
}
