package galaxy

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/value"
)

// content is what a collection consists of when it is built.
type content struct {
	dir      string
	entries  []entry
	manifest []byte
	files    []byte
}

// contentOf works out what the collection in dir is built of.
func contentOf(dir string, i *Info, c Console) (*content, error) {
	for _, k := range i.unknownKeys() {
		c.Warn(fmt.Sprintf("Found unknown keys in collection galaxy.yml at '%s': %s", galaxyFile(dir), k))
	}
	entries, err := i.files(dir, c)
	if err != nil {
		return nil, err
	}
	list := []any{value.MapOf("name", ".", "ftype", "dir", "chksum_type", nil, "chksum_sha256", nil, "format", 1)}
	for _, e := range entries {
		kind, sumType, sum := "file", any("sha256"), any(e.sum)
		if e.dir {
			kind, sumType, sum = "dir", nil, nil
		}
		list = append(list, value.MapOf("name", e.name, "ftype", kind, "chksum_type", sumType, "chksum_sha256", sum, "format", 1))
	}
	files := indented(value.MapOf("files", list, "format", 1))
	sum := sha256.Sum256(files)
	return &content{dir: dir, entries: entries, files: files, manifest: i.manifest(hex.EncodeToString(sum[:]))}, nil
}

// Build makes the archive of the collection in dir and puts it into out. It
// gives the archive's path.
func Build(dir, out string, o Options) (string, error) {
	if galaxyFile(dir) == "" {
		return "", fmt.Errorf("The collection galaxy.yml path '%s' does not exist.", filepath.Join(dir, "galaxy.yml"))
	}
	i, err := ReadInfo(dir)
	if err != nil {
		return "", err
	}
	path := filepath.Join(out, fmt.Sprintf("%s-%s-%s.tar.gz", i.Namespace, i.Name, i.Version))
	switch {
	case isDir(path):
		return "", fmt.Errorf("The output collection artifact '%s' already exists, but is a directory - aborting", path)
	case exists(path) && !o.Force:
		return "", fmt.Errorf("The file '%s' already exists. You can use --force to re-create the collection artifact.", path)
	}
	c, err := contentOf(dir, i, o.Console)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.CreateTemp(out, ".tutti-galaxy-")
	if err != nil {
		return "", err
	}
	err = errors.Join(c.archive(tmp), tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(tmp.Name()))
	}
	return path, nil
}

// archive writes the collection as a compressed archive.
func (c *content) archive(w io.Writer) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	add := func(h *tar.Header, data io.Reader) error {
		h.ModTime, h.Format = time.Now().Truncate(time.Second), tar.FormatPAX
		if err := t.WriteHeader(h); err != nil || data == nil {
			return err
		}
		_, err := io.Copy(t, data)
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{"MANIFEST.json", c.manifest}, {"FILES.json", c.files}} {
		if err := add(&tar.Header{Name: f.name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(f.data))}, strings.NewReader(string(f.data))); err != nil {
			return err
		}
	}
	for _, e := range c.entries {
		if err := c.addEntry(e, add); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}

func (c *content) addEntry(e entry, add func(*tar.Header, io.Reader) error) error {
	path := filepath.Join(c.dir, e.name)
	if target, ok := c.link(path); ok {
		return add(&tar.Header{Name: e.name, Typeflag: tar.TypeSymlink, Linkname: target, Mode: 0o777}, nil)
	}
	if e.dir {
		return add(&tar.Header{Name: e.name + "/", Typeflag: tar.TypeDir, Mode: 0o755}, nil)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	return add(&tar.Header{Name: e.name, Typeflag: tar.TypeReg, Mode: int64(mode(st)), Size: st.Size()}, io.LimitReader(f, st.Size()))
}

// mode is the mode that a file has in a collection: of the original only
// whether it can be run counts.
func mode(st os.FileInfo) os.FileMode {
	if st.Mode()&0o100 != 0 {
		return 0o755
	}
	return 0o644
}

// link gives the target of a symbolic link that stays inside the collection,
// relative to the link.
func (c *content) link(path string) (string, bool) {
	st, err := os.Lstat(path)
	if err != nil || st.Mode()&os.ModeSymlink == 0 || !inside(c.dir, path) {
		return "", false
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", false
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", false
	}
	rel, err := filepath.Rel(parent, real)
	return rel, err == nil
}

// copyTo puts the collection into a folder, without an archive.
func (c *content) copyTo(dir string) error {
	for name, data := range map[string][]byte{"MANIFEST.json": c.manifest, "FILES.json": c.files} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	for _, e := range c.entries {
		from, to := filepath.Join(c.dir, e.name), filepath.Join(dir, e.name)
		target, isLink := c.link(from)
		var err error
		switch {
		case isLink:
			err = os.Symlink(target, to)
		case e.dir:
			err = os.MkdirAll(to, 0o755)
		default:
			err = copyFile(from, to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode(st))
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
