// Package script is the target half of script: it runs a script that the
// controller holds.
package script

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/parallel"
)

// Spec is script's, for both halves.
var Spec = module.Spec{
	Name: "ansible.builtin.script", Action: true, Summary: "Runs a script of the controller on the target.",
	FreeForm: "cmd", AnyParams: true, // others are of no meaning
	Params: []module.Param{
		{Name: "cmd", Doc: "The script and its arguments."},
		{Name: "chdir", Doc: "Directory to run it in."},
		{Name: "creates", Type: module.Path, Doc: "Do not run it if this file is there."},
		{Name: "removes", Type: module.Path, Doc: "Do not run it unless this file is there."},
		{Name: "executable", Doc: "Program that runs the script."},
		{Name: "decrypt", Type: module.Bool, Default: true, Doc: "Decrypt the script if it is a vault."},
		{Name: "_digest", Internal: true, Doc: "Digest of the script."},
		{Name: "_script", Internal: true, Doc: "The script as it stands in cmd."},
		{Name: "_wrong", Internal: true, Doc: "Why there is no script."},
		{Name: "_name", Internal: true, Doc: "File name of the script."},
	},
	// The same as for command: its effect is unknown.
	Hints: []parallel.Hint{parallel.Free()},
	Check: module.Partial, Diff: module.None,
	Returns: []module.Return{
		{Name: "rc", Type: module.Int, When: "always", Doc: "Exit status."},
		{Name: "stdout", When: "always", Doc: "What it wrote."},
		{Name: "stderr", When: "always", Doc: "What it wrote as errors."},
	},
}

// Module is the target half.
var Module = module.Target{Spec: Spec, Run: run}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	if name := args.String("creates"); name != "" && files.Exists(name) {
		return module.Skip(fmt.Sprintf("%s exists, matching creates option", name))
	}
	if name := args.String("removes"); name != "" && !files.Exists(name) {
		return module.Skip(fmt.Sprintf("%s does not exist, matching removes option", name))
	}
	if wrong := args.String("_wrong"); wrong != "" {
		return module.Fail("%s", wrong)
	}
	if env.Check {
		if args.Has("creates") || args.Has("removes") {
			return &module.Result{Changed: true}
		}
		return module.Skip("Check mode is not supported for this task.")
	}
	path, err := place(ctx, env, args)
	if err != nil {
		return module.Fail("cannot put the script into place: %s", err)
	}
	command := strings.ReplaceAll(strings.TrimSpace(args.String("cmd")), args.String("_script"), path)
	if executable := args.String("executable"); executable != "" {
		command = executable + " " + command
	}
	if dir := args.String("chdir"); dir != "" {
		command = "cd " + files.Quote(dir) + " && " + command
	}
	cmd := process.Cmd{Argv: []string{"/bin/sh", "-c", command}, Env: env.Environ}
	out, err := process.Run(ctx, cmd)
	for tries := 0; tries < 10 && err == nil && busy(out, path); tries++ {
		// A process that was being started while the script was written still has
		// it open: the script has not run, and can in a moment.
		time.Sleep(20 * time.Millisecond)
		out, err = process.Run(ctx, cmd)
	}
	if err != nil {
		return module.Fail("cannot run the script: %s", err)
	}
	r := module.OK().Set("rc", out.RC).SetOutput(string(out.Stdout), string(out.Stderr))
	if r.Changed = true; out.RC != 0 {
		r.Failed, r.Msg = true, "non-zero return code"
	}
	return r
}

// busy reports whether the shell could not start the script because somebody has
// it open for writing.
func busy(out process.Output, path string) bool {
	return out.RC == 126 && len(out.Stdout) == 0 && strings.HasSuffix(strings.TrimSpace(string(out.Stderr)), path+": Text file busy")
}

// place writes the script into the call's own directory.
func place(ctx context.Context, env *module.Env, args module.Args) (string, error) {
	dir, err := env.TempDir()
	if err != nil {
		return "", err
	}
	content, err := env.Open(ctx, module.Digest(args.String("_digest")))
	if err != nil {
		return "", err
	}
	defer content.Close()
	path := filepath.Join(dir, filepath.Base(args.String("_name")))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(f, content); err != nil {
		f.Close()
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	process.Settle()
	return path, nil
}
