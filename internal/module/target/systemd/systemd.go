// Package systemd is the module that controls units of systemd.
package systemd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/target/setup"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module controls units of systemd.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.systemd",
		Aliases: []module.Name{"ansible.builtin.systemd_service"},
		Summary: "Controls units of systemd.",
		Params: []module.Param{
			{Name: "name", Aliases: []string{"service", "unit"}, Doc: "The unit; without a suffix a service."},
			{Name: "state", Choices: []any{"reloaded", "restarted", "started", "stopped"}, Doc: "What shall be with it, or be done to it."},
			{Name: "enabled", Type: module.Bool, Doc: "Whether it starts with the machine."},
			{Name: "force", Type: module.Bool, Doc: "Replace links that are in the way."},
			{Name: "masked", Type: module.Bool, Doc: "Whether it must not be started at all."},
			{Name: "daemon_reload", Type: module.Bool, Default: false, Aliases: []string{"daemon-reload"}, Doc: "Let systemd read its files again first."},
			{Name: "daemon_reexec", Type: module.Bool, Default: false, Aliases: []string{"daemon-reexec"}, Doc: "Let systemd start itself anew first."},
			{Name: "scope", Default: "system", Choices: []any{"system", "user", "global"}, Doc: "Whose systemd."},
			{Name: "no_block", Type: module.Bool, Default: false, Doc: "Do not wait until it is done."},
		},
		Rules: module.Rules{
			RequiredOneOf: [][]string{{"state", "enabled", "masked", "daemon_reload", "daemon_reexec"}},
			RequiredBy:    map[string][]string{"state": {"name"}, "enabled": {"name"}, "masked": {"name"}},
		},
		Hints: []parallel.Hint{parallel.Host("systemd")},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "name", When: "always", Doc: "The unit."},
			{Name: "state", When: "state given", Doc: "started or stopped."},
			{Name: "enabled", Type: module.Bool, When: "enabled given", Doc: "Whether it is enabled."},
			{Name: "status", Type: module.Dict, When: "name given", Doc: "What systemctl show says of it."},
		},
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx     context.Context
	env     *module.Env
	args    module.Args
	unit    string
	environ map[string]string
	r       *module.Result
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, unit: args.String("name"), r: module.OK()}
	for _, mark := range []string{"*", "?", "["} {
		if strings.Contains(t.unit, mark) {
			return module.Fail("This module does not currently support using glob patterns, found '%s' in service name: %s", mark, t.unit)
		}
	}
	if _, err := tool.Require(env, "systemctl"); err != nil {
		return module.Fail("%s", err)
	}
	if args.String("scope") == "user" && os.Getenv("XDG_RUNTIME_DIR") == "" {
		t.environ = map[string]string{"XDG_RUNTIME_DIR": fmt.Sprintf("/run/user/%d", os.Geteuid())}
	}
	t.r.Set("name", nil).Set("status", value.NewMap(0))
	if t.unit != "" {
		t.r.Set("name", t.unit)
	}
	if failed := t.do(); failed != nil {
		failed.Warnings = t.r.Warnings
		return failed
	}
	return t.r
}

// systemctl runs systemctl in the scope asked for.
func (t *task) systemctl(words ...string) (tool.Output, error) {
	argv := []string{"systemctl"}
	if scope := t.args.String("scope"); scope != "system" {
		argv = append(argv, "--"+scope)
	}
	if t.args.Bool("no_block") {
		argv = append(argv, "--no-block")
	}
	if t.args.Bool("force") {
		argv = append(argv, "--force")
	}
	return tool.Cmd{Argv: append(argv, words...), Env: t.environ}.Run(t.ctx, t.env)
}

// change runs systemctl unless in check mode, and returns what it said if it
// could not.
func (t *task) change(verb string) (*tool.Output, error) {
	t.r.Changed = true
	if t.env.Check {
		return nil, nil
	}
	out, err := t.systemctl(verb, t.unit)
	if err == nil && out.RC != 0 {
		return &out, nil
	}
	return nil, err
}

func (t *task) do() *module.Result {
	for _, name := range []string{"daemon_reload", "daemon_reexec"} {
		if !t.args.Bool(name) || t.env.Check {
			continue
		}
		verb := strings.ReplaceAll(name, "_", "-")
		out, err := t.systemctl(verb)
		switch {
		case err != nil:
			return module.Fail("%s", err)
		case out.RC != 0:
			return module.Fail("failure %d during %s: %s", out.RC, verb, out.Stderr)
		}
	}
	if t.unit == "" {
		return nil
	}
	script := unix.Access("/etc/init.d/"+t.unit, unix.X_OK) == nil
	status, isUnit, failed := t.show()
	if failed != nil {
		return failed
	}
	if t.r.Set("status", status); script && !isUnit {
		t.r.Warnings = append(t.r.Warnings, "The service ("+t.unit+") is actually an init script but the system is managed by systemd")
	}
	for _, part := range []struct {
		param string
		do    func(found, script bool) *module.Result
	}{{"masked", t.mask}, {"enabled", t.enable}, {"state", t.state}} {
		if !t.args.Has(part.param) {
			continue
		}
		if failed := part.do(isUnit || script, script); failed != nil {
			return failed
		}
	}
	return nil
}

// missing is the failure for a unit that is not there.
func (t *task) missing() *module.Result {
	return module.Fail("Could not find the requested service %s: host", t.unit)
}

func text(status *value.Map, key string) string {
	s, _ := status.At(key).(string)
	return s
}

