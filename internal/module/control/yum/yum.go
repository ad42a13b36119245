// Package yum is the module yum, which hands packages to dnf where that is what the
// machine has.
package yum

import (
	"context"
	"slices"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/backend"
	"github.com/tutti-run/tutti/internal/module/target/dnf"
	"github.com/tutti-run/tutti/internal/value"
)

// Module picks the program on the controller.
var Module = module.Control{Spec: spec(), Plan: plan}

func spec() module.Spec {
	s := dnf.Module.Spec
	s.Name = dnf.Yum.Spec.Name
	s.Summary = "Installs, upgrades and removes packages with yum, or with dnf where it has taken yum's place."
	s.AnyParams = true // it is the other module that says what it does not know
	s.Rules = module.Rules{}
	s.Params = append([]module.Param{
		{Name: "use_backend", Default: "auto", Doc: "yum, or dnf, which is also called yum4; auto takes the machine's own."},
		{Name: "use", Doc: "The same, as package calls it."},
	}, s.Params...)
	return s
}

var backends = []string{"yum", "yum4", "dnf"}

func plan(ctx context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	if args.Given("use") && args.Given("use_backend") {
		return &module.Plan{Done: module.Fail("parameters are mutually exclusive: ('use', 'use_backend')")}, nil
	}
	use := args.String("use_backend")
	if args.Given("use") {
		use = args.String("use")
	}
	if use == "auto" {
		use = backend.Known(c, "pkg_mgr")
	}
	var facts *value.Map
	if !slices.Contains(backends, use) {
		var err error
		if use, err = backend.Ask(ctx, c, "pkg_mgr"); err != nil {
			return nil, err
		}
		if use != "" {
			facts = value.MapOf("pkg_mgr", use)
		}
	}
	if !slices.Contains(backends, use) {
		r := module.Fail("Could not detect which major revision of yum is in use, which is required to determine module backend. You should manually specify use_backend to tell the module whether to use the yum (yum3) or dnf (yum4) backend.")
		r.Facts = facts
		return &module.Plan{Done: r}, nil
	}
	name := dnf.Module.Spec.Name
	if use == "yum" {
		name = dnf.Yum.Spec.Name
	}
	plan := &module.Plan{Call: backend.Pass(name, args, "use", "use_backend")}
	if facts != nil {
		plan.Finish = func(r *module.Result) *module.Result {
			r.Facts = facts
			return r
		}
	}
	return plan, nil
}
