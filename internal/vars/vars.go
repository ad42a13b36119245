// Package vars owns the order of precedence of variables: one table, from the
// defaults of roles to the extra variables of the command line.
//
// A Manager holds what belongs to the run (inventory, files of variables,
// facts, registered results). A Play adds what belongs to one play. A Scope is
// the view of one host and task; it looks names up through the layers, highest
// first, and copies nothing. Begin with Scope.Lookup.
package vars

import (
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/value"
)

// Config is what a Manager needs.
type Config struct {
	Inventory *inventory.Inventory
	// PlaybookDir is the folder of the first playbook.
	PlaybookDir string
	// LoadFile reads a file of variables; its templates stay unevaluated.
	LoadFile func(path string) (any, error)
	// Cached gives the facts that an earlier run has kept of a host; nil without a
	// cache. It is asked once a host, when something is first wanted of it.
	Cached func(host string) (*value.Map, bool)
	// Resolve evaluates v in a scope, for hostvars.
	Resolve func(s *Scope, v any) (any, error)
	// Undefined tells whether an error of Resolve is about something undefined.
	Undefined func(error) bool
	// Extra are the variables of the command line.
	Extra *value.Map
	// Options are the magic variables that tell the command line's options
	// (ansible_check_mode and the like).
	Options *value.Map
	// MergeHashes merges dicts of several layers (hash_behaviour = merge).
	MergeHashes bool
	// InjectFacts makes facts variables of their own (ansible_hostname).
	InjectFacts bool
	// PrivateRoleVars keeps a role's variables from the rest of the play.
	PrivateRoleVars bool
}

// Manager holds the variables of a run. It is safe for concurrent use.
type Manager struct {
	Config

	mu     sync.Mutex
	hosts  map[*inventory.Host]*store
	dirs   map[string]*varsDir // by folder that may hold group_vars and host_vars
	layers map[*inventory.Host][]*value.Map
	tasks  sync.Map // *playbook.Task -> *taskLayers

	// added are the variables that a target has a part in, of hosts that were added.
	added sync.Map // of addedVar

	groupMap atomic.Pointer[value.Map]
	nobody   func() *Play // no play, for hostvars
	err      error
}

// New returns a Manager.
func New(c Config) *Manager {
	if c.Extra == nil {
		c.Extra = value.NewMap(0)
	}
	if c.Options == nil {
		c.Options = value.NewMap(0)
	}
	m := &Manager{Config: c, hosts: map[*inventory.Host]*store{}, dirs: map[string]*varsDir{}, layers: map[*inventory.Host][]*value.Map{}}
	m.nobody = sync.OnceValue(func() *Play { return m.NewPlay(nil) })
	return m
}

// store is what a run learns about one host.
type store struct {
	cached   sync.Once // the cache has been asked
	mu       sync.RWMutex
	facts    *value.Map      // as modules return them (ansible_hostname)
	bare     *value.Map      // the same without the prefix, for ansible_facts
	injected *value.Map      // those that may be variables of their own
	set      *value.Map      // set_fact and register
	foreign  map[string]bool // those of set that targets or lookups have a part in
	included *value.Map      // include_vars
}

func (m *Manager) store(h *inventory.Host) *store {
	m.mu.Lock()
	s := m.hosts[h]
	if s == nil {
		s = &store{facts: value.NewMap(0), bare: value.NewMap(0), injected: value.NewMap(0), set: value.NewMap(0), included: value.NewMap(0), foreign: map[string]bool{}}
		m.hosts[h] = s
	}
	m.mu.Unlock()
	if m.Cached != nil {
		s.cached.Do(func() {
			if facts, ok := m.Cached(h.Name); ok {
				s.add(facts)
			}
		})
	}
	return s
}

// add puts facts into s.
func (s *store) add(facts *value.Map) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// New maps, because templates may hold the old ones.
	s.facts, s.bare, s.injected = s.facts.Clone(), s.bare.Clone(), s.injected.Clone()
	for k, v := range facts.Strings() {
		s.facts.Set(k, v)
		s.bare.Set(bareName(k), v)
		if injectable(k) {
			s.injected.Set(k, v)
		}
	}
}

