package unarchive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/module/process"
)

// member is one thing in an archive.
type member struct {
	name         string // as stored, without a leading slash
	kind         byte   // tar's type flag
	mode         uint32
	size         int64
	mtime        time.Time
	uid, gid     int // -1 if the archive does not say
	uname, gname string
	link         string
	crc          uint32 // of zip archives
}

// archive reads an archive from the beginning as often as it is asked to.
type archive struct {
	path    string
	handler string // Ansible's name for the kind
	isZip   bool
	unpack  func(context.Context, io.Reader) (io.ReadCloser, error)
}

func plain(_ context.Context, r io.Reader) (io.ReadCloser, error) { return io.NopCloser(r), nil }

// through lets a program decompress, for the formats that Go does not read.
func through(environ []string, argv ...string) func(context.Context, io.Reader) (io.ReadCloser, error) {
	return func(ctx context.Context, r io.Reader) (io.ReadCloser, error) {
		return process.Filter(ctx, process.Cmd{Argv: argv, Env: environ}, r)
	}
}

// open finds out what kind of archive the file is, by its first bytes.
func open(path string, environ []string) (*archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	head = head[:n]
	a := &archive{path: path}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		a.handler, a.isZip = "ZipArchive", true
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		a.handler = "TgzArchive"
		a.unpack = func(_ context.Context, r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }
	// What tar itself tells apart is a TarArchive to Ansible.
	case bytes.HasPrefix(head, []byte("BZh")):
		a.handler = "TarArchive"
		a.unpack = func(_ context.Context, r io.Reader) (io.ReadCloser, error) {
			return io.NopCloser(bzip2.NewReader(r)), nil
		}
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		a.handler, a.unpack = "TarArchive", through(environ, "xz", "-dc")
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		a.handler, a.unpack = "TarZstdArchive", through(environ, "zstd", "-dc")
	default:
		a.handler, a.unpack = "TarArchive", plain
	}
	return a, nil
}

// each calls fn for every member in the archive's order.
func (a *archive) each(ctx context.Context, fn func(*member, io.Reader) error) error {
	if a.isZip {
		return a.eachZip(ctx, fn)
	}
	f, err := os.Open(a.path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := a.unpack(ctx, f)
	if err != nil {
		return err
	}
	t := tar.NewReader(r)
	for {
		if err := ctx.Err(); err != nil {
			return errors.Join(err, r.Close())
		}
		h, err := t.Next()
		if err == io.EOF {
			return r.Close()
		}
		if err != nil {
			return errors.Join(err, r.Close())
		}
		m := &member{
			name: strings.TrimLeft(h.Name, "/"), kind: h.Typeflag, mode: uint32(h.Mode) & 07777, size: h.Size, mtime: h.ModTime,
			uid: h.Uid, gid: h.Gid, uname: h.Uname, gname: h.Gname, link: h.Linkname,
		}
		if err := fn(m, t); err != nil {
			return errors.Join(err, r.Close())
		}
	}
}

func (a *archive) eachZip(ctx context.Context, fn func(*member, io.Reader) error) error {
	z, err := zip.OpenReader(a.path)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := zipMember(f, fn); err != nil {
			return err
		}
	}
	return nil
}

func zipMember(f *zip.File, fn func(*member, io.Reader) error) error {
	fi := f.FileInfo()
	m := &member{
		name: strings.TrimLeft(f.Name, "/"), kind: tar.TypeReg, mode: uint32(fi.Mode().Perm()), size: fi.Size(),
		mtime: f.Modified.Truncate(time.Second), crc: f.CRC32,
		uid: os.Geteuid(), gid: os.Getegid(), // the archive does not say: theirs who unpacks it
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	switch {
	case fi.IsDir():
		m.kind = tar.TypeDir
	case fi.Mode()&os.ModeSymlink != 0:
		target, err := io.ReadAll(io.LimitReader(r, 4096))
		if err != nil {
			return err
		}
		m.kind, m.link = tar.TypeSymlink, string(target)
	}
	if m.mode == 0 { // made where there are no modes
		m.mode = 0o644
		if m.kind == tar.TypeDir {
			m.mode = 0o755
		}
	}
	return fn(m, r)
}
