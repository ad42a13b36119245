package sysvinit

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

const script = `#!/bin/sh
d=$(dirname "$0")
echo $* >>$d/log
case $1 in
start) touch $d/on;;
stop) rm -f $d/on;;
reload) ;;
status) if test -e $d/on; then echo is running; else echo stopped; exit 3; fi;;
*) echo bad >&2; exit 2;;
esac
`

// A name with a slash is the script itself, so that the test needs no /etc.
func TestContract(t *testing.T) {
	bin := t.TempDir()
	service := "#!/bin/sh\nexec \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "service"), []byte(service), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	with := func(on bool, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(mt.Write(t, dir, "s", text), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Join(dir, "s"), 0o755); err != nil {
				t.Fatal(err)
			}
			if on {
				mt.Write(t, dir, "on", "")
			}
		}
	}
	var cases []mt.Case
	for _, c := range []struct {
		on      bool
		state   string
		changed bool
	}{
		{false, "started", true}, {true, "started", false}, {true, "stopped", true}, {false, "stopped", false}, {true, "restarted", true}, {true, "reloaded", true},
	} {
		cases = append(cases, mt.Case{
			Name: fmt.Sprint(c.state, c.on), Setup: with(c.on, script), Args: `{"name": "$DIR/s", "sleep": 0, "state": "` + c.state + `"}`,
			// The script keeps a log, also of questions, so nothing is to be compared.
			Changed: c.changed, Blind: true, Stirs: true, Again: c.state == "restarted" || c.state == "reloaded",
		})
	}
	cases = append(cases,
		mt.Case{Name: "fails", Setup: with(false, "#!/bin/sh\ntest $1 = status && exit 3; echo no >&2; exit 1\n"), Args: `{"name": "$DIR/s", "state": "started"}`, Fails: "Failed to start service: "},
		mt.Case{Name: "none", Args: `{"name": "no-such-service", "state": "started"}`, Fails: "Could not find the requested service no-such-service: "},
		mt.Case{Name: "nothing", Args: `{"name": "x"}`, Fails: "one of the following is required: state, enabled"},
	)
	mt.Run(t, &Module, cases)
	dir := t.TempDir()
	with(true, script)(t, dir)
	if r := mt.Call(t, &Module, mt.Args(t, dir, `{"name": "$DIR/s", "state": "stopped", "pattern": "no such process, I hope"}`), mt.Options{}); r.Changed || len(r.Warnings) != 1 {
		t.Errorf("by a pattern that is not there: changed=%v, %q", r.Changed, r.Warnings)
	}
	dir = t.TempDir()
	with(false, script)(t, dir)
	r := mt.Call(t, &Module, mt.Args(t, dir, `{"name": "$DIR/s", "state": "started"}`), mt.Options{Check: true})
	if _, err := os.Stat(filepath.Join(dir, "on")); err == nil || !r.Changed {
		t.Errorf("check mode: changed=%v, %v", r.Changed, err)
	}
}
