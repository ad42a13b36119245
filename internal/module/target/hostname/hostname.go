// Package hostname is the module that names the machine.
package hostname

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/target/setup"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module names the machine, now and after it is started again.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.hostname",
		Summary: "Names the machine.",
		Params: []module.Param{
			{Name: "name", Required: true, Doc: "The name."},
			{Name: "use", Choices: []any{"alpine", "debian", "freebsd", "generic", "macos", "macosx", "darwin", "openbsd", "openrc", "redhat", "sles", "solaris", "systemd"}, Doc: "How the name is kept; by default as the machine does it."},
		},
		Hints: []parallel.Hint{parallel.Host("hostname")},
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{{Name: "name", When: "always", Doc: "The name."}},
	},
	Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		return (&task{ctx: ctx, env: env, root: "/", name: args.String("name"), use: args.String("use")}).run()
	},
}

type task struct {
	ctx  context.Context
	env  *module.Env
	root string
	name string
	use  string
}

type change struct {
	needed bool
	do     func(name string) error
}

func (t *task) run() *module.Result {
	if len(t.name) > 64 { // the kernel's limit
		return module.Fail("name cannot be longer than 64 characters on systemd servers, try a shorter name")
	}
	k, err := t.keeper()
	if err != nil {
		return module.Fail("%s", err)
	}
	now, err := k.now()
	if err != nil {
		return module.Fail("%s", err)
	}
	kept, err := k.kept()
	if err != nil {
		return module.Fail("%s", err)
	}
	r, before := module.OK(), now
	if now == t.name {
		before = kept
	}
	r.Changed = now != t.name || kept != t.name
	changes := []change{{now != t.name, k.set}, {kept != t.name, k.keep}}
	if k.keepFirst {
		slices.Reverse(changes)
	}
	for _, c := range changes {
		if !c.needed || t.env.Check {
			continue
		}
		if err := c.do(t.name); err != nil {
			return module.Fail("%s", err)
		}
	}
	running, err := os.Hostname()
	if err != nil {
		return module.Fail("cannot read the machine's name: %s", err)
	}
	full := setup.FullName(running)
	_, domain, _ := strings.Cut(full, ".")
	short, _, _ := strings.Cut(t.name, ".")
	r.Set("name", t.name)
	r.Facts = value.MapOf("ansible_hostname", short, "ansible_nodename", t.name, "ansible_fqdn", full, "ansible_domain", domain)
	if r.Changed {
		r.Diff = value.MapOf("after", "hostname = "+t.name+"\n", "before", "hostname = "+before+"\n")
	}
	return r
}
