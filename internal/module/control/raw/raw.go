// Package raw is the module that runs a command on targets where nothing else
// can run: without an agent and without Python.
package raw

import (
	"context"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/parallel"
)

// Module runs a command without an agent.
var Module = module.Control{
	Spec: module.Spec{
		Name: "ansible.builtin.raw", Action: true,
		Summary:  "Runs a command on the target without an agent.",
		FreeForm: "free_form", AnyParams: true, // others are of no meaning
		Params: []module.Param{
			{Name: "free_form", Required: true, Aliases: []string{"cmd"}, Doc: "The command line."},
			{Name: "executable", Doc: "Shell to run it with."},
		},
		// The same as for command: its effect is unknown.
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Partial, Diff: module.None,
		Returns: []module.Return{
			{Name: "rc", Type: module.Int, When: "always", Doc: "Exit status."},
			{Name: "stdout", When: "always", Doc: "What it wrote."},
			{Name: "stderr", When: "always", Doc: "What it wrote as errors."},
		},
	},
	Plan: plan,
}

func plan(ctx context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	if c.Check() {
		return &module.Plan{Done: &module.Result{Skipped: true}}, nil
	}
	command := args.String("free_form")
	if executable := args.String("executable"); executable != "" {
		command = executable + " -c " + files.Quote(command)
	}
	stdout, stderr, rc, err := c.Raw(ctx, command)
	if err != nil {
		return nil, err
	}
	r := module.OK().Set("rc", rc).SetOutput(string(stdout), string(stderr))
	if r.Changed = true; rc != 0 {
		r.Failed, r.Msg = true, "non-zero return code"
	}
	return &module.Plan{Done: r}, nil
}
