package script

import (
	"strings"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/module/source"
	target "github.com/tutti-run/tutti/internal/module/target/script"
	"github.com/tutti-run/tutti/internal/value"
)

func TestScript(t *testing.T) {
	dir := t.TempDir()
	mt.Write(t, dir, "files/s.sh", "#!/bin/sh\necho \"$0|$1|$2\"; pwd; exit ${3:-0}\n")
	mt.Write(t, dir, "files/a b.sh", "echo spaced\n")
	m, ctl := New(source.NewCache()), &mt.Controller{Dir: dir}
	mt.Spec(t, &m.Spec)

	r := mt.Task(t, ctl, m, &target.Module, value.MapOf("_raw_params", "s.sh a 'b c'", "chdir", "/"))
	lines, _ := r.Get("stdout_lines").([]any)
	if r.Failed || !r.Changed || len(lines) != 2 || !strings.HasSuffix(value.Str(lines[0]), "/s.sh|a|b c") || lines[1] != "/" {
		t.Errorf("result %s", value.Repr(r.ToMap()))
	}
	r = mt.Task(t, ctl, m, &target.Module, value.MapOf("cmd", "s.sh x y 3"))
	if !r.Failed || r.Msg != "non-zero return code" || r.Get("rc") != 3 || !r.Changed {
		t.Errorf("result %s", value.Repr(r.ToMap()))
	}
	r = mt.Task(t, ctl, m, &target.Module, value.MapOf("cmd", "'a b.sh'", "executable", "/bin/sh"))
	if r.Failed || r.Get("stdout") != "spaced\n" {
		t.Errorf("a name with a blank: %s", value.Repr(r.ToMap()))
	}
	r = mt.Task(t, ctl, m, &target.Module, value.MapOf("cmd", "s.sh", "creates", dir))
	if !r.Skipped || r.Msg != dir+" exists, matching creates option" {
		t.Errorf("creates: %s", value.Repr(r.ToMap()))
	}
	for _, bad := range []*value.Map{value.MapOf("cmd", "none.sh"), value.MapOf("cmd", ""), value.MapOf("cmd", "s.sh", "chdir", "x")} {
		bad.Set("creates", dir)
		if r = mt.Task(t, ctl, m, &target.Module, bad); !r.Skipped {
			t.Errorf("not to run: %s: %s", value.Repr(bad), value.Repr(r.ToMap()))
		}
		bad.Set("creates", "/none")
		if r = mt.Task(t, ctl, m, &target.Module, bad); !r.Failed || r.Msg == "" {
			t.Errorf("to run: %s: %s", value.Repr(bad), value.Repr(r.ToMap()))
		}
	}
	for _, bad := range []*value.Map{value.MapOf("cmd", "none.sh"), value.MapOf("cmd", "files"), value.MapOf("cmd", ""), value.MapOf("cmd", "s.sh", "chdir", "x"), value.MapOf("cmd", "'s.sh")} {
		if r = mt.Task(t, ctl, m, &target.Module, bad); !r.Failed {
			t.Errorf("%s: %s", value.Repr(bad), value.Repr(r.ToMap()))
		}
	}
	ctl.CheckMode = true
	if r = mt.Task(t, ctl, m, &target.Module, value.MapOf("cmd", "s.sh")); !r.Skipped || r.Changed {
		t.Errorf("check mode: %s", value.Repr(r.ToMap()))
	}
	if r = mt.Task(t, ctl, m, &target.Module, value.MapOf("cmd", "s.sh", "creates", "/none")); r.Skipped || !r.Changed {
		t.Errorf("check mode with creates: %s", value.Repr(r.ToMap()))
	}
}
