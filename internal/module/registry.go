package module

import (
	"fmt"
	"slices"
	"strings"
)

// Registry is a set of modules by name. It is built once, from a list, and
// only read afterwards.
type Registry struct {
	targets  map[Name]*Target
	controls map[Name]*Control
	halves   map[Name]*Half
}

// NewRegistry builds a registry. Two modules, or halves, of one name and side
// are a programming error: it panics.
func NewRegistry(targets []*Target, controls []*Control, halves ...*Half) *Registry {
	r := &Registry{targets: map[Name]*Target{}, controls: map[Name]*Control{}, halves: map[Name]*Half{}}
	for _, h := range halves {
		if r.halves[h.Action] != nil {
			panic(fmt.Sprintf("the half %s is listed twice", h.Action))
		}
		r.halves[h.Action] = h
	}
	for _, t := range targets {
		for _, n := range append([]Name{t.Spec.Name}, t.Spec.Aliases...) {
			if r.targets[n] != nil {
				panic(fmt.Sprintf("module %s is listed twice", n))
			}
			r.targets[n] = t
		}
	}
	for _, c := range controls {
		for _, n := range append([]Name{c.Spec.Name}, c.Spec.Aliases...) {
			if r.controls[n] != nil {
				panic(fmt.Sprintf("module %s is listed twice", n))
			}
			r.controls[n] = c
		}
	}
	return r
}

// Target returns the target half of a module, nil if there is none.
func (r *Registry) Target(n Name) *Target { return r.targets[n] }

// Control returns the control half of a module, nil if there is none.
func (r *Registry) Control(n Name) *Control { return r.controls[n] }

// Half returns what stands for an action plugin, nil if nothing does.
func (r *Registry) Half(action Name) *Half { return r.halves[action] }

// Spec returns the Spec that users see: the control half's where there is one.
func (r *Registry) Spec(n Name) *Spec {
	if c := r.controls[n]; c != nil {
		return &c.Spec
	}
	if t := r.targets[n]; t != nil {
		return &t.Spec
	}
	return nil
}

// Resolve finds a module by the name a playbook uses, short or full. Short
// names are looked up in ansible.builtin, then among the other collections.
func (r *Registry) Resolve(name string) (Name, bool) {
	full := Name(name)
	switch {
	case strings.Count(name, ".") >= 2:
		full = Name(strings.Replace(name, "ansible.legacy.", "ansible.builtin.", 1))
	case !strings.Contains(name, "."):
		full = "ansible.builtin." + full
		if r.Spec(full) == nil {
			for _, n := range r.Names() {
				if strings.HasSuffix(string(n), "."+name) {
					return n, true
				}
			}
		}
	}
	return full, r.Spec(full) != nil
}

// Names lists every name, sorted.
func (r *Registry) Names() []Name {
	var names []Name
	for n := range r.targets {
		names = append(names, n)
	}
	for n := range r.controls {
		if r.targets[n] == nil {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}
