package gem

import (
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

// The stand-in keeps packages as files of the case's directory with their versions.
func TestContract(t *testing.T) {
	mt.Bin(t, map[string]string{"gem": `echo "$*" >>$GEMS/../log
case $1 in
--version) echo 3.3.15; exit;;
query) case "$*" in *--remote*) echo 'x (9.0)';; *) for a; do n=$a; done; n=${n#^}; n=${n%$}; test ! -e $GEMS/$n || echo "$n ($(cat $GEMS/$n))";; esac;;
install) v=1.0; while test $# -gt 1; do test $1 != --version || v=$2; shift; done; test $1 != bad || { echo no such gem >&2; exit 2; }; echo $v >$GEMS/$1;;
uninstall) for a; do n=$a; done; rm $GEMS/$n;;
esac`})
	with := func(t *testing.T, dir string) {
		t.Setenv("GEMS", dir)
		mt.Write(t, dir, "x", "2.0, 1.0 ruby\n")
	}
	holds := func(name, want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) { t.Helper(); mt.Has(t, dir+"/"+name, want) }
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "install", Setup: with, Args: `{"name": "y"}`, Changed: true, Verify: holds("y", "1.0\n")},
		{Name: "version", Setup: with, Args: `{"name": "y", "version": "3.0"}`, Changed: true, Verify: holds("y", "3.0\n")},
		{Name: "there", Setup: with, Args: `{"name": "x", "version": "1.0"}`},
		{Name: "latest", Setup: with, Args: `{"name": "x", "state": "latest"}`, Changed: true, Verify: holds("x", "9.0\n")},
		{Name: "absent", Setup: with, Args: `{"name": "x", "state": "absent"}`, Changed: true},
		{Name: "absent already", Setup: with, Args: `{"name": "y", "state": "absent"}`},
		{Name: "fails", Setup: with, Args: `{"name": "bad"}`, Fails: "no such gem"},
		{Name: "latest of a version", Args: `{"name": "x", "version": "1", "state": "latest"}`, Fails: "Cannot specify version when state=latest"},
		{Name: "two places", Args: `{"name": "x", "install_dir": "/x"}`, Fails: "install_dir requires user_install=false"},
	})
}
