package git

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func shell(t *testing.T, dir, script string) string {
	t.Helper()
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// origin makes a repository with two commits, a branch, a tag and a submodule on
// a branch of its own.
func origin(t *testing.T, dir string) {
	shell(t, dir, `git init -q -b main sub; cd sub; echo s >s; git add s; git commit -qm s; cd ..
git init -q -b main origin; cd origin; echo one >f; git add f; git commit -qm one; git tag -am one v1
git checkout -qb side; echo side >f; git commit -qam side
git checkout -qb with; git submodule --quiet add file://`+dir+`/sub s; git commit -qm with
git checkout -q main; echo two >f; git commit -qam two`)
}

func TestContract(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not here")
	}
	home := t.TempDir()
	mt.Write(t, home, ".gitconfig", "[user]\nname=t\nemail=t@example.org\n[protocol \"file\"]\nallow=always\n")
	t.Setenv("HOME", home)
	cloned := func(t *testing.T, dir string) {
		origin(t, dir)
		shell(t, dir, "git clone -q file://"+dir+"/origin c")
	}
	holds := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, r *module.Result) {
			t.Helper()
			mt.Has(t, dir+"/c/f", want)
			if have := shell(t, dir+"/c", "git rev-parse HEAD"); r.Get("after") != have {
				t.Errorf("after is %v, not %s", r.Get("after"), have)
			}
		}
	}
	const args = `{"repo": "$DIR/origin", "dest": "$DIR/c", `
	mt.Run(t, &Module, []mt.Case{
		{Name: "clone", Setup: origin, Args: args + `"version": "HEAD"}`, Changed: true, Stirs: true, Verify: holds("two\n")},
		{Name: "branch", Setup: origin, Args: args + `"version": "side", "remote": "up"}`, Changed: true, Stirs: true, Verify: holds("side\n")},
		{Name: "tag", Setup: origin, Args: args + `"version": "v1", "depth": 1, "single_branch": true}`, Changed: true, Stirs: true, Verify: holds("one\n")},
		{Name: "same", Setup: cloned, Args: args + `"version": "main"}`, Stirs: true, Verify: holds("two\n")},
		{Name: "new commit", Setup: func(t *testing.T, dir string) {
			cloned(t, dir)
			shell(t, dir+"/origin", "echo three >f; git commit -qam three")
		}, Args: args + `"version": "main"}`, Changed: true, Stirs: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			holds("three\n")(t, dir, r)
			if d, _ := r.Diff.(*value.Map); !strings.Contains(value.Str(d.At("prepared")), "+three") {
				t.Errorf("diff %v", r.Diff)
			}
		}},
		{Name: "other branch", Setup: cloned, Args: args + `"version": "side"}`, Changed: true, Stirs: true, Verify: holds("side\n")},
		{Name: "no update", Setup: cloned, Args: args + `"version": "side", "update": false}`, Verify: holds("two\n")},
		{Name: "changed there", Setup: func(t *testing.T, dir string) {
			cloned(t, dir)
			mt.Write(t, dir, "c/f", "mine\n")
		}, Args: args + `"version": "main"}`, Fails: "Local modifications exist in the destination: "},
		{Name: "changed there, forced", Setup: func(t *testing.T, dir string) {
			cloned(t, dir)
			mt.Write(t, dir, "c/f", "mine\n")
		}, Args: args + `"force": true}`, Changed: true, Stirs: true, Blind: true, NoDiff: true, Verify: holds("two\n")},
		{Name: "submodule", Setup: origin, Args: args + `"version": "with"}`, Changed: true, Stirs: true, Verify: func(t *testing.T, dir string, _ *module.Result) {
			mt.Has(t, dir+"/c/s/s", "s\n")
		}},
		{Name: "bare", Setup: origin, Args: args + `"bare": true, "version": "main"}`, Changed: true, Stirs: true},
		{Name: "apart", Setup: origin, Args: args + `"separate_git_dir": "$DIR/g"}`, Changed: true, Stirs: true, Verify: holds("two\n")},
		{Name: "moved apart", Setup: cloned, Args: args + `"separate_git_dir": "$DIR/g"}`, Changed: true, Stirs: true, NoDiff: true, Verify: holds("two\n")},
		{Name: "moved apart into a folder to come", Setup: cloned, Args: args + `"separate_git_dir": "$DIR/new/g"}`, Changed: true, Stirs: true, NoDiff: true, Verify: holds("two\n")},
		{Name: "moved apart and changed there", Setup: func(t *testing.T, dir string) {
			cloned(t, dir)
			mt.Write(t, dir, "c/f", "mine\n")
		}, Args: args + `"separate_git_dir": "$DIR/g"}`, Fails: "Local modifications exist in the destination: ", Verify: func(t *testing.T, dir string, r *module.Result) {
			if !r.Changed || r.Get("git_dir_now") != dir+"/g" {
				t.Errorf("%v", r.ToMap())
			}
		}},
		{Name: "archive", Setup: cloned, Args: args + `"archive": "$DIR/a.tar"}`, Changed: true, Stirs: true, NoDiff: true, Blind: true, Verify: func(t *testing.T, dir string, _ *module.Result) {
			if list := shell(t, dir, "tar tf a.tar"); list != "f" {
				t.Errorf("the archive holds %q", list)
			}
		}},
		{Name: "archive of no kind", Setup: cloned, Args: args + `"archive": "$DIR/a.x"}`, Fails: "Unable to get file extension from archive file name"},
		{Name: "umask", Setup: origin, Args: args + `"umask": "077"}`, Changed: true, Stirs: true, Verify: func(t *testing.T, dir string, _ *module.Result) { mt.Mode(t, dir+"/c/f", 0o600) }},
		{Name: "umask for what git does not write", Setup: cloned, Args: args + `"umask": "077", "separate_git_dir": "$DIR/new/g", "archive": "$DIR/a.tar"}`, Changed: true, Stirs: true, Blind: true, NoDiff: true, Verify: func(t *testing.T, dir string, _ *module.Result) {
			mt.Mode(t, dir+"/new", 0o700)
			mt.Mode(t, dir+"/c/.git", 0o600)
			mt.Mode(t, dir+"/a.tar", 0o600)
		}},
		{Name: "umask and no repository", Args: args + `"umask": "077"}`, Fails: "does not appear to be a git repository", Verify: func(t *testing.T, _ string, r *module.Result) {
			if cmd, _ := r.Get("cmd").(string); strings.Contains(cmd, "/bin/sh") {
				t.Errorf("cmd is %q", cmd)
			}
		}},
		{Name: "umask as a number", Args: args + `"umask": 77}`, Fails: "umask must be defined as a quoted octal integer"},
		{Name: "no version", Setup: origin, Args: args + `"version": "nowhere"}`, Fails: "Failed to checkout nowhere", Verify: func(t *testing.T, _ string, r *module.Result) {
			if cmd, _ := r.Get("cmd").(string); !strings.HasSuffix(cmd, "git checkout --force nowhere") {
				t.Errorf("cmd is %q", cmd)
			}
		}},
		{Name: "no repository", Args: args + `"version": "x"}`, Fails: "does not appear to be a git repository"},
		{Name: "nothing there yet", Setup: func(t *testing.T, dir string) { shell(t, dir, "git init -q --bare origin") }, Args: args + `"clone": false}`, Fails: "Could not determine remote revision for HEAD"},
		{Name: "no program", Setup: cloned, Args: args + `"executable": "$DIR/none"}`, Fails: "[Errno 2] No such file or directory: b'"},
		{Name: "no dest", Args: `{"repo": "x"}`, Fails: "the destination directory must be specified unless clone=no"},
	})
}

