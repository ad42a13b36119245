// Package assert is the module that fails unless conditions hold.
package assert

import (
	"context"
	"errors"
	"fmt"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module fails unless all conditions hold.
var Module = module.Control{
	Spec: module.Spec{
		Name: "ansible.builtin.assert", Action: true,
		Summary: "Fails unless all of the given conditions hold.",
		Params: []module.Param{
			{Name: "that", Type: module.Raw, AsWritten: true, Doc: "Conditions, as in when; this has to be there."},
			{Name: "fail_msg", Type: module.Raw, Doc: "Message if one does not hold."},
			{Name: "msg", Type: module.Raw, Doc: "The same; fail_msg counts where there are both."},
			{Name: "success_msg", Type: module.Raw, Doc: "Message if all hold."},
			{Name: "quiet", Type: module.Raw, Default: false, Doc: "Show nothing about each success."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
	},
	Plan: plan,
}

func plan(_ context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	if !args.Written("that") {
		return nil, errors.New(`conditional required in "that" string`)
	}
	name := "fail_msg"
	if !args.Has(name) {
		name = "msg"
	}
	failMsg, err := message(args, name, "fail_msg or msg", "Assertion failed")
	if err != nil {
		return nil, err
	}
	successMsg, err := message(args, "success_msg", "success_msg", "All assertions passed")
	if err != nil {
		return nil, err
	}
	conditions, err := c.Conditions(args.Any("that"))
	if err != nil {
		return nil, err
	}
	r := module.OK()
	if !module.Truth(args.Any("quiet")) {
		r.Set("_ansible_verbose_always", true)
	}
	for _, cond := range conditions {
		if cond == nil { // as for when
			continue
		}
		holds, err := c.Condition(cond, nil)
		if err != nil {
			return nil, err
		}
		if !holds {
			r.Failed = true
			r.Set("evaluated_to", false).Set("assertion", value.Plain(cond)).Set("msg", failMsg)
			return &module.Plan{Done: r}, nil
		}
	}
	return &module.Plan{Done: r.Set("msg", successMsg)}, nil
}

func message(args module.Args, name, shown, byDefault string) (any, error) {
	switch v := args.Any(name).(type) {
	case nil:
		return byDefault, nil
	case string:
		return v, nil
	case []any:
		for _, e := range v {
			if _, ok := e.(string); !ok {
				return nil, fmt.Errorf("Type of one of the elements in %s list is not string type", shown)
			}
		}
		return v, nil
	default:
		return nil, fmt.Errorf("Incorrect type for %s, expected a string or list and got <class '%s'>", shown, value.TypeName(v))
	}
}
