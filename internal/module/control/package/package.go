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
		HintsFor: hints,
		Check:    module.Full, Diff: module.Full,
	},
	Plan: plan,
}

// hints are those of the package manager; as long as it is not known, those of
// all that it may be.
func hints(args module.Args, check bool) []parallel.Hint {
	rpm, dpkg := parallel.Host("rpm"), parallel.Host("dpkg")
	use := strings.TrimPrefix(args.String("use"), "ansible.builtin.")
	switch {
	case check:
		return []parallel.Hint{parallel.Free()}
	case use == "apt":
		return []parallel.Hint{dpkg}
	case use == "dnf" || use == "yum":
		return []parallel.Hint{rpm}
	case use != "auto":
		return []parallel.Hint{parallel.Host("")}
	}
	return []parallel.Hint{dpkg, rpm}
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
	if !strings.Contains(use, ".") {
		use = "ansible.builtin." + use
	}
	return &module.Plan{Call: backend.Pass(module.Name(use), args, "use")}, nil
}
