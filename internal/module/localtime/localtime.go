// Package localtime tells a machine's time zone as of now. The agent outlives
// the change of it, by the timezone module for one, but the time package reads
// the zone once in a process's life.
package localtime

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Zone is the time zone of a process with this environment: that of TZ, if it is
// set there, or the machine's. It is safe for concurrent use.
func Zone(environ []string) *time.Location {
	name, set := "", false
	for _, e := range environ {
		if v, ok := strings.CutPrefix(e, "TZ="); ok {
			name, set = strings.TrimPrefix(v, ":"), true // the last one counts
		}
	}
	if !set {
		return machine.zone()
	}
	if filepath.IsAbs(name) {
		if z, err := load(name); err == nil {
			return z
		}
	} else if z, err := time.LoadLocation(name); err == nil && name != "Local" {
		return z
	}
	return time.UTC // as the C library does with a zone that it does not know
}

var machine = file{path: "/etc/localtime"}

// file is a zone's file, read anew when it changes.
type file struct {
	path string

	mu   sync.Mutex
	seen fs.FileInfo
	last *time.Location
}

func (f *file) zone() *time.Location {
	f.mu.Lock()
	defer f.mu.Unlock()
	fi, err := os.Stat(f.path)
	if err != nil {
		return time.UTC
	}
	if f.last != nil && os.SameFile(fi, f.seen) && fi.ModTime().Equal(f.seen.ModTime()) {
		return f.last
	}
	z, err := load(f.path)
	if err != nil {
		return time.UTC
	}
	f.seen, f.last = fi, z
	return z
}

func load(path string) (*time.Location, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData("Local", data)
}
