package playbook

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// Role is one use of a role: its files, read with the keywords and parameters
// of the place that uses it.
type Role struct {
	Pos        diag.Pos
	Name       string // as tasks are shown: with its collection, if it has one
	Path       string
	Collection string
	// Key tells uses of a role apart: a role with the same key runs once a host.
	Key             string
	AllowDuplicates bool
	included        bool // by a task, which says whether it may run again
	Static          bool // brought in by roles: or import_role
	Public          bool // its variables stay visible to the rest of the play

	Params    *value.Map // given beside role:, at the precedence of role parameters
	EntryVars []*value.Map
	Defaults  *value.Map
	Vars      *value.Map
	Parent    *Role // the role that depends on this one
	Deps      []*Role
	Keywords  *Keywords
	Tasks     []*Block
	Handlers  []*Task
}

// Compile returns the blocks to run, in order: those of the dependencies, the
// role's own, and the mark of the role's end.
func (role *Role) Compile() []*Block {
	var out []*Block
	for _, d := range role.Deps {
		out = append(out, d.Compile()...)
	}
	return append(out, role.Tasks...)
}

// AllHandlers returns the handlers of the dependencies, then the role's own.
func (role *Role) AllHandlers() []*Task {
	var out []*Task
	for _, d := range role.Deps {
		out = append(out, d.AllHandlers()...)
	}
	return append(out, role.Handlers...)
}

// WithDependencies returns the dependencies, innermost first, then the role.
func (role *Role) WithDependencies() []*Role {
	var out []*Role
	for _, d := range role.Deps {
		out = append(out, d.WithDependencies()...)
	}
	return append(out, role)
}

// roleOptions say which role to read and how.
type roleOptions struct {
	name            string
	from            map[string]string // tasks, vars, defaults, handlers
	params          *value.Map
	vars            []*value.Map
	allowDuplicates any
	public          any
	validate        any
	include         bool
	// own is what the entry of a roles or dependencies list says itself; nil for
	// tasks that bring roles in.
	own *Keywords
}

// roleOptions reads the arguments of include_role and import_role.
func (r *reader) roleOptions(args *value.Map, vars []*value.Map) (roleOptions, error) {
	o := roleOptions{from: map[string]string{}, include: true}
	name, err := r.resolveName(args.At("name"), vars)
	if err != nil {
		return o, err
	}
	o.name = name
	for _, part := range []string{"tasks", "vars", "defaults", "handlers"} {
		if v := args.At(part + "_from"); v != nil {
			file, err := r.resolveName(v, vars)
			if err != nil {
				return o, err
			}
			o.from[part] = filepath.Clean(file)
		}
	}
	for name, into := range map[string]*any{"allow_duplicates": &o.allowDuplicates, "public": &o.public, "rolespec_validate": &o.validate} {
		v := args.At(name)
		if value.HasTemplates(v) && r.Resolve != nil {
			if v, err = r.Resolve(v, append(slices.Clone(vars), r.ExtraVars)); err != nil {
				return o, err
			}
		}
		*into = v
	}
	return o, nil
}

// findRole looks for a role: in a collection, beside the playbook, on the
// roles path, beside the role that asks, or as a path.
func (r *reader) findRole(name string, s scope) (path, collection string, tried []string) {
	names := []string{name}
	if strings.Count(name, ".") < 2 {
		for _, c := range s.keywords.Collections {
			names = append(names, c+"."+name)
		}
		if s.role != nil && s.role.Collection != "" {
			names = append([]string{s.role.Collection + "." + name}, names...)
		}
	}
	for _, full := range names {
		parts := strings.Split(full, ".")
		if len(parts) < 3 || strings.Contains(full, "/") {
			continue
		}
		for _, root := range r.CollectionPaths {
			p := filepath.Join(append([]string{root, "ansible_collections", parts[0], parts[1], "roles"}, parts[2:]...)...)
			if isDir(p) {
				return p, parts[0] + "." + parts[1], nil
			}
		}
	}
	var dirs []string
	base := s.dir
	if s.play != nil {
		base = filepath.Dir(s.play.Path)
	}
	dirs = append(dirs, filepath.Join(base, "roles"))
	dirs = append(dirs, r.RolesPath...)
	if s.role != nil {
		dirs = append(dirs, filepath.Dir(s.role.Path))
	}
	dirs = append(dirs, base)
	for _, d := range dirs {
		p := filepath.Join(d, name)
		if filepath.IsAbs(name) {
			p = name
		}
		if isDir(p) {
			return absolute(p), "", nil
		}
		tried = append(tried, d)
	}
	if isDir(name) {
		return absolute(name), "", nil
	}
	return "", "", tried
}

