package template

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"hash"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"

	"github.com/tutti-run/tutti/internal/crypt"
	"github.com/tutti-run/tutti/internal/vault"
)

// cryptFilters are Ansible's filters for hashes, passwords and vaults.
func cryptFilters() []*def {
	digest := func(names, kind string) *def {
		return define(names, "data", func(c *call) (any, error) { return c.digest(kind) })
	}
	return []*def{
		digest("md5", "md5"), digest("sha1|checksum", "sha1"),
		define("hash", "data hashtype='sha1'", func(c *call) (any, error) { return c.digest(c.str(1)) }),
		define("password_hash", "password hashtype='sha512' salt=None salt_size=None rounds=None ident=None", passwordHash),
		define("vault", "data secret salt=None vaultid='filter_default' wrap_object=False", func(c *call) (any, error) {
			return c.vault(false)
		}),
		define("unvault", "vault secret vaultid='filter_default'", func(c *call) (any, error) { return c.vault(true) }),
	}
}

func newHash(name string) hash.Hash {
	switch name {
	case "md5":
		return md5.New()
	case "sha1":
		return sha1.New()
	case "sha224":
		return sha256.New224()
	case "sha256":
		return sha256.New()
	case "sha384":
		return sha512.New384()
	case "sha512":
		return sha512.New()
	case "sha512_256":
		return sha512.New512_256()
	case "sha512_224":
		return sha512.New512_224()
	case "sha3_224":
		return sha3.New224()
	case "sha3_256":
		return sha3.New256()
	case "sha3_384":
		return sha3.New384()
	case "sha3_512":
		return sha3.New512()
	case "blake2b":
		h, _ := blake2b.New512(nil) // fails for a long key only
		return h
	case "blake2s":
		h, _ := blake2s.New256(nil)
		return h
	}
	return nil
}

func (c *call) digest(kind string) (any, error) {
	if err := c.need(0); err != nil {
		return nil, err
	}
	h := newHash(kind)
	if h == nil {
		return nil, filterErr("unsupported hash type %s", kind)
	}
	h.Write([]byte(c.str(0)))
	return hexText(h.Sum(nil)), nil
}

// vault encrypts or decrypts with a secret that the template gives.
func (c *call) vault(decrypt bool) (any, error) {
	for i := range 2 {
		if err := c.need(i); err != nil {
			return nil, err
		}
	}
	secret, ok := asStr(c.a[1])
	if !ok {
		return nil, typeErr("Secret passed is required to be a string, instead we got: %s", class(TypeName(c.a[1])).PythonStr())
	}
	text, ok := asStr(c.a[0])
	if !ok {
		return nil, typeErr("Can only vault strings, instead we got: %s", class(TypeName(c.a[0])).PythonStr())
	}
	wrap := func(text []byte) any {
		if c.bool(4) {
			return vaulted(text)
		}
		return string(text)
	}
	if decrypt {
		if !vault.IsEncrypted([]byte(text)) {
			return text, nil
		}
		key := vault.Secret{ID: c.str(2), Password: []byte(secret)}
		plain, err := vault.New([]vault.Secret{key}, false).Decrypt([]byte(text), "")
		if err != nil {
			return nil, filterErr("Unable to decrypt: %s", err)
		}
		if unsealed := c.f.r.st.c.env().Unsealed; unsealed != nil {
			unsealed(string(plain))
		}
		return string(plain), nil
	}
	var salt []byte
	if Bool(c.a[2]) {
		salt = []byte(c.str(2))
	}
	out, err := vault.Encrypt([]byte(text), vault.Secret{ID: c.str(3), Password: []byte(secret)}, salt)
	if err != nil {
		return nil, filterErr("Unable to encrypt: %s", err)
	}
	return wrap(out), nil
}

func passwordHash(c *call) (any, error) {
	if err := c.need(0); err != nil {
		return nil, err
	}
	if _, ok := asStr(c.a[0]); !ok {
		return nil, typeErr("secret must be unicode or bytes, not %s", TypeName(c.a[0]))
	}
	salt := ""
	if Bool(c.a[2]) {
		salt = c.str(2)
	}
	rounds := 0
	if Bool(c.a[4]) {
		n, ok := toInt(c.a[4], 10)
		if rounds, _ = n.(int); !ok || rounds <= 0 {
			return nil, filterErr("password_hash: rounds must be a positive number, not %s", Repr(c.a[4]))
		}
	}
	scheme := crypt.SchemeName(c.str(1))
	if salt == "" {
		n := crypt.SaltLength(scheme)
		if Bool(c.a[3]) {
			var err error
			if n, err = c.int(3); err != nil {
				return nil, err
			}
			if n < 0 || n > crypt.SaltLength(scheme) {
				return nil, filterErr("Could not hash the secret.: salt_size must be at most %d", crypt.SaltLength(scheme))
			}
		}
		salt = newRandom(nil).text(crypt.SaltChars, n)
	}
	ident := ""
	if Bool(c.a[5]) {
		ident = c.str(5)
	}
	hashed, err := crypt.Hash(c.str(0), scheme, salt, rounds, ident)
	if err != nil {
		return nil, filterErr("%s", err)
	}
	return hashed, nil
}
