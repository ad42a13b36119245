package moduletest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// private marks the process that Private has started.
const private = "TUTTI_MODULETEST_PRIVATE"

// Private runs the rest of the test in a process that has copies of its own of
// the directories, so that modules which change the machine can be tested on
// it: what they write there is gone afterwards. The test is skipped where that
// cannot be had, which needs root.
//
// It returns false in the process that started the other one, which then has
// nothing left to do:
//
//	if !moduletest.Private(t, "/etc", "/home") {
//		return
//	}
func Private(t *testing.T, dirs ...string) bool {
	t.Helper()
	if os.Getenv(private) == t.Name() {
		cover(t, dirs)
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can change the machine, even a copy of it")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), private+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if len(out) == 0 && err != nil {
		t.Skipf("a process cannot have mounts of its own here: %v", err)
	}
	switch {
	case err != nil || !strings.Contains(string(out), "--- "):
		t.Errorf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP: "+t.Name()+" "):
		t.Skipf("%s", out)
	}
	return false
}

// cover lays an overlay over each directory that takes what is written.
func cover(t *testing.T, dirs []string) {
	t.Helper()
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Skipf("mounts cannot be made private here: %v", err)
	}
	// An overlay's own directories must be on a file system that it supports,
	// which the one of the tests need not be.
	room := t.TempDir()
	if err := syscall.Mount("tmpfs", room, "tmpfs", 0, ""); err != nil {
		t.Skipf("no tmpfs can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(room, syscall.MNT_DETACH) })
	for i, dir := range dirs {
		upper, work := filepath.Join(room, fmt.Sprint("upper", i)), filepath.Join(room, fmt.Sprint("work", i))
		for _, d := range []string{upper, work} {
			if err := os.Mkdir(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := syscall.Mount("overlay", dir, "overlay", 0, fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", dir, upper, work)); err != nil {
			t.Skipf("no overlay can be mounted here: %v", err)
		}
	}
}
