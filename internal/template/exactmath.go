package template

import (
	"math"
	"math/big"
)

// Go's Pow and Log10 may be off by the last digit where the C library is not,
// and templates show all digits (27 | root(3) is 3.0). So logarithms and powers
// are computed with more digits and rounded once.

const mathBits = 200

func exact(f float64) *big.Float { return new(big.Float).SetPrec(mathBits).SetFloat64(f) }

// lnOf is the natural logarithm of a number greater than 0.
func lnOf(x *big.Float) *big.Float {
	m := new(big.Float).SetPrec(mathBits)
	e := x.MantExp(m) // x = m * 2**e, m from 0.5 to 1
	sum := atanhTwice(m)
	if e != 0 {
		ln2 := atanhTwice(exact(2))
		sum.Add(sum, ln2.Mul(ln2, exact(float64(e))))
	}
	return sum
}

// atanhTwice is ln(x) as 2*atanh((x-1)/(x+1)), for x near 1.
func atanhTwice(x *big.Float) *big.Float {
	one := exact(1)
	z := new(big.Float).SetPrec(mathBits).Quo(new(big.Float).Sub(x, one), new(big.Float).Add(x, one))
	square := new(big.Float).SetPrec(mathBits).Mul(z, z)
	sum, term := exact(0), new(big.Float).Copy(z)
	for k := 1.0; term.Sign() != 0 && (sum.Sign() == 0 || term.MantExp(nil) > sum.MantExp(nil)-mathBits); k += 2 {
		sum.Add(sum, new(big.Float).SetPrec(mathBits).Quo(term, exact(k)))
		term.Mul(term, square)
	}
	return sum.Mul(sum, exact(2))
}

// expOf is e to the power of x.
func expOf(x *big.Float) *big.Float {
	const halvings = 32
	r := new(big.Float).SetPrec(mathBits).SetMantExp(x, -halvings)
	sum, term := exact(1), exact(1)
	for k := 1.0; ; k++ {
		term.Mul(term, r)
		term.Quo(term, exact(k))
		if term.Sign() == 0 || term.MantExp(nil) < -mathBits {
			break
		}
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

// logarithm is log(x) to the base of 10, or of e if base is 0.
func logarithm(x float64, base int) float64 {
	if x <= 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return math.Log(x)
	}
	l := lnOf(exact(x))
	if base == 10 {
		l.Quo(l, lnOf(exact(10)))
	}
	f, _ := l.Float64()
	return f
}

// power is x**y for floats.
func power(x, y float64) float64 {
	rough := math.Pow(x, y)
	if rough == 0 || rough == 1 || math.IsNaN(rough) || math.IsInf(rough, 0) || math.IsInf(y, 0) || math.IsInf(x, 0) || math.Abs(x) == 1 {
		return rough
	}
	l := lnOf(exact(math.Abs(x)))
	f, _ := expOf(l.Mul(l, exact(y))).Float64()
	if math.Signbit(rough) {
		f = -f
	}
	return f
}
