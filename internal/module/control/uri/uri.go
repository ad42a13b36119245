// Package uri is the control half of uri: it finds the files to send.
package uri

import (
	"context"
	"fmt"

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

// plan finds the files first: that they are not there is said in check mode, too.
func plan(cache *source.Cache, c module.Controller, args module.Args) (*module.Plan, error) {
	call, err := prepare(cache, c, args)
	switch {
	case err != nil:
		return nil, err
	case c.Check():
		return &module.Plan{Done: module.NoCheckMode("ansible.legacy.uri")}, nil
	}
	return &module.Plan{Call: call}, nil
}

func prepare(cache *source.Cache, c module.Controller, args module.Args) (*module.Call, error) {
	call := &module.Call{Module: target.Spec.Name, Args: value.NewMap(8), Files: map[module.Digest]module.File{}}
	for _, p := range target.Spec.Params {
		if args.Given(p.Name) {
			call.Args.Set(p.Name, args.Any(p.Name))
		}
	}
	if args.Bool("remote_src") {
		return call, nil
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
	if args.String("body_format") == "form-multipart" {
		fields, ok := args.Any("body").(*value.Map)
		if !ok {
			kind := value.TypeName(args.Any("body"))
			if text, ok := args.Any("body").(string); ok {
				kind = value.WrittenType(text)
			}
			return nil, fmt.Errorf("body must be mapping, cannot be type %s", kind)
		}
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
	return call, nil
}