// Set stores variables of a host at the precedence of set_fact. Those of them that
// a target or a lookup has a part in are foreign.
func (m *Manager) Set(h *inventory.Host, vars *value.Map, foreign map[string]bool) {
	m.set(h, vars, func(name string) bool { return foreign[name] })
}

// Tell is Set for what a target says: register.
func (m *Manager) Tell(h *inventory.Host, vars *value.Map) {
	m.set(h, vars, func(string) bool { return true })
}

// addedVar is a variable of a host, by their names.
type addedVar struct{ host, name string }

// Added notes that a host was added with these variables, which a target has a
// part in.
func (m *Manager) Added(host string, vars *value.Map) {
	for name := range vars.Strings() {
		m.added.Store(addedVar{host, name}, true)
	}
}

func (m *Manager) set(h *inventory.Host, vars *value.Map, foreign func(name string) bool) {
	s := m.store(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range vars.All() {
		v = value.Lists(v)
		if m.MergeHashes {
			if old, ok := s.set.Get(k); ok {
				v = mergeValues(old, v)
			}
		}
		s.set.Set(k, v)
		if name, _ := k.(string); foreign(name) {
			s.foreign[name] = true
		} else {
			delete(s.foreign, name)
		}
	}
}

// Include stores variables of a host at the precedence of include_vars.
func (m *Manager) Include(h *inventory.Host, vars *value.Map) {
	s := m.store(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range vars.All() {
		if m.MergeHashes {
			if old, ok := s.included.Get(k); ok {
				v = mergeValues(old, v)
			}
		}
		s.included.Set(k, v)
	}
}

// AddFacts adds facts of a host.
func (m *Manager) AddFacts(h *inventory.Host, facts *value.Map) { m.store(h).add(facts) }

// FactVars are the variables that facts of a host will be once they are added.
// known, if it is not nil, is its ansible_facts so far.
func (m *Manager) FactVars(h *inventory.Host, facts, known *value.Map) *value.Map {
	if known == nil {
		s := m.store(h)
		s.mu.RLock()
		known = s.bare
		s.mu.RUnlock()
	}
	bare, out := known.Clone(), value.NewMap(facts.Len()+1)
	for k, v := range facts.Strings() {
		bare.Set(bareName(k), v)
		if injectable(k) && (m.InjectFacts || k == "ansible_local") {
			out.Set(k, v)
		}
	}
	out.Set("ansible_facts", bare)
	return out
}

// Facts returns the facts of a host, as modules return them.
func (m *Manager) Facts(h *inventory.Host) *value.Map {
	s := m.store(h)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.facts
}

// ClearFacts forgets the facts of a host (meta: clear_facts).
func (m *Manager) ClearFacts(h *inventory.Host) {
	s := m.store(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts, s.bare, s.injected = value.NewMap(0), value.NewMap(0), value.NewMap(0)
}

// InventoryChanged forgets what was worked out from the inventory.
func (m *Manager) InventoryChanged() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.layers)
	m.groupMap.Store(nil)
}

// Refresh replaces the inventory (meta: refresh_inventory), keeping what was
// learnt about hosts of the same name.
func (m *Manager) Refresh(inv *inventory.Inventory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	hosts := map[*inventory.Host]*store{}
	for h, s := range m.hosts {
		if now := inv.LookupHost(h.Name); now != nil {
			hosts[now] = s
		}
	}
	m.Inventory, m.hosts = inv, hosts
	clear(m.layers)
	clear(m.dirs)
	m.groupMap.Store(nil)
}

// mergeValues merges dicts recursively; anything else is replaced.
func mergeValues(low, high any) any {
	l, ok1 := low.(*value.Map)
	h, ok2 := high.(*value.Map)
	if !ok1 || !ok2 {
		return high
	}
	out := l.Clone()
	for k, v := range h.All() {
		if old, ok := out.Get(k); ok {
			v = mergeValues(old, v)
		}
		out.Set(k, v)
	}
	return out
}

// Play is the variables of one play.
type Play struct {
	m    *Manager
	play *playbook.Play

	mu        sync.RWMutex
	magic     *value.Map
	files     func(*Scope) []*value.Map // vars_files as a scope sees them, the first first
	prompted  *value.Map
	roleVars  []*value.Map // of all roles, highest first
	defaults  []*value.Map // of all roles, highest first
	playVars  []*value.Map // highest first
	roleNames []any
}

// NewPlay prepares the variables of a play. magic holds the play's magic
// variables (ansible_play_hosts and the like); see SetMagic.
func (m *Manager) NewPlay(p *playbook.Play) *Play {
	v := &Play{m: m, play: p, magic: value.NewMap(0), prompted: value.NewMap(0)}
	if p == nil {
		return v
	}
	for i := len(p.Keywords.Vars) - 1; i >= 0; i-- {
		v.playVars = append(v.playVars, p.Keywords.Vars[i])
	}
	for _, r := range p.Roles {
		v.addRole(r)
	}
	return v
}

// bare is a play with nothing of its own.
func (m *Manager) bare() *Play { return m.nobody() }

func (p *Play) addRole(r *playbook.Role) {
	p.defaults = append(roleDefaults(r), p.defaults...)
	if !p.m.PrivateRoleVars {
		p.roleVars = append(roleVars(r), p.roleVars...)
	}
	p.roleNames = append(p.roleNames, r.Name)
}

// AddRole makes the variables of a role, included with public, visible to the
// rest of the play.
func (p *Play) AddRole(r *playbook.Role) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addRole(r)
}

