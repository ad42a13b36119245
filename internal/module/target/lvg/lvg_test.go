package lvg

import (
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

// The stand-ins keep devices with their groups as lines of a file.
func TestContract(t *testing.T) {
	mt.Bin(t, map[string]string{
		"pvs":       `sed 's/^/  /' $LVM/pvs`,
		"vgs":       `cut -d';' -f2 $LVM/pvs | sort -u | grep . | sed 's/$/;'$(cat $LVM/volumes)'/'`,
		"pvcreate":  `for d; do :; done; echo "$d;" >>$LVM/pvs`,
		"vgcreate":  `shift 2; vg=$1; shift; for d; do sed -i "s,^$d;.*,$d;$vg," $LVM/pvs; done`,
		"vgextend":  `vg=$1; shift; for d; do sed -i "s,^$d;.*,$d;$vg," $LVM/pvs; done`,
		"vgreduce":  `shift 2; for d; do sed -i "s,^$d;.*,$d;," $LVM/pvs; done`,
		"vgremove":  `sed -i "s,;$2\$,;," $LVM/pvs`,
		"pvresize":  `echo 100 100 0 4 >$LVM/size`,
		"pvdisplay": `cat $LVM/size`,
	})
	with := func(t *testing.T, dir string) {
		t.Setenv("LVM", dir)
		for _, f := range []string{"a", "b", "c"} {
			mt.Write(t, dir, f, "")
		}
		mt.Write(t, dir, "pvs", dir+"/a;one\n"+dir+"/b;other\n")
		mt.Write(t, dir, "volumes", "0\n")
		mt.Write(t, dir, "size", "100 50 0 4\n")
	}
	mt.Run(t, &Module, []mt.Case{
		{Name: "create", Setup: with, Args: `{"vg": "new", "pvs": "$DIR/c", "pesize": "32"}`, Changed: true},
		{Name: "there", Setup: with, Args: `{"vg": "one", "pvs": "$DIR/a"}`},
		{Name: "extend", Setup: with, Args: `{"vg": "one", "pvs": ["$DIR/a", "$DIR/c"]}`, Changed: true},
		{Name: "exchange", Setup: with, Args: `{"vg": "one", "pvs": ["$DIR/c"]}`, Changed: true},
		{Name: "grow", Setup: with, Args: `{"vg": "one", "pvs": "$DIR/a", "pvresize": true}`, Changed: true},
		{Name: "absent", Setup: with, Args: `{"vg": "one", "state": "absent"}`, Changed: true},
		{Name: "absent already", Setup: with, Args: `{"vg": "none", "state": "absent"}`},
		{Name: "in use", Setup: with, Args: `{"vg": "one", "pvs": ["$DIR/b"]}`, Fails: "is already in other volume group."},
		{Name: "not empty", Setup: func(t *testing.T, dir string) { with(t, dir); mt.Write(t, dir, "volumes", "2\n") }, Args: `{"vg": "one", "state": "absent"}`, Fails: "Refuse to remove non-empty volume group one"},
		{Name: "no device", Setup: with, Args: `{"vg": "one", "pvs": "/nowhere"}`, Fails: "Device /nowhere not found."},
		{Name: "nothing", Setup: with, Args: `{"vg": "one"}`, Fails: "No physical volumes given."},
	})
}
