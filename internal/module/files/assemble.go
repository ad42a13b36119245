package files

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

// Assembly joins the files of a directory into one content.
type Assembly struct {
	Delimiter    string                              // between fragments, with \n for a newline
	Wanted       func(name string) bool              // nil wants all
	IgnoreHidden bool                                // leave names out that begin with a dot
	Open         func(string) (io.ReadCloser, error) // nil is os.Open
}

// Write writes the fragments to w in alphabetical order, as a stream. A fragment
// without a newline at its end, so an empty one too, gets one before the next.
func (a Assembly) Write(w io.Writer, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	delimiter := escape.ReplaceAllStringFunc(a.Delimiter, unescaped)
	if delimiter != "" && !strings.HasSuffix(delimiter, "\n") {
		delimiter += "\n"
	}
	between := ""
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		fi, err := os.Stat(path)
		if err != nil || !fi.Mode().IsRegular() || a.IgnoreHidden && strings.HasPrefix(e.Name(), ".") || a.Wanted != nil && !a.Wanted(e.Name()) {
			continue
		}
		if _, err := io.WriteString(w, between); err != nil {
			return err
		}
		fragment := lastByte{Writer: w}
		if err := a.copy(&fragment, path); err != nil {
			return err
		}
		if between = delimiter; fragment.last != '\n' {
			between = "\n" + delimiter
		}
	}
	return nil
}

func (a Assembly) copy(w io.Writer, path string) error {
	open := a.Open
	if open == nil {
		open = func(path string) (io.ReadCloser, error) { return os.Open(path) }
	}
	r, err := open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// escape is one of the escapes of Python's bytes, in which a delimiter may be
// written; what is none stays as it is.
var escape = lazyregexp.New(`\\(?:[\\'"abfnrtv\n]|x[0-9A-Fa-f]{2}|[0-7]{1,3})`)

var escapes = map[byte]string{
	'\\': `\`, '\'': "'", '"': `"`, '\n': "", 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

func unescaped(s string) string {
	if text, ok := escapes[s[1]]; ok {
		return text
	}
	digits, base := s[1:], 8
	if s[1] == 'x' {
		digits, base = s[2:], 16
	}
	n, _ := strconv.ParseUint(digits, base, 16) // the pattern allows nothing else
	return string([]byte{byte(n)})
}

// lastByte knows the last byte that went through it, if any did.
type lastByte struct {
	io.Writer
	last byte
}

func (l *lastByte) Write(p []byte) (int, error) {
	n, err := l.Writer.Write(p)
	if n > 0 {
		l.last = p[n-1]
	}
	return n, err
}

// Reader gives what Write writes; it must be closed.
func (a Assembly) Reader(dir string) io.ReadCloser {
	r, w := io.Pipe()
	go func() { w.CloseWithError(a.Write(w, dir)) }()
	return r
}
