// Package sysctl is the module for settings of the kernel.
package sysctl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module keeps a setting in a file of sysctl's and, if asked, sets it now.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.posix.sysctl",
		Summary: "Keeps settings of the kernel in sysctl's file.",
		Params: []module.Param{
			{Name: "name", Required: true, Aliases: []string{"key"}, Doc: "The setting, parted by dots."},
			{Name: "value", Aliases: []string{"val"}, Doc: "Its value."},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}, Doc: "Whether it shall be in the file."},
			{Name: "reload", Type: module.Bool, Default: true, Doc: "Let sysctl read the file after a change."},
			{Name: "sysctl_set", Type: module.Bool, Default: false, Doc: "Set the value now if it is another."},
			{Name: "ignoreerrors", Type: module.Bool, Default: false, Doc: "Do not mind settings that this kernel lacks."},
			{Name: "sysctl_file", Type: module.Path, Default: "/etc/sysctl.conf", Doc: "The file."},
		},
		Rules: module.Rules{RequiredIf: []module.RequiredIf{{Param: "state", Value: "present", Needs: []string{"value"}}}},
		Hints: []parallel.Hint{parallel.Host("sysctl")},
		Check: module.Full, Diff: module.None,
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx         context.Context
	env         *module.Env
	args        module.Args
	path        string
	name, value string
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, path: args.String("sysctl_file"),
		name: strings.TrimSpace(args.String("name")), value: normal(args.String("value"))}
	switch {
	case t.name == "":
		return module.Fail("name cannot be blank")
	case args.String("state") == "present" && t.value == "":
		return module.Fail("value cannot be blank")
	}
	defer files.Lock(t.path)()
	r := module.OK()
	if err := t.run(r); err != nil {
		return module.Fail("%s", err)
	}
	return r
}

// normal turns words for true and false into the kernel's.
func normal(v string) string {
	if b, ok := module.ParseBool(v); ok {
		return map[bool]string{true: "1", false: "0"}[b]
	}
	return strings.TrimSpace(v)
}

func (t *task) run(r *module.Result) error {
	before, err := os.ReadFile(t.path)
	// What is no file has no settings: a folder, or a name below a file.
	if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) && !files.IsDir(t.path) {
		return fmt.Errorf("Failed to open %s: %w", t.path, err)
	}
	present := t.args.String("state") == "present"
	old, after := t.edit(string(before), present)
	write := present && old != t.value || !present && old != ""
	r.Changed = write
	set := false
	if present && (t.args.Bool("sysctl_set") || t.args.Bool("reload")) {
		if !slices.Equal(strings.Fields(t.current()), strings.Fields(t.value)) {
			r.Changed = true
			set = t.args.Bool("sysctl_set")
		}
	}
	if t.env.Check {
		return nil
	}
	if set {
		if err := t.sysctl("setting "+t.name+" failed: ", "-e", "-w", t.name+"="+t.value); err != nil {
			return err
		}
	}
	if write {
		if _, err := (files.Replacement{Path: t.path, Unsafe: true, Linked: true}).Write(t.ctx, strings.NewReader(after)); err != nil {
			return err
		}
	}
	if r.Changed && t.args.Bool("reload") {
		return t.sysctl("Failed to reload sysctl: ", "-e", "-p", t.path)
	}
	return nil
}

// edit returns the value in the file, and the file with the setting as it shall
// be: once, written the way of all the others.
func (t *task) edit(text string, present bool) (old, after string) {
	var b strings.Builder
	seen := map[string]bool{}
	put := func(k, v string) { b.WriteString(k + "=" + v + "\n") }
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		k, v, ok := strings.Cut(line, "=")
		if !ok || line[0] == '#' || line[0] == ';' {
			b.WriteString(line + "\n")
			continue
		}
		k, v = strings.TrimSpace(k), strings.TrimSpace(v)
		if k == t.name {
			old = v // the last one counts
		}
		switch {
		case seen[k]:
		case k != t.name:
			put(k, v)
		case present:
			put(k, t.value)
		}
		seen[k] = true
	}
	if present && !seen[t.name] {
		put(t.name, t.value)
	}
	return old, b.String()
}

// current is the kernel's value; known is false where it has no such setting.
func (t *task) current() string {
	// A dot parts the name, unless slashes do.
	path := t.name
	if i := strings.IndexAny(path, "./"); i >= 0 && path[i] == '.' {
		path = strings.NewReplacer(".", "/", "/", ".").Replace(path)
	}
	data, _ := os.ReadFile("/proc/sys/" + path)
	return string(data)
}

var refused = lazyregexp.New(`(?m)^sysctl: setting key "[^"]+": (Invalid argument|Read-only file system)$`)

// sysctl runs sysctl; its first option, -e, is for ignoreerrors only.
func (t *task) sysctl(failure string, options ...string) error {
	if !t.args.Bool("ignoreerrors") {
		options = options[1:]
	}
	out, err := tool.Run(t.ctx, t.env, append([]string{"sysctl"}, options...)...)
	if err == nil && (out.RC != 0 || refused.MatchString(out.Stderr)) {
		err = errors.New(failure + out.Stdout + out.Stderr)
	}
	return err
}
