package executor

import (
	"context"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// discovered is the fact that tells which Python a host has.
const discovered = "discovered_interpreter_python"

// interpreter is the Python that modules are to run in: what a variable or the
// configuration says, else what has been discovered, else the mode of discovery.
func (it *item) interpreter() string {
	said := it.interpreterSetting()
	if strings.HasPrefix(said, "auto") {
		if facts, ok := it.connectionVar("ansible_facts").(*value.Map); ok {
			if path, ok := facts.At(discovered).(string); ok && path != "" {
				return path
			}
		}
	}
	return said
}

func (it *item) interpreterSetting() string {
	if v := it.connectionVar("ansible_python_interpreter"); v != nil && v != "" {
		return template.Str(v)
	}
	if it.Env.Config != nil {
		if v, ok := it.Env.Config("INTERPRETER_PYTHON"); ok && v != nil && v != "" {
			return template.Str(v)
		}
	}
	return "auto"
}

// ownFacts leaves out of what a module found the facts that are ours to state: a
// target does not choose the interpreter.
func ownFacts(res *module.Result) {
	if res.Facts == nil {
		return
	}
	clean := res.Facts
	for k := range res.Facts.Strings() {
		if strings.HasPrefix(strings.TrimPrefix(k, "ansible_"), "discovered_interpreter_") {
			if clean == res.Facts {
				clean = res.Facts.Clone()
			}
			clean.Delete(k)
		}
	}
	res.Facts = clean
}

// discover adds to the first result of a host which Python it has, as Ansible
// does: playbooks ask for it. The agent knows without starting one.
func (it *item) discover(ctx context.Context, res *module.Result) {
	if it.delegate != nil || it.delegated != "" {
		return
	}
	raw, _ := it.scope.Lookup("ansible_facts")
	if facts, ok := raw.(*value.Map); ok && facts.Has(discovered) {
		return
	}
	if _, none := it.pythonless.Load(it.host.Name); none {
		return
	}
	mode := it.interpreterSetting()
	if !slices.Contains([]string{"auto", "auto_silent", "auto_legacy", "auto_legacy_silent"}, mode) {
		return
	}
	args := value.MapOf("mode", mode, "host", it.host.Name)
	if list, ok := it.connectionVar("ansible_interpreter_python_fallback").([]any); ok {
		args.Set("fallback", list)
	}
	found, err := it.target.Do(ctx, &module.Call{Module: "tutti.internal.interpreter", Args: args})
	if err != nil || found.Failed {
		return // the task has its result all the same
	}
	path, _ := found.Get("interpreter").(string)
	if path == "" {
		it.pythonless.Store(it.host.Name, true)
		return
	}
	if res.Facts == nil {
		res.Facts = value.NewMap(1)
	} else {
		res.Facts = res.Facts.Clone()
	}
	res.Facts.Set(discovered, path)
	res.Warnings = append(res.Warnings, found.Warnings...)
}
