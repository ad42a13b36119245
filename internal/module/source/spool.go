package source

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/tutti-run/tutti/internal/module"
)

// Spool gathers content that is made on the controller, however much it is: what
// is more than a little is kept in a file of the folder for temporary ones. That
// has no name, so that nobody else sees it and nothing stays behind. The zero
// Spool is empty; it is not for concurrent use.
type Spool struct {
	head []byte // all of it, while there is no file
	file *os.File
	size int64
	sum  hash.Hash
}

// spooled is how many bytes a Spool keeps in memory.
const spooled = 1 << 20

// Write adds p.
func (s *Spool) Write(p []byte) (int, error) {
	if s.sum == nil {
		s.sum = sha1.New()
	}
	s.sum.Write(p)
	s.size += int64(len(p))
	if s.file == nil && len(s.head)+len(p) <= spooled {
		s.head = append(s.head, p...)
		return len(p), nil
	}
	if err := s.spill(p); err != nil {
		return 0, fmt.Errorf("cannot keep what is to be sent in %s: %w", os.TempDir(), err)
	}
	return len(p), nil
}

// spill writes p to the file, after what was in memory.
func (s *Spool) spill(p []byte) error {
	if s.file == nil {
		f, err := os.CreateTemp("", "tutti-")
		if err != nil {
			return err
		}
		s.file = f
		if err := os.Remove(f.Name()); err != nil {
			return err
		}
		if _, err := f.Write(s.head); err != nil {
			return err
		}
		s.head = nil
	}
	_, err := s.file.Write(p)
	return err
}

// File is what was written, with its digest. It can be read until Close.
func (s *Spool) File() (module.Digest, module.File) {
	if s.sum == nil {
		s.sum = sha1.New()
	}
	f := module.File{Data: s.head, Size: s.size}
	if s.file != nil {
		f.Content = s.file
	}
	return module.Digest(hex.EncodeToString(s.sum.Sum(nil))), f
}

// Close frees what the content takes.
func (s *Spool) Close() {
	s.head = nil
	if s.file != nil {
		_ = s.file.Close()
	}
}

// Text is a file of the controller that is read in parts.
type Text struct {
	*io.SectionReader
	file *os.File
}

// Open opens the file at path. One that is a vault is decrypted into memory.
func Open(ctl module.Controller, path string) (*Text, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	if fi.IsDir() {
		_ = f.Close()
		return nil, fmt.Errorf("could not find src=%s, %w", path, NoFile(path))
	}
	head := make([]byte, len(vaultHeader))
	// Where the size is not known the content has to be read first.
	if fi.Mode().IsRegular() && fi.Size() > 0 {
		if n, _ := f.ReadAt(head, 0); string(head[:n]) != vaultHeader {
			return &Text{io.NewSectionReader(f, 0, fi.Size()), f}, nil
		}
	}
	_ = f.Close()
	data, err := ctl.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return &Text{io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data))), nil}, nil
}

// Close closes the file.
func (t *Text) Close() error {
	if t.file == nil {
		return nil
	}
	return t.file.Close()
}
