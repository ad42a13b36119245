package inventory

import (
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// readYAML reads Ansible's YAML (or JSON) format into inv.
func readYAML(inv *Inventory, data []byte, path string, o Options) error {
	n, err := yaml.Parse(data, path, yaml.Options{Vault: o.Vault})
	if err != nil {
		return err
	}
	if n.Kind != yaml.Map {
		return &diag.Problem{Pos: n.Pos, Msg: "YAML inventory has invalid structure, it should be a dictionary, got: " + n.Describe()}
	}
	if !n.Get("plugin").IsNull() {
		name, _ := n.Get("plugin").Text()
		return &diag.Problem{Pos: n.Get("plugin").Pos, Msg: fmt.Sprintf("the inventory plugin '%s' is not available", name)}
	}
	for _, p := range n.Pairs {
		name, ok := p.Key.Text()
		if !ok {
			return &diag.Problem{Pos: p.Key.Pos, Msg: "Invalid group name, a string is expected"}
		}
		if err := yamlGroup(inv, name, p.Value); err != nil {
			return err
		}
	}
	return nil
}

func yamlGroup(inv *Inventory, name string, n *yaml.Node) error {
	g := inv.Group(name)
	if n.IsNull() {
		return nil
	}
	if n.Kind != yaml.Map {
		return &diag.Problem{Pos: n.Pos, Msg: fmt.Sprintf("Invalid \"%s\" entry for group: it should be a dictionary, got: %s", name, n.Describe())}
	}
	for _, p := range n.Pairs {
		key, _ := p.Key.Text()
		v := p.Value
		if (key == "vars" || key == "children" || key == "hosts") && v.Kind == yaml.Scalar {
			if text, ok := v.Text(); ok {
				v = &yaml.Node{Kind: yaml.Map, Pos: v.Pos, Pairs: []yaml.Pair{{Key: yaml.NewText(text, v.Pos), Value: &yaml.Node{Kind: yaml.Scalar, Pos: v.Pos}}}}
			}
		}
		if v.IsNull() {
			continue
		}
		if v.Kind != yaml.Map {
			switch key {
			case "vars", "children", "hosts":
				return &diag.Problem{Pos: v.Pos, Msg: fmt.Sprintf("Invalid %q entry for %q group, requires a dictionary, found %s instead.", key, name, v.Describe())}
			}
			continue
		}
		switch key {
		case "vars":
			for _, e := range v.Pairs {
				k, _ := e.Key.Text()
				g.setVar(k, e.Value.Value())
			}
		case "children":
			for _, e := range v.Pairs {
				child, _ := e.Key.Text()
				if err := yamlGroup(inv, child, e.Value); err != nil {
					return err
				}
				if err := inv.link(g, inv.Group(child)); err != nil {
					return &diag.Problem{Pos: e.Key.Pos, Msg: err.Error()}
				}
			}
		case "hosts":
			for _, e := range v.Pairs {
				if err := yamlHost(inv, g, e); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func yamlHost(inv *Inventory, g *Group, e yaml.Pair) error {
	text, ok := e.Key.Text()
	if !ok {
		return &diag.Problem{Pos: e.Key.Pos, Msg: "a host's name must be text"}
	}
	pattern, port := splitPort(text)
	names, err := expandRange(pattern)
	if err != nil {
		return &diag.Problem{Pos: e.Key.Pos, Msg: err.Error()}
	}
	if !e.Value.IsNull() && e.Value.Kind != yaml.Map {
		return &diag.Problem{Pos: e.Value.Pos, Msg: fmt.Sprintf("the variables of host %s must be a dictionary, got %s", text, e.Value.Describe())}
	}
	for _, name := range names {
		h := inv.Host(name)
		inv.addHost(g, h)
		if port > 0 {
			h.Vars.Set("ansible_port", port)
		}
		if m, ok := e.Value.Value().(*value.Map); ok {
			inv.update(h, m)
		}
	}
	return nil
}

// readScript takes the JSON that an inventory script prints for --list.
// hostVars asks the script for one host where it gave no _meta.
func readScript(inv *Inventory, data []byte, path string, hostVars func(host string) ([]byte, error)) error {
	pos := diag.Pos{File: path}
	parsed, err := value.ParseJSON(data)
	if err != nil {
		return &diag.Problem{Pos: pos, Msg: fmt.Sprintf("failed to parse executable inventory script results: %s", err)}
	}
	top, ok := parsed.(*value.Map)
	if !ok {
		return &diag.Problem{Pos: pos, Msg: "failed to parse executable inventory script results: needs to be a json dict"}
	}
	var meta *value.Map
	if m, ok := top.At("_meta").(*value.Map); ok {
		meta, _ = m.At("hostvars").(*value.Map)
	}
	before := len(inv.order)
	for name, v := range top.Strings() {
		if name == "_meta" {
			continue
		}
		if err := scriptGroup(inv, name, v, pos); err != nil {
			return err
		}
	}
	for _, h := range append([]*Host(nil), inv.order[min(before, len(inv.order)):]...) {
		if meta != nil {
			if vars, ok := meta.At(h.Name).(*value.Map); ok {
				inv.update(h, value.MarkTemplates(vars, pos).(*value.Map))
			}
			continue
		}
		out, err := hostVars(h.Name)
		if err != nil {
			return &diag.Problem{Pos: pos, Msg: err.Error()}
		}
		if strings.TrimSpace(string(out)) == "" {
			continue
		}
		v, err := value.ParseJSON(out)
		if m, ok := v.(*value.Map); ok && err == nil {
			inv.update(h, value.MarkTemplates(m, pos).(*value.Map))
		} else {
			return &diag.Problem{Pos: pos, Msg: fmt.Sprintf("could not parse post variable response for host %s", h.Name)}
		}
	}
	return nil
}

func scriptGroup(inv *Inventory, name string, v any, pos diag.Pos) error {
	g := inv.Group(name)
	add := func(hosts any) {
		l, _ := hosts.([]any)
		for _, h := range l {
			if s, ok := h.(string); ok {
				inv.addHost(g, inv.Host(s))
			}
		}
	}
	m, ok := v.(*value.Map)
	if !ok {
		add(v)
		return nil
	}
	if !m.Has("hosts") && !m.Has("vars") && !m.Has("children") {
		// the oldest form: a dict that is one host of the group's name with its variables
		h := inv.Host(name)
		inv.addHost(g, h)
		inv.update(h, value.MarkTemplates(m, pos).(*value.Map))
		return nil
	}
	if hosts := m.At("hosts"); hosts != nil {
		if _, ok := hosts.([]any); !ok {
			return &diag.Problem{Pos: pos, Msg: fmt.Sprintf("You defined a group '%s' with bad data for the host list: %s", name, value.ToJSON(hosts))}
		}
		add(hosts)
	}
	if vars := m.At("vars"); vars != nil {
		vm, ok := vars.(*value.Map)
		if !ok {
			return &diag.Problem{Pos: pos, Msg: fmt.Sprintf("You defined a group '%s' with bad data for variables: %s", name, value.ToJSON(vars))}
		}
		for k, v := range vm.Strings() {
			g.setVar(k, value.MarkTemplates(v, pos))
		}
	}
	if children, ok := m.At("children").([]any); ok {
		for _, c := range children {
			if s, ok := c.(string); ok {
				if err := inv.link(g, inv.Group(s)); err != nil {
					return &diag.Problem{Pos: pos, Msg: err.Error()}
				}
			}
		}
	}
	return nil
}
