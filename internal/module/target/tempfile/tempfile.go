// Package tempfile is the module that makes a temporary file or directory.
package tempfile

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/parallel"
)

// Module makes a temporary file or directory.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.tempfile",
		Summary: "Makes a temporary file or directory.",
		Params: []module.Param{
			{Name: "state", Default: "file", Choices: []any{"file", "directory"}, Doc: "Which of them."},
			{Name: "path", Type: module.Path, Doc: "Where to make it; by default where the system has such files."},
			{Name: "prefix", Default: "ansible.", Doc: "How the name begins."},
			{Name: "suffix", Default: "", Doc: "How the name ends."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.None, Diff: module.None,
		Returns: []module.Return{{Name: "path", When: "success", Doc: "The file."}},
	},
	Run: run,
}

func run(_ context.Context, env *module.Env, args module.Args) *module.Result {
	if env.Check {
		return module.NoCheckMode("ansible.builtin.tempfile")
	}
	dir := args.String("path")
	for _, e := range env.Environ {
		if v, ok := strings.CutPrefix(e, "TMPDIR="); ok && dir == "" {
			dir = v
		}
	}
	if dir == "" {
		dir = os.TempDir()
	}
	path, err := fresh(dir, args.String("prefix"), args.String("suffix"), args.String("state") == "directory")
	if err != nil {
		return module.Fail("%s", files.OSError(err, path))
	}
	r := module.OK().Set("path", path)
	r.Changed = true
	files.AddInfo(r, path)
	return r
}

// fresh makes a file or directory whose name is new: what is random in it goes
// between prefix and suffix, whatever those hold.
func fresh(dir, prefix, suffix string, isDir bool) (string, error) {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789_"
	random := make([]byte, 8)
	for tries := 0; ; tries++ {
		for i := range random {
			random[i] = letters[rand.IntN(len(letters))]
		}
		path := filepath.Join(dir, prefix+string(random)+suffix)
		var err error
		if isDir {
			err = os.Mkdir(path, 0o700)
		} else {
			var f *os.File
			if f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
				err = f.Close()
			}
		}
		if !errors.Is(err, os.ErrExist) || tries == 10000 {
			return path, err
		}
	}
}
