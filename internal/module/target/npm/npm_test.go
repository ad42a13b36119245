package npm

import (
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

// The stand-in keeps packages as files of the project with their version.
func TestContract(t *testing.T) {
	mt.Bin(t, map[string]string{"npm": `verb=$1; shift
for a; do case $a in --*) ;; *) p=$a;; esac; done
n=${p%@*}; v=${p#*@}; test "$v" != "$p" || v=1.0.0
case $verb in
list) echo '{"dependencies": {'; c=; for f in *.pkg; do test ! -e $f || { echo "$c\"${f%.pkg}\": {\"version\": \"$(cat $f)\"}"; c=,; }; done; echo '}}';;
install) test $n != bad || { echo no such package >&2; exit 1; }; echo $v >$n.pkg;;
uninstall) rm $n.pkg;;
outdated) test ! -e old || echo "$p  1  2  2"; exit 1;;
update) rm old;;
esac`})
	with := func(t *testing.T, dir string) { mt.Write(t, dir, "a.pkg", "1.0.0\n") }
	const args = `{"path": "$DIR", `
	mt.Run(t, &Module, []mt.Case{
		{Name: "install", Setup: with, Args: args + `"name": "b"}`, Changed: true},
		{Name: "there", Setup: with, Args: args + `"name": "a"}`},
		{Name: "version", Setup: with, Args: args + `"name": "a", "version": "2.0.0"}`, Changed: true},
		{Name: "latest", Setup: func(t *testing.T, dir string) { with(t, dir); mt.Write(t, dir, "old", "") }, Args: args + `"name": "a", "state": "latest"}`, Changed: true},
		{Name: "absent", Setup: with, Args: args + `"name": "a", "state": "absent"}`, Changed: true},
		{Name: "absent already", Setup: with, Args: args + `"name": "b", "state": "absent"}`},
		{Name: "fails", Setup: with, Args: args + `"name": "bad"}`, Fails: "no such package"},
		{Name: "nowhere", Args: `{"name": "a"}`, Fails: "path must be specified when not using global"},
		{Name: "nothing", Args: args + `"state": "absent"}`, Fails: "uninstalling a package is only available for named packages"},
	})
}
