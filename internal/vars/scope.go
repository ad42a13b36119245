package vars

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/value"
)

// Scope is the variables as one host sees them in one task. It is read by many
// goroutines; With gives a scope with more variables on top.
type Scope struct {
	m    *Manager
	play *Play
	host *inventory.Host
	task *playbook.Task

	top    []*value.Map                  // loop variables and the like, highest first
	below  func(name string) (any, bool) // what holds where nothing else is said
	tasks  *taskLayers
	hosts  []*value.Map
	stored *store
	files  func() []*value.Map // vars_files, the first first; nil if there are none
}

// Scope returns the view of a host and task; each of them may be nil.
func (p *Play) Scope(h *inventory.Host, t *playbook.Task) *Scope {
	s := &Scope{m: p.m, play: p, host: h, task: t}
	if t != nil {
		s.tasks = p.m.taskLayers(t)
	} else {
		s.tasks = &taskLayers{}
	}
	if h != nil {
		s.hosts = p.m.hostLayers(h)
		s.stored = p.m.store(h)
	}
	if p.files != nil {
		bare := *s
		s.files = sync.OnceValue(func() []*value.Map { return p.files(&bare) })
	}
	return s
}

// WithFiles returns the scope with these contents of vars_files, for working
// out the names of the next.
func (s *Scope) WithFiles(files []*value.Map) *Scope {
	out := *s
	out.files = func() []*value.Map { return files }
	return &out
}

// With returns the scope with vars above everything else.
func (s *Scope) With(vars *value.Map) *Scope {
	if vars.Len() == 0 {
		return s
	}
	out := *s
	out.top = append([]*value.Map{vars}, s.top...)
	return &out
}

// Task returns the scope's task, nil if it has none.
func (s *Scope) Task() *playbook.Task { return s.task }

// Over returns the scope with the values that below gives under everything
// else; nil takes them away.
func (s *Scope) Over(below func(name string) (any, bool)) *Scope {
	out := *s
	out.below = below
	return &out
}

// Host returns the scope's host, nil if it has none.
func (s *Scope) Host() *inventory.Host { return s.host }

// Lookup finds a variable, its templates unevaluated. This is the order of
// precedence, highest first.
func (s *Scope) Lookup(name string) (any, bool) {
	if s.m.MergeHashes {
		return s.merged(name)
	}
	var found any
	ok := false
	s.walk(name, func(v any) bool {
		found, ok = v, true
		return false
	})
	return found, ok
}

// walk offers the value of name in each layer that has one, highest first,
// until yield returns false.
func (s *Scope) walk(name string, yield func(any) bool) {
	layers := func(maps []*value.Map) bool {
		for _, m := range maps {
			if v, ok := m.Get(name); ok && !yield(v) {
				return false
			}
		}
		return true
	}
	if !layers(s.top) { // loop variables
		return
	}
	if v, ok := s.magic(name); ok && !yield(v) {
		return
	}
	if v, ok := s.m.Extra.Get(name); ok && !yield(v) {
		return
	}
	if !layers(s.tasks.params) { // include parameters, role parameters
		return
	}
	if s.stored != nil {
		if v, ok := s.stored.lookup(name); ok && !yield(v) { // set_fact and register, include_vars
			return
		}
	}
	if !layers(s.tasks.vars) { // task, block, the role's vars
		return
	}
	s.play.mu.RLock()
	roleVars, defaults := s.play.roleVars, s.play.defaults
	s.play.mu.RUnlock()
	if !layers(roleVars) { // vars of all roles of the play
		return
	}
	if s.files != nil {
		for _, f := range slices.Backward(s.files()) {
			if v, ok := f.Get(name); ok && !yield(v) {
				return
			}
		}
	}
	if v, ok := s.play.prompted.Get(name); ok && !yield(v) { // vars_prompt
		return
	}
	if !layers(s.play.playVars) {
		return
	}
	if s.stored != nil {
		if v, ok := s.fact(name); ok && !yield(v) {
			return
		}
	}
	if v, ok := s.hostMagic(name); ok && !yield(v) {
		return
	}
	// host_vars, group_vars, inventory; the role's defaults; defaults of all
	// roles of the play
	if layers(s.hosts) && layers(s.tasks.defaults) && layers(defaults) && s.below != nil {
		if v, ok := s.below(name); ok {
			yield(v)
		}
	}
}

