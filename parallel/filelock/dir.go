package filelock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// DefaultDir is the directory that the users of a machine share: the first of
// /run/lock/tutti.shared, /var/tmp/tutti.shared and a folder of the directory for
// temporary files whose parent is there. It is made for all users, sticky, so
// that nobody removes the files of others. An operator who makes it beforehand,
// set-gid and for a group only, limits it to that group:
//
//	install -d -m 2770 -g ops /run/lock/tutti.shared
func DefaultDir() string {
	for _, parent := range []string{"/run/lock", "/var/tmp"} {
		if st, err := os.Stat(parent); err == nil && st.IsDir() && (os.Geteuid() == 0 || st.Mode()&fs.ModeSticky != 0) {
			return filepath.Join(parent, "tutti.shared")
		}
	}
	return filepath.Join(os.TempDir(), "tutti.shared")
}

// ensureDir makes the directory, for everybody, or checks the one that is there.
func ensureDir(dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
		if err := makeDir(dir); err != nil {
			return fmt.Errorf("cannot make the directory for shared locks: %w", err)
		}
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("cannot look at the directory for shared locks: %w", err)
	}
	if !st.IsDir() {
		return fmt.Errorf("refusing to keep shared locks in %s: it is not a directory", dir)
	}
	if st.Mode().Perm()&0o002 != 0 && st.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("refusing to keep shared locks in %s: everybody may remove the files of others there; chmod +t it", dir)
	}
	return nil
}

// makeDir makes it sticky and set-gid, for all, whatever the umask. It appears
// with that at once: another user may come in the same moment.
func makeDir(dir string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".tutti-")
	if err != nil {
		return err
	}
	err = os.Chmod(tmp, 0o777|fs.ModeSticky|fs.ModeSetgid)
	if err == nil {
		err = unix.Renameat2(unix.AT_FDCWD, tmp, unix.AT_FDCWD, dir, unix.RENAME_NOREPLACE)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
			err = os.Rename(tmp, dir) // over an empty one, on file systems that know no better
		}
	}
	if err != nil {
		_ = os.Remove(tmp)
	}
	if errors.Is(err, os.ErrExist) {
		return nil // somebody was quicker
	}
	return err
}
