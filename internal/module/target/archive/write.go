package archive

import (
	"archive/tar"
	"archive/zip"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/process"
)

// write makes the archive, or the compressed file, in a temporary place.
func (t *task) write(single bool) (path string, err error) {
	dir, err := t.env.TempDir()
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "archive")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	switch {
	case t.format == "zip":
		z := zip.NewWriter(f)
		err = errors.Join(t.each(func(path, name string, fi os.FileInfo) error { return addZip(z, path, name, fi) }), z.Close())
	case single:
		err = t.compress(f, func(w io.Writer) error {
			t.packed = []string{t.targets[0]}
			return copyFile(w, t.targets[0])
		})
	default:
		err = t.compress(f, func(w io.Writer) error {
			a := tar.NewWriter(w)
			return errors.Join(t.each(func(path, name string, fi os.FileInfo) error { return addTar(a, path, name, fi) }), a.Close())
		})
	}
	if err != nil {
		err = fmt.Errorf("Error when writing %s archive at %s: %w", t.format, t.dest, err)
	}
	return f.Name(), err
}

// compress runs what is written through the compression of the format.
func (t *task) compress(w io.Writer, write func(io.Writer) error) error {
	switch t.format {
	case "tar":
		return write(w)
	case "gz":
		z := gzip.NewWriter(w)
		return errors.Join(write(z), z.Close())
	}
	program := map[string]string{"bz2": "bzip2", "xz": "xz"}[t.format]
	in, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := write(out)
		out.CloseWithError(err)
		done <- err
	}()
	f, err := process.Filter(t.ctx, process.Cmd{Argv: []string{program, "-c"}, Env: t.env.Environ}, in)
	if err == nil {
		_, err = io.Copy(w, f)
		err = errors.Join(err, f.Close())
	}
	in.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // or the writer would wait for ever
	return errors.Join(<-done, err)
}

// each calls add for everything that goes into the archive: what a directory
// holds, rather than the directory.
func (t *task) each(add func(path, name string, fi os.FileInfo) error) error {
	one := func(path string, fi os.FileInfo) error {
		name := strings.TrimPrefix(path, t.root)
		if path == t.dest || t.left(path, name) {
			return nil
		}
		if t.format != "zip" || !fi.IsDir() { // Ansible does not find directories again in a zip archive
			t.packed = append(t.packed, path)
		}
		return add(path, name, fi)
	}
	for _, target := range t.targets {
		fi, err := os.Lstat(target)
		if err != nil {
			return err
		}
		if !files.IsDir(target) {
			if err := one(target, fi); err != nil {
				return err
			}
			continue
		}
		err = walk(target, one)
		if err != nil {
			return err
		}
	}
	return nil
}

// walk calls one for what dir holds: folders (and links to some) first, then the
// rest, then what is in the folders.
func walk(dir string, one func(path string, fi os.FileInfo) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int {
		folder := func(e fs.DirEntry) int {
			if files.IsDir(filepath.Join(dir, e.Name())) {
				return 0
			}
			return 1
		}
		return folder(a) - folder(b)
	})
	for _, e := range entries {
		fi, err := e.Info()
		if err != nil {
			return err
		}
		if err := one(filepath.Join(dir, e.Name()), fi); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := walk(filepath.Join(dir, e.Name()), one); err != nil {
				return err
			}
		}
	}
	return nil
}

// left tells whether a pattern leaves something out: zip archives have always
// looked at the whole path, the others at the name.
func (t *task) left(path, name string) bool {
	if t.format == "zip" {
		name = path
	}
	flat := func(s string) string { return strings.ReplaceAll(s, "/", "\x01") } // a star goes over slashes here
	return slices.ContainsFunc(t.patterns, func(p string) bool { return files.MatchName(flat(p), flat(name)) })
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

func addTar(a *tar.Writer, path, name string, fi os.FileInfo) error {
	link := ""
	if fi.Mode()&os.ModeSymlink != 0 {
		var err error
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(fi, link)
	if err != nil {
		return err
	}
	if h.Name = name; fi.IsDir() {
		h.Name += "/"
	}
	if err := a.WriteHeader(h); err != nil || !fi.Mode().IsRegular() {
		return err
	}
	return copyFile(a, path)
}

func addZip(z *zip.Writer, path, name string, fi os.FileInfo) error {
	if fi.Mode()&os.ModeSymlink != 0 { // zip archives hold what links lead to
		to, err := os.Stat(path)
		if err != nil {
			return err
		}
		fi = to
	}
	h, err := zip.FileInfoHeader(fi)
	if err != nil {
		return err
	}
	h.Name, h.Method = name, zip.Deflate
	if fi.IsDir() {
		h.Name, h.Method = name+"/", zip.Store
	}
	w, err := z.CreateHeader(h)
	if err != nil || fi.IsDir() {
		return err
	}
	return copyFile(w, path)
}

// same tells whether two archives hold the same: times of their making do not
// count.
func (t *task) same(fresh string, single bool) bool {
	a, errA := t.content(fresh, single)
	b, errB := t.content(t.dest, single)
	return errA == nil && errB == nil && slices.Equal(a, b)
}

// content lists what an archive holds.
func (t *task) content(path string, single bool) ([]string, error) {
	if t.format == "zip" {
		z, err := zip.OpenReader(path)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		var list []string
		for _, f := range z.File {
			list = append(list, fmt.Sprint(f.Name, f.CRC32))
		}
		slices.Sort(list)
		return list, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, closer, err := t.decompress(f)
	if err != nil {
		return nil, err
	}
	list, err := listTar(r, single)
	return list, errors.Join(err, closer())
}

func listTar(r io.Reader, single bool) ([]string, error) {
	sum := crc32.NewIEEE()
	if single {
		_, err := io.Copy(sum, r)
		return []string{fmt.Sprint(sum.Sum32())}, err
	}
	var list []string
	for a := tar.NewReader(r); ; {
		h, err := a.Next()
		if err == io.EOF {
			slices.Sort(list)
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		sum.Reset()
		if _, err := io.Copy(sum, a); err != nil {
			return nil, err
		}
		list = append(list, fmt.Sprint(strings.TrimSuffix(h.Name, "/"), h.Typeflag, h.Mode, h.Uid, h.Gid, h.ModTime.Unix(), h.Linkname, sum.Sum32()))
	}
}

func (t *task) decompress(f *os.File) (io.Reader, func() error, error) {
	none := func() error { return nil }
	switch t.format {
	case "gz":
		z, err := gzip.NewReader(f)
		return z, none, err
	case "bz2":
		return bzip2.NewReader(f), none, nil
	case "xz":
		x, err := process.Filter(t.ctx, process.Cmd{Argv: []string{"xz", "-dc"}, Env: t.env.Environ}, f)
		if err != nil {
			return nil, none, err
		}
		return x, x.Close, nil
	}
	return f, none, nil
}
