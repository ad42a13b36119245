package systemd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

// systemctl stands in for the real one: its units are files named after them
// that hold active, enabled or masked.
const systemctl = `#!/bin/sh
echo "$*" >>$UNITS/log
while case $1 in --*) true;; *) false;; esac; do shift; done
u=$UNITS/$2
case $1 in
show)
	if ! test -e $u; then echo LoadState=not-found; echo ActiveState=inactive; exit 0; fi
	if grep -q masked $u; then echo LoadState=masked; else echo LoadState=loaded; fi
	printf 'ExecStart={ path=/bin/x ;\n argv[]=/bin/x }\n'
	if grep -q active $u; then echo ActiveState=active; else echo ActiveState=inactive; fi;;
is-enabled) if grep -q masked $u 2>/dev/null; then echo masked; exit 1; fi; if grep -q alias $u; then echo alias; exit 0; fi; grep -q enabled $u 2>/dev/null && echo enabled || { echo disabled; exit 1; };;
start|restart|reload) echo active >>$u;;
stop) sed -i /active/d $u;;
enable) echo enabled >>$u;;
disable) sed -i /enabled/d $u;;
mask) echo masked >>$u;;
unmask) sed -i /masked/d $u;;
daemon-reload) ;;
*) echo "what is $1" >&2; exit 1;;
esac
`

func environ(t *testing.T, program string) (units string, env []string) {
	t.Helper()
	units, bin := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "systemctl"), []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	return units, append(os.Environ(), "UNITS="+units, "PATH="+bin+":/usr/bin:/bin")
}

func TestUnits(t *testing.T) {
	for _, c := range []struct{ unit, args, ran string }{
		{"", `"state": "started"`, "start u"},
		{"active", `"state": "started"`, ""},
		{"active", `"state": "stopped"`, "stop u"},
		{"", `"state": "stopped"`, ""},
		{"active", `"state": "restarted"`, "restart u"},
		{"", `"state": "restarted"`, "start u"},
		{"active", `"state": "reloaded"`, "reload u"},
		{"", `"enabled": true`, "enable u"},
		{"enabled", `"enabled": true`, ""},
		{"enabled", `"enabled": false`, "disable u"},
		{"", `"masked": true`, "mask u"},
		{"masked", `"masked": true`, ""},
		{"masked", `"masked": false`, "unmask u"},
		{"enabled alias", `"enabled": true`, "enable u"},
		{"", `"state": "started", "no_block": true, "scope": "user"`, "--user --no-block start u"},
	} {
		for _, check := range []bool{true, false} {
			units, env := environ(t, systemctl)
			mt.Write(t, units, "u", c.unit)
			r := mt.Call(t, &Module, mt.Args(t, "", `{"name": "u", `+c.args+`}`), mt.Options{Check: check, Environ: env})
			if r.Failed || r.Changed != (c.ran != "") {
				t.Errorf("%s, %s: %s", c.unit, c.args, value.Repr(r.ToMap()))
			}
			log, err := os.ReadFile(filepath.Join(units, "log"))
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(log)), "\n")
			did := lines[len(lines)-1] == c.ran
			if did == check && c.ran != "" {
				t.Errorf("%s, %s, check %v: ran %q", c.unit, c.args, check, lines)
			}
			if s, _ := r.Get("status").(*value.Map); s.At("ExecStart") != "{ path=/bin/x ;\n argv[]=/bin/x }" {
				t.Errorf("status: %s", value.Repr(r.Get("status")))
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ program, args, want string }{
		{systemctl, `{"name": "none", "state": "started"}`, "Could not find the requested service none: host"},
		{systemctl, `{"name": "u*", "state": "started"}`, "This module does not currently support using glob patterns, found '*'"},
		{systemctl, `{"state": "started"}`, "missing parameter(s) required by 'state': name"},
		{systemctl, `{"name": "none", "enabled": false}`, "Could not find the requested service none: host"},
		{"#!/bin/sh\necho 'System has not been booted with systemd as init system' >&2; exit 1\n", `{"name": "u", "state": "started"}`, "System has not been booted with systemd"},
		{"#!/bin/sh\ntest $1 = is-enabled && echo disabled; echo cannot >&2; exit 1\n", `{"name": "u", "enabled": true}`, "Unable to enable service u: cannot"},
		{"#!/bin/sh\necho LoadState=error; echo LoadError=bad\n", `{"name": "u", "state": "started"}`, "Error loading unit file 'u': bad"},
		{"#!/bin/sh\necho no >&2; exit 1\n", `{"daemon_reload": true}`, "failure 1 during daemon-reload: no"},
	} {
		_, env := environ(t, c.program)
		r := mt.Call(t, &Module, mt.Args(t, "", c.args), mt.Options{Environ: env})
		if !r.Failed || !strings.Contains(r.Msg, c.want) {
			t.Errorf("%s: %s", c.args, value.Repr(r.ToMap()))
		}
	}
}

func TestSpec(t *testing.T) { mt.Run(t, &Module, nil) }
