package playbook

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// Playbook reads a playbook with everything that it imports. The error is
// diag.Problems: all that is wrong, not only the first.
func (l *Loader) Playbook(path string) (*Playbook, error) {
	r := &reader{Loader: l}
	pb := &Playbook{Path: absolute(path)}
	pb.Plays = r.playbookFile(pb.Path, path, scope{keywords: &Keywords{}}, diag.Pos{File: path})
	r.warn()
	return pb, r.Err()
}

func (r *reader) playbookFile(path, shown string, s scope, from diag.Pos) []*Play {
	if slices.Contains(s.chain, path) {
		r.Add(from, "", "the playbook imports itself: %s", strings.Join(append(s.chain, path), " -> "))
		return nil
	}
	if !isFile(path) {
		r.Add(from, "", "the playbook: %s could not be found", shown)
		return nil
	}
	n, err := r.file(path)
	if err != nil {
		r.Append(from, err)
		return nil
	}
	if n.Kind != yaml.List {
		if n.IsNull() {
			r.Add(diag.Pos{File: path}, "", "Empty playbook, nothing to do: %s", path)
			return nil
		}
		r.Add(n.Pos, "begin each play with '- hosts: ...'", "A playbook must be a list of plays, got %s instead", n.Describe())
		return nil
	}
	if len(n.Items) == 0 {
		r.Add(n.Pos, "", "A playbook must contain at least one play")
	}
	s.dir = filepath.Dir(path)
	s.chain = append(slices.Clone(s.chain), path)
	var out []*Play
	for _, it := range n.Items {
		if it.Kind != yaml.Map {
			r.Add(it.Pos, "", "playbook entries must be either valid plays or 'import_playbook' statements")
			continue
		}
		if imp := importPlaybook(it); imp != nil {
			out = append(out, r.importPlaybook(it, imp, s)...)
			continue
		}
		if p := r.play(it, s, path); p != nil {
			out = append(out, p)
		}
	}
	return out
}

func importPlaybook(n *yaml.Node) *yaml.Node {
	for _, key := range []string{"import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook"} {
		if v := n.Get(key); v != nil {
			return v
		}
	}
	return nil
}

func (r *reader) importPlaybook(n, target *yaml.Node, s scope) []*Play {
	r.unknown(n, "PlaybookInclude", []string{"import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook", "when"})
	// Of what an import says, the plays get tags, variables and conditions.
	own := r.keywords(n)
	keywords := s.keywords.Inherit(&Keywords{Tags: own.Tags, Vars: own.Vars, When: own.When})
	v := target.Value()
	if text, ok := target.Text(); ok && !value.HasTemplates(v) {
		name, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
		v = name
		if rest != "" {
			r.Add(target.Pos, "give variables under vars:", "import_playbook takes the name of a playbook, not '%s'", text)
			return nil
		}
	}
	name, err := r.resolveName(v, keywords.Vars)
	if err != nil {
		r.Add(target.Pos, "a static import cannot use facts or inventory variables", "Error when evaluating variable in import path: %s", err)
		return nil
	}
	path := name
	switch {
	case strings.Count(name, ".") >= 2 && !strings.Contains(name, "/") && !isFile(filepath.Join(s.dir, name)):
		path = r.collectionPlaybook(name)
	case !filepath.IsAbs(name):
		path = filepath.Join(s.dir, name)
	}
	s.keywords = keywords
	return r.playbookFile(path, path, s, target.Pos)
}

func (r *reader) collectionPlaybook(name string) string {
	if p := CollectionPlaybook(r.CollectionPaths, name); p != "" {
		return p
	}
	return name
}

// CollectionPlaybook finds namespace.collection.playbook below folders that hold
// ansible_collections; "" if it is not there.
func CollectionPlaybook(paths []string, name string) string {
	parts := strings.SplitN(strings.TrimSuffix(strings.TrimSuffix(name, ".yml"), ".yaml"), ".", 3)
	if len(parts) < 3 || strings.Contains(name, "/") {
		return ""
	}
	for _, root := range paths {
		for _, ext := range []string{".yml", ".yaml"} {
			p := filepath.Join(root, "ansible_collections", parts[0], parts[1], "playbooks", strings.ReplaceAll(parts[2], ".", "/")+ext)
			if isFile(p) {
				return p
			}
		}
	}
	return ""
}

// home is the collection that a file is part of, in which names of modules and
// roles are looked for first; none if it is in no collection.
func (r *reader) home(path string) []string {
	for _, root := range r.CollectionPaths {
		rest, ok := strings.CutPrefix(absolute(path), absolute(root)+"/ansible_collections/")
		if parts := strings.Split(rest, "/"); ok && len(parts) > 2 {
			r.mu.Lock()
			r.usesCollections = true
			r.mu.Unlock()
			return []string{parts[0] + "." + parts[1]}
		}
	}
	return nil
}

