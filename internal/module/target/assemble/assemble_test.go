package assemble

import (
	"errors"
	"os"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	setup := func(t *testing.T, dir string) {
		mt.Write(t, dir, "s/2", "two")
		mt.Write(t, dir, "s/1", "one\n")
		mt.Write(t, dir, "s/3.x", "three\n")
		mt.Write(t, dir, "s/.h", "hidden\n")
		mt.Write(t, dir, "s/d/4", "four\n")
	}
	out := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, r *module.Result) { mt.Has(t, dir+"/out", want) }
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "all", Setup: setup, Args: `{"src": "$DIR/s", "dest": "$DIR/out", "mode": "0600"}`, Changed: true, Verify: out("hidden\none\ntwo\nthree\n")},
		{Name: "some", Setup: setup, Args: `{"src": "$DIR/s", "dest": "$DIR/out", "ignore_hidden": true, "regexp": "^\\d$", "delimiter": "\\n---"}`, Changed: true, Verify: out("one\n\n---\ntwo")},
		{Name: "link", Setup: func(t *testing.T, dir string) {
			setup(t, dir)
			mt.Write(t, dir, "old", "old")
			if err := errors.Join(os.Chmod(dir+"/old", 0o640), os.Symlink("old", dir+"/out")); err != nil {
				t.Fatal(err)
			}
		}, Args: `{"src": "$DIR/s", "dest": "$DIR/out", "regexp": "1"}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			mt.Has(t, dir+"/old", "old")
			mt.Has(t, dir+"/out", "one\n")
			mt.Mode(t, dir+"/out", 0o640)
			if r.Get("state") != "file" {
				t.Error(r.Get("state"))
			}
		}},
		{Name: "into a directory", Setup: setup, Args: `{"src": "$DIR/s", "dest": "$DIR/s/d", "validate": "false %s", "backup": true}`, Fails: "attempted to take checksum of directory: "},
		{Name: "validates nothing", Setup: func(t *testing.T, dir string) {
			setup(t, dir)
			mt.Write(t, dir, "out", "one\n")
		}, Args: `{"src": "$DIR/s", "dest": "$DIR/out", "regexp": "1", "validate": "true"}`, Fails: "validate must contain %s: true"},
		{Name: "no directory", Args: `{"src": "$DIR/s", "dest": "$DIR/out"}`, Fails: "does not exist"},
		{Name: "not valid", Setup: setup, Args: `{"src": "$DIR/s", "dest": "$DIR/out", "validate": "grep -q nine %s"}`, Fails: "failed to validate: rc:1 error:"},
		{Name: "bad pattern", Setup: setup, Args: `{"src": "$DIR/s", "dest": "$DIR/out", "regexp": "("}`, Fails: "Invalid Regexp ("},
	})
}