// addLibrary remembers a role that has modules or action plugins of its own.
func (l *Loader) addLibrary(role string) {
	if !isDir(filepath.Join(role, "library")) && !isDir(filepath.Join(role, "action_plugins")) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.libraries, role) {
		l.libraries = append(l.libraries, role)
	}
}

// role reads one use of a role with its dependencies; nil means that the
// problem has been noted. s is the scope of the place that uses it.
func (r *reader) role(o roleOptions, pos diag.Pos, s scope) *Role {
	path, collection, tried := r.findRole(o.name, s)
	if path == "" {
		r.AddGeneral(pos, r.suggestRole(o.name, tried), "the role '%s' was not found in %s", o.name, strings.Join(tried, ":"))
		return nil
	}
	for p := s.role; p != nil; p = p.Parent {
		if p.Path == path && !o.include {
			r.AddGeneral(pos, "a role cannot depend on itself, directly or through others", "A recursion loop was detected with the roles specified: role '%s' depends on itself", o.name)
			return nil
		}
	}
	if depth(s.role) > 100 {
		r.AddGeneral(pos, "", "A recursion loop was detected with the roles specified: '%s' is included more than 100 levels deep", o.name)
		return nil
	}
	r.addLibrary(path)
	role := &Role{
		Pos: pos, Name: roleName(o.name, path, collection), Path: path, Collection: collection, Params: o.params, EntryVars: o.vars,
		Parent: s.role, included: o.include, AllowDuplicates: truthy(o.allowDuplicates, o.include), Public: truthy(o.public, false),
	}
	// What a role inherits from the one that depends on it does not tell uses apart.
	own := s.keywords
	if o.own != nil {
		own = o.own
	}
	if o.include {
		own = &Keywords{} // those of the include are not the role's
	}
	role.Key = string(value.JSON{SortKeys: true}.Append(nil, value.FromGo(map[string]any{
		"path": path, "params": value.Plain(o.params), "from": anyMap(o.from), "vars": fmt.Sprint(len(o.vars)) + jsonOf(o.vars),
		"when": condText(own.When), "tags": value.Plain([]any(own.Tags)), "include": o.include,
	})))
	role.Defaults = r.roleVars(role, "defaults", o.from["defaults"], pos)
	role.Vars = r.roleVars(role, "vars", o.from["vars"], pos)

	inner := s
	inner.role, inner.dir, inner.chain = role, filepath.Join(path, "tasks"), nil
	k := *s.keywords
	k.Collections = nil
	if s.play != nil {
		k.Collections = r.home(s.play.Path)
	}
	role.Keywords = &k
	inner.keywords = &k
	meta := r.roleMeta(role, pos, &inner)
	r.roleTasks(role, o, meta, inner, pos)
	return role
}

func depth(role *Role) int {
	n := 0
	for ; role != nil; role = role.Parent {
		n++
	}
	return n
}

// roleName is how a role is shown: its name, in its collection if it has one.
func roleName(name, path, collection string) string {
	if collection != "" && strings.Count(name, ".") < 2 {
		return collection + "." + name
	}
	if strings.HasPrefix(name, ".") {
		return filepath.Base(path)
	}
	return name
}