// play reads one play. The keywords of the imports around it come first.
func (r *reader) play(n *yaml.Node, s scope, path string) *Play {
	r.unknown(n, "Play", playKeywords)
	home := r.home(path)
	own := r.keywords(n)
	if home != nil {
		own.Collections = append(home, own.Collections...)
	}
	if user := n.Get("user"); !user.IsNull() {
		if hasKey(n, "remote_user") {
			r.Add(user.Pos, "", "both 'user' and 'remote_user' are set for this play. The use of 'user' is deprecated, and should be removed")
		}
		own = own.With(RemoteUser, user.Value())
	}
	p := &Play{Pos: n.Pos, Path: path, Name: r.name(n), Keywords: s.keywords.Inherit(own)}
	// What imports of the playbook say about variables comes on top of the play's
	// own, the outermost import last.
	p.Keywords.Vars = slices.Clone(own.Vars)
	for _, vars := range slices.Backward(s.keywords.Vars) {
		p.Keywords.Vars = append(p.Keywords.Vars, vars)
	}
	s.play = p
	// A play's variables have their own place in the order of precedence: tasks
	// inherit everything but those.
	k := *p.Keywords
	k.Vars = nil
	s.keywords = &k
	r.hosts(p, n)
	p.GatherFacts, p.GatherSubset = n.Get("gather_facts").Value(), n.Get("gather_subset").Value()
	p.GatherTimeout, p.FactPath = n.Get("gather_timeout").Value(), n.Get("fact_path").Value()
	p.Strategy, p.Order = n.Get("strategy").Value(), n.Get("order").Value()
	p.MaxFail, p.ForceHandlers = n.Get("max_fail_percentage").Value(), n.Get("force_handlers").Value()
	p.VarsFiles, p.Serial = list(n.Get("vars_files")), list(n.Get("serial"))
	p.VarsPrompt = r.prompts(n.Get("vars_prompt"))
	if order, ok := p.Order.(string); ok && !slices.Contains([]string{"inventory", "sorted", "reverse_sorted", "reverse_inventory", "shuffle"}, order) {
		r.Problems = append(r.Problems, &diag.Problem{Pos: n.Get("order").Pos, Msg: "Invalid 'order' specified for inventory hosts: " + order, Options: true,
			Hint: "it is one of inventory, sorted, reverse_sorted, reverse_inventory, shuffle"})
	}

	// Handlers of the play's roles come first, then its own, then those of roles
	// that tasks import.
	handlers := s
	handlers.handler = true
	written := handlerTasks(r.items(n.Get("handlers"), handlers, "handlers"))
	if roles := n.Get("roles"); !roles.IsNull() {
		r.playRoles(p, roles, s)
	}
	for _, role := range p.Roles {
		p.RoleTasks = append(p.RoleTasks, role.Compile()...)
	}
	listed := p.Roles
	p.Roles = nil
	for _, role := range listed {
		p.Roles = append(p.Roles, role.WithDependencies()...)
	}
	p.PreTasks = r.section(n, "pre_tasks", s)
	p.Tasks = r.section(n, "tasks", s)
	p.PostTasks = r.section(n, "post_tasks", s)
	more, imported := r.takeImported()
	p.Roles = append(p.Roles, more...)
	// A role that several others depend on has its handlers once.
	seen := map[string]bool{}
	for _, role := range listed {
		for _, r := range role.WithDependencies() {
			if !seen[r.Key] {
				seen[r.Key] = true
				p.Handlers = append(p.Handlers, r.Handlers...)
			}
		}
	}
	p.Handlers = slices.Concat(p.Handlers, written, imported)
	return p
}

// section reads tasks:, pre_tasks: or post_tasks: into one block.
func (r *reader) section(n *yaml.Node, name string, s scope) []*Block {
	items := r.items(n.Get(name), s, name)
	if len(items) == 0 {
		return nil
	}
	return []*Block{{Pos: n.Get(name).Pos, Implicit: true, Keywords: s.keywords, Items: items}}
}

func (r *reader) hosts(p *Play, n *yaml.Node) {
	h := n.Get("hosts")
	switch {
	case h == nil:
		r.Add(n.Pos, "name a host or group: 'hosts: all'", "the field 'hosts' is required but was not set")
	case h.IsNull():
		r.Add(h.Pos, "", "Hosts list cannot be empty. Please check your playbook")
	case h.Kind == yaml.Map:
		r.Add(h.Pos, "", "Hosts list must be a sequence or string. Please check your playbook.")
	case h.Kind == yaml.List:
		if len(h.Items) == 0 {
			r.Add(h.Pos, "", "Hosts list cannot be empty. Please check your playbook")
		}
		for _, it := range h.Items {
			if it.IsNull() {
				r.Add(it.Pos, "", "Hosts list cannot contain values of 'None'. Please check your playbook")
			} else if it.Kind != yaml.Scalar {
				r.Add(it.Pos, "", "Hosts list contains an invalid host value: '%s'", string(value.JSON{Python: true}.Append(nil, it.Value())))
			}
		}
	}
	p.Hosts = h.Value()
	if h != nil {
		r.checkTemplate(h)
	}
	if p.Name == nil {
		p.Name = ""
	}
}

