// Package groupby is the module that puts hosts into groups named by a value.
package groupby

import (
	"context"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module puts the host into a group for the rest of the run.
var Module = module.Control{
	Spec: module.Spec{
		Lacking: "the 'key' param is required when using group_by",
		Name:    "ansible.builtin.group_by", Action: true,
		Summary: "Puts the host into a group for the rest of the run.",
		Params: []module.Param{
			{Name: "key", Required: true, Doc: "Name of the group; blanks become dashes."},
			{Name: "parents", Type: module.List, Elements: module.Str, Default: []any{"all"}, Doc: "Groups that the group belongs to."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
	},
	Plan: plan,
}

func plan(_ context.Context, _ module.Controller, args module.Args) (*module.Plan, error) {
	dashes := func(s string) string { return strings.ReplaceAll(s, " ", "-") }
	parents := args.Strings("parents")
	names := make([]string, len(parents))
	for i, p := range parents {
		names[i] = dashes(p)
	}
	group := dashes(args.String("key"))
	r := module.OK().Set("add_group", group).Set("parent_groups", value.FromGo(names))
	r.Effects = []module.Effect{module.AddGroup{Group: group, Parents: names}}
	return &module.Plan{Done: r}, nil
}
