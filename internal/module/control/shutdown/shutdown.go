// Package shutdown is the module that switches a machine off.
package shutdown

import (
	"context"
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/backend"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module switches the machine off.
var Module = module.Control{
	Spec: module.Spec{
		Name: "community.general.shutdown", Action: true,
		Summary: "Switches the machine off.",
		Params: []module.Param{
			{Name: "delay", Type: module.Int, Default: 0, Doc: "Seconds before the machine goes off; on Linux whole minutes count."},
			{Name: "msg", Default: "Shut down initiated by Ansible", Doc: "What users of the machine are told."},
			{Name: "search_paths", Type: module.List, Elements: module.Str, Default: []any{"/sbin", "/usr/sbin", "/usr/local/sbin"}, Doc: "Where to look for the shutdown program."},
		},
		Hints: []parallel.Hint{parallel.Host("")}, // nothing else can go on there
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "shutdown", Type: module.Bool, When: "always", Doc: "Whether the machine was told to go off."},
			{Name: "shutdown_command", When: "success", Doc: "The command that was run."},
		},
	},
	Plan: plan,
}

func plan(ctx context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	if c.Var("ansible_connection") == "local" && !c.Check() {
		r := module.Fail("Running shutdown with local connection would shutdown the control node.")
		return &module.Plan{Done: r.Set("elapsed", 0).Set("shutdown", false)}, nil
	}
	line, err := command(ctx, c, args)
	if err != nil {
		return nil, err
	}
	if !c.Check() {
		stdout, stderr, rc, err := c.Raw(ctx, line)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// A machine may go down so fast that the command has no end.
		if err == nil && rc != 0 {
			r := module.Fail("Shutdown command failed. Error was %s, %s", strings.TrimSpace(string(stdout)), strings.TrimSpace(string(stderr)))
			return &module.Plan{Done: r.Set("shutdown", false)}, nil
		}
		// What comes next needs a new connection, if the machine is there again.
		_ = c.Reset(ctx)
	}
	return &module.Plan{Done: &module.Result{Changed: true, Fields: value.MapOf("shutdown", true, "shutdown_command", line)}}, nil
}

// command is what switches the machine off.
func command(ctx context.Context, c module.Controller, args module.Args) (string, error) {
	distribution, err := backend.Detect(ctx, c, "distribution")
	if err != nil {
		return "", err
	}
	minutes, msg := max(0, args.Int("delay"))/60, quoted(args.String("msg"))
	program, rest := "shutdown", fmt.Sprintf("-h %d %s", minutes, msg)
	switch strings.ToLower(distribution) {
	case "alpine":
		program, rest = "poweroff", ""
	case "void":
		rest = fmt.Sprintf("-h +%d %s", minutes, msg)
	}
	full, err := backend.Program(ctx, c, args.Strings("search_paths"), program)
	return full + " " + rest, err
}

// quoted is a text as one word for the shell, in the quotes that Ansible uses if
// they are safe.
func quoted(s string) string {
	if strings.ContainsAny(s, "\"$`\\!") {
		return files.Quote(s)
	}
	return `"` + s + `"`
}
