// Package tempfile is the module that makes a temporary file or directory.
package tempfile

import (
	"context"
	"os"
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
	pattern := args.String("prefix") + "*" + args.String("suffix")
	var path string
	var err error
	if args.String("state") == "directory" {
		path, err = os.MkdirTemp(dir, pattern)
	} else {
		var f *os.File
		if f, err = os.CreateTemp(dir, pattern); err == nil {
			path, err = f.Name(), f.Close()
		}
	}
	if err != nil {
		return module.Fail("%s", err)
	}
	r := module.OK().Set("path", path)
	r.Changed = true
	files.AddInfo(r, path)
	return r
}
