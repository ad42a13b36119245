package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/localtime"
	"github.com/tutti-run/tutti/internal/module/process"
)

// Replacement is one atomic change of a file's content. The new content is
// written beside the file, gets its owner, mode and attributes there, is
// validated if asked, and then takes the file's name; until that moment the old
// file stays as it was, and nothing is left behind when it fails.
type Replacement struct {
	Path     string
	Attrs    Attrs    // applied before the new file is visible
	Diff     *Diff    // notes what Attrs changed
	Validate string   // command with %s for the new file's path, or empty
	Environ  []string // for Validate
	Backup   bool     // keep the old file (see Backup)
	// Unsafe writes in place if the directory does not let the file be replaced.
	Unsafe bool
	// DirGroup lets a set-gid directory give a new file its group.
	DirGroup bool
	// Linked gives a file that takes a link's place what the link led to had.
	Linked bool
	// Times, if set, become the file's access and modification times.
	Times *[2]time.Time
}

// Replaced is what a Replacement did.
type Replaced struct {
	Sums       Sums
	BackupFile string      // empty if there was nothing to back up
	Validation *Validation // nil without a validate command
	// Attributes tells whether owner, group or mode are others than before.
	Attributes bool
}

// ValidationError is a validate command that refused the new content.
type ValidationError struct {
	RC             int
	Stdout, Stderr string
}

func (e *ValidationError) Error() string { return "failed to validate" }

// Result is the error as a failed result.
func (e *ValidationError) Result() *module.Result {
	return module.Fail("%s", e.Error()).Set("exit_status", e.RC).SetOutput(e.Stdout, e.Stderr)
}

// Write makes the content that r yields the file's.
func (c Replacement) Write(ctx context.Context, r io.Reader) (Replaced, error) {
	if c.Validate != "" && !strings.Contains(c.Validate, "%s") {
		return Replaced{}, fmt.Errorf("validate must contain %%s: %s", c.Validate)
	}
	tmp, err := c.create()
	if err != nil {
		return Replaced{}, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	var done Replaced
	if done.Sums, err = Copy(writerUnder(ctx, tmp), r); err != nil {
		return Replaced{}, fmt.Errorf("cannot write %s: %w", c.Path, err)
	}
	if done.Attributes, done.Validation, err = c.prepare(ctx, tmp); err != nil {
		return Replaced{}, err
	}
	if c.Backup {
		if done.BackupFile, err = Backup(c.Path); err != nil {
			return Replaced{}, err
		}
	}
	if err := os.Rename(tmp.Name(), c.Path); err != nil {
		if !c.Unsafe {
			return Replaced{}, fmt.Errorf("Could not replace file: %s to %s: %w", tmp.Name(), c.Path, err)
		}
		if err := overwrite(tmp.Name(), c.Path); err != nil {
			return Replaced{}, err
		}
	}
	return done, nil
}

// create opens the temporary file: in the file's own directory, so that taking
// the name is atomic.
func (c Replacement) create() (*os.File, error) {
	dir := filepath.Dir(c.Path)
	tmp, err := os.CreateTemp(dir, ".tutti-"+shorten(filepath.Base(c.Path))+"-*.tmp")
	if err != nil && c.Unsafe {
		tmp, err = os.CreateTemp("", ".tutti-*.tmp")
	}
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("Destination directory %s does not exist", dir)
		}
		return nil, fmt.Errorf("The destination directory (%s) is not writable by the current user. Error was: %w", dir, err)
	}
	return tmp, nil
}

// shorten keeps room for the rest of a temporary name of at most 255 bytes.
func shorten(base string) string { return base[:min(len(base), 200)] }

// prepare gives the temporary file everything that the file shall have.
func (c Replacement) prepare(ctx context.Context, tmp *os.File) (attributes bool, _ *Validation, err error) {
	old := c.Path
	if c.Linked {
		old = RealPath(old)
	}
	if err := inherit(tmp, old, c.DirGroup); err != nil {
		return false, nil, err
	}
	if c.Times != nil {
		if err := os.Chtimes(tmp.Name(), c.Times[0], c.Times[1]); err != nil {
			return false, nil, err
		}
	}
	attributes, err = Attrs{Owner: c.Attrs.Owner, Group: c.Attrs.Group, Mode: c.Attrs.Mode}.Apply(tmp.Name(), false, c.Diff)
	if err != nil {
		if a := (*AttrError)(nil); errors.As(err, &a) {
			a.Path = c.Path
		}
		return false, nil, err
	}
	if err := tmp.Close(); err != nil { // here a full disk shows on some file systems
		return false, nil, fmt.Errorf("cannot write %s: %w", c.Path, err)
	}
	validation, err := Validate(ctx, c.Validate, tmp.Name(), c.Environ)
	return attributes, validation, err
}

