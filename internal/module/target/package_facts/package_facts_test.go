package packagefacts

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestContract(t *testing.T) {
	mt.Run(t, &Module, []mt.Case{
		{Name: "here", Args: `{"manager": "auto"}`, Verify: func(t *testing.T, _ string, r *module.Result) {
			if packages, _ := r.Facts.At("packages").(*value.Map); packages.Len() == 0 {
				t.Errorf("no packages: %s", value.Repr(r.Facts))
			}
		}},
		{Name: "unknown", Args: `{"manager": ["nonsense"]}`, Fails: "Unsupported package managers requested: nonsense"},
		{Name: "elsewhere", Args: `{"manager": ["pkg_info"]}`, Fails: "Could not detect a supported package manager from the following list: ['pkg_info']", Verify: func(t *testing.T, _ string, r *module.Result) {
			if r.Warnings != nil { // it is no mistake to ask for one that a machine does not have
				t.Errorf("warnings %q", r.Warnings)
			}
		}},
	})
}

func TestRPM(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "rpm"), []byte("#!/bin/sh\nprintf 'k\\t1\\t2\\t(none)\\tx86_64\\nk\\t2\\t1\\t3\\tx86_64\\nkey\\ta\\tb\\t(none)\\t(none)\\n'"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := mt.Call(t, &Module, value.MapOf("manager", "rpm"), mt.Options{Environ: []string{"PATH=" + bin + ":/bin:/usr/bin"}})
	const want = `{"k":[{"name":"k","version":"1","release":"2","epoch":null,"arch":"x86_64","source":"rpm"},` +
		`{"name":"k","version":"2","release":"1","epoch":3,"arch":"x86_64","source":"rpm"}],` +
		`"key":[{"name":"key","version":"a","release":"b","epoch":null,"arch":null,"source":"rpm"}]}`
	if got := string(value.ToJSON(r.Facts.At("packages"))); got != want {
		t.Error(got)
	}
}

func TestOrigins(t *testing.T) {
	byIndex := parseIndexes("Package files:\n 100 /var/lib/dpkg/status\n     release a=now\n 500 http://d/debian bookworm/main amd64 Packages\n     release v=12,o=Debian,a=stable\n     origin d\nPinned packages:\n")
	got := parseOrigins("a:\n  Installed: 1\n  Version table:\n     2 500\n        500 http://x Packages\n *** 1 500\n        500 http://d/debian bookworm/main amd64 Packages\n        100 /var/lib/dpkg/status\nb:\n  Version table:\n *** 1 100\n        100 /var/lib/dpkg/status\n", byIndex)
	if want := map[string]string{"a": "Debian", "b": ""}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
