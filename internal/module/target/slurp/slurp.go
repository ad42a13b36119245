// Package slurp is the module that returns a file's content.
package slurp

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/parallel"
)

// Module returns a file's content in base64.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.slurp",
		Summary: "Returns the content of a file in base64.",
		Params:  []module.Param{{Name: "src", Type: module.Path, Required: true, Aliases: []string{"path"}, Doc: "The file."}},
		Hints:   []parallel.Hint{parallel.Free()},
		Check:   module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "content", When: "success", Doc: "The content in base64."},
			{Name: "encoding", When: "success", Doc: "base64."},
			{Name: "source", When: "success", Doc: "The file."},
		},
	},
	Run: run,
}

func run(_ context.Context, _ *module.Env, args module.Args) *module.Result {
	src := args.String("src")
	data, err := os.ReadFile(src)
	switch fi, statErr := os.Stat(src); {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		return module.Fail("file not found: %s", src)
	case errors.Is(err, fs.ErrPermission):
		return module.Fail("file is not readable: %s", src)
	case statErr == nil && fi.IsDir():
		return module.Fail("source is a directory and must be a file: %s", src)
	default:
		return module.Fail("unable to slurp file: %s", files.OSError(err, src))
	}
	return module.OK().Set("content", base64.StdEncoding.EncodeToString(data)).Set("source", src).Set("encoding", "base64")
}
