package cli

import (
	"strings"

	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// tomlInventory is the TOML of --list: every group with its children and hosts,
// each host's variables where it is met first.
func (ses *session) tomlInventory(export bool) *value.Map {
	out := value.NewMap(16)
	seen := map[*inventory.Host]bool{}
	var walk func(g *inventory.Group)
	walk = func(g *inventory.Group) {
		m, hosts := value.NewMap(3), value.NewMap(len(g.Hosts))
		out.Set(g.Name, m)
		var children []any
		for _, c := range g.Children {
			if c.Name == "ungrouped" && len(c.Hosts) == 0 {
				continue
			}
			if g.Name != "all" {
				children = append(children, c.Name)
			}
			walk(c)
		}
		if len(children) > 0 {
			m.Set("children", children)
		}
		for _, h := range g.Hosts {
			vars := value.NewMap(0)
			if !seen[h] && g.Name != "all" {
				seen[h] = true
				if vars = ses.hostVars(h); export {
					vars = shownSource(ses.vars.HostOnlyVars(h, ses.playbookDir != "")).(*value.Map)
				}
			}
			hosts.Set(h.Name, vars)
		}
		if hosts.Len() > 0 && g.Name != "all" {
			m.Set("hosts", hosts)
		}
		if vars := ses.groupVars(g); export && vars.Len() > 0 {
			m.Set("vars", vars)
		}
		if m.Len() == 0 {
			out.Delete(g.Name)
		}
	}
	walk(ses.inventory.LookupGroup("all"))
	return out
}

// toTOML writes a dict, its tables level by level, as Ansible's library does.
func toTOML(m *value.Map) string {
	type table struct {
		name string
		m    *value.Map
	}
	var b strings.Builder
	level := []table{{"", m}}
	for len(level) > 0 {
		var next []table
		for _, t := range level {
			own := ""
			below := false
			for k, v := range t.m.All() {
				key := tomlKey(template.Str(k))
				if sub, ok := v.(*value.Map); ok {
					below = true
					next = append(next, table{strings.TrimPrefix(t.name+"."+key, "."), sub})
				} else if v != nil {
					own += key + " = " + tomlValue(v) + "\n"
				}
			}
			if t.name != "" && (own != "" || !below) {
				b.WriteString("[" + t.name + "]\n")
			}
			if t.name != "" && !below || own != "" {
				b.WriteString(own + "\n")
			}
		}
		level = next
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

var bareKey = lazyregexp.New(`^[A-Za-z0-9_-]+$`)

func tomlKey(k string) string {
	if bareKey.MatchString(k) {
		return k
	}
	return tomlValue(k)
}

func tomlValue(v any) string {
	switch v := v.(type) {
	case []any:
		var b strings.Builder
		for _, e := range v {
			if e != nil {
				b.WriteString(" " + tomlValue(e) + ",")
			}
		}
		return "[" + b.String() + "]"
	case *value.Map:
		var parts []string
		for k, e := range v.All() {
			if e != nil {
				parts = append(parts, tomlKey(template.Str(k))+" = "+tomlValue(e))
			}
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case int, bool, float64:
		return string(value.ToJSON(v))
	}
	return string(value.ToJSON(template.Str(v)))
}
