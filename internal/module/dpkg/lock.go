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
// would not run while we have it. The error is a *LockError after the timeout,
// or ctx's. A lock that is not there is free.
func WaitFree(ctx context.Context, path string, timeout time.Duration) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return nil // whoever needs the lock will say it better
	case err != nil:
		return err
	}
	defer f.Close()
	deadline := time.Now().Add(timeout)
	for {
		lock := unix.Flock_t{Type: unix.F_WRLCK}
		// A lock of the open file, not of the process: closing another
		// descriptor of the same file elsewhere in this process drops the latter.
		if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &lock); err != nil {
			return fmt.Errorf("cannot look at the lock %s: %w", path, err)
		}
		if lock.Type == unix.F_UNLCK {
			return nil
		}
		if time.Now().After(deadline) {
			return &LockError{Path: path, Holder: holder(int(lock.Pid)), Timeout: timeout}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
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
