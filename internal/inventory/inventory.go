// Package inventory owns hosts, groups and the patterns that choose among
// them. Load reads the sources a user names; Match resolves a pattern.
//
// An Inventory is built by one goroutine. While a run goes on it changes only
// through AddHost and AddToGroup, which the executor calls between rounds.
package inventory

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/tutti-run/tutti/internal/value"
)

// Inventory is a set of hosts and groups. Every inventory has the groups all
// and ungrouped.
type Inventory struct {
	hosts   map[string]*Host
	groups  map[string]*Group
	order   []*Host // as first met
	gorder  []*Group
	Sources []string // as the user named them
	// implicit is the localhost that nobody listed, made on first use.
	implicit *Host
	// merge makes dicts set twice one dict (hash_behaviour = merge).
	merge bool
	// names and warn are about names of groups that are no identifiers; see
	// Options.GroupNames.
	names string
	warn  func(string)
}

// Host is one inventory name.
type Host struct {
	Name     string
	Vars     *value.Map // set in the inventory itself
	Groups   []*Group   // direct ones, without all
	Implicit bool       // the localhost that nobody listed
	index    int
	// FileVars are the variables of host_vars, filled in by the vars package.
	FileVars any
}

// Group is a named set of hosts and groups.
type Group struct {
	Name     string
	Vars     *value.Map
	Hosts    []*Host
	Children []*Group
	Parents  []*Group
	Depth    int
	Priority int // ansible_group_priority

	merge    bool
	hostSet  map[*Host]bool
	childSet map[*Group]bool
}

// New returns an inventory with the groups all and ungrouped.
func New() *Inventory {
	inv := &Inventory{hosts: map[string]*Host{}, groups: map[string]*Group{}}
	inv.Group("all")
	inv.addChild(inv.Group("all"), inv.Group("ungrouped"))
	return inv
}

// Group returns the group of that name, made if need be.
func (inv *Inventory) Group(name string) *Group {
	if inv.groups[name] == nil {
		name = inv.safe(name)
	}
	if g := inv.groups[name]; g != nil {
		return g
	}
	g := &Group{Name: name, Vars: value.NewMap(0), Priority: 1, hostSet: map[*Host]bool{}, childSet: map[*Group]bool{}, merge: inv.merge}
	inv.groups[name] = g
	inv.gorder = append(inv.gorder, g)
	return g
}

// safe is the name that a group called name gets.
func (inv *Inventory) safe(name string) string {
	valid := validName(name)
	if valid == name {
		return name
	}
	say := func(what string) {
		if inv.warn != nil {
			inv.warn("Invalid characters were found in group names " + what + ", use -vvvv to see details")
		}
	}
	switch inv.names {
	case "always":
		say("and automatically replaced")
		return valid
	case "silently":
		return valid
	case "never":
		say("but not replaced")
	}
	return name
}

// validName makes a name an identifier.
func validName(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r == '_' || unicode.IsLetter(r) || i > 0 && unicode.IsNumber(r) {
			b.WriteRune(r)
		} else {
			b.WriteByte('_')
		}
	}
	return b.String()
}

// Host returns the host of that name, made if need be.
func (inv *Inventory) Host(name string) *Host {
	if h := inv.hosts[name]; h != nil {
		return h
	}
	h := &Host{Name: name, Vars: value.NewMap(0), index: len(inv.order)}
	inv.hosts[name] = h
	inv.order = append(inv.order, h)
	return h
}

// hostAt is Host with the port that stands behind the name, 0 if none does. It
// counts only where the host is named for the first time.
func (inv *Inventory) hostAt(name string, port int) *Host {
	isNew := inv.hosts[name] == nil
	h := inv.Host(name)
	if isNew && port > 0 {
		h.Vars.Set("ansible_port", port)
	}
	return h
}

// LookupHost returns a listed host, or the implicit localhost for the names
// that mean this machine; nil if there is none.
func (inv *Inventory) LookupHost(name string) *Host {
	if h := inv.hosts[name]; h != nil {
		return h
	}
	if isLocalhost(name) {
		return inv.thisMachine(name)
	}
	return nil
}

