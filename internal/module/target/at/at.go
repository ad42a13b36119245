// Package at is the module for commands that run once, later.
package at

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module adds and removes jobs of at.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.posix.at",
		Summary: "Lets commands run once, later.",
		Params: []module.Param{
			{Name: "command", Doc: "The command."},
			{Name: "script_file", Doc: "File on the target that holds commands."},
			{Name: "count", Type: module.Int, Doc: "How many units from now."},
			{Name: "units", Choices: []any{"minutes", "hours", "days", "weeks"}, Doc: "Units of the time."},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether the job shall be there."},
			{Name: "unique", Type: module.Bool, Default: false, Doc: "Add it only if there is none like it."},
		},
		Rules: module.Rules{MutuallyExclusive: [][]string{{"command", "script_file"}}, RequiredOneOf: [][]string{{"command", "script_file"}}},
		Hints: []parallel.Hint{parallel.Host("at")},
		Check: module.None, Diff: module.None,
	},
	Run: run,
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	if env.Check {
		return module.NoCheckMode("ansible.posix.at")
	}
	if _, err := tool.Require(env, "at"); err != nil {
		return module.Fail("%s", err)
	}
	present := args.String("state") == "present"
	if present && (args.Int("count") == 0 || !args.Has("units")) {
		return module.Fail("present state requires count and units")
	}
	script := args.String("script_file")
	if args.Has("command") {
		dir, err := env.TempDir()
		if err != nil {
			return module.Fail("%s", err)
		}
		script = filepath.Join(dir, "at")
		if err := os.WriteFile(script, []byte(args.String("command")+"\n"), 0o600); err != nil {
			return module.Fail("%s", err)
		}
	}
	r := module.OK().Set("state", args.String("state"))
	if !present || args.Bool("unique") {
		jobs, failed := alike(ctx, env, script)
		if failed != nil {
			return failed
		}
		if present && len(jobs) > 0 {
			return r
		}
		for _, job := range jobs {
			if present {
				break
			}
			if _, failed := tool.Checked(ctx, env, "at", "-r", job); failed != nil {
				return failed
			}
			r.Changed = true
		}
	}
	if !present {
		return r
	}
	if _, failed := tool.Checked(ctx, env, "at", "-f", script, "now", "+", strconv.Itoa(args.Int("count")), args.String("units")); failed != nil {
		return failed
	}
	r.Changed = true
	return r.Set("script_file", script).Set("count", args.Int("count")).Set("units", args.String("units"))
}

// alike are the jobs that hold the script.
func alike(ctx context.Context, env *module.Env, script string) ([]string, *module.Result) {
	data, err := os.ReadFile(script)
	if err != nil {
		return nil, module.Fail("%s", err)
	}
	out, failed := tool.Checked(ctx, env, "atq")
	if failed != nil {
		return nil, failed
	}
	var jobs []string
	for line := range strings.Lines(out.Stdout) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		job, failed := tool.Checked(ctx, env, "at", "-c", words[0])
		if failed != nil {
			return nil, failed
		}
		if strings.Contains(job.Stdout, strings.TrimSpace(string(data))) {
			jobs = append(jobs, words[0])
		}
	}
	return jobs, nil
}
