package unarchive

import (
	"archive/tar"
	"bytes"
	"os"
	"strings"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/module/source"
	target "github.com/tutti-run/tutti/internal/module/target/unarchive"
	"github.com/tutti-run/tutti/internal/value"
)

func TestUnarchive(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "a", Typeflag: tar.TypeReg, Size: 2, Mode: 0o644, Uid: os.Getuid(), Gid: os.Getgid()}); err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("hi"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	mt.Write(t, here, "files/a.tar", b.String())
	ctl, m := &mt.Controller{Dir: here}, New(source.NewCache())
	mt.Spec(t, &m.Spec)
	for _, changed := range []bool{true, false} {
		r := mt.Task(t, ctl, m, &target.Module, value.MapOf("src", "a.tar", "dest", there))
		if r.Failed || r.Changed != changed || r.Get("src") != here+"/files/a.tar" {
			t.Errorf("result %s", value.Repr(r.ToMap()))
		}
	}
	mt.Has(t, there+"/a", "hi")
	for _, bad := range []*value.Map{
		value.MapOf("src", "none.tar", "dest", there),
		value.MapOf("src", "a.tar", "dest", there, "copy", true, "remote_src", false),
		value.MapOf("src", "a.tar", "dest", there, "copy", false), // not on the target
	} {
		if r := mt.Task(t, ctl, m, &target.Module, bad); !r.Failed {
			t.Errorf("%s: %s", value.Repr(bad), value.Repr(r.ToMap()))
		}
	}
	created := value.MapOf("src", "none.tar", "dest", there, "creates", there+"/a")
	if r := mt.Task(t, ctl, m, &target.Module, created); !r.Skipped || r.Failed {
		t.Error(value.Repr(r.ToMap()))
	}
	created.Set("creates", there+"/none")
	if r := mt.Task(t, ctl, m, &target.Module, created); !r.Failed || !strings.Contains(r.Msg, "none.tar") {
		t.Error(value.Repr(r.ToMap()))
	}
	both := value.MapOf("src", "a.tar", "dest", "/nowhere", "copy", true, "remote_src", true)
	if r := mt.Task(t, &mt.Controller{}, New(source.NewCache()), &target.Module, both); r.Msg != "parameters are mutually exclusive: ('copy', 'remote_src')" {
		t.Error(value.Repr(r.ToMap()))
	}
}
