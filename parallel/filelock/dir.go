package filelock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	err := os.Mkdir(dir, 0o777)
	if err == nil {
		// Beyond the umask: sticky and set-gid, for all.
		return os.Chmod(dir, 0o777|fs.ModeSticky|fs.ModeSetgid)
	}
	if !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("cannot make the directory for shared locks: %w", err)
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
