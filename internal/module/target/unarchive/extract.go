package unarchive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module/files"
)

// extract unpacks the chosen members. Links are made last, so that no file can
// be written through a link that the archive itself brings.
func (u *unpacker) extract(ctx context.Context) error {
	var links, dirs []func() error
	err := u.a.each(ctx, func(m *member, content io.Reader) error {
		rel, err := u.chosen.target(m)
		if err != nil || rel == "" {
			return err
		}
		path := filepath.Join(u.dest, rel)
		if err := u.safe(path, m); err != nil {
			return err
		}
		switch m.kind {
		case tar.TypeDir:
			if u.a.isZip && files.IsDir(path) { // unzip leaves it alone
				return nil
			}
			if err := u.makeDir(path, m); err != nil {
				return err
			}
			dirs = append(dirs, func() error { return u.finishDir(path, m) })
		case tar.TypeReg, tar.TypeGNUSparse:
			return u.makeFile(ctx, path, m, content)
		case tar.TypeFifo:
			return u.makePipe(path, m)
		case tar.TypeSymlink:
			links = append(links, func() error { return u.makeLink(path, m) })
		case tar.TypeLink:
			links = append(links, func() error { return u.makeHardLink(path, m) })
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, fn := range append(links, dirs...) {
		if err := fn(); err != nil {
			return err
		}
	}
	return nil
}

// safe refuses a member below a link of the same archive, which may lead anywhere.
func (u *unpacker) safe(path string, m *member) error {
	for dir := filepath.Dir(path); len(dir) > len(u.dest); dir = filepath.Dir(dir) {
		if u.links[dir] {
			return fmt.Errorf("%s: its directory is a symbolic link in the archive", m.name)
		}
	}
	return nil
}

func (u *unpacker) makePipe(path string, m *member) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		uid, gid := u.owner(m)
		if err := os.Lchown(path, uid, gid); err != nil {
			return err
		}
	}
	return unix.Chmod(path, u.modeOf(m))
}

func (u *unpacker) makeDir(path string, m *member) error {
	if files.IsDir(path) {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.MkdirAll(path, 0o755)
}

// finishDir sets what would get in the way, or be changed, while files are
// written into the directory.
func (u *unpacker) finishDir(path string, m *member) error {
	if files.IsLink(path) {
		return nil
	}
	if err := u.chown(path, m); err != nil {
		return err
	}
	if err := unix.Chmod(path, u.modeOf(m)); err != nil {
		return &os.PathError{Op: "chmod", Path: path, Err: err}
	}
	return os.Chtimes(path, m.mtime, m.mtime)
}

func (u *unpacker) makeFile(ctx context.Context, path string, m *member, content io.Reader) error {
	var st syscall.Stat_t
	if syscall.Lstat(path, &st) == nil && u.keep(m, &st) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	replace := files.Replacement{
		Path: path, Attrs: files.Attrs{Mode: files.FormatMode(u.modeOf(m))}, Times: &[2]time.Time{m.mtime, m.mtime},
		Unsafe: u.args.Bool("unsafe_writes"),
	}
	if os.Geteuid() == 0 {
		uid, gid := u.owner(m)
		if uid >= 0 && u.attrs.Owner == "" {
			replace.Attrs.Owner = fmt.Sprint(uid)
		}
		if gid >= 0 && u.attrs.Group == "" {
			replace.Attrs.Group = fmt.Sprint(gid)
		}
	}
	_, err := replace.Write(ctx, content)
	return err
}

func (u *unpacker) chown(path string, m *member) error {
	uid, gid := u.owner(m)
	if os.Geteuid() != 0 || uid < 0 {
		return nil
	}
	return os.Lchown(path, uid, gid)
}

func (u *unpacker) makeLink(path string, m *member) error {
	if target, err := os.Readlink(path); err == nil && target == m.link {
		return u.chown(path, m)
	}
	if err := u.clear(path); err != nil {
		return err
	}
	if err := os.Symlink(m.link, path); err != nil {
		return err
	}
	return u.chown(path, m)
}

// makeHardLink links to another member, which goes by its name in the archive.
func (u *unpacker) makeHardLink(path string, m *member) error {
	rel, err := u.chosen.target(&member{name: strings.TrimLeft(m.link, "/")})
	if err != nil {
		return err
	}
	if rel == "" {
		return fmt.Errorf("%s: the file that it is a link to, %s, is not unpacked", m.name, m.link)
	}
	target := filepath.Join(u.dest, rel)
	if err := u.safe(target, m); err != nil {
		return err
	}
	a, errA := os.Lstat(path)
	b, errB := os.Lstat(target)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return nil
	}
	if err := u.clear(path); err != nil {
		return err
	}
	return os.Link(target, path)
}

// clear makes room for a link.
func (u *unpacker) clear(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
