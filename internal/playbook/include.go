package playbook

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// ownAction finishes a task that the executor carries out itself, or expands
// it if it is a static import.
func (r *reader) ownAction(t *Task, short string, kind Kind, n *yaml.Node, s scope) Item {
	if extra := n.Get("args"); extra != nil && extra.Kind == yaml.Map {
		merged := extra.Value().(*value.Map).Clone()
		merged.Update(t.Args)
		t.Args = merged
	}
	t.Kind = kind
	switch short {
	case "meta":
		r.meta(t, n)
		return t
	case "import_playbook":
		r.Add(t.Pos, "import_playbook stands beside the plays, not among tasks", "import_playbook is not a valid task")
		return nil
	case "include":
		// Unlike those of an import, the variables of an include are parameters.
		t.Keywords = t.Keywords.Inherit(&Keywords{IncludeParams: t.Own.Vars})
		r.Problems = append(r.Problems, &diag.Problem{
			Warning: true, Deprecated: true,
			Msg: `"include" is deprecated, use include_tasks/import_tasks instead. This feature will be removed in version 2.16.`,
		})
		r.oldInclude(t)
		name, _ := t.Args.At("_raw_params").(string)
		if name != "" && t.Loop == nil && !s.dynamic {
			short = "import_tasks"
		} else {
			short = "include_tasks"
		}
	}
	if strings.HasPrefix(short, "include_") && module.Bare(t.Action) != "include" {
		r.includeKeywords(t, short, n, s)
	}
	if s.handler && (short == "include_role" || short == "import_role") {
		r.Add(t.Pos, "", "Using '%s' as a handler is not supported.", t.Action)
		return nil
	}
	if apply := t.Args.At("apply"); apply != nil {
		r.apply(t, short, n)
	}
	switch short {
	case "include_tasks", "import_tasks":
		r.includeTasksArgs(t)
	default:
		r.includeRoleArgs(t)
	}
	if strings.HasPrefix(short, "import_") {
		return r.expand(t, short, s)
	}
	return t
}

// ofIncludes are the keywords that mean something for an include itself. What is
// meant for the tasks that come in stands below apply:, or in a block around it.
var ofIncludes = []string{"action", "args", "collections", "debugger", "ignore_errors", "loop", "loop_control", "name", "no_log", "register", "run_once", "tags", "timeout", "vars", "when"}

// includeKeywords refuses the other keywords of a task on a dynamic include.
func (r *reader) includeKeywords(t *Task, short string, n *yaml.Node, s scope) {
	what := map[string]string{"include_tasks": "TaskInclude", "include_role": "IncludeRole"}[short]
	allowed := ofIncludes
	if s.handler {
		what, allowed = "HandlerTaskInclude", append(slices.Clone(ofIncludes), "listen")
	}
	for _, p := range n.Pairs {
		name, _ := p.Key.Text()
		if name == t.Action || strings.HasPrefix(name, "with_") || slices.Contains(allowed, name) || name == "local_action" {
			continue
		}
		hint := "put it below apply:, or on a block around the include"
		if r.LenientKeywords {
			r.Warn(p.Key.Pos, hint, "Ignoring invalid attribute: %s", name)
			continue
		}
		r.Add(p.Key.Pos, hint, "'%s' is not a valid attribute for a %s", name, what)
	}
}

// oldInclude turns the parameters of the old include: into variables.
func (r *reader) oldInclude(t *Task) {
	vars := value.NewMap(2)
	for k, v := range t.Args.Strings() {
		if k != "_raw_params" && k != "file" && k != "apply" {
			vars.Set(k, v)
		}
	}
	if vars.Len() == 0 {
		return
	}
	args := t.Args.Clone()
	for k := range vars.Strings() {
		args.Delete(k)
	}
	t.Args = args
	own := *t.Own
	own.Vars = append(slices.Clone(own.Vars), vars)
	t.Own = &own
	t.Keywords = t.Keywords.Inherit(&Keywords{Vars: []*value.Map{vars}})
}

var metaActions = []string{"noop", "flush_handlers", "refresh_inventory", "clear_facts", "clear_host_errors", "end_play", "end_host", "end_batch", "reset_connection", "role_complete"}

func (r *reader) meta(t *Task, n *yaml.Node) {
	name, _ := t.Args.At("_raw_params").(string)
	if _, isTemplate := t.Args.At("_raw_params").(*value.Template); isTemplate {
		return
	}
	known := map[string]bool{}
	for _, m := range metaActions {
		known[m] = true
	}
	if !known[name] {
		r.AddGeneral(t.Pos, suggest(name, known), "invalid meta action requested: %s", name)
	}
}