func anyMap(m map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

func jsonOf(maps []*value.Map) string {
	var b []byte
	for _, m := range maps {
		b = value.JSON{SortKeys: true}.Append(b, value.Plain(m))
	}
	return string(b)
}

func condText(conds []Cond) string {
	var b strings.Builder
	for _, c := range conds {
		fmt.Fprint(&b, value.Plain(c.Expr), ";")
	}
	return b.String()
}

// truthy reads a boolean that is written, not computed.
func truthy(v any, otherwise bool) bool {
	switch v := v.(type) {
	case bool:
		return v
	case int:
		return v != 0
	case string:
		switch strings.ToLower(v) {
		case "yes", "true", "on", "1", "y", "t":
			return true
		case "no", "false", "off", "0", "n", "f":
			return false
		}
	}
	return otherwise
}

func (r *reader) suggestRole(name string, dirs []string) string {
	known := map[string]bool{}
	for _, d := range dirs {
		entries, _ := os.ReadDir(d)
		for _, e := range entries {
			if e.IsDir() {
				known[e.Name()] = true
			}
		}
	}
	return suggest(name, known)
}

// roleFilePaths finds <part>/<name>.{yml,yaml,json}; a directory of that name
// gives all files in it, in order, if dirs are allowed.
func roleFilePaths(dir, name string, explicit, dirs bool) []string {
	extensions := []string{".yml", ".yaml", ".json", ""}
	if explicit {
		extensions = []string{"", ".yml", ".yaml", ".json"}
	}
	for _, ext := range extensions {
		p := filepath.Join(dir, name+ext)
		if filepath.IsAbs(name) {
			p = name + ext
		}
		if isFile(p) {
			return []string{p}
		}
		if dirs && ext == "" && isDir(p) {
			return yamlFilesBelow(p)
		}
	}
	return nil
}

func yamlFilesBelow(dir string) []string {
	var out []string
	_ = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || strings.HasPrefix(d.Name(), ".") || strings.HasSuffix(d.Name(), "~") {
			return nil
		}
		if !d.IsDir() && slices.Contains([]string{".yml", ".yaml", ".json", ""}, filepath.Ext(p)) {
			out = append(out, p)
		}
		return nil
	})
	sort.Strings(out)
	return out
}

func (r *reader) roleFile(role *Role, part, from string, pos diag.Pos, dirs bool) []string {
	name, explicit := "main", false
	if from != "" {
		name, explicit = from, true
	}
	dir := filepath.Join(role.Path, part)
	paths := roleFilePaths(dir, name, explicit, dirs)
	if _, err := os.Stat(dir); explicit && err != nil {
		r.Warn(pos, "", "the role %s has no folder %s, so that %s in it is nothing", role.Name, part, from)
	} else if explicit && len(paths) == 0 {
		r.Add(pos, "", "Could not find specified file in role: %s/%s", part, from)
	}
	for _, p := range paths {
		if !strings.HasPrefix(filepath.Clean(p), filepath.Clean(dir)+string(filepath.Separator)) {
			r.Add(pos, "", "Failed loading '%s' for role (%s) as it is not inside the expected role path: '%s'", p, role.Name, dir)
			return nil
		}
	}
	return paths
}

func (r *reader) roleVars(role *Role, part, from string, pos diag.Pos) *value.Map {
	out := value.NewMap(0)
	for _, p := range r.roleFile(role, part, from, pos, true) {
		n, err := r.file(p)
		switch {
		case err != nil:
			r.Append(pos, err)
		case n.IsNull():
		case n.Kind != yaml.Map:
			r.Add(n.Pos, "", "The %s/main.yml file for role '%s' must contain a dictionary of variables", part, role.Name)
		default:
			r.checkTemplate(n)
			out.Update(n.Value().(*value.Map))
		}
	}
	return out
}

// roleMeta reads meta/main.yml: dependencies, allow_duplicates, collections.
func (r *reader) roleMeta(role *Role, pos diag.Pos, inner *scope) *yaml.Node {
	var meta *yaml.Node
	for _, p := range r.roleFile(role, "meta", "", pos, false) {
		n, err := r.file(p)
		if err != nil {
			r.Append(pos, err)
			return nil
		}
		if n.IsNull() {
			return nil
		}
		if n.Kind != yaml.Map {
			r.Add(n.Pos, "", "the 'meta/main.yml' for role %s is not a dictionary", role.Name)
			return nil
		}
		meta = n
	}
	if meta == nil {
		return nil
	}
	if v := meta.Get("allow_duplicates"); !v.IsNull() && !role.included {
		role.AllowDuplicates = truthy(v.Value(), false)
	}
	if v := meta.Get("collections"); !v.IsNull() {
		k := *inner.keywords
		k.Collections = r.collections(v)
		role.Keywords, inner.keywords = &k, &k
	}
	if deps := meta.Get("dependencies"); !deps.IsNull() {
		if deps.Kind != yaml.List {
			r.Add(deps.Pos, "", "Expected role dependencies to be a list.")
			return meta
		}
		for _, d := range deps.Items {
			if dep := r.roleEntry(d, *inner, true); dep != nil {
				role.Deps = append(role.Deps, dep)
			}
		}
	}
	return meta
}

