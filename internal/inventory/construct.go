package inventory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// Templates evaluates what inventory files compute. An implementation knows
// the template engine; this package does not.
type Templates interface {
	// Expr evaluates an expression.
	Expr(expr string, vars *value.Map) (any, error)
	// Text renders a template.
	Text(text string, vars *value.Map) (string, error)
}

// pluginConfig reads the YAML file that configures an inventory plugin.
func pluginConfig(data []byte, path, plugin string, o Options) (*value.Map, error) {
	n, err := yaml.Parse(data, path, yaml.Options{Vault: o.Vault})
	if err != nil {
		return nil, err
	}
	fail := func(format string, args ...any) error {
		return &diag.Problem{Pos: n.Pos, Msg: fmt.Sprintf(format, args...)}
	}
	m, ok := value.Plain(n.Value()).(*value.Map)
	if !ok {
		return nil, fail("inventory source has invalid structure, it should be a dictionary, got: %s", n.Describe())
	}
	name, _ := m.At("plugin").(string)
	if name == "" {
		return nil, fail("no root 'plugin' key found, '%s' is not a valid YAML inventory plugin config file", path)
	}
	if strings.TrimPrefix(name, "ansible.builtin.") != plugin {
		return nil, fail("Incorrect plugin name in file: %s", name)
	}
	return m, nil
}

// construct makes variables and groups out of the variables of the hosts read
// so far.
func construct(inv *Inventory, data []byte, path string, o Options) error {
	m, err := pluginConfig(data, path, "constructed", o)
	if err != nil {
		return err
	}
	c := &constructor{inv: inv, o: o, strict: truth(m.At("strict")), extra: truth(m.At("use_extra_vars")), files: truth(m.At("use_vars_plugins")), lead: true}
	if v, ok := m.Get("leading_separator"); ok {
		c.lead = truth(v)
	}
	for _, h := range slices.Clone(inv.order) {
		if err := c.host(h, m); err != nil {
			return fmt.Errorf("failed to parse %s: %w", path, err)
		}
	}
	return nil
}

type constructor struct {
	inv    *Inventory
	o      Options
	strict bool
	extra  bool // extra variables count too
	files  bool // so do group_vars and host_vars
	lead   bool // keys without a prefix still begin with the separator
}

func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case int:
		return v != 0
	case string:
		return slices.Contains([]string{"yes", "true", "on", "1", "y", "t"}, strings.ToLower(v))
	}
	return false
}

// vars are a host's variables as known so far.
func (c *constructor) vars(h *Host) *value.Map {
	out := value.NewMap(16)
	if c.files && c.o.Vars != nil {
		out.Update(c.o.Vars(c.inv, h))
	} else {
		for _, g := range h.AllGroups() {
			out.Update(g.Vars)
		}
		out.Update(h.Vars)
	}
	out.Set("inventory_hostname", h.Name)
	short, _, _ := strings.Cut(h.Name, ".")
	out.Set("inventory_hostname_short", short)
	out.Set("group_names", value.FromGo(append([]string{}, h.GroupNames()...)))
	return out
}

func (c *constructor) eval(expr string, vars *value.Map) (any, error) {
	if c.extra && c.o.Extra != nil {
		vars = vars.Clone()
		vars.Update(c.o.Extra)
	}
	return c.o.Templates.Expr(expr, vars)
}

func (c *constructor) host(h *Host, m *value.Map) error {
	if compose, ok := m.At("compose").(*value.Map); ok {
		vars := c.vars(h)
		for name, expr := range compose.Strings() {
			v, err := c.eval(value.Str(expr), vars)
			if err != nil {
				if c.strict {
					return fmt.Errorf("Could not set %s for host %s: %w", name, h.Name, err)
				}
				continue
			}
			set(h.Vars, name, v, c.inv.merge)
		}
	}
	vars := c.vars(h)
	if groups, ok := m.At("groups").(*value.Map); ok {
		for name, expr := range groups.Strings() {
			v, err := c.o.Templates.Text("{% if "+value.Str(expr)+" %}True{% endif %}", vars)
			if err != nil && c.strict {
				return fmt.Errorf("Could not add host %s to group %s: %w", h.Name, name, err)
			}
			if err == nil && v == "True" {
				c.inv.addHost(c.inv.Group(validName(name)), h)
			}
		}
	}
	keyed, _ := m.At("keyed_groups").([]any)
	for _, k := range keyed {
		km, ok := k.(*value.Map)
		if !ok {
			return fmt.Errorf("Invalid keyed group entry, it must be a dictionary: %s", value.Str(k))
		}
		if err := c.keyed(h, km, vars); err != nil {
			return err
		}
	}
	return nil
}

