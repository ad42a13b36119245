package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vars"
)

// The debugger stops after a task, as the keyword debugger, the debug strategy or
// the configuration says, and lets the user look at it, change it and run it
// again. The play waits meanwhile.

var debuggerModes = []string{"always", "on_failed", "on_unreachable", "on_skipped", "never"}

// debugs reports whether the debugger is called for what came of a task.
func (p *playRun) debugs(task *playbook.Task, out *outcome) bool {
	if task.Implicit && task.Module == "" || out.canceled || out.include != nil {
		return false
	}
	failed := out.failed && !(out.ignored && p.setting("TASK_DEBUGGER_IGNORE_ERRORS", true))
	if v, ok := task.Get(playbook.Debugger); ok {
		switch template.Str(value.Plain(v)) {
		case "always":
			return true
		case "on_failed":
			return failed
		case "on_unreachable":
			return out.unreachable
		case "on_skipped":
			return out.skipped
		}
		return false
	}
	if !failed && !out.unreachable {
		return false
	}
	return strings.TrimPrefix(p.strategyName, "ansible.builtin.") == "debug" || p.setting("ENABLE_TASK_DEBUGGER", false)
}

func (p *playRun) setting(name string, byDefault bool) bool {
	if p.Env.Config == nil {
		return byDefault
	}
	v, ok := p.Env.Config(name)
	if !ok {
		return byDefault
	}
	return truth(v)
}

// debug lets the user decide about a result, again and again if the task is run
// again. The result that he leaves it at is in d.
func (p *playRun) debug(ctx context.Context, d *done) error {
	original := d.step.task
	for p.debugs(d.said(), d.out) {
		tr := p.debugged(d, original)
		for _, item := range d.out.items {
			if item.inventory() {
				tr.tellItem(item, item.spent)
			}
		}
		p.tell(tr.event(d.out))
		d.told = true
		if d.task == nil {
			d.task, d.vars = copyOf(original), value.NewMap(0)
			tr = p.debugged(d, original)
		}
		again, err := p.debugLoop(ctx, tr, d)
		if err != nil || !again {
			return err
		}
		p.tell(event.TaskStart{Task: tr.info, Hosts: []string{d.runner.Host}})
		d.out, d.told = p.debugged(d, original).run(ctx), false
		d.step.outcomes[d.runner] = d.out
	}
	return nil
}

// said is the task as the user has it by now.
func (d *done) said() *playbook.Task {
	if d.task != nil {
		return d.task
	}
	return d.step.task
}

func copyOf(t *playbook.Task) *playbook.Task {
	c := *t
	c.Args = t.Args.Clone()
	return &c
}

// debugged is that task on its host.
func (p *playRun) debugged(d *done, original *playbook.Task) *taskRun {
	return &taskRun{playRun: p, task: d.said(), host: p.hosts[d.runner.Host], info: p.info(d.said(), p.shownName(original, d.runner.Host)), inRescue: d.runner.Cursor.Rescuing(), over: d.vars}
}

var (
	assignment = lazyregexp.New(`^(task\.args|task_vars)\[(['"])(.+?)['"]\]\s*=([^=].*)$`)
	removal    = lazyregexp.New(`^del\s+(task\.args|task_vars)\[(['"])(.+?)['"]\]$`)
)

// debugLoop reads commands. It reports whether the task is to run again.
func (p *playRun) debugLoop(ctx context.Context, tr *taskRun, d *done) (again bool, err error) {
	say := func(format string, args ...any) { p.tell(event.Message{Text: fmt.Sprintf(format, args...)}) }
	prompt := fmt.Sprintf("[%s] TASK: %s (debug)> ", d.runner.Host, tr.info.Name)
	for {
		if p.Prompt == nil {
			return false, context.Canceled
		}
		line, err := p.Prompt(ctx, prompt, true)
		if errors.Is(err, ErrNotInteractive) {
			p.warn("the debugger is called for, and there is no terminal to ask at: the run ends here")
		}
		if err != nil {
			return false, context.Canceled // nobody is there, or the input has ended
		}
		line = strings.TrimSpace(line)
		command, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "":
		case line == "c" || line == "continue":
			return false, nil
		case line == "q" || line == "quit":
			return false, context.Canceled
		case line == "r" || line == "redo":
			return true, nil
		case line == "u" || line == "update_task":
			*d.task = *copyOf(d.step.task)
		case command == "h" || command == "help" || command == "?":
			say("p EXPRESSION    show it: task, task.args, task_vars, host, result._result\ntask.args['x'] = VALUE, task_vars['x'] = VALUE    change it; del removes it\nu    make the task anew, from the playbook\nr    run it again\nc    go on\nq    give up")
		case command == "p" || command == "pprint" || command == "print":
			v, err := tr.inDebugger(ctx, d, rest)
			if err != nil {
				say("***%s", err)
				continue
			}
			say("%s", value.Repr(v))
		case assignment.MatchString(line):
			m := assignment.FindStringSubmatch(line)
			v, err := tr.inDebugger(ctx, d, m[4])
			if err != nil {
				say("***%s", err)
				continue
			}
			d.named(m[1]).Set(m[3], value.MarkTemplates(v, tr.task.Pos))
		case removal.MatchString(line):
			m := removal.FindStringSubmatch(line)
			d.named(m[1]).Delete(m[3])
		default:
			v, err := tr.inDebugger(ctx, d, line)
			if err != nil {
				say("***%s", err)
				continue
			}
			if v != nil {
				say("%s", value.Repr(v))
			}
		}
	}
}

func (d *done) named(what string) *value.Map {
	if what == "task_vars" {
		return d.vars
	}
	return d.task.Args
}

// inDebugger evaluates an expression of the user's.
func (t *taskRun) inDebugger(ctx context.Context, d *done, expr string) (any, error) {
	expr = strings.TrimSpace(expr)
	if expr == "" {
		return nil, errors.New("an expression is missing")
	}
	s := t.scope()
	all, _ := s.Lookup("vars")
	name, _ := value.Plain(t.task.Name).(string)
	seen := value.MapOf("host", t.host.Name, "task_vars", all, "result", value.MapOf("_result", d.out.result, "_host", t.host.Name, "_task", t.info.Name),
		"task", value.MapOf("name", name, "action", t.task.Action, "args", value.Plain(t.task.Args)))
	return t.Engine.Resolve(t.context(ctx, s.With(seen)), &value.Template{Source: "{{" + expr + "}}"})
}

// withOver puts what the user has set in the debugger above all else.
func (t *taskRun) withOver(s *vars.Scope) *vars.Scope {
	if t.over == nil || t.over.Len() == 0 {
		return s
	}
	return s.With(t.over)
}
