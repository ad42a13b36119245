package acl

import (
	"os/exec"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestContract(t *testing.T) {
	if exec.Command("sh", "-c", "f=$(mktemp) && setfacl -m u:1:r $f && rm $f").Run() != nil {
		t.Skip("no access control lists here")
	}
	with := func(t *testing.T, dir string) { mt.Write(t, dir, "f", "") }
	shows := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, _ string, r *module.Result) {
			t.Helper()
			if got := value.Repr(r.Get("acl")); got != want {
				t.Errorf("acl %s", got)
			}
		}
	}
	const args = `{"path": "$DIR/f", `
	mt.Run(t, &Module, []mt.Case{
		{Name: "present", Setup: with, Args: args + `"state": "present", "etype": "user", "entity": "nobody", "permissions": "rw"}`, Changed: true,
			Verify: shows("['user::rw-', 'user:nobody:rw-', 'group::r--', 'mask::rw-', 'other::r--']")},
		{Name: "in one", Setup: with, Args: args + `"state": "present", "entry": "g:daemon:r"}`, Changed: true},
		{Name: "default", Args: `{"path": "$DIR", "state": "present", "entry": "default:user:nobody:rwx"}`, Changed: true},
		{Name: "absent", Setup: func(t *testing.T, dir string) {
			with(t, dir)
			if out, err := exec.Command("setfacl", "-m", "u:nobody:rw", dir+"/f").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}, Args: args + `"state": "absent", "etype": "user", "entity": "nobody"}`, Changed: true},
		{Name: "query", Setup: with, Args: args + `"state": "query"}`, Verify: shows("['user::rw-', 'group::r--', 'other::r--']")},
		{Name: "no file", Args: args + `"state": "query"}`, Fails: "Path not found or not accessible."},
		{Name: "no type", Setup: with, Args: args + `"state": "present", "entity": "nobody"}`, Fails: "'etype' MUST be set when 'state=present'."},
		{Name: "short entry", Setup: with, Args: args + `"state": "present", "entry": "user:nobody"}`, Fails: "'entry' MUST have 3 or 4 sections"},
		{Name: "both", Setup: with, Args: args + `"state": "present", "entry": "user:nobody:r", "etype": "user"}`, Fails: "'entry' MUST NOT be set when"},
	})
}
