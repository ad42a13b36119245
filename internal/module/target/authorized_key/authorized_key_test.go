package authorizedkey

import (
	"errors"
	"os"
	"os/user"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	const text = "# kept\nssh-ed25519 AAAA1 one\ncommand=\"a, b\",no-pty ssh-rsa AAAA2 two words\n"
	with := func(t *testing.T, dir string) { mt.Write(t, dir, "s/keys", text) }
	holds := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, r *module.Result) {
			t.Helper()
			mt.Has(t, dir+"/s/keys", want)
			if r.Changed {
				mt.Mode(t, dir+"/s/keys", 0o600)
				mt.Mode(t, dir+"/s", 0o700)
			}
		}
	}
	args := `{"user": "` + me.Username + `", "path": "$DIR/s/keys", `
	mt.Run(t, &Module, []mt.Case{
		{Name: "first", Args: args + `"key": "ssh-ed25519 AAAA9 me"}`, Changed: true, Verify: holds("ssh-ed25519 AAAA9 me\n")},
		{Name: "more", Setup: with, Args: args + `"key": "# a\nssh-ed25519 AAAA9\n\nssh-rsa AAAA8 x\n"}`, Changed: true, Verify: holds(text + "ssh-ed25519 AAAA9 \nssh-rsa AAAA8 x\n")},
		{Name: "there", Setup: with, Args: args + `"key": "no-pty,command=\"a, b\" ssh-rsa AAAA2 two words"}`, Verify: holds(text)},
		{Name: "options", Setup: with, Args: args + `"key": "ssh-ed25519 AAAA1 one", "key_options": "from=\"10.0.0.1\""}`, Changed: true,
			Verify: holds("# kept\ncommand=\"a, b\",no-pty ssh-rsa AAAA2 two words\nfrom=\"10.0.0.1\" ssh-ed25519 AAAA1 one\n")},
		{Name: "comment", Setup: with, Args: args + `"key": "ssh-ed25519 AAAA1", "comment": "one"}`, Verify: holds(text)},
		{Name: "absent", Setup: with, Args: args + `"key": "ssh-rsa AAAA2", "state": "absent"}`, Changed: true, Verify: holds("# kept\nssh-ed25519 AAAA1 one\n")},
		{Name: "exclusive", Setup: with, Args: args + `"key": "ssh-ed25519 AAAA1 one", "exclusive": true}`, Changed: true, Verify: holds("ssh-ed25519 AAAA1 one\n")},
		{Name: "repetitions", Setup: func(t *testing.T, dir string) {
			mt.Write(t, dir, "s/keys", "\nssh-rsa AAAA1 old\n\n\n# a\n\nssh-rsa AAAA1 one\nssh-rsa AAAA2 two\n")
		}, Args: args + `"key": "ssh-rsa AAAA3 three"}`, Changed: true, Verify: holds("# a\nssh-rsa AAAA3 three\n\nssh-rsa AAAA1 one\nssh-rsa AAAA2 two\n")},
		{Name: "link to a folder", Setup: func(t *testing.T, dir string) {
			mt.Write(t, dir, "d/x", "")
			if err := errors.Join(os.Mkdir(dir+"/s", 0o700), os.Symlink("../d", dir+"/s/keys")); err != nil {
				t.Fatal(err)
			}
		}, Args: args + `"key": "ssh-rsa AAAA2"}`, Changed: true, Verify: holds("ssh-rsa AAAA2 \n")},
		{Name: "folder, no key", Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "s/keys/x", "") }, Args: args + `"key": "ssh-rsa AAAA2", "state": "absent"}`},
		{Name: "folder", Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "s/keys/x", "") }, Args: args + `"key": "ssh-rsa AAAA2"}`, Fails: "keys: is a directory", Blind: true},
		{Name: "no folder", Args: `{"user": "` + me.Username + `", "path": "$DIR/a/b/keys", "key": "ssh-rsa AAAA2"}`, Fails: "/a/b : [Errno 2] No such file or directory: '", Blind: true},
		{Name: "no key", Setup: with, Args: args + `"key": "nonsense"}`, Fails: "invalid key specified: nonsense"},
		{Name: "no user", Args: `{"user": "no such", "key": "ssh-rsa AAAA2"}`, Fails: "Failed to lookup user no such"},
	})
}
