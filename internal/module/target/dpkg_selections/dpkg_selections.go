// Package dpkgselections is the module for what dpkg shall do with a package:
// keep it as it is (hold), or what else is selected.
package dpkgselections

import (
	"context"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module sets the selection of a package.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.dpkg_selections",
		Summary: "Sets what dpkg shall do with a package, such as to hold it.",
		Params: []module.Param{
			{Name: "name", Required: true, Doc: "The package."},
			{Name: "selection", Required: true, Choices: []any{"install", "hold", "deinstall", "purge"}, Doc: "What is selected for it."},
		},
		HintDoc: "HostExclusive(dpkg); FullyParallel in check mode",
		HintsFor: func(_ module.Args, check bool) []parallel.Hint {
			if check {
				return []parallel.Hint{parallel.Free()}
			}
			return []parallel.Hint{parallel.Host("dpkg")}
		},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "before", When: "always", Doc: "What was selected."},
			{Name: "after", When: "always", Doc: "What is selected."},
		},
	},
	Run: run,
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	name, want := args.String("name"), args.String("selection")
	out, failed := tool.Checked(ctx, env, "dpkg", "--get-selections", name)
	if failed != nil {
		return failed
	}
	have := "not present"
	if words := strings.Fields(out.Stdout); len(words) > 1 {
		have = words[1]
	}
	r := module.OK().Set("before", have).Set("after", want)
	if r.Changed = have != want; r.Changed && !env.Check {
		if _, failed := (tool.Cmd{Argv: []string{"dpkg", "--set-selections"}, Stdin: name + " " + want + "\n"}).Checked(ctx, env); failed != nil {
			return failed
		}
	}
	return r
}
