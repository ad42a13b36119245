package setup

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLVMLabel(t *testing.T) {
	label := func(sector int, kind string) []byte {
		disk := make([]byte, 8192)
		copy(disk[512*sector:], "LABELONE")
		copy(disk[512*sector+24:], kind)
		return disk
	}
	for _, c := range []struct {
		name string
		disk []byte
		want bool
	}{
		{"empty", nil, false},
		{"short", []byte("LABELONE"), false},
		{"blank", make([]byte, 8192), false},
		{"second sector", label(1, "LVM2 001"), true},
		{"last sector it may be in", label(3, "LVM2 001"), true},
		{"too late", label(4, "LVM2 001"), false},
		{"another's label", label(1, "OTHER 01"), false},
	} {
		class, dev := t.TempDir(), t.TempDir()
		for _, name := range []string{"gone", "raid!c0"} {
			if err := os.WriteFile(filepath.Join(class, name), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(filepath.Join(dev, "raid"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dev, "raid/c0"), c.disk, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := anyLabelled(class, dev); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if !anyLabelled(filepath.Join(t.TempDir(), "none"), "/dev") {
		t.Error("what cannot be listed is taken for free of LVM")
	}
}