func (r *reader) prompts(n *yaml.Node) []Prompt {
	if n.IsNull() {
		return nil
	}
	if n.Kind != yaml.List {
		n = &yaml.Node{Kind: yaml.List, Items: []*yaml.Node{n}, Pos: n.Pos}
	}
	known := map[string]bool{"name": true, "prompt": true, "default": true, "private": true, "confirm": true, "encrypt": true, "salt_size": true, "salt": true, "unsafe": true}
	var out []Prompt
	for _, it := range n.Items {
		name, ok := it.Get("name").Text()
		if it.Kind != yaml.Map || !ok {
			r.Add(it.Pos, "", "Invalid vars_prompt data structure, missing 'name' key")
			continue
		}
		for _, p := range it.Pairs {
			if k, _ := p.Key.Text(); !known[k] {
				r.Add(p.Key.Pos, suggest(k, known), "Invalid vars_prompt data structure, found unsupported key '%s'", k)
			}
		}
		p := Prompt{Pos: it.Pos, Name: name, Prompt: it.Get("prompt").Value(), Default: it.Get("default").Value(),
			Private: truthy(it.Get("private").Value(), true), Confirm: truthy(it.Get("confirm").Value(), false), Unsafe: truthy(it.Get("unsafe").Value(), false)}
		p.Encrypt, _ = it.Get("encrypt").Text()
		p.Salt, _ = it.Get("salt").Text()
		p.SaltSize, _ = it.Get("salt_size").Value().(int)
		out = append(out, p)
	}
	return out
}

func (r *reader) playRoles(p *Play, n *yaml.Node, s scope) {
	if n.Kind != yaml.List {
		r.Add(n.Pos, "", "A malformed role declaration was encountered: roles must be a list, not %s", n.Describe())
		return
	}
	for _, it := range n.Items {
		if role := r.roleEntry(it, s, false); role != nil {
			role.Static = true
			p.Roles = append(p.Roles, role)
		}
	}
}

// roleEntry reads one entry of roles: or of dependencies:, a name or a mapping
// with keywords and parameters.
func (r *reader) roleEntry(n *yaml.Node, s scope, dependency bool) *Role {
	o := roleOptions{from: map[string]string{}, params: value.NewMap(0)}
	own := &Keywords{}
	switch n.Kind {
	case yaml.Scalar:
		text, ok := n.Text()
		if !ok {
			r.Add(n.Pos, "", "Invalid role definition: nothing")
			return nil
		}
		o.name = text
		if !dependency && strings.Contains(text, ",") {
			r.Add(n.Pos, "write parameters as a mapping: {role: name, param: value}", "Invalid old style role requirement: %s", text)
			return nil
		}
		if dependency && strings.Contains(text, ",") {
			o.name, _, _ = strings.Cut(text, ",")
		}
	case yaml.Map:
		own = r.keywords(n)
		o.vars, own.Vars = own.Vars, nil
		for _, pair := range n.Pairs {
			key, _ := pair.Key.Text()
			switch {
			case key == "role" || key == "name" || key == "src" && dependency:
				if _, ok := pair.Value.Text(); !ok {
					r.AddGeneral(pair.Value.Pos, "", "role definitions must contain a role name")
					return nil
				}
				if o.name == "" || key == "role" {
					o.name = value.Plain(pair.Value.Value()).(string)
				}
			case key == "version" && dependency, key == "scm" && dependency:
			case slices.Contains(everyKeywords, key), key == "when":
			default:
				if _, ok := inherited[key]; !ok {
					r.checkTemplate(pair.Value)
					o.params.Set(key, pair.Value.Value())
				}
			}
		}
	default:
		r.Add(n.Pos, "", "Invalid role definition: %s", n.Describe())
		return nil
	}
	if o.name == "" {
		r.AddGeneral(n.Pos, "", "role definitions must contain a role name")
		return nil
	}
	keywords := s.keywords.Inherit(own)
	name, err := r.resolveName(value.Text(o.name, n.Pos), append(slices.Clone(keywords.Vars), o.params))
	if err != nil {
		r.Add(n.Pos, "", "%s", fmt.Sprintf("the name of the role cannot be evaluated: %s", err))
		return nil
	}
	o.name, o.own = name, own
	return r.role(o, n.Pos, s.within(keywords))
}
