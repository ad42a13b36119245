package parallel_test

import (
	"context"
	"sync"
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
