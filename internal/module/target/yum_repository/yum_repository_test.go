package yumrepository

import (
	"os"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	const text = "# words\n[b]\nname = B\nbaseurl = http://b/1\n\thttp://b/2\n\n[a]\nName=A\nbaseurl: http://a\n"
	with := func(t *testing.T, dir string) { mt.Write(t, dir, "f.repo", text) }
	holds := func(name, want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) { t.Helper(); mt.Has(t, dir+"/"+name, want) }
	}
	const args = `{"reposdir": "$DIR", `
	mt.Run(t, &Module, []mt.Case{
		{Name: "new", Args: args + `"name": "n", "description": "N", "baseurl": ["http://n/1", "http://n/2"], "gpgcheck": false, "exclude": ["x", "y"], "mode": "0600"}`, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				holds("n.repo", "[n]\nbaseurl = http://n/1\n\thttp://n/2\nexclude = x y\ngpgcheck = 0\nname = N\n\n")(t, dir, r)
				mt.Mode(t, dir+"/n.repo", 0o600)
			}},
		{Name: "there", Setup: with, Args: args + `"file": "f", "name": "a", "description": "A", "baseurl": "http://a"}`, Verify: holds("f.repo", text)},
		{Name: "two addresses", Setup: with, Args: args + `"file": "f", "name": "b", "description": "B", "baseurl": ["http://b/1", "http://b/2"]}`, Verify: holds("f.repo", text)},
		{Name: "change", Setup: with, Args: args + `"file": "f", "name": "b", "description": "B", "mirrorlist": "http://m", "enabled": true}`, Changed: true,
			Verify: holds("f.repo", "[a]\nname = A\nbaseurl = http://a\n\n[b]\nenabled = 1\nmirrorlist = http://m\nname = B\n\n")},
		{Name: "absent", Setup: with, Args: args + `"file": "f", "name": "b", "state": "absent"}`, Changed: true, Verify: holds("f.repo", "[a]\nname = A\nbaseurl = http://a\n\n")},
		{Name: "last one", Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "n.repo", "[n]\nname=N\n") }, Args: args + `"name": "n", "state": "absent"}`, Changed: true,
			Verify: func(t *testing.T, dir string, _ *module.Result) {
				if _, err := os.Stat(dir + "/n.repo"); err == nil {
					t.Error("the file is still there")
				}
			}},
		{Name: "absent already", Setup: with, Args: args + `"name": "n", "state": "absent"}`},
		{Name: "no address", Args: args + `"name": "n", "description": "N"}`, Fails: "Parameter 'baseurl', 'metalink' or 'mirrorlist' is required."},
		{Name: "no description", Args: args + `"name": "n", "baseurl": "x"}`, Fails: "Parameter 'description' is required."},
		{Name: "no directory", Args: `{"reposdir": "$DIR/none", "name": "n", "description": "N", "baseurl": "x"}`, Fails: "Repo directory '"},
		{Name: "nonsense", Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "n.repo", "what\n") }, Args: args + `"name": "n", "state": "absent"}`, Fails: "Problems handling file"},
	})
}
