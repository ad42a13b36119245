package half

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// maxDiff is how long a file may be, in bytes, for its content to be in a diff:
// Ansible's default for max_diff_size.
const maxDiff = 104448

// copyInto makes the diff of community.docker.docker_container_copy_into readable:
// the module scrambles it, so that no secret's rule for output changes it.
func copyInto() *module.Half {
	return &module.Half{
		Action: "community.docker.docker_container_copy_into",
		Plan: func(_ context.Context, _ module.Controller, name module.Name, args *value.Map) (*module.Plan, error) {
			plan := call(name, with(args, "_max_file_size_for_diff", maxDiff))
			plan.Finish = func(r *module.Result) *module.Result {
				if d, ok := r.Diff.(*value.Map); ok && d.At("scrambled_diff") != nil {
					if err := unscramble(d); err != nil {
						r.Diff = nil
						r.Warnings = append(r.Warnings, fmt.Sprintf("the diff of %s cannot be read: %s", name, err))
					}
				}
				return r
			}
			return plan, nil
		},
	}
}

func unscramble(diff *value.Map) error {
	key, err := base64.StdEncoding.DecodeString(value.Str(diff.At("scrambled_diff")))
	if err != nil {
		return err
	}
	if len(key) == 0 {
		return fmt.Errorf("it has no key")
	}
	diff.Delete("scrambled_diff")
	for _, side := range []string{"before", "after"} {
		if !diff.Has(side) {
			continue
		}
		text, ok := strings.CutPrefix(value.Str(diff.At(side)), "=S=")
		if !ok {
			return fmt.Errorf("%s is not scrambled", side)
		}
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return err
		}
		for i := range data {
			data[i] ^= key[0]
		}
		diff.Set(side, string(data))
	}
	return nil
}
