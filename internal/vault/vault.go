// Package vault reads and writes ansible-vault's format, versions 1.1 and 1.2:
// AES-256 in counter mode with an HMAC over the ciphertext, keys from PBKDF2.
//
// Secrets are tried in order: those whose id is the vault's first. Decrypted
// text lives in memory only.
package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
)

const (
	magic      = "$ANSIBLE_VAULT"
	iterations = 10000
	keyLength  = 32
	saltLength = 32
)

// DefaultID is the id of secrets that the user gave none.
const DefaultID = "default"

// Secret is a password with the id under which the user knows it.
type Secret struct {
	ID       string
	Password []byte
}

// Vault holds the secrets of a run. It is safe for concurrent use.
type Vault struct {
	secrets []Secret
	match   bool // only secrets of the vault's own id are tried

	mu   sync.Mutex
	keys map[string][]byte // derived keys, since deriving one takes milliseconds
}

// New returns a Vault with these secrets. matchID tries only those whose id is
// the vault's.
func New(secrets []Secret, matchID bool) *Vault {
	return &Vault{secrets: secrets, match: matchID, keys: map[string][]byte{}}
}

// Secrets returns the secrets in the order in which they are tried.
func (v *Vault) Secrets() []Secret { return v.secrets }

// IsEncrypted reports whether data is a vault.
func IsEncrypted(data []byte) bool { return bytes.HasPrefix(data, []byte(magic+";")) }

// ErrNoSecrets tells that something is vaulted and no password was given.
var ErrNoSecrets = errors.New("Attempting to decrypt but no vault secrets found")

// Envelope is a vault taken apart.
type Envelope struct {
	Version string // 1.1 or 1.2
	Cipher  string
	ID      string // of the secret; "" in version 1.1
	body    []byte
}

// Open takes a vault apart without decrypting it.
func Open(data []byte) (*Envelope, error) {
	head, body, _ := bytes.Cut(bytes.TrimLeft(data, " \t\r\n"), []byte("\n"))
	parts := strings.Split(strings.TrimSpace(string(head)), ";")
	if len(parts) < 3 || parts[0] != magic {
		return nil, errors.New("input is not vault encrypted data")
	}
	e := &Envelope{Version: parts[1], Cipher: parts[2]}
	if e.Cipher != "AES256" {
		return nil, fmt.Errorf("the vault's cipher %s is not supported; only AES256 is", e.Cipher)
	}
	if e.Version == "1.2" && len(parts) > 3 {
		e.ID = parts[3]
	}
	raw, err := unhex(body)
	if err != nil {
		return nil, fmt.Errorf("Vault format unhexlify error: %w", err)
	}
	e.body = raw
	return e, nil
}

func unhex(text []byte) ([]byte, error) {
	clean := bytes.Join(bytes.Fields(text), nil)
	out := make([]byte, hex.DecodedLen(len(clean)))
	_, err := hex.Decode(out, clean)
	var bad hex.InvalidByteError
	switch {
	case errors.Is(err, hex.ErrLength):
		return nil, errors.New("Odd-length string")
	case errors.As(err, &bad):
		return nil, fmt.Errorf("Non-hexadecimal digit found (%q)", byte(bad))
	}
	return out, err
}

// Decrypt returns the content of a vault. name says where it stands, for the
// error.
func (v *Vault) Decrypt(data []byte, name string) ([]byte, error) {
	plain, _, err := v.DecryptWith(data, name)
	return plain, err
}

