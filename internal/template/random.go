package template

import (
	"crypto/rand"
	"crypto/sha512"
	"math"
	"math/big"
	"math/bits"
)

// random gives the numbers that Python's random gives: with a seed always the
// same, without one of the system's.
type random struct {
	seeded bool
	mt     [624]uint32
	i      int
}

// newRandom makes a generator for a seed, nil for none.
func newRandom(seed any) *random {
	if seed == nil {
		return &random{}
	}
	r := &random{seeded: true}
	var n *big.Int
	switch s := seed.(type) {
	case float64:
		n = big.NewInt(floatHash(s))
	default:
		if b, ok := asBig(seed); ok {
			n = new(big.Int).Abs(b)
			break
		}
		text := []byte(Str(seed))
		sum := sha512.Sum512(text)
		n = new(big.Int).SetBytes(append(text, sum[:]...))
	}
	var key []uint32
	mask := big.NewInt(math.MaxUint32)
	for n = new(big.Int).Set(n); n.Sign() > 0; n.Rsh(n, 32) {
		key = append(key, uint32(new(big.Int).And(n, mask).Uint64()))
	}
	if key == nil {
		key = []uint32{0}
	}
	r.init(key)
	return r
}

// floatHash is Python's hash of a float, which is its seed.
func floatHash(f float64) int64 {
	if f == math.Trunc(f) && math.Abs(f) < 1<<60 {
		return int64(math.Abs(f))
	}
	m, e := math.Frexp(math.Abs(f))
	const p = 1<<61 - 1
	var x uint64
	for m != 0 {
		x = x<<28&p | x>>(61-28)
		m *= 1 << 28
		e -= 28
		y := uint64(m)
		m -= float64(y)
		if x += y; x >= p {
			x -= p
		}
	}
	if e = e % 61; e < 0 {
		e += 61
	}
	return int64(x<<e&p | x>>(61-e))
}

// init seeds the Mersenne Twister with a key.
func (r *random) init(key []uint32) {
	r.mt[0] = 19650218
	for i := 1; i < len(r.mt); i++ {
		r.mt[i] = 1812433253*(r.mt[i-1]^r.mt[i-1]>>30) + uint32(i)
	}
	i, j := 1, 0
	next := func() {
		if i++; i >= len(r.mt) {
			r.mt[0], i = r.mt[len(r.mt)-1], 1
		}
	}
	for range max(len(r.mt), len(key)) {
		r.mt[i] = (r.mt[i] ^ (r.mt[i-1]^r.mt[i-1]>>30)*1664525) + key[j] + uint32(j)
		next()
		j = (j + 1) % len(key)
	}
	for range len(r.mt) - 1 {
		r.mt[i] = (r.mt[i] ^ (r.mt[i-1]^r.mt[i-1]>>30)*1566083941) - uint32(i)
		next()
	}
	r.mt[0] = 1 << 31
	r.i = len(r.mt)
}

func (r *random) uint32() uint32 {
	if !r.seeded {
		var b [4]byte
		if _, err := rand.Read(b[:]); err != nil {
			panic(err) // crypto/rand does not fail
		}
		return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
	}
	n := len(r.mt)
	if r.i >= n {
		for k := range n {
			y := r.mt[k]&0x80000000 | r.mt[(k+1)%n]&0x7fffffff
			r.mt[k] = r.mt[(k+397)%n] ^ y>>1 ^ (y&1)*0x9908b0df
		}
		r.i = 0
	}
	y := r.mt[r.i]
	r.i++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// below gives a number from 0 to n-1.
func (r *random) below(n int) int {
	k := bits.Len(uint(n))
	for {
		var v uint64
		if k <= 32 {
			v = uint64(r.uint32() >> (32 - k))
		} else {
			v = uint64(r.uint32())
			v |= uint64(r.uint32()>>(64-k)) << 32
		}
		if v < uint64(n) {
			return int(v)
		}
	}
}

// text gives n characters of chars.
func (r *random) text(chars string, n int) string {
	set := []rune(chars)
	if len(set) == 0 {
		return ""
	}
	out := make([]rune, n)
	for i := range out {
		out[i] = set[r.below(len(set))]
	}
	return string(out)
}
