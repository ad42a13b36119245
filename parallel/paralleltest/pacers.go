package paralleltest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tutti-run/tutti/parallel"
	"github.com/tutti-run/tutti/parallel/audit"
)

// Pacers is the contract of a coordinator that shares rates as well; open is
// as for Coordinators. It takes tokens on the real clock, and so looks at when
// they are due, which nothing can delay, and not at when somebody woke up.
func Pacers(t *testing.T, open func(t *testing.T) parallel.Pacer) {
	t.Run("one after the other", func(t *testing.T) {
		a, b := open(t), open(t)
		h := parallel.Limited("even", 1, 1)
		at := reserve(t, []parallel.Pacer{a, b, a, b}, h)
		for i, in := range at {
			if low := time.Duration(i)*time.Second - moment; in < low || in > time.Duration(i)*time.Second {
				t.Errorf("token %d is due in %s", i, in)
			}
		}
	})
	t.Run("burst", func(t *testing.T) {
		at := reserve(t, []parallel.Pacer{open(t), open(t), open(t), open(t)}, parallel.Limited("burst", 1, 3))
		if at[2] != 0 || at[3] < time.Second-moment {
			t.Errorf("due in %v", at)
		}
	})
	t.Run("the lower rate holds", func(t *testing.T) {
		a, b := open(t), open(t)
		reserve(t, []parallel.Pacer{a}, parallel.Limited("lower", 0.5, 1))
		reserve(t, []parallel.Pacer{b}, parallel.Limited("lower", 100, 1))
		if at := reserve(t, []parallel.Pacer{b}, parallel.Limited("lower", 100, 1)); at[0] < 3*time.Second {
			t.Errorf("the third token is due in %v, at 0.5 a second", at[0])
		}
	})
	t.Run("cancel gives back", func(t *testing.T) {
		a, b := open(t), open(t)
		h := parallel.Limited("cancel", 1, 1)
		reserve(t, []parallel.Pacer{a}, h)
		_, _, cancel, err := b.Reserve(h, 0)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if at := reserve(t, []parallel.Pacer{a}, h); at[0] > time.Second {
			t.Errorf("due in %s: the token that was given back is missing", at[0])
		}
	})
	t.Run("throttled", func(t *testing.T) {
		a, b := open(t), open(t)
		h := parallel.Limited("throttled", 10, 1)
		reserve(t, []parallel.Pacer{a}, h)
		a.Throttled("throttled")
		a.Throttled("throttled")
		if _, rate, _, err := b.Reserve(h, 0); err != nil || rate > 5 {
			t.Errorf("the rate of another user is %g, %v", rate, err)
		}
	})
	t.Run("managers", func(t *testing.T) { paced(t, open) })
	t.Run("a wait ends with its context", func(t *testing.T) {
		p := open(t)
		m := parallel.New(parallel.Options{Coordinate: func(parallel.Key) parallel.Coordinator { return p }})
		r := parallel.Request{Hints: []parallel.Hint{parallel.Limited("long", 0.01, 1)}}
		if _, err := m.Acquire(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), moment)
		defer cancel()
		var w *parallel.WaitError
		if _, err := m.Acquire(ctx, r); !errors.As(err, &w) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the wait ended with %v", err)
		}
		if _, ok, err := m.TryAcquire(t.Context(), r); ok || err != nil {
			t.Errorf("TryAcquire gave %v, %v", ok, err)
		}
	})
}

// reserve takes a token from each and returns in how long they are due.
func reserve(t *testing.T, from []parallel.Pacer, h parallel.Hint) (due []time.Duration) {
	t.Helper()
	for _, p := range from {
		in, _, _, err := p.Reserve(h, 0)
		if err != nil {
			t.Fatal(err)
		}
		due = append(due, in)
	}
	return due
}

// paced lets several Managers make calls at one rate and checks their logs.
func paced(t *testing.T, open func(t *testing.T) parallel.Pacer) {
	var c audit.Checker
	var mu sync.Mutex
	var wg sync.WaitGroup
	h := parallel.Limited("paced", 200, 1)
	for n := range 3 {
		p := open(t)
		m := parallel.New(parallel.Options{
			Coordinate: func(parallel.Key) parallel.Coordinator { return p },
			Observe: func(e parallel.Event) {
				mu.Lock()
				defer mu.Unlock()
				c.Add(audit.Event{Event: e, Log: fmt.Sprint("manager ", n)})
			},
		})
		for worker := range 2 {
			wg.Go(func() {
				for i := range 10 {
					if _, err := m.Acquire(t.Context(), parallel.Request{Hints: []parallel.Hint{h}, Owner: fmt.Sprintf("%d.%d.%d", n, worker, i)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	r := c.Check()
	if r.Acquired != 60 {
		t.Errorf("%d calls, not 60", r.Acquired)
	}
	for _, v := range r.Violations {
		t.Error(v)
	}
}
