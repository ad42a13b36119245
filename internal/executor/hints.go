package executor

import (
	"context"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/policy"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// hints are what may run at the same time as this call: what its module says,
// the operator's policy and the task itself. Nothing that comes from a target
// has a say in it.
func (it *item) hints(ctx context.Context, r *resolved) ([]parallel.Hint, error) {
	t := policy.Task{Module: string(r.name), Command: commandOf(r.name, r.params), Args: r.params}
	if r.spec != nil {
		t.Own = r.spec.HintsOf(r.args, r.Check)
	}
	if r.work != nil && r.work.Hints != nil {
		found, err := r.work.Hints(ctx)
		if err != nil {
			return nil, it.scrubbed(err)
		}
		t.Own = policy.Tighten(t.Own, found)
	}
	if raw, ok := it.scope.Lookup("tutti_parallel"); ok {
		v, err := it.Engine.Resolve(it.c, raw)
		if err != nil {
			return nil, err
		}
		if t.Asked, err = policy.ParseAll(v); err != nil {
			return nil, err
		}
	}
	d, err := it.Policy.Decide(t)
	if err != nil || r.spec == nil || r.Module == r.name || r.Module == "" {
		return d.Hints, err
	}
	// Another module does the work (package: the package manager's): its hints
	// hold as well.
	other := policy.Task{Module: string(r.Module), Args: r.Args}
	if target := it.Modules.Target(r.Module); target != nil {
		var args module.Args
		if target.Spec.HintsFor != nil {
			if args, err = target.Spec.Parse(r.Args); err != nil {
				return nil, err
			}
		}
		other.Own = target.Spec.HintsOf(args, r.Check)
	}
	more, err := it.Policy.Decide(other)
	return policy.Tighten(d.Hints, more.Hints), err
}

// commandOf is what a module that runs commands runs, "" of other modules.
func commandOf(name module.Name, params *value.Map) string {
	switch name {
	case "ansible.builtin.command", "ansible.builtin.shell", "ansible.builtin.raw", "ansible.builtin.script", "ansible.builtin.expect":
	default:
		return ""
	}
	for _, p := range []string{"_raw_params", "cmd", "command"} {
		if text, ok := params.At(p).(string); ok && text != "" {
			return text
		}
	}
	var words []string
	list, _ := params.At("argv").([]any)
	for _, w := range list {
		if s, ok := w.(string); ok {
			words = append(words, s)
		}
	}
	return strings.Join(words, " ")
}
