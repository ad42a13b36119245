// Package command is the modules command and shell, which differ only in who
// reads the command line: nobody, or a shell.
package command

import (
	"context"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/parallel"
)

func params(own ...module.Param) []module.Param {
	return append(own, []module.Param{
		{Name: "cmd", Doc: "The command line."},
		{Name: "chdir", Type: module.Path, Doc: "Directory to run it in."},
		{Name: "creates", Type: module.Path, Doc: "Do not run it if this file, or one that matches this pattern, is there."},
		{Name: "removes", Type: module.Path, Doc: "Do not run it unless this file, or one that matches this pattern, is there."},
		{Name: "stdin", Doc: "What the command reads."},
		{Name: "stdin_add_newline", Type: module.Bool, Default: true, Doc: "End stdin with a newline."},
		{Name: "strip_empty_ends", Type: module.Bool, Default: true, Doc: "Leave newlines at the end of the output out of the result."},
	}...)
}

// Unknown commands have unknown effects. They are free here all the same, since
// a host does one thing at a time unless the user asks for more; the operator's
// policy says which commands must be alone.
var hints = []parallel.Hint{parallel.Free()}

var returns = []module.Return{
	{Name: "cmd", Type: module.Raw, When: "always", Doc: "The command."},
	{Name: "rc", Type: module.Int, When: "always", Doc: "Its exit status."},
	{Name: "stdout", When: "always", Doc: "What it wrote."},
	{Name: "stderr", When: "always", Doc: "What it wrote as errors."},
	{Name: "start", When: "always", Doc: "When it began."},
	{Name: "end", When: "always", Doc: "When it ended."},
	{Name: "delta", When: "always", Doc: "How long it took."},
	{Name: "msg", When: "always", Doc: "Why it did not run, if so."},
}

// Command runs a program without a shell.
var Command = module.Target{
	Spec: module.Spec{
		Name: "ansible.builtin.command", Called: "ansible.legacy.command", Summary: "Runs a command without a shell.",
		FreeForm: "cmd",
		Params: params(
			module.Param{Name: "argv", Type: module.List, Elements: module.Str, Doc: "The command as a list of words."},
			module.Param{Name: "executable", Doc: "Without meaning here; see shell."},
			module.Param{Name: "_uses_shell", Type: module.Bool, Default: false, Internal: true, Doc: "Let a shell read the command."},
		),
		Hints: hints, Check: module.Partial, Diff: module.None, Returns: returns,
	},
	Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		return run(ctx, env, args, args.Bool("_uses_shell"))
	},
}

// Shell lets a shell run a command line.
var Shell = module.Target{
	Spec: module.Spec{
		Name: "ansible.builtin.shell", Called: "ansible.legacy.command", Summary: "Runs a command line through a shell.",
		FreeForm: "cmd",
		Params: params(module.Param{Name: "argv", Type: module.List, Elements: module.Str, Doc: "The command as a list of words, which are quoted for the shell."},
			module.Param{Name: "executable", Type: module.Path, Doc: "The shell, by default /bin/sh."}),
		Hints: hints, Check: module.Partial, Diff: module.None, Returns: returns,
	},
	Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		return run(ctx, env, args, true)
	},
}
