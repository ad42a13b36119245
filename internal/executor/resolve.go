package executor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// condition evaluates when:. It returns nil if the task is to run.
func (it *item) condition() *outcome {
	for _, cond := range it.task.When {
		ok, err := it.Engine.Condition(it.c, cond.Expr)
		if err != nil {
			out := failure(it.conditionText(cond, err))
			out.unresolved = true
			return it.finish(out)
		}
		if !ok {
			return it.finish(&outcome{skipped: true, idle: true, finished: true,
				result: value.MapOf("changed", false, "skipped", true, "skip_reason", "Conditional result was False")})
		}
	}
	return nil
}

func (it *item) conditionText(cond playbook.Cond, err error) string {
	var te *template.Error
	if !errors.As(err, &te) {
		return err.Error() + placeText(cond.Pos)
	}
	hint := it.suggestion(te)
	if strings.Contains(te.Msg, "got '='") {
		hint = "\n\nTo compare, write '=='."
	}
	return te.Msg + placeText(cond.Pos) + hint
}

// resolved is what a task became: a call with what is needed to make it.
type resolved struct {
	*module.Call
	name   module.Name
	params *value.Map // the arguments as the user gave them
	spec   *module.Spec
	args   module.Args
	finish func(*module.Result) *module.Result
	work   *module.Work // what to do here instead of the call
	free   func()       // what to do when there is no more use for it
	job    string       // the background job that it started, if nobody polls it
}

// close frees what the call holds on the controller. It may be nil.
func (r *resolved) close() {
	if r != nil && r.free != nil {
		r.free()
	}
}

// resolve evaluates everything the task says. It gives either a call for the
// target, or the result of a task that the controller carries out itself.
func (it *item) resolve(ctx context.Context) (call *resolved, done *module.Result, err error) {
	it.Run.resolve <- struct{}{}
	defer func() { <-it.Run.resolve }()
	t := it.task
	if t.Kind == playbook.IncludeTasks || t.Kind == playbook.IncludeRole {
		done, err := it.resolveInclude()
		return nil, done, err
	}
	if it.settled == nil || it.settled.task != t {
		if err := it.settle(); err != nil {
			return nil, nil, err
		}
	}
	name, args := it.settled.module, it.settled.args.Clone()
	r := &resolved{name: name, params: args}
	if python := it.settled.python; python.Module != "" {
		done, err = it.pythonCall(ctx, python, name, args, r)
	} else {
		done, err = it.nativeCall(ctx, name, args, r)
	}
	if err != nil || done != nil {
		r.close()
		return nil, done, err
	}
	if err := it.complete(ctx, r); err != nil {
		r.close()
		return nil, nil, err
	}
	return r, nil, nil
}

// settled is what the task says, evaluated: the same for all attempts of until.
type settled struct {
	task    *playbook.Task
	module  module.Name
	python  playbook.Python
	args    *value.Map
	foreign map[string]bool // of set_fact and add_host: what a target or a lookup has a part in
}

func (it *item) settle() error {
	if err := it.validate(); err != nil {
		return err
	}
	if err := it.modes(); err != nil {
		return err
	}
	if err := it.delegation(); err != nil {
		return err
	}
	name, python, err := it.moduleName()
	if err != nil {
		return err
	}
	args, foreign, err := it.watched(name)
	if err != nil {
		return err
	}
	if err := python.Usable(it.task.Action); err != nil {
		return err
	}
	if it.task.Async != nil && (slices.Contains(noAsync, name.Short()) || python.Half != nil && python.Half.NoAsync) {
		if n, err := it.count(it.task.Async, "async", 0); err != nil || n > 0 {
			return errors.Join(err, errors.New("async is not supported for this task."))
		}
	}
	it.settled = &settled{task: it.task, module: name, python: python, args: args, foreign: foreign}
	return nil
}

// modes evaluates check_mode and diff.
func (it *item) modes() error {
	var err error
	if it.check, err = it.keywordFlag(it.c, playbook.CheckMode, it.Check); err != nil {
		return err
	}
	if it.diff, err = it.keywordFlag(it.c, playbook.Diff, it.Diff); err != nil {
		return err
	}
	it.noLog, err = it.keywordFlag(it.c, playbook.NoLog, it.Run.NoLog)
	return err
}

// delegation works out where the item runs.
func (it *item) delegation() error {
	name, err := it.keywordText(it.c, playbook.DelegateTo, "")
	if err != nil || name == "" {
		return undefinedField("delegate_to", err)
	}
	h := it.Inventory.LookupHost(name)
	if h == nil {
		h = it.Run.adHoc(name)
	}
	it.delegate, it.delegated = h, name
	it.scope = it.scope.With(value.MapOf("ansible_delegated_vars", value.MapOf(name, it.delegatedScope().Dict())))
	it.c = it.context(it.c.Ctx, it.scope)
	return nil
}

