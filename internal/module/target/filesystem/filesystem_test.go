package filesystem

import (
	"os"
	"os/exec"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

// Real file systems, in files.
func TestContract(t *testing.T) {
	for _, program := range []string{"mkfs.ext4", "mkfs.ext2", "blkid", "tune2fs", "resize2fs", "wipefs"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	empty := func(t *testing.T, dir string) {
		if err := os.WriteFile(mt.Write(t, dir, "f", ""), make([]byte, 2<<20), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ext2 := func(t *testing.T, dir string) {
		empty(t, dir)
		if out, err := exec.Command("mkfs.ext2", "-q", "-F", dir+"/f").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	is := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) {
			t.Helper()
			out, _ := exec.Command("blkid", "-c", "/dev/null", "-o", "value", "-s", "TYPE", dir+"/f").Output() // none is an error for blkid
			if string(out) != want {
				t.Errorf("there is %q", out)
			}
		}
	}
	const args = `{"dev": "$DIR/f", `
	mt.Run(t, &Module, []mt.Case{
		{Name: "make", Setup: empty, Args: args + `"fstype": "ext4", "opts": "-q -L name"}`, Changed: true, Verify: is("ext4\n")},
		{Name: "there", Setup: ext2, Args: args + `"fstype": "ext2"}`, Verify: is("ext2\n")},
		{Name: "another", Setup: ext2, Args: args + `"fstype": "ext4"}`, Fails: "is already used as ext2, use force=true to overwrite"},
		{Name: "over another", Setup: ext2, Args: args + `"fstype": "ext4", "force": true}`, Changed: true, Again: true, Verify: is("ext4\n")},
		{Name: "as large as it can be", Setup: ext2, Args: args + `"fstype": "ext2", "resizefs": true}`},
		{Name: "grow", Setup: func(t *testing.T, dir string) {
			ext2(t, dir)
			if err := os.Truncate(dir+"/f", 4<<20); err != nil {
				t.Fatal(err)
			}
		}, Args: args + `"fstype": "ext2", "resizefs": true}`, Changed: true},
		{Name: "absent", Setup: ext2, Args: args + `"state": "absent"}`, Changed: true, Verify: is("")},
		{Name: "absent already", Setup: empty, Args: args + `"state": "absent"}`},
		{Name: "no device", Args: args + `"fstype": "ext4"}`, Fails: "not found."},
		{Name: "no kind", Setup: empty, Args: args + `"state": "present"}`, Fails: "state is present but all of the following are missing: fstype"},
	})
}

// Where xfs is not mounted it can be measured, but does not grow.
func TestUnmounted(t *testing.T) {
	mt.Bin(t, map[string]string{
		"blkid":    "echo xfs",
		"findmnt":  "exit 1",
		"xfs_info": "printf 'meta-data=x isize=512\ndata     =                       bsize=4096   blocks=256, imaxpct=25\n'",
	})
	path := mt.Write(t, t.TempDir(), "f", "")
	if err := os.Truncate(path, 2<<20); err != nil {
		t.Fatal(err)
	}
	args := value.MapOf("dev", path, "fstype", "xfs", "resizefs", true)
	if r := mt.Call(t, &Module, args, mt.Options{Check: true}); r.Failed || !r.Changed {
		t.Errorf("check mode: %s", value.Repr(r.ToMap()))
	}
	if r := mt.Call(t, &Module, args, mt.Options{}); !r.Failed || r.Msg != path+" needs to be mounted for XFS operations" {
		t.Error(value.Repr(r.ToMap()))
	}
	if err := os.Truncate(path, 1<<20); err != nil {
		t.Fatal(err)
	}
	if r := mt.Call(t, &Module, args, mt.Options{}); r.Failed || r.Changed {
		t.Errorf("as large as it can be: %s", value.Repr(r.ToMap()))
	}
}
