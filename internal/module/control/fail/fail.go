// Package fail is the module that fails with a message.
package fail

import (
	"context"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/parallel"
)

// Module fails with a message.
var Module = module.Control{
	Spec: module.Spec{
		Name: "ansible.builtin.fail", Action: true,
		Summary: "Fails with a message.",
		Params: []module.Param{
			{Name: "msg", Type: module.Raw, Default: "Failed as requested from task", Doc: "The message."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
	},
	Plan: func(_ context.Context, _ module.Controller, args module.Args) (*module.Plan, error) {
		return &module.Plan{Done: (&module.Result{Failed: true}).Set("msg", args.Any("msg"))}, nil
	},
}
