package subversion

import (
	"os/exec"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func shell(t *testing.T, dir, script string) {
	t.Helper()
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
}

func TestSpec(t *testing.T) { mt.Run(t, &Module, nil) }

func TestContract(t *testing.T) {
	if _, err := exec.LookPath("svnadmin"); err != nil {
		t.Skip("svn is not here")
	}
	t.Setenv("HOME", t.TempDir())
	repo := func(t *testing.T, dir string) {
		shell(t, dir, `svnadmin create repo; svn -q co file://$PWD/repo w; cd w; echo one >f; svn -q add f; svn -q ci -m one; echo two >f; svn -q ci -m two; cd ..; rm -rf w`)
	}
	out := func(t *testing.T, dir string) {
		repo(t, dir)
		shell(t, dir, `svn -q co file://$PWD/repo c`)
	}
	holds := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) { t.Helper(); mt.Has(t, dir+"/c/f", want) }
	}
	const args = `{"repo": "file://$DIR/repo", "dest": "$DIR/c", `
	mt.Run(t, &Module, []mt.Case{
		{Name: "checkout", Setup: repo, Args: args + `"revision": "HEAD"}`, Changed: true, Stirs: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			holds("two\n")(t, dir, r)
			if got := string(value.ToJSON(r.Get("after"))); got != `["Revision: 2","URL: file://`+dir+`/repo"]` {
				t.Error(got)
			}
		}},
		{Name: "revision", Setup: repo, Args: args + `"revision": "1"}`, Changed: true, Stirs: true, Verify: holds("one\n")},
		{Name: "same", Setup: out, Args: args + `"revision": "HEAD"}`, Stirs: true, Verify: holds("two\n")},
		{Name: "old", Setup: func(t *testing.T, dir string) {
			repo(t, dir)
			shell(t, dir, `svn -q co -r 1 file://$PWD/repo c`)
		}, Args: args + `"revision": "HEAD"}`, Changed: true, Stirs: true, Verify: holds("two\n")},
		{Name: "export", Setup: repo, Args: args + `"export": true, "force": true}`, Changed: true, Again: true, Verify: holds("two\n")},
		{Name: "changed there", Setup: func(t *testing.T, dir string) {
			out(t, dir)
			mt.Write(t, dir, "c/f", "mine\n")
		}, Args: args + `"force": false}`, Fails: "ERROR: modified files exist in the repository."},
		{Name: "changed there, forced", Setup: func(t *testing.T, dir string) {
			out(t, dir)
			mt.Write(t, dir, "c/f", "mine\n")
		}, Args: args + `"force": true}`, Changed: true, Blind: true, Stirs: true, Verify: holds("two\n")},
		{Name: "in the way", Setup: func(t *testing.T, dir string) {
			repo(t, dir)
			mt.Write(t, dir, "c/x", "")
		}, Args: args + `"force": false}`, Fails: "folder already exists, but its not a subversion repository."},
		{Name: "in place", Setup: func(t *testing.T, dir string) {
			repo(t, dir)
			mt.Write(t, dir, "c/x", "")
		}, Args: args + `"in_place": true}`, Changed: true, Stirs: true, Verify: holds("two\n")},
		{Name: "ask", Setup: repo, Args: `{"repo": "file://$DIR/repo", "checkout": false, "update": false}`, Verify: func(t *testing.T, _ string, r *module.Result) {
			if r.Get("after") != "Revision: 2" {
				t.Errorf("after %v", r.Get("after"))
			}
		}},
		{Name: "no repository", Args: args + `"revision": "1"}`, Fails: "Unable to connect to a repository"},
		{Name: "no dest", Args: `{"repo": "x"}`, Fails: "the destination directory must be specified unless"},
	})
}
