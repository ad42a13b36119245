package unarchive

import (
	"archive/tar"
	"hash/crc32"
	"io"
	"os"
	"syscall"

	"github.com/tutti-run/tutti/internal/module/files"
)

// itemize tells, in the manner of rsync, how what is at path differs from a
// member of a zip archive: "" if it does not, or if it is newer and stays.
func (u *unpacker) itemize(m *member, path string) string {
	letter, kind := "f", uint32(syscall.S_IFREG)
	switch m.kind {
	case tar.TypeDir:
		letter, kind = "d", syscall.S_IFDIR
	case tar.TypeSymlink:
		letter, kind = "L", syscall.S_IFLNK
	}
	var st syscall.Stat_t
	if syscall.Lstat(path, &st) != nil {
		return ">" + letter + "++++++.??"
	}
	if st.Mode&syscall.S_IFMT != kind {
		return "c" + letter + "++++++.??"
	}
	item := []byte("." + letter + ".......??")
	same := string(item)
	switch m.kind {
	case tar.TypeReg:
		newer := st.Mtim.Sec - m.mtime.Unix()
		if u.args.Bool("keep_newer") && newer > 0 {
			return ""
		}
		if newer != 0 {
			item[4] = 't'
		}
		if st.Size != m.size {
			item[3] = 's'
		}
		if sum, err := checksum(path); err != nil || sum != m.crc {
			item[2] = 'c'
		}
	case tar.TypeSymlink:
		if target, err := os.Readlink(path); err != nil || target != m.link {
			item[2] = 'c'
		}
	}
	if m.kind != tar.TypeSymlink && !u.modeFits(m, path, &st) {
		item[5] = 'p'
	}
	if int(st.Uid) != wanted(u.attrs.Owner, m.uid, files.UserID) {
		item[6] = 'o'
	}
	if int(st.Gid) != wanted(u.attrs.Group, m.gid, files.GroupID) {
		item[6] = 'g'
	}
	if string(item) == same {
		return ""
	}
	return string(item)
}

func (u *unpacker) modeFits(m *member, path string, st *syscall.Stat_t) bool {
	if u.attrs.Mode == nil {
		return uint32(st.Mode)&07777 == u.modeOf(m)
	}
	changes, err := files.Attrs{Mode: u.attrs.Mode}.Apply(path, true, nil)
	return err == nil && !changes // a wrong mode is reported when it is set
}

// wanted is the owner that the task asks for, or else the archive's.
func wanted(name string, id int, find func(string) (int, bool)) int {
	if n, ok := find(name); ok {
		return n
	}
	return id
}

func checksum(path string) (uint32, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	h := crc32.NewIEEE()
	_, err = io.Copy(h, f)
	return h.Sum32(), err
}
