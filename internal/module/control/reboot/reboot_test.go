package reboot

import (
	"errors"
	"strings"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestSpec(t *testing.T) { mt.Spec(t, &Module.Spec) }

// The machine is this one: its boots are counted in a file.
func TestReboot(t *testing.T) {
	down := errors.New("down")
	for _, c := range []struct {
		name, args, fails string
		check, rebooted   bool
		vars              *value.Map
		pings             []error
	}{
		{name: "comes back", args: `"reboot_command": "/bin/sh -c 'echo 2 >$DIR/boot'"`, rebooted: true, pings: []error{down}},
		{name: "search", args: `"reboot_command": "up x", "search_paths": ["/nowhere", "$DIR"]`, rebooted: true},
		{name: "check", args: `"reboot_command": "/bin/false"`, check: true, rebooted: true},
		{name: "local", args: `"msg": "x"`, vars: value.MapOf("ansible_connection", "local"), fails: "with local connection would reboot the control node"},
		{name: "refused", args: `"reboot_command": "/bin/sh -c 'echo no >&2; exit 1'"`, fails: "Reboot command failed. Error was: ', no'"},
		{name: "nothing happens", args: `"reboot_command": "/bin/true", "reboot_timeout": 1`, fails: "Timed out waiting for last boot time check (timeout=1)", rebooted: true},
		{name: "test fails", args: `"reboot_command": "/bin/sh -c 'echo 2 >$DIR/boot'", "test_command": "false", "reboot_timeout": 1`, fails: "Timed out waiting for post-reboot test command", rebooted: true},
		{name: "not found", args: `"search_paths": ["/nowhere"], "reboot_command": "shutdown"`, fails: "Unable to find command \"shutdown\" in search paths: ['/nowhere']"},
		{name: "no boot time", args: `"reboot_command": "/bin/true", "boot_time_command": "echo x >&2; exit 3"`, fails: "failed to get host boot time info, rc: 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			mt.Write(t, dir, "boot", "1\n")
			mt.Write(t, dir, "up", "")
			mt.Script(t, dir+"/up", "echo 3 >"+dir+"/boot\n")
			args := c.args
			if !strings.Contains(args, "boot_time_command") {
				args += `, "boot_time_command": "cat $DIR/boot"`
			}
			r := mt.Task(t, &mt.Controller{CheckMode: c.check, Vars: c.vars, Pings: c.pings}, &Module, nil, mt.Args(t, dir, "{"+args+"}"))
			if r.Failed != (c.fails != "") || !strings.Contains(r.Msg, c.fails) || r.Get("rebooted") != c.rebooted {
				t.Errorf("%s", value.Repr(r.ToMap()))
			}
			if c.fails == "" && !r.Changed {
				t.Error("nothing changed")
			}
		})
	}
}
