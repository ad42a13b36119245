package files

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"hash"
	"io"
	"os"

	"github.com/tutti-run/tutti/internal/value"
)

// Sums are a content's checksums in hex, as results carry them.
type Sums struct{ SHA1, MD5 string }

type summer struct{ sha1, md5 hash.Hash }

func newSummer() summer { return summer{sha1.New(), md5.New()} }

func (s summer) Write(p []byte) (int, error) {
	s.sha1.Write(p)
	return s.md5.Write(p)
}

func (s summer) sums() Sums {
	return Sums{hex.EncodeToString(s.sha1.Sum(nil)), hex.EncodeToString(s.md5.Sum(nil))}
}

// SumsOf reads a content as a stream. It returns its checksums and as much of
// it as ContentDiff can use.
func SumsOf(r io.Reader) (sums Sums, head []byte, err error) {
	s := newSummer()
	if head, err = ReadHead(io.TeeReader(r, s)); err == nil {
		_, err = io.Copy(s, r)
	}
	return s.sums(), head, err
}

// SumsOfFile returns the checksums of a file, read as a stream.
func SumsOfFile(path string) (Sums, error) {
	f, err := os.Open(path)
	if err != nil {
		return Sums{}, err
	}
	defer f.Close()
	sums, _, err := SumsOf(f)
	return sums, err
}

// SHA1OfFile returns a file's SHA-1 in hex, read as a stream.
func SHA1OfFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha1.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// maxDiff is the size from which content is not shown in a diff.
const maxDiff = 104448

// ContentDiff builds the diff of one file's content. Either side may be nil
// (not there); content that is binary or too large is only said to be so.
func ContentDiff(beforeHeader string, before []byte, afterHeader string, after []byte) *value.Map {
	d := value.NewMap(4)
	add := func(side, prefix, header string, data []byte) {
		switch {
		case len(data) > maxDiff:
			d.Set(prefix+"_larger", maxDiff)
		case bytes.IndexByte(data[:min(len(data), 8192)], 0) >= 0:
			d.Set(prefix+"_binary", 1)
		default:
			d.Set(side, string(data))
			if header != "" {
				d.Set(side+"_header", header)
			}
		}
	}
	add("before", "dst", beforeHeader, before)
	add("after", "src", afterHeader, after)
	return d
}

// Head returns as much of a file as ContentDiff can use: nil if it cannot be read.
func Head(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := ReadHead(f)
	if err != nil {
		return nil
	}
	return data
}

// ReadHead reads as much as ContentDiff can use.
func ReadHead(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, maxDiff+1)) }
