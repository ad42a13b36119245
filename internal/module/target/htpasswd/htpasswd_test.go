package htpasswd

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	const text = "# words\nann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nbob:plain\n"
	with := func(t *testing.T, dir string) { mt.Write(t, dir, "p", text) }
	fitting := func(name, password string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) {
			t.Helper()
			data, err := os.ReadFile(dir + "/p")
			if err != nil || !fits(string(data), name, password, nil) {
				t.Errorf("%q, %v", data, err)
			}
		}
	}
	const sha512 = "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG."
	const args = `{"path": "$DIR/p", `
	cases := []mt.Case{
		{Name: "there", Setup: with, Args: args + `"name": "ann", "password": "secret"}`, Verify: func(t *testing.T, dir string, _ *module.Result) { mt.Has(t, dir+"/p", text) }},
		{Name: "in plain text", Setup: with, Args: args + `"name": "bob", "password": "plain"}`},
		{Name: "other password", Setup: with, Args: args + `"name": "ann", "password": "new"}`, Changed: true, Verify: fitting("ann", "new")},
		{Name: "new file", Args: args + `"name": "ann", "password": "x", "mode": "0600"}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			fitting("ann", "x")(t, dir, r)
			mt.Mode(t, dir+"/p", 0o600)
		}},
		{Name: "absent", Setup: with, Args: args + `"name": "bob", "state": "absent"}`, Changed: true, Verify: func(t *testing.T, dir string, _ *module.Result) {
			mt.Has(t, dir+"/p", strings.TrimSuffix(text, "bob:plain\n"))
		}},
		{Name: "absent already", Setup: with, Args: args + `"name": "eve", "state": "absent"}`},
		{Name: "no file", Args: args + `"name": "eve", "state": "absent"}`},
		{Name: "must be there", Args: args + `"name": "eve", "password": "x", "create": false}`, Fails: "does not exist"},
		{Name: "no password", Args: args + `"name": "eve"}`, Fails: "password must be given"},
		{Name: "malformed", Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "p", "\nann:x\n# a b\nword\n") },
			Args: args + `"name": "eve", "password": "x"}`, Fails: "malformed htpasswd file (error reading line 3)", Verify: func(t *testing.T, dir string, _ *module.Result) {
				mt.Has(t, dir+"/p", "\nann:x\n# a b\nword\n")
			}},
		{Name: "malformed, absent", Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "p", "a:b:c\n") },
			Args: args + `"name": "eve", "state": "absent"}`, Fails: "malformed htpasswd file (error reading line 1)"},
		{Name: "no name", Setup: with, Args: args + `"name": "a:b", "password": "x"}`, Fails: "user contains invalid characters"},
		{Name: "no name, absent", Setup: with, Args: args + `"name": "bob:plain", "state": "absent"}`},
		{Name: "link", Setup: func(t *testing.T, dir string) {
			mt.Write(t, dir, "real", text)
			if err := errors.Join(os.Chmod(dir+"/real", 0o640), os.Symlink("real", dir+"/p")); err != nil {
				t.Fatal(err)
			}
		}, Args: args + `"name": "eve", "password": "x"}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			fitting("eve", "x")(t, dir, r)
			mt.Mode(t, dir+"/real", 0o640)
			if to, err := os.Readlink(dir + "/p"); err != nil || to != "real" {
				t.Error(to, err)
			}
		}},
		{Name: "no scheme", Args: args + `"name": "eve", "password": "x", "crypt_scheme": "nonsense"}`, Fails: "no crypt handler found for algorithm: 'nonsense'"},
		{Name: "long name", Setup: with, Args: args + `"name": "` + strings.Repeat("x", 256) + `", "password": "x"}`, Fails: "user must be at most 255 characters: b'xx"},
		{Name: "hash of another scheme", Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "p", "eve:"+sha512+"\n") },
			Args: args + `"name": "eve", "password": "secret", "crypt_scheme": "ldap_md5"}`, Changed: true, Verify: func(t *testing.T, dir string, _ *module.Result) {
				mt.Has(t, dir+"/p", "eve:{MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==\n")
			}},
		{Name: "hash that servers know", Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "p", "eve:"+sha512+"\n") },
			Args: args + `"name": "eve", "password": "secret"}`},
	}
	for _, scheme := range []string{"bcrypt", "sha256_crypt", "md5_crypt", "ldap_sha1", "plaintext"} {
		cases = append(cases, mt.Case{Name: scheme, Setup: with, Args: args + `"name": "eve", "password": "x", "crypt_scheme": "` + scheme + `"}`, Changed: true, Verify: fitting("eve", "x")})
	}
	mt.Run(t, &Module, cases)
}
