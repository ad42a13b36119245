// Package runs is who else runs here: each run of this controller listens on a
// socket of its own, in the directory of the shared locks, and answers with
// what it holds and waits for at that moment. It costs nothing until somebody
// asks, and nothing has to be cleaned up for the answer to be true: a run that
// does not listen any more is dead.
package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tutti-run/tutti/parallel"
)

// Run is one run as it describes itself.
type Run struct {
	ID      string
	User    string
	PID     int
	Command string // what it plays
	Begin   time.Time
	Holders []parallel.Holder
	Waiting []parallel.Waiter

	// Dead tells that nobody listens any more: what it held is free. Error is set
	// if it lives and does not answer. Neither is part of an answer.
	Dead  bool   `json:"-"`
	Error string `json:"-"`
	// Since is when its socket was made, for runs that cannot tell.
	Since time.Time `json:"-"`
}

// answering bounds how long a run may take to answer, and reading its size.
const (
	answering = time.Second
	maxAnswer = 64 << 20
)

func socket(dir, id string) string { return filepath.Join(dir, "run-"+id+".sock") }

// Announce lets the run be found until the closer is called. state is asked
// from another goroutine.
func Announce(dir string, r Run, state func() parallel.Stats) (closer func(), err error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket(dir, r.ID), Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socket(dir, r.ID), 0o666); err != nil { // others may ask
		_ = l.Close()
		return nil, err
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			all.Go(func() {
				defer func() { _ = c.Close() }()
				_ = c.SetDeadline(time.Now().Add(answering))
				s := state()
				now := r
				now.Holders, now.Waiting = s.Holders, s.Waiting
				_ = json.NewEncoder(c).Encode(now) // whoever asked may have gone
			})
		}
	})
	return func() { _ = l.Close(); all.Wait() }, nil
}

// List asks all runs, the oldest first.
func List(dir string) ([]Run, error) {
	names, err := filepath.Glob(filepath.Join(dir, "run-*.sock"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	out := make([]Run, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { out[i] = ask(name) })
	}
	all.Wait()
	out = slices.DeleteFunc(out, func(r Run) bool { return r.ID == "" }) // ended meanwhile
	slices.SortFunc(out, func(a, b Run) int { return a.begin().Compare(b.begin()) })
	return out, nil
}

func (r *Run) begin() time.Time {
	if r.Begin.IsZero() {
		return r.Since
	}
	return r.Begin
}

func ask(path string) Run {
	id := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "run-"), ".sock")
	r := Run{ID: id}
	st, err := os.Lstat(path)
	if err != nil || st.Mode()&fs.ModeSocket == 0 {
		return Run{}
	}
	r.Since = st.ModTime()
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		r.User = fmt.Sprint("uid ", sys.Uid)
	}
	c, err := net.DialTimeout("unix", path, answering)
	if errors.Is(err, fs.ErrNotExist) {
		return Run{}
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		r.Dead = true
		return r
	}
	if err != nil {
		r.Error = err.Error()
		return r
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(answering))
	var answer Run
	if err := json.NewDecoder(io.LimitReader(c, maxAnswer)).Decode(&answer); err != nil {
		r.Error = "it does not answer; it may be stopped"
		return r
	}
	answer.ID, answer.Since = id, r.Since
	return answer
}

// Free removes what a dead run has left behind. One that lives is refused: its
// locks belong to work that may be under way.
func Free(dir, id string) error {
	if strings.ContainsAny(id, "/*?[") {
		return fmt.Errorf("%q is no id of a run", id)
	}
	r := ask(socket(dir, id))
	switch {
	case r.ID == "":
		return fmt.Errorf("there is no run %s", id)
	case r.Dead:
		return os.Remove(socket(dir, id))
	case r.Error != "":
		return fmt.Errorf("the run %s lives (%s), so its locks are in use; end its process and they are free", id, r.Error)
	}
	return fmt.Errorf("the run %s lives, so its locks are in use; end it with: kill %d", id, r.PID)
}