// DecryptWith is Decrypt that also tells which secret fitted.
func (v *Vault) DecryptWith(data []byte, name string) ([]byte, *Secret, error) {
	e, err := Open(data)
	if err != nil {
		return nil, nil, located(err, name)
	}
	if v == nil || len(v.secrets) == 0 {
		return nil, nil, located(ErrNoSecrets, name)
	}
	id := e.ID
	if id == "" {
		id = DefaultID // what version 1.1 cannot say
	}
	for _, own := range []bool{true, false} {
		for i := range v.secrets {
			s := &v.secrets[i]
			if (s.ID == id) != own || v.match && !own {
				continue
			}
			plain, err := v.open(e, s.Password)
			if err == nil {
				return plain, s, nil
			}
			if !errors.Is(err, errMismatch) {
				return nil, nil, located(err, name)
			}
		}
	}
	return nil, nil, located(errors.New("Decryption failed (no vault secrets were found that could decrypt)"), name)
}

func located(err error, name string) error {
	if name == "" {
		return err
	}
	return fmt.Errorf("%w on %s", err, name)
}

var errMismatch = errors.New("HMAC verification failed: the password is wrong, or the data is damaged")

func (v *Vault) derive(password, salt []byte) ([]byte, error) {
	id := string(password) + "\x00" + string(salt)
	v.mu.Lock()
	defer v.mu.Unlock()
	if k, ok := v.keys[id]; ok {
		return k, nil
	}
	k, err := derive(password, salt)
	if err == nil {
		v.keys[id] = k
	}
	return k, err
}

func derive(password, salt []byte) ([]byte, error) {
	return pbkdf2.Key(sha256.New, string(password), salt, iterations, 2*keyLength+aes.BlockSize)
}

func (v *Vault) open(e *Envelope, password []byte) ([]byte, error) {
	parts := bytes.SplitN(e.body, []byte("\n"), 3)
	if len(parts) != 3 {
		return nil, errors.New("the vault is damaged: salt, HMAC or content is missing")
	}
	var raw [3][]byte
	for i, p := range parts {
		b, err := unhex(p)
		if err != nil {
			return nil, fmt.Errorf("the vault is damaged: %w", err)
		}
		raw[i] = b
	}
	salt, mac, content := raw[0], raw[1], raw[2]
	key, err := v.derive(password, salt)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, key[keyLength:2*keyLength])
	h.Write(content)
	if !hmac.Equal(h.Sum(nil), mac) {
		return nil, errMismatch
	}
	plain := stream(key, content)
	// PKCS#7 padding to the block size.
	if n := len(plain); n > 0 {
		pad := int(plain[n-1])
		if pad < 1 || pad > aes.BlockSize || pad > n {
			return nil, errors.New("the vault is damaged: bad padding")
		}
		plain = plain[:n-pad]
	}
	return plain, nil
}

func stream(key, in []byte) []byte {
	block, err := aes.NewCipher(key[:keyLength])
	if err != nil {
		panic(err) // the key has the right length
	}
	out := make([]byte, len(in))
	cipher.NewCTR(block, key[2*keyLength:]).XORKeyStream(out, in)
	return out
}

// Encrypt makes a vault of plain with a secret: version 1.2 if the secret has
// an id other than "default", else 1.1. salt may be nil, for a random one.
func Encrypt(plain []byte, s Secret, salt []byte) ([]byte, error) {
	if salt == nil {
		salt = make([]byte, saltLength)
		if _, err := rand.Read(salt); err != nil {
			return nil, err
		}
	}
	key, err := derive(s.Password, salt)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	content := stream(key, append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...))
	h := hmac.New(sha256.New, key[keyLength:2*keyLength])
	h.Write(content)
	inner := hex.EncodeToString(salt) + "\n" + hex.EncodeToString(h.Sum(nil)) + "\n" + hex.EncodeToString(content)
	var b strings.Builder
	b.WriteString(magic + ";1.1;AES256")
	if s.ID != "" && s.ID != DefaultID {
		b.Reset()
		b.WriteString(magic + ";1.2;AES256;" + s.ID)
	}
	b.WriteByte('\n')
	for text := hex.EncodeToString([]byte(inner)); text != ""; {
		n := min(80, len(text))
		b.WriteString(text[:n])
		b.WriteByte('\n')
		text = text[n:]
	}
	return []byte(b.String()), nil
}
