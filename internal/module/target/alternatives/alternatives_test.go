package alternatives

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

// The real program, on directories of the case's own.
func TestContract(t *testing.T) {
	real, err := exec.LookPath("update-alternatives")
	if err != nil {
		t.Skip("update-alternatives is not here")
	}
	mt.Bin(t, map[string]string{"update-alternatives": `exec ` + real + ` --quiet --altdir $ALT/alt --admindir $ALT/admin --log /dev/null "$@"`})
	call := func(t *testing.T, words ...string) {
		if out, err := exec.Command("update-alternatives", words...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	with := func(t *testing.T, dir string) {
		t.Setenv("ALT", dir)
		for _, d := range []string{"alt", "admin"} {
			if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for _, f := range []string{"one", "two", "sub"} {
			mt.Write(t, dir, f, "")
		}
		call(t, "--install", dir+"/link", "n", dir+"/one", "10")
	}
	to := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) {
			t.Helper()
			if got, err := filepath.EvalSymlinks(dir + "/link"); err != nil || filepath.Base(got) != want {
				t.Errorf("the link leads to %s, %v", got, err)
			}
		}
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "select", Setup: with, Args: `{"name": "n", "path": "$DIR/two", "link": "$DIR/link", "priority": 5}`, Changed: true, Verify: to("two")},
		{Name: "there", Setup: with, Args: `{"name": "n", "path": "$DIR/one"}`, Verify: to("one")},
		{Name: "present", Setup: with, Args: `{"name": "n", "path": "$DIR/two", "state": "present", "priority": 5}`, Changed: true, Verify: to("one")},
		{Name: "priority", Setup: with, Args: `{"name": "n", "path": "$DIR/one", "priority": 20, "state": "present"}`, Changed: true},
		{Name: "sub", Setup: with, Args: `{"name": "n", "path": "$DIR/one", "state": "present", "subcommands": [{"name": "s", "path": "$DIR/sub", "link": "$DIR/sublink"}]}`, Changed: true},
		{Name: "auto", Setup: func(t *testing.T, dir string) {
			with(t, dir)
			call(t, "--install", dir+"/link", "n", dir+"/two", "5")
			call(t, "--set", "n", dir+"/two")
		}, Args: `{"name": "n", "path": "$DIR/two", "state": "auto"}`, Changed: true, Verify: to("one")},
		{Name: "absent", Setup: with, Args: `{"name": "n", "path": "$DIR/one", "state": "absent"}`, Changed: true},
		{Name: "absent already", Setup: with, Args: `{"name": "n", "path": "$DIR/two", "state": "absent"}`},
		{Name: "no program", Setup: with, Args: `{"name": "n", "path": "/nowhere"}`, Fails: "Specified path /nowhere does not exist"},
		{Name: "no link", Setup: with, Args: `{"name": "m", "path": "$DIR/one"}`, Fails: "unable to do so as we are missing the link"},
	})
}
