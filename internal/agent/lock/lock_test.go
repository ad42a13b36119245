package lock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/agent/wire"
)

// try reports whether resources can be held within a moment.
func try(t *testing.T, dir string, resources ...string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	l, err := Acquire(ctx, resources, Options{Dir: dir})
	if err == nil {
		l.Release()
		return true
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return false
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		held, wanted []string
		free         bool
	}{
		{[]string{"dpkg"}, []string{"dpkg"}, false},
		{[]string{"dpkg"}, []string{"systemd"}, true},
		{[]string{"dpkg"}, []string{"systemd", "dpkg"}, false},
		{[]string{"dpkg"}, []string{""}, false},
		{[]string{""}, []string{"dpkg"}, false},
		{[]string{""}, []string{""}, false},
		{[]string{"a/b"}, []string{"a_b"}, true},
		{[]string{"../up"}, []string{"../up"}, false},
		{[]string{"dpkg", "dpkg"}, []string{"x"}, true},
		{nil, []string{""}, true},
	} {
		dir := filepath.Join(t.TempDir(), "locks")
		l, err := Acquire(t.Context(), c.held, Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if free := try(t, dir, c.wanted...); free != c.free {
			t.Errorf("%q is held: %q is free: %v", c.held, c.wanted, free)
		}
		l.Release()
		if !try(t, dir, c.wanted...) {
			t.Errorf("%q was released: %q is not free", c.held, c.wanted)
		}
	}
}

func TestNobodyOverlaps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	var inside, most atomic.Int32
	var work sync.WaitGroup
	for i := range 20 {
		resources := []string{"a", "b"}
		if i%5 == 0 {
			resources = []string{""}
		}
		work.Go(func() {
			l, err := Acquire(t.Context(), resources, Options{Dir: dir})
			if err != nil {
				t.Error(err)
				return
			}
			if n := inside.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Millisecond)
			inside.Add(-1)
			l.Release()
		})
	}
	work.Wait()
	if most.Load() != 1 {
		t.Errorf("%d were inside at the same time", most.Load())
	}
}

func TestWaiterLearnsTheHolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	l, err := Acquire(t.Context(), []string{"dpkg"}, Options{Dir: dir, Holder: `ctl2, task "migrate"`})
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{"dpkg", ""} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		var notices []wire.Notice
		_, err = Acquire(ctx, []string{wanted}, Options{Dir: dir, Notice: func(n wire.Notice) { notices = append(notices, n) }})
		cancel()
		if err == nil || !strings.Contains(err.Error(), `held for 0s by ctl2, task "migrate"`) {
			t.Errorf("%q: %v", wanted, err)
		}
		if len(notices) != 2 || !notices[0].Waiting || notices[0].Holder != `ctl2, task "migrate"` || notices[0].Since.IsZero() || notices[1].Waiting {
			t.Errorf("%q: %+v", wanted, notices)
		}
	}
	l.Release()
}

func TestRefusesOthersDirectories(t *testing.T) {
	tmp := t.TempDir()
	open := filepath.Join(tmp, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(tmp, "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{open, link} {
		if _, err := Acquire(t.Context(), []string{"x"}, Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "refusing") {
			t.Errorf("%s: %v", dir, err)
		}
	}
	// A link in place of a lock's file would let others choose what we lock.
	dir := filepath.Join(tmp, "locks")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/null", fileName(dir, "x")); err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(t.Context(), []string{"x"}, Options{Dir: dir}); err == nil {
		t.Error("a link was followed")
	}
}
