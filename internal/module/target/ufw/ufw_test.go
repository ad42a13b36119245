package ufw

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	mt.Bin(t, map[string]string{"ufw": `echo "$*" >>$UFW/log
dry=; test $1 != --dry-run || { dry=1; shift; }
test "$1" != -f || shift
case $1 in
status) cat $UFW/status;;
--version) echo ufw 0.36.2;;
enable) sed -i 's/inactive/active/' $UFW/status;;
disable) sed -i 's/ active/ inactive/' $UFW/status;;
logging) sed -i "s/^Logging.*/Logging: on ($2)/" $UFW/status;;
default) sed -i "s/^Default: [a-z]*/Default: $2/" $UFW/status;;
allow|insert) test -n "$dry" || echo "rule $*" >>$UFW/status; echo "### tuple ### allow any any 0.0.0.0/0 any 10.0.0.0/8 in";;
esac`})
	const status = "Status: inactive\nLogging: on (low)\nDefault: deny (incoming), allow (outgoing), disabled (routed)\n"
	with := func(t *testing.T, dir string) {
		t.Setenv("UFW", t.TempDir())
		mt.Write(t, os.Getenv("UFW"), "status", status)
	}
	ran := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, _ string, _ *module.Result) {
			t.Helper()
			log, err := os.ReadFile(os.Getenv("UFW") + "/log")
			if err != nil || !strings.Contains(string(log), want+"\n") {
				t.Errorf("ran %q, %v", log, err)
			}
		}
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "enable", Setup: with, Args: `{"state": "enabled"}`, Changed: true, Verify: func(t *testing.T, _ string, r *module.Result) {
			if said := fmt.Sprint(r.Get("commands")); strings.Count(said, "grep -h") != 2 { // the rules are looked at again
				t.Errorf("ran %s", said)
			}
		}},
		{Name: "disabled already", Setup: with, Args: `{"state": "disabled"}`},
		{Name: "logging", Setup: with, Args: `{"logging": "high"}`, Changed: true},
		{Name: "policy", Setup: with, Args: `{"default": "allow"}`, Changed: true},
		{Name: "same policy", Setup: with, Args: `{"default": "deny"}`},
		{Name: "rule", Setup: with, Args: `{"rule": "allow", "port": "22", "proto": "tcp", "comment": "so"}`, Changed: true, Again: true,
			Verify: ran("allow from any to any port 22 proto tcp comment so")},
		{Name: "inserted", Setup: with, Args: `{"rule": "allow", "insert": 2, "from": "10.0.0.0/8", "direction": "in", "interface": "eth0", "log": true}`, Changed: true, Again: true,
			Verify: ran("insert 2 allow in on eth0 log from 10.0.0.0/8 to any")},
		{Name: "two directions", Setup: with, Args: `{"rule": "allow", "direction": "routed"}`, Fails: "For rules, direction must be one of"},
		{Name: "no direction", Setup: with, Args: `{"rule": "allow", "interface": "eth0"}`, Fails: "missing parameter(s) required by 'interface': direction"},
	})
}

func TestFamily(t *testing.T) {
	const rules = "### tuple ### allow any 22 0.0.0.0/0 any 10.0.0.0/8 in\n### tuple ### allow any 22 ::/0 any ::/0 in\n"
	if got := family(rules, true); strings.Count(got, "\n") != 1 || !strings.Contains(got, "10.0.0.0/8") {
		t.Errorf("%q", got)
	}
	if got := family(rules, false); strings.Count(got, "\n") != 1 || !strings.Contains(got, "::/0") {
		t.Errorf("%q", got)
	}
}
