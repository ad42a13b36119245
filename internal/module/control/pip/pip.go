// Package pip is the control half of pip: it tells the target which Python the
// task is for.
package pip

import (
	"context"
	"path"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/backend"
	target "github.com/tutti-run/tutti/internal/module/target/pip"
)

// Module is the control half.
var Module = module.Control{Spec: target.Spec, Plan: plan}

func plan(_ context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	call := backend.Pass(target.Spec.Name, args)
	// A name, or one of the words for discovery, leaves the choice to the target.
	if python, ok := c.Var("ansible_python_interpreter").(string); ok && path.IsAbs(python) {
		call.Args.Set("_python", python)
	}
	return &module.Plan{Call: call}, nil
}
