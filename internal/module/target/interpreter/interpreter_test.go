package interpreter

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	mt.Run(t, &Module, []mt.Case{{Name: "silent", Args: `{"mode": "auto_silent", "host": "h"}`, Verify: func(t *testing.T, _ string, r *module.Result) {
		if len(r.Warnings) > 0 {
			t.Errorf("it warns: %q", r.Warnings)
		}
	}}})
}

func TestChoose(t *testing.T) {
	const py, py3, platform = "/usr/bin/python", "/usr/bin/python3", "/usr/libexec/platform-python"
	for _, c := range []struct {
		mode, id, version string
		there             string
		want, warning     string
	}{
		{"auto", "debian", "12", "/usr/bin/python3.11 " + py3, py3, ""},
		{"auto", "debian", "9", py + " " + py3, py, ""},
		{"auto", "debian", "7", py, py, ""},
		{"auto", "ubuntu", "22.04", py3, py3, ""},
		{"auto", "ubuntu", "15.10", py + " " + py3, py, ""},
		{"auto", "rhel", "8.9", py3 + " " + platform, platform, ""},
		{"auto", "rocky", "9.3", py3 + " " + platform, py3, ""},
		{"auto", "centos", "7", py + " " + py3, py, ""},
		{"auto", "debian", "12", "/usr/local/bin/python3.11", "/usr/local/bin/python3.11", "Distribution debian 12 on host h should use /usr/bin/python3, but is using /usr/local/bin/python3.11"},
		{"auto_legacy", "debian", "12", py3 + " " + py, py, "should use /usr/bin/python3, but is using /usr/bin/python for backward compatibility"},
		{"auto_legacy", "debian", "12", py3, py3, ""},
		{"auto", "arch", "", "/usr/bin/python3.12 " + py, "/usr/bin/python3.12", "Platform linux on host h is using the discovered Python interpreter at /usr/bin/python3.12"},
		{"auto", "debian", "12", "", "", ""},
	} {
		got, warnings := choose(c.mode, "h", c.id, c.version, Fallback, strings.Fields(c.there))
		text := strings.Join(warnings, "\n")
		if got != c.want || !strings.Contains(text, c.warning) || c.warning == "" && text != "" {
			t.Errorf("%s on %s %s with %s: %q, warning %q", c.mode, c.id, c.version, c.there, got, text)
		}
	}
}

func TestFallbackOfTheUser(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "mypython")
	if err := os.WriteFile(mine, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	got, _ := Discover([]string{"PATH=" + dir}, "auto", "h", []string{"mypython"})
	if got != mine {
		t.Errorf("found %q", got)
	}
}

func TestFind(t *testing.T) {
	for asked, want := range map[string]string{"/no/such/python": "is not there", "no-such-python": "is not on the PATH"} {
		if _, err := Find([]string{"PATH=/bin"}, asked, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", asked, err)
		}
	}
	if p, err := Find([]string{"PATH=/bin"}, "/bin/sh", ""); err != nil || p != "/bin/sh" {
		t.Errorf("%q, %v", p, err)
	}
}
