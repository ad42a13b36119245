package files

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// AttrError is an attribute that could not be set.
type AttrError struct {
	Path, Msg, Details string
}

func (e *AttrError) Error() string {
	if e.Details == "" {
		return e.Msg
	}
	return e.Msg + ": " + e.Details
}

// Result is the error as a failed result, with what the file is like now.
func (e *AttrError) Result() *module.Result {
	r := module.Fail("%s", e.Msg).Set("path", e.Path)
	if e.Details != "" {
		r.Set("details", e.Details)
	}
	AddInfo(r, e.Path)
	return r
}

// Fail turns an error of this package into a failed result.
func Fail(err error) *module.Result {
	if v := (*ValidationError)(nil); errors.As(err, &v) {
		return v.Result()
	}
	if a := (*AttrError)(nil); errors.As(err, &a) {
		return a.Result()
	}
	return module.Fail("%s", err)
}

// Errno is an error of the system as Python words it, with the names that it is
// about: users match on it.
func Errno(err error, names ...string) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	for i, name := range names {
		names[i] = bytesRepr(name)
	}
	text := errno.Error()
	text = fmt.Sprintf("[Errno %d] %s", int(errno), strings.ToUpper(text[:1])+text[1:])
	if len(names) == 0 {
		return text
	}
	return text + ": " + strings.Join(names, " -> ")
}

// bytesRepr writes a text as Python writes its bytes: ASCII only.
func bytesRepr(s string) string {
	var ascii strings.Builder // each byte a character, so that quotes are chosen as for text
	for i := range len(s) {
		ascii.WriteRune(rune(s[i]))
	}
	var b strings.Builder
	for _, r := range value.Repr(ascii.String()) {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\x%02x`, r)
		}
	}
	return "b" + b.String()
}

// OSError words an error of the system as Ansible's modules do for a path that is
// text to them.
func OSError(err error, path string) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	return Errno(err) + ": " + value.Repr(path)
}
