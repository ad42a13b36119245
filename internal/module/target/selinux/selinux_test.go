package selinux

import (
	"context"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	var dir string
	m := module.Target{Spec: spec, Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		target := at(dir)
		return target.Run(ctx, env, args)
	}}
	const text = "# words\nSELINUX=enforcing\nSELINUXTYPE=targeted\n"
	with := func(t *testing.T, d string) {
		dir = d + "/sys"
		mt.Write(t, d, "sys/enforce", "1")
		mt.Write(t, d, "etc/config", text)
		mt.Write(t, d, "etc/targeted/x", "")
		mt.Write(t, d, "etc/mls/x", "")
	}
	holds := func(config, enforce string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, d string, _ *module.Result) {
			t.Helper()
			mt.Has(t, d+"/etc/config", config)
			mt.Has(t, d+"/sys/enforce", enforce)
		}
	}
	const args = `{"configfile": "$DIR/etc/config", `
	mt.Run(t, &m, []mt.Case{
		{Name: "same", Setup: with, Args: args + `"state": "enforcing", "policy": "targeted"}`, Verify: holds(text, "1")},
		{Name: "permissive", Setup: with, Args: args + `"state": "permissive", "policy": "targeted"}`, Changed: true, Verify: holds("# words\nSELINUX=permissive\nSELINUXTYPE=targeted\n", "0")},
		{Name: "disabled", Setup: with, Args: args + `"state": "disabled"}`, Changed: true, Verify: func(t *testing.T, d string, r *module.Result) {
			holds("# words\nSELINUX=disabled\nSELINUXTYPE=targeted\n", "0")(t, d, r)
			if r.Get("reboot_required") != true {
				t.Error("no reboot is required")
			}
		}},
		{Name: "policy", Setup: with, Args: args + `"state": "enforcing", "policy": "mls"}`, Changed: true, Verify: holds("# words\nSELINUX=enforcing\nSELINUXTYPE=mls\n", "1")},
		{Name: "no policy", Setup: with, Args: args + `"state": "enforcing"}`, Fails: "Policy is required if state is not 'disabled'"},
		{Name: "unknown policy", Setup: with, Args: args + `"state": "enforcing", "policy": "none"}`, Fails: "Policy none does not exist in"},
		{Name: "no SELinux", Setup: func(_ *testing.T, d string) { dir = d + "/sys" }, Args: args + `"state": "permissive", "policy": "targeted"}`, Fails: "Unable to find file"},
	})
}
