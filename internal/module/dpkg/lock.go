package dpkg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// FrontendLock is what programs lock before they change packages, ListsLock
// what they lock before they fetch lists.
const (
	FrontendLock = Admin + "/lock-frontend"
	ListsLock    = "/var/lib/apt/lists/lock"
)

// LockError says who held a lock for too long.
type LockError struct {
	Path    string
	Holder  string // process and program, if they are known
	Timeout time.Duration
}

func (e *LockError) Error() string {
	return fmt.Sprintf("Failed to lock apt for exclusive operation: %s is still held by %s after %s; see lock_timeout",
		e.Path, e.Holder, e.Timeout)
}

// pause is how long to wait before looking at a lock again: a blocking wait
// could not be given up when the deadline or the call's end comes.
const pause = 50 * time.Millisecond

// WaitFree returns when nobody holds the lock, which it does not keep: apt-get
// would not run while we have it. waiting is told who holds it, whenever that
// changes, and "" when a wait has ended. The error is a *LockError after the
// timeout, or ctx's. A lock that is not there is free.
func WaitFree(ctx context.Context, path string, timeout time.Duration, waiting func(holder string)) error {
	_, err := waitFree(ctx, path, timeout, waiting)
	return err
}

func waitFree(ctx context.Context, path string, timeout time.Duration, waiting func(holder string)) (waited bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return false, nil // whoever needs the lock will say it better
	case err != nil:
		return false, err
	}
	defer f.Close()
	deadline := time.Now().Add(timeout)
	said := ""
	defer func() {
		if said != "" {
			waiting("")
		}
	}()
	for {
		lock := unix.Flock_t{Type: unix.F_WRLCK}
		// A lock of the open file, not of the process: closing another
		// descriptor of the same file elsewhere in this process drops the latter.
		if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock); err != nil {
			return false, fmt.Errorf("cannot look at the lock %s: %w", path, err)
		}
		if lock.Type == unix.F_UNLCK {
			return said != "", nil
		}
		if who := holder(int(lock.Pid)); who != said {
			said = who
			waiting(who)
		}
		if time.Now().After(deadline) {
			return true, &LockError{Path: path, Holder: holder(int(lock.Pid)), Timeout: timeout}
		}
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// courtesy is how long others who wait for the lock are let go first. apt looks
// at the lock once a second; without a gap longer than that, work that follows
// on work would keep it from ever getting a turn.
const courtesy = 2500 * time.Millisecond

// WaitTurn is WaitFree for the lock of the packages; besides, it lets another
// program that changes packages, and waits for the lock as well, go first: once,
// or one that never rests would keep us waiting for ever.
func WaitTurn(ctx context.Context, timeout time.Duration, waiting func(holder string)) error {
	for patience := time.Duration(0); ; patience += pause {
		waited, err := waitFree(ctx, FrontendLock, timeout, waiting)
		if err != nil {
			return err
		}
		if waited || patience >= courtesy || !othersWait("/proc") {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// othersWait reports whether a program runs that is about to change packages.
func othersWait(proc string) bool {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.Name()[0] < '0' || e.Name()[0] > '9' {
			continue
		}
		comm, err := os.ReadFile(proc + "/" + e.Name() + "/comm")
		if err != nil {
			continue
		}
		switch strings.TrimSpace(string(comm)) {
		case "apt-get", "apt", "aptitude", "dpkg":
		default:
			continue
		}
		line, err := os.ReadFile(proc + "/" + e.Name() + "/cmdline")
		if err == nil && changes(strings.Split(string(line), "\x00")) {
			return true
		}
	}
	return false
}

// changes reports whether a command line is about to change packages.
func changes(words []string) bool {
	for _, w := range words {
		switch w {
		case "install", "reinstall", "remove", "purge", "autoremove", "autopurge", "upgrade", "safe-upgrade", "full-upgrade", "dist-upgrade", "dselect-upgrade", "build-dep",
			"-i", "--install", "-r", "--remove", "-P", "--purge", "--configure", "--unpack":
			return true
		}
	}
	return false
}

// holder names a process; the system knows none for some kinds of locks.
func holder(pid int) string {
	if pid <= 0 {
		return "another process"
	}
	name := "process " + fmt.Sprint(pid)
	if data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && len(data) > 0 {
		name += " (" + strings.TrimSpace(strings.ReplaceAll(string(data), "\x00", " ")) + ")"
	}
	return name
}
