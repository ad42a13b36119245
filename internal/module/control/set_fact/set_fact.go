// Package setfact is the module that sets variables of a host.
package setfact

import (
	"context"
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module sets variables of the task's host.
var Module = module.Control{
	Spec: module.Spec{
		Name: "ansible.builtin.set_fact", Action: true,
		Summary:   "Sets variables of a host for the rest of the run.",
		SetsVars:  true,
		AnyParams: true,
		Params: []module.Param{
			{Name: "cacheable", Type: module.Bool, Default: false, Doc: "Also keep the variables as facts in the fact cache."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{{Name: "ansible_facts", Type: module.Dict, When: "always", Doc: "The variables that were set."}},
	},
	Plan: plan,
}

func plan(_ context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	facts := value.NewMap(args.Map().Len())
	for k, v := range args.Map().All() {
		name := value.Str(k)
		if name == "cacheable" {
			continue
		}
		if err := module.CheckVarName(name); err != nil {
			return nil, err
		}
		if !c.Native() {
			v = boolWord(v)
		}
		facts.Set(name, v)
	}
	if facts.Len() == 0 {
		return nil, fmt.Errorf("No key/value pairs provided, at least one is required for this action to succeed")
	}
	r := module.OK().Set("ansible_facts", facts)
	r.Effects = []module.Effect{module.SetFacts{Vars: facts, Cacheable: args.Bool("cacheable")}}
	return &module.Plan{Done: r}, nil
}

// boolWord makes a boolean of the four words that templates give for one.
func boolWord(v any) any {
	if s, ok := v.(string); ok {
		switch strings.ToLower(s) {
		case "true", "yes":
			return true
		case "false", "no":
			return false
		}
	}
	return v
}
