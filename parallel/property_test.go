package parallel_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tutti-run/tutti/parallel"
	"github.com/tutti-run/tutti/parallel/audit"
)

// schedules is how many random schedules are played.
const schedules = 10_000

// TestRandomSchedules plays random mixes of hints, machines, cancels and
// panics on a fake clock: nothing overlaps that may not, no window exceeds a
// rate, nobody is forgotten, and nothing is left afterwards.
func TestRandomSchedules(t *testing.T) {
	for seed := range uint64(schedules) {
		synctest.Test(t, func(t *testing.T) { playSchedule(t, seed, false) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestRandomSchedulesWithoutEnforcement is the test of the test: with
// enforcement off the same schedules have to show overlaps.
func TestRandomSchedulesWithoutEnforcement(t *testing.T) {
	overlaps := 0
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) { overlaps += playSchedule(t, seed, true) })
	}
	if overlaps == 0 {
		t.Error("no overlap was seen with enforcement off: the checks cannot fail")
	}
}

func playSchedule(t *testing.T, seed uint64, disabled bool) (overlaps int) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var checker audit.Checker // the second opinion: what the events say
	var mu sync.Mutex
	m := parallel.New(parallel.Options{Disabled: disabled, Observe: func(e parallel.Event) {
		mu.Lock()
		defer mu.Unlock()
		checker.Add(audit.Event{Event: e})
	}})
	var log overlap
	starts := map[string][]time.Time{}
	rates := map[string]float64{"a": float64(1 + rnd.IntN(20)), "b": float64(1+rnd.IntN(10)) / 2}
	var wg sync.WaitGroup
	for i := range 4 + rnd.IntN(16) {
		host := fmt.Sprint(rnd.IntN(3))
		var hints []parallel.Hint
		for range 1 + rnd.IntN(3) {
			switch rnd.IntN(5) {
			case 0:
				hints = append(hints, parallel.Host([]string{"", "x", "y"}[rnd.IntN(3)]))
			case 1:
				hints = append(hints, parallel.Global([]string{"", "g", "h"}[rnd.IntN(3)]))
			case 2:
				// One rate a request: with several, the work begins when the last
				// token has come, and only the tokens are evenly spaced.
				if key := []string{"a", "b"}[rnd.IntN(2)]; !limited(hints) {
					hints = append(hints, parallel.Limited(key, rates[key], 1))
				}
			default:
				hints = append(hints, parallel.Free())
			}
		}
		req := parallel.Request{Host: host, Hints: hints, Owner: fmt.Sprint(i), Slots: []parallel.Slot{{Pool: "forks", Size: 3}}}
		arrive, hold := time.Duration(rnd.IntN(50))*time.Millisecond, time.Duration(rnd.IntN(100))*time.Millisecond
		patience := time.Duration(rnd.IntN(400)) * time.Millisecond
		cancels, panics := rnd.IntN(4) == 0, rnd.IntN(10) == 0
		wg.Go(func() {
			defer func() { _ = recover() }()
			time.Sleep(arrive)
			ctx := t.Context()
			if cancels {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, patience)
				defer cancel()
			}
			_ = m.Do(ctx, req, func(context.Context) error {
				mu.Lock()
				for _, h := range hints {
					if h.Kind == parallel.RateLimited {
						starts[h.Name] = append(starts[h.Name], time.Now())
					}
				}
				mu.Unlock()
				leave := log.enter(host, hints)
				defer leave()
				time.Sleep(hold)
				if panics {
					panic("on purpose")
				}
				return nil
			})
		})
	}
	wg.Wait()
	if disabled {
		return log.forbidden
	}
	if log.forbidden > 0 {
		t.Errorf("%d forbidden overlaps", log.forbidden)
	}
	for key, at := range starts {
		limit := time.Duration(float64(time.Second)/rates[key]) - time.Microsecond
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap < limit {
				t.Errorf("two calls of %s only %s apart, %s is due", key, gap, limit)
			}
		}
	}
	for _, v := range checker.Check().Violations {
		t.Error(v)
	}
	if s := m.Stats(); len(s.Holders) != 0 || s.Waiters != 0 || len(s.Slots) != 0 {
		t.Errorf("something is left: %+v", s)
	}
	return 0
}

func limited(hints []parallel.Hint) bool {
	for _, h := range hints {
		if h.Kind == parallel.RateLimited {
			return true
		}
	}
	return false
}
