package playbook

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// items reads a list of tasks and blocks.
func (r *reader) items(n *yaml.Node, s scope, what string) []Item {
	if n.IsNull() {
		return nil
	}
	if n.Kind != yaml.List {
		r.Add(n.Pos, "a list of tasks begins each with '- '", "A malformed block was encountered while loading %s: %s should be a list or None but is %s", what, value.Str(value.Plain(n.Value())), n.Describe())
		return nil
	}
	out := make([]Item, 0, len(n.Items))
	for _, it := range n.Items {
		switch {
		case it.Kind != yaml.Map:
			if !it.IsNull() || s.handler {
				r.Add(it.Pos, "each task is a mapping, such as '- ping:'", "%s should hold tasks, but this is %s", what, it.Describe())
			}
		case it.Get("block") != nil || hasKey(it, "block"):
			if s.handler {
				r.Add(it.Pos, "", "Using a block as a handler is not supported.")
				continue
			}
			out = append(out, r.block(it, s))
		default:
			if item := r.task(it, s); item != nil {
				out = append(out, item)
			}
		}
	}
	return out
}

func hasKey(n *yaml.Node, key string) bool {
	for _, p := range n.Pairs {
		if k, ok := p.Key.Text(); ok && k == key {
			return true
		}
	}
	return false
}

// block reads a block with its rescue and always parts.
func (r *reader) block(n *yaml.Node, s scope) *Block {
	r.unknown(n, "Block", blockKeywords)
	own := r.keywords(n)
	b := &Block{Pos: n.Pos, Name: r.name(n), Role: s.role, Keywords: s.keywords.Inherit(own)}
	b.Together = r.together(n, own)
	inner := s.within(b.Keywords)
	for _, part := range []string{"rescue", "always"} {
		if v := n.Get(part); v != nil && v.IsNull() {
			r.Add(v.Pos, "leave it out, or write tasks below it", "A malformed block was encountered while loading %s: it is empty", part)
		}
	}
	rescue := n.Get("rescue")
	inner.expectsFailure = s.expectsFailure || !rescue.IsNull()
	b.Items = r.items(n.Get("block"), inner, "block")
	b.Rescue = r.items(n.Get("rescue"), inner, "rescue")
	b.Always = r.items(n.Get("always"), inner, "always")
	return b
}

// together reads tutti_block_parallel, which is a variable so that plain Ansible
// reads the block as any other. It only counts where the block itself says it.
func (r *reader) together(n *yaml.Node, own *Keywords) bool {
	for _, vars := range own.Vars {
		switch v, ok := vars.Get("tutti_block_parallel"); {
		case !ok:
		case v == true || v == false:
			return v == true
		default:
			r.Add(n.Get("vars").Get("tutti_block_parallel").Pos, "", "tutti_block_parallel must be true or false, not %s", value.Str(value.Plain(v)))
		}
	}
	return false
}

// action is a task's module with its arguments, as written.
type action struct {
	name  string
	args  *yaml.Node // a mapping, a text, or nothing
	pos   diag.Pos
	local bool
}

// findAction picks the module out of a task's keys.
func (r *reader) findAction(n *yaml.Node, s scope) (action, bool) {
	known := map[string]bool{}
	keywords := taskKeywords
	if s.handler {
		keywords = handlerKeywords
	}
	for _, l := range [][]string{everyKeywords, keywords} {
		for _, name := range l {
			known[name] = true
		}
	}
	for name := range inherited {
		known[name] = true
	}
	var found []action
	for _, p := range n.Pairs {
		name, ok := p.Key.Text()
		switch {
		case !ok:
			r.Add(p.Key.Pos, "", "a task's keys are names, not %s", p.Key.Describe())
		case name == "action" || name == "local_action":
			if a, ok := r.actionKeyword(p.Value, name); ok {
				found = append(found, a)
			}
		case known[name] || strings.HasPrefix(name, "with_"):
		default:
			found = append(found, action{name: name, args: p.Value, pos: p.Key.Pos})
		}
	}
	switch len(found) {
	case 1:
		return found[0], true
	case 0:
		r.Add(n.Pos, "a task needs the name of a module, such as 'copy:' or 'command:'", "no module/action detected in task.")
		return action{}, false
	}
	// More than one unknown key: the ones that are no module are the mistake.
	var bad []action
	for _, a := range found {
		if _, ok := r.find(a.name, s, s.keywords.Collections); !ok {
			bad = append(bad, a)
		}
	}
	if len(bad) > 0 && len(bad) < len(found) {
		if r.LenientKeywords && len(found)-len(bad) == 1 {
			for _, a := range bad {
				r.Warn(a.pos, misplaced(a.name, "Task", known), "Ignoring invalid attribute: %s", a.name)
			}
			for _, a := range found {
				if !slices.ContainsFunc(bad, func(b action) bool { return b.name == a.name }) {
					return a, true
				}
			}
		}
		for _, a := range bad {
			r.Add(a.pos, misplaced(a.name, "Task", known), "'%s' is not a valid attribute for a Task", a.name)
		}
		return action{}, false
	}
	names := make([]string, len(found))
	for i, a := range found {
		names[i] = a.name
	}
	r.Add(n.Pos, "a task runs one module; make two tasks of it", "conflicting action statements: %s", strings.Join(names, ", "))
	return action{}, false
}

