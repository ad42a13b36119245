package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// InGroup reports whether a group of actions (group/NAME in module_defaults)
// holds the module. A name without a collection is one of ansible-core's groups.
func (f *finder) InGroup(group string, name module.Name) bool {
	full := string(name)
	if !strings.Contains(full, ".") {
		full = "ansible.legacy." + full // a module of the user's own
	}
	f.mu.Lock()
	members := f.groups[group]
	f.mu.Unlock()
	if members == nil {
		members = map[string]bool{}
		f.addGroup(members, group, map[string]bool{})
		f.mu.Lock()
		if f.groups == nil {
			f.groups = map[string]map[string]bool{}
		}
		f.groups[group] = members
		f.mu.Unlock()
	}
	return members[full]
}

// addGroup adds the modules of a group and of those that it extends.
func (f *finder) addGroup(members map[string]bool, group string, seen map[string]bool) {
	collection, short := "ansible.builtin", group
	if parts := strings.SplitN(group, ".", 3); len(parts) == 3 {
		collection, short = parts[0]+"."+parts[1], parts[2]
	}
	if collection == "ansible.legacy" {
		collection = "ansible.builtin"
	}
	if seen[collection+"."+short] {
		return
	}
	seen[collection+"."+short] = true
	list := f.runtime(collection).Get("action_groups").Get(short)
	if list.IsNull() {
		return
	}
	f.checkGroup(collection+"."+short, list)
	for _, n := range list.Items {
		if n.Kind == yaml.Map {
			for _, other := range textsOf(n.Get("metadata").Get("extend_group")) {
				if strings.Count(other, ".") < 2 {
					other = collection + "." + other
				}
				f.addGroup(members, other, seen)
			}
			continue
		}
		if name, ok := n.Text(); ok {
			f.addMember(members, collection, name)
		}
	}
}

// checkGroup warns of what a group's metadata must not be.
func (f *finder) checkGroup(group string, list *yaml.Node) {
	if f.warn == nil {
		return
	}
	complain := func(format string, args ...any) {
		f.warn("Invalid metadata was found for action_group " + group + " while loading module_defaults. " + fmt.Sprintf(format, args...))
	}
	found := 0
	for _, n := range list.Items {
		if n.Kind != yaml.Map {
			continue
		}
		if found++; found == 2 {
			complain("The group contains multiple metadata entries.")
		}
		if keys := keysOf(n); len(keys) != 1 || keys[0] != "metadata" {
			complain("The only expected key is metadata, but got keys: %s", strings.Join(keys, ", "))
			continue
		}
		meta := n.Get("metadata")
		if meta.Kind != yaml.Map {
			complain("The metadata is not a dictionary. Got %s", value.Str(meta.Value()))
			continue
		}
		if keys := slices.DeleteFunc(keysOf(meta), func(k string) bool { return k == "extend_group" }); len(keys) > 0 {
			complain("The metadata contains unexpected keys: %s", strings.Join(keys, ", "))
		}
		if extend := meta.Get("extend_group"); extend != nil && extend.Kind == yaml.Map {
			complain("The metadata contains unexpected key types: extend_group is %s (expected type list)", value.Str(extend.Value()))
		}
	}
}

// addMember adds a module and what its name leads to.
func (f *finder) addMember(members map[string]bool, collection, name string) {
	if strings.Count(name, ".") < 2 {
		name = collection + "." + name
	}
	for !members[name] {
		members[name] = true
		parts := strings.SplitN(name, ".", 3)
		if to := f.route(parts[0]+"."+parts[1], parts[2]).to; strings.Count(to, ".") >= 2 {
			name = to
		}
	}
}

// textsOf are the texts of a list, or the one that stands in its place.
func textsOf(n *yaml.Node) []string {
	if text, ok := n.Text(); ok {
		return []string{text}
	}
	var out []string
	if n != nil {
		for _, e := range n.Items {
			if text, ok := e.Text(); ok {
				out = append(out, text)
			}
		}
	}
	return out
}

// keysOf are the keys of a mapping, sorted.
func keysOf(n *yaml.Node) []string {
	var out []string
	for _, p := range n.Pairs {
		if text, ok := p.Key.Text(); ok {
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return out
}
