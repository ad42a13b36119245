// Package service is the control half of service: where systemd runs the
// machine it calls the module systemd, elsewhere the target half.
package service

import (
	"context"
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/backend"
	target "github.com/tutti-run/tutti/internal/module/target/service"
)

// Module is the control half.
var Module = module.Control{Spec: spec(), Plan: plan}

func spec() module.Spec {
	s := target.Spec
	s.AnyParams = true // another service manager may take more
	s.Params = append([]module.Param{
		{Name: "use", Default: "auto", Doc: "The service manager's module; auto takes the one that fits the machine."},
	}, s.Params...)
	return s
}

func plan(ctx context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	use := args.String("use")
	if use == "auto" {
		var err error
		if use, err = backend.Detect(ctx, c, "service_mgr"); err != nil {
			return nil, err
		}
	}
	switch strings.TrimPrefix(use, "ansible.builtin.") {
	case "systemd":
	case "sysvinit":
		return &module.Plan{Call: backend.Pass("ansible.builtin.sysvinit", args, "use"), Passes: "ansible.builtin.sysvinit"}, nil
	default:
		return &module.Plan{Call: backend.Pass(target.Spec.Name, args, "use")}, nil
	}
	var ignored []string
	for _, name := range []string{"pattern", "runlevel", "sleep", "arguments"} {
		if args.Given(name) {
			ignored = append(ignored, fmt.Sprintf("Ignoring %q as it is not used in \"systemd\"", name))
		}
	}
	plan := &module.Plan{Call: backend.Pass("ansible.builtin.systemd", args, "use", "pattern", "runlevel", "sleep", "arguments"), Passes: "ansible.builtin.systemd"}
	if ignored != nil {
		plan.Finish = func(r *module.Result) *module.Result {
			r.Warnings = append(r.Warnings, ignored...)
			return r
		}
	}
	return plan, nil
}
