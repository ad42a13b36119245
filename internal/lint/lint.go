// Package lint looks at playbooks for hints that are missing, that contradict
// each other, or that add nothing. It reads what stands in the playbook: a
// command or a hint that is a template is not seen.
package lint

import (
	"fmt"
	"math"
	"slices"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/policy"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// linter is one pass over playbooks.
type linter struct {
	modules *module.Registry
	policy  *policy.Policy
	rates   map[string]rate
	out     diag.Problems
}

// rate is the first rate that a key was met with.
type rate struct {
	hint parallel.Hint
	from string
}

// Hints says what is doubtful about the hints of playbooks, as warnings.
// operators may be nil.
func Hints(books []*playbook.Playbook, modules *module.Registry, operators *policy.Policy) diag.Problems {
	l := pass(books, modules, operators)
	return l.out
}

// Rates is the part of Hints that users have to know before a run: keys with two
// rates, of which the lower one holds.
func Rates(books []*playbook.Playbook, modules *module.Registry, operators *policy.Policy) diag.Problems {
	l := pass(books, modules, operators)
	return slices.DeleteFunc(l.out, func(p *diag.Problem) bool { return p.Hint != lowerHolds })
}

const lowerHolds = "the lower one holds for all"

func pass(books []*playbook.Playbook, modules *module.Registry, operators *policy.Policy) *linter {
	l := &linter{modules: modules, policy: operators, rates: map[string]rate{}}
	for _, b := range books {
		if b == nil {
			continue
		}
		for _, p := range b.Plays {
			for _, part := range [][]*playbook.Block{p.PreTasks, p.RoleTasks, p.Tasks, p.PostTasks} {
				for _, block := range part {
					l.items(p, block.Items)
				}
			}
			for _, h := range p.Handlers {
				l.task(p, h)
			}
		}
	}
	return l
}

func (l *linter) items(p *playbook.Play, items []playbook.Item) {
	for _, item := range items {
		switch item := item.(type) {
		case *playbook.Task:
			l.task(p, item)
		case *playbook.Block:
			l.items(p, item.Items)
			l.items(p, item.Rescue)
			l.items(p, item.Always)
		}
	}
}

func (l *linter) task(p *playbook.Play, t *playbook.Task) {
	if t.Kind != playbook.ModuleTask {
		return
	}
	asked, err := policy.ParseAll(setting(t.Keywords, "tutti_parallel"))
	if err != nil {
		l.out.Warn(t.Pos, "", "tutti_parallel: %v", err)
		return
	}
	task := policy.Task{Module: string(t.Module), Args: t.Args, Asked: asked, Command: command(t)}
	if s := l.modules.Spec(t.Module); s != nil {
		task.Own = s.Hints // those that depend on arguments are the module's own affair
		if task.Own == nil {
			task.Own = []parallel.Hint{parallel.Free()}
		}
	}
	d, err := l.policy.Decide(task)
	if err != nil {
		l.out.Warn(t.Pos, "", "%v", err)
		return
	}
	l.packages(t, task.Command, d.Hints)
	for _, h := range d.Hints {
		switch h.Kind {
		case parallel.RateLimited:
			l.rate(t, h)
		case parallel.GlobalExclusive:
			if slices.ContainsFunc(asked, func(a parallel.Hint) bool { return a == h }) && one(p.Serial) {
				l.out.Warn(t.Pos, "drop serial: 1 to let the play's other tasks run together, or the hint if no other run does the same", "%s adds nothing within a play that has serial: 1", h)
			}
		}
	}
}

// packages warns of commands that change packages and are not kept apart.
func (l *linter) packages(t *playbook.Task, text string, hints []parallel.Hint) {
	for _, c := range policy.Commands(text) {
		db := policy.PackageManager(c)
		if db == "" || slices.ContainsFunc(hints, func(h parallel.Hint) bool {
			return h.Kind == parallel.HostExclusive && (h.Name == "" || h.Name == db)
		}) {
			continue
		}
		l.out.Warn(t.Pos, fmt.Sprintf("add vars: {tutti_parallel: HostExclusive(%s)}, or use the package module", db), "the command '%s' changes packages and may meet another one that does", c)
		return
	}
}

func (l *linter) rate(t *playbook.Task, h parallel.Hint) {
	from := t.Pos.String()
	first, known := l.rates[h.Name]
	if !known {
		l.rates[h.Name] = rate{h, from}
		return
	}
	if math.Abs(first.hint.Rate-h.Rate) > 1e-9 || first.hint.Burst != h.Burst {
		l.out.Warn(t.Pos, lowerHolds, "%s, but at %s it is %s", h, first.from, first.hint)
	}
}

// setting is a variable of the task that stands there as it is, nil otherwise.
func setting(k *playbook.Keywords, name string) any {
	var v any
	for _, vars := range k.Vars {
		if e, ok := vars.Get(name); ok {
			v = e
		}
	}
	switch v := v.(type) {
	case string:
		return v
	case []any:
		if !slices.ContainsFunc(v, func(e any) bool { _, text := e.(string); return !text }) {
			return v
		}
	}
	return nil
}

// command is the text of a command, as it is written.
func command(t *playbook.Task) string {
	switch t.Module {
	case "ansible.builtin.command", "ansible.builtin.shell", "ansible.builtin.raw":
	default:
		return ""
	}
	for _, name := range []string{"_raw_params", "cmd"} {
		switch v := t.Args.At(name).(type) {
		case string:
			return v
		case *value.Template:
			return v.Source
		}
	}
	return ""
}

func one(serial []any) bool {
	return len(serial) == 1 && (serial[0] == 1 || serial[0] == "1")
}
