// Package systemd is the module that controls units of systemd.
package systemd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
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
	if _, err := tool.Require(env, "systemctl"); err != nil {
		return module.Fail("%s", err)
	}
	if strings.ContainsAny(t.unit, "*?[") {
		return module.Fail("This module does not currently support using glob patterns, found '%s' in service name: %s",
			string(t.unit[strings.IndexAny(t.unit, "*?[")]), t.unit)
	}
	if args.String("scope") == "user" && os.Getenv("XDG_RUNTIME_DIR") == "" {
		t.environ = map[string]string{"XDG_RUNTIME_DIR": fmt.Sprintf("/run/user/%d", os.Geteuid())}
	}
	t.r.Set("name", nil).Set("status", value.NewMap(0))
	if t.unit != "" {
		t.r.Set("name", t.unit)
	}
	if err := t.do(); err != nil {
		return module.Fail("%s", err)
	}
	return t.r
}

// errOffline is the answer of systemctl where systemd does not run.
var errOffline = errors.New("systemd does not run on this machine (a container or chroot?), so it cannot start, stop or reload anything; " +
	"the service module takes what fits the machine")

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
	out, err := tool.Cmd{Argv: append(argv, words...), Env: t.environ}.Run(t.ctx, t.env)
	if err == nil && strings.Contains(out.Stderr, "System has not been booted with systemd") {
		err = errOffline
	}
	return out, err
}

// change runs systemctl unless in check mode.
func (t *task) change(failure string, words ...string) error {
	t.r.Changed = true
	if t.env.Check {
		return nil
	}
	out, err := t.systemctl(words...)
	if err == nil && out.RC != 0 {
		err = fmt.Errorf("%s: %s", failure, strings.TrimSpace(out.Stderr))
	}
	return err
}

func (t *task) do() error {
	for _, name := range []string{"daemon_reload", "daemon_reexec"} {
		if !t.args.Bool(name) || t.env.Check {
			continue
		}
		verb := strings.ReplaceAll(name, "_", "-")
		out, err := t.systemctl(verb)
		switch {
		case err != nil:
			return err
		case out.RC != 0:
			return fmt.Errorf("failure %d during %s: %s", out.RC, verb, out.Stderr)
		}
	}
	if t.unit == "" {
		return nil
	}
	status, err := t.show()
	if err != nil {
		return err
	}
	t.r.Set("status", status)
	text := func(key string) string { s, _ := status.At(key).(string); return s }
	found := text("LoadState") != "not-found" || files.Exists("/etc/init.d/"+t.unit)
	if !found && !t.env.Check {
		// What has no unit may still be enabled or masked (a template, an alias).
		out, err := t.systemctl("is-enabled", t.unit)
		if err != nil {
			return err
		}
		found = out.RC == 0 || strings.HasPrefix(out.Stdout, "masked")
	}
	if t.args.Has("masked") {
		if err := t.mask(text("LoadState") == "masked", found); err != nil {
			return err
		}
	}
	if t.args.Has("enabled") {
		if err := t.enable(found); err != nil {
			return err
		}
	}
	if t.args.Has("state") {
		return t.state(found, text("ActiveState"))
	}
	return nil
}

// missing is the error for a unit that is not there.
func (t *task) missing(found bool) error {
	if found || t.env.Check {
		return nil
	}
	return fmt.Errorf("Could not find the requested service %s: host", t.unit)
}

// show reads the unit's properties.
func (t *task) show() (*value.Map, error) {
	out, err := t.systemctl("show", t.unit)
	if err != nil {
		return nil, err
	}
	if out.RC != 0 && out.Stdout == "" {
		return nil, fmt.Errorf("Service is in unknown state: systemctl show %s failed: %s", t.unit, strings.TrimSpace(out.Stderr))
	}
	status := value.NewMap(64)
	key := "" // of a value in braces that goes on for several lines
	for line := range strings.Lines(out.Stdout) {
		line = strings.TrimRight(line, "\n")
		if key != "" {
			old, _ := status.At(key).(string)
			status.Set(key, old+"\n"+line)
			if strings.HasSuffix(line, "}") {
				key = ""
			}
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		status.Set(k, v)
		if strings.HasPrefix(k, "Exec") && strings.HasPrefix(v, "{") && !strings.HasSuffix(v, "}") {
			key = k
		}
	}
	return status, nil
}

func (t *task) mask(masked, found bool) error {
	want := t.args.Bool("masked")
	if err := t.missing(found || want); err != nil {
		return err
	}
	if masked == want {
		return nil
	}
	verb := map[bool]string{true: "mask", false: "unmask"}[want]
	return t.change("Unable to "+verb+" service "+t.unit, verb, t.unit)
}

func (t *task) enable(found bool) error {
	if err := t.missing(found); err != nil {
		return err
	}
	out, err := t.systemctl("is-enabled", t.unit)
	if err != nil {
		return err
	}
	word := strings.TrimSpace(out.Stdout)
	// What is static or an alias cannot be enabled: it counts as it is.
	enabled := out.RC == 0 && word != "indirect"
	if out.RC != 0 && word == "" && files.Exists("/etc/init.d/"+t.unit) {
		enabled = startsByLinks(t.unit)
	}
	want := t.args.Bool("enabled")
	t.r.Set("enabled", enabled)
	if enabled == want {
		return nil
	}
	verb := map[bool]string{true: "enable", false: "disable"}[want]
	if err := t.change("Unable to "+verb+" service "+t.unit, verb, t.unit); err != nil {
		return err
	}
	t.r.Set("enabled", want)
	return nil
}

// startsByLinks tells whether an init script starts with the machine.
func startsByLinks(name string) bool {
	found, err := filepath.Glob("/etc/rc?.d/S??" + name)
	return err == nil && len(found) > 0
}

func (t *task) state(found bool, active string) error {
	if err := t.missing(found); err != nil {
		return err
	}
	state, verb := t.args.String("state"), ""
	t.r.Set("state", state)
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
	if active == "" && !t.env.Check {
		return errOffline
	}
	if verb == "" {
		return nil
	}
	return t.change("Unable to "+verb+" service "+t.unit, verb, t.unit)
}
