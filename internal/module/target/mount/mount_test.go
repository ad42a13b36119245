package mount

import (
	"os"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestContract(t *testing.T) {
	const text = "# words\n/dev/a / ext4 defaults 0 1\n/dev/b /srv/b\\040c xfs ro 0 2\nUUID=1 none swap sw 0 0\n/dev/d /d ext4 ro"
	with := func(t *testing.T, dir string) { mt.Write(t, dir, "fstab", text) }
	holds := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) { t.Helper(); mt.Has(t, dir+"/fstab", want) }
	}
	const args = `{"fstab": "$DIR/fstab", `
	mt.Run(t, &Module, []mt.Case{
		{Name: "new", Setup: with, Args: args + `"path": "/n", "src": "/dev/n", "fstype": "ext4", "opts": "ro", "boot": false, "state": "present"}`, Changed: true, Verify: holds(text + "\n/dev/n /n ext4 ro,noauto 0 0\n")},
		{Name: "there", Setup: with, Args: args + `"path": "/srv/b c", "src": "/dev/b", "fstype": "xfs", "opts": "ro", "passno": "2", "state": "present"}`, Verify: holds(text)},
		{Name: "change", Setup: with, Args: args + `"path": "/", "src": "/dev/a", "fstype": "ext4", "opts": "noatime", "passno": "1", "state": "present"}`, Changed: true,
			Verify: holds("# words\n/dev/a / ext4 noatime 0 1\n/dev/b /srv/b\\040c xfs ro 0 2\nUUID=1 none swap sw 0 0\n/dev/d /d ext4 ro\n")},
		{Name: "swap", Setup: with, Args: args + `"path": "none", "src": "UUID=2", "fstype": "swap", "opts": "sw", "state": "present"}`, Changed: true, Verify: holds(text + "\nUUID=2 none swap sw 0 0\n")},
		{Name: "absent from fstab", Setup: with, Args: args + `"path": "/srv/b c", "state": "absent_from_fstab"}`, Changed: true,
			Verify: holds("# words\n/dev/a / ext4 defaults 0 1\nUUID=1 none swap sw 0 0\n/dev/d /d ext4 ro\n")},
		{Name: "absent already", Setup: with, Args: args + `"path": "/nowhere", "state": "absent"}`, Verify: holds(text)},
		{Name: "not mounted", Setup: with, Args: args + `"path": "/nowhere", "state": "unmounted"}`},
		{Name: "no file", Args: args + `"path": "/n", "src": "/dev/n", "fstype": "ext4", "state": "present"}`, Changed: true, Verify: holds("/dev/n /n ext4 defaults 0 0\n")},
		{Name: "cannot be mounted", Setup: with, Args: args + `"path": "$DIR/m/n", "src": "/dev/none", "fstype": "ext4", "state": "mounted"}`, Fails: "Error mounting ",
			Verify: func(t *testing.T, dir string, r *module.Result) {
				holds(text+"\n")(t, dir, r)
				if _, err := os.Stat(dir + "/m"); err == nil {
					t.Error("the directory is still there")
				}
			}},
		{Name: "no source", Setup: with, Args: args + `"path": "/n", "state": "mounted"}`, Fails: "state is mounted but all of the following are missing: src, fstype"},
	})
}

func TestMounted(t *testing.T) {
	m, err := mounted()
	if err != nil || m["/proc"] == "" {
		t.Errorf("%v, %v", m, err)
	}
}
