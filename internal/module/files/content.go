package files

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"os"
	"sync"

	"github.com/tutti-run/tutti/internal/value"
)

// Sums are a content's checksums in hex, as results carry them.
type Sums struct{ SHA1, MD5 string }

// Copy copies r to w and computes the checksums meanwhile. Content that has
// computed its SHA-1 itself when it has been read, as that from the controller
// does, is asked for it.
func Copy(w io.Writer, r io.Reader) (Sums, error) {
	md := md5.New()
	if known, ok := r.(interface{ SHA1() string }); ok {
		if _, err := io.Copy(Beside(w, md), r); err != nil {
			return Sums{}, err
		}
		return Sums{known.SHA1(), hex.EncodeToString(md.Sum(nil))}, nil
	}
	sha := sha1.New()
	_, err := io.CopyBuffer(Beside(w, md, sha), struct{ io.Reader }{r}, make([]byte, 128<<10))
	return Sums{hex.EncodeToString(sha.Sum(nil)), hex.EncodeToString(md.Sum(nil))}, err
}

// beside writes to several writers at the same time.
type beside []io.Writer

// Beside returns a writer that passes each piece on to all of w at the same time,
// if it is not small. They must not keep it.
func Beside(w ...io.Writer) io.Writer { return beside(w) }

// Write returns the error of the first writer that has one.
func (b beside) Write(p []byte) (int, error) {
	errs := make([]error, len(b))
	write := func(i int) {
		if n, err := b[i].Write(p); err != nil {
			errs[i] = err
		} else if n < len(p) {
			errs[i] = io.ErrShortWrite
		}
	}
	var others sync.WaitGroup
	for i := range b {
		if i > 0 && len(p) >= 16<<10 {
			others.Go(func() { write(i) })
		}
	}
	for i := range b {
		if i == 0 || len(p) < 16<<10 {
			write(i)
		}
	}
	others.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// SumsOf reads a content as a stream. It returns its checksums and as much of
// it as ContentDiff can use.
func SumsOf(r io.Reader) (sums Sums, head []byte, err error) {
	h := &header{}
	sums, err = Copy(h, r)
	return sums, h.b, err
}

// header keeps what of a content ContentDiff can use.
type header struct{ b []byte }

func (h *header) Write(p []byte) (int, error) {
	h.b = append(h.b, p[:min(len(p), maxDiff+1-len(h.b))]...)
	return len(p), nil
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
