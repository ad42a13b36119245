package pip

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

// program keeps its packages, a line each, in a file of the case's directory.
const program = `#!/bin/sh
case $1 in
list) cat $PACKAGES/list; exit;;
install|uninstall) ;;
*) exit 9;;
esac
verb=$1; shift
for a; do case $a in
-*) ;;
bad*) echo no such package >&2; exit 1;;
*) n=${a%%[<>=]*}; if test $verb = install; then
	if ! grep -q "^$n==" $PACKAGES/list; then v=${a#*==}; test $v != $a || v=1.0; echo "$n==$v" >>$PACKAGES/list; echo "Successfully installed $n-$v"; fi
else
	grep -q "^$n==" $PACKAGES/list || { echo "WARNING: Skipping $n as it is not installed." >&2; continue; }
	sed -i "/^$n==/d" $PACKAGES/list; echo "Successfully uninstalled $n"
fi;; esac; done
`

func TestContract(t *testing.T) {
	bin := t.TempDir()
	pip := filepath.Join(bin, "pip")
	if err := os.WriteFile(pip, []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	with := func(t *testing.T, dir string) {
		t.Setenv("PACKAGES", dir)
		mt.Write(t, dir, "list", "Six==1.16.0\n")
	}
	args := `{"executable": "` + pip + `", `
	mt.Run(t, &Module, []mt.Case{
		{Name: "new", Setup: with, Args: args + `"name": "flask"}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			mt.Has(t, dir+"/list", "Six==1.16.0\nflask==1.0\n")
			if got := string(value.ToJSON(r.Get("name"))); got != `["flask"]` {
				t.Errorf("name %s", got)
			}
		}},
		{Name: "version", Setup: with, Args: args + `"name": "flask", "version": "2.1"}`, Changed: true, Verify: func(t *testing.T, dir string, _ *module.Result) {
			mt.Has(t, dir+"/list", "Six==1.16.0\nflask==2.1\n")
		}},
		{Name: "there", Setup: with, Args: args + `"name": ["Six>=1.10,<2"]}`},
		{Name: "absent", Setup: with, Args: args + `"name": "Six", "state": "absent"}`, Changed: true},
		{Name: "absent already", Setup: with, Args: args + `"name": "flask", "state": "absent"}`},
		{Name: "fails", Setup: with, Args: args + `"name": "bad"}`, Fails: "\n:stderr: no such package"},
		{Name: "two versions", Setup: with, Args: args + `"name": ["a", "b"], "version": "1"}`, Fails: "'version' argument is ambiguous"},
		{Name: "version twice", Setup: with, Args: args + `"name": "a>1", "version": "1"}`, Fails: "The 'version' argument conflicts"},
		{Name: "latest of a version", Setup: with, Args: args + `"name": "a", "version": "1", "state": "latest"}`, Fails: "version is incompatible with state=latest"},
		{Name: "nothing", Args: `{}`, Fails: "one of the following is required: name, requirements"},
	})
}

func TestSatisfies(t *testing.T) {
	for _, c := range []struct {
		version, op, want string
		ok                bool
	}{
		{"1.0", "==", "1", true}, {"1.0", "==", "1.0.0", true}, {"1.0.post1", ">", "1.0", true}, {"1.0rc1", "<", "1.0", true},
		{"1.0.dev3", "<", "1.0a1", true}, {"2.1.3", "~=", "2.1", true}, {"3.0", "~=", "2.1", false}, {"2.1.3", "==", "2.1.*", true},
		{"2.2", "!=", "2.1.*", true}, {"1!1.0", ">", "99", true}, {"1.0+local", "==", "1.0", true}, {"1.0", "===", "1.0", true},
		{"1.10", ">=", "1.9", true}, {"1.0a2", ">", "1.0a1", true}, {"nonsense", ">=", "1", false},
	} {
		if satisfies(c.version, c.op, c.want) != c.ok {
			t.Errorf("%s %s %s", c.version, c.op, c.want)
		}
	}
}

func TestRequirements(t *testing.T) {
	got := join([]string{"django>1.11.1", "<1.11.3", "a[x", "y]", "b"})
	if want := []string{"django>1.11.1,<1.11.3", "a[x,y]", "b"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for text, want := range map[string]string{
		"My_Pkg >= 1.0, <2": "my-pkg My_Pkg<2,>=1.0", "git+https://x/y": " git+https://x/y", "a[b, c]==1": "a a[b,c]==1", "a==1; python_version<'3'": "a a==1; python_version<'3'",
	} {
		if r := parse(text, ""); r.name+" "+r.text != want {
			t.Errorf("%s: %q %q", text, r.name, r.text)
		}
	}
}
