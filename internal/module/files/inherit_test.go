package files

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestGivenAwayIsWhatChownLeaves(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, bits := range []uint32{0o644, 0o4755, 0o2755, 0o6755, 0o4644, 0o2644, 0o2664, 0o1777, 0o7711} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Chmod(path, bits); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, os.Geteuid(), os.Getegid()); err != nil {
			t.Fatal(err)
		}
		var st syscall.Stat_t
		if err := syscall.Stat(path, &st); err != nil {
			t.Fatal(err)
		}
		if got := givenAway(bits); got != uint32(st.Mode)&07777 {
			t.Errorf("%#o: %#o, chown leaves %#o", bits, got, st.Mode&07777)
		}
	}
}

func TestReplacementKeepsModeButSetID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, c := range []struct{ had, want os.FileMode }{
		{0o640, 0o640}, {0o755 | os.ModeSetuid, 0o755}, {0o755 | os.ModeSetgid, 0o755},
	} {
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.had); err != nil {
			t.Fatal(err)
		}
		if _, err := (Replacement{Path: path}).Write(context.Background(), strings.NewReader("new")); err != nil {
			t.Fatal(err)
		}
		fi, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := fi.Mode(); got != c.want {
			t.Errorf("%v becomes %v, want %v", c.had, got, c.want)
		}
	}
}
