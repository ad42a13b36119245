package template

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/value"
)

// lookupFiletree lists what is in folders, at any depth. Of a path that several
// have, the first counts.
func lookupFiletree(l *look) ([]any, error) {
	if err := l.only(); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	out := []any{}
	for _, t := range l.terms {
		term, err := l.word(t)
		if err != nil {
			return nil, err
		}
		root := l.folder(term)
		if strings.HasSuffix(term, "/") {
			root += "/"
		}
		if err := l.walk(root, ".", func(rel string) {
			if seen[rel] {
				return
			}
			m, err := fileProps(root, rel)
			if err != nil {
				l.c.warn("filetree: " + err.Error())
				return
			}
			seen[rel] = true
			out = append(out, m)
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// walk gives the entries of a folder, folders first, and then those in its folders.
// What cannot be read is empty.
func (l *look) walk(root, dir string, each func(rel string)) error {
	entries, _ := os.ReadDir(filepath.Join(root, dir))
	var dirs, files []string
	for _, e := range entries {
		rel := filepath.Join(dir, e.Name())
		if st, err := os.Stat(filepath.Join(root, rel)); err == nil && st.IsDir() {
			dirs = append(dirs, rel)
		} else {
			files = append(files, rel)
		}
	}
	for _, rel := range append(slices.Clone(dirs), files...) {
		if err := l.st.step(); err != nil {
			return err
		}
		each(rel)
	}
	for _, rel := range dirs {
		if st, err := os.Lstat(filepath.Join(root, rel)); err != nil || !st.IsDir() {
			continue
		}
		if err := l.walk(root, rel, each); err != nil {
			return err
		}
	}
	return nil
}

// folder finds a folder by the search path of files.
func (l *look) folder(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	dirs := []string{l.c.env().BaseDir}
	if search := l.c.env().SearchDirs; search != nil {
		dirs = search()
	}
	for _, dir := range dirs {
		for _, path := range [...]string{filepath.Join(dir, "files", name), filepath.Join(dir, name)} {
			if st, err := os.Stat(path); err == nil && st.IsDir() {
				return path
			}
		}
	}
	return filepath.Join(l.c.env().BaseDir, "files", name)
}

// fileProps are what filetree tells of a file.
func fileProps(root, path string) (*value.Map, error) {
	full := filepath.Join(root, path)
	info, err := os.Lstat(full)
	if err != nil {
		return nil, err
	}
	m := value.MapOf("root", root, "path", path)
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		src, err := os.Readlink(full)
		if err != nil {
			return nil, err
		}
		m.Set("state", "link")
		m.Set("src", src)
	case mode.IsDir():
		m.Set("state", "directory")
	case mode.IsRegular():
		m.Set("state", "file")
		m.Set("src", full)
	default:
		return nil, fmt.Errorf("the type of %s is not supported", full)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, fmt.Errorf("%s has no owner", full)
	}
	uid, gid := int(st.Uid), int(st.Gid)
	var owner, group any = uid, gid
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		owner = u.Username
	}
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		group = g.Name
	}
	seconds := func(t syscall.Timespec) float64 { return float64(t.Sec) + float64(t.Nsec)*1e-9 }
	m.Update(value.MapOf("uid", uid, "gid", gid, "owner", owner, "group", group, "mode", fmt.Sprintf("0%03o", st.Mode&0o7777),
		"size", int(st.Size), "mtime", seconds(st.Mtim), "ctime", seconds(st.Ctim)))
	return m, nil
}
