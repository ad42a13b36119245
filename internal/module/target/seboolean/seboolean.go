// Package seboolean is the module for SELinux's switches.
package seboolean

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module sets a switch.
var Module = at("/sys/fs/selinux")

var spec = module.Spec{
	Name:    "ansible.posix.seboolean",
	Summary: "Sets switches of SELinux.",
	Params: []module.Param{
		{Name: "name", Required: true, Doc: "The switch."},
		{Name: "state", Type: module.Bool, Required: true, Doc: "On or off."},
		{Name: "persistent", Type: module.Bool, Default: false, Doc: "Also after the next start."},
		{Name: "ignore_selinux_state", Type: module.Bool, Default: false, Doc: "Go on where SELinux is off."},
	},
	Hints: []parallel.Hint{parallel.Host("selinux")},
	Check: module.Full, Diff: module.None,
}

// at is the module for the kernel's files of SELinux in a directory.
func at(dir string) module.Target {
	return module.Target{Spec: spec, Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		name, want := args.String("name"), args.Bool("state")
		if !files.Exists(dir) {
			if args.Bool("ignore_selinux_state") {
				return module.Fail("Failed to get list of boolean names") // nobody else knows them
			}
			return module.Fail("SELinux is disabled on this host.")
		}
		path := filepath.Join(dir, "booleans", filepath.Base(name))
		data, err := os.ReadFile(path)
		if err != nil {
			return module.Fail("SELinux boolean %s does not exist.", name)
		}
		r := module.OK().Set("name", name).Set("persistent", args.Bool("persistent")).Set("state", want)
		same := (len(data) > 0 && data[0] == '1') == want
		if args.Bool("persistent") {
			// The policy's own value is told by semanage alone.
			out, failed := tool.Checked(ctx, env, "semanage", "boolean", "--list", "--noheading")
			if failed != nil {
				return failed
			}
			kept, ok := stored(out.Stdout, name)
			if !ok {
				return module.Fail("SELinux boolean %s does not exist.", name)
			}
			same = same && kept == want
		}
		if r.Changed = !same; same || env.Check {
			return r
		}
		argv := []string{"setsebool"}
		if args.Bool("persistent") {
			argv = append(argv, "-P")
		}
		if _, failed := tool.Checked(ctx, env, append(argv, name+"="+map[bool]string{true: "1", false: "0"}[want])...); failed != nil {
			return failed
		}
		return r
	}}
}

// stored is a switch's value in the policy: semanage writes name (now , stored).
func stored(text, name string) (on, ok bool) {
	for line := range strings.Lines(text) {
		rest, found := strings.CutPrefix(line, name+" ")
		if !found {
			continue
		}
		_, values, _ := strings.Cut(rest, "(")
		_, kept, _ := strings.Cut(values, ",")
		kept, _, _ = strings.Cut(kept, ")")
		return strings.TrimSpace(kept) == "on", true
	}
	return false, false
}
