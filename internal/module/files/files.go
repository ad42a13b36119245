// Package files is what every module that touches files shares: owner, group
// and mode by name or number, attributes, SELinux contexts, atomic replacement,
// backups, validation, checksums, diffs and the facts about a file that results
// carry. Modules that edit a file hold Lock for its path from reading to writing.
package files

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// CommonParams are the parameters of every module that sets attributes of files.
func CommonParams() []module.Param {
	return []module.Param{
		{Name: "mode", Type: module.Raw, Doc: "Permissions, as an octal number or symbolically (u+rwX,g-w)."},
		{Name: "owner", Doc: "User who shall own the file, by name or number."},
		{Name: "group", Doc: "Group that shall own the file, by name or number."},
		{Name: "seuser", Doc: "User part of the SELinux context; _default takes the policy's."},
		{Name: "serole", Doc: "Role part of the SELinux context; _default takes the policy's."},
		{Name: "setype", Doc: "Type part of the SELinux context; _default takes the policy's."},
		{Name: "selevel", Doc: "Level part of the SELinux context; _default takes the policy's."},
		{Name: "attributes", Aliases: []string{"attr"}, Doc: "File attributes as chattr takes them, with an optional leading + or -."},
		{Name: "unsafe_writes", Type: module.Bool, Default: false, Env: "ANSIBLE_UNSAFE_WRITES", Doc: "Write in place where an atomic replacement is impossible."},
	}
}

// States of a path, as results name them.
const (
	Absent    = "absent"
	Link      = "link"
	Directory = "directory"
	Hard      = "hard"
	File      = "file"
)

// State tells what is at path, without following a link.
func State(path string) (string, error) {
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		if err == syscall.ENOENT || err == syscall.ENOTDIR {
			return Absent, nil
		}
		return "", &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	return stateOf(&st), nil
}

func stateOf(st *syscall.Stat_t) string {
	switch {
	case st.Mode&syscall.S_IFMT == syscall.S_IFLNK:
		return Link
	case st.Mode&syscall.S_IFMT == syscall.S_IFDIR:
		return Directory
	case st.Nlink > 1:
		return Hard
	}
	return File
}

// Exists reports whether path is there, following links.
func Exists(path string) bool { _, err := os.Stat(path); return err == nil }

// IsDir reports whether path is a directory, following links.
func IsDir(path string) bool { fi, err := os.Stat(path); return err == nil && fi.IsDir() }

// IsLink reports whether path is a symbolic link.
func IsLink(path string) bool {
	fi, err := os.Lstat(path)
	return err == nil && fi.Mode()&os.ModeSymlink != 0
}

// RealPath follows every link in path as far as it exists.
func RealPath(path string) string {
	if p, err := filepath.EvalSymlinks(path); err == nil {
		path = p
	} else if target, err := os.Readlink(path); err == nil { // a dangling link
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// AddInfo adds to the result what is known about path: uid, gid, owner, group,
// mode, state, size. It adds nothing where there is no such file.
func AddInfo(r *module.Result, path string) {
	if !Exists(path) {
		return
	}
	var st syscall.Stat_t
	if syscall.Lstat(path, &st) != nil {
		return
	}
	r.Set("uid", int(st.Uid)).Set("gid", int(st.Gid))
	r.Set("owner", UserName(int(st.Uid))).Set("group", GroupName(int(st.Gid)))
	r.Set("mode", FormatMode(uint32(st.Mode)&07777))
	r.Set("state", stateOf(&st))
	if seLinuxEnabled() {
		if c, err := seContext(path); err == nil {
			r.Set("secontext", c.String())
		}
	}
	r.Set("size", int(st.Size))
}

// locks holds one mutex for each path in use.
var locks struct {
	mu sync.Mutex
	m  map[string]*pathLock
}

type pathLock struct {
	sync.Mutex
	users int
}

// Lock makes the caller the only one in this process to edit path until it
// calls the returned function, so that of two edits neither is lost.
func Lock(path string) (unlock func()) {
	path = RealPath(path)
	locks.mu.Lock()
	if locks.m == nil {
		locks.m = map[string]*pathLock{}
	}
	l := locks.m[path]
	if l == nil {
		l = &pathLock{}
		locks.m[path] = l
	}
	l.users++
	locks.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		locks.mu.Lock()
		defer locks.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(locks.m, path)
		}
	}
}

// Diff collects what changes besides content. A nil Diff collects nothing.
type Diff struct{ Before, After *value.Map }

// NewDiff returns a diff about path.
func NewDiff(path string) *Diff {
	return &Diff{Before: value.MapOf("path", path), After: value.MapOf("path", path)}
}

// Note records that key changes.
func (d *Diff) Note(key string, before, after any) {
	if d != nil {
		d.Before.Set(key, before)
		d.After.Set(key, after)
	}
}

// Value is the diff as a result carries it.
func (d *Diff) Value() *value.Map { return value.MapOf("before", d.Before, "after", d.After) }