// inherit gives a temporary file what the file that it replaces has, or what a
// new file gets.
func inherit(tmp *os.File, path string, dirGroup bool) error {
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		if !dirGroup {
			if err := tmp.Chown(os.Geteuid(), os.Getegid()); err != nil && !errors.Is(err, os.ErrPermission) {
				return err
			}
		}
		return tmp.Chmod(os.FileMode(0o666 &^ Umask()))
	}
	bits := uint32(st.Mode) & 07777
	switch err := tmp.Chown(int(st.Uid), int(st.Gid)); {
	case err == nil:
		bits = givenAway(bits)
	case !errors.Is(err, os.ErrPermission): // who is not root keeps the file as his own
		return err
	}
	if err := unix.Fchmod(int(tmp.Fd()), bits); err != nil {
		return err
	}
	copyXattrs(path, tmp)
	return nil
}

// givenAway is what chown leaves of a mode: new content does not come into the
// set-id bits of the old. They are never set in between either, while the file
// still belongs to somebody else.
func givenAway(bits uint32) uint32 {
	bits &^= unix.S_ISUID
	if bits&unix.S_IXGRP != 0 { // without it, the bit does not mean the group
		bits &^= unix.S_ISGID
	}
	return bits
}

// copyXattrs copies labels, ACLs and user attributes as far as the file system
// and our rights allow.
func copyXattrs(path string, to *os.File) {
	buf := make([]byte, 4096)
	n, err := unix.Llistxattr(path, buf)
	if err != nil {
		return
	}
	val := make([]byte, 65536)
	for name := range strings.SplitSeq(strings.TrimRight(string(buf[:n]), "\x00"), "\x00") {
		if name == "" {
			continue
		}
		if m, err := unix.Lgetxattr(path, name, val); err == nil {
			_ = unix.Fsetxattr(int(to.Fd()), name, val[:m], 0) // best effort: the file may live without
		}
	}
}

// Validation is what a validate command printed that accepted a file.
type Validation struct{ Stdout, Stderr string }

// Validate runs a validate command on the file at path; an empty one passes.
func Validate(ctx context.Context, command, path string, environ []string) (*Validation, error) {
	if command == "" {
		return nil, nil
	}
	if !strings.Contains(command, "%s") {
		return nil, fmt.Errorf("validate must contain %%s: %s", command)
	}
	argv, err := SplitCommand(strings.ReplaceAll(command, "%s", path))
	if err != nil {
		return nil, fmt.Errorf("cannot read the validate command %q: %w", command, err)
	}
	out, err := process.Run(ctx, process.Cmd{Argv: argv, Env: environ})
	if err != nil {
		return nil, fmt.Errorf("cannot run the validate command %q: %w", command, err)
	}
	if out.RC != 0 {
		return nil, &ValidationError{out.RC, string(out.Stdout), string(out.Stderr)}
	}
	return &Validation{string(out.Stdout), string(out.Stderr)}, nil
}

// overwrite writes in place: what unsafe_writes asks for.
func overwrite(from, path string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return fmt.Errorf("Could not write data to file (%s) from (%s): %w", path, from, err)
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// Backup copies the file at path, with mode, owner, times and attributes, to a
// dated name beside it, which it returns; it is empty if there is no such file.
func Backup(path string) (string, error) {
	in, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	date := time.Now().In(localtime.Zone(nil)).Format("2006-01-02@15:04:05")
	// One process may make several backups in a second: each has its own number.
	number := os.Getpid()
	dest := fmt.Sprintf("%s.%d.%s~", path, number, date)
	if err == nil {
		defer in.Close()
		for err = preserve(in, path, dest); errors.Is(err, os.ErrExist); err = preserve(in, path, dest) {
			number++
			dest = fmt.Sprintf("%s.%d.%s~", path, number, date)
		}
	}
	if err != nil {
		return "", fmt.Errorf("Could not make backup of %s to %s: %w", path, dest, err)
	}
	return dest, nil
}

func preserve(in *os.File, path, dest string) error {
	fi, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(dest, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close(), os.Remove(dest))
	}
	if err := inherit(out, RealPath(path), false); err != nil {
		return errors.Join(err, out.Close())
	}
	return errors.Join(out.Close(), os.Chtimes(dest, fi.ModTime(), fi.ModTime()))
}

// writerUnder ends writing when ctx does.
func writerUnder(ctx context.Context, w io.Writer) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return w.Write(p)
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TempName returns a free name for a temporary file beside path.
func TempName(path string) (string, error) {
	for range 100 {
		name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".tutti-%s-%08x.tmp", shorten(filepath.Base(path)), rand.Uint32()))
		if _, err := os.Lstat(name); errors.Is(err, os.ErrNotExist) {
			return name, nil
		}
	}
	return "", fmt.Errorf("no free temporary name beside %s", path)
}
