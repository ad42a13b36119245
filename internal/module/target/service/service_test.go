package service

import (
	"os"
	"os/exec"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

// script is an init script whose service runs as long as there is a file.
const script = `#!/bin/sh
### BEGIN INIT INFO
# Provides: tutti-test
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
echo $1 >>/etc/tutti-test.log
case $1 in
start|restart) touch /etc/tutti-test.on;;
stop) rm -f /etc/tutti-test.on;;
status) test -e /etc/tutti-test.on || exit 3; echo tutti-test is running;;
reload) ;;
*) exit 2;;
esac
`

// state begins a case with the service running or not, and enabled or not.
func state(running, enabled bool) func(*testing.T, string) {
	return func(t *testing.T, _ string) {
		t.Helper()
		if err := os.WriteFile("/etc/init.d/tutti-test", []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove("/etc/tutti-test.on")
		if running {
			mt.Write(t, "/etc", "tutti-test.on", "")
		}
		for _, argv := range [][]string{{"tutti-test", "remove"}, {"tutti-test", "defaults"}, {"tutti-test", "disable"}} {
			if enabled && argv[1] == "disable" {
				break
			}
			cmd := exec.Command("update-rc.d", argv...)
			if argv[1] == "remove" {
				cmd.Args = []string{"update-rc.d", "-f", "tutti-test", "remove"}
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		_ = os.Remove("/etc/tutti-test.log")
	}
}

// last checks the last thing that the script was asked for.
func last(want string) func(*testing.T, string, *module.Result) {
	return func(t *testing.T, _ string, _ *module.Result) { t.Helper(); mt.Has(t, "/etc/tutti-test.log", want) }
}

func TestContract(t *testing.T) {
	for _, program := range []string{"service", "update-rc.d"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("this machine has no %s", program)
		}
	}
	if !mt.Private(t, "/etc") {
		return
	}
	const args = `{"name": "tutti-test", `
	mt.Run(t, &Module, []mt.Case{
		{Name: "started", Setup: state(false, false), Args: args + `"state": "started"}`, Changed: true, Verify: last("status\nstart\n")},
		{Name: "started already", Setup: state(true, false), Args: args + `"state": "started"}`, Verify: last("status\n")},
		{Name: "stopped", Setup: state(true, false), Args: args + `"state": "stopped"}`, Changed: true, Verify: last("status\nstop\n")},
		{Name: "stopped already", Setup: state(false, false), Args: args + `"state": "stopped"}`},
		{Name: "restarted", Setup: state(true, false), Args: args + `"state": "restarted"}`, Changed: true, Again: true, Verify: last("status\nstop\nstart\n")},
		{Name: "restarted with a pause", Setup: state(true, false), Args: args + `"state": "restarted", "sleep": 0}`, Changed: true, Again: true, Verify: last("status\nstop\nstart\n")},
		{Name: "reloaded", Setup: state(true, false), Args: args + `"state": "reloaded"}`, Changed: true, Again: true, Verify: last("status\nreload\n")},
		{Name: "reloaded while stopped", Setup: state(false, false), Args: args + `"state": "reloaded"}`, Changed: true, Again: true, Verify: last("status\nstart\n")},
		{Name: "enabled", Setup: state(false, false), Args: args + `"enabled": true}`, Changed: true},
		{Name: "enabled already", Setup: state(false, true), Args: args + `"enabled": true}`},
		{Name: "disabled", Setup: state(false, true), Args: args + `"enabled": false}`, Changed: true},
		{Name: "by pattern", Setup: state(false, false), Args: args + `"state": "started", "pattern": "no such process, I hope"}`, Changed: true, Again: true, Verify: last("start\n")},
		{Name: "no service", Args: `{"name": "tutti-none", "state": "started"}`, Fails: "Could not find the requested service tutti-none: host"},
		{Name: "a path", Args: `{"name": "../x", "state": "started"}`, Fails: "holds no slash"},
		{Name: "nothing asked", Args: `{"name": "tutti-test"}`, Fails: "one of the following is required: state, enabled"},
	})
}