// SetPrompted stores the answers to vars_prompt.
func (p *Play) SetPrompted(vars *value.Map) { p.prompted = vars }

// SetFiles says how the contents of vars_files are found, the first first.
// Their names may depend on the host and on its facts, so each scope asks, once
// it needs them. The scope it is called with has those of WithFiles only.
func (p *Play) SetFiles(files func(*Scope) []*value.Map) { p.files = files }

// SetMagic replaces the play's magic variables.
func (p *Play) SetMagic(magic *value.Map) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.magic = magic
}

// roleDefaults lists a role's defaults, highest first: its own, those of the
// roles that depend on it, those of its dependencies.
func roleDefaults(r *playbook.Role) []*value.Map {
	out := []*value.Map{r.Defaults}
	for parent := r.Parent; parent != nil; parent = parent.Parent {
		out = append(out, parent.Defaults)
	}
	for i := len(r.Deps) - 1; i >= 0; i-- {
		out = append(out, dependencyDefaults(r.Deps[i])...)
	}
	return out
}

func dependencyDefaults(r *playbook.Role) []*value.Map {
	out := []*value.Map{r.Defaults}
	for i := len(r.Deps) - 1; i >= 0; i-- {
		out = append(out, dependencyDefaults(r.Deps[i])...)
	}
	return out
}

// roleVars lists a role's variables, highest first.
func roleVars(r *playbook.Role) []*value.Map {
	own := func(r *playbook.Role) []*value.Map {
		out := []*value.Map{r.Vars}
		for i := len(r.EntryVars) - 1; i >= 0; i-- {
			out = append(out, r.EntryVars[i])
		}
		return out
	}
	out := own(r)
	var deps func(*playbook.Role)
	deps = func(r *playbook.Role) {
		for i := len(r.Deps) - 1; i >= 0; i-- {
			out = append(out, own(r.Deps[i])...)
			deps(r.Deps[i])
		}
	}
	deps(r)
	for parent := r.Parent; parent != nil; parent = parent.Parent {
		out = append(out, own(parent)...)
	}
	return out
}

// taskLayers are the layers that a task adds, the same for every host.
type taskLayers struct {
	params   []*value.Map // include parameters, then role parameters
	vars     []*value.Map // task and block variables, then the role's
	defaults []*value.Map
}

