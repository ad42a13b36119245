package tool

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestRun(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "say"), []byte("#!/bin/sh\necho $LC_ALL $X; cat; echo err >&2; exit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	env := mt.Env(t, mt.Options{Environ: []string{"PATH=" + bin + ":/bin:/usr/bin", "LC_ALL=de_DE.UTF-8", "X=old"}})
	out, err := Cmd{Argv: []string{"say"}, Stdin: "in\n", Env: map[string]string{"X": "new"}}.Run(t.Context(), env)
	if err != nil || out != (Output{Stdout: "C.UTF-8 new\nin\n", Stderr: "err\n", RC: 3}) {
		t.Errorf("%+v, %v", out, err)
	}
	if n := len(slices.DeleteFunc(Environ(env, nil), func(e string) bool { return !strings.HasPrefix(e, "LC_ALL=") })); n != 1 {
		t.Errorf("LC_ALL is set %d times", n)
	}
	if out, err := (Cmd{Argv: []string{"say"}, Dir: "/no/such/folder"}).Run(t.Context(), env); err != nil || out.RC != 3 {
		t.Errorf("a folder that is not there: %+v, %v", out, err)
	}
	if _, r := Checked(t.Context(), env, "/no/such program", "x"); r == nil || r.Msg != "[Errno 2] No such file or directory: b'/no/such program'" || fmt.Sprint(r.Get("rc")) != "2" || r.Get("cmd") != "'/no/such program' x" || r.Get("stdout") != "" {
		t.Errorf("a program that cannot be started: %v", r.ToMap())
	}
	if _, err := Run(t.Context(), env, "no-such-program"); err == nil || !strings.Contains(err.Error(), `Failed to find required executable "no-such-program" in paths: `+bin) {
		t.Errorf("no such program: %v", err)
	}
}

func TestFindBeyondPath(t *testing.T) {
	env := mt.Env(t, mt.Options{Environ: []string{"PATH=/nonexistent"}})
	if path := Find(env, "no-such-program", "ldconfig"); !strings.HasSuffix(path, "/sbin/ldconfig") {
		t.Errorf("ldconfig is at %q", path)
	}
}

func TestDescribe(t *testing.T) {
	r := module.OK()
	Output{Stderr: "a\nb\n"}.Describe(r)
	if r.Get("stderr") != "a\nb\n" || r.Fields.Has("stdout") || r.Fields.Has("stdout_lines") {
		t.Errorf("%v", r.ToMap())
	}
}

func TestHideLogins(t *testing.T) {
	for text, want := range map[string]string{
		"get https://me:s3cret@host/a":               "get https://me:********@host/a",
		"https://:s3cret@host and ssh://u:p@h2:22/x": "https://:********@host and ssh://u:********@h2:22/x",
		"https://me@host:80/a@b":                     "https://me@host:80/a@b",
		"a: b@c.d":                                   "a: b@c.d",
	} {
		if got := hideLogins(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