// moduleName resolves the name of a module that holds a template.
func (it *item) moduleName() (module.Name, playbook.Python, error) {
	if it.task.Module != "" {
		return it.task.Module, it.task.Python, nil
	}
	name, err := it.Engine.ResolveString(it.c, value.Text(it.task.Action, it.task.Pos))
	if err != nil {
		return "", playbook.Python{}, err
	}
	if it.Loader.Modules == nil {
		return "", playbook.Python{}, fmt.Errorf("couldn't resolve module/action '%s'", name)
	}
	found, ok := it.Loader.Modules.Find(name, it.task.Collections, nil)
	if !ok {
		return "", playbook.Python{}, fmt.Errorf("couldn't resolve module/action '%s'. This often indicates a misspelling, missing collection, or incorrect module path.", name)
	}
	return found.Name, found.Python, found.Err
}

// complete adds environment, background job and target to the call.
func (it *item) complete(ctx context.Context, r *resolved) error {
	env, err := it.environment()
	if err != nil {
		return err
	}
	r.Environment = env
	if it.task.Async != nil {
		if r.Async, err = it.count(it.task.Async, "async", 0); err != nil {
			return err
		}
		if r.Async > 0 && it.check {
			return errors.New("check mode and async cannot be used on same task.")
		}
	}
	if r.Async > 0 || r.name.Short() == "async_status" {
		it.jobDir(r)
	}
	if r.work != nil {
		return it.here(r)
	}
	it.target, err = it.connect()
	return err
}

// jobDir tells the agent where the files of background jobs are: in the folder of
// ansible_async_dir, which the job's own environment names as well.
func (it *item) jobDir(r *resolved) {
	const name = "ANSIBLE_ASYNC_DIR"
	if r.Environment[name] != "" || it.Env.PluginConfig == nil {
		return
	}
	v, _, _ := it.Env.PluginConfig("shell", "sh", "async_dir", func(n string) (any, bool) {
		v := it.connectionVar(n)
		return v, v != nil
	})
	if dir, ok := v.(string); ok && dir != "" {
		r.Environment = maps.Clone(r.Environment)
		if r.Environment == nil {
			r.Environment = map[string]string{}
		}
		r.Environment[name] = dir
	}
}

func (it *item) environment() (map[string]string, error) {
	if len(it.task.Environment) == 0 {
		return nil, nil
	}
	out := map[string]string{}
	for _, raw := range it.task.Environment {
		v, err := it.environmentOf(raw)
		if err != nil {
			return nil, undefinedField("environment", err)
		}
		m, ok := v.(*value.Map)
		if !ok {
			if v == template.Omit || v == nil || v == "" {
				continue
			}
			it.warn("could not parse environment value, skipping: " + template.Str(v))
			continue
		}
		for k, e := range m.All() {
			if e != template.Omit {
				out[template.Str(k)] = template.Str(e)
			}
		}
	}
	return out, nil
}

// environmentOf evaluates one environment:. While facts are gathered those about
// the environment are not known yet; what uses them is left out.
func (it *item) environmentOf(raw any) (any, error) {
	m, ok := raw.(*value.Map)
	if !ok || it.task.Action != "gather_facts" && it.task.Module != "ansible.builtin.setup" {
		return it.Engine.Resolve(it.c, raw)
	}
	out := value.NewMap(m.Len())
	for k, e := range m.All() {
		v, err := it.Engine.Resolve(it.c, e)
		var te *template.Error
		if errors.As(err, &te) && te.Undefined && (strings.Contains(te.Msg, "ansible_env") || strings.Contains(te.Msg, "'env'")) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Set(k, v)
	}
	return out, nil
}

// invocation notes the arguments in a result, those that are secret left out.
func (it *item) invocation(res *module.Result, spec *module.Spec, args module.Args, raw *value.Map) *module.Result {
	if !spec.Action && !res.Skipped && res.Get("invocation") == nil {
		res.Set("invocation", value.MapOf("module_args", spec.Invocation(args, raw)))
	}
	return res
}

// pythonCall lets the half on the controller, if there is one, plan and makes the
// call of the module.
func (it *item) pythonCall(ctx context.Context, python playbook.Python, name module.Name, args *value.Map, r *resolved) (*module.Result, error) {
	if it.Python == nil {
		return nil, &diag.Problem{Pos: it.task.Pos, Msg: fmt.Sprintf("the module %s is written in Python (%s), which is not available here", name, python.Module)}
	}
	var files map[module.Digest]module.File
	if python.Half != nil {
		plan, err := python.Half.Plan(ctx, it.controller(ctx), name, args)
		if done, err := it.unplanned(plan, err); done != nil || err != nil {
			return done, err
		}
		r.finish, r.free = plan.Finish, plan.Close
		args, files = plan.Call.Args, plan.Call.Files
	}
	call, err := it.Python.Call(ctx, python.Module, name, args, PythonTask{Files: files, Host: it.runsOn().Name, Check: it.check, Diff: it.diff, NoLog: it.noLog, Verbosity: it.Verbosity,
		Async: it.task.Async != nil, Interpreter: it.interpreter(), Var: func(n string) any { return it.connectionVar(n) }})
	if err == nil {
		it.fillIn(call)
	}
	r.Call = call
	return nil, err
}
