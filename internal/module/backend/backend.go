// Package backend finds out which of several modules does the work on a host:
// package and service stand for the one that fits the machine.
package backend

import (
	"context"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// Detect returns the value of a fact of the task's host, such as pkg_mgr. It
// asks the host if facts have not been gathered; "" means that it could not say.
func Detect(ctx context.Context, c module.Controller, fact string) (string, error) {
	if name := Known(c, fact); name != "" {
		return name, nil
	}
	return Ask(ctx, c, fact)
}

// Known is the fact as it has been gathered; "" where it has not.
func Known(c module.Controller, fact string) string {
	name := ""
	if facts, ok := c.Var("ansible_facts").(*value.Map); ok {
		name, _ = facts.At(fact).(string)
	}
	return name
}

// Ask asks the host for the fact; "" means that it could not say.
func Ask(ctx context.Context, c module.Controller, fact string) (string, error) {
	r, err := c.Run(ctx, &module.Call{
		Module: "ansible.builtin.setup",
		Args:   value.MapOf("filter", []any{"ansible_" + fact}, "gather_subset", []any{"!all"}),
	})
	if err != nil {
		return "", err
	}
	name, _ := r.Facts.At("ansible_" + fact).(string)
	return name, nil
}

// Pass is the call that hands what the user gave, but for some parameters, to
// another module.
func Pass(name module.Name, args module.Args, without ...string) *module.Call {
	call := &module.Call{Module: name, Args: value.NewMap(4)}
	for k, v := range args.Map().All() {
		if s, ok := k.(string); ok && args.Given(s) {
			call.Args.Set(k, v)
		}
	}
	for _, s := range without {
		call.Args.Delete(s)
	}
	return call
}
