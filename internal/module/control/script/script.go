// Package script is the control half of script: it finds the script.
package script

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/source"
	target "github.com/tutti-run/tutti/internal/module/target/script"
	"github.com/tutti-run/tutti/internal/value"
)

// New makes the control half; digests are kept in cache.
func New(cache *source.Cache) *module.Control {
	return &module.Control{
		Spec: target.Spec,
		Plan: func(_ context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
			return plan(cache, c, args)
		},
	}
}

func plan(cache *source.Cache, c module.Controller, args module.Args) (*module.Plan, error) {
	call, err := prepare(cache, c, args)
	if err != nil && (args.Has("creates") || args.Has("removes")) {
		// What is wrong with a script does not matter where it is not to run, and
		// that is for the target to say.
		call, err = &module.Call{Module: target.Spec.Name, Args: value.MapOf("_wrong", err.Error())}, nil
	}
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"chdir", "creates", "removes", "executable"} {
		if args.Given(name) {
			call.Args.Set(name, args.Any(name))
		}
	}
	return &module.Plan{Call: call}, nil
}

func prepare(cache *source.Cache, c module.Controller, args module.Args) (*module.Call, error) {
	words, err := files.SplitCommand(strings.TrimSpace(args.String("cmd")))
	if err != nil {
		return nil, fmt.Errorf("cannot split %q into words: %w", args.String("cmd"), err)
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("script needs the name of a script")
	}
	if dir := args.String("chdir"); dir != "" && !strings.HasPrefix(dir, "/") {
		return nil, fmt.Errorf("chdir %s must be an absolute path for a Unix-aware remote node", dir)
	}
	path, err := c.FindFile("files", words[0])
	if err != nil {
		return nil, err
	}
	if files.IsDir(path) {
		return nil, source.NoFile(path)
	}
	digest, file, err := cache.File(c, path, args.Bool("decrypt"))
	if err != nil {
		return nil, err
	}
	return &module.Call{
		Module: target.Spec.Name,
		Args: value.MapOf("cmd", args.String("cmd"), "_digest", string(digest),
			"_script", words[0], "_name", filepath.Base(path)),
		Files: map[module.Digest]module.File{digest: file},
	}, nil
}
