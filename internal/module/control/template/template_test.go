package template

import (
	"bytes"
	"io"
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
	// More than is kept in memory.
	long := strings.Repeat("a line of some length\n", 100_000)
	mt.Write(t, here, "templates/t.j2", long)
	if r = mt.Task(t, ctl, &Module, &target.Module, task("dest", there+"/z")); !r.Changed || r.Failed {
		t.Errorf("a long template: %.200s", value.Repr(r.ToMap()))
	}
	mt.Has(t, there+"/z", long)
}

func TestSpec(t *testing.T) { mt.Spec(t, &Module.Spec) }

func TestEncode(t *testing.T) {
	for _, c := range []struct{ encoding, want string }{
		{"utf-8", "a€"}, {"windows-1252", "a\x80"}, {"utf-16-be", "\x00a\x20\xac"}, {"utf-16", "\xff\xfea\x00\xac\x20"}, {"utf-8-sig", "\xef\xbb\xbfa€"},
	} {
		var got bytes.Buffer
		w, err := encoder(&got, c.encoding)
		for _, part := range []string{"a", "\xe2", "\x82", "\xac"} {
			if err == nil {
				_, err = io.WriteString(w, part)
			}
		}
		if err != nil || got.String() != c.want {
			t.Errorf("%s: %q, %v; want %q", c.encoding, got.String(), err, c.want)
		}
	}
	if _, err := encoder(io.Discard, "klingon"); err == nil {
		t.Error("unknown encoding accepted")
	}
}
