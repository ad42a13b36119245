// Package setstats is the module that adds to the statistics after the run.
package setstats

import (
	"context"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module adds values to the statistics that are shown after the run.
var Module = module.Control{
	Spec: module.Spec{
		Name: "ansible.builtin.set_stats", Action: true,
		Summary: "Adds values to the statistics that are shown after the run.",
		Params: []module.Param{
			{Name: "data", Type: module.Raw, Doc: "The values, by name."},
			{Name: "per_host", Type: module.Raw, Default: false, Doc: "Keep the values for each host."},
			{Name: "aggregate", Type: module.Raw, Default: true, Doc: "Add to earlier values instead of replacing them."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
	},
	Plan: plan,
}

func plan(_ context.Context, _ module.Controller, args module.Args) (*module.Plan, error) {
	data, ok := args.Any("data").(*value.Map)
	if !args.Written("data") {
		data, ok = value.NewMap(0), true
	}
	if !ok {
		return &module.Plan{Done: module.Fail("The 'data' option needs to be a dictionary/hash")}, nil
	}
	for k := range data.All() {
		if err := module.CheckVarName(value.Str(k)); err != nil {
			return nil, err
		}
	}
	stats := module.SetStats{Data: data, PerHost: module.Truth(args.Any("per_host")), Aggregate: module.Truth(args.Any("aggregate"))}
	r := module.OK().Set("ansible_stats", value.MapOf("data", data, "per_host", stats.PerHost, "aggregate", stats.Aggregate))
	r.Effects = []module.Effect{stats}
	return &module.Plan{Done: r}, nil
}
