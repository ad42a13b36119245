package filesystem

import (
	"os"
	"os/exec"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
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