func (s *Scope) merged(name string) (any, bool) {
	var found any
	ok := false
	s.walk(name, func(v any) bool {
		switch {
		case !ok:
			found, ok = v, true
		default:
			found = mergeValues(v, found)
		}
		_, dict := found.(*value.Map)
		return dict
	})
	return found, ok
}

func (st *store) lookup(name string) (any, bool) {
	st.mu.RLock()
	defer st.mu.RUnlock()
	if v, ok := st.set.Get(name); ok {
		return v, true
	}
	return st.included.Get(name)
}

func (s *Scope) fact(name string) (any, bool) {
	s.stored.mu.RLock()
	defer s.stored.mu.RUnlock()
	if name == "ansible_facts" {
		return s.stored.bare, true
	}
	if name == "ansible_local" || s.m.InjectFacts {
		return s.stored.injected.Get(name)
	}
	return nil, false
}

// bareName is a fact's name inside ansible_facts.
func bareName(name string) string {
	if name == "ansible_local" {
		return name
	}
	return strings.TrimPrefix(name, "ansible_")
}

// injectable tells whether a fact may be a variable of its own. Names that
// would change how hosts are reached are data only: a target does not decide
// that.
func injectable(name string) bool {
	switch name {
	case "ansible_connection", "ansible_host", "ansible_port", "ansible_user", "ansible_password", "ansible_private_key_file",
		"ansible_rsync_path", "ansible_shell_executable", "ansible_shell_type", "ansible_become", "ansible_facts", "ansible_check_mode",
		"ansible_playbook_python":
		return false
	}
	for _, prefix := range []string{"ansible_become_", "ansible_ssh_", "ansible_winrm_", "ansible_paramiko_", "ansible_docker_", "ansible_psrp_"} {
		if strings.HasPrefix(name, prefix) && !strings.HasPrefix(name, "ansible_ssh_host_key_") {
			return false
		}
	}
	if strings.HasSuffix(name, "_interpreter") && strings.HasPrefix(name, "ansible_") {
		return false
	}
	return true
}

// magic gives the variables that Tutti itself defines.
func (s *Scope) magic(name string) (any, bool) {
	switch name {
	case "hostvars":
		return hostvars{m: s.m, p: s.play}, true
	case "vars":
		return variables{s: s, plain: true}, true
	case "groups":
		return s.m.groups(), true
	case "playbook_dir":
		return s.m.PlaybookDir, true
	case "environment":
		if s.task != nil {
			return value.Plain(append([]any{}, s.task.Environment...)), true
		}
	}
	if s.task != nil && s.task.Role != nil {
		r := s.task.Role
		switch name {
		case "role_name":
			return r.Name[strings.LastIndexByte(r.Name, '.')+1:], true
		case "role_path":
			return r.Path, true
		case "ansible_role_name":
			return r.Name, true
		case "ansible_collection_name":
			if r.Collection == "" {
				return nil, true
			}
			return r.Collection, true
		case "ansible_parent_role_names", "ansible_parent_role_paths":
			if r.Parent != nil {
				var out []any
				for p := r.Parent; p != nil; p = p.Parent {
					if name == "ansible_parent_role_names" {
						out = append(out, p.Name)
					} else {
						out = append(out, p.Path)
					}
				}
				return out, true
			}
		}
	}
	s.play.mu.RLock()
	magic := s.play.magic
	s.play.mu.RUnlock()
	if v, ok := magic.Get(name); ok {
		return v, true
	}
	return s.m.Options.Get(name)
}

