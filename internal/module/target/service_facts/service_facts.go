// Package servicefacts is the module that tells which services a machine has.
package servicefacts

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module collects services as facts.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.service_facts",
		Summary: "Tells which services the machine has, and what they are doing, as facts.",
		Hints:   []parallel.Hint{parallel.Free()},
		Check:   module.Full, Diff: module.None,
		Returns: []module.Return{{Name: "ansible_facts", Type: module.Dict, When: "always", Doc: "services, a dict of name, state, status and source by name."}},
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx   context.Context
	env   *module.Env
	r     *module.Result
	found *value.Map
}

func run(ctx context.Context, env *module.Env, _ module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, r: module.OK(), found: value.NewMap(64)}
	has := func(name string) bool { return tool.Find(env, name) != "" }
	switch {
	case has("chkconfig"):
		t.chkconfig()
	case has("rc-status") && has("rc-update"):
		t.openrc()
	case has("service"):
		t.scripts()
	}
	if has("initctl") && !has("chkconfig") {
		t.upstart()
	}
	if booted() && has("systemctl") {
		t.systemd()
	}
	if t.found.Len() == 0 {
		t.r.Skipped = true
		t.r.Msg = "Failed to find any services. This can be due to privileges or some other configuration issue."
		return t.r
	}
	t.r.Facts = value.MapOf("services", t.found)
	return t.r
}

// booted tells whether the machine's first process is systemd.
func booted() bool {
	comm, err := os.ReadFile("/proc/1/comm")
	return err == nil && strings.Contains(string(comm), "systemd")
}

// output runs a program; one that fails leaves a warning.
func (t *task) output(complaint string, argv ...string) string {
	out, err := tool.Run(t.ctx, t.env, argv...)
	if err != nil {
		t.r.Warnings = append(t.r.Warnings, complaint+": "+err.Error())
	} else if out.RC != 0 {
		t.r.Warnings = append(t.r.Warnings, complaint+": "+out.Stderr)
	}
	return out.Stdout
}

func (t *task) add(name string, kv ...any) {
	t.found.Set(name, value.MapOf(append([]any{"name", name}, kv...)...))
}

var script = lazyregexp.New(`(?m)^\s*\[ ([+-]) \]\s+(.+)$`)

// scripts are init scripts, asked through service.
func (t *task) scripts() {
	text := t.output("Unable to query 'service' tool", "service", "--status-all")
	for _, m := range script.FindAllStringSubmatch(text, -1) {
		t.add(m[2], "state", map[string]string{"+": "running", "-": "stopped"}[m[1]], "source", "sysv")
	}
}

var job = lazyregexp.New(`^\s?(.*)\s(\w+)/(\w+)(,\sprocess\s[0-9]+)?\s*$`)

func (t *task) upstart() {
	for line := range strings.Lines(t.output("Unable to query upstart for service data", "initctl", "list")) {
		if m := job.FindStringSubmatch(strings.TrimRight(line, "\r\n")); m != nil {
			t.add(m[1], "state", m[3], "goal", m[2], "source", "upstart")
		}
	}
}

var levels = lazyregexp.New(`^(.*?)\s+0:(?:on|off)\s+1:(?:on|off)\s+2:(?:on|off)\s+3:(on|off)\s`)

// chkconfig lists the init scripts of machines of Red Hat's kind.
func (t *task) chkconfig() {
	out, err := tool.Run(t.ctx, t.env, "chkconfig", "--list")
	if err != nil {
		return
	}
	for line := range strings.Lines(out.Stdout) {
		m := levels.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		state := "stopped"
		if s, err := tool.Run(t.ctx, t.env, "service", m[1], "status"); err == nil && s.RC == 0 {
			state = "running"
		}
		t.add(m[1], "state", state, "status", map[string]string{"on": "enabled", "off": "disabled"}[m[2]], "source", "sysv")
	}
}

func (t *task) openrc() {
	runlevels := map[string]any{}
	for line := range strings.Lines(t.output("Unable to query rc-update", "rc-update", "show", "-v")) {
		if name, list, ok := strings.Cut(line, "|"); ok {
			runlevels[strings.TrimSpace(name)] = nil
			if words := strings.Fields(list); len(words) > 0 {
				runlevels[strings.TrimSpace(name)] = value.FromGo(words)
			}
		}
	}
	plain := strings.NewReplacer("[", "", "]", "")
	for line := range strings.Lines(t.output("Unable to query rc-status", "rc-status", "-a", "-s", "-m")) {
		words := strings.Fields(plain.Replace(line))
		if line[0] == ' ' && len(words) >= 2 {
			t.add(words[0], "runlevels", runlevels[words[0]], "state", words[1], "source", "openrc")
		}
	}
}

// bad are states of a unit that its file says nothing about.
var bad = []string{"not-found", "masked", "failed"}

func (t *task) systemd() {
	list := func(verb string) string {
		return t.output("Could not list units from systemd", "systemctl", verb, "--no-pager", "--type", "service", "--all")
	}
	for line := range strings.Lines(list("list-units")) {
		words := strings.Fields(line)
		if !strings.Contains(line, ".service") || len(words) < 4 {
			continue
		}
		status := words[2]
		if i := slices.IndexFunc(bad, func(b string) bool { return slices.Contains(words, b) }); i >= 0 {
			status = bad[i]
			if !strings.Contains(words[0], ".service") { // a mark comes first
				words = words[1:]
			}
		}
		if len(words) < 4 {
			continue
		}
		state := "stopped"
		if words[3] == "running" {
			state = "running"
		}
		t.add(words[0], "state", state, "status", status, "source", "systemd")
	}
	t.unitFiles(list("list-unit-files"))
}

// unitFiles adds what unit files say: whether a service is enabled, and the
// services that systemd has not loaded.
func (t *task) unitFiles(text string) {
	var unloaded []string
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || !strings.Contains(line, ".service") {
			continue
		}
		name := words[0]
		if s, ok := t.found.At(name).(*value.Map); ok {
			if known, _ := s.At("status").(string); !slices.Contains(bad, known) {
				s.Set("status", words[1])
			}
			continue
		}
		t.add(name, "state", "unknown", "status", words[1], "source", "systemd")
		if !strings.Contains(name, "@.") { // a template has no state
			unloaded = append(unloaded, name)
		}
	}
	if len(unloaded) == 0 {
		return
	}
	out, err := tool.Run(t.ctx, t.env, append([]string{"systemctl", "show", "--property=ActiveState", "--"}, unloaded...)...)
	states := strings.Fields(out.Stdout)
	if err != nil || len(states) != len(unloaded) {
		return // they stay unknown
	}
	for i, name := range unloaded {
		if s, ok := t.found.At(name).(*value.Map); ok {
			s.Set("state", strings.TrimPrefix(states[i], "ActiveState="))
		}
	}
}
