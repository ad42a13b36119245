package group

import (
	"os/user"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

const name = "tutti-test-group"

// remove takes the group away, so that each run of a case begins without it.
func remove(t *testing.T, _ string) {
	t.Helper()
	if r := mt.Call(t, &Module, value.MapOf("name", name, "state", "absent"), mt.Options{}); r.Failed {
		t.Fatalf("%s", r.Msg)
	}
}

func add(gid int) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		remove(t, dir)
		if r := mt.Call(t, &Module, value.MapOf("name", name, "gid", gid), mt.Options{}); r.Failed {
			t.Fatalf("%s", r.Msg)
		}
	}
}

func has(gid string) func(*testing.T, string, *module.Result) {
	return func(t *testing.T, _ string, r *module.Result) {
		t.Helper()
		g, err := user.LookupGroup(name)
		switch {
		case gid == "" && err == nil:
			t.Error("the group is there")
		case gid != "" && err != nil:
			t.Error(err)
		case gid != "" && (g.Gid != gid || value.Str(r.Get("gid")) != gid):
			t.Errorf("the group is %s, the result says %v, want %s", g.Gid, r.Get("gid"), gid)
		}
	}
}

func TestContract(t *testing.T) {
	if !mt.Private(t, "/etc") {
		return
	}
	const args = `{"name": "` + name + `"`
	mt.Run(t, &Module, []mt.Case{
		{Name: "new", Setup: remove, Args: args + `, "gid": 54321}`, Changed: true, Verify: has("54321")},
		{Name: "there", Setup: add(54321), Args: args + `}`, Verify: has("54321")},
		{Name: "other number", Setup: add(54321), Args: args + `, "gid": 54322}`, Changed: true, Verify: has("54322")},
		{Name: "taken number", Setup: remove, Args: args + `, "gid": 29}`, Fails: "GID '29' already exists", Blind: true},
		{Name: "taken number wanted", Setup: remove, Args: args + `, "gid": 29, "non_unique": true}`, Changed: true, Verify: has("29")},
		{Name: "which number", Args: args + `, "non_unique": true}`, Fails: "non_unique is True but all of the following are missing: gid"},
		{Name: "absent", Setup: add(54321), Args: args + `, "state": "absent"}`, Changed: true, Verify: has("")},
		{Name: "absent already", Setup: remove, Args: args + `, "state": "absent"}`, Verify: has("")},
		{Name: "bad name", Args: `{"name": "no:such"}`, Fails: "is not a valid group name", Blind: true},
	})
}
