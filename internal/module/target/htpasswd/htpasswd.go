// Package htpasswd is the module for files of users and passwords that web
// servers read.
package htpasswd

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/crypt"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/parallel"
)

// Module adds and removes users.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.htpasswd",
		Summary: "Keeps users and passwords in a file for web servers.",
		Params: append([]module.Param{
			{Name: "path", Type: module.Path, Required: true, Aliases: []string{"dest", "destfile"}, Doc: "The file."},
			{Name: "name", Required: true, Aliases: []string{"username"}, Doc: "The user."},
			{Name: "password", NoLog: true, Doc: "The user's password."},
			{Name: "crypt_scheme", Default: "apr_md5_crypt", Doc: "How a new password is hashed: apr_md5_crypt, bcrypt, des_crypt, ldap_sha1, md5_crypt, sha256_crypt, sha512_crypt or plaintext."},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}, Doc: "Whether the user shall be there."},
			{Name: "create", Type: module.Bool, Default: true, Doc: "Make the file if it is not there."},
		}, files.CommonParams()...),
		Hints: []parallel.Hint{parallel.Free()}, // edits of one file wait for one another
		Check: module.Full, Diff: module.None,
	},
	Run: run,
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	path, name := args.String("path"), args.String("name")
	present := args.String("state") == "present"
	if scheme := args.String("crypt_scheme"); present && !slices.Contains(crypt.Schemes, scheme) {
		return module.Fail(`"no crypt handler found for algorithm: '%s'"`, scheme)
	}
	defer files.Lock(path)()
	data, err := os.ReadFile(path)
	exists := err == nil
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return module.Fail("%s", files.OSError(err, path))
	}
	if n := malformed(string(data)); n > 0 {
		return module.Fail("malformed htpasswd file (error reading line %d)", n)
	}
	r := module.OK()
	msg, after := "", ""
	switch {
	case !present && !exists:
		r.Warnings = append(r.Warnings, path+" does not exist")
		return r.Set("msg", name+" not present")
	case !present:
		if !strings.Contains(name, ":") { // no user has such a name
			after, r.Changed = remove(string(data), name)
		}
		if msg = name + " not present"; r.Changed {
			msg = "Remove " + name
		}
	case !exists && !args.Bool("create"):
		return module.Fail("Destination %s does not exist", path)
	case strings.ContainsAny(name, ":\n\r\t\x00"):
		return module.Fail("user contains invalid characters: b'%s'", name)
	case len(name) > 255:
		return module.Fail("user must be at most 255 characters: b'%s'", name)
	case !args.Has("password"):
		return module.Fail("password must be given for a user that shall be there")
	default:
		if fits(string(data), name, args.String("password"), schemes(args.String("crypt_scheme"))) {
			msg = name + " already present"
			break
		}
		hashed, err := hash(args.String("password"), args.String("crypt_scheme"))
		if err != nil {
			return module.Fail("%s", err)
		}
		after, r.Changed = put(string(data), name, hashed), true
		switch {
		case exists:
			msg = "Add/update " + name
		case env.Check:
			msg = "Create " + path
		default:
			msg = "Created " + path + " and added " + name
		}
	}
	attrs := files.AttrsOf(args)
	if r.Changed && !env.Check {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return module.Fail("%s", err)
		}
		content := attrs
		if files.IsLink(path) { // it is written through, but they are to be the link's own
			content = files.Attrs{}
		}
		if _, err := (files.Replacement{Path: files.RealPath(path), Attrs: content, Unsafe: args.Bool("unsafe_writes")}).Write(ctx, strings.NewReader(after)); err != nil {
			return files.Fail(err)
		}
	}
	// Whether that changes anything, Ansible's module does not tell.
	if _, err := attrs.Apply(path, env.Check, nil); err != nil {
		return files.Fail(err)
	}
	return r.Set("msg", msg)
}

// hash hashes a password with a salt of its own.
func hash(password, scheme string) (string, error) {
	n := crypt.SaltLength(scheme)
	raw := make([]byte, n)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	salt := make([]byte, n)
	for i, b := range raw {
		salt[i] = crypt.SaltChars[int(b)%len(crypt.SaltChars)] // 64 of them: all as likely
	}
	if crypt.SchemeName(scheme) == "bcrypt" {
		salt[n-1] = 'u' // the last character has bits to spare, which have to be 0
	}
	return crypt.Hash(password, scheme, string(salt), 0, "")
}

// malformed is the number of the first line that is neither a user's nor a
// comment, 0 if there is none; blank lines do not count.
func malformed(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if n++; !strings.HasPrefix(line, "#") && strings.Count(line, ":") != 1 {
			return n
		}
	}
	return 0
}

// schemes are those that a password may be hashed with so that a file that is to
// have this one stays: all that servers know, or Apache's four and this one.
func schemes(scheme string) []string {
	known := []string{"apr_md5_crypt", "des_crypt", "ldap_sha1", "plaintext"}
	if slices.Contains(known, scheme) {
		return append(known, "bcrypt", "md5_crypt", "sha256_crypt", "sha512_crypt")
	}
	return append(known, scheme)
}

// fits tells whether the file has the user with the password.
func fits(text, name, password string, schemes []string) bool {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return crypt.Verify(password, rest, schemes...)
		}
	}
	return false
}

// put replaces the user's line, or adds it; blank lines go.
func put(text, name, hashed string) string {
	var b strings.Builder
	done := false
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if line = strings.TrimRight(line, "\n"); strings.HasPrefix(line, name+":") {
			if done {
				continue
			}
			line, done = name+":"+hashed, true
		}
		b.WriteString(line + "\n")
	}
	if !done {
		b.WriteString(name + ":" + hashed + "\n")
	}
	return b.String()
}

func remove(text, name string) (after string, changed bool) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, name+":") {
			changed = true
		} else if strings.TrimSpace(line) != "" {
			b.WriteString(line)
		}
	}
	return b.String(), changed
}
