package assemble

import (
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	target "github.com/tutti-run/tutti/internal/module/target/assemble"
	"github.com/tutti-run/tutti/internal/module/target/copy"
	"github.com/tutti-run/tutti/internal/value"
)

func TestAssemble(t *testing.T) {
	mt.Spec(t, &Module.Spec)
	dir, there := t.TempDir(), t.TempDir()
	mt.Write(t, dir, "files/s/1", "one")
	mt.Write(t, dir, "files/s/2", "two\n")
	ctl := &mt.Controller{Dir: dir}
	raw := value.MapOf("src", "s", "dest", there+"/out", "remote_src", false, "delimiter", "--")
	if r := mt.Task(t, ctl, &Module, &copy.Module, raw); r.Failed || !r.Changed {
		t.Fatalf("result %s", value.Repr(r.ToMap()))
	}
	mt.Has(t, there+"/out", "one\n--\ntwo\n")
	if r := mt.Task(t, ctl, &Module, &copy.Module, raw); r.Failed || r.Changed {
		t.Errorf("the second run: %s", value.Repr(r.ToMap()))
	}
	if r := mt.Task(t, ctl, &Module, &target.Module, value.MapOf("src", dir+"/files/s", "dest", there+"/out2")); r.Failed || !r.Changed {
		t.Errorf("on the target: %s", value.Repr(r.ToMap()))
	}
}
