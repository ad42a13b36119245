package fetch

import (
	"os"
	"strings"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	target "github.com/tutti-run/tutti/internal/module/target/fetch"
	"github.com/tutti-run/tutti/internal/value"
)

func TestFetch(t *testing.T) {
	mt.Spec(t, &Module.Spec)
	here, there := t.TempDir(), t.TempDir()
	src := mt.Write(t, there, "f", "hi\n")
	ctl := &mt.Controller{Vars: value.MapOf("playbook_dir", here)}
	task := func(kv ...any) *value.Map { return value.MapOf(append([]any{"src", src}, kv...)...) }

	r := mt.Task(t, ctl, &Module, &target.Module, task("dest", "in"))
	path := here + "/in/testhost" + src
	if r.Failed || !r.Changed || r.Get("dest") != path || r.Get("checksum") != r.Get("remote_checksum") || r.Get("md5sum") != "764efa883dda1e11db47671c4a3bbd9e" {
		t.Errorf("result %s", value.Repr(r.ToMap()))
	}
	mt.Has(t, path, "hi\n")
	if r = mt.Task(t, ctl, &Module, &target.Module, task("dest", "in")); r.Failed || r.Changed || r.Get("file") != src || r.Get("dest") != path {
		t.Errorf("the second run: %s", value.Repr(r.ToMap()))
	}
	// A name that only the target can expand.
	t.Setenv("HERE", there)
	byName := value.MapOf("src", "$HERE/f", "dest", "in")
	if r = mt.Task(t, ctl, &Module, &target.Module, byName); r.Failed || r.Changed || r.Get("file") != src {
		t.Errorf("by another name: %s", value.Repr(r.ToMap()))
	}
	mt.Task(t, ctl, &Module, &target.Module, task("dest", "flat", "flat", true))
	mt.Has(t, here+"/flat", "hi\n")
	mt.Task(t, ctl, &Module, &target.Module, task("dest", "dir/", "flat", true))
	mt.Has(t, here+"/dir/f", "hi\n")
	for _, c := range []struct {
		raw    *value.Map
		failed bool
		msg    string
	}{
		{value.MapOf("src", there+"/none", "dest", "x"), true, "the remote file does not exist, not transferring, ignored"},
		{value.MapOf("src", there+"/none", "dest", "x", "fail_on_missing", false), false, "the remote file does not exist, not transferring, ignored"},
		{value.MapOf("src", there, "dest", "x"), true, "remote file is a directory, fetch cannot work on directories"},
		{task("dest", "dir", "flat", true), true, "dest is an existing directory, use a trailing slash"},
	} {
		if r = mt.Task(t, ctl, &Module, &target.Module, c.raw); r.Failed != c.failed || r.Changed || !strings.HasPrefix(r.Msg, c.msg) {
			t.Errorf("%s: %s", value.Repr(c.raw), value.Repr(r.ToMap()))
		}
	}
	ctl.CheckMode = true
	if r = mt.Task(t, ctl, &Module, &target.Module, task("dest", "y")); !r.Skipped {
		t.Error("check mode is not skipped")
	}
}

func TestNamesStayInside(t *testing.T) {
	dir := t.TempDir()
	for _, j := range []*job{{dest: dir + "/d", host: "h"}, {dest: dir + "/d", host: "h", flat: true, slash: true}} {
		if err := j.receive("../../../../evil", strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "d" {
		t.Errorf("written outside: %v %v", entries, err)
	}
}
