package aptrepository

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	bin := t.TempDir()
	for name, text := range map[string]string{
		"apt-get":    "test ! -e $APT/broken || { echo 'E: no such place' >&2; exit 100; }",
		"apt-config": "echo \"MAIN='$APT/sources.list'\"; echo \"PARTS='$APT/sources.list.d'\"",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	with := func(t *testing.T, dir string) {
		t.Setenv("APT", dir)
		mt.Write(t, dir, "sources.list", "deb http://a  b main # why\n# deb http://off b main\n# words\n")
	}
	holds := func(name, want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) {
			t.Helper()
			mt.Has(t, filepath.Join(dir, name), want)
		}
	}
	gone := func(name string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) {
			t.Helper()
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				t.Errorf("%s is there", name)
			}
		}
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "new", Setup: with, Args: `{"repo": "deb [trusted=yes] http://me:pw@x.org/debian  s  main"}`, Changed: true,
			Verify: holds("sources.list.d/x_org_debian.list", "deb [trusted=yes] http://me:pw@x.org/debian s main\n")},
		{Name: "named", Setup: with, Args: `{"repo": "deb http://x s main", "filename": "f"}`, Changed: true, Verify: holds("sources.list.d/f.list", "deb http://x s main\n")},
		{Name: "there", Setup: with, Args: `{"repo": "deb http://a b main"}`},
		{Name: "off", Setup: with, Args: `{"repo": "deb http://off b main"}`, Changed: true, Verify: holds("sources.list", "deb http://a b main # why\ndeb http://off b main\n# words\n")},
		{Name: "absent", Setup: with, Args: `{"repo": "deb http://a b main", "state": "absent"}`, Changed: true, Verify: holds("sources.list", "# deb http://off b main\n# words\n")},
		{Name: "last one", Setup: func(t *testing.T, dir string) {
			with(t, dir)
			mt.Write(t, dir, "sources.list.d/l.list", "deb http://l l main\n")
		}, Args: `{"repo": "deb http://l l main", "state": "absent"}`, Changed: true, Verify: gone("sources.list.d/l.list")},
		{Name: "others", Setup: func(t *testing.T, dir string) {
			with(t, dir)
			mt.Write(t, dir, "sources.list.d/l.list", "#deb  http://l l main\n")
			mt.Write(t, dir, "sources.list.d/empty.list", "")
			mt.Write(t, dir, "sources.list.d/.l.list", "deb http://n n main\n")
		}, Args: `{"repo": "deb http://n n main"}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			holds("sources.list.d/l.list", "# deb http://l l main\n")(t, dir, r)
			holds("sources.list.d/n.list", "deb http://n n main\n")(t, dir, r)
			gone("sources.list.d/empty.list")(t, dir, r)
		}},
		{Name: "broken", Setup: func(t *testing.T, dir string) {
			with(t, dir)
			mt.Write(t, dir, "broken", "")
		}, Args: `{"repo": "deb http://x s main", "update_cache_retries": 1, "update_cache_retry_max_delay": 0}`, Fails: "Failed to update apt cache: E:no such place", Verify: gone("sources.list.d/x.list")},
		{Name: "nonsense", Setup: with, Args: `{"repo": "http://x"}`, Fails: "Invalid repository string: http://x"},
		{Name: "link", Setup: func(t *testing.T, dir string) {
			t.Setenv("APT", dir)
			mt.Write(t, dir, "real", "deb http://a b main\n")
			if err := errors.Join(os.Chmod(dir+"/real", 0o600), os.Symlink("real", dir+"/sources.list")); err != nil {
				t.Fatal(err)
			}
		}, Args: `{"repo": "deb http://a b main", "state": "absent", "update_cache": false}`, Changed: true, Verify: gone("sources.list")},
		{Name: "linked", Setup: func(t *testing.T, dir string) {
			t.Setenv("APT", dir)
			mt.Write(t, dir, "real", "# deb http://a b main\n")
			if err := errors.Join(os.Chmod(dir+"/real", 0o600), os.Symlink("real", dir+"/sources.list")); err != nil {
				t.Fatal(err)
			}
		}, Args: `{"repo": "deb http://a b main", "update_cache": false}`, Changed: true, Verify: func(t *testing.T, dir string, r *module.Result) {
			holds("sources.list", "deb http://a b main\n")(t, dir, r)
			mt.Mode(t, filepath.Join(dir, "sources.list"), 0o600)
		}},
		{Name: "no address", Setup: with, Args: `{"repo": "deb"}`, Fails: "Invalid repository string: deb"},
		{Name: "empty", Setup: with, Args: `{"repo": ""}`, Fails: "Please set argument 'repo' to a non-empty value"},
	})
}
