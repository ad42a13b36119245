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
// has no name, so that nobody else sees it and nothing stays behind. The file is
// written, and the digest computed, beside what makes the content. The zero Spool
// is empty; it is not for concurrent use.
type Spool struct {
	head  []byte // all of it, while there is no file; then what the file has not got yet
	other []byte // to be used in turn with head
	file  *os.File
	size  int64
	sum   hash.Hash
	done  chan error // what became of the part that is being written; nil if there is none
}

// spooled is how many bytes a Spool keeps in memory, and spilled how many go to the
// file at once then.
const (
	spooled = 1 << 20
	spilled = 512 << 10
)

// Write adds p. An error may be that of an earlier part.
func (s *Spool) Write(p []byte) (int, error) {
	s.head = append(s.head, p...)
	return len(p), s.grown(len(p))
}

// WriteString is Write.
func (s *Spool) WriteString(p string) (int, error) {
	s.head = append(s.head, p...)
	return len(p), s.grown(len(p))
}

func (s *Spool) grown(n int) error {
	s.size += int64(n)
	if len(s.head) > spooled || s.file != nil && len(s.head) >= spilled {
		return s.spill()
	}
	return nil
}

// spill begins to move what is in memory to the file.
func (s *Spool) spill() error {
	if s.file == nil {
		f, err := os.CreateTemp("", "tutti-")
		if err == nil {
			s.file, s.sum = f, sha1.New()
			err = os.Remove(f.Name())
		}
		if err != nil {
			return spoolError(err)
		}
	}
	if err := s.wait(); err != nil {
		return err
	}
	part, done := s.head, make(chan error, 1)
	go func() {
		s.sum.Write(part)
		_, err := s.file.Write(part)
		done <- err
	}()
	s.head, s.other, s.done = s.other[:0], part, done
	if cap(s.other) > spooled { // the first part
		s.other = nil
	}
	return nil
}

// wait waits until what was spilled is in the file.
func (s *Spool) wait() error {
	if s.done == nil {
		return nil
	}
	err := <-s.done
	if s.done = nil; err != nil {
		return spoolError(err)
	}
	return nil
}

func spoolError(err error) error {
	return fmt.Errorf("cannot keep what is to be sent in %s: %w", os.TempDir(), err)
}

// File is what was written, with its digest. It can be read until Close.
func (s *Spool) File() (module.Digest, module.File, error) {
	f := module.File{Data: s.head, Size: s.size}
	if s.file == nil {
		sum := sha1.Sum(s.head)
		return module.Digest(hex.EncodeToString(sum[:])), f, nil
	}
	err := s.spill()
	if err == nil {
		err = s.wait()
	}
	f.Data, f.Content = nil, s.file
	return module.Digest(hex.EncodeToString(s.sum.Sum(nil))), f, err
}

// Close frees what the content takes.
func (s *Spool) Close() {
	_ = s.wait()
	s.head, s.other = nil, nil
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
