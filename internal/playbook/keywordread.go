package playbook

import (
	"slices"
	"sort"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// keywords reads the inherited and shared keywords of a node.
func (r *reader) keywords(n *yaml.Node) *Keywords {
	k := &Keywords{}
	for _, p := range n.Pairs {
		name, _ := p.Key.Text()
		if p.Value.IsNull() {
			if name == "tags" {
				r.AddGeneral(p.Key.Pos, "leave it out, or write [] for none", "tags must be specified as a list")
			}
			if w, ok := inherited[name]; ok {
				k.values[w] = left
			}
			if name == "notify" {
				k.Notify = []any{}
			}
			continue
		}
		r.textual(name, p.Value)
		if w, ok := inherited[name]; ok {
			k.values[w] = p.Value.Value()
			r.checkTemplate(p.Value)
			continue
		}
		switch name {
		case "when":
			k.When = r.conditions(p.Value)
		case "notify":
			k.Notify = append([]any{}, names(p.Value)...) // an empty list counts, too
		case "tags":
			k.Tags = r.tags(p.Value)
		case "environment":
			k.Environment = r.dicts(p.Value, func(n *yaml.Node) { // Ansible goes on without it
				r.Warn(n.Pos, "", "could not parse environment value, skipping: it must be a dictionary, or a list of dictionaries, not %s", n.Describe())
			})
		case "module_defaults":
			k.ModuleDefaults = r.moduleDefaults(p.Value)
		case "collections":
			k.Collections = r.collections(p.Value)
		case "vars":
			k.Vars = r.vars(p.Value, "vars")
		}
	}
	if k.Collections != nil {
		r.mu.Lock()
		r.usesCollections = true
		r.mu.Unlock()
	}
	if v := n.Get("module_defaults"); v != nil {
		r.knownModules(v, k.Collections)
	}
	return k
}

// knownModules refuses names in module_defaults that no module has. Where
// collections: is used around it, a short name may be in one of those.
func (r *reader) knownModules(n *yaml.Node, collections []string) {
	r.mu.Lock()
	short := !r.usesCollections
	r.mu.Unlock()
	for _, it := range eachOf(n) {
		for _, p := range it.Pairs {
			name, _ := p.Key.Text()
			if strings.HasPrefix(name, "group/") || !short && !strings.Contains(name, ".") {
				continue
			}
			if _, ok := r.find(name, scope{}, collections); !ok {
				r.Add(p.Key.Pos, r.suggestModule(name), "Could not resolve action %s in module_defaults", name)
			}
		}
	}
}

// texts are the keywords that are text, but for name and what only some levels
// have.
var texts = []string{"become_exe", "become_flags", "become_method", "become_user", "connection", "debugger", "delegate_to", "fact_path", "order", "register", "remote_user", "strategy"}

// textual refuses what can be no text as the value of a keyword that is.
func (r *reader) textual(name string, n *yaml.Node) {
	switch {
	case name == "delegate_to" && n.Kind == yaml.Scalar:
		switch n.Value().(type) {
		case string, *value.Template:
		default:
			r.AddGeneral(n.Pos, "quote it", "the field 'delegate_to' has an invalid type (%s), and could not be converted to a string type.", n.Describe())
		}
	case n.Kind != yaml.Scalar && slices.Contains(texts, name):
		r.notText(name, n)
	}
}

func (r *reader) notText(name string, n *yaml.Node) {
	r.Add(n.Pos, "", "The field '%s' is supposed to be a string type, however the incoming data structure is %s", name, n.Describe())
}

// name reads the name of a play, block or task.
func (r *reader) name(n *yaml.Node) any {
	v := n.Get("name")
	if v != nil && v.Kind != yaml.Scalar {
		r.notText("name", v)
	}
	return v.Value()
}

// moduleDefaults reads module_defaults: dicts whose keys are names of modules or
// groups of them, as they are written; only below those may templates be.
func (r *reader) moduleDefaults(n *yaml.Node) []any {
	wrong := func(n *yaml.Node) {
		r.Add(n.Pos, "name the module here, and use templates below it", "The field 'module_defaults' is supposed to be a dictionary or list of dictionaries, the keys of which must be static action, module, or group names. Only the values may contain templates. This is %s", n.Describe())
	}
	for _, it := range eachOf(n) {
		if it.Kind == yaml.Scalar {
			wrong(it)
			return nil
		}
	}
	return r.dicts(n, wrong)
}

// eachOf are the items of a list, or n itself.
func eachOf(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.List {
		return n.Items
	}
	return []*yaml.Node{n}
}

// collections reads collections:, the names of collections. One that cannot be
// such a name is of no use, but does no harm.
func (r *reader) collections(n *yaml.Node) []string {
	var out []string
	for _, it := range eachOf(n) {
		text, ok := it.Text()
		if _, isText := it.Value().(string); ok && !isText && !value.HasTemplates(it.Value()) || !ok {
			r.Add(it.Pos, "", "the field 'collections' should be a list of strings, but the item is %s", it.Describe())
			continue
		}
		if !collectionName.MatchString(text) {
			r.Warn(it.Pos, "", "'%s' is not the name of a collection, such as community.general, and is passed over", text)
			continue
		}
		out = append(out, text)
	}
	return out
}

var collectionName = lazyregexp.New(`^\w+\.\w+$`)

// vars reads a dict of variables, or a list of such dicts.
func (r *reader) vars(n *yaml.Node, what string) []*value.Map {
	var out []*value.Map
	switch n.Kind {
	case yaml.List:
		for _, it := range n.Items {
			out = append(out, r.vars(it, what)...)
		}
	case yaml.Map:
		r.variableNames(n)
		r.checkTemplate(n)
		out = append(out, n.Value().(*value.Map))
	default:
		if !n.IsNull() {
			r.Add(n.Pos, "", "Vars in a %s must be specified as a dictionary, or a list of dictionaries, not %s", what, n.Describe())
		}
	}
	return out
}

// variableNames refuses names that no template could use.
func (r *reader) variableNames(n *yaml.Node) {
	for _, p := range n.Pairs {
		name, ok := p.Key.Text()
		if !ok || !ValidName(name) {
			r.Add(p.Key.Pos, "variable names are letters, digits and underscores, and do not begin with a digit", "Invalid variable name in vars specified: '%s' is not a valid variable name", name)
		}
	}
}

// ValidName reports whether name can be a variable's name.
func ValidName(name string) bool {
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for _, c := range name {
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return !pythonKeywords[name]
}

var pythonKeywords = map[string]bool{
	"False": true, "None": true, "True": true, "and": true, "as": true, "assert": true, "async": true, "await": true, "break": true,
	"class": true, "continue": true, "def": true, "del": true, "elif": true, "else": true, "except": true, "finally": true, "for": true,
	"from": true, "global": true, "if": true, "import": true, "in": true, "is": true, "lambda": true, "nonlocal": true, "not": true,
	"or": true, "pass": true, "raise": true, "return": true, "try": true, "while": true, "with": true, "yield": true,
}

// conditions reads when:, changed_when: and the like: one or a list.
func (r *reader) conditions(n *yaml.Node) []Cond {
	if n.Kind == yaml.List {
		var out []Cond
		for _, it := range n.Items {
			out = append(out, r.conditions(it)...)
		}
		return out
	}
	v := n.Value()
	if r.CheckCondition != nil && v != "" { // an empty one holds
		r.Problems = append(r.Problems, r.CheckCondition(v, n.Pos)...)
	}
	return []Cond{{Expr: v, Pos: n.Pos}}
}

// tags reads a comma-separated text or a list of tags.
func (r *reader) tags(n *yaml.Node) []any {
	var out []any
	switch n.Kind {
	case yaml.List:
		for _, it := range n.Items {
			if it.Kind != yaml.Scalar || it.IsNull() {
				r.Add(it.Pos, "", "the field 'tags' should be a list of names, but one is %s", it.Describe())
				continue
			}
			v := it.Value()
			if _, ok := v.(*value.Template); !ok {
				v = value.Str(v)
			}
			out = append(out, v)
		}
	case yaml.Map:
		r.AddGeneral(n.Pos, "", "tags must be specified as a list")
	default:
		if t, ok := n.Value().(*value.Template); ok {
			return []any{t}
		}
		text, ok := n.Value().(string)
		if !ok {
			r.AddGeneral(n.Pos, "quote it", "tags must be specified as a list")
			return nil
		}
		for _, t := range strings.Split(text, ",") {
			if t = strings.TrimSpace(t); t != "" {
				out = append(out, t)
			}
		}
	}
	return out
}

// dicts reads a dict, a template of one, or a list of these; wrong is told of
// anything else.
func (r *reader) dicts(n *yaml.Node, wrong func(*yaml.Node)) []any {
	r.checkTemplate(n)
	if n.Kind == yaml.List {
		var out []any
		for _, it := range n.Items {
			out = append(out, r.dicts(it, wrong)...)
		}
		return out
	}
	v := n.Value()
	switch v.(type) {
	case *value.Map, *value.Template:
		return []any{v}
	}
	wrong(n)
	return nil
}

// list returns the values of a list node, or the single value as a list.
func list(n *yaml.Node) []any {
	if n.IsNull() {
		return nil
	}
	if n.Kind == yaml.List {
		return n.Value().([]any)
	}
	return []any{n.Value()}
}

// names reads notify: and listen:: a name or a list of names.
func names(n *yaml.Node) []any {
	var out []any
	for _, v := range list(n) {
		if nested, ok := v.([]any); ok {
			out = append(out, nested...)
			continue
		}
		out = append(out, v)
	}
	return out
}

// checkTemplate looks for syntax errors in the templates below n.
func (r *reader) checkTemplate(n *yaml.Node) {
	if r.Check == nil {
		return
	}
	if v := n.Value(); value.HasTemplates(v) {
		r.Problems = append(r.Problems, r.Check(v)...)
	}
}

// unknown reports the keys of a node that are none of the allowed keywords.
func (r *reader) unknown(n *yaml.Node, what string, allowed ...[]string) {
	known := map[string]bool{}
	for name, w := range inherited {
		// Only a task, or a block of tasks, runs elsewhere as a whole.
		if what != "Play" && what != "PlaybookInclude" || w != DelegateTo && w != DelegateFacts {
			known[name] = true
		}
	}
	for _, list := range append(allowed, everyKeywords) {
		for _, name := range list {
			known[name] = true
		}
	}
	if what == "PlaybookInclude" {
		delete(known, "collections")
	}
	for _, p := range n.Pairs {
		name, ok := p.Key.Text()
		if ok && known[name] {
			continue
		}
		r.Add(p.Key.Pos, misplaced(name, what, known), "'%s' is not a valid attribute for a %s", name, what)
	}
}

// misplaced says where a keyword belongs that stands at the wrong level, or
// suggests another.
func misplaced(name, what string, known map[string]bool) string {
	for _, level := range []struct {
		name  string
		words []string
	}{{"Task", taskKeywords}, {"Play", playKeywords}, {"Block", blockKeywords}} {
		if level.name != what && slices.Contains(level.words, name) {
			return "it belongs to a " + strings.ToLower(level.name)
		}
	}
	if _, ok := inherited[name]; ok && what != "Task" {
		return "it belongs to a task"
	}
	return suggest(name, known)
}

// suggest words the nearest known name as a hint.
func suggest(name string, known map[string]bool) string {
	all := make([]string, 0, len(known))
	for k := range known {
		all = append(all, k)
	}
	sort.Strings(all)
	if near := diag.Nearest(name, all); near != "" {
		return "did you mean '" + near + "'?"
	}
	return ""
}