// keyed puts a host into groups named after what it has for a key.
func (c *constructor) keyed(h *Host, m, vars *value.Map) error {
	expr := value.Str(m.At("key"))
	key, err := c.eval(expr, vars)
	if err != nil {
		if c.strict {
			return fmt.Errorf("Could not generate group for host %s from %s entry: %w", h.Name, expr, err)
		}
		return nil
	}
	fallback, hasFallback := m.At("default_value").(string)
	trailing, hasTrailing := m.Get("trailing_separator")
	if hasTrailing && hasFallback {
		return fmt.Errorf("parameters are mutually exclusive for keyed groups: default_value|trailing_separator")
	}
	text := func(name, otherwise string) string {
		if v, ok := m.Get(name); ok && v != nil {
			return value.Str(v)
		}
		return otherwise
	}
	prefix, sep := text("prefix", ""), text("separator", "_")
	or := func(s string) string {
		if s == "" && hasFallback {
			return fallback
		}
		return s
	}
	var names []string
	switch key := key.(type) {
	case string:
		if key != "" || hasFallback {
			names = []string{or(key)}
		}
	case []any:
		for _, e := range key {
			names = append(names, or(value.Str(e)))
		}
	case *value.Map:
		for k, v := range key.All() {
			name := value.Str(k)
			s := or(value.Str(v))
			if s != "" || !hasTrailing || truth(trailing) {
				name += sep + s
			}
			names = append(names, name)
		}
	case nil, bool, int, float64:
		if key == nil || key == false || key == 0 || key == 0.0 {
			break
		}
		return fmt.Errorf("Invalid group name format, expected a string or a list of them or dictionary, got: %s", value.TypeName(key))
	}
	if len(names) == 0 {
		switch key.(type) {
		case []any, *value.Map:
			return nil
		}
		if c.strict {
			return fmt.Errorf("No key or key resulted empty for %s in host %s, invalid entry", expr, h.Name)
		}
		return nil
	}
	parent := text("parent_group", "")
	if parent != "" {
		if parent, err = c.o.Templates.Text(parent, vars); err != nil {
			if c.strict {
				return fmt.Errorf("Could not generate parent group %s for group %s: %w", text("parent_group", ""), value.Str(key), err)
			}
			return nil
		}
	}
	if prefix == "" && !c.lead {
		sep = ""
	}
	for _, name := range names {
		g := c.inv.Group(validName(prefix + sep + name))
		c.inv.addHost(g, h)
		if parent != "" {
			if err := c.inv.link(c.inv.Group(validName(parent)), g); err != nil {
				return err
			}
		}
	}
	return nil
}

// generate makes hosts and groups of all combinations of some values.
func generate(inv *Inventory, data []byte, path string, o Options) error {
	m, err := pluginConfig(data, path, "generator", o)
	if err != nil {
		return err
	}
	layers, _ := m.At("layers").(*value.Map)
	hosts, _ := m.At("hosts").(*value.Map)
	if layers == nil || hosts == nil || !hosts.Has("name") {
		return fmt.Errorf("%s: the generator needs layers, and hosts with a name", path)
	}
	combinations := []*value.Map{value.NewMap(4)}
	for name, v := range layers.Strings() {
		list, ok := v.([]any)
		if !ok {
			return fmt.Errorf("%s: the layer %s must be a list, not %s", path, name, value.TypeName(v))
		}
		if len(list)*len(combinations) > maxRange {
			return fmt.Errorf("%s: the layers make more than %d hosts", path, maxRange)
		}
		var next []*value.Map
		for _, c := range combinations {
			for _, e := range list {
				with := c.Clone()
				with.Set(name, e)
				next = append(next, with)
			}
		}
		combinations = next
	}
	for _, vars := range combinations {
		name, err := o.Templates.Text(value.Str(hosts.At("name")), vars)
		if err != nil {
			return err
		}
		h := inv.Host(name)
		add := func(g *Group) error { inv.addHost(g, h); return nil }
		if err := parents(inv, hosts, name, vars, o, add); err != nil {
			return err
		}
	}
	return nil
}

// parents adds a child to the groups of its entry, and those to theirs.
func parents(inv *Inventory, entry *value.Map, child string, vars *value.Map, o Options, add func(*Group) error) error {
	list, _ := entry.At("parents").([]any)
	for _, e := range list {
		m, ok := e.(*value.Map)
		if !ok || !m.Has("name") {
			return fmt.Errorf("Element %s has a parent with no name element", child)
		}
		name, err := o.Templates.Text(value.Str(m.At("name")), vars)
		if err != nil {
			return err
		}
		g := inv.Group(name)
		if gv, ok := m.At("vars").(*value.Map); ok {
			for k, v := range gv.Strings() {
				text, err := o.Templates.Text(value.Str(v), vars)
				if err != nil {
					return err
				}
				g.setVar(k, text)
			}
		}
		if err := add(g); err != nil {
			return err
		}
		if err := parents(inv, m, name, vars, o, func(p *Group) error { return inv.link(p, g) }); err != nil {
			return err
		}
	}
	return nil
}
