// Package sysvinit is the module for services of init scripts.
package sysvinit

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module starts, stops and enables services of init scripts.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.sysvinit",
		Summary: "Starts, stops and enables services of init scripts.",
		Params: []module.Param{
			{Name: "name", Required: true, Aliases: []string{"service"}, Doc: "The service."},
			{Name: "state", Choices: []any{"started", "stopped", "restarted", "reloaded"}, Doc: "What shall be with it, or be done to it."},
			{Name: "enabled", Type: module.Bool, Doc: "Whether it starts with the machine."},
			{Name: "sleep", Type: module.Int, Default: 1, Doc: "Seconds between stop and start of a restart."},
			{Name: "pattern", Doc: "Text in the list of processes that tells that it runs, for scripts that cannot say."},
			{Name: "arguments", Aliases: []string{"args"}, Doc: "More words for the script."},
			{Name: "runlevels", Type: module.List, Elements: module.Str, Doc: "Runlevels to enable it in, instead of those that the script names."},
			{Name: "daemonize", Type: module.Bool, Default: false, Doc: "Of no meaning: what a script leaves behind is never waited for."},
		},
		Rules: module.Rules{RequiredOneOf: [][]string{{"state", "enabled"}}},
		Hints: []parallel.Hint{parallel.Host("services")},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{{Name: "status", Type: module.Dict, When: "always", Doc: "For enabled and for the state: whether it changed, and what the program said."}},
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx    context.Context
	env    *module.Env
	args   module.Args
	name   string
	script string
	r      *module.Result
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, name: args.String("name"), r: module.OK()}
	if t.script = t.name; !strings.HasPrefix(t.name, "/") {
		t.script = "/etc/init.d/" + t.name
	}
	if !files.Exists(t.script) {
		return module.Fail("Could not find the requested service %s: ", t.name)
	}
	running, failed := t.running()
	if failed != nil {
		return failed
	}
	status := value.NewMap(2)
	t.r.Set("name", t.name).Set("status", status)
	enabled, failed := t.enable()
	if status.Set("enabled", enabled); failed != nil {
		return failed
	}
	state, failed := t.control(running)
	if failed != nil {
		return failed
	}
	// Ansible files the state under null where none was asked for.
	name := "null"
	if t.args.Has("state") {
		name = t.args.String("state")
	}
	status.Set(name, state)
	return t.r
}

func outcome(changed bool, out *tool.Output) *value.Map {
	m := value.MapOf("changed", changed, "rc", nil, "stdout", nil, "stderr", nil)
	if out != nil {
		m.Set("rc", out.RC)
		m.Set("stdout", out.Stdout)
		m.Set("stderr", out.Stderr)
	}
	return m
}

var (
	saysStopped = lazyregexp.New(`stop|is dead |dead but |could not access pid file|inactive`)
	saysRunning = lazyregexp.New(`run|start|active`)
)

const unsure = "Unable to determine if service is up, assuming it is down"

// running tells whether the service runs: by the script's words, its status, or
// the list of processes.
func (t *task) running() (bool, *module.Result) {
	if pattern := t.args.String("pattern"); pattern != "" {
		found := processMatches(pattern)
		if !found {
			t.r.Warnings = append(t.r.Warnings, unsure)
		}
		return found, nil
	}
	argv := []string{t.script, "status"}
	if tool.Find(t.env, "service") != "" {
		argv = []string{"service", t.name, "status"}
	}
	out, err := tool.Run(t.ctx, t.env, argv...)
	if err != nil {
		return false, module.Fail("%s", err)
	}
	if t.name == "iptables" && strings.Contains(out.Stdout, "ACCEPT") {
		return true, nil
	}
	if strings.Count(out.Stdout, "\n") <= 1 {
		text := strings.ReplaceAll(strings.ToLower(out.Stdout), strings.ToLower(t.name), "")
		switch {
		case saysStopped.MatchString(text):
			return false, nil
		case saysRunning.MatchString(text) && !strings.Contains(text, "not "):
			return true, nil
		}
	}
	switch {
	case slices.Contains([]int{1, 2, 3, 4, 69}, out.RC):
		return false, nil
	case out.RC == 0:
		return true, nil
	case processMatches(t.name):
		t.r.Warnings = append(t.r.Warnings, "Used ps output to match service name and determine it is up, this is very unreliable")
		return true, nil
	}
	t.r.Warnings = append(t.r.Warnings, unsure)
	return false, nil
}

