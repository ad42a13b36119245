package files

import (
	"fmt"
	"syscall"

	"github.com/tutti-run/tutti/internal/value"
)

// Seconds is a time of a file as Python's stat gives it.
func Seconds(t syscall.Timespec) float64 { return float64(t.Sec) + float64(t.Nsec)/1e9 }

var kinds = []struct {
	name string
	kind uint32
}{
	{"isdir", syscall.S_IFDIR}, {"ischr", syscall.S_IFCHR}, {"isblk", syscall.S_IFBLK}, {"isreg", syscall.S_IFREG},
	{"isfifo", syscall.S_IFIFO}, {"islnk", syscall.S_IFLNK}, {"issock", syscall.S_IFSOCK},
}

var permissions = []struct {
	name string
	bit  uint32
}{
	{"wusr", 0o200}, {"rusr", 0o400}, {"xusr", 0o100}, {"wgrp", 0o020}, {"rgrp", 0o040}, {"xgrp", 0o010}, {"woth", 0o002}, {"roth", 0o004}, {"xoth", 0o001},
	{"isuid", syscall.S_ISUID}, {"isgid", syscall.S_ISGID},
}

// StatFields adds to m what stat and find both tell about a file first.
func StatFields(m *value.Map, st *syscall.Stat_t) {
	m.Set("mode", fmt.Sprintf("%04o", st.Mode&07777))
	for _, k := range kinds {
		m.Set(k.name, st.Mode&syscall.S_IFMT == k.kind)
	}
	m.Set("uid", int(st.Uid))
	m.Set("gid", int(st.Gid))
	m.Set("size", int(st.Size))
	m.Set("inode", int(st.Ino))
	m.Set("dev", int(st.Dev))
	m.Set("nlink", int(st.Nlink))
	m.Set("atime", Seconds(st.Atim))
	m.Set("mtime", Seconds(st.Mtim))
	m.Set("ctime", Seconds(st.Ctim))
}

// PermissionFields adds to m what both tell about the bits of the mode.
func PermissionFields(m *value.Map, st *syscall.Stat_t) {
	for _, p := range permissions {
		m.Set(p.name, st.Mode&p.bit != 0)
	}
}
