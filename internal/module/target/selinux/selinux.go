// Package selinux is the module for the state and the policy of SELinux.
package selinux

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module sets the state of SELinux, now and for the next start.
var Module = at("/sys/fs/selinux")

var spec = module.Spec{
	Name:    "ansible.posix.selinux",
	Summary: "Sets the state and the policy of SELinux.",
	Params: []module.Param{
		{Name: "state", Required: true, Choices: []any{"enforcing", "permissive", "disabled"}, Doc: "The state."},
		{Name: "policy", Doc: "The policy; needed unless disabled."},
		{Name: "configfile", Default: "/etc/selinux/config", Aliases: []string{"conf", "file"}, Doc: "File of its settings."},
		{Name: "update_kernel_param", Type: module.Bool, Default: false, Doc: "Set the kernel's parameter with grubby as well."},
	},
	Hints: []parallel.Hint{parallel.Host("selinux")},
	Check: module.Full, Diff: module.None,
	Returns: []module.Return{
		{Name: "reboot_required", Type: module.Bool, When: "always", Doc: "Whether it takes effect only after a start."},
		{Name: "state", When: "always", Doc: "The state that is set."},
		{Name: "policy", When: "always", Doc: "The policy that is set."},
		{Name: "configfile", When: "always", Doc: "The file."},
	},
}

// task is one run of the module.
type task struct {
	ctx    context.Context
	env    *module.Env
	dir    string // of the kernel
	config string
	r      *module.Result
	msgs   []string
	reboot bool
}

// at is the module for the kernel's files of SELinux in a directory.
func at(dir string) module.Target {
	return module.Target{Spec: spec, Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		t := &task{ctx: ctx, env: env, dir: dir, config: args.String("configfile"), r: module.OK()}
		if fi, err := os.Stat(t.config); err != nil || !fi.Mode().IsRegular() {
			return module.Fail("Unable to find file %s", t.config).Set("details", "Please install SELinux-policy package, if this package is not installed previously.")
		}
		if args.Bool("update_kernel_param") && tool.Find(env, "grubby") == "" {
			return module.Fail("'grubby' command not found on host").Set("details", "What the kernel is told when it starts is set with grubby, which has to be installed.")
		}
		if err := t.run(args.String("state"), args.String("policy"), args.Bool("update_kernel_param")); err != nil {
			return module.Fail("%s", err)
		}
		return t.r.Set("msg", strings.Join(t.msgs, ", ")).Set("configfile", t.config).Set("reboot_required", t.reboot)
	}}
}

// state is what SELinux does now.
func (t *task) state() string {
	data, err := os.ReadFile(filepath.Join(t.dir, "enforce"))
	switch {
	case err != nil:
		return "disabled"
	case strings.HasPrefix(string(data), "1"):
		return "enforcing"
	}
	return "permissive"
}

func (t *task) run(state, policy string, kernel bool) error {
	data, err := os.ReadFile(t.config)
	if err != nil {
		return err
	}
	have := map[string]string{}
	for _, m := range setting.FindAllStringSubmatch(string(data), -1) {
		have[m[1]] = m[2]
	}
	if policy == "" {
		if state != "disabled" {
			return fmt.Errorf("Policy is required if state is not 'disabled'")
		}
		policy = have["SELINUXTYPE"]
	}
	t.r.Set("policy", policy).Set("state", state)
	text := string(data)
	if policy != have["SELINUXTYPE"] {
		if !files.IsDir(filepath.Join(filepath.Dir(t.config), policy)) {
			return fmt.Errorf("Policy %s does not exist in %s/", policy, filepath.Dir(t.config))
		}
		text = set(text, "SELINUXTYPE", policy)
		t.reboot = true // the kernel keeps its policy
		t.say("SELinux policy configuration in '%s' changed from '%s' to '%s'", t.config, have["SELINUXTYPE"], policy)
	}
	if now := t.state(); now != state {
		if err := t.switchTo(state, now); err != nil {
			return err
		}
	}
	if state != have["SELINUX"] {
		text = set(text, "SELINUX", state)
		t.say("Config SELinux state changed from '%s' to '%s'", have["SELINUX"], state)
	}
	if text != string(data) && !t.env.Check {
		if _, err := (files.Replacement{Path: files.RealPath(t.config)}).Write(t.ctx, strings.NewReader(text)); err != nil {
			return err
		}
	}
	if kernel {
		return t.kernel(state != "disabled")
	}
	return nil
}

// say notes a change.
func (t *task) say(format string, args ...any) {
	t.r.Changed = true
	t.msgs = append(t.msgs, fmt.Sprintf(format, args...))
}

// switchTo changes the state as far as that is possible while the machine runs.
func (t *task) switchTo(state, now string) error {
	switch {
	case now == "disabled":
		t.r.Warnings = append(t.r.Warnings, "Reboot is required to set SELinux state to '"+state+"'")
		t.reboot = true
		return nil
	case state == "disabled":
		t.reboot = true
		if now == "permissive" {
			return nil
		}
		t.r.Warnings = append(t.r.Warnings, "SELinux state temporarily changed from '"+now+"' to 'permissive'. State change will take effect next reboot.")
		t.r.Changed = true
	default:
		t.say("SELinux state changed from '%s' to '%s'", now, state)
	}
	if t.env.Check {
		return nil
	}
	v := map[bool]string{true: "1", false: "0"}[state == "enforcing"]
	return os.WriteFile(filepath.Join(t.dir, "enforce"), []byte(v), 0o644)
}

// kernel sets what the kernel is told when it starts.
func (t *task) kernel(on bool) error {
	out, err := tool.Run(t.ctx, t.env, "grubby", "--info=ALL")
	if err != nil {
		return err
	}
	off := strings.Contains(out.Stdout, "selinux=0")
	if off != on {
		return nil
	}
	t.reboot = true
	t.say("Config SELinux kernel parameter changed")
	if t.env.Check {
		return nil
	}
	option := map[bool]string{true: "--remove-args", false: "--args"}[on]
	if _, failed := tool.Checked(t.ctx, t.env, "grubby", "--update-kernel=ALL", option, "selinux=0"); failed != nil {
		return fmt.Errorf("unable to set the kernel's parameter: %s", failed.Msg)
	}
	return nil
}

var setting = lazyregexp.New(`(?m)^(SELINUX|SELINUXTYPE)=[ \t]*(\S*)`)

// set replaces a line of the settings, or adds it.
func set(text, name, v string) string {
	re := regexp.MustCompile(`(?m)^` + name + `=.*$`)
	if re.MatchString(text) {
		return re.ReplaceAllString(text, name+"="+v)
	}
	return text + name + "=" + v + "\n"
}
