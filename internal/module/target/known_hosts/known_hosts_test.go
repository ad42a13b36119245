package knownhosts

import (
	"os"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

const text = `# comment
a.org,10.0.0.1 ssh-rsa AAAA me@a
b.org ssh-ed25519 BBBB
[c.org]:2222 ssh-rsa CCCC
`

func TestContract(t *testing.T) {
	with := func(t *testing.T, dir string) { mt.Write(t, dir, "k", text) }
	holds := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) { t.Helper(); mt.Has(t, dir+"/k", want) }
	}
	const args = `{"path": "$DIR/k", `
	mt.Run(t, &Module, []mt.Case{
		{Name: "new", Setup: with, Args: args + `"name": "n.org", "key": "n.org ssh-rsa NNNN"}`, Changed: true, Verify: holds(text + "n.org ssh-rsa NNNN\n")},
		{Name: "no file", Args: args + `"name": "N.org", "key": "n.org ssh-rsa NNNN"}`, Changed: true, Verify: holds("n.org ssh-rsa NNNN\n")},
		{Name: "there", Setup: with, Args: args + `"name": "b.org", "key": "b.org ssh-ed25519 BBBB"}`, Verify: holds(text)},
		{Name: "other key", Setup: with, Args: args + `"name": "b.org", "key": "b.org ssh-ed25519 XXXX"}`, Changed: true,
			Verify: holds(strings.Replace(text, "b.org ssh-ed25519 BBBB\n", "", 1) + "b.org ssh-ed25519 XXXX\n")},
		{Name: "other type", Setup: with, Args: args + `"name": "b.org", "key": "b.org ssh-rsa XXXX"}`, Changed: true, Verify: holds(text + "b.org ssh-rsa XXXX\n")},
		{Name: "hidden name", Setup: with, Args: args + `"name": "h.org", "key": "h.org ssh-rsa HHHH", "hash_host": true}`, Changed: true},
		{Name: "port", Setup: with, Args: args + `"name": "[c.org]:2222", "key": "[c.org]:2222 ssh-rsa CCCC"}`, Verify: holds(text)},
		{Name: "absent", Setup: with, Args: args + `"name": "a.org", "state": "absent"}`, Changed: true, Verify: func(t *testing.T, dir string, _ *module.Result) {
			mt.Has(t, dir+"/k", strings.Replace(text, "a.org,10.0.0.1 ssh-rsa AAAA me@a\n", "", 1))
			mt.Has(t, dir+"/k.old", text)
		}},
		{Name: "absent but revoked", Setup: func(t *testing.T, dir string) {
			mt.Write(t, dir, "k", "@revoked r.org ssh-rsa RRRR\nr.org ssh-rsa SSSS\n")
		},
			Args: args + `"name": "r.org", "state": "absent"}`, Changed: true, Verify: holds("@revoked r.org ssh-rsa RRRR\n")},
		{Name: "absent key", Setup: with, Args: args + `"name": "b.org", "key": "b.org ssh-ed25519 BBBB", "state": "absent"}`, Changed: true,
			Verify: holds(strings.Replace(text, "b.org ssh-ed25519 BBBB\n", "", 1))},
		{Name: "another key is absent", Setup: with, Args: args + `"name": "b.org", "key": "b.org ssh-rsa XXXX", "state": "absent"}`, Verify: holds(text)},
		{Name: "absent already", Setup: with, Args: args + `"name": "z.org", "state": "absent"}`, Verify: holds(text)},
		{Name: "no key", Args: args + `"name": "z.org"}`, Fails: "No key specified when adding a host"},
		{Name: "another host", Args: args + `"name": "z.org", "key": "b.org ssh-rsa XXXX"}`, Fails: "Host parameter does not match hashed host field in supplied key"},
		{Name: "several hosts", Args: args + `"name": "z.org, y.org", "key": "z.org,y.org ssh-rsa XXXX"}`, Fails: "Comma separated list of names is not supported."},
	})
}

func TestHidden(t *testing.T) {
	dir := t.TempDir()
	args := mt.Args(t, dir, `{"path": "$DIR/k", "name": "h.org", "key": "h.org ssh-rsa HHHH", "hash_host": true}`)
	for i, changed := range []bool{true, false} {
		if r := mt.Call(t, &Module, args, mt.Options{}); r.Failed || r.Changed != changed {
			t.Errorf("run %d: %v %s", i, r.Changed, r.Msg)
		}
	}
	data, err := os.ReadFile(dir + "/k")
	if err != nil || strings.Contains(string(data), "h.org") || !strings.HasPrefix(string(data), "|1|") {
		t.Errorf("%q, %v", data, err)
	}
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		pattern, host string
		want          bool
	}{
		{"*.org", "a.org", true}, {"*.org", "a.net", false}, {"a?c", "abc", true}, {"[a]:1", "[a]:1", true}, {"*", "", true}, {"?", "", false},
	} {
		if fits(c.pattern, c.host) != c.want {
			t.Errorf("%s, %s", c.pattern, c.host)
		}
	}
}