// Commands stay out of the way of those who only ask.
func TestLook(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not here")
	}
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	mt.Write(t, dir, ".gitconfig", "[user]\nname=t\nemail=t@example.org\n[protocol \"file\"]\nallow=always\n")
	origin(t, dir)
	r := mt.Call(t, &Module, mt.Args(t, dir, `{"repo": "$DIR/origin", "clone": false, "version": "v1"}`), mt.Options{})
	if want := shell(t, filepath.Join(dir, "origin"), "git rev-parse v1^{}"); r.Get("after") != want {
		t.Errorf("%s, want %s", value.Repr(r.ToMap()), want)
	}
}

// A check tells of a version what a run would find out of it.
func TestForeseen(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not here")
	}
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	mt.Write(t, dir, ".gitconfig", "[user]\nname=t\nemail=t@example.org\n[protocol \"file\"]\nallow=always\n")
	origin(t, dir)
	shell(t, dir, "git clone -q file://"+dir+"/origin c; cd origin; echo three >f; git commit -qam three")
	call := func(repo, version string) *module.Result {
		args := mt.Args(t, dir, `{"repo": "$DIR/`+repo+`", "dest": "$DIR/c", "version": "`+version+`"}`)
		return mt.Call(t, &Module, args, mt.Options{Check: true, Diff: true})
	}
	short := shell(t, dir+"/origin", "git rev-parse --short HEAD")
	for version, want := range map[string]string{short: "+three", "nowhere": "unknown revision"} {
		if d, _ := call("origin", version).Diff.(*value.Map); !strings.Contains(value.Str(d.At("prepared")), want) {
			t.Errorf("%s: diff %v", version, value.Repr(d))
		}
	}
	if r := call("none", short); !r.Failed || !strings.HasPrefix(r.Msg, "Failed to download remote objects and refs: ") {
		t.Errorf("no repository: %v", r.ToMap())
	}
}

func TestSigner(t *testing.T) {
	for text, want := range map[string]string{
		"[GNUPG:] NEWSIG\n[GNUPG:] VALIDSIG AAAA 2020 1 0 4 0 1 8 00 BBBB\n": "BBBB",
		"[GNUPG:] BADSIG x y\n": "",
	} {
		if got := signer(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