func isLocalhost(name string) bool {
	return name == "localhost" || name == "127.0.0.1" || name == "::1"
}

// Localhost returns the host that stands for this machine.
func (inv *Inventory) Localhost() *Host { return inv.thisMachine("localhost") }

// thisMachine is Localhost, which is called name if nobody asked for it before.
func (inv *Inventory) thisMachine(name string) *Host {
	for _, listed := range []string{"localhost", "127.0.0.1", "::1"} {
		if h := inv.hosts[listed]; h != nil {
			return h
		}
	}
	if inv.implicit == nil {
		inv.implicit = &Host{Name: name, Implicit: true, Vars: value.MapOf("ansible_connection", "local", "ansible_python_interpreter", "/usr/bin/python3"), index: -1}
	}
	return inv.implicit
}

// LookupGroup returns the group of that name, nil if there is none.
func (inv *Inventory) LookupGroup(name string) *Group { return inv.groups[name] }

// Hosts returns all listed hosts in the order of the inventory.
func (inv *Inventory) Hosts() []*Host { return inv.HostsOf(inv.groups["all"]) }

// Groups returns all groups, in the order in which they were first met.
func (inv *Inventory) Groups() []*Group { return inv.gorder }

func (inv *Inventory) addHost(g *Group, h *Host) {
	if !g.hostSet[h] {
		g.hostSet[h] = true
		g.Hosts = append(g.Hosts, h)
		if g.Name != "all" {
			h.Groups = append(h.Groups, g)
		}
	}
}

func (inv *Inventory) addChild(parent, child *Group) {
	if parent == child || parent.childSet[child] {
		return
	}
	parent.childSet[child] = true
	parent.Children = append(parent.Children, child)
	child.Parents = append(child.Parents, parent)
	child.deepen(parent.Depth+1, 0)
}

// deepen keeps Depth the longest way from all.
func (g *Group) deepen(depth, guard int) {
	if g.Depth >= depth || guard > 1000 {
		return
	}
	g.Depth = depth
	for _, c := range g.Children {
		c.deepen(depth+1, guard+1)
	}
}

// link adds a child group, refusing circles.
func (inv *Inventory) link(parent, child *Group) error {
	if parent == child {
		return fmt.Errorf("can't add group %s to itself", parent.Name)
	}
	for _, a := range parent.ancestors() {
		if a == child {
			return fmt.Errorf("Adding group '%s' as child to '%s' creates a recursive dependency loop.", child.Name, parent.Name)
		}
	}
	inv.addChild(parent, child)
	return nil
}

// ancestors returns every group above g, g left out.
func (g *Group) ancestors() []*Group {
	var out []*Group
	seen := map[*Group]bool{}
	var walk func(*Group)
	walk = func(g *Group) {
		for _, p := range g.Parents {
			if !seen[p] {
				seen[p] = true
				out = append(out, p)
				walk(p)
			}
		}
	}
	walk(g)
	return out
}

// HostsOf returns the hosts of a group and of the groups below it, in the order
// in which Ansible lists them: the group's own first, then those of its children,
// then those of theirs.
func (inv *Inventory) HostsOf(g *Group) []*Host {
	if g == nil {
		return nil
	}
	var out []*Host
	seen, done := map[*Host]bool{}, map[*Group]bool{g: true}
	for level := []*Group{g}; len(level) > 0; {
		var next []*Group
		for _, g := range level {
			for _, h := range g.Hosts {
				if !seen[h] {
					seen[h] = true
					out = append(out, h)
				}
			}
			for _, c := range g.Children {
				if !done[c] {
					done[c] = true
					next = append(next, c)
				}
			}
		}
		level = next
	}
	return out
}

// AllGroups returns every group that a host belongs to, directly or not, in
// the order in which their variables count: by depth, priority, then name.
func (h *Host) AllGroups() []*Group {
	var out []*Group
	seen := map[*Group]bool{}
	for _, g := range h.Groups {
		for _, a := range append([]*Group{g}, g.ancestors()...) {
			if !seen[a] {
				seen[a] = true
				out = append(out, a)
			}
		}
	}
	slices.SortStableFunc(out, compareGroups)
	return out
}

