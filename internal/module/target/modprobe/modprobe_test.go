package modprobe

import (
	"context"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

// The kernel stays as it is: what is loaded by a stand-in is not there after it.
func TestContract(t *testing.T) {
	mt.Bin(t, map[string]string{"modprobe": `case "$*" in *tutti_bad*) echo "modprobe: FATAL: Module tutti_bad not found" >&2; exit 1;; esac`})
	var root string
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		t.Fatal(err)
	}
	m := module.Target{Spec: spec, Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		target := below(root)
		return target.Run(ctx, env, args)
	}}
	with := func(t *testing.T, dir string) {
		root = dir
		mt.Write(t, dir, "proc/modules", "other_thing 16384 0 - Live 0x0\n")
		mt.Write(t, dir, "lib/modules/"+unix.ByteSliceToString(uts.Release[:])+"/modules.builtin", "kernel/fs/tutti_builtin.ko\n")
		mt.Write(t, dir, "etc/modules-load.d/a.conf", "# x\ntutti_b\n")
		mt.Write(t, dir, "etc/modprobe.d/a.conf", "options tutti_b p=1\noptions other q=2\n")
	}
	holds := func(name, want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) {
			t.Helper()
			mt.Has(t, filepath.Join(dir, name), want)
		}
	}
	mt.Run(t, &m, []mt.Case{
		{Name: "load", Setup: with, Args: `{"name": "tutti_a"}`, Changed: true, Again: true},
		{Name: "built in", Setup: with, Args: `{"name": "tutti_builtin"}`},
		{Name: "not found", Setup: with, Args: `{"name": "tutti_bad"}`, Fails: "Module tutti_bad not found"},
		{Name: "persistent", Setup: with, Args: `{"name": "tutti_a", "state": "absent", "persistent": "present", "params": "x=1 y=2"}`, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) {
				holds("etc/modules-load.d/tutti_a.conf", "tutti_a\n")(t, dir, r)
				holds("etc/modprobe.d/tutti_a.conf", "options tutti_a x=1\noptions tutti_a y=2\n")(t, dir, r)
			}},
		{Name: "there", Setup: with, Args: `{"name": "tutti_b", "state": "absent", "persistent": "present", "params": "p=1"}`},
		{Name: "other parameters", Setup: with, Args: `{"name": "tutti_b", "state": "absent", "persistent": "present", "params": "p=2"}`, Changed: true, Verify: holds("etc/modprobe.d/a.conf", "#options tutti_b p=1\noptions other q=2\n")},
		{Name: "absent", Setup: with, Args: `{"name": "tutti_b", "state": "absent", "persistent": "absent"}`, Changed: true, Verify: holds("etc/modules-load.d/a.conf", "# x\n#tutti_b\n")},
	})
}
