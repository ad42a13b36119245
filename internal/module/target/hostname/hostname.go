// Package hostname is the module that names the machine.
package hostname

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/target/setup"
	"github.com/tutti-run/tutti/internal/module/tool"
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
			{Name: "use", Choices: []any{"alpine", "debian", "generic", "redhat", "sles", "systemd"}, Doc: "How the name is kept; by default as the machine does it."},
		},
		Hints: []parallel.Hint{parallel.Host("hostname")},
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{{Name: "name", When: "always", Doc: "The name."}},
	},
	Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		return (&task{ctx: ctx, env: env, name: args.String("name"), use: args.String("use")}).run()
	},
}

type task struct {
	ctx  context.Context
	env  *module.Env
	name string
	use  string
}

func (t *task) run() *module.Result {
	if t.use == "" && files.Exists("/run/systemd/system") {
		t.use = "systemd"
	}
	if len(t.name) > 64 { // the kernel's limit
		return module.Fail("name cannot be longer than 64 characters on systemd servers, try a shorter name")
	}
	now, err := os.Hostname()
	if err != nil {
		return module.Fail("cannot read the machine's name: %s", err)
	}
	kept, err := t.kept()
	if err != nil {
		return module.Fail("failed to read hostname: %s", err)
	}
	r, before := module.OK(), now
	if now == t.name {
		before = kept
	}
	if r.Changed = now != t.name || kept != t.name; r.Changed && !t.env.Check {
		if err := t.change(now != t.name, kept != t.name); err != nil {
			return module.Fail("%s", err)
		}
	}
	if r.Changed && !t.env.Check {
		now = t.name
	}
	full := setup.FullName(now)
	_, domain, _ := strings.Cut(full, ".")
	short, _, _ := strings.Cut(t.name, ".")
	r.Set("name", t.name)
	r.Facts = value.MapOf("ansible_hostname", short, "ansible_nodename", t.name, "ansible_fqdn", full, "ansible_domain", domain)
	if r.Changed {
		r.Diff = value.MapOf("after", "hostname = "+t.name+"\n", "before", "hostname = "+before+"\n")
	}
	return r
}

func (t *task) file() string {
	if t.use == "sles" {
		return "/etc/HOSTNAME"
	}
	return "/etc/hostname"
}

// kept is the name that the machine will have after its next start.
func (t *task) kept() (string, error) {
	data, err := os.ReadFile(t.file())
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(data)), err
}

func (t *task) change(now, kept bool) error {
	var commands [][]string
	switch {
	case t.use == "systemd":
		commands = [][]string{
			{"hostnamectl", "--pretty", "set-hostname", t.name},
			{"hostnamectl", "--transient", "set-hostname", t.name},
			{"hostnamectl", "--static", "set-hostname", t.name},
		}
		kept = false
	case now:
		commands = [][]string{{"hostname", t.name}}
	}
	for _, argv := range commands {
		out, err := tool.Run(t.ctx, t.env, argv...)
		switch {
		case err != nil:
			return err
		case out.RC != 0:
			return fmt.Errorf("Command failed rc=%d, out=%s, err=%s", out.RC, out.Stdout, out.Stderr)
		}
	}
	if !kept {
		return nil
	}
	_, err := files.Replacement{Path: t.file(), Unsafe: true}.Write(t.ctx, strings.NewReader(t.name+"\n"))
	return err
}
