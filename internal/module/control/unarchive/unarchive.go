// Package unarchive is the control half of unarchive: it finds the archive.
package unarchive

import (
	"context"
	"errors"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/source"
	target "github.com/tutti-run/tutti/internal/module/target/unarchive"
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
	if args.Given("copy") && args.Given("remote_src") {
		return nil, errors.New("parameters are mutually exclusive: ('copy', 'remote_src')")
	}
	call := &module.Call{Module: target.Spec.Name, Args: value.NewMap(8)}
	for _, p := range target.Spec.Params {
		if args.Given(p.Name) && p.Name != "decrypt" {
			call.Args.Set(p.Name, args.Any(p.Name))
		}
	}
	if args.Bool("remote_src") || args.Given("copy") && !args.Bool("copy") {
		return &module.Plan{Call: call}, nil
	}
	path, digest, file, err := find(cache, c, args)
	if err != nil {
		if !args.Has("creates") {
			return nil, err
		}
		// Where what it creates is there, the archive need not be.
		call.Args.Set("_lacking", err.Error())
		return &module.Plan{Call: call}, nil
	}
	call.Args.Set("_digest", string(digest))
	call.Args.Set("_name", path)
	call.Files = map[module.Digest]module.File{digest: file}
	return &module.Plan{Call: call}, nil
}

func find(cache *source.Cache, c module.Controller, args module.Args) (string, module.Digest, module.File, error) {
	path, err := c.FindFile("files", args.String("src"))
	if err != nil {
		return "", "", module.File{}, err
	}
	digest, file, err := cache.File(c, path, args.Bool("decrypt"))
	return path, digest, file, err
}
