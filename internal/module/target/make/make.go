// Package make is the module that runs targets of a Makefile.
package make

import (
	"context"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module makes a target unless it is up to date.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.make",
		Summary: "Runs targets of a Makefile.",
		Params: []module.Param{
			{Name: "chdir", Type: module.Path, Required: true, Doc: "Directory to run in."},
			{Name: "target", Doc: "The target; the first one of the file without it."},
			{Name: "params", Type: module.Dict, Doc: "Variables to set."},
			{Name: "file", Type: module.Path, Doc: "The Makefile."},
			{Name: "make", Type: module.Path, Doc: "The make program."},
			{Name: "jobs", Type: module.Int, Doc: "How many commands may run at the same time."},
		},
		Hints: []parallel.Hint{parallel.Host("")}, // it may do anything, as command
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{{Name: "command", When: "success", Doc: "The command."}},
	},
	Run: run,
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	program := args.String("make")
	if program == "" {
		if program = tool.Find(env, "gmake", "make"); program == "" {
			_, err := tool.Require(env, "make")
			return module.Fail("%s", err)
		}
	}
	argv := []string{program}
	if args.Has("jobs") {
		argv = append(argv, "-j", strconv.Itoa(args.Int("jobs")))
	}
	if args.Has("file") {
		argv = append(argv, "-f", args.String("file"))
	}
	if args.Has("target") {
		argv = append(argv, args.String("target"))
	}
	for k, v := range args.Dict("params").Strings() {
		argv = append(argv, k+"="+value.Str(v))
	}
	cmd := tool.Cmd{Argv: append(argv[:len(argv):len(argv)], "-q"), Dir: args.String("chdir")}
	out, err := cmd.Run(ctx, env)
	if err != nil {
		return cmd.Refused(env, err)
	}
	r := module.OK()
	if r.Changed = out.RC != 0; r.Changed && !env.Check {
		var failed *module.Result
		cmd.Argv = argv
		if out, failed = cmd.Checked(ctx, env); failed != nil {
			return failed
		}
	}
	words := make([]string, len(argv))
	for i, w := range argv {
		words[i] = files.Quote(w)
	}
	for _, name := range []string{"target", "params", "chdir", "file", "jobs"} {
		r.Set(name, args.Any(name))
	}
	return r.Set("command", strings.Join(words, " ")).SetOutput(strings.TrimRight(out.Stdout, "\r\n"), strings.TrimRight(out.Stderr, "\r\n"))
}