// apply reads apply: of a dynamic include.
func (r *reader) apply(t *Task, short string, n *yaml.Node) {
	if strings.HasPrefix(short, "import_") {
		r.Add(t.Pos, "", "Invalid options for %s: apply", short)
		return
	}
	for _, holder := range []*yaml.Node{n.Get(t.Action), n.Get("args")} {
		if node := holder.Get("apply"); node != nil {
			if node.Kind != yaml.Map {
				r.Add(node.Pos, "", "Expected a dict for apply but got %s instead", node.Describe())
				return
			}
			r.unknown(node, "Block", blockKeywords)
			t.Include = &Include{Apply: r.keywords(node)}
		}
	}
}

func (r *reader) includeTasksArgs(t *Task) {
	if t.Args.Has("file") && !t.Args.Has("_raw_params") {
		t.Args = t.Args.Clone()
		t.Args.Set("_raw_params", t.Args.At("file"))
		t.Args.Delete("file")
	}
	if v := t.Args.At("_raw_params"); v == nil || v == "" {
		r.Add(t.Pos, "", "No file specified for %s", t.Action)
	}
	var bad []string
	for k := range t.Args.Strings() {
		if k != "_raw_params" && k != "apply" && !strings.HasSuffix(t.Action, "include") {
			bad = append(bad, k)
		}
	}
	if len(bad) > 0 {
		r.Add(t.Pos, "give variables under vars:", "Invalid options for %s: %s", t.Action, strings.Join(bad, ","))
	}
}

var includeRoleParams = []string{"name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from", "apply", "public", "allow_duplicates", "rolespec_validate"}

func (r *reader) includeRoleArgs(t *Task) {
	if t.Args.Has("role") && !t.Args.Has("name") {
		t.Args = t.Args.Clone()
		t.Args.Set("name", t.Args.At("role"))
		t.Args.Delete("role")
	}
	if t.Args.At("name") == nil {
		r.Add(t.Pos, "", "'name' is a required field for %s.", t.Action)
	}
	var bad []string
	for k := range t.Args.Strings() {
		if !slices.Contains(includeRoleParams, k) || k == "public" && strings.HasSuffix(t.Action, "import_role") {
			bad = append(bad, k)
		}
		if v := t.Args.At(k); strings.HasSuffix(k, "_from") && v != nil && !value.HasTemplates(v) {
			if _, ok := v.(string); !ok {
				r.Add(t.Pos, "", "Expected a string for %s but got %s instead", k, value.TypeName(v))
			}
		}
	}
	if len(bad) > 0 {
		r.Add(t.Pos, "give variables under vars:", "Invalid options for %s: %s", t.Action, strings.Join(bad, ","))
	}
}

// staticVars are the variables that are known where a task is imported, the
// lowest first.
func staticVars(t *Task, s scope) []*value.Map {
	var out []*value.Map
	if s.role != nil {
		out = append(out, s.role.Defaults)
	}
	if s.play != nil && s.play.Keywords != nil {
		out = append(out, s.play.Keywords.Vars...)
	}
	if s.role != nil {
		out = append(out, s.role.Vars)
	}
	return append(out, t.Keywords.Vars...)
}

// expand replaces a static import by the block of what it imports.
func (r *reader) expand(t *Task, short string, s scope) Item {
	if t.Loop != nil && (t.Loop.Lookup != "" || t.Loop.Value != nil) {
		r.Add(t.Pos, "", "You cannot use loops on '%s' statements. You should use '%s' instead.", t.Action, strings.Replace(short, "import", "include", 1))
		return nil
	}
	b := &Block{Pos: t.Pos, Implicit: true, Keywords: t.Keywords, Role: t.Role}
	inner := s.within(t.Keywords)
	if short == "import_role" {
		o, err := r.roleOptions(t.Args, staticVars(t, s))
		if err != nil {
			r.AddGeneral(t.Pos, "a static import cannot use facts or inventory variables; include_role can", "%s", err)
			return nil
		}
		o.vars = t.Own.Vars
		role := r.role(o, t.Pos, inner)
		if role == nil {
			return nil
		}
		role.Static = true
		r.imported = append(r.imported, role)
		b.Items = blockItems(role.Compile())
		return b
	}
	name, err := r.resolveName(t.Args.At("_raw_params"), staticVars(t, s))
	if err != nil {
		r.Add(t.Pos, "a static import cannot use facts or inventory variables; include_tasks can", "Error when evaluating variable in import path: %s: %s", value.Plain(t.Args.At("_raw_params")), err)
		return nil
	}
	path, tried := FindTaskFile(name, s.dir, s.role, s.handler, s.play)
	if path == "" {
		r.AddGeneral(t.Pos, "", "could not find the file %s imported here (looked for %s)", name, strings.Join(tried, ", "))
		return nil
	}
	if slices.Contains(s.chain, path) {
		r.Add(t.Pos, "", "the file %s imports itself: %s", name, strings.Join(append(s.chain, path), " -> "))
		return nil
	}
	b.Items = r.taskFile(path, inner, t.Pos)
	return b
}

