package asyncstatus

import (
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestContract(t *testing.T) {
	is := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, _ string, r *module.Result) {
			if got := value.Repr(r.Get("finished")) + value.Repr(r.Get("rc")); got != want {
				t.Errorf("finished and rc: %s, want %s", got, want)
			}
		}
	}
	write := func(text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { mt.Write(t, dir, "j1.2", text) }
	}
	const args = `{"jid": "j1.2", "_async_dir": "$DIR"}`
	mt.Run(t, &Module, []mt.Case{
		{Name: "running", Args: args, Setup: write(`{"started": 1, "finished": 0, "ansible_job_id": "j1.2"}`), Verify: is("0None")},
		{Name: "not written yet", Args: args, Setup: write(""), Verify: is("0None")},
		{Name: "done", Args: args, Setup: write(`{"rc": 0, "changed": false}`), Verify: is("10")},
		{Name: "failed", Args: args, Setup: write(`{"rc": 1, "failed": true, "msg": "no"}`), Fails: "no", Verify: is("11")},
		{Name: "unknown", Args: args, Fails: "could not find job"},
		{Name: "outside", Args: `{"jid": "../x", "_async_dir": "$DIR"}`, Fails: "could not find job"},
		{Name: "cleanup of none", Args: `{"jid": "j1.2", "_async_dir": "$DIR", "mode": "cleanup"}`, Fails: "could not find job", Verify: func(t *testing.T, dir string, r *module.Result) {
			if r.Get("erased") != dir+"/j1.2" || r.Get("results_file") != nil {
				t.Errorf("%s", value.Repr(r.ToMap()))
			}
		}},
		{Name: "cleanup", Args: `{"jid": "j1.2", "_async_dir": "$DIR", "mode": "cleanup"}`, Setup: write("{}"), Again: true},
	})
}

func TestCheckMode(t *testing.T) {
	dir := t.TempDir()
	mt.Write(t, dir, "j1.2", "{}")
	r := mt.Call(t, &Module, value.MapOf("jid", "j1.2", "_async_dir", dir, "mode", "cleanup"), mt.Options{Check: true})
	if !r.Skipped || r.Get("erased") == nil {
		t.Errorf("%s", value.Repr(r.ToMap()))
	}
	mt.Has(t, dir+"/j1.2", "{}")
}
