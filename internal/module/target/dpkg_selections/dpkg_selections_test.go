package dpkgselections

import (
	"os"
	"path/filepath"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

const dpkg = `#!/bin/sh
case $1 in
--get-selections) test $2 != bad || { echo broken >&2; exit 2; }; cat $SELECTIONS/$2 2>/dev/null || true;;
--set-selections) read n s || exit 3; echo "$n	$s" >$SELECTIONS/$n;;
esac
`

func TestContract(t *testing.T) {
	bin, state := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "dpkg"), []byte(dpkg), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("SELECTIONS", state)
	with := func(t *testing.T, _ string) { mt.Write(t, state, "p", "p\tinstall\n") }
	mt.Run(t, &Module, []mt.Case{
		{Name: "hold", Setup: with, Args: `{"name": "p", "selection": "hold"}`, Changed: true},
		{Name: "same", Setup: with, Args: `{"name": "p", "selection": "install"}`},
		{Name: "dpkg fails", Args: `{"name": "bad", "selection": "hold"}`, Fails: "broken"},
		{Name: "wrong", Args: `{"name": "p", "selection": "keep"}`, Fails: "value of selection must be one of: install, hold, deinstall, purge, got: keep"},
	})
}