// actionKeyword reads `action: module k=v` and `action: {module: name, ...}`.
func (r *reader) actionKeyword(n *yaml.Node, key string) (action, bool) {
	a := action{pos: n.Pos, local: key == "local_action"}
	switch n.Kind {
	case yaml.Scalar:
		text, ok := n.Text()
		if !ok {
			break
		}
		var rest string
		a.name, rest = cutAction(text)
		a.args = yaml.NewText(rest, n.Pos)
		return a, true
	case yaml.Map:
		rest := &yaml.Node{Kind: yaml.Map, Pos: n.Pos}
		for _, p := range n.Pairs {
			if k, _ := p.Key.Text(); k == "module" {
				text, _ := p.Value.Text()
				name, free := cutAction(text)
				a.name = name
				if free != "" {
					kv, err := module.ParseKV(free, true)
					if err != nil {
						r.Add(p.Value.Pos, "", "%s", err)
					}
					for k, v := range kv.Strings() {
						rest.Pairs = append(rest.Pairs, yaml.Pair{Key: yaml.NewText(k, p.Value.Pos), Value: yaml.NewText(v.(string), p.Value.Pos)})
					}
				}
				continue
			}
			rest.Pairs = append(rest.Pairs, p)
		}
		a.args = rest
		if a.name != "" {
			return a, true
		}
	}
	r.Add(n.Pos, "", "'%s' needs the name of a module", key)
	return a, false
}

// cutAction takes the module's name, which may be a template, off its arguments.
func cutAction(text string) (name, rest string) {
	text = strings.TrimSpace(text)
	depth := 0
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "{{"):
			depth++
			i++
		case strings.HasPrefix(text[i:], "}}"):
			depth--
			i++
		case depth <= 0 && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n'):
			return text[:i], strings.TrimSpace(text[i:])
		}
	}
	return text, ""
}

// find resolves a module's name; collections are those that the task says.
func (r *reader) find(name string, s scope, collections []string) (Found, bool) {
	if kind, ok := ownActions[module.Bare(name)]; ok && (!strings.Contains(name, ".") || strings.HasPrefix(name, "ansible.")) {
		_ = kind
		return Found{Name: module.Name("ansible.builtin." + name[strings.LastIndexByte(name, '.')+1:])}, true
	}
	if r.Modules == nil {
		return Found{Name: module.Name(name)}, true
	}
	r.mu.Lock()
	dirs := slices.Clone(r.libraries) // the first role met counts, as in Ansible
	r.mu.Unlock()
	if s.play != nil && s.play.Path != "" { // an imported playbook may have modules of its own
		dirs = append(dirs, filepath.Dir(s.play.Path))
	}
	if s.role != nil && s.role.Collection != "" {
		collections = append([]string{s.role.Collection}, collections...)
	}
	return r.Modules.Find(name, collections, dirs)
}

// ownActions are the actions that the executor carries out itself.
var ownActions = map[string]Kind{
	"meta": MetaTask, "include_tasks": IncludeTasks, "include_role": IncludeRole, "import_tasks": IncludeTasks,
	"import_role": IncludeRole, "include": IncludeTasks, "import_playbook": ModuleTask,
}

