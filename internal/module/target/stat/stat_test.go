package stat

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func has(want ...any) func(*testing.T, string, *module.Result) {
	return func(t *testing.T, _ string, r *module.Result) {
		t.Helper()
		m := r.Get("stat").(*value.Map)
		for i := 0; i < len(want); i += 2 {
			if got := value.Repr(m.At(want[i])); got != want[i+1] {
				t.Errorf("%s = %s, want %s", want[i], got, want[i+1])
			}
		}
	}
}

func TestContract(t *testing.T) {
	setup := func(t *testing.T, dir string) {
		os.Chmod(mt.Write(t, dir, "f", "hi\n"), 0o640)
		if err := os.Symlink("f", filepath.Join(dir, "l")); err != nil {
			t.Fatal(err)
		}
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "file", Setup: setup, Args: `{"path": "$DIR/f", "get_md5": true}`,
			Verify: has("exists", "True", "isreg", "True", "isdir", "False", "mode", "'0640'", "size", "3", "wusr", "True", "wgrp", "False", "rgrp", "True",
				"checksum", "'55ca6286e3e4f4fba5d0448333fa99fc5a404a73'", "md5", "'764efa883dda1e11db47671c4a3bbd9e'", "nlink", "1")},
		{Name: "sha256", Setup: setup, Args: `{"path": "$DIR/f", "checksum_algo": "sha256", "mime": false}`,
			Verify: has("checksum", "'98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4'", "mimetype", "None", "md5", "None")},
		{Name: "link", Setup: setup, Args: `{"path": "$DIR/l"}`, Verify: has("islnk", "True", "lnk_target", "'f'", "checksum", "None", "mode", "'0777'")},
		{Name: "followed link", Setup: setup, Args: `{"path": "$DIR/l", "follow": true}`, Verify: has("islnk", "False", "isreg", "True", "lnk_target", "None")},
		{Name: "nothing", Args: `{"path": "$DIR/none"}`, Verify: has("exists", "False", "path", "None")},
		{Name: "below a file", Setup: setup, Args: `{"path": "$DIR/f/x"}`, Fails: "Not a directory"},
	})
}
