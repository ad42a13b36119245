package file

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func TestContract(t *testing.T) {
	mt.Run(t, &Module, []mt.Case{
		{
			Name: "directories", Args: `{"path": "$DIR/a/b", "state": "directory", "mode": "0750"}`, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Mode(t, filepath.Join(dir, "a"), 0o750)
				mt.Mode(t, filepath.Join(dir, "a/b"), 0o750)
				if r.Get("state") != "directory" || r.Get("mode") != "0750" || r.Get("path") != filepath.Join(dir, "a/b") {
					t.Errorf("result %s", value.Repr(r.ToMap()))
				}
			},
		},
		{
			Name: "mode of a file as number", Args: `{"path": "$DIR/f", "mode": 420}`, Changed: true,
			Setup: func(t *testing.T, dir string) { os.Chmod(mt.Write(t, dir, "f", "x"), 0o600) },
			Verify: func(t *testing.T, dir string, r *module.Result) {
				mt.Mode(t, filepath.Join(dir, "f"), 0o644)
				after := r.Diff.(*value.Map).At("after").(*value.Map)
				if after.At("mode") != "0644" {
					t.Errorf("diff %s", value.Repr(r.Diff))
				}
			},
		},
		{
			Name: "symbolic mode, recursive", Args: `{"path": "$DIR/d", "state": "directory", "recurse": true, "mode": "u=rwX,go=rX"}`, Changed: true,
			Setup: func(t *testing.T, dir string) {
				os.Chmod(mt.Write(t, dir, "d/f", "x"), 0o600)
				os.Chmod(mt.Write(t, dir, "d/s", "x"), 0o700)
				link(t, "f", filepath.Join(dir, "d/l"))
			},
			Verify: func(t *testing.T, dir string, _ *module.Result) {
				mt.Mode(t, filepath.Join(dir, "d/f"), 0o644)
				mt.Mode(t, filepath.Join(dir, "d/s"), 0o755)
			},
		},
		{Name: "nothing to do", Args: `{"path": "$DIR/f"}`, Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "") }},
		{Name: "absent already", Args: `{"path": "$DIR/f", "state": "absent"}`},
		{
			Name: "remove a tree", Args: `{"path": "$DIR/d", "state": "absent"}`, Changed: true,
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "d/e/f", "x") },
			Verify: func(t *testing.T, dir string, r *module.Result) {
				if _, err := os.Lstat(filepath.Join(dir, "d")); err == nil {
					t.Error("it is still there")
				}
			},
		},
		{
			Name: "link", Args: `{"dest": "$DIR/l", "src": "f", "state": "link"}`, Changed: true,
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "x") },
			Verify: func(t *testing.T, dir string, r *module.Result) {
				if got, _ := os.Readlink(filepath.Join(dir, "l")); got != "f" {
					t.Errorf("link to %q", got)
				}
				if r.Get("src") != "f" || r.Get("dest") != filepath.Join(dir, "l") || r.Get("state") != "link" {
					t.Errorf("result %s", value.Repr(r.ToMap()))
				}
			},
		},
		{
			Name: "link elsewhere", Args: `{"dest": "$DIR/l", "src": "$DIR/g", "state": "link"}`, Changed: true,
			Setup: func(t *testing.T, dir string) {
				mt.Write(t, dir, "f", "x")
				mt.Write(t, dir, "g", "x")
				link(t, "f", filepath.Join(dir, "l"))
			},
		},
		{Name: "link to nothing", Args: `{"dest": "$DIR/l", "src": "none", "state": "link"}`, Fails: `src file does not exist, use "force=yes" if you really want to create the link: `},
		{Name: "link to nothing by force", Args: `{"dest": "$DIR/l", "src": "none", "state": "link", "force": true, "follow": false}`, Changed: true},
		{Name: "file in the way of a link", Args: `{"dest": "$DIR/f", "src": "/", "state": "link"}`, Fails: "refusing to convert from file to symlink for",
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "x") }},
		{Name: "file in the way of a link by force", Args: `{"dest": "$DIR/f", "src": "/", "state": "link", "force": true}`, Changed: true,
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "x") }},
		{Name: "full directory in the way", Args: `{"dest": "$DIR/d", "src": "/", "state": "link", "force": true}`, Fails: "is not empty, refusing to convert it",
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "d/f", "x") }},
		{Name: "hard link", Args: `{"dest": "$DIR/h", "src": "$DIR/f", "state": "hard"}`, Changed: true,
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "x") }},
		{Name: "other hard link", Args: `{"dest": "$DIR/h", "src": "$DIR/f", "state": "hard"}`, Fails: "Cannot link, file exists at destination",
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "x"); mt.Write(t, dir, "h", "y") }},
		{Name: "touch new", Args: `{"path": "$DIR/t", "state": "touch"}`, Changed: true, Again: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				if r.Get("dest") != filepath.Join(dir, "t") || r.Get("size") != 0 {
					t.Errorf("result %s", value.Repr(r.ToMap()))
				}
			}},
		{Name: "touch keeping times", Args: `{"path": "$DIR/t", "state": "touch", "modification_time": "preserve", "access_time": "preserve"}`,
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "t", "") }},
		{Name: "given time", Args: `{"path": "$DIR/t", "modification_time": "202001020304.05", "access_time": "2020-01-02", "access_time_format": "%Y-%m-%d"}`, Changed: true, Again: true, // reading moves the access time
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "t", "") },
			Verify: func(t *testing.T, dir string, r *module.Result) {
				fi, err := os.Stat(filepath.Join(dir, "t"))
				if want := time.Date(2020, 1, 2, 3, 4, 5, 0, time.Local); err != nil || !fi.ModTime().Equal(want) {
					t.Errorf("time %v, want %v", fi.ModTime(), want)
				}
			}},
		{Name: "bad time", Args: `{"path": "$DIR/t", "state": "touch", "modification_time": "soon"}`, Fails: "Error while obtaining timestamp for time soon using format %Y%m%d%H%M.%S"},
		{Name: "file that is not there", Args: `{"path": "$DIR/none", "state": "file"}`, Fails: "is absent, cannot continue"},
		{Name: "directory where a file is", Args: `{"path": "$DIR/f", "state": "directory"}`, Fails: "already exists as a file",
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "") }},
		{Name: "recurse on a file", Args: `{"path": "$DIR/f", "state": "file", "recurse": true}`, Fails: "recurse option requires state to be 'directory'"},
		{Name: "absent whatever its times", Args: `{"path": "$DIR/f", "state": "absent", "access_time": "never"}`, Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "") }, Changed: true},
		{Name: "times that are none", Args: `{"path": "$DIR/f", "state": "touch", "access_time": "it's"}`, Fails: "time data \"it's\" does not match format '%Y%m%d%H%M.%S'"},
		{Name: "a folder and a src with a slash", Args: `{"path": "$DIR", "state": "hard", "src": "/x/"}`, Fails: "src does not exist", Verify: func(t *testing.T, dir string, r *module.Result) {
			if r.Get("dest") != dir {
				t.Errorf("dest is %v", r.Get("dest"))
			}
		}},
		{Name: "src without link", Args: `{"path": "$DIR/f", "src": "/x", "state": "file"}`, Fails: "src option requires state to be 'link' or 'hard'"},
		{Name: "bad mode", Args: `{"path": "$DIR/f", "mode": "u+q"}`, Fails: "mode must be in octal or symbolic form",
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "") }},
		{Name: "bad owner", Args: `{"path": "$DIR/f", "owner": "nosuchuser"}`, Fails: "chown failed: failed to look up user nosuchuser",
			Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "") }},
		{Name: "bad state", Args: `{"path": "$DIR/f", "state": "present"}`, Fails: "value of state must be one of: absent, directory, file, hard, link, touch, got: present"},
	})
}
