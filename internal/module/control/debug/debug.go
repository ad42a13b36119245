// Package debug is the module that shows a message or a variable.
package debug

import (
	"context"
	"errors"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module shows a message or a variable; it runs on the controller.
var Module = module.Control{
	Spec: module.Spec{
		Name: "ansible.builtin.debug", Action: true,
		Summary: "Shows a message or the value of a variable.",
		Params: []module.Param{
			{Name: "msg", Type: module.Raw, Doc: "What to show; by default a greeting."},
			{Name: "var", Type: module.Raw, AsWritten: true, Doc: "Name of the variable, or the expression, to show; not together with msg."},
			{Name: "verbosity", Type: module.Int, Default: 0, Doc: "Show only at this verbosity and above."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
	},
	Plan: plan,
}

func plan(_ context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	if args.Given("msg") && args.Given("var") {
		return &module.Plan{Done: module.Fail("'msg' and 'var' are incompatible options")}, nil
	}
	if args.Int("verbosity") > c.Verbosity() {
		return &module.Plan{Done: (&module.Result{Skipped: true}).Set("skipped_reason", "Verbosity threshold not met.")}, nil
	}
	r := module.OK().Set("_ansible_verbose_always", true)
	if err := show(c, r, args); err != nil {
		return nil, err
	}
	return &module.Plan{Done: r}, nil
}

// undefined stands for what there is not.
const undefined = "VARIABLE IS NOT DEFINED!"

func show(c module.Controller, r *module.Result, args module.Args) error {
	wanted, own, err := c.ResolveOwn(args.Any("var"))
	if err != nil {
		return err
	}
	switch v := wanted.(type) {
	case nil:
		if args.Written("msg") {
			r.Set("msg", args.Any("msg"))
		} else {
			r.Set("msg", "Hello world!")
		}
	case string:
		if !own { // text of a target is never evaluated
			r.Set(v, "{{"+v+"}}")
			return nil
		}
		shown, err := c.Expr(v)
		switch {
		case err == nil:
		case !errors.Is(err, module.ErrUndefined):
			return err
		default:
			text := undefined
			if c.Verbosity() > 0 {
				text += ": " + err.Error()
			}
			shown = text
		}
		r.Set(v, shown)
	default:
		// What holds no template is the name of nothing.
		var shown any = v
		if value.Repr(v) == value.Repr(args.Any("var")) {
			shown = undefined
		}
		r.Set("<class '"+value.TypeName(v)+"'>", shown)
	}
	return nil
}