// show reads the unit's properties, and tells whether there is such a unit.
func (t *task) show() (*value.Map, bool, *module.Result) {
	out, err := t.systemctl("show", t.unit)
	if err != nil {
		return nil, false, module.Fail("%s", err)
	}
	if out.RC != 0 || ignored(out.Stdout) || ignored(out.Stderr) {
		isUnit, failed := t.offline()
		return value.NewMap(0), isUnit, failed
	}
	status := properties(out.Stdout)
	load := text(status, "LoadState")
	isUnit := load != "" && load != "not-found"
	if isUnit && load != "masked" && status.Has("LoadError") {
		return nil, false, module.Fail("Error loading unit file '%s': %s", t.unit, text(status, "LoadError"))
	}
	return status, isUnit, nil
}

// ignored reports whether systemctl did not do what it was asked for, as in a
// chroot.
func ignored(words string) bool {
	return !strings.Contains(words, "=") && (strings.Contains(words, "ignoring request") || strings.Contains(words, "ignoring command"))
}

// offline tells whether there is such a unit where systemd does not run.
func (t *task) offline() (bool, *module.Result) {
	out, err := t.systemctl("is-enabled", t.unit)
	if err != nil {
		return false, module.Fail("%s", err)
	}
	switch strings.TrimSpace(out.Stdout) {
	case "enabled", "enabled-runtime", "linked", "linked-runtime", "masked", "masked-runtime", "static", "indirect", "disabled", "generated", "transient":
		return true, nil
	}
	if out, err = t.systemctl("list-unit-files", t.unit); err != nil {
		return false, module.Fail("%s", err)
	}
	if out.RC == 0 {
		return true, nil
	}
	if out, err = t.systemctl(); err != nil {
		return false, module.Fail("%s", err)
	}
	if out.RC != 0 {
		return false, out.Fail("%s", strings.TrimRight(out.Stderr, "\n"))
	}
	return false, nil
}

// properties reads the output of systemctl show.
func properties(out string) *value.Map {
	status := value.NewMap(64)
	key := "" // of a value in braces that goes on for several lines
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if key != "" {
			status.Set(key, text(status, key)+"\n"+line)
			if strings.HasSuffix(strings.TrimRight(line, " \t"), "}") {
				status.Set(key, strings.TrimSpace(text(status, key)))
				key = ""
			}
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		if v = strings.TrimSpace(v); strings.HasPrefix(k, "Exec") && strings.HasPrefix(v, "{") && !strings.HasSuffix(v, "}") {
			key = k
		}
		status.Set(k, v)
	}
	return status
}

func (t *task) mask(found, _ bool) *module.Result {
	out, err := t.systemctl("is-enabled", t.unit)
	if err != nil {
		return module.Fail("%s", err)
	}
	want := t.args.Bool("masked")
	if (strings.TrimSpace(out.Stdout) == "masked") == want {
		return nil
	}
	verb := map[bool]string{true: "mask", false: "unmask"}[want]
	switch said, err := t.change(verb); {
	case err != nil:
		return module.Fail("%s", err)
	case said != nil && !found:
		return t.missing()
	case said != nil:
		return module.Fail("Unable to %s service %s: %s", verb, t.unit, said.Stderr)
	}
	return nil
}

func (t *task) enable(found, script bool) *module.Result {
	if !found {
		return t.missing()
	}
	out, err := t.systemctl("is-enabled", t.unit, "-l")
	if err != nil {
		return module.Fail("%s", err)
	}
	word := strings.TrimSpace(out.Stdout)
	enabled := out.RC == 0 && word != "indirect" && word != "alias"
	if out.RC == 1 && script && t.args.String("scope") == "system" && !strings.HasSuffix(word, "disabled") {
		enabled = startsByLinks(t.unit)
	}
	want := t.args.Bool("enabled")
	if t.r.Set("enabled", want); enabled == want {
		return nil
	}
	verb := map[bool]string{true: "enable", false: "disable"}[want]
	switch said, err := t.change(verb); {
	case err != nil:
		return module.Fail("%s", err)
	case said != nil:
		return module.Fail("Unable to %s service %s: %s", verb, t.unit, said.Stdout+said.Stderr)
	}
	return nil
}

// startsByLinks tells whether an init script starts with the machine.
func startsByLinks(name string) bool {
	found, err := filepath.Glob("/etc/rc?.d/S??" + name)
	return err == nil && len(found) > 0
}

func (t *task) state(found, _ bool) *module.Result {
	if !found {
		return t.missing()
	}
	status, _ := t.r.Get("status").(*value.Map)
	active, state, verb := text(status, "ActiveState"), t.args.String("state"), ""
	t.r.Set("state", state)
	if active == "" {
		return t.unknown(status)
	}
	running := active == "active" || active == "activating" || active == "reloading"
	switch state {
	case "started":
		if !running {
			verb = "start"
		}
	case "stopped":
		if running || active == "deactivating" {
			verb = "stop"
		}
	default: // restarted, reloaded
		t.r.Set("state", "started")
		switch {
		case !running:
			verb = "start"
		case state == "restarted":
			verb = "restart"
		default:
			verb = "reload"
		}
	}
	if verb == "" {
		return nil
	}
	switch said, err := t.change(verb); {
	case err != nil:
		return module.Fail("%s", err)
	case said != nil:
		return module.Fail("Unable to %s service %s: %s", verb, t.unit, said.Stderr)
	}
	return nil
}

// unknown is what comes of a state where systemd cannot tell it. In a chroot,
// whose services run once it is a machine, there is nothing to do.
func (t *task) unknown(status *value.Map) *module.Result {
	if setup.IsChroot() || os.Getenv("SYSTEMD_OFFLINE") == "1" {
		t.r.Warnings = append(t.r.Warnings, "Target is a chroot or systemd is offline. This can lead to false positives or prevent the init system tools from working.")
		return nil
	}
	return module.Fail("Service is in unknown state").Set("status", status)
}
