package archive

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestContract(t *testing.T) {
	with := func(t *testing.T, dir string) {
		mt.Write(t, dir, "d/a.txt", "a")
		mt.Write(t, dir, "d/s/b.log", "b")
		mt.Write(t, dir, "c.txt", "c")
		if err := os.Symlink("a.txt", dir+"/d/l"); err != nil {
			t.Fatal(err)
		}
	}
	lists := func(command, want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) {
			t.Helper()
			cmd := exec.Command("sh", "-c", command)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			if got := strings.Join(strings.Fields(string(out)), " "); err != nil || got != want {
				t.Errorf("%s: %q, %v", command, got, err)
			}
		}
	}
	cases := []mt.Case{
		{Name: "into a folder", Setup: with, Args: `{"path": "$DIR/c.txt", "dest": "$DIR/d"}`, Fails: "Is a directory"},
		{Name: "tar", Setup: with, Args: `{"path": "$DIR/d", "dest": "$DIR/o.tar", "format": "tar", "mode": "0600"}`, Changed: true, Verify: lists("tar tf o.tar | sort", "d/a.txt d/l d/s/ d/s/b.log")},
		{Name: "gz", Setup: with, Args: `{"path": ["$DIR/d", "$DIR/c.txt"], "dest": "$DIR/o.tgz"}`, Changed: true, Verify: lists("tar tzf o.tgz | sort", "c.txt d/a.txt d/l d/s/ d/s/b.log")},
		{Name: "excluded", Setup: with, Args: `{"path": "$DIR/d", "dest": "$DIR/o.tgz", "exclusion_patterns": ["*.log"]}`, Changed: true, Verify: lists("tar tzf o.tgz | sort", "d/a.txt d/l d/s/")},
		{Name: "pattern", Setup: with, Args: `{"path": "$DIR/*", "exclude_path": "$DIR/d", "dest": "$DIR/../o.tgz"}`, Changed: true},
		{Name: "one file", Setup: with, Args: `{"path": "$DIR/c.txt"}`, Changed: true, Verify: lists("gzip -dc c.txt.gz", "c")},
		{Name: "removed", Setup: with, Args: `{"path": "$DIR/d", "dest": "$DIR/o.tgz", "remove": true}`, Changed: true, Again: true, Verify: lists("ls", "c.txt o.tgz")},
		{Name: "zip", Setup: with, Args: `{"path": "$DIR/d", "dest": "$DIR/o.zip", "format": "zip"}`, Changed: true},
		{Name: "through a link", Setup: func(t *testing.T, dir string) {
			with(t, dir)
			mt.Write(t, dir, "o", "old")
			if err := errors.Join(os.Chmod(dir+"/o", 0o640), os.Symlink("o", dir+"/link")); err != nil {
				t.Fatal(err)
			}
		}, Args: `{"path": "$DIR/c.txt", "dest": "$DIR/link", "force_archive": true}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			lists("readlink link; tar xzOf o", "o c")(t, dir, r)
			mt.Mode(t, dir+"/o", 0o640)
		}},
		{Name: "link to nothing", Setup: func(t *testing.T, dir string) {
			if err := os.Symlink("none", dir+"/l"); err != nil {
				t.Fatal(err)
			}
		}, Args: `{"path": "$DIR/l", "dest": "$DIR/o"}`, Blind: true, Fails: "Unable to write to compressed file: [Errno 2] No such file or directory: b'"},
		{Name: "nowhere to put it", Setup: with, Args: `{"path": "$DIR/c.txt", "dest": "$DIR/none/o"}`, Blind: true, Fails: "/none/o'"},
		{Name: "below a file", Setup: with, Args: `{"path": "$DIR/c.txt", "dest": "$DIR/d/a.txt/o"}`, Blind: true, Fails: "[Errno 20] Not a directory: '"},
		{Name: "wrong mode", Setup: with, Args: `{"path": "$DIR/c.txt", "dest": "$DIR/o", "mode": "preserve"}`, Fails: "mode must be in octal or symbolic form"},
		{Name: "order", Setup: func(t *testing.T, dir string) {
			with(t, dir)
			mt.Write(t, dir, "d/z/y", "")
		}, Args: `{"path": "$DIR/d/", "dest": "$DIR/o"}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			got := strings.ReplaceAll(value.Repr(r.Get("archived")), dir+"/d/", "")
			if want := "['s', 'z', 'a.txt', 'l', 's/b.log', 'z/y']"; got != want {
				t.Error(got)
			}
		}},
		{Name: "nothing there", Args: `{"path": "$DIR/none", "dest": "$DIR/o.tgz", "force_archive": true}`, Verify: func(t *testing.T, _ string, r *module.Result) {
			if r.Get("dest_state") != "absent" || len(r.Get("missing").([]any)) != 1 {
				t.Error(value.Repr(r.ToMap()))
			}
		}},
		{Name: "no dest", Setup: with, Args: `{"path": "$DIR/d"}`, Fails: "Error, must specify \"dest\""},
		{Name: "no path", Args: `{"path": "$DIR/*", "dest": "$DIR/o.tgz"}`, Fails: "Error, no source paths were found"},
		{Name: "into itself", Setup: with, Args: `{"path": "$DIR/d", "dest": "$DIR/d/o.tgz", "remove": true}`, Fails: "created archive can not be contained in source paths"},
	}
	for format, program := range map[string]string{"bz2": "bzip2", "xz": "xz"} {
		if _, err := exec.LookPath(program); err == nil {
			cases = append(cases, mt.Case{Name: format, Setup: with, Args: `{"path": "$DIR/d", "dest": "$DIR/o", "format": "` + format + `"}`, Changed: true,
				Verify: lists(program+" -dc o | tar tf - | sort", "d/a.txt d/l d/s/ d/s/b.log")})
		}
	}
	mt.Run(t, &Module, cases)
}

// TestRemove tells what could not be taken away, and goes on.
func TestRemove(t *testing.T) {
	dir := t.TempDir()
	mt.Write(t, dir, "a/b", "")
	mt.Write(t, dir, "c", "")
	stuck := dir + "/a/."
	err := (&task{dest: dir + "/o", packed: []string{stuck, dir + "/c"}, targets: []string{stuck}}).remove()
	f, ok := errors.AsType[failure](err)
	if !ok || f.result.Msg != "Error deleting some source files: " || value.Repr(f.result.Get("files")) != value.Repr([]any{stuck, stuck}) {
		t.Error(err)
	}
	if _, err := os.Stat(dir + "/c"); err == nil {
		t.Error("c is there")
	}
}
