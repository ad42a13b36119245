package cli

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// inventoryOptions are the flags of tutti inventory.
type inventoryOptions struct {
	options
	list, graph, vars bool
	yaml, toml        bool
	export            bool
	host, output      string
}

func newInventoryCommand(s Streams) *cobra.Command {
	o := &inventoryOptions{}
	cmd := &cobra.Command{
		Use:   "inventory [GROUP]",
		Short: "Show the inventory (as ansible-inventory)",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInventory(cmd.Context(), s, cmd, o, args)
		},
	}
	f := cmd.Flags()
	o.inventoryFlags(f)
	f.BoolVar(&o.list, "list", false, "show all hosts and groups as JSON")
	f.BoolVar(&o.graph, "graph", false, "show groups and hosts as a tree")
	f.BoolVar(&o.vars, "vars", false, "with --graph: show variables too")
	f.BoolVarP(&o.yaml, "yaml", "y", false, "show YAML instead of JSON")
	f.BoolVar(&o.toml, "toml", false, "show TOML instead of JSON")
	f.BoolVar(&o.export, "export", false, "with --list: show variables where they are set, not merged into hosts")
	f.StringVar(&o.host, "host", "", "show the variables of one host")
	f.StringVar(&o.output, "output", "", "write to this file")
	return cmd
}

// runInventory shows the inventory in one of its forms.
func runInventory(ctx context.Context, s Streams, cmd *cobra.Command, o *inventoryOptions, args []string) error {
	chosen := 0
	for _, b := range []bool{o.list, o.graph, o.host != ""} {
		if b {
			chosen++
		}
	}
	if chosen > 1 {
		return optionsError{fmt.Errorf("Conflicting options used, only one of --host, --graph or --list can be used at the same time.")}
	}
	if chosen == 0 {
		return optionsError{fmt.Errorf("No action selected, at least one of --host, --graph or --list needs to be specified.")}
	}
	c, err := config.Load(os.Getenv)
	if err != nil {
		return optionsError{err}
	}
	defer c.Close()
	o.complete(cmd, c)
	o.export = o.export || c.Bool("INVENTORY_EXPORT")
	dir := o.playbookDir
	if dir == "" {
		dir = "."
	}
	ses, err := open(ctx, s, &o.options, c, dir)
	if err != nil {
		return err
	}
	if err := ses.checkLimit(); err != nil {
		return err
	}
	var out string
	switch {
	case o.host != "":
		h := ses.inventory.LookupHost(o.host)
		if h == nil {
			if err := ses.mismatch([]string{o.host}); err != nil {
				return err
			}
			return optionsError{fmt.Errorf("You must pass a single valid host to --host parameter")}
		}
		vars := ses.hostVars(h)
		if o.export {
			vars = shownSource(ses.vars.HostOnlyVars(h, ses.playbookDir != "")).(*value.Map)
		}
		out, err = ses.format(o, vars)
	case o.graph:
		group := "all"
		if len(args) == 1 {
			group = args[0]
		}
		g := ses.inventory.LookupGroup(group)
		if g == nil {
			return optionsError{fmt.Errorf("Pattern must be valid group name when using --graph")}
		}
		out = strings.Join(ses.graph(g, 0, o.vars), "\n") + "\n"
	default:
		switch {
		case o.toml:
			out, err = ses.format(o, ses.tomlInventory(o.export))
		case o.yaml:
			out, err = ses.format(o, ses.treeInventory(o.export))
		default:
			out, err = ses.format(o, ses.listInventory(o.export))
		}
	}
	if err != nil {
		return err
	}
	if o.output != "" {
		return os.WriteFile(o.output, []byte(out), 0o600)
	}
	fmt.Fprint(s.Out, out)
	return ses.vars.Err()
}

func (ses *session) format(o *inventoryOptions, v any) (string, error) {
	switch {
	case o.toml:
		m, _ := v.(*value.Map)
		return toTOML(m), nil
	case o.yaml:
		c := &template.Context{Vars: template.MapScope{"v": v}}
		return ses.engine.ResolveString(c, value.Text("{{ v | to_yaml(default_flow_style=False) }}", diagNowhere))
	}
	return string(value.JSON{Indent: 4, SortKeys: true}.Append(nil, v)) + "\n", nil
}

// hostVars are the variables that the inventory, its files and the command line
// give a host.
func (ses *session) hostVars(h *inventory.Host) *value.Map {
	out := value.NewMap(16)
	for k, v := range ses.vars.InventoryVars(h).All() {
		out.Set(k, shownSource(v))
	}
	for k, v := range ses.extra.All() {
		out.Set(k, shownSource(v))
	}
	return out
}