func blockItems(blocks []*Block) []Item {
	out := make([]Item, len(blocks))
	for i, b := range blocks {
		out[i] = b
	}
	return out
}

// taskFile reads a file of tasks.
func (r *reader) taskFile(path string, s scope, from diag.Pos) []Item {
	n, err := r.file(path)
	if err != nil {
		r.Append(from, err)
		return nil
	}
	if n.IsNull() {
		return nil
	}
	if n.Kind != yaml.List {
		r.Add(n.Pos, "begin each task with '- '", "included task files must contain a list of tasks")
		return nil
	}
	s.dir = filepath.Dir(path)
	s.chain = append(slices.Clone(s.chain), path)
	return r.items(n, s, filepath.Base(path))
}

// FindTaskFile looks for a file of tasks as Ansible does: beside the file that
// asks for it, then in the role's tasks (or handlers) folder, then in the
// role, then beside the playbook. It returns "" and the places tried if there
// is none.
func FindTaskFile(name, dir string, role *Role, handler bool, play *Play) (string, []string) {
	if filepath.IsAbs(name) {
		if isFile(name) {
			return name, nil
		}
		return "", []string{name}
	}
	sub := "tasks"
	if handler {
		sub = "handlers"
	}
	var dirs []string
	if role != nil {
		if strings.HasPrefix(dir, role.Path) {
			for d := dir; strings.HasPrefix(d, role.Path) && d != role.Path; d = filepath.Dir(d) {
				dirs = append(dirs, d)
			}
		}
		dirs = append(dirs, filepath.Join(role.Path, sub), filepath.Join(role.Path, "tasks"), role.Path)
	}
	dirs = append(dirs, dir, filepath.Join(dir, "tasks"))
	if play != nil {
		base := filepath.Dir(play.Path)
		dirs = append(dirs, filepath.Join(base, sub), base)
	}
	var tried []string
	for _, d := range dirs {
		p := filepath.Join(d, name)
		if slices.Contains(tried, p) {
			continue
		}
		if isFile(p) {
			return p, nil
		}
		tried = append(tried, p)
	}
	return "", tried
}

// resolveName evaluates the name of an imported file or role while loading.
func (r *reader) resolveName(v any, vars []*value.Map) (string, error) {
	if v == nil {
		return "", fmt.Errorf("no name given")
	}
	if value.HasTemplates(v) {
		if r.Resolve == nil {
			return "", fmt.Errorf("templates cannot be evaluated here")
		}
		var err error
		if v, err = r.Resolve(v, append(slices.Clone(vars), r.ExtraVars)); err != nil {
			return "", err
		}
	}
	return fmt.Sprint(v), nil
}

// Tasks reads the tasks of a dynamic include, for the executor: the file at
// path, in place of the task t.
func (l *Loader) Tasks(t *Task, path string, play *Play, vars *value.Map) (*Block, error) {
	r := &reader{Loader: l}
	keywords := includeKeywords(t, vars)
	b := &Block{Pos: t.Pos, Implicit: true, Keywords: keywords, Role: t.Role}
	s := scope{keywords: keywords, role: t.Role, play: play, dir: filepath.Dir(path), handler: t.Handler, dynamic: true}
	if _, err := os.Stat(path); err != nil {
		return nil, &diag.Problem{Pos: t.Pos, Msg: fmt.Sprintf("Could not find or access '%s'", path), General: true}
	}
	b.Items = r.taskFile(path, s, t.Pos)
	_, b.Handlers = r.takeImported()
	r.warn()
	return b, r.Err()
}

// includeKeywords are what an included task inherits: what encloses the
// include and its apply:, and of the include itself only its variables.
func includeKeywords(t *Task, vars *value.Map) *Keywords {
	own := &Keywords{Vars: t.Own.Vars, IncludeParams: t.Own.Vars}
	if t.Include != nil {
		own = own.Inherit(t.Include.Apply)
	}
	if vars.Len() > 0 {
		own = own.Inherit(&Keywords{Vars: []*value.Map{vars}, IncludeParams: []*value.Map{vars}})
	}
	return t.Parent.Inherit(own)
}

// IncludedRole reads the role of an include_role, for the executor. args are
// the task's arguments, evaluated.
func (l *Loader) IncludedRole(t *Task, args *value.Map, play *Play, vars *value.Map) (*Role, error) {
	r := &reader{Loader: l}
	keywords := includeKeywords(t, vars)
	o, err := r.roleOptions(args, nil)
	if err != nil {
		return nil, &diag.Problem{Pos: t.Pos, Msg: err.Error()}
	}
	o.vars = t.Own.Vars
	role := r.role(o, t.Pos, scope{keywords: keywords, role: t.Role, play: play, dir: t.Dir, dynamic: true})
	if role != nil {
		_, handlers := r.takeImported()
		role.Handlers = append(role.Handlers, handlers...)
	}
	r.warn()
	return role, r.Err()
}
