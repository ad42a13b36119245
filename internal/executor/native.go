package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// fileMistake words a mistake in a template file as Ansible does, which repeats
// what it is made of.
func fileMistake(te *template.Error) string {
	if te.Undefined {
		return "AnsibleUndefinedVariable: " + te.Msg + ". " + te.Msg
	}
	if rest, ok := strings.CutPrefix(te.Msg, "template error while templating string: "); ok {
		what, _, _ := strings.Cut(rest, ". String: ")
		return "AnsibleError: " + te.Msg + ". " + what
	}
	if strings.HasPrefix(te.Msg, "Unexpected templating type error occurred on (") {
		return te.Kind + ": " + te.Msg + ". " + te.Msg[strings.LastIndex(te.Msg, "): ")+3:]
	}
	return te.Kind + ": " + te.Msg
}

// nativeCall checks the arguments and lets the control half, if the module has
// one, plan.
func (it *item) nativeCall(ctx context.Context, name module.Name, args *value.Map, r *resolved) (*module.Result, error) {
	spec := it.Modules.Spec(name)
	if spec == nil {
		return nil, fmt.Errorf("couldn't resolve module/action '%s'. This often indicates a misspelling, missing collection, or incorrect module path.", name)
	}
	parsed, err := spec.ParseAs(it.task.Action, args)
	it.warnings = parsed.Warnings()
	it.secret = spec.Secrets(args)
	if unknown := unknownOptions(spec, args); unknown != nil {
		err = fmt.Errorf("Invalid options for %s: %s", it.task.Action, strings.Join(unknown, ","))
	}
	if err != nil {
		return it.invocation(module.Fail("%s", err).Set("error_at", it.task.Pos.String()), spec, parsed, args), nil
	}
	r.spec, r.args = spec, parsed
	control := it.Modules.Control(name)
	if control == nil {
		r.Call = &module.Call{Module: name, Args: args}
		if python := it.interpreterSetting(); isSetup(string(spec.Name)) && !strings.HasPrefix(python, "auto") {
			r.Call.Args = args.Clone()
			r.Call.Args.Set("_python", python)
		}
		it.fillIn(r.Call)
		return nil, nil
	}
	plan, err := control.Plan(ctx, it.controller(ctx), parsed)
	if err != nil {
		return it.unplanned(plan, err)
	}
	if plan.Done != nil {
		return it.invocation(plan.Done, spec, parsed, args), nil
	}
	r.Call, r.finish, r.work, r.free = plan.Call, plan.Finish, plan.Work, plan.Close
	if r.work != nil {
		r.Call = &module.Call{Module: name, Args: args}
	}
	if plan.Passes != "" {
		if done, err := it.pass(ctx, plan.Passes, r); done != nil || err != nil {
			return done, err
		}
	}
	it.fillIn(r.Call)
	return nil, nil
}

// unplanned is the result of a task whose plan is an error, or done already.
func (it *item) unplanned(plan *module.Plan, err error) (*module.Result, error) {
	var te *template.Error
	switch {
	case err == nil:
		return plan.Done, nil
	case errors.As(err, &te) && te.Kind != "" && te.Pos.File != "" && te.Pos.File != it.task.Pos.File:
		// The template file's own mistake: named as its template language does.
		return module.Fail("%s", fileMistake(te)).Set("error_at", te.Pos.String()), nil
	case te != nil:
		return nil, err
	}
	return module.Fail("%s", err).Set("error_at", it.task.Pos.String()), nil
}

// pass hands the task to another module, as if it had named that one.
func (it *item) pass(ctx context.Context, written string, r *resolved) (*module.Result, error) {
	name, python := r.Call.Module, playbook.Python{}
	if it.Loader.Modules != nil {
		found, ok := it.Loader.Modules.Find(written, it.task.Collections, nil)
		if !ok {
			return module.Fail("Could not find a module for %s.", written), nil
		}
		if err := cmp.Or(found.Err, found.Python.Usable(written)); err != nil {
			return nil, err
		}
		name, python = found.Name, found.Python
	}
	args := r.Call.Args
	if err := it.defaults(name, string(name), args); err != nil {
		return nil, err
	}
	r.Call.Module = name
	if python.Module == "" {
		return nil, nil
	}
	r.name, r.params, r.spec = name, args, nil
	return it.pythonCall(ctx, python, name, args, r)
}

// unknownOptions lists the arguments that a module does not know, for modules
// that Ansible carries out on the controller and that say so in their own way.
func unknownOptions(spec *module.Spec, args *value.Map) []string {
	if !slices.Contains([]string{"assert", "debug", "fail", "group_by", "reboot", "set_stats", "wait_for_connection"}, spec.Name.Short()) {
		return nil
	}
	known := map[string]bool{}
	for _, p := range spec.Params {
		known[p.Name] = true
		for _, a := range p.Aliases {
			known[a] = true
		}
	}
	var out []string
	for k := range args.Strings() {
		if !known[k] && k != module.RawParams {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// fillIn sets what every call of this item has.
func (it *item) fillIn(call *module.Call) {
	call.Task = it.owner()
	call.Check, call.Diff, call.NoLog, call.Verbosity = it.check, it.diff, it.noLog || it.NoTargetLog, it.Verbosity
}

// noAsync are modules that do part of their work on the controller and so
// cannot go on in the background.
var noAsync = []string{"assemble", "copy", "fetch", "raw", "script", "template", "unarchive", "wait_for_connection", "pause", "reboot"}