// hostMagic gives what every host has, below all that a user may say.
func (s *Scope) hostMagic(name string) (any, bool) {
	if s.host == nil {
		return nil, false
	}
	switch name {
	case "inventory_hostname":
		return s.host.Name, true
	case "inventory_hostname_short":
		if net.ParseIP(s.host.Name) != nil {
			return s.host.Name, true
		}
		short, _, _ := strings.Cut(s.host.Name, ".")
		return short, true
	case "group_names":
		return value.FromGo(s.host.GroupNames()), true
	case "inventory_dir", "inventory_file":
		if src := s.m.sourceOf(s.host); src != "" {
			switch {
			case name == "inventory_file" && isDir(src):
				return src, true
			case name == "inventory_file":
				return src, true
			case isDir(src):
				return src, true
			}
			return filepath.Dir(src), true
		}
		return nil, true
	}
	return nil, false
}

func (m *Manager) sourceOf(h *inventory.Host) string {
	if h.Implicit {
		return ""
	}
	for _, src := range m.Inventory.Sources {
		if exists(src) {
			if abs, err := filepath.Abs(src); err == nil {
				return abs
			}
		}
	}
	return ""
}

// groups is the variable of that name, worked out once for each state of the
// inventory.
func (m *Manager) groups() *value.Map {
	if g := m.groupMap.Load(); g != nil {
		return g
	}
	out := value.NewMap(8)
	for _, g := range m.Inventory.Groups() {
		hosts := m.Inventory.HostsOf(g)
		names := make([]any, len(hosts))
		for i, h := range hosts {
			names[i] = h.Name
		}
		out.Set(g.Name, names)
	}
	m.groupMap.Store(out)
	return out
}

