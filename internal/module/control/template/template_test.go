package template

import (
	"os"
	"strings"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	target "github.com/tutti-run/tutti/internal/module/target/copy"
	"github.com/tutti-run/tutti/internal/value"
)

func TestTemplate(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	mt.Write(t, here, "templates/t.j2", "x={{ name }}\n")
	ctl := &mt.Controller{Dir: here, Vars: value.MapOf("name", "é"), DiffMode: true}
	task := func(kv ...any) *value.Map { return value.MapOf(append(kv, "src", "t.j2")...) }

	ctl.CheckMode = true
	if r := mt.Task(t, ctl, &Module, &target.Module, task("dest", there+"/x")); !r.Changed || r.Failed {
		t.Fatalf("check mode: %s", value.Repr(r.ToMap()))
	}
	ctl.CheckMode = false
	r := mt.Task(t, ctl, &Module, &target.Module, task("dest", there+"/x", "mode", "0600"))
	if !r.Changed || r.Failed {
		t.Fatalf("result %s", value.Repr(r.ToMap()))
	}
	mt.Has(t, there+"/x", "x=é\n")
	mt.Mode(t, there+"/x", 0o600)
	if d := r.Diff.([]any)[0].(*value.Map); d.At("after") != "x=é\n" || !strings.HasSuffix(value.Str(d.At("after_header")), "t.j2") {
		t.Errorf("diff %s", value.Repr(d))
	}
	if r = mt.Task(t, ctl, &Module, &target.Module, task("dest", there+"/x", "mode", "0600")); r.Changed || r.Failed {
		t.Errorf("the second run: %s", value.Repr(r.ToMap()))
	}
	mt.Task(t, ctl, &Module, &target.Module, task("dest", there))
	mt.Has(t, there+"/t.j2", "x=é\n")
	mt.Task(t, ctl, &Module, &target.Module, task("dest", there+"/y", "output_encoding", "latin-1"))
	mt.Has(t, there+"/y", "x=\xe9\n")
	if r = mt.Task(t, ctl, &Module, &target.Module, task("dest", there+"/z", "output_encoding", "ascii")); !r.Failed {
		t.Error("é is not ASCII")
	}
	if r = mt.Task(t, ctl, &Module, &target.Module, task("dest", there+"/z", "newline_sequence", "x")); !r.Failed {
		t.Error("x is no newline")
	}
	// A file with a hole: it is not read.
	if err := os.Truncate(here+"/templates/t.j2", maxSource+1); err != nil {
		t.Fatal(err)
	}
	if r = mt.Task(t, ctl, &Module, &target.Module, task("dest", there+"/z")); !r.Failed || !strings.Contains(r.Msg, "copy takes files of any size") {
		t.Errorf("a huge template: %.200s", value.Repr(r.ToMap()))
	}
}

func TestSpec(t *testing.T) { mt.Spec(t, &Module.Spec) }

func TestEncode(t *testing.T) {
	for _, c := range []struct{ encoding, want string }{
		{"utf-8", "a€"}, {"windows-1252", "a\x80"}, {"utf-16-be", "\x00a\x20\xac"}, {"utf-16", "\xff\xfea\x00\xac\x20"}, {"utf-8-sig", "\xef\xbb\xbfa€"},
	} {
		if got, err := encode("a€", c.encoding); err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v; want %q", c.encoding, got, err, c.want)
		}
	}
	if _, err := encode("a", "klingon"); err == nil {
		t.Error("unknown encoding accepted")
	}
}
