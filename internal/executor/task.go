package executor

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vars"
	"github.com/tutti-run/tutti/parallel"
)

// taskRun is one task on one host. It belongs to the goroutine that runs it.
type taskRun struct {
	*playRun
	task     *playbook.Task
	host     *inventory.Host
	info     event.Task
	inRescue bool
	ahead    *ahead     // if it runs before its turn
	over     *value.Map // variables that the user has set in the debugger
	part     bool       // one of the modules that a gather_facts stands for
	foreign  bool       // the items of its loop come from a target or a lookup
}

// item is one pass through a task: the whole of it, or one item of its loop.
type item struct {
	*taskRun
	scope *vars.Scope
	c     *template.Context
	label string
	place int // in its loop, from 1; 0 without one
	spent event.Spent

	noLog  bool
	secret []string // values of parameters that must not be shown
	// warnings are remarks on the arguments, for the result.
	warnings []string
	// where the item runs:
	delegate  *inventory.Host // nil on the host itself
	delegated string
	target    Target
	check     bool
	diff      bool
	attempt   int // of until, from 1
	settled   *settled
	data      string // the loop variable, if a lookup gave it
	loopVar   string
}

// context is what templates of the item are evaluated in.
func (it *item) context(ctx context.Context, s *vars.Scope) *template.Context {
	c := it.taskRun.context(ctx, s)
	c.Data = it.data
	c.Foreign = func() (template.Scope, *bool) {
		seen := &vars.Foreign{Scope: s, Marked: true}
		if it.taskRun.foreign {
			seen.Told = append(seen.Told, it.loopVar, "ansible_loop")
		}
		if it.task.Register != "" {
			seen.Told = append(seen.Told, it.task.Register)
		}
		return seen, &seen.Seen
	}
	return c
}

// once is the path of a task whose condition holds, for one item and one attempt:
// resolve, acquire, call, judge. What comes of it is told by the caller.
func (it *item) once(ctx context.Context) *outcome {
	if modules := it.factModules(); modules != nil {
		return it.gather(ctx, modules)
	}
	// resolve: everything the task says becomes a complete call, or the task is
	// carried out here on the controller.
	call, done, err := it.resolve(ctx)
	if err != nil {
		out := it.broken(err)
		out.unresolved = !out.unreachable
		return out
	}
	defer call.close()
	for done == nil {
		// acquire: nothing runs that may not run now.
		var lease parallel.Lease
		if lease, err = it.acquire(ctx, call); err != nil {
			return it.broken(err)
		}
		// call: on the target, through its agent.
		done, err = it.call(lease.Context(), call)
		if cause := context.Cause(lease.Context()); errors.Is(cause, parallel.ErrLost) {
			done, err = module.Fail("%s", cause), nil
		}
		if err == nil && call.job != "" && !done.Failed {
			it.keep(call, lease) // it is released when the job ends
		} else {
			lease.Release()
		}
		if errors.Is(err, module.ErrAgain) {
			continue // it has to wait for others, holding nothing
		}
		if err != nil {
			return it.broken(err)
		}
	}
	// judge: what the result means for the play.
	return it.judge(done)
}

// run takes the task through its loop, if it has one, and returns what came of
// it on the host.
func (t *taskRun) run(ctx context.Context) *outcome {
	begin := time.Now()
	it := &item{taskRun: t, scope: t.scope()}
	it.c = it.context(ctx, it.scope)
	it.noLog = t.flagOr(it.c, playbook.NoLog, t.Run.NoLog)

	var out *outcome
	items, looped, err := t.items(it.c)
	it.scope = it.scope.Over(it.connectionDefault)
	it.c = it.context(ctx, it.scope)
	switch {
	case err != nil:
		// The condition decides first: a task that is skipped may loop over
		// something that is not defined.
		if out = it.condition(); out == nil || out.failed {
			out = it.broken(err)
		}
	case looped:
		out = t.loop(ctx, it, items)
	default:
		out = it.attempts(ctx)
	}
	out.canceled = ctx.Err() != nil && !out.finished
	out.spent = it.spent
	out.spent.Begin, out.spent.Total = begin, time.Since(begin)
	out.looped = looped
	return out
}

