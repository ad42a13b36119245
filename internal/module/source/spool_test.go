package source

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func TestSpool(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	for _, size := range []int{0, 10, spooled, spooled + 1, 3 * spooled} {
		want := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		var s Spool
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 70_001)
			if _, err := s.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		digest, file, err := s.File()
		if err != nil {
			t.Fatal(err)
		}
		if digest != Digest(want) || file.Size != int64(size) {
			t.Errorf("%d bytes: %s, %d bytes", size, digest, file.Size)
		}
		if inMemory := file.Content == nil; inMemory != (size <= spooled) {
			t.Errorf("%d bytes: in memory %v", size, inMemory)
		}
		for range 2 { // a target may ask again
			in, err := file.Open()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes: %d bytes, %v", size, len(got), err)
			}
			_ = in.Close()
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%d bytes: %s can be seen", size, left[0].Name())
		}
		s.Close()
	}
	t.Setenv("TMPDIR", filepath.Join(dir, "nowhere"))
	var s Spool
	if _, err := s.Write(make([]byte, spooled+1)); err == nil || !strings.Contains(err.Error(), "cannot keep what is to be sent in "+dir) {
		t.Errorf("without a folder: %v", err)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	mt.Write(t, dir, "a", "text\n")
	mt.Write(t, dir, "v", vaultHeader+"1.1;AES256\n00\n")
	ctl := &mt.Controller{Dir: dir}
	for name, want := range map[string]string{"a": "text\n", "v": vaultHeader + "1.1;AES256\n00\n"} {
		f, err := Open(ctl, filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(f)
		if err != nil || string(got) != want || f.Size() != int64(len(want)) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if whole := f.file == nil; whole != (name == "v") {
			t.Errorf("%s: read by the controller %v", name, whole)
		}
		_ = f.Close()
	}
	for _, name := range []string{"nowhere", ""} {
		if _, err := Open(ctl, filepath.Join(dir, name)); err == nil {
			t.Errorf("%q can be read", name)
		}
	}
	if f, err := Open(ctl, "/proc/version"); err != nil || f.Size() == 0 {
		t.Errorf("a file that does not know its size: %v", err)
	}
}
