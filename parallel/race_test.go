package parallel_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tutti-run/tutti/parallel"
)

// TestCancelInTheMomentOfTheGrant lets holders go while those in line give up:
// whichever comes first, the key and the slot are free afterwards.
func TestCancelInTheMomentOfTheGrant(t *testing.T) {
	for _, kind := range []struct {
		name string
		req  parallel.Request
	}{
		{"key", parallel.Request{Host: "web1", Hints: []parallel.Hint{parallel.Host("dpkg")}}},
		{"slot", parallel.Request{Slots: []parallel.Slot{{Pool: "forks", Size: 1}}}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			m := parallel.New(parallel.Options{})
			for range 3000 {
				held, err := m.Acquire(t.Context(), kind.req)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var wg sync.WaitGroup
				for range 2 {
					wg.Go(func() {
						if l, err := m.Acquire(ctx, kind.req); err == nil {
							l.Release()
						}
					})
				}
				for m.Stats().Waiters < 2 {
				}
				wg.Go(cancel)
				wg.Go(held.Release)
				wg.Wait()
				l, ok, err := m.TryAcquire(t.Context(), kind.req)
				if !ok || err != nil {
					t.Fatalf("still held after all have gone: %v %+v", err, m.Stats())
				}
				l.Release()
			}
		})
	}
}

// TestReleaseFromManyPlaces releases each lease from two goroutines at once,
// while others work: the key never has two holders.
func TestReleaseFromManyPlaces(t *testing.T) {
	m := parallel.New(parallel.Options{})
	r := parallel.Request{Host: "web1", Hints: []parallel.Hint{parallel.Host("dpkg")}, Slots: []parallel.Slot{{Pool: "forks", Size: 1}}}
	var inside atomic.Int32
	var all, late sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 2000 {
				l, err := m.Acquire(t.Context(), r)
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) != 1 {
					t.Error("two holders at once")
				}
				inside.Add(-1)
				late.Go(func() { l.ReleaseSlots(); l.Release() })
				l.Release()
			}
		})
	}
	all.Wait()
	late.Wait()
	if s := m.Stats(); len(s.Holders) != 0 || len(s.Slots) != 0 {
		t.Fatalf("left behind: %+v", s)
	}
}
