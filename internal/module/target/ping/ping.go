// Package ping is the module that answers, to show that modules can run.
package ping

import (
	"context"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/parallel"
)

// Module answers pong.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.ping",
		Summary: "Answers, to show that modules can run on the target.",
		Params:  []module.Param{{Name: "data", Default: "pong", Doc: "The answer; crash fails."}},
		Hints:   []parallel.Hint{parallel.Free()},
		Check:   module.Full, Diff: module.None,
		Returns: []module.Return{{Name: "ping", When: "success", Doc: "The answer."}},
	},
	Run: func(_ context.Context, _ *module.Env, args module.Args) *module.Result {
		if args.String("data") == "crash" {
			// What a module leaves behind that ends in an exception, as this one
			// is asked to.
			return module.Fail("MODULE FAILURE\nSee stdout/stderr for the exact error").
				Set("module_stdout", "").Set("module_stderr", "Exception: boom\n").Set("exception", "Exception: boom\n").Set("rc", 1)
		}
		return module.OK().Set("ping", args.String("data"))
	},
}