func (r *reader) roleTasks(role *Role, o roleOptions, meta *yaml.Node, inner scope, pos diag.Pos) {
	b := &Block{Pos: pos, Implicit: true, Keywords: inner.keywords, Role: role}
	if truthy(o.validate, true) {
		if t := r.argumentSpec(role, o, meta, inner); t != nil {
			b.Items = append(b.Items, t)
		}
	}
	for _, p := range r.roleFile(role, "tasks", o.from["tasks"], pos, false) {
		b.Items = append(b.Items, r.taskFile(p, inner, pos)...)
	}
	end := &Block{Pos: pos, Implicit: true, Role: role, Keywords: &Keywords{Tags: []any{"always"}}}
	end.Items = []Item{&Task{ID: r.NextID(), Pos: pos, Kind: RoleComplete, Role: role, Keywords: end.Keywords, Own: &Keywords{}, Implicit: true, Action: "meta", Args: value.MapOf("_raw_params", "role_complete")}}
	role.Tasks = []*Block{b, end}

	handlers := inner
	handlers.handler, handlers.dir = true, filepath.Join(role.Path, "handlers")
	for _, p := range r.roleFile(role, "handlers", o.from["handlers"], pos, false) {
		role.Handlers = append(role.Handlers, handlerTasks(r.taskFile(p, handlers, pos))...)
	}
}

// handlerTasks flattens what a handlers section gave: imports are blocks.
func handlerTasks(items []Item) []*Task {
	var out []*Task
	for _, it := range items {
		switch it := it.(type) {
		case *Task:
			out = append(out, it)
		case *Block:
			out = append(out, handlerTasks(it.Items)...)
		}
	}
	return out
}

// argumentSpec makes the task that validates a role's parameters, if the role
// says what they are.
func (r *reader) argumentSpec(role *Role, o roleOptions, meta *yaml.Node, s scope) *Task {
	specs := meta.Get("argument_specs")
	for _, ext := range []string{".yml", ".yaml", ".json"} {
		p := filepath.Join(role.Path, "meta", "argument_specs"+ext)
		if !isFile(p) {
			continue
		}
		n, err := r.file(p)
		if err != nil {
			r.Append(role.Pos, err)
			return nil
		}
		specs = n.Get("argument_specs")
		break
	}
	entry := "main"
	if o.from["tasks"] != "" {
		entry = o.from["tasks"]
		if ext := filepath.Ext(entry); ext == ".yml" || ext == ".yaml" || ext == ".json" {
			entry = strings.TrimSuffix(entry, ext)
		}
	}
	spec := specs.Get(entry)
	if spec.IsNull() || spec.Kind != yaml.Map {
		return nil
	}
	name := "Validating arguments against arg spec '" + entry + "'"
	if d, ok := spec.Get("short_description").Text(); ok {
		name += " - " + d
	}
	options := spec.Get("options").Value()
	if options == nil {
		options = value.NewMap(0)
	}
	params := o.params
	if params == nil {
		params = value.NewMap(0)
	}
	own := &Keywords{Tags: []any{"always"}}
	return &Task{
		ID: r.NextID(), Pos: spec.Pos, Name: name, Role: role, Dir: s.dir, Action: "ansible.builtin.validate_argument_spec",
		Module: module.Name("ansible.builtin.validate_argument_spec"), Own: own, Parent: s.keywords, Keywords: s.keywords.Inherit(own),
		Args: value.MapOf("argument_spec", options, "provided_arguments", params, "validate_args_context",
			value.MapOf("type", "role", "name", role.Name[strings.LastIndexByte(role.Name, '.')+1:], "argument_spec_name", entry, "path", role.Path)),
	}
}
