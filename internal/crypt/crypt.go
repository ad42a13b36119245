// Package crypt hashes passwords as crypt(3) and Apache's htpasswd do, and checks
// them. Begin with Hash and Verify.
package crypt

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/blowfish"
)

const (
	lowercase   = "abcdefghijklmnopqrstuvwxyz"
	uppercase   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digitChars  = "0123456789"
	crypt64     = "./" + digitChars + uppercase + lowercase
	bcryptChars = "./" + uppercase + lowercase + digitChars
)

// SaltChars are what a salt may be made of.
const SaltChars = lowercase + uppercase + digitChars + "./"

// SchemeName gives a scheme the name that passlib has for it.
func SchemeName(name string) string {
	switch name {
	case "md5", "sha256", "sha512":
		return name + "_crypt"
	case "blowfish":
		return "bcrypt"
	}
	return name
}

// SaltLength is the length of a scheme's salt.
func SaltLength(scheme string) int {
	switch SchemeName(scheme) {
	case "des_crypt":
		return 2
	case "md5_crypt", "apr_md5_crypt":
		return 8
	case "bcrypt":
		return 22
	case "ldap_salted_md5", "ldap_salted_sha1":
		return 8
	}
	return 16
}

// Hash hashes a password; 0 rounds are the scheme's own.
func Hash(password, scheme, salt string, rounds int, ident string) (string, error) {
	scheme = SchemeName(scheme)
	fail := func(format string, args ...any) error {
		return fmt.Errorf("Could not hash the secret. "+format, args...)
	}
	if strings.Trim(salt, SaltChars) != "" {
		return "", fail("invalid characters in %s salt", scheme)
	}
	if strings.IndexByte(password, 0) >= 0 {
		return "", fail("a password cannot hold a NUL byte")
	}
	if n := SaltLength(scheme); len(salt) > n {
		return "", fail("salt too large (%s requires <= %d chars)", scheme, n)
	}
	switch scheme {
	case "des_crypt":
		if len(salt) != 2 {
			return "", fail("salt too small (des_crypt requires exactly 2 chars)")
		}
		return desCrypt(password, salt), nil
	case "md5_crypt":
		return "$1$" + salt + "$" + md5Crypt([]byte(password), []byte(salt), "$1$"), nil
	case "apr_md5_crypt":
		return "$apr1$" + salt + "$" + md5Crypt([]byte(password), []byte(salt), "$apr1$"), nil
	case "ldap_sha1":
		sum := sha1.Sum([]byte(password))
		return "{SHA}" + base64.StdEncoding.EncodeToString(sum[:]), nil
	case "ldap_md5":
		sum := md5.Sum([]byte(password))
		return "{MD5}" + base64.StdEncoding.EncodeToString(sum[:]), nil
	case "ldap_salted_md5":
		sum := md5.Sum([]byte(password + salt))
		return "{SMD5}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...)), nil
	case "ldap_salted_sha1":
		sum := sha1.Sum([]byte(password + salt))
		return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...)), nil
	case "plaintext":
		return password, nil
	case "sha256_crypt", "sha512_crypt":
		standard, prefix, fresh := 535000, "$5$", sha256.New
		order := sha256Order
		if scheme == "sha512_crypt" {
			standard, prefix, fresh, order = 656000, "$6$", sha512.New, sha512Order
		}
		if rounds == 0 {
			rounds = standard
		}
		if rounds < 1000 || rounds > 999999999 {
			return "", fail("rounds must be between 1000 and 999999999, not %d", rounds)
		}
		head := prefix
		if rounds != 5000 {
			head += fmt.Sprintf("rounds=%d$", rounds)
		}
		return head + salt + "$" + shaCrypt([]byte(password), []byte(salt), rounds, fresh, order), nil
	case "bcrypt":
		if len(salt) != 22 {
			return "", fail("salt too small (bcrypt requires exactly 22 chars)")
		}
		if ident == "" {
			ident = "2b"
		}
		switch ident {
		case "2", "2a", "2b", "2y":
		default:
			return "", fail("invalid ident: '%s'", ident)
		}
		if rounds == 0 {
			rounds = 12
		}
		if rounds < 4 || rounds > 31 {
			return "", fail("rounds must be between 4 and 31, not %d", rounds)
		}
		return bcrypt([]byte(password), salt, rounds, ident)
	}
	return "", fmt.Errorf("passlib does not support '%s' algorithm", scheme)
}

