package executor

import (
	"errors"
	"slices"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// judge says what a module's result means: changed_when, failed_when, what is
// ignored, who is notified.
func (it *item) judge(res *module.Result) *outcome {
	res.Warnings = append(slices.Clip(it.warnings), res.Warnings...)
	out := &outcome{finished: true, result: res.ToMap()}
	if res.Get("include") != nil {
		out.include, _ = res.Get("include").([]*include)
		if out.result.Delete("include"); it.task.Kind == playbook.IncludeTasks && len(out.include) == 1 {
			out.result.Set("include", out.include[0].name)
		}
		return it.finish(out)
	}
	out.skipped = res.Skipped
	out.changed, out.failed = res.Changed, res.Failed
	if truth(res.Get("unreachable")) {
		out.unreachable = true
	}
	if _, said := out.result.Get("failed"); !said {
		foreign := it.settled != nil && it.settled.python.Module != "" // judged on the target
		if rc, ok := out.result.Get("rc"); ok && rc != 0 && rc != "0" && rc != nil && !foreign {
			out.failed = true
		}
		out.result.Set("failed", out.failed)
	}
	for _, e := range res.Effects {
		out.effects = append(out.effects, effect{Effect: e, foreign: it.foreignArguments()})
	}
	if res.Facts != nil && it.task.Module != "ansible.builtin.debug" {
		out.effects = append(out.effects, effect{facts: res.Facts})
	}
	if t := it.task; t.ChangedWhen != nil || t.FailedWhen != nil {
		it.foresee(out)
	}
	if it.attempt > 0 {
		out.result.Set("attempts", it.attempt)
	}
	if !out.skipped {
		it.conditions(out)
	}
	if it.delegate != nil {
		it.noteDelegate(out)
	}
	return it.finish(out)
}

// foresee says whether the inventory will change (add_host, group_by), for
// conditions that are evaluated before it does.
func (it *item) foresee(out *outcome) {
	for _, e := range out.effects {
		changed := false
		switch v := e.Effect.(type) {
		case module.AddHost:
			changed = !it.Inventory.HasHost(v.Name, v.Groups)
		case module.AddGroup:
			changed = !it.Inventory.HasHost(it.host.Name, append(slices.Clone(v.Parents), v.Group))
		default:
			continue
		}
		out.changed = out.changed || changed
		out.result.Set("changed", out.changed)
	}
}

// conditions evaluates changed_when and failed_when with the result in view.
func (it *item) conditions(out *outcome) {
	t := it.task
	if t.ChangedWhen == nil && t.FailedWhen == nil {
		return
	}
	c := it.withResult(out)
	if t.ChangedWhen != nil {
		changed, err := it.all(c, t.ChangedWhen)
		if err != nil {
			out.failed = true
			out.result.Set("failed", true)
			out.result.Set("changed_when_result", err.Error())
			return
		}
		out.changed = changed
		out.result.Set("changed", changed)
	}
	if t.FailedWhen != nil {
		failed, err := it.all(c, t.FailedWhen)
		if err != nil {
			out.failed = true
			out.result.Set("failed", true)
			out.result.Set("failed_when_result", err.Error())
			return
		}
		out.failed = failed
		out.result.Set("failed", failed)
		out.result.Set("failed_when_result", failed)
	}
}

func (it *item) all(c *template.Context, conds []playbook.Cond) (bool, error) {
	for _, cond := range conds {
		ok, err := it.Engine.Condition(c, cond.Expr)
		if err != nil {
			return false, errors.New(it.conditionText(cond, err))
		}
		if !ok {
			return false, nil
		}
	}
	return true, nil
}

// withResult is the item's context with what its result registers and sets.
func (it *item) withResult(out *outcome) *template.Context {
	seen := it.seen(out)
	if seen.Len() == 0 {
		return it.c
	}
	return it.context(it.c.Ctx, it.scope.With(seen))
}

// seen are the variables that a result registers and sets.
func (it *item) seen(out *outcome) *value.Map {
	seen := value.NewMap(2)
	for _, e := range out.effects {
		it.learn(seen, e)
	}
	if it.task.Register != "" {
		seen.Set(it.task.Register, out.result)
	}
	return seen
}

// learn adds to seen the variables that an effect gives the host.
func (t *taskRun) learn(seen *value.Map, e effect) {
	switch v := e.Effect.(type) {
	case module.SetFacts:
		seen.Update(v.Vars)
	case module.IncludeVars:
		seen.Update(v.Vars)
	}
	if e.facts != nil {
		known, _ := seen.At("ansible_facts").(*value.Map)
		seen.Update(t.Vars.FactVars(t.host, e.facts, known))
	}
}

// noteDelegate keeps where the item ran in its result, as Ansible does.
func (it *item) noteDelegate(out *outcome) {
	h := it.runsOn()
	m := value.MapOf("ansible_host", h.Name)
	if v := it.connectionVar("ansible_host"); v != nil {
		m.Set("ansible_host", v)
	}
	m.Set("ansible_port", it.connectionVar("ansible_port"))
	m.Set("ansible_user", it.connectionVar("ansible_user"))
	if v := it.connectionVar("ansible_connection"); v != nil {
		m.Set("ansible_connection", v)
	}
	out.result.Set("_ansible_delegated_vars", m)
}

// notified are the names of handlers that the task notifies, evaluated.
func (it *item) notified() []string {
	var out []string
	for _, n := range it.task.Notify {
		v, err := it.Engine.Resolve(it.c, n)
		if err != nil {
			it.warn("the handler's name in notify cannot be evaluated: " + err.Error())
			continue
		}
		if l, ok := v.([]any); ok {
			for _, e := range l {
				out = append(out, template.Str(e))
			}
			continue
		}
		if v != nil && v != template.Omit {
			out = append(out, template.Str(v))
		}
	}
	return out
}

// elsewhere names the host that the task was delegated to, with its address if
// that is another; it is empty for the host itself.
func (out *outcome) elsewhere(host string) string {
	if out.delegated == "" || out.delegated == host {
		return ""
	}
	m, _ := out.result.At("_ansible_delegated_vars").(*value.Map)
	if m == nil {
		return out.delegated
	}
	if address := value.Str(m.At("ansible_host")); address != out.delegated {
		return out.delegated + "(" + address + ")"
	}
	return out.delegated
}

// verbose reports whether a result is shown whatever the verbosity is.
func verbose(out *outcome) bool {
	return !out.noLog && truth(out.result.At("_ansible_verbose_always"))
}

// event is the outcome as it is told.
func (t *taskRun) event(out *outcome) event.Result {
	r := event.Result{Task: t.info, Host: t.host.Name, Delegated: out.elsewhere(t.host.Name), Ignored: out.ignored, Result: t.shown(out), Diff: out.diff,
		Verbose: verbose(out), Quiet: truth(out.result.At("_ansible_verbose_override")),
		Looped: out.looped && out.items != nil, Spent: out.spent}
	switch {
	case out.unreachable:
		r.Status = event.Unreachable
	case out.failed:
		r.Status = event.Failed
	case out.skipped:
		r.Status = event.Skipped
	case out.changed:
		r.Status = event.Changed
	default:
		r.Status = event.OK
	}
	return r
}