func (m *Manager) taskLayers(t *playbook.Task) *taskLayers {
	if l, ok := m.tasks.Load(t); ok {
		return l.(*taskLayers)
	}
	l := &taskLayers{}
	for i := len(t.IncludeParams) - 1; i >= 0; i-- {
		l.params = append(l.params, t.IncludeParams[i])
	}
	for r := t.Role; r != nil; r = r.Parent {
		if r.Params.Len() > 0 {
			l.params = append(l.params, r.Params)
		}
	}
	for i := len(t.Keywords.Vars) - 1; i >= 0; i-- {
		l.vars = append(l.vars, t.Keywords.Vars[i])
	}
	if t.Role != nil {
		l.vars = append(l.vars, roleVars(t.Role)...)
		l.defaults = roleDefaults(t.Role)
	}
	m.tasks.Store(t, l)
	return l
}

// hostLayers are the layers that the inventory gives a host, highest first.
func (m *Manager) hostLayers(h *inventory.Host) []*value.Map {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l, ok := m.layers[h]; ok {
		return l
	}
	groups := h.AllGroups()
	var others []*inventory.Group
	for _, g := range groups {
		if g.Name != "all" {
			others = append(others, g)
		}
	}
	all := m.Inventory.LookupGroup("all")
	var low []*value.Map // lowest first
	add := func(v *value.Map) {
		if v.Len() > 0 {
			low = append(low, v)
		}
	}
	inventoryDirs, playDir := m.sourceDirs(), m.dir(m.PlaybookDir)
	add(all.Vars)
	for _, g := range others {
		add(g.Vars)
	}
	for _, d := range inventoryDirs {
		add(m.groupFile(d, "all"))
	}
	add(m.groupFile(playDir, "all"))
	for _, d := range inventoryDirs {
		for _, g := range others {
			add(m.groupFile(d, g.Name))
		}
	}
	for _, g := range others {
		add(m.groupFile(playDir, g.Name))
	}
	add(h.Vars)
	for _, d := range inventoryDirs {
		add(m.hostFile(d, h.Name))
	}
	add(m.hostFile(playDir, h.Name))
	high := make([]*value.Map, len(low))
	for i, v := range low {
		high[len(low)-1-i] = v
	}
	m.layers[h] = high
	return high
}

func (m *Manager) sourceDirs() []*varsDir {
	var out []*varsDir
	seen := map[string]bool{}
	for _, s := range m.Inventory.Sources {
		dir := s
		switch {
		case isDir(s):
		case exists(s):
			dir = filepath.Dir(s)
		default:
			continue // a list of hosts
		}
		if abs, err := filepath.Abs(dir); err == nil && !seen[abs] {
			seen[abs] = true
			out = append(out, m.dir(abs))
		}
	}
	return out
}

// InventoryVars are the variables that the inventory, group_vars and host_vars
// give a host, unevaluated.
func (m *Manager) InventoryVars(h *inventory.Host) *value.Map {
	layers := m.hostLayers(h)
	out := value.NewMap(16)
	for i := len(layers) - 1; i >= 0; i-- {
		m.combine(out, layers[i])
	}
	return out
}

// GroupVars are the variables set for a group in the inventory and group_vars.
// The playbook's folder counts if playbook says so.
func (m *Manager) GroupVars(g *inventory.Group, playbook bool) *value.Map {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := g.Vars.Clone()
	for _, d := range m.filesOf(playbook) {
		m.combine(out, m.groupFile(d, g.Name))
	}
	return out
}

// HostOnlyVars are the variables set for a host itself in the inventory and
// host_vars.
func (m *Manager) HostOnlyVars(h *inventory.Host, playbook bool) *value.Map {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := h.Vars.Clone()
	for _, d := range m.filesOf(playbook) {
		m.combine(out, m.hostFile(d, h.Name))
	}
	return out
}

// filesOf are the folders with group_vars and host_vars of the inventory's
// sources, and that of the playbook if it counts.
func (m *Manager) filesOf(playbook bool) []*varsDir {
	dirs := m.sourceDirs()
	if playbook {
		dirs = append(dirs, m.dir(m.PlaybookDir))
	}
	return dirs
}