// encode24 writes up to three bytes, of which c is the lowest, as n characters.
func encode24(b *strings.Builder, a, m, c byte, n int) {
	v := uint(a)<<16 | uint(m)<<8 | uint(c)
	for range n {
		b.WriteByte(crypt64[v&63])
		v >>= 6
	}
}

func md5Crypt(pw, salt []byte, magic string) string {
	inner := md5.Sum(bytes.Join([][]byte{pw, salt, pw}, nil))
	h := md5.New()
	h.Write(pw)
	h.Write([]byte(magic))
	h.Write(salt)
	for n := len(pw); n > 0; n -= 16 {
		h.Write(inner[:min(n, 16)])
	}
	for n := len(pw); n > 0; n >>= 1 {
		if n&1 == 1 {
			h.Write([]byte{0})
		} else {
			h.Write(pw[:1])
		}
	}
	sum := h.Sum(nil)
	for i := range 1000 {
		h.Reset()
		if i%2 == 1 {
			h.Write(pw)
		} else {
			h.Write(sum)
		}
		if i%3 != 0 {
			h.Write(salt)
		}
		if i%7 != 0 {
			h.Write(pw)
		}
		if i%2 == 1 {
			h.Write(sum)
		} else {
			h.Write(pw)
		}
		sum = h.Sum(nil)
	}
	var b strings.Builder
	for _, t := range [...][3]int{{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}} {
		encode24(&b, sum[t[0]], sum[t[1]], sum[t[2]], 4)
	}
	encode24(&b, 0, 0, sum[11], 2)
	return b.String()
}

// The order in which the digest's bytes are written, three at a time; -1 is a
// byte that is not there.
var (
	sha256Order = [][3]int{
		{0, 10, 20}, {21, 1, 11}, {12, 22, 2}, {3, 13, 23}, {24, 4, 14}, {15, 25, 5}, {6, 16, 26}, {27, 7, 17}, {18, 28, 8},
		{9, 19, 29}, {-1, 31, 30},
	}
	sha512Order = [][3]int{
		{0, 21, 42}, {22, 43, 1}, {44, 2, 23}, {3, 24, 45}, {25, 46, 4}, {47, 5, 26}, {6, 27, 48}, {28, 49, 7}, {50, 8, 29},
		{9, 30, 51}, {31, 52, 10}, {53, 11, 32}, {12, 33, 54}, {34, 55, 13}, {56, 14, 35}, {15, 36, 57}, {37, 58, 16},
		{59, 17, 38}, {18, 39, 60}, {40, 61, 19}, {62, 20, 41}, {-1, -1, 63},
	}
)

