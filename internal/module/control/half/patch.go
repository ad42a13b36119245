package half

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/source"
	"github.com/tutti-run/tutti/internal/value"
)

// newPatch brings the patch file of ansible.posix.patch to the target.
func newPatch(cache *source.Cache) *module.Half {
	return &module.Half{
		Action: "ansible.posix.patch", NoAsync: true,
		Plan: func(_ context.Context, c module.Controller, name module.Name, args *value.Map) (*module.Plan, error) {
			if args.At("src") == nil {
				return nil, errors.New("src is required")
			}
			if module.Truth(args.At("remote_src")) {
				return call(name, args), nil
			}
			path, err := c.FindFile("files", value.Str(args.At("src")))
			if err != nil {
				return nil, err
			}
			digest, file, err := cache.File(c, path, false)
			if err != nil {
				return nil, err
			}
			plan := call(name, with(args, "src", module.Sent{Digest: digest, Name: filepath.Base(path)}))
			plan.Call.Files = map[module.Digest]module.File{digest: file}
			return plan, nil
		},
	}
}
