package debconf

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

// The programs keep the answers in a file of the case's directory.
const show = "#!/bin/sh\nsed 's/^[^ ]* //;s/ [a-z]* /: /;s/^/* /' $ANSWERS/$1 2>/dev/null || true\n"
const set = "#!/bin/sh\nread p q t v; test \"$v\" != bad || { echo refused >&2; exit 1; }\nsed -i \"\\\\,$q,d\" $ANSWERS/$p 2>/dev/null; echo $p $q $t $v >>$ANSWERS/$p\n"

func TestContract(t *testing.T) {
	bin, answers := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"debconf-show": show, "debconf-set-selections": set} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("ANSWERS", answers)
	fresh := func(t *testing.T, _ string) {
		if err := os.WriteFile(filepath.Join(answers, "p"), []byte("p p/a string one\np p/b boolean true\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	field := func(name, want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, _ string, r *module.Result) {
			t.Helper()
			if got := string(value.ToJSON(r.Get(name))); got != want {
				t.Errorf("%s is %s", name, got)
			}
		}
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "show", Setup: fresh, Args: `{"name": "p"}`, Verify: field("current", `{"p/a":"one","p/b":"true"}`)},
		{Name: "new", Setup: fresh, Args: `{"name": "p", "question": "p/c", "vtype": "string", "value": "x"}`, Changed: true, Verify: field("current", `{"p/c":"x"}`)},
		{Name: "change", Setup: fresh, Args: `{"name": "p", "question": "p/a", "vtype": "string", "value": "two"}`, Changed: true, Verify: field("previous", `{"p/a":"one"}`)},
		{Name: "same", Setup: fresh, Args: `{"name": "p", "question": "p/b", "vtype": "boolean", "value": "True"}`},
		{Name: "refused", Setup: fresh, Args: `{"name": "p", "question": "p/a", "vtype": "string", "value": "bad"}`, Fails: "refused"},
		{Name: "half", Args: `{"name": "p", "question": "p/a"}`, Fails: "parameters are required together: question, vtype, value"},
	})
}