func shaCrypt(pw, salt []byte, rounds int, fresh func() hash.Hash, order [][3]int) string {
	sum := func(parts ...[]byte) []byte {
		h := fresh()
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	stretch := func(d []byte, n int) []byte {
		return bytes.Repeat(d, n/len(d)+1)[:n]
	}
	b := sum(pw, salt, pw)
	h := fresh()
	h.Write(pw)
	h.Write(salt)
	h.Write(stretch(b, len(pw)))
	for n := len(pw); n > 0; n >>= 1 {
		if n&1 == 1 {
			h.Write(b)
		} else {
			h.Write(pw)
		}
	}
	a := h.Sum(nil)
	p := stretch(sum(bytes.Repeat(pw, len(pw))), len(pw))
	s := stretch(sum(bytes.Repeat(salt, 16+int(a[0]))), len(salt))
	for i := range rounds {
		h.Reset()
		if i%2 == 1 {
			h.Write(p)
		} else {
			h.Write(a)
		}
		if i%3 != 0 {
			h.Write(s)
		}
		if i%7 != 0 {
			h.Write(p)
		}
		if i%2 == 1 {
			h.Write(a)
		} else {
			h.Write(p)
		}
		a = h.Sum(a[:0])
	}
	var out strings.Builder
	at := func(i int) byte {
		if i < 0 {
			return 0
		}
		return a[i]
	}
	for _, t := range order {
		n := 4
		if t[0] < 0 {
			n = 3
		}
		if t[1] < 0 {
			n = 2
		}
		encode24(&out, at(t[0]), at(t[1]), at(t[2]), n)
	}
	return out.String()
}

func bcrypt(pw []byte, salt string, cost int, ident string) (string, error) {
	enc := base64.NewEncoding(bcryptChars).WithPadding(base64.NoPadding)
	raw, err := enc.DecodeString(salt)
	if err != nil {
		return "", fmt.Errorf("Could not hash the secret. invalid bcrypt salt: %s", err)
	}
	key := pw
	if ident != "2" {
		key = append(append([]byte(nil), pw...), 0)
	}
	key = key[:min(len(key), 72)]
	if len(key) == 0 {
		return "", fmt.Errorf("Could not hash the secret. the password is empty")
	}
	c, err := blowfish.NewSaltedCipher(key, raw)
	if err != nil {
		return "", err
	}
	for range 1 << cost {
		blowfish.ExpandKey(key, c)
		blowfish.ExpandKey(raw, c)
	}
	text := []byte("OrpheanBeholderScryDoubt")
	for i := 0; i < len(text); i += 8 {
		for range 64 {
			c.Encrypt(text[i:i+8], text[i:i+8])
		}
	}
	return fmt.Sprintf("$%s$%02d$%s%s", ident, cost, enc.EncodeToString(raw), enc.EncodeToString(text[:23])), nil
}

// Schemes are those that Hash knows.
var Schemes = []string{
	"apr_md5_crypt", "bcrypt", "des_crypt", "ldap_md5", "ldap_salted_md5", "ldap_salted_sha1", "ldap_sha1", "md5_crypt",
	"plaintext", "sha256_crypt", "sha512_crypt",
}

// Verify tells whether a hash is the password's. Where schemes are given, what is
// of none of them is taken for the password itself.
func Verify(password, hashed string, schemes ...string) bool {
	scheme, salt, rounds, ident := identify(hashed)
	if len(schemes) > 0 && !slices.Contains(schemes, scheme) {
		scheme = "plaintext"
	}
	if prefix, sum, _ := strings.Cut(hashed, "}"); strings.HasPrefix(scheme, "ldap_salted_") {
		size := map[string]int{"{SMD5": md5.Size, "{SSHA": sha1.Size}[prefix]
		raw, err := base64.StdEncoding.DecodeString(sum)
		if err != nil || len(raw) < size {
			return false
		}
		digest := md5.New()
		if size == sha1.Size {
			digest = sha1.New()
		}
		digest.Write([]byte(password))
		digest.Write(raw[size:])
		return subtle.ConstantTimeCompare(digest.Sum(nil), raw[:size]) == 1
	}
	again, err := Hash(password, scheme, salt, rounds, ident)
	return err == nil && subtle.ConstantTimeCompare([]byte(again), []byte(hashed)) == 1
}

// identify tells what made a hash, and of what.
func identify(hashed string) (scheme, salt string, rounds int, ident string) {
	f := strings.Split(hashed, "$")
	switch {
	case strings.HasPrefix(hashed, "{SHA}"):
		return "ldap_sha1", "", 0, ""
	case strings.HasPrefix(hashed, "{MD5}"):
		return "ldap_md5", "", 0, ""
	case strings.HasPrefix(hashed, "{SMD5}"):
		return "ldap_salted_md5", "", 0, ""
	case strings.HasPrefix(hashed, "{SSHA}"):
		return "ldap_salted_sha1", "", 0, ""
	case len(f) == 4 && f[0] == "" && f[1] == "1":
		return "md5_crypt", f[2], 0, ""
	case len(f) == 4 && f[0] == "" && f[1] == "apr1":
		return "apr_md5_crypt", f[2], 0, ""
	case len(f) >= 4 && f[0] == "" && (f[1] == "5" || f[1] == "6"):
		scheme, salt, rounds = map[string]string{"5": "sha256_crypt", "6": "sha512_crypt"}[f[1]], f[len(f)-2], 5000
		if n, ok := strings.CutPrefix(f[2], "rounds="); ok {
			rounds, _ = strconv.Atoi(n) // what is no number fits no password
		}
		return scheme, salt, rounds, ""
	case len(f) == 4 && f[0] == "" && strings.HasPrefix(f[1], "2") && len(f[3]) > 22:
		rounds, _ = strconv.Atoi(f[2])
		return "bcrypt", f[3][:22], rounds, f[1]
	case len(hashed) == 13 && strings.Trim(hashed, crypt64) == "":
		return "des_crypt", hashed[:2], 0, ""
	}
	return "plaintext", "", 0, ""
}