// shownSource is a variable as written: templates are not evaluated.
func shownSource(v any) any { return value.Plain(v) }

func (ses *session) graph(g *inventory.Group, depth int, vars bool) []string {
	name := func(text string, depth int) string {
		if depth == 0 {
			return text
		}
		return strings.Repeat("  |", depth) + "--" + text
	}
	lines := []string{name("@"+g.Name+":", depth)}
	for _, c := range g.Children {
		lines = append(lines, ses.graph(c, depth+1, vars)...)
	}
	if g.Name != "all" {
		for _, h := range g.Hosts {
			lines = append(lines, name(h.Name, depth+1))
			if vars {
				lines = append(lines, varLines(ses.hostVars(h), depth+2)...)
			}
		}
	}
	if vars {
		lines = append(lines, varLines(ses.groupVars(g), depth+1)...)
	}
	return lines
}

func varLines(m *value.Map, depth int) []string {
	var out []string
	for k, v := range m.Strings() {
		out = append(out, strings.Repeat("  |", depth)+"--{"+k+" = "+template.Str(value.Plain(v))+"}")
	}
	sort.Strings(out)
	return out
}

// groupVars are the variables set for a group, its priority among them.
func (ses *session) groupVars(g *inventory.Group) *value.Map {
	m := shownSource(ses.vars.GroupVars(g, ses.playbookDir != "")).(*value.Map)
	if g.Priority != 1 {
		m.Set("ansible_group_priority", g.Priority)
	}
	return m
}

// treeInventory is the YAML of --list: groups inside of groups, each host's
// variables where it is met first.
func (ses *session) treeInventory(export bool) *value.Map {
	seen := map[*inventory.Host]bool{}
	var walk func(g *inventory.Group) *value.Map
	walk = func(g *inventory.Group) *value.Map {
		out, children, hosts := value.NewMap(3), value.NewMap(len(g.Children)), value.NewMap(len(g.Hosts))
		for _, c := range g.Children {
			children.Set(c.Name, walk(c))
		}
		if g.Name != "all" {
			for _, h := range g.Hosts {
				vars := value.NewMap(0)
				if !seen[h] {
					seen[h] = true
					if vars = ses.hostVars(h); export {
						vars = shownSource(ses.vars.HostOnlyVars(h, ses.playbookDir != "")).(*value.Map)
					}
				}
				hosts.Set(h.Name, vars)
			}
		}
		set := func(name string, m *value.Map) {
			if m.Len() > 0 {
				out.Set(name, m)
			}
		}
		set("children", children)
		set("hosts", hosts)
		if export {
			set("vars", ses.groupVars(g))
		}
		return out
	}
	return value.MapOf("all", walk(ses.inventory.LookupGroup("all")))
}

// listInventory is the JSON of --list: groups, and the variables of hosts
// under _meta, or where they are set with --export.
func (ses *session) listInventory(export bool) *value.Map {
	out := value.NewMap(16)
	seen := map[*inventory.Group]bool{}
	var limited map[string]bool
	if len(ses.subset) > 0 {
		hosts, _, _ := ses.inventory.MatchParts(ses.subset) // checked before
		limited = map[string]bool{}
		for _, h := range hosts {
			limited[h.Name] = true
		}
	}
	var walk func(g *inventory.Group)
	walk = func(g *inventory.Group) {
		if seen[g] {
			return
		}
		seen[g] = true
		m := value.NewMap(3)
		var hosts []any
		if g.Name != "all" {
			for _, h := range g.Hosts {
				if limited == nil || limited[h.Name] {
					hosts = append(hosts, h.Name)
				}
			}
		}
		if len(hosts) > 0 {
			m.Set("hosts", hosts)
		}
		var children []any
		for _, c := range g.Children {
			children = append(children, c.Name)
		}
		for _, c := range g.Children {
			walk(c)
		}
		if len(children) > 0 {
			m.Set("children", children)
		}
		if export {
			if vars := ses.groupVars(g); vars.Len() > 0 {
				m.Set("vars", vars)
			}
		}
		if m.Len() > 0 || g.Name == "all" {
			out.Set(g.Name, m)
		}
	}
	walk(ses.inventory.LookupGroup("all"))
	hostvars := value.NewMap(16)
	for _, h := range ses.inventory.Hosts() {
		if limited != nil && !limited[h.Name] {
			continue
		}
		v := ses.hostVars(h)
		if export {
			v = shownSource(ses.vars.HostOnlyVars(h, ses.playbookDir != "")).(*value.Map)
		}
		if v.Len() > 0 {
			hostvars.Set(h.Name, v)
		}
	}
	out.Set("_meta", value.MapOf("hostvars", hostvars))
	return out
}