// freeFormOwn are those of them that take free text.
var freeFormOwn = map[string]bool{"meta": true, "include_tasks": true, "import_tasks": true, "include": true, "import_playbook": true}

// readsText are modules whose text is looked at only when they run.
var readsText = map[string]bool{"add_host": true, "group_by": true, "set_fact": true, "include_vars": true}

// task reads one task. A static import gives the block of what it imports; nil
// means that the problem has been noted.
func (r *reader) task(n *yaml.Node, s scope) Item {
	before := len(r.Problems)
	item := r.readTask(n, s)
	if t, ok := item.(*Task); ok && r.lenient(t, s) {
		r.Problems = append(r.Problems[:before:before], slices.DeleteFunc(r.Problems[before:], func(p *diag.Problem) bool { return p.Template })...)
	}
	return item
}

// lenient reports whether a task's mistakes are left to be found when it runs,
// as in Ansible: it may be skipped, or its failure is expected.
func (r *reader) lenient(t *Task, s scope) bool {
	return r.LenientArgs || s.expectsFailure || len(t.When) > 0 || t.FailedWhen != nil || t.expectsFailure()
}

func (r *reader) readTask(n *yaml.Node, s scope) Item {
	a, ok := r.findAction(n, s)
	own := r.keywords(n)
	if !ok {
		return nil
	}
	t := &Task{
		ID: r.NextID(), Pos: n.Pos, Name: r.name(n), Role: s.role, Dir: s.dir, Handler: s.handler,
		Action: a.name, Own: own, Parent: s.keywords, Keywords: s.keywords.Inherit(own),
	}
	r.checkTemplate(n.Get("name"))
	r.taskKeywords(t, n)
	if a.local {
		t.Local = true
		t.Keywords = t.Keywords.With(DelegateTo, "localhost")
	}
	if strings.Contains(a.name, "{{") {
		r.arguments(t, a, nil, true)
		return t
	}
	found, ok := r.find(a.name, s, t.Collections)
	if !ok {
		r.Add(a.pos, r.suggestModule(a.name), "couldn't resolve module/action '%s'. This often indicates a misspelling, missing collection, or incorrect module path.", a.name)
		return nil
	}
	if found.Err != nil {
		r.Add(a.pos, "", "%s", found.Err)
		return nil
	}
	t.Module, t.Python = found.Name, found.Python
	if err := found.Python.Usable(a.name); err != nil {
		r.Warn(a.pos, "", "%s; the task fails if it comes to run", err)
	}
	short, isBuiltin := strings.CutPrefix(string(found.Name), "ansible.builtin.")
	if kind, own := ownActions[short]; own && isBuiltin {
		r.arguments(t, a, nil, freeFormOwn[short])
		return r.ownAction(t, short, kind, n, s)
	}
	before := len(r.Problems)
	r.arguments(t, a, found.Spec, found.Spec == nil || found.Spec.FreeForm != "")
	if len(r.Problems) == before {
		r.checkArguments(t, found.Spec, a, n, s)
	}
	return t
}

func (r *reader) suggestModule(name string) string {
	known := map[string]bool{}
	for k := range inherited {
		known[k] = true
	}
	for _, l := range [][]string{everyKeywords, taskKeywords} {
		for _, k := range l {
			known[k] = true
		}
	}
	if parts := strings.SplitN(name, ".", 3); len(parts) == 3 && r.Modules != nil {
		return suggestInCollection(parts[0]+"."+parts[1], name, r.Modules.Suggest())
	}
	if r.Modules != nil {
		for _, m := range r.Modules.Suggest() {
			known[m] = true
			known[m[strings.LastIndexByte(m, '.')+1:]] = true
		}
	}
	for m := range ownActions {
		known[m] = true
	}
	return suggest(name, known)
}

// suggestInCollection suggests another collection, or another module of it.
func suggestInCollection(collection, name string, modules []string) string {
	collections, within := map[string]bool{}, map[string]bool{}
	for _, m := range modules {
		if parts := strings.SplitN(m, ".", 3); len(parts) == 3 {
			collections[parts[0]+"."+parts[1]] = true
			if strings.HasPrefix(m, collection+".") {
				within[m] = true
			}
		}
	}
	if collections[collection] {
		return suggest(name, within)
	}
	if hint := suggest(collection, collections); hint != "" {
		return "the collection is not there; " + hint
	}
	return "the collection " + collection + " is not installed"
}

