package executor

import (
	"github.com/tutti-run/tutti/internal/glob"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// startsIn reports whether --start-at-task names one of these tasks, as far as
// they are known before the run.
func (p *playRun) startsIn(items []playbook.Item) bool {
	for _, it := range items {
		switch it := it.(type) {
		case *playbook.Block:
			if p.startsIn(it.Items) || p.startsIn(it.Always) {
				return true
			}
		case *playbook.Task:
			if (!it.Implicit || it.Module != "") && p.tagged(it) && p.startsHere(it) {
				return true
			}
		}
	}
	return false
}

// startsHere reports whether --start-at-task names the task: by its name, which
// may come with the role's or be the module's where it has none.
func (p *playRun) startsHere(t *playbook.Task) bool {
	name := template.Str(value.Plain(t.Name))
	full := name
	if t.Name == nil {
		name, full = "", t.Action
	}
	if t.Role != nil {
		full = t.Role.Name + " : " + full
	}
	return name != "" && glob.Match(p.StartAt, name) || glob.Match(p.StartAt, full)
}
