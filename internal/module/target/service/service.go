// Package service is the target half of service for machines without systemd:
// init scripts, and OpenRC. Where systemd runs, the control half calls the
// module systemd instead.
package service

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module starts, stops and enables services.
var Module = module.Target{Spec: Spec, Run: run}

// Spec is service's, for both halves.
var Spec = module.Spec{
	Name:    "ansible.builtin.service",
	Summary: "Starts, stops and enables services.",
	Params: []module.Param{
		{Name: "name", Required: true, Doc: "The service."},
		{Name: "state", Choices: []any{"started", "stopped", "reloaded", "restarted"}, Doc: "What shall be with it, or be done to it."},
		{Name: "enabled", Type: module.Bool, Doc: "Whether it starts with the machine."},
		{Name: "sleep", Type: module.Int, Doc: "Seconds between stop and start of a restart, for scripts that do not wait."},
		{Name: "pattern", Doc: "Text in the list of processes that tells that it runs, for scripts that cannot say."},
		{Name: "runlevel", Default: "default", Doc: "Runlevel to enable it in; for OpenRC only."},
		{Name: "arguments", Default: "", Aliases: []string{"args"}, Doc: "More words for the script."},
	},
	Rules: module.Rules{RequiredOneOf: [][]string{{"state", "enabled"}}},
	Hints: []parallel.Hint{parallel.Host("services")},
	Check: module.Full, Diff: module.None,
	Returns: []module.Return{
		{Name: "name", When: "always", Doc: "The service."},
		{Name: "state", When: "state given", Doc: "started or stopped."},
		{Name: "enabled", Type: module.Bool, When: "enabled given", Doc: "What was asked for."},
	},
}

// task is one run of the module.
type task struct {
	ctx    context.Context
	env    *module.Env
	args   module.Args
	name   string
	script string // the init script, "" if there is none
	openrc bool
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, name: args.String("name")}
	if strings.Contains(t.name, "/") {
		return module.Fail("the name of a service holds no slash: %s", t.name)
	}
	if path := "/etc/init.d/" + t.name; files.Exists(path) && !files.IsDir(path) {
		t.script = path
	}
	t.openrc = tool.Find(env, "rc-service") != ""
	if t.script == "" {
		return module.Fail("Could not find the requested service %s: host", t.name)
	}
	r := module.OK().Set("name", t.name)
	if args.Has("enabled") {
		changed, err := t.enable(args.Bool("enabled"))
		if err != nil {
			return module.Fail("%s", err)
		}
		r.Changed = changed
		r.Set("enabled", args.Bool("enabled"))
	}
	if !args.Has("state") {
		return r
	}
	return t.control(r)
}

// control brings the service to the state asked for.
func (t *task) control(r *module.Result) *module.Result {
	running, err := t.running()
	if err != nil {
		return module.Fail("%s", err)
	}
	state, verb := t.args.String("state"), ""
	switch {
	case !running && (state == "started" || state == "reloaded"):
		verb = "start"
	case running && state == "stopped":
		verb = "stop"
	case running && state == "reloaded":
		verb = "reload"
	case state == "restarted":
		verb = "restart"
	}
	if r.Set("state", "started"); state == "stopped" {
		r.Set("state", "stopped")
	}
	if verb == "" {
		return r
	}
	if r.Changed = true; t.env.Check {
		r.Fields = nil
		return r.Set("msg", "service state changed")
	}
	verbs := []string{verb}
	if verb == "restart" && !t.openrc { // not every script has a restart
		verbs = []string{"stop", "start"}
	}
	var stdout, stderr string
	for i, verb := range verbs {
		if i > 0 {
			select {
			case <-t.ctx.Done():
				return module.Fail("%s", t.ctx.Err())
			case <-time.After(time.Duration(t.args.Int("sleep")) * time.Second):
			}
		}
		out, err := t.call(verb)
		if err != nil {
			return module.Fail("%s", err)
		}
		stdout, stderr = stdout+out.Stdout, stderr+out.Stderr
		// A stop may fail since there is nothing to stop; the start decides.
		if out.RC != 0 && i == len(verbs)-1 {
			if stderr == "" {
				stderr = stdout
			}
			return module.Fail("%s", stderr)
		}
	}
	return r
}

// call runs the service's script.
func (t *task) call(verb string) (tool.Output, error) {
	argv := []string{t.script, verb}
	switch {
	case t.openrc:
		argv = []string{"rc-service", t.name, verb}
	case tool.Find(t.env, "service") != "":
		argv = []string{"service", t.name, verb} // gives the script a clean environment
	}
	return tool.Cmd{Argv: append(argv, strings.Fields(t.args.String("arguments"))...), Dir: "/"}.Run(t.ctx, t.env)
}

// running tells whether the service runs: by the script's exit status, or
// where that says nothing, by its words.
func (t *task) running() (bool, error) {
	if pattern := t.args.String("pattern"); pattern != "" {
		return processMatches(pattern), nil
	}
	out, err := t.call("status")
	if err != nil {
		return false, err
	}
	if slices.Contains([]int{1, 2, 3, 4, 69}, out.RC) {
		return false, nil
	}
	text := strings.ReplaceAll(strings.ToLower(out.Stdout), strings.ToLower(t.name), "")
	if strings.Count(text, "\n") <= 1 {
		switch {
		case strings.Contains(text, "stop"), strings.Contains(text, "could not access pid file"), strings.Contains(text, "is dead and pid file exists"),
			strings.Contains(text, "dead but subsys locked"), strings.Contains(text, "dead but pid file exists"):
			return false, nil
		case strings.Contains(text, "run"), strings.Contains(text, "start"):
			return !strings.Contains(text, "not "), nil
		}
	}
	if out.RC == 0 {
		return true, nil
	}
	return false, fmt.Errorf("failed determining service state, possible typo of service name?")
}

// processMatches looks for a text in the command lines of all processes.
func processMatches(pattern string) bool {
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is right
	self := fmt.Sprintf("/proc/%d/cmdline", os.Getpid())
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err == nil && p != self && strings.Contains(strings.ReplaceAll(string(data), "\x00", " "), pattern) {
			return true
		}
	}
	return false
}