// taskKeywords reads the keywords that only tasks have.
func (r *reader) taskKeywords(t *Task, n *yaml.Node) {
	for _, p := range n.Pairs {
		key, _ := p.Key.Text()
		v := p.Value
		switch key {
		case "register":
			name, ok := v.Text()
			if v.IsNull() || name == "" || v.Kind != yaml.Scalar {
				continue // as if it were not there, or told of already
			}
			if !ok || !ValidName(name) {
				r.AddGeneral(v.Pos, "", "Invalid variable name in 'register' specified: '%s'", name)
			}
			t.Register = name
		case "listen":
			t.Listen = names(v)
		case "changed_when":
			t.ChangedWhen = r.conditions(v)
		case "failed_when":
			t.FailedWhen = r.conditions(v)
		case "until":
			if !v.IsNull() {
				t.Until = r.conditions(v)
			}
		case "retries":
			if t.Retries = v.Value(); t.Retries == nil {
				t.Retries = 2 // an empty one means three attempts, none at all four
			}
		case "delay":
			t.Delay = v.Value()
		case "async":
			t.Async = v.Value()
		case "poll":
			t.Poll = v.Value()
		case "loop":
			if !v.IsNull() {
				r.loop(t, "", p)
			}
		case "loop_control":
			r.loopControl(t, v)
		default:
			lookup, ok := strings.CutPrefix(key, "with_")
			if !ok {
				continue
			}
			ours := strings.Count(lookup, ".") < 2 || strings.HasPrefix(lookup, "ansible.builtin.") // a collection may have others
			if near := diag.Nearest(lookup, r.Lookups); ours && near != "" && near != lookup && !slices.Contains(r.Lookups, lookup) {
				r.Add(p.Key.Pos, "did you mean 'with_"+near+"'?", "'%s' is not a valid attribute for a Task", key)
				continue
			}
			r.loop(t, lookup, p)
		}
	}
}

func (r *reader) loop(t *Task, lookup string, p yaml.Pair) {
	if t.Loop != nil && (t.Loop.Lookup != "" || t.Loop.Value != nil) {
		r.AddGeneral(p.Key.Pos, "", "duplicate loop in task: %s", lookup)
		return
	}
	if t.Loop == nil {
		t.Loop = &Loop{}
	}
	if lookup == "" && p.Value.Kind == yaml.Map {
		r.Add(p.Value.Pos, "use with_dict, or the dict2items filter", "Invalid data passed to 'loop', it requires a list, got this instead: a mapping")
	}
	r.checkTemplate(p.Value)
	t.Loop.Pos, t.Loop.Lookup, t.Loop.Value = p.Value.Pos, lookup, p.Value.Value()
	if p.Value.IsNull() {
		t.Loop.Value = []any{}
		if lookup != "" {
			r.Add(p.Key.Pos, "", "you must specify a value when using with_%s", lookup)
		}
	}
}

func (r *reader) loopControl(t *Task, n *yaml.Node) {
	if n.Kind != yaml.Map {
		r.Add(n.Pos, "", "the `loop_control` value must be specified as a dictionary and cannot be a variable itself (though it can contain variables)")
		return
	}
	if t.Loop == nil {
		t.Loop = &Loop{}
	}
	for _, p := range n.Pairs {
		name, _ := p.Key.Text()
		v := p.Value.Value()
		switch name {
		case "loop_var":
			t.Loop.LoopVar = v
		case "index_var":
			t.Loop.IndexVar = v
		case "label":
			t.Loop.Label = v
		case "pause":
			t.Loop.Pause = v
		case "extended":
			t.Loop.Extended = v
		case "extended_allitems":
			t.Loop.ExtendedAllItems = v
		default:
			r.Add(p.Key.Pos, suggest(name, map[string]bool{"loop_var": true, "index_var": true, "label": true, "pause": true, "extended": true, "extended_allitems": true}),
				"'%s' is not a valid attribute for a LoopControl", name)
		}
	}
}

