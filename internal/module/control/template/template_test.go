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
	if r = mt.Task(t, ctl, &Module, &target.Module, value.MapOf("src", "templates", "dest", there+"/z")); !r.Failed || !strings.HasPrefix(r.Msg, "could not find src="+here+"/templates, Could not find or access '") {
		t.Errorf("a folder as template: %s", value.Repr(r.ToMap()))
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
		{"iso-8859-15", "a\xa4"}, {"ISO8859_15", "a\xa4"}, {"cp1251", "a\x88"}, {"gbk", "a\x80"}, {"utf-32-le", "a\x00\x00\x00\xac\x20\x00\x00"}, {"utf_32", "\xff\xfe\x00\x00a\x00\x00\x00\xac\x20\x00\x00"},
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
	for _, name := range []string{"klingon", "iso-2022-jp", "utf-7"} {
		if _, err := encoder(io.Discard, name); err == nil {
			t.Errorf("%s is known", name)
		}
	}
}

// TestBytes lets what is no UTF-8 through where the result is made of bytes.
func TestBytes(t *testing.T) {
	for _, encoding := range []string{"utf-8", "latin-1", "koi8-r"} {
		var got bytes.Buffer
		w, err := encoder(&got, encoding)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, "a\xe9b\xe9"); err != nil {
			t.Errorf("%s: %v", encoding, err)
		}
		if e, ok := w.(*encoded); ok {
			if err := e.Close(); err != nil {
				t.Errorf("%s: %v", encoding, err)
			}
		}
		if got.String() != "a\xe9b\xe9" {
			t.Errorf("%s: %q", encoding, got.String())
		}
	}
	w, err := encoder(io.Discard, "utf-16")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "a\xe9b"); err == nil {
		t.Error("a byte that is no character in UTF-16")
	}
}