func compareGroups(a, b *Group) int {
	if a.Depth != b.Depth {
		return a.Depth - b.Depth
	}
	if a.Priority != b.Priority {
		return a.Priority - b.Priority
	}
	return strings.Compare(a.Name, b.Name)
}

// GroupNames returns the names of the host's groups but all, sorted: the
// variable group_names.
func (h *Host) GroupNames() []string {
	var out []string
	for _, g := range h.AllGroups() {
		if g.Name != "all" {
			out = append(out, g.Name)
		}
	}
	slices.Sort(out)
	return out
}

// reconcile puts every group below all and every host without a group into
// ungrouped, after the sources are read or the inventory changed.
func (inv *Inventory) reconcile() {
	all, ungrouped := inv.groups["all"], inv.groups["ungrouped"]
	for _, g := range inv.gorder {
		if g != all && len(g.Parents) == 0 {
			inv.addChild(all, g)
		}
	}
	for _, h := range inv.order {
		grouped := false
		for _, g := range h.Groups {
			if g != ungrouped {
				grouped = true
			}
		}
		switch {
		case !grouped:
			inv.addHost(ungrouped, h)
		case ungrouped.hostSet[h]:
			inv.remove(ungrouped, h)
		}
	}
}

func (inv *Inventory) remove(g *Group, h *Host) {
	delete(g.hostSet, h)
	g.Hosts = slices.DeleteFunc(g.Hosts, func(x *Host) bool { return x == h })
	h.Groups = slices.DeleteFunc(h.Groups, func(x *Group) bool { return x == g })
}

// setGroupVar stores a group's variable; ansible_group_priority is special.
func (g *Group) setVar(name string, v any) {
	if name == "ansible_group_priority" {
		if n, ok := v.(int); ok {
			g.Priority = n
		}
		return
	}
	set(g.Vars, name, v, g.merge)
}

// set stores a variable; dicts are merged where the user wants that.
func set(vars *value.Map, name any, v any, merge bool) {
	old, ok1 := vars.At(name).(*value.Map)
	more, ok2 := v.(*value.Map)
	if merge && ok1 && ok2 {
		merged := old.Clone()
		for k, e := range more.All() {
			set(merged, k, e, true)
		}
		v = merged
	}
	vars.Set(name, v)
}

// update stores a host's variables.
func (inv *Inventory) update(h *Host, vars *value.Map) {
	for k, v := range vars.All() {
		set(h.Vars, k, v, inv.merge)
	}
}

// AddHost adds a host with its groups and variables, as add_host does. It
// reports whether anything changed.
func (inv *Inventory) AddHost(name string, groups []string, vars *value.Map) bool {
	changed := inv.hosts[name] == nil
	h := inv.Host(name)
	if changed {
		inv.addHost(inv.groups["all"], h)
	}
	h.Vars = h.Vars.Clone()
	for k, v := range vars.All() {
		if old, ok := h.Vars.Get(k); !ok || string(value.ToJSON(old)) != string(value.ToJSON(v)) {
			changed = true
		}
		h.Vars.Set(k, v)
	}
	for _, g := range groups {
		group := inv.Group(g)
		if !group.hostSet[h] {
			changed = true
		}
		inv.addHost(group, h)
	}
	inv.reconcile()
	return changed
}

// HasHost reports whether there is a host of that name in all of these groups.
func (inv *Inventory) HasHost(name string, groups []string) bool {
	h := inv.hosts[name]
	if h == nil {
		return false
	}
	for _, g := range groups {
		if group := inv.groups[g]; group == nil || !group.hostSet[h] {
			return false
		}
	}
	return true
}

// AddToGroup puts a host into a group below parents, as group_by does. It
// reports whether anything changed.
func (inv *Inventory) AddToGroup(h *Host, group string, parents []string) bool {
	changed := inv.groups[group] == nil
	g := inv.Group(group)
	for _, p := range parents {
		if p == group || p == "" {
			continue
		}
		parent := inv.Group(p)
		if !parent.childSet[g] && inv.link(parent, g) == nil {
			changed = true
		}
	}
	if !g.hostSet[h] {
		changed = true
		inv.addHost(g, h)
	}
	inv.reconcile()
	return changed
}