// arguments fills in Args from what stands under the module's name and args:.
func (r *reader) arguments(t *Task, a action, spec *module.Spec, freeForm bool) {
	t.Args = value.NewMap(4)
	switch {
	case a.args.IsNull():
	case a.args.Kind == yaml.Map:
		r.checkTemplate(a.args)
		t.Args = a.args.Value().(*value.Map)
	case a.args.Kind == yaml.List:
		r.Add(a.args.Pos, "", "unexpected parameter type in action: a list")
	default:
		text, _ := a.args.Text()
		if tmpl, ok := a.args.Value().(*value.Template); ok && !freeForm && wholeExpression(text) {
			t.RawArgs = tmpl
			r.checkTemplate(a.args)
			break
		}
		kv, err := module.ParseKV(text, keepsRaw(spec))
		if err != nil {
			r.Add(a.args.Pos, "", "%s", err)
			break
		}
		if raw := kv.At("_raw_params"); raw != nil && !freeForm && (spec == nil || !readsText[spec.Name.Short()]) {
			if value.HasMarkers(text) {
				t.RawArgs = value.Text(text, a.args.Pos) // it may turn out to be a dictionary
				break
			}
			r.Add(a.args.Pos, "write the parameters as 'name=value' or as a mapping",
				"this task '%s' has extra params, which is only allowed in the following modules: those that take free text (command, shell, script, raw, meta, include_tasks and the like)", t.Action)
		}
		t.Args = value.MarkTemplates(kv, a.args.Pos).(*value.Map)
		if r.Check != nil {
			r.Problems = append(r.Problems, r.Check(t.Args)...)
		}
	}
}

// keepsRaw reports whether a module's text stays as it is (command, shell), so
// that name=value in it is not a parameter.
func keepsRaw(spec *module.Spec) bool {
	if spec == nil {
		return false
	}
	switch spec.Name.Short() {
	case "command", "shell", "script", "raw", "expect":
		return true
	}
	return false
}

// wholeExpression reports whether text is one {{ }} and nothing else.
func wholeExpression(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "{{") && strings.HasSuffix(text, "}}") && strings.Count(text, "{{") == 1
}

// checkArguments takes in args: and has the Spec look at what can be known
// before the run.
func (r *reader) checkArguments(t *Task, spec *module.Spec, a action, n *yaml.Node, s scope) {
	if extra := n.Get("args"); !extra.IsNull() {
		r.checkTemplate(extra)
		switch v := extra.Value().(type) {
		case *value.Map:
			merged := v.Clone()
			merged.Update(t.Args)
			t.Args = merged
		case *value.Template:
			t.ArgsTemplate = v
		default:
			if text, ok := extra.Text(); ok {
				if kv, err := module.ParseKV(text, false); err == nil {
					merged := value.MarkTemplates(kv, extra.Pos).(*value.Map)
					merged.Update(t.Args)
					t.Args = merged
					break
				}
			}
			r.Add(extra.Pos, "", "args must be a dictionary of the module's parameters, not %s", extra.Describe())
		}
	}
	if spec == nil || t.RawArgs != nil {
		return
	}
	given := t.Args
	partial := len(t.ModuleDefaults) > 0 || t.ArgsTemplate != nil
	for _, m := range spec.Inspect(given) {
		if partial && m.Param == "" {
			continue // something required may yet come from the defaults
		}
		pos := a.pos
		if at := paramNode(a.args, m.Param); at != nil {
			pos = at.Pos
		} else if at := paramNode(n.Get("args"), m.Param); at != nil {
			pos = at.Pos
		}
		if r.lenient(t, s) {
			continue
		}
		hint := m.Hint
		if strings.HasPrefix(m.Msg, "Unsupported parameters") && slices.Contains(taskKeywords, m.Param) {
			hint = "it is a keyword of the task: write it one level further out"
		}
		r.Add(pos, hint, "%s", m.Msg)
	}
}

func (t *Task) expectsFailure() bool {
	v, ok := t.Get(IgnoreErrors)
	return ok && v != false
}

// paramNode finds where a parameter is written.
func paramNode(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.Map {
		return nil
	}
	for _, p := range n.Pairs {
		if k, ok := p.Key.Text(); ok && k == name {
			return p.Key
		}
	}
	return nil
}
