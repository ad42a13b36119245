package shutdown

import (
	"os"
	"strings"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestSpec(t *testing.T) { mt.Spec(t, &Module.Spec) }

// The machine is this one: its shutdown is a script that notes how it was called.
func TestShutdown(t *testing.T) {
	facts := func(distribution string) *value.Map {
		return value.MapOf("ansible_facts", value.MapOf("distribution", distribution))
	}
	for _, c := range []struct {
		name, args, script, want, fails string
		check                           bool
		vars                            *value.Map
	}{
		{name: "goes off", want: `shutdown -h 0 Shut down initiated by Ansible`, vars: facts("Debian")},
		{name: "delay", args: `"delay": 150, "msg": "to $HOME's 'end'"`, want: `shutdown -h 2 to $HOME's 'end'`, vars: facts("Debian")},
		{name: "alpine", want: `poweroff`, vars: facts("Alpine")},
		{name: "void", args: `"delay": 60`, want: `shutdown -h +1 Shut down initiated by Ansible`, vars: facts("Void")},
		{name: "check", check: true, vars: facts("Debian")},
		{name: "refused", script: "echo no >&2; exit 1", fails: "Shutdown command failed. Error was , no", vars: facts("Debian")},
		{name: "not found", args: `"search_paths": ["/nowhere"]`, fails: "Unable to find command \"shutdown\" in search paths: ['/nowhere']", vars: facts("Debian")},
		{name: "local", vars: value.MapOf("ansible_connection", "local"), fails: "with local connection would shutdown the control node"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, program := range []string{"shutdown", "poweroff"} {
				script := c.script
				if script == "" {
					script = "echo " + program + " \"$@\" >" + dir + "/called"
				}
				mt.Write(t, dir, program, "")
				mt.Script(t, dir+"/"+program, script+"\n")
			}
			args := c.args
			if !strings.Contains(args, "search_paths") {
				args = strings.TrimPrefix(args+`, "search_paths": ["$DIR"]`, ", ")
			}
			ctl := &mt.Controller{CheckMode: c.check, Vars: c.vars}
			r := mt.Task(t, ctl, &Module, nil, mt.Args(t, dir, "{"+args+"}"))
			if r.Failed != (c.fails != "") || !strings.Contains(r.Msg, c.fails) || r.Changed == r.Failed {
				t.Errorf("%s", value.Repr(r.ToMap()))
			}
			called, err := os.ReadFile(dir + "/called")
			if err != nil && c.want != "" {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(string(called)); got != c.want {
				t.Errorf("called: %q, not %q", got, c.want)
			}
		})
	}
}
