package inventory

import (
	"fmt"

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
	if n.IsNull() || n.Kind == yaml.Map && len(n.Pairs) == 0 {
		return &diag.Problem{Pos: n.Pos, Msg: "Parsed empty YAML file"}
	}
	if n.Kind != yaml.Map {
		return &diag.Problem{Pos: n.Pos, Msg: "YAML inventory has invalid structure, it should be a dictionary, got: " + n.Describe()}
	}
	if !n.Get("plugin").IsNull() {
		return &diag.Problem{Pos: n.Get("plugin").Pos, Msg: "Plugin configuration YAML file, not YAML inventory"}
	}
	for _, p := range n.Pairs {
		if _, err := yamlGroup(inv, p, o); err != nil {
			return err
		}
	}
	return nil
}

// yamlGroup reads a group; nil if it is no group and passed over.
func yamlGroup(inv *Inventory, p yaml.Pair, o Options) (*Group, error) {
	name, n := value.Str(p.Key.Value()), p.Value
	if !n.IsNull() && n.Kind != yaml.Map {
		o.Warn(fmt.Sprintf("Skipping '%s' as this is not a valid group definition", name))
		return nil, nil
	}
	switch p.Key.Value().(type) {
	case string, *value.Template:
	default:
		return nil, &diag.Problem{Pos: p.Key.Pos, Msg: fmt.Sprintf("Unable to add group %s: Invalid group name supplied, expected a string but got %s", name, p.Key.Describe()), Hint: "quote it"}
	}
	g := inv.Group(name)
	if n.IsNull() {
		return g, nil
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
				return nil, &diag.Problem{Pos: v.Pos, Msg: fmt.Sprintf("Invalid %q entry for %q group, requires a dictionary, found %s instead.", key, name, v.Describe())}
			}
			o.Warn(fmt.Sprintf("Skipping key (%s) in group (%s) as it is not a mapping, it is %s", key, name, v.Describe()))
			continue
		}
		switch key {
		default:
			o.Warn(fmt.Sprintf("Skipping unexpected key (%s) in group (%s), only \"vars\", \"children\" and \"hosts\" are valid", key, name))
		case "vars":
			for _, e := range v.Pairs {
				k, _ := e.Key.Text()
				g.setVar(k, e.Value.Value())
			}
		case "children":
			for _, e := range v.Pairs {
				child, err := yamlGroup(inv, e, o)
				if err != nil {
					return nil, err
				}
				if child == nil {
					return nil, &diag.Problem{Pos: e.Key.Pos, Msg: value.Str(e.Key.Value()) + " is not a known host nor group"}
				}
				if err := inv.link(g, child); err != nil {
					return nil, &diag.Problem{Pos: e.Key.Pos, Msg: err.Error()}
				}
			}
		case "hosts":
			for _, e := range v.Pairs {
				if err := yamlHost(inv, g, e); err != nil {
					return nil, err
				}
			}
		}
	}
	return g, nil
}

func yamlHost(inv *Inventory, g *Group, e yaml.Pair) error {
	text := value.Str(e.Key.Value())
	switch e.Key.Value().(type) {
	case string, *value.Template:
	default:
		return &diag.Problem{Pos: e.Key.Pos, Msg: "Host pattern " + text + " must be a string. Enclose integers/floats in quotation marks."}
	}
	names, port, err := expandHost(text)
	if err != nil {
		return &diag.Problem{Pos: e.Key.Pos, Msg: err.Error()}
	}
	if !e.Value.IsNull() && e.Value.Kind != yaml.Map {
		return &diag.Problem{Pos: e.Value.Pos, Msg: fmt.Sprintf("the variables of host %s must be a dictionary, got %s", text, e.Value.Describe())}
	}
	for _, name := range names {
		h := inv.hostAt(name, port)
		inv.addHost(g, h)
		if m, ok := e.Value.Value().(*value.Map); ok {
			inv.update(h, m)
		}
	}
	return nil
}
