package filelock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/parallel"
)

// attempt is a blocking flock under way. A blocking one costs nothing while it
// waits and ends at once when the holder dies; but nothing interrupts it. So one
// whose asker has gone stays, for the next who asks for the same key; if nobody
// does, it lets go as soon as it has been granted.
type attempt struct {
	done    chan struct{} // closed when the flock has returned
	f       *os.File
	err     error
	how     int
	adopted bool // somebody waits for it; guarded by Coordinator.mu
}

// take holds the file of a key.
func (c *Coordinator) take(ctx context.Context, k parallel.Key, how int, owner string, waiting func(k parallel.Key, holder string)) (*os.File, error) {
	path := c.fileName(k)
	for {
		f, err := c.flock(ctx, path, how, k, waiting)
		if err != nil {
			return nil, err
		}
		if !current(f) {
			_ = f.Close()
			continue
		}
		if how == unix.LOCK_EX {
			if err := write(f, c.record(k, owner)); err != nil {
				_ = f.Close()
				return nil, fmt.Errorf("cannot write to the lock file %s: %w", path, err)
			}
		}
		return f, nil
	}
}

func (c *Coordinator) flock(ctx context.Context, path string, how int, k parallel.Key, waiting func(k parallel.Key, holder string)) (*os.File, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	err = tryFlock(f, how)
	if err == nil {
		return f, nil
	}
	if !errors.Is(err, unix.EWOULDBLOCK) {
		_ = f.Close()
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	if err := ctx.Err(); err != nil {
		_ = f.Close()
		return nil, err
	}
	holder, since := c.holderOf(f, k).describe()
	waiting(k, holder)
	begin := time.Now()
	a := c.adopt(path, how, f)
	select {
	case <-a.done:
		if a.err != nil {
			return nil, fmt.Errorf("cannot lock %s: %w", path, a.err)
		}
		return a.f, nil
	case <-ctx.Done():
		c.abandon(path, a)
		err := &parallel.WaitError{Key: k.String(), Holder: holder, Waited: time.Since(begin), Err: context.Cause(ctx)}
		if !since.IsZero() {
			err.Held = time.Since(since)
		}
		return nil, err
	}
}

// adopt returns an attempt for the file: one that was left behind, or a new one.
func (c *Coordinator) adopt(path string, how int, f *os.File) *attempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.pending[path]; a != nil && !a.adopted && a.how == how {
		a.adopted = true
		_ = f.Close()
		return a
	}
	a := &attempt{done: make(chan struct{}), f: f, how: how, adopted: true}
	c.pending[path] = a
	go func() { // ends with the holder's lock, or with the process
		for {
			a.err = unix.Flock(int(f.Fd()), how)
			if !errors.Is(a.err, unix.EINTR) {
				break
			}
		}
		c.mu.Lock()
		if c.pending[path] == a {
			delete(c.pending, path)
		}
		if a.err != nil || !a.adopted {
			_ = f.Close()
		}
		close(a.done)
		c.mu.Unlock()
	}()
	return a
}

// abandon leaves an attempt to whoever asks next.
func (c *Coordinator) abandon(path string, a *attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-a.done: // granted in the same moment
		if a.err == nil {
			_ = a.f.Close()
		}
	default:
		a.adopted = false
	}
}

func tryFlock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// record is what the holder of a key writes into its file, for those who wait.
type record struct {
	Key   string    `json:"key"`
	Who   string    `json:"who"`
	Owner string    `json:"owner"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

func (c *Coordinator) record(k parallel.Key, owner string) record {
	return record{Key: k.String(), Who: c.who, Owner: owner, PID: os.Getpid(), Since: time.Now().Truncate(time.Millisecond)}
}

// describe says who holds the key; what is in the file is somebody else's word.
func (r record) describe() (string, time.Time) {
	switch {
	case r.Owner != "" && r.Who != "":
		return fmt.Sprintf("%.200s (%.200s, process %d)", r.Owner, r.Who, r.PID), r.Since
	case r.PID != 0:
		return fmt.Sprintf("process %d", r.PID), r.Since
	}
	return "another process", time.Time{}
}

// holderOf says who holds a file that is locked. The file that stands for all
// names may be held by those who hold any of them.
func (c *Coordinator) holderOf(f *os.File, k parallel.Key) record {
	if k.Name != "" {
		return read(f)
	}
	others, _ := filepath.Glob(strings.ReplaceAll(f.Name(), "[", "\\[") + "*")
	for _, path := range others {
		if path == f.Name() {
			continue
		}
		o, err := open(path)
		if err != nil {
			continue
		}
		busy, r := tryFlock(o, unix.LOCK_SH) != nil, read(o)
		_ = o.Close()
		if busy && strings.HasPrefix(r.Key, k.String()) {
			return r
		}
	}
	return read(f)
}

// maxRecord bounds what is read from a file that others write.
const maxRecord = 4096

func read(f *os.File) (r record) {
	data, err := io.ReadAll(io.NewSectionReader(f, 0, maxRecord))
	if err == nil {
		_ = json.Unmarshal(data, &r) // a record that is half written describes nobody
	}
	return r
}

func write(f *os.File, r record) error {
	if len(r.Owner) > 1000 {
		r.Owner = r.Owner[:1000]
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	return err
}