// outcome is what came of a task on a host, or of one item.
type outcome struct {
	result      *value.Map
	failed      bool
	unreachable bool
	skipped     bool
	idle        bool // skipped by a condition, not by the module
	changed     bool
	ignored     bool // ignore_errors, ignore_unreachable
	finished    bool // it came to an end of its own
	canceled    bool
	looped      bool
	noLog       bool
	fatal       bool // any_errors_fatal is asked for
	unresolved  bool // a template or condition of the task failed, so nothing ran
	diff        bool
	delegated   string
	label       string
	notify      []string
	effects     []effect
	include     []*include
	items       []*outcome
	spent       event.Spent
	delegate    *inventory.Host
}

// effect is a change that a result makes to the run, with the host whose
// variables it changes.
type effect struct {
	module.Effect
	facts *value.Map // ansible_facts
	// foreign are the variables that a target or a lookup has a part in.
	foreign map[string]bool
}

// failure is an outcome that failed before any module ran.
func failure(msg string) *outcome {
	return &outcome{failed: true, finished: true, result: value.MapOf("failed", true, "changed", false, "msg", msg)}
}

// broken turns an error into the outcome that a user sees.
func (it *item) broken(err error) *outcome {
	var lost *Unreachable
	if errors.As(err, &lost) {
		out := &outcome{unreachable: true, result: value.MapOf("unreachable", true, "changed", false, "msg", lost.Error())}
		out.finished = !errors.Is(err, context.Canceled)
		return it.finish(out)
	}
	var te *template.Error
	text := errorText(err)
	if errors.As(err, &te) && tellsPlace(te) {
		text += it.suggestion(te)
	}
	out := failure(text)
	switch {
	case te == nil:
		out.result.Set("error_at", it.task.Pos.String())
	case !tellsPlace(te) && te.Pos.IsValid():
		out.result.Set("error_at", te.Pos.String())
	}
	out.finished = !errors.Is(err, context.Canceled)
	return it.finish(out)
}

// finish fills in what every outcome of this item says.
func (it *item) finish(out *outcome) *outcome {
	out.noLog, out.diff, out.delegated, out.delegate, out.label = it.noLog, it.diff, it.delegated, it.delegate, it.label
	out.notify = it.notified()
	keyword := playbook.IgnoreErrors
	if out.unreachable {
		keyword = playbook.IgnoreUnreachable
	}
	if out.failed || out.unreachable {
		out.ignored = it.flagOr(it.c, keyword, false)
		out.fatal = it.fatal(it.task)
	}
	return out
}

// tellsPlace reports whether an error's text tells where it is. What filters and
// lookups say is left as it is, since playbooks compare it; the place is then a
// value of its own.
func tellsPlace(e *template.Error) bool {
	return e.Undefined || strings.HasPrefix(e.Msg, "template error while templating string")
}

// placeText tells where an error is, with the lines around it.
func placeText(pos diag.Pos) string {
	if !pos.IsValid() {
		return ""
	}
	text := "\n\nThe error appears to be in '" + pos.File + "': line " + itoa(pos.Line) + ", column " + itoa(pos.Column)
	if excerpt := diag.Excerpt(pos); excerpt != "" {
		text += "\n\n" + strings.TrimRight(excerpt, "\n")
	}
	return text
}

// suggestion names the variable that was probably meant.
func (it *item) suggestion(e *template.Error) string {
	if !e.Undefined || e.Name == "" {
		return ""
	}
	if near := diag.Nearest(e.Name, it.scope.Names()); near != "" && near != e.Name {
		return "\n\nDid you mean '" + near + "'?"
	}
	return ""
}

// errorText is an error as results show it.
func errorText(err error) string {
	var te *template.Error
	var field *fieldError
	if errors.As(err, &te) {
		text := te.Msg
		if errors.As(err, &field) {
			text = field.Error()
		} else if te.Undefined {
			text = "The task includes an option with an undefined variable. The error was: " + te.Msg
		}
		if tellsPlace(te) {
			text += placeText(te.Pos)
		}
		return text
	}
	return err.Error()
}
