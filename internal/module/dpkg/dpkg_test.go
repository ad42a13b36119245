package dpkg

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The order is what `dpkg --compare-versions` says.
func TestCompare(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1.0", "1.0", 0}, {"1.0", "1.1", -1}, {"1.9", "1.10", -1}, {"1:0.1", "2.0", 1}, {"1.0~rc1", "1.0", -1},
		{"1.0-1", "1.0-2", -1}, {"1.0", "1.0-1", -1}, {"1.0a", "1.0", 1}, {"1.0+b1", "1.0a", 1}, {"1.0~~", "1.0~", -1},
		{"0:1.0", "1.0", 0}, {"1.00", "1.0", 0}, {"2.36-9+deb12u4", "2.36-9", 1}, {"1.2.3", "1.2", 1}, {"1.0-0", "1.0", 0},
	} {
		if got := Compare(c.a, c.b); sign(got) != c.want {
			t.Errorf("Compare(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := Compare(c.b, c.a); sign(got) != -c.want {
			t.Errorf("Compare(%q, %q) = %d, want %d", c.b, c.a, got, -c.want)
		}
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func TestParse(t *testing.T) {
	db := parse([]byte(`Package: dpkg
Status: install ok installed
Architecture: amd64
Version: 1.21

Package: libc6
Status: install ok installed
Architecture: i386
Multi-Arch: same
Version: 2.36
Description: C library
 Package: not-one

Package: old
Status: deinstall ok config-files
Architecture: all
Version: 1
`))
	if len(db.Packages) != 3 || db.Arch() != "amd64" {
		t.Fatalf("%d packages, architecture %q", len(db.Packages), db.Arch())
	}
	if db.Find("libc6") != nil || !db.Find("libc6:i386").Installed() || !db.Find("dpkg:amd64").Installed() {
		t.Error("architectures are mixed up")
	}
	if old := db.Find("old"); old == nil || old.Installed() || old.Want != "deinstall" {
		t.Errorf("old is %+v", old)
	}
}

func TestLockNamesItsHolder(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is needed to hold a lock as dpkg does")
	}
	path := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WaitFree(t.Context(), path, time.Minute, func(string) {}); err != nil {
		t.Errorf("a free lock: %v", err)
	}
	cmd := exec.Command(python, "-c", "import fcntl,sys; f=open(sys.argv[1],'w'); fcntl.lockf(f,fcntl.LOCK_EX); print(1,flush=True); sys.stdin.read()", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	var said []string
	err = WaitFree(t.Context(), path, 10*time.Millisecond, func(who string) { said = append(said, who) })
	if len(said) != 2 || !strings.Contains(said[0], "import fcntl") || said[1] != "" {
		t.Errorf("told of the wait: %q", said)
	}
	var locked *LockError
	if !errors.As(err, &locked) || !strings.Contains(locked.Holder, "import fcntl") {
		t.Errorf("a held lock: %v", err)
	}
	in.Close()
	if err := WaitFree(t.Context(), path, time.Minute, func(string) {}); err != nil {
		t.Errorf("a lock that was let go: %v", err)
	}
}

func TestOthersWait(t *testing.T) {
	for _, c := range []struct {
		comm, line string
		want       bool
	}{
		{"apt-get", "apt-get\x00-y\x00install\x00x\x00", true}, {"dpkg", "dpkg\x00-i\x00x.deb\x00", true}, {"apt", "apt\x00list\x00", false},
		{"sh", "sh\x00-c\x00apt-get install x\x00", false}, {"apt-get", "apt-get\x00update\x00", false},
	} {
		proc := t.TempDir()
		dir := filepath.Join(proc, "12")
		if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "comm"), []byte(c.comm+"\n"), 0o644),
			os.WriteFile(filepath.Join(dir, "cmdline"), []byte(c.line), 0o644), os.Mkdir(filepath.Join(proc, "sys"), 0o755), os.Mkdir(filepath.Join(proc, "13"), 0o755)); err != nil {
			t.Fatal(err)
		}
		if got := othersWait(proc); got != c.want {
			t.Errorf("%q: %v", c.line, got)
		}
	}
}
