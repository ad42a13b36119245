package crypt

import "strings"

// The tables of DES (FIPS 46-3), which number bits from 1.
var (
	initial = []int{
		58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24, 16, 8,
		57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
	}
	permutation = []int{16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25}
	choice1     = []int{
		57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
		63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
	}
	choice2 = []int{
		14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
		41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
	}
	shifts = []int{1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1}
)

// boxes are the S-boxes, row after row.
var boxes = []string{
	"e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
	"f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
	"a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
	"7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
	"2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
	"c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
	"4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
	"d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
}

// bits are bits, one each, so that the tables can be used as they are printed.
type bits []byte

func (b bits) pick(table []int) bits {
	out := make(bits, len(table))
	for i, n := range table {
		out[i] = b[n-1]
	}
	return out
}

// desCrypt is the oldest crypt(3): 25 times DES of nothing, with a password of up to
// 8 characters as the key and the salt changing the expansion of halves.
func desCrypt(password, salt string) string {
	key := make(bits, 64)
	for i := range min(len(password), 8) {
		for j := range 7 {
			key[8*i+j] = password[i] >> (6 - j) & 1
		}
	}
	expansion := make([]int, 48)
	for i := range expansion {
		expansion[i] = (i/6*4+i%6+31)%32 + 1
	}
	for i := range 2 {
		for j := range 6 {
			if n := 6*i + j; strings.IndexByte(crypt64, salt[i])>>j&1 == 1 {
				expansion[n], expansion[n+24] = expansion[n+24], expansion[n]
			}
		}
	}
	keys := subkeys(key)
	block := make(bits, 64)
	for range 25 {
		block = encrypt(block, keys, expansion)
	}
	var out strings.Builder
	out.WriteString(salt)
	block = append(block, 0, 0)
	for i := 0; i < len(block); i += 6 {
		out.WriteByte(crypt64[number(block[i:i+6])])
	}
	return out.String()
}

func number(b bits) int {
	n := 0
	for _, bit := range b {
		n = n<<1 | int(bit)
	}
	return n
}

func subkeys(key bits) []bits {
	both := key.pick(choice1)
	keys := make([]bits, len(shifts))
	for i, n := range shifts {
		for _, half := range []bits{both[:28], both[28:]} {
			copy(half, append(append(bits{}, half[n:]...), half[:n]...))
		}
		keys[i] = both.pick(choice2)
	}
	return keys
}

func encrypt(block bits, keys []bits, expansion []int) bits {
	block = block.pick(initial)
	left, right := block[:32], block[32:]
	for _, key := range keys {
		wide := right.pick(expansion)
		narrow := make(bits, 0, 32)
		for i, box := range boxes {
			six := make(bits, 6)
			for j := range six {
				six[j] = wide[6*i+j] ^ key[6*i+j]
			}
			row, column := number(bits{six[0], six[5]}), number(six[1:5])
			n := strings.IndexByte("0123456789abcdef", box[16*row+column])
			narrow = append(narrow, byte(n>>3&1), byte(n>>2&1), byte(n>>1&1), byte(n&1))
		}
		mixed := narrow.pick(permutation)
		for i := range mixed {
			mixed[i] ^= left[i]
		}
		left, right = right, mixed
	}
	out := make(bits, 64)
	for i, bit := range append(append(bits{}, right...), left...) {
		out[initial[i]-1] = bit // the other way round
	}
	return out
}
