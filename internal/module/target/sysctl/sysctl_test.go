package sysctl

import (
	"errors"
	"os"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	const text = "# kept\na.b = 1\nc.d=2\nc.d=3\n"
	with := func(t *testing.T, dir string) { mt.Write(t, dir, "f", text) }
	holds := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) { t.Helper(); mt.Has(t, dir+"/f", want) }
	}
	const args = `{"sysctl_file": "$DIR/f", "reload": false, `
	mt.Run(t, &Module, []mt.Case{
		{Name: "new", Setup: with, Args: args + `"name": "x.y", "value": "yes"}`, Changed: true, Verify: holds("# kept\na.b=1\nc.d=2\nx.y=1\n")},
		{Name: "there", Setup: with, Args: args + `"name": "a.b", "value": "1"}`, Verify: holds(text)},
		{Name: "another value", Setup: with, Args: args + `"name": "a.b", "value": "1 2"}`, Changed: true, Verify: holds("# kept\na.b=1 2\nc.d=2\n")},
		{Name: "absent", Setup: with, Args: args + `"name": "c.d", "state": "absent"}`, Changed: true, Verify: holds("# kept\na.b=1\n")},
		{Name: "absent already", Setup: with, Args: args + `"name": "x.y", "state": "absent"}`, Verify: holds(text)},
		{Name: "no file", Args: args + `"name": "x.y", "value": "0"}`, Changed: true, Verify: holds("x.y=0\n")},
		{Name: "folder", Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f/x", "") }, Args: args + `"name": "x.y", "state": "absent"}`},
		{Name: "below a file", Setup: with, Args: `{"sysctl_file": "$DIR/f/x", "reload": false, "name": "x.y", "state": "absent"}`},
		{Name: "link to a folder", Setup: func(t *testing.T, dir string) {
			mt.Write(t, dir, "d/x", "")
			if err := os.Symlink("d", dir+"/f"); err != nil {
				t.Fatal(err)
			}
		}, Args: args + `"name": "x.y", "value": "0"}`, Changed: true, Verify: holds("x.y=0\n")},
		{Name: "link", Setup: func(t *testing.T, dir string) {
			mt.Write(t, dir, "g", text)
			if err := errors.Join(os.Chmod(dir+"/g", 0o600), os.Symlink("g", dir+"/f")); err != nil {
				t.Fatal(err)
			}
		}, Args: args + `"name": "x.y", "value": "0"}`, Changed: true, Verify: func(t *testing.T, dir string, _ *module.Result) { mt.Mode(t, dir+"/f", 0o600) }},
		{Name: "no value", Args: args + `"name": "x.y"}`, Fails: "state is present but all of the following are missing: value"},
		{Name: "blank", Args: args + `"name": " ", "value": "1"}`, Fails: "name cannot be blank"},
	})
}

func TestCurrent(t *testing.T) {
	if v := (&task{name: "kernel.ostype"}).current(); v != "Linux\n" {
		t.Errorf("kernel.ostype is %q", v)
	}
	if v := (&task{name: "kernel.nonsense"}).current(); v != "" {
		t.Errorf("kernel.nonsense is %q", v)
	}
}