// processMatches looks for a text in the command lines of all processes.
func processMatches(pattern string) bool {
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return false
	}
	self, _ := os.Readlink("/proc/self") // no process has the name ""
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err == nil && filepath.Base(filepath.Dir(p)) != self && strings.Contains(strings.ReplaceAll(string(data), "\x00", " "), pattern) {
			return true
		}
	}
	return false
}

// startsIn tells whether the service starts in a runlevel, ? for any.
func (t *task) startsIn(level string) bool {
	found, err := filepath.Glob("/etc/rc" + level + ".d/S??" + filepath.Base(t.name))
	return err == nil && len(found) > 0
}

func (t *task) enable() (*value.Map, *module.Result) {
	levels := t.args.Strings("runlevels")
	if !t.args.Has("enabled") {
		m := outcome(false, nil)
		if levels != nil {
			m.Set("runlevels", value.FromGo(levels))
		}
		return m, nil
	}
	want := t.args.Bool("enabled")
	change := len(levels) == 0 && t.startsIn("?") != want
	for _, l := range levels {
		change = change || t.startsIn(l) != want
	}
	t.r.Changed = t.r.Changed || change
	var out *tool.Output
	if change && !t.env.Check {
		o, err := tool.Run(t.ctx, t.env, t.enabler(want, levels)...)
		if err != nil {
			return nil, module.Fail("%s", err)
		}
		if strings.Contains(o.Stderr, "illegal runlevel specified") {
			return outcome(true, &o), module.Fail("Illegal runlevel specified for enable operation on service %s", t.name)
		}
		out = &o
	}
	m := outcome(change, out)
	if levels != nil {
		m.Set("runlevels", value.FromGo(levels))
	}
	return m, nil
}

// enabler is the command that enables or disables the service.
func (t *task) enabler(want bool, levels []string) []string {
	if tool.Find(t.env, "update-rc.d") != "" {
		verb := map[bool]string{true: "enable", false: "disable"}[want]
		if want && len(levels) == 0 {
			verb = "defaults"
		}
		return append([]string{"update-rc.d", t.name, verb}, levels...)
	}
	argv := []string{"chkconfig"}
	if len(levels) > 0 {
		argv = append(argv, "--level", strings.Join(levels, ""))
	}
	return append(argv, t.name, map[bool]string{true: "on", false: "off"}[want])
}

func (t *task) control(running bool) (*value.Map, *module.Result) {
	var verbs []string
	switch t.args.String("state") {
	case "restarted":
		verbs = []string{"stop", "start"} // not every script has a restart
	case "reloaded":
		verbs = []string{"reload"}
	case "started":
		if !running {
			verbs = []string{"start"}
		}
	case "stopped":
		if running {
			verbs = []string{"stop"}
		}
	}
	if len(verbs) == 0 {
		return outcome(false, nil), nil
	}
	if t.r.Changed = true; t.env.Check {
		return outcome(true, nil), nil
	}
	var out tool.Output
	for i, verb := range verbs {
		if i > 0 {
			select {
			case <-t.ctx.Done():
				return nil, module.Fail("%s", t.ctx.Err())
			case <-time.After(time.Duration(t.args.Int("sleep")) * time.Second):
			}
		}
		var err error
		out, err = tool.Cmd{Argv: append([]string{t.script, verb}, strings.Fields(t.args.String("arguments"))...), Dir: "/"}.Run(t.ctx, t.env)
		switch {
		case err != nil:
			return nil, module.Fail("%s", err)
		case out.RC != 0:
			action := strings.TrimSuffix(strings.TrimSuffix(t.args.String("state"), "ped"), "ed")
			return nil, out.Fail("Failed to %s service: %s", action, t.name)
		}
	}
	return outcome(true, &out), nil
}
