package template

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/tutti-run/tutti/internal/crypt"
	"github.com/tutti-run/tutti/internal/value"
)

const (
	lowercase   = "abcdefghijklmnopqrstuvwxyz"
	uppercase   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digitChars  = "0123456789"
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

var charClasses = map[string]string{
	"ascii_letters": lowercase + uppercase, "ascii_lowercase": lowercase, "ascii_uppercase": uppercase, "digits": digitChars,
	"hexdigits": digitChars + "abcdefABCDEF", "octdigits": "01234567", "punctuation": punctuation, "whitespace": " \t\n\r\v\f",
	"printable": digitChars + lowercase + uppercase + punctuation + " \t\n\r\v\f",
}

func lookupPassword(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		term, err := l.word(t)
		if err != nil {
			return nil, err
		}
		p, err := l.password(term)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// password reads or makes the password that a term describes: a path and
// options after it.
func (l *look) password(term string) (any, error) {
	name, tail, _ := strings.Cut(term, " ")
	rest, inline := params(tail)
	if rest != "" {
		name = strings.TrimSpace(name + " " + rest)
	}
	opts := value.MapOf("length", 20, "encrypt", nil, "chars", nil, "ident", nil, "seed", nil)
	opts.Update(l.kw)
	for k, v := range inline.All() {
		if !opts.Has(k) {
			return nil, &Error{Kind: "AnsibleError", Msg: "Unrecognized parameter(s) given to password lookup: " + Str(k)}
		}
		opts.Set(k, v)
	}
	path := name
	if strings.HasPrefix(path, "~/") {
		path = filepath.Join(os.Getenv("HOME"), path[2:])
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.c.env().BaseDir, path)
	}
	length, ok := toInt(opts.At("length"), 10)
	n, isInt := length.(int)
	if !ok || !isInt || n < 0 || n > 1<<20 {
		return nil, &Error{Kind: "AnsibleError", Msg: "password: length must be a number of characters, not " + Repr(opts.At("length"))}
	}
	chars := passwordChars(opts.At("chars"))
	unlock, err := lockPassword(l, path)
	if err != nil {
		return nil, err
	}
	defer unlock()
	random := newRandom(opts.At("seed"))
	content, err := "", error(nil)
	exists := false
	if path != "/dev/null" {
		var data []byte
		data, err = os.ReadFile(path)
		switch {
		case err == nil:
			content, exists = strings.TrimRightFunc(string(data), unicode.IsSpace), true
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	plain, salt, ident := splitPassword(content)
	write := false
	if !exists {
		plain, salt, write = random.text(chars, n), "", true
	}
	encrypt := opts.At("encrypt")
	if !Bool(encrypt) {
		encrypt = nil
	}
	scheme := Str(encrypt)
	if encrypt != nil && salt == "" {
		salt, write = newRandom(nil).text(crypt.SaltChars, crypt.SaltLength(scheme)), true
		ident = ""
	}
	if ident == "" && opts.At("ident") != nil {
		ident = Str(opts.At("ident"))
	}
	if ident == "" && strings.HasPrefix(scheme, "bcrypt") {
		ident = "2b"
	}
	if write && path != "/dev/null" {
		text := plain
		if encrypt != nil {
			text += " salt=" + salt
			if ident != "" {
				text += " ident=" + ident
			}
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	if encrypt == nil {
		return plain, nil
	}
	return crypt.Hash(plain, scheme, salt, 0, ident)
}

// lockPassword keeps two runs from making one password at the same time. The
// lock is a file that holds for Ansible, too.
func lockPassword(l *look, path string) (func(), error) {
	if path == "/dev/null" {
		return func() {}, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	lock := filepath.Join(filepath.Dir(path), fmt.Sprintf("%x.ansible_lockfile", sha1.Sum([]byte(path))))
	deadline := time.Now().Add(7 * time.Second)
	for {
		f, err := os.OpenFile(lock, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			f.Close()
			return func() { os.Remove(lock) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, &Error{Kind: "AnsibleError", Msg: "the password file " + path + " has been locked for 7 seconds; if nobody is using it, remove " + lock}
		}
		select {
		case <-l.c.ctx().Done():
			return nil, l.c.ctx().Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// splitPassword takes a password file apart: password, salt, ident.
func splitPassword(s string) (plain, salt, ident string) {
	i := strings.LastIndex(s, " salt=")
	if i < 0 {
		return s, "", ""
	}
	plain, salt = s[:i], s[i+len(" salt="):]
	if j := strings.LastIndex(salt, " ident="); j >= 0 {
		salt, ident = salt[:j], salt[j+len(" ident="):]
	}
	return plain, salt, ident
}

// passwordChars works out the characters that a password may hold.
func passwordChars(v any) string {
	var classes []string
	if l, ok := asList(v); ok {
		for _, e := range l {
			classes = append(classes, Str(e))
		}
	} else if s, ok := asStr(v); ok && s != "" {
		if strings.Contains(s, ",,") {
			classes = append(classes, ",")
		}
		for _, c := range strings.Split(strings.ReplaceAll(s, ",,", ","), ",") {
			if c != "" {
				classes = append(classes, c)
			}
		}
	}
	if classes == nil {
		classes = []string{"ascii_letters", "digits", ".,:-_"}
	}
	var b strings.Builder
	for _, c := range classes {
		if set, ok := charClasses[c]; ok {
			c = set
		}
		b.WriteString(c)
	}
	return strings.NewReplacer(`"`, "", "'", "").Replace(b.String())
}
