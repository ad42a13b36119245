// Package pkg is the module package, which hands packages to the module of the
// machine's own package manager.
package pkg

import (
	"context"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/backend"
	"github.com/tutti-run/tutti/parallel"
)

// Module picks the package manager on the controller.
var Module = module.Control{
	Spec: module.Spec{
		Name:      "ansible.builtin.package",
		Summary:   "Manages packages with the machine's own package manager.",
		AnyParams: true,
		Params: []module.Param{
			{Name: "use", Default: "auto", Doc: "The package manager's module; auto takes the one that fits the machine."},
		},
		// Those of the package manager's module, which does the work, come on top.
		Hints:   []parallel.Hint{parallel.Free()},
		HintDoc: "those of the package manager's module: HostExclusive(dpkg) for apt, HostExclusive(rpm) for dnf",
		Check:   module.Full, Diff: module.Full,
	},
	Plan: plan,
}

func plan(ctx context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	use := args.String("use")
	if use == "auto" {
		var err error
		if use, err = backend.Detect(ctx, c, "pkg_mgr"); err != nil {
			return nil, err
		}
	}
	if use == "" || use == "auto" || use == "unknown" {
		return &module.Plan{Done: module.Fail("Could not detect which package manager to use. Try gathering facts or setting the \"use\" option.")}, nil
	}
	name := use
	if !strings.Contains(name, ".") {
		name = "ansible.builtin." + name
	}
	return &module.Plan{Call: backend.Pass(module.Name(name), args, "use"), Passes: use}, nil
}
