// Package addhost is the module that adds a host to the inventory in memory.
package addhost

import (
	"context"
	"errors"
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
		Name: "ansible.builtin.add_host", Action: true,
		Summary:     "Adds a host, and its groups, to the inventory for the rest of the run.",
		OncePerPlay: true,
		AnyParams:   true,
		Params: []module.Param{
			{Name: "name", Doc: "Name of the host, with an optional :port; this or one of its other names has to be there."},
			{Name: "hostname", Doc: "The same."},
			{Name: "host", Doc: "The same, which is a variable of the host as well."},
			{Name: "groups", Type: module.Raw, Doc: "Groups to add it to, as a list or comma-separated."},
			{Name: "groupname", Type: module.Raw, Doc: "The same."},
			{Name: "group", Type: module.Raw, Doc: "The same, which is a variable of the host as well."},
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
		if k, _ := k.(string); args.Written(k) && !slices.Contains([]string{"name", "hostname", "groups", "groupname"}, k) {
			vars.Set(k, v)
		}
	}
	name := args.String(first(args, "name", "hostname", "host"))
	if name == "" {
		return nil, errors.New("name, host or hostname needs to be provided")
	}
	if m := withPort.FindStringSubmatch(name); m != nil {
		name = m[1] + m[2]
		port, err := strconv.Atoi(m[3])
		if err != nil {
			return nil, fmt.Errorf("port of %s: %w", name, err)
		}
		vars.Set("ansible_ssh_port", port)
	}
	groups, err := groupNames(args.Any(first(args, "groupname", "groups", "group")))
	if err != nil {
		return nil, err
	}
	r := module.OK().Set("add_host", value.MapOf("host_name", name, "groups", value.FromGo(groups), "host_vars", vars))
	r.Effects = []module.Effect{module.AddHost{Name: name, Groups: groups, Vars: vars}}
	return &module.Plan{Done: r}, nil
}

// first is the first of several names of a parameter that was given.
func first(args module.Args, names ...string) string {
	for _, name := range names {
		if args.Given(name) {
			return name
		}
	}
	return names[0]
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
