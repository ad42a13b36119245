package executor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vars"
)

func itoa(n int) string { return strconv.Itoa(n) }

// flag evaluates a boolean keyword.
func (r *Run) flag(c *template.Context, v any, otherwise bool) (bool, error) {
	if v == nil {
		return otherwise, nil
	}
	v, err := r.Engine.Resolve(c, v)
	if err != nil {
		return false, err
	}
	if v == nil || v == template.Omit {
		return otherwise, nil
	}
	return boolean(v)
}

// boolean reads a value as AnsibleModule reads bool parameters.
func boolean(v any) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case int:
		if v == 0 || v == 1 {
			return v == 1, nil
		}
	case float64:
		if v == 0 || v == 1 {
			return v == 1, nil
		}
	default:
		switch strings.ToLower(strings.TrimSpace(template.Str(v))) {
		case "y", "yes", "on", "1", "true", "t", "1.0":
			return true, nil
		case "n", "no", "off", "0", "false", "f", "0.0":
			return false, nil
		}
	}
	return false, fmt.Errorf("The value %s is not a valid boolean. Valid booleans include: %s", template.Repr(v), "0, 1, '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'")
}

// flagOr is flag for keywords whose mistakes must not hide the task's result.
func (t *taskRun) flagOr(c *template.Context, w playbook.Keyword, otherwise bool) bool {
	b, err := t.keywordFlag(c, w, otherwise)
	if err != nil {
		// no_log that cannot be evaluated hides rather than shows, and the others
		// count as they are written.
		return w == playbook.NoLog || asWritten(t.task.Keywords, w, otherwise)
	}
	return b
}

// keywordFlag evaluates a boolean keyword of the task.
func (t *taskRun) keywordFlag(c *template.Context, w playbook.Keyword, otherwise bool) (bool, error) {
	v, err := t.keyword(c, w)
	if err != nil {
		return false, err
	}
	return t.flag(c, v, otherwise)
}

// keyword evaluates a keyword of the task; nil if nobody gave it. One that is
// omitted is as if the task did not have it: what is around the task counts.
func (t *taskRun) keyword(c *template.Context, w playbook.Keyword) (any, error) {
	for k := t.task.Keywords; k != nil; k = k.Outer() {
		v, ok := k.Get(w)
		if !ok {
			return nil, nil
		}
		v, err := t.Engine.Resolve(c, v)
		if err != nil || v != template.Omit {
			return v, err
		}
	}
	return nil, nil
}

func (t *taskRun) keywordText(c *template.Context, w playbook.Keyword, otherwise string) (string, error) {
	v, err := t.keyword(c, w)
	if v == nil || err != nil {
		return otherwise, err
	}
	return template.Str(v), nil
}

func (r *Run) number(c *template.Context, v any, what string) (int, error) {
	v, err := r.Engine.Resolve(c, v)
	if err != nil {
		return 0, err
	}
	if v == nil {
		return 0, nil
	}
	n, err := whole(v)
	if err != nil {
		return 0, fmt.Errorf("the field '%s' has an invalid value (%s), and could not be converted to an int", what, template.Repr(v))
	}
	return n, nil
}

// count is number for a keyword of the task that has a default.
func (it *item) count(v any, what string, otherwise int) (int, error) {
	v, err := it.Engine.Resolve(it.c, v)
	if err != nil || v == nil || v == template.Omit {
		return otherwise, err
	}
	return it.number(it.c, v, what)
}

// whole reads a value as Python's int does.
func whole(v any) (int, error) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case int:
		return v, nil
	case float64:
		return int(v), nil
	case string:
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%s is no whole number", template.Repr(v))
}

// scope is the host's view of the task.
func (t *taskRun) scope() *vars.Scope {
	return t.withOver(t.vars.Scope(t.host, t.task).With(value.MapOf("ansible_search_path", value.FromGo(t.searchPath(t.task)))))
}

// context is what templates of the task are evaluated in.
func (t *taskRun) context(ctx context.Context, s *vars.Scope) *template.Context {
	return &template.Context{Ctx: ctx, Vars: s, Env: t.env(t.task, t.play)}
}

