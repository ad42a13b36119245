// Package tree writes each host's last result to a file of its own, as Ansible's
// callback of that name does.
package tree

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/value"
)

// Options say where the files are.
type Options struct {
	Dir       string
	Verbosity int
	Warn      func(string)
}

// Sink writes results to files.
func Sink(o Options) event.Sink {
	return func(e event.Event) {
		r, ok := e.(event.Result)
		if !ok || r.Item || r.Status == event.Skipped {
			return
		}
		if err := os.MkdirAll(o.Dir, 0o777); err != nil {
			o.Warn(fmt.Sprintf("Unable to access or create the configured directory (%s): %v", o.Dir, err))
			return
		}
		// A name that leads elsewhere is no name of a file.
		path := filepath.Join(o.Dir, r.Host)
		err := os.ErrInvalid
		if filepath.Base(path) == r.Host {
			err = os.WriteFile(path, dump(r, o.Verbosity), 0o666)
		}
		if err != nil {
			o.Warn(fmt.Sprintf("Unable to write to %s's file: %v", r.Host, err))
		}
	}
}

func dump(r event.Result, verbosity int) []byte {
	short := value.NewMap(8)
	for k, v := range r.Result.All() {
		switch k {
		case "invocation", "diff":
			if verbosity >= 3 {
				short.Set(k, v)
			}
		case "exception", "failed", "skipped", "warnings", "deprecations":
		default:
			short.Set(k, v)
		}
	}
	form := value.JSON{Python: true, SortKeys: true}
	if r.Verbose || verbosity >= 3 {
		form.Indent = 4
	}
	return form.Append(nil, short)
}