// Names lists the names of all variables in the scope: the lowest precedence
// first, and within a layer in the order in which they were set.
func (s *Scope) Names() []string {
	seen := map[string]bool{}
	var out []string
	name := func(n string) {
		if !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	add := func(maps ...*value.Map) {
		for i := len(maps) - 1; i >= 0; i-- {
			for k := range maps[i].Strings() {
				name(k)
			}
		}
	}
	s.play.mu.RLock()
	roleVars, defaults, magic := s.play.roleVars, s.play.defaults, s.play.magic
	s.play.mu.RUnlock()
	add(defaults...)
	add(s.tasks.defaults...)
	add(s.hosts...)
	if s.host != nil {
		for _, n := range []string{"inventory_file", "inventory_dir", "inventory_hostname", "inventory_hostname_short", "group_names", "ansible_facts"} {
			name(n)
		}
	}
	if s.stored != nil && s.m.InjectFacts {
		s.stored.mu.RLock()
		add(s.stored.injected)
		s.stored.mu.RUnlock()
	}
	add(s.play.playVars...)
	add(s.play.prompted)
	if s.files != nil {
		for _, f := range s.files() {
			add(f)
		}
	}
	add(roleVars...)
	add(s.tasks.vars...)
	if s.stored != nil {
		s.stored.mu.RLock()
		add(s.stored.set, s.stored.included)
		s.stored.mu.RUnlock()
	}
	add(s.tasks.params...)
	add(s.m.Extra)
	for _, n := range []string{"playbook_dir", "role_name", "role_path", "ansible_role_name", "ansible_collection_name", "groups", "hostvars", "environment"} {
		if _, ok := s.magic(n); ok {
			name(n)
		}
	}
	add(magic, s.m.Options)
	add(s.top...)
	return out
}

// hostvars is the variable of that name: every host's variables, worked out
// only for those that are asked for.
type hostvars struct {
	m    *Manager
	p    *Play
	seen *Foreign // is told what is looked up in it; nil if nobody wants to know
}

// Get returns the variables of one host.
func (h hostvars) Get(key any) (any, bool, error) {
	name, ok := key.(string)
	if !ok {
		return nil, false, nil
	}
	host := h.m.Inventory.LookupHost(name)
	if host == nil {
		return nil, false, nil
	}
	// What belongs to the play is not among the variables of a host.
	return variables{s: h.m.bare().Scope(host, nil), seen: h.seen}, true, nil
}

// Printable gives the variables of all hosts.
func (h hostvars) Printable() (any, error) {
	out := value.NewMap(h.Len())
	for _, k := range h.Keys() {
		v, _, err := h.Get(k)
		if err == nil {
			v, err = v.(variables).Printable()
		}
		if err != nil {
			return nil, err
		}
		out.Set(k, v)
	}
	return out, nil
}

// Keys lists the hosts, localhost among them even if the inventory has none.
func (h hostvars) Keys() []any {
	var out []any
	for _, host := range h.m.Inventory.Hosts() {
		out = append(out, host.Name)
	}
	if !slices.Contains(out, any("localhost")) {
		out = append(out, "localhost")
	}
	return out
}

// Len is the number of hosts.
func (h hostvars) Len() int { return len(h.Keys()) }

// PythonType names the class that Ansible has for it.
func (hostvars) PythonType() string { return "HostVars" }

// variables is a scope as a dict: hostvars['name'] and the variable vars.
type variables struct {
	s     *Scope
	seen  *Foreign // as for hostvars
	plain bool     // the variable vars, which is a dict for Ansible
}

// Get evaluates one variable in its own host's scope.
func (v variables) Get(key any) (any, bool, error) {
	name, ok := key.(string)
	if !ok || !v.has(name) {
		return nil, false, nil
	}
	raw, ok := v.s.Lookup(name)
	if !ok {
		return nil, false, nil
	}
	// What a template there uses is not looked at: it counts as foreign.
	if v.seen != nil && (v.s.foreign(name) && hasText(raw) || value.HasTemplates(raw)) {
		v.seen.Seen = true
	}
	if v.s.m.Resolve == nil || !value.HasTemplates(raw) {
		return raw, true, nil
	}
	out, err := v.s.m.Resolve(v.s, raw)
	return out, true, err
}

// Raw gives a variable unevaluated, nil if there is none.
func (v variables) Raw(key any) any {
	name, _ := key.(string)
	raw, _ := v.s.Lookup(name)
	return raw
}

// has reports whether a variable may be one of these: without hostvars, and vars,
// inside, all of them can be written down.
func (v variables) has(name string) bool {
	return name != "vars" && (v.plain || name != "hostvars")
}

// Keys lists the names of the variables.
func (v variables) Keys() []any {
	var out []any
	for _, n := range v.s.Names() {
		if v.has(n) {
			out = append(out, n)
		}
	}
	return out
}

// Len is the number of variables.
func (v variables) Len() int { return len(v.Keys()) }

// PythonType names the class that Ansible has for it.
func (v variables) PythonType() string {
	if v.plain {
		return "dict"
	}
	return "HostVarsVars"
}

// Dict is the scope as a dict, each variable evaluated in the scope when it is
// asked for.
func (s *Scope) Dict() any { return variables{s: s} }

// Printable gives all variables, evaluated. Those that use undefined ones stay
// as they are written.
func (v variables) Printable() (any, error) {
	out := value.NewMap(32)
	for _, k := range v.Keys() {
		if k == "hostvars" || k == "vars" {
			continue
		}
		e, ok, err := v.Get(k)
		switch {
		case err != nil && (strings.Contains(err.Error(), "undefined") || v.s.m.Undefined != nil && v.s.m.Undefined(err)):
			raw, _ := v.s.Lookup(k.(string))
			out.Set(k, value.Plain(raw))
		case err != nil:
			return nil, err
		case ok:
			out.Set(k, e)
		}
	}
	return out, nil
}

// JSONValue gives all variables, evaluated where that works.
func (v variables) JSONValue() any {
	out := value.NewMap(32)
	for _, k := range v.Keys() {
		if k == "hostvars" || k == "vars" {
			continue
		}
		if e, ok, err := v.Get(k); ok && err == nil {
			out.Set(k, e)
		}
	}
	return out
}