// searchPath lists the folders in which files of a task are looked for.
func (r *Run) searchPath(t *playbook.Task) []string {
	var out []string
	add := func(dir string) {
		if dir != "" && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	for role := t.Role; role != nil; role = role.Parent {
		add(role.Path)
	}
	add(t.Dir)
	add(r.Vars.PlaybookDir)
	return out
}

// env is what lookups and filters may reach, for a task or a play.
func (r *Run) env(t *playbook.Task, p *playbook.Play) *template.Env {
	e := r.Env
	e.BaseDir = r.Vars.PlaybookDir
	dirs := func() []string {
		if t != nil {
			return r.searchPath(t)
		}
		return []string{filepath.Dir(p.Path), r.Vars.PlaybookDir}
	}
	e.SearchDirs = dirs
	e.FindFile = func(kind, name string) (string, error) { return findFile(dirs(), kind, name) }
	e.Warn, e.Deprecated = r.warn, r.deprecated
	e.Hosts = func(pattern string) ([]string, error) {
		hosts, _, err := r.Inventory.Match(pattern)
		return hostNames(hosts), err
	}
	return &e
}

// findFile looks for a file as Ansible does: in each folder's <kind>
// sub-folder, then in the folder itself.
func findFile(dirs []string, kind, name string) (string, error) {
	if name == "" {
		return "", errors.New("Could not find file on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option")
	}
	if strings.HasPrefix(name, "~") {
		name = module.Expander(os.Environ())(name)
	}
	if filepath.IsAbs(name) {
		if exists(name) {
			return name, nil
		}
		return "", fmt.Errorf("Could not find or access '%s' on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option", name)
	}
	var tried []string
	look := func(p string) bool {
		if slices.Contains(tried, p) {
			return false
		}
		tried = append(tried, p)
		return exists(p)
	}
	for _, d := range dirs {
		candidates := []string{filepath.Join(d, kind, name), filepath.Join(d, name)}
		if filepath.Base(d) == "tasks" {
			parent := filepath.Dir(d)
			candidates = []string{filepath.Join(parent, kind, name), filepath.Join(d, kind, name), filepath.Join(d, name)}
		}
		for _, p := range candidates {
			if look(p) {
				if strings.HasSuffix(name, "/") {
					p += "/"
				}
				return p, nil
			}
		}
	}
	return "", fmt.Errorf("Could not find or access '%s'\nSearched in:\n\t%s on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option", name, strings.Join(tried, "\n\t"))
}

// taskName is a task's name as shown: with its role, templates evaluated where
// that is possible.
func (p *playRun) taskName(ctx context.Context, t *playbook.Task, host string) string {
	if n, ok := p.names[t]; ok {
		return n
	}
	name := t.Action
	fixed := true
	switch v := t.Name.(type) {
	case nil:
	case *value.Template:
		fixed = false
		tr := &taskRun{playRun: p, task: t, host: p.hosts[host]}
		switch text, err := p.Engine.Resolve(tr.context(ctx, tr.scope()), v); {
		case err != nil:
			name = v.Source
		case text == template.Omit:
			name = template.Str(text)
		default: // what is no text is no name
			if s, ok := text.(string); ok && s != "" {
				name = s
			}
		}
	case string:
		if v != "" {
			name = v
		}
	}
	switch {
	case t.Kind == playbook.IncludeRole:
		if t.Name == nil {
			name = t.Action + " : " + template.Str(value.Plain(t.Args.At("name")))
		}
	case t.Role != nil:
		name = t.Role.Name + " : " + name
	}
	name = strings.TrimSpace(name)
	if fixed {
		p.names[t] = name
	}
	return name
}

func (p *playRun) info(t *playbook.Task, name string) event.Task {
	role := ""
	if t.Role != nil {
		role = t.Role.Name
	}
	args := t.Args
	if v, ok := t.Keywords.Get(playbook.NoLog); ok {
		if b, err := boolean(value.Plain(v)); err != nil || b { // a template may mean yes
			args = nil
		}
	}
	return event.Task{ID: int(t.ID), Name: name, Role: role, Action: t.Action, Args: args, Pos: t.Pos, Handler: t.Handler, Check: p.checks(t.Keywords), Loop: t.Loop != nil && (t.Loop.Lookup != "" || t.Loop.Value != nil),
		Include: t.Kind == playbook.IncludeTasks || t.Kind == playbook.IncludeRole, Local: t.Kind == playbook.MetaTask}
}

// checks reports whether check mode is written for what has these keywords.
func (r *Run) checks(k *playbook.Keywords) bool {
	if v, ok := k.Get(playbook.CheckMode); ok {
		if b, err := boolean(value.Plain(v)); err == nil {
			return b
		}
	}
	return r.Check
}

// tagged tells whether the tags of the command line let a task run.
func (p *playRun) tagged(t *playbook.Task) bool {
	only, skip := p.Only, p.Skip
	if (len(only) == 0 || slices.Equal(only, []string{"all"})) && len(skip) == 0 && !hasTag(t.Tags, "never") {
		return true
	}
	return Tagged(p.tags(t), only, skip)
}

func hasTag(tags []any, name string) bool {
	for _, t := range tags {
		if s, ok := t.(string); !ok || s == name {
			return true // a template may say anything
		}
	}
	return false
}

// checkTags refuses tags that the variables of the play alone cannot settle.
func (p *playRun) checkTags(items []playbook.Item) error {
	for _, it := range items {
		switch it := it.(type) {
		case *playbook.Block:
			if err := p.checkTags(slices.Concat(it.Items, it.Rescue, it.Always)); err != nil {
				return err
			}
		case *playbook.Task:
			for _, tag := range it.Tags {
				if _, err := p.tag(it, tag); err != nil {
					return &diag.Problem{Pos: it.Pos, Msg: "the tags cannot be evaluated: " + errorText(err), Hint: "the variables of hosts and facts are not known here", General: true}
				}
			}
		}
	}
	return nil
}

// tag evaluates one tag, or what gives several.
func (p *playRun) tag(t *playbook.Task, tag any) (any, error) {
	if _, ok := tag.(string); ok {
		return tag, nil
	}
	return p.Engine.Resolve(&template.Context{Vars: p.vars.Scope(nil, t), Env: p.env(t, p.play)}, tag)
}

func (p *playRun) tags(t *playbook.Task) []string {
	var out []string
	for _, tag := range t.Tags {
		if s, ok := tag.(string); ok {
			out = append(out, s)
			continue
		}
		v, err := p.tag(t, tag)
		if err != nil {
			continue
		}
		if l, ok := v.([]any); ok {
			for _, e := range l {
				out = append(out, template.Str(e))
			}
			continue
		}
		out = append(out, template.Str(v))
	}
	return out
}

// Tagged tells whether a task with these tags runs under --tags only and
// --skip-tags skip.
func Tagged(tags, only, skip []string) bool {
	set := map[string]bool{}
	for _, t := range tags {
		set[t] = true
	}
	if len(set) == 0 {
		set["untagged"] = true
	}
	real := len(tags) > 0
	run := true
	if len(only) > 0 {
		run = false
		switch {
		case set["always"]:
			run = true
		case slices.Contains(only, "all") && !set["never"]:
			run = true
		case slices.ContainsFunc(only, func(t string) bool { return set[t] }):
			run = true
		case slices.Contains(only, "tagged") && real && !set["untagged"] && !set["never"]:
			run = true
		}
	} else if set["never"] {
		run = false
	}
	if run && len(skip) > 0 {
		switch {
		case slices.Contains(skip, "all"):
			run = set["always"] && !slices.Contains(skip, "always")
		case slices.ContainsFunc(skip, func(t string) bool { return set[t] }):
			run = false
		case slices.Contains(skip, "tagged") && real && !set["untagged"]:
			run = false
		}
	}
	return run
}

// once reports whether a task runs on one host for all: run_once, and modules
// that are made so.
func (p *playRun) once(ctx context.Context, t *playbook.Task, host string) (bool, error) {
	if spec := p.Modules.Spec(t.Module); spec != nil && spec.OncePerPlay {
		return true, nil
	}
	v, ok := t.Get(playbook.RunOnce)
	if !ok {
		return false, nil
	}
	tr := &taskRun{playRun: p, task: t, host: p.hosts[host]}
	v, err := p.Engine.Resolve(tr.context(ctx, tr.scope()), v)
	return holds(v), err
}
