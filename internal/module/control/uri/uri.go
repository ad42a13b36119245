// Package uri is the control half of uri: it finds the files to send.
package uri

import (
	"context"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/source"
	target "github.com/tutti-run/tutti/internal/module/target/uri"
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
	if c.Check() {
		return &module.Plan{Done: module.NoCheckMode("ansible.legacy.uri")}, nil
	}
	call := &module.Call{Module: target.Spec.Name, Args: value.NewMap(8), Files: map[module.Digest]module.File{}}
	for _, p := range target.Spec.Params {
		if args.Given(p.Name) {
			call.Args.Set(p.Name, args.Any(p.Name))
		}
	}
	if args.Bool("remote_src") {
		return &module.Plan{Call: call}, nil
	}
	add := func(name string) (string, error) {
		path, err := c.FindFile("files", name)
		if err != nil {
			return "", err
		}
		digest, file, err := cache.File(c, path, true)
		if err != nil {
			return "", err
		}
		call.Files[digest] = file
		return string(digest), nil
	}
	if src := args.String("src"); src != "" {
		digest, err := add(src)
		if err != nil {
			return nil, err
		}
		call.Args.Set("_src", digest)
	}
	fields, _ := args.Any("body").(*value.Map)
	if args.String("body_format") == "form-multipart" && fields != nil {
		digests := value.NewMap(0)
		for field, v := range fields.Strings() {
			part, _ := v.(*value.Map)
			name, _ := part.At("filename").(string)
			if name == "" || part.At("content") != nil {
				continue
			}
			digest, err := add(name)
			if err != nil {
				return nil, err
			}
			digests.Set(field, digest)
		}
		call.Args.Set("_files", digests)
	}
	return &module.Plan{Call: call}, nil
}
