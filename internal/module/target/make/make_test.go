package make

import (
	"os"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	// The tests themselves may be run by make, which tells those below it.
	for _, name := range []string{"MAKELEVEL", "MAKEFLAGS", "MFLAGS"} {
		t.Setenv(name, "")
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	with := func(t *testing.T, dir string) {
		mt.Write(t, dir, "Makefile", "all: out\nout:\n\techo $(X) >out\nbad:\n\tfalse\n")
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "first", Setup: with, Args: `{"chdir": "$DIR", "params": {"X": 5}, "jobs": 2}`, Changed: true, Verify: func(t *testing.T, dir string, _ *module.Result) { mt.Has(t, dir+"/out", "5\n") }},
		{Name: "target", Setup: with, Args: `{"chdir": "$DIR", "target": "out", "file": "Makefile"}`, Changed: true},
		{Name: "fails", Setup: with, Args: `{"chdir": "$DIR", "target": "bad"}`, Fails: "make: *** [Makefile:5: bad] Error 1"},
		{Name: "no target", Setup: with, Args: `{"chdir": "$DIR", "target": "none"}`, Fails: "No rule to make target 'none'"},
	})
}
