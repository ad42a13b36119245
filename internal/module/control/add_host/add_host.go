// Package addhost is the module that adds a host to the inventory in memory.
package addhost

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module adds a host, and the groups it names, for the rest of the run.
var Module = module.Control{
	Spec: module.Spec{
		Lacking:     "name, host or hostname needs to be provided",
		Name:        "ansible.builtin.add_host",
		Summary:     "Adds a host, and its groups, to the inventory for the rest of the run.",
		OncePerPlay: true,
		AnyParams:   true,
		Params: []module.Param{
			{Name: "name", Aliases: []string{"host", "hostname"}, Required: true, Doc: "Name of the host, with an optional :port."},
			{Name: "groups", Type: module.Raw, Aliases: []string{"group", "groupname"}, Doc: "Groups to add it to, as a list or comma-separated."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
	},
	Plan: plan,
}

var withPort = lazyregexp.New(`^(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]]+)):([0-9]+)$`)

func plan(_ context.Context, _ module.Controller, args module.Args) (*module.Plan, error) {
	vars := value.NewMap(args.Map().Len())
	for k, v := range args.Map().All() {
		if k != "name" && k != "groups" {
			vars.Set(k, v)
		}
	}
	name := args.String("name")
	if m := withPort.FindStringSubmatch(name); m != nil {
		name = m[1] + m[2]
		port, err := strconv.Atoi(m[3])
		if err != nil {
			return nil, fmt.Errorf("port of %s: %w", args.String("name"), err)
		}
		vars.Set("ansible_ssh_port", port)
	}
	groups, err := groupNames(args.Any("groups"))
	if err != nil {
		return nil, err
	}
	r := module.OK().Set("add_host", value.MapOf("host_name", name, "groups", value.FromGo(groups), "host_vars", vars))
	r.Effects = []module.Effect{module.AddHost{Name: name, Groups: groups, Vars: vars}}
	return &module.Plan{Done: r}, nil
}

func groupNames(v any) ([]string, error) {
	var names []string
	add := func(name string) {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch v := v.(type) {
	case nil:
	case string:
		for name := range strings.SplitSeq(v, ",") {
			add(name)
		}
	case []any:
		for _, e := range v {
			add(value.Str(e))
		}
	default:
		return nil, fmt.Errorf("Groups must be specified as a list.")
	}
	return names, nil
}
