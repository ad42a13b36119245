// Package lock owns the locks by which controllers exclude each other on a
// machine. A lock is a flock on a file of our own, so it is free as soon as its
// holder dies: there is no lease, no server and no clock. (POSIX record locks
// would not do: any close of the file in the process drops them.)
//
// Each resource has a file; one more file stands for all of them. Holding a
// resource is holding its file alone and the common file shared; holding the
// empty resource is holding the common file alone, which overlaps everything.
//
// Root's locks and those of each user are separate: a directory that all could
// write to would let any user block root.
package lock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/agent/wire"
)

// Options say how to wait.
type Options struct {
	// Holder describes who asks, for those who will wait for it.
	Holder string
	// Notice, if set, is told when a wait begins, when the holder changes, and
	// when the wait has ended. It is called from the caller's goroutine.
	Notice func(wire.Notice)
	// Dir is where the files are; "" is the place for this user.
	Dir string
}

// Lock is a set of resources that are held. Release it once.
type Lock struct {
	files []*os.File // the last ones carry who holds
}

// Files are the open files whose locks are held; a child that inherits them
// holds the locks as well.
func (l *Lock) Files() []*os.File { return l.files }

// Release frees the resources, unless a child has inherited them.
func (l *Lock) Release() {
	for _, f := range slices.Backward(l.files) {
		_ = f.Close()
	}
	l.files = nil
}

// Acquire holds all resources, waiting as long as ctx allows. The error names
// the holder that was waited for. Without resources there is nothing to do.
func Acquire(ctx context.Context, resources []string, o Options) (*Lock, error) {
	l := &Lock{}
	if len(resources) == 0 {
		return l, nil
	}
	if o.Dir == "" {
		dir, err := userDir()
		if err != nil {
			return nil, err
		}
		o.Dir = dir
	} else if err := private(o.Dir); err != nil {
		return nil, err
	}
	// Sorted, so that two calls with several resources cannot deadlock; the
	// common file comes first for the same reason.
	names := slices.Compact(slices.Sorted(slices.Values(resources)))
	how := unix.LOCK_SH
	if names[0] == "" {
		names, how = nil, unix.LOCK_EX
	}
	if err := l.take(ctx, o, "", how); err != nil {
		l.Release()
		return nil, err
	}
	for _, name := range names {
		if err := l.take(ctx, o, name, unix.LOCK_EX); err != nil {
			l.Release()
			return nil, err
		}
	}
	return l, nil
}

// holder is what the holder of a file writes into it.
type holder struct {
	Who   string    `json:"who"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

func (h holder) String() string {
	switch {
	case h.Who != "":
		return h.Who
	case h.PID != 0:
		return fmt.Sprintf("process %d", h.PID)
	}
	return "somebody who did not say"
}

func fileName(dir, resource string) string {
	if resource == "" {
		return filepath.Join(dir, "all")
	}
	return filepath.Join(dir, "r-"+url.PathEscape(resource))
}

// Waiting polls, beginning eagerly: a blocking flock could not be cancelled.
const (
	firstPoll = time.Millisecond
	lastPoll  = 25 * time.Millisecond
)

func (l *Lock) take(ctx context.Context, o Options, resource string, how int) error {
	f, err := os.OpenFile(fileName(o.Dir, resource), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("cannot open the lock for %s: %w", describe(resource), err)
	}
	var seen holder
	waiting := false
	for poll := firstPoll; ; poll = min(2*poll, lastPoll) {
		err = unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			_ = f.Close()
			return fmt.Errorf("cannot lock %s: %w", f.Name(), err)
		}
		if h := o.holderOf(f, resource); !waiting || h != seen {
			waiting, seen = true, h
			o.tell(wire.Notice{Resource: resource, Waiting: true, Holder: h.String(), Since: h.Since})
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			o.tell(wire.Notice{Resource: resource})
			since := ""
			if !seen.Since.IsZero() {
				since = fmt.Sprintf(" for %v", time.Since(seen.Since).Round(time.Second))
			}
			return fmt.Errorf("gave up waiting for the lock of %s on this machine, held%s by %s: %w", describe(resource), since, seen, ctx.Err())
		case <-time.After(poll):
		}
	}
	if waiting {
		o.tell(wire.Notice{Resource: resource})
	}
	if how == unix.LOCK_EX {
		if err := write(f, holder{Who: o.Holder, PID: os.Getpid(), Since: time.Now().Truncate(time.Millisecond)}); err != nil {
			_ = f.Close()
			return fmt.Errorf("cannot write to the lock %s: %w", f.Name(), err)
		}
	}
	l.files = append(l.files, f)
	return nil
}

func describe(resource string) string {
	if resource == "" {
		return "the whole machine"
	}
	return resource
}

func (o *Options) tell(n wire.Notice) {
	if o.Notice != nil {
		o.Notice(n)
	}
}

// holderOf says who holds a file that is locked. The common file may be held
// by those who hold any resource.
func (o *Options) holderOf(f *os.File, resource string) holder {
	if resource != "" {
		return read(f)
	}
	entries, _ := os.ReadDir(o.Dir)
	for _, e := range entries {
		if e.Name() == "all" {
			continue
		}
		r, err := os.OpenFile(filepath.Join(o.Dir, e.Name()), os.O_RDWR|unix.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		busy := unix.Flock(int(r.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil
		h := read(r)
		_ = r.Close()
		if busy {
			return h
		}
	}
	return read(f)
}

func read(f *os.File) (h holder) {
	data, err := io.ReadAll(io.NewSectionReader(f, 0, 4096))
	if err == nil {
		_ = json.Unmarshal(data, &h)
	}
	return h
}

func write(f *os.File, h holder) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	return err
}

// userDir returns this user's directory, made if need be.
func userDir() (string, error) {
	uid := os.Geteuid()
	places := []string{fmt.Sprintf("/run/lock/tutti-%d", uid), fmt.Sprintf("/var/tmp/tutti-lock-%d", uid)}
	if uid == 0 {
		places = []string{"/run/lock/tutti", "/run/tutti"}
	}
	var first error
	for _, dir := range places {
		err := private(dir)
		if err == nil {
			return dir, nil
		}
		if first == nil {
			first = err
		}
	}
	return "", first
}

// private makes a directory of ours or checks that it is one: somebody else's
// directory, or a link to one, would let its owner release or take our locks.
func private(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, os.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(dir), 0o755); err == nil {
			err = os.Mkdir(dir, 0o700)
		}
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("cannot make the directory for locks: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return fmt.Errorf("cannot look at the directory for locks %s: %w", dir, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return fmt.Errorf("refusing to keep locks in %s: it must be a directory that belongs to user %d and that nobody else can write to", dir, os.Geteuid())
	}
	return nil
}
