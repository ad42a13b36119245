// Package filelock shares exclusive keys and rates between all processes and
// users of one machine, with no server: a parallel.Coordinator (and Pacer) on
// files of one directory.
//
// An exclusive key is a flock on a file of its own, so it is free the moment
// its holder dies, however he dies. (POSIX record locks would not do: any close
// of the file in the process drops them.) A rate is a small record in a file:
// when the next call is due, on the clock that counts from boot. Whoever takes
// a token moves that on by one interval and waits for his time outside of any
// lock, so a process that is killed costs at most one token.
//
// # What is promised, and what not
//
// Overlapping names exclude each other as in package parallel: the empty name
// overlaps all others. Within a process requests are served in order; between
// processes the kernel wakes those who wait in the order in which they came,
// but a newcomer may be quicker.
//
// The locks are advice to those who ask for them. Everybody who may write to the
// directory may hold a key for ever, so it is shared among users who trust each
// other that far; an operator who wants fewer of them makes the directory
// himself, for a group (see DefaultDir). The directory has to be on a local file
// system.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/parallel"
)

// Coordinator shares keys through the files of one directory. It is safe for
// concurrent use. It belongs to one Manager: two Managers of one process do
// exclude each other through two Coordinators.
type Coordinator struct {
	dir string
	who string

	mu      sync.Mutex // guards the following
	pending map[string]*attempt
	rates   map[string]*os.File
}

// Open opens the directory, and makes it if need be. who says who we are to
// those who wait for us: "ann@ctl1 run 2041".
func Open(dir, who string) (*Coordinator, error) {
	if err := ensureDir(dir); err != nil {
		return nil, err
	}
	return &Coordinator{dir: dir, who: who, pending: map[string]*attempt{}, rates: map[string]*os.File{}}, nil
}

// Close gives up the files of rates. Keys that are held stay so until they are
// unlocked or the process ends.
func (c *Coordinator) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []error
	for name, f := range c.rates {
		all = append(all, f.Close())
		delete(c.rates, name)
	}
	return errors.Join(all...)
}

// Lock implements parallel.Coordinator.
func (c *Coordinator) Lock(ctx context.Context, keys []parallel.Key, owner string, waiting func(k parallel.Key, holder string)) (parallel.Held, error) {
	h := &held{}
	// One more file stands for all names of the domain: a name is its own file,
	// alone, and that one, shared; the empty name is that one, alone. It comes
	// first, so that nobody waits in a circle.
	domain, how := keys[0], unix.LOCK_SH
	if domain.Name == "" {
		keys, how = nil, unix.LOCK_EX
	}
	domain.Name = ""
	f, err := c.take(ctx, domain, how, owner, waiting)
	if err != nil {
		return nil, err
	}
	h.files = append(h.files, f)
	for _, k := range keys { // sorted
		f, err := c.take(ctx, k, unix.LOCK_EX, owner, waiting)
		if err != nil {
			h.Unlock()
			return nil, err
		}
		h.files = append(h.files, f)
	}
	return h, nil
}

// held are keys that are held. They cannot be lost while the process lives.
type held struct {
	once  sync.Once
	files []*os.File
}

// Lost never happens: the kernel keeps the lock as long as the process lives.
func (h *held) Lost() <-chan struct{} { return nil }

// Unlock lets go.
func (h *held) Unlock() {
	h.once.Do(func() {
		for i := len(h.files) - 1; i >= 0; i-- {
			_ = h.files[i].Close()
		}
	})
}

// fileName is the file of a key. Names are escaped, and so long ones cut: two
// keys that then share a file exclude each other, which is safe.
func (c *Coordinator) fileName(k parallel.Key) string {
	name := url.PathEscape(k.String())
	if len(name) > 200 {
		name = name[:200]
	}
	return filepath.Join(c.dir, "key-"+strings.ReplaceAll(name, ".", "%2E"))
}

// open opens a file that other users write to as well: never through a link,
// and only a plain file.
func open(path string) (*os.File, error) {
	const flags = os.O_RDWR | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK
	for {
		// O_CREATE comes second: in a sticky directory the kernel refuses it for
		// the files of others.
		f, err := os.OpenFile(path, flags, 0)
		if errors.Is(err, os.ErrNotExist) {
			f, err = os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, 0o666)
			if errors.Is(err, os.ErrExist) {
				continue
			}
			if err == nil {
				err = f.Chmod(0o666) // whatever the umask
			}
		}
		if err != nil {
			return nil, fmt.Errorf("cannot open the lock file %s: %w", path, err)
		}
		if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
			_ = f.Close()
			return nil, fmt.Errorf("the lock file %s is no plain file", path)
		}
		return f, nil
	}
}

// current reports whether the open file is still the one at its path: a lock on
// a file that was removed excludes nobody.
func current(f *os.File) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(f.Name())
	return err == nil && os.SameFile(a, b)
}
