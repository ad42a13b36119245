package parallel_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tutti-run/tutti/parallel"
)

// tasks runs n pieces of work that take d each and returns how long all took.
func tasks(t *testing.T, m *parallel.Manager, n int, d time.Duration, request func(i int) parallel.Request) time.Duration {
	t.Helper()
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			err := m.Do(t.Context(), request(i), func(ctx context.Context) error {
				time.Sleep(d)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return time.Since(begin)
}

func TestFullyParallelDoesNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := parallel.New(parallel.Options{})
		took := tasks(t, m, 100, time.Second, func(int) parallel.Request {
			return parallel.Request{Host: "h", Hints: []parallel.Hint{parallel.Free()}}
		})
		if took != time.Second {
			t.Errorf("100 free tasks of 1 s took %s", took)
		}
	})
}

func TestHostExclusive(t *testing.T) {
	for _, c := range []struct {
		name  string
		hosts int
		hint  func(i int) parallel.Hint
		want  time.Duration
	}{
		{"one host serialises", 1, func(int) parallel.Hint { return parallel.Host("dpkg") }, 10 * time.Second},
		{"ten hosts do not wait for each other", 10, func(int) parallel.Hint { return parallel.Host("dpkg") }, time.Second},
		{"resources of one host do not overlap", 1, func(i int) parallel.Hint { return parallel.Host(fmt.Sprint("r", i)) }, time.Second},
		{"no resource overlaps every resource", 1, func(i int) parallel.Hint {
			if i == 5 {
				return parallel.Host("")
			}
			return parallel.Host(fmt.Sprint("r", i))
		}, 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := parallel.New(parallel.Options{})
				begin := time.Now()
				var wg sync.WaitGroup
				for i := range 10 {
					wg.Go(func() {
						time.Sleep(time.Duration(i)) // fixes the order of arrival
						_ = m.Do(t.Context(), parallel.Request{Host: fmt.Sprint(i % c.hosts), Hints: []parallel.Hint{c.hint(i)}}, func(context.Context) error {
							time.Sleep(time.Second)
							return nil
						})
					})
				}
				wg.Wait()
				if took := time.Since(begin).Truncate(time.Second); took != c.want {
					t.Errorf("took %s, want %s", took, c.want)
				}
			})
		})
	}
}

func TestGlobalExclusiveSerialisesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := parallel.New(parallel.Options{})
		took := tasks(t, m, 10, time.Second, func(i int) parallel.Request {
			return parallel.Request{Host: fmt.Sprint("h", i), Hints: []parallel.Hint{parallel.Global("etcd")}}
		})
		if took != 10*time.Second {
			t.Errorf("10 tasks on 10 hosts took %s", took)
		}
	})
}

func TestRateIsEvenlySpaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := parallel.New(parallel.Options{})
		begin := time.Now()
		var mu sync.Mutex
		var starts []time.Duration
		tasks(t, m, 10, 0, func(int) parallel.Request {
			return parallel.Request{Hints: []parallel.Hint{parallel.Limited("api", 5, 1)}}
		})
		if took := time.Since(begin); took < 1800*time.Millisecond {
			t.Errorf("10 calls at 5/s took %s, at least 1.8 s is due", took)
		}
		begin = time.Now().Add(200 * time.Millisecond)
		time.Sleep(200 * time.Millisecond) // the token is back
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_ = m.Do(t.Context(), parallel.Request{Hints: []parallel.Hint{parallel.Limited("api", 5, 1)}}, func(context.Context) error {
					mu.Lock()
					defer mu.Unlock()
					starts = append(starts, time.Since(begin))
					return nil
				})
			})
		}
		wg.Wait()
		for i, s := range starts {
			if want := time.Duration(i) * 200 * time.Millisecond; s != want {
				t.Errorf("call %d began at %s, want %s", i, s, want)
			}
		}
	})
}

func TestTokensRefill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := parallel.New(parallel.Options{})
		req := parallel.Request{Hints: []parallel.Hint{parallel.Limited("api", 10, 5)}}
		burst := func() int {
			n := 0
			for {
				_, ok, err := m.TryAcquire(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					return n
				}
				n++
			}
		}
		if n := burst(); n != 5 {
			t.Errorf("burst of %d at first, want 5", n)
		}
		time.Sleep(300 * time.Millisecond)
		if n := burst(); n != 3 {
			t.Errorf("%d tokens after 0.3 s at 10/s, want 3", n)
		}
		time.Sleep(time.Hour)
		if n := burst(); n != 5 {
			t.Errorf("%d tokens after an hour, want the burst of 5", n)
		}
	})
}

func TestRefusedHints(t *testing.T) {
	m := parallel.New(parallel.Options{})
	for _, rate := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := m.Acquire(t.Context(), parallel.Request{Hints: []parallel.Hint{parallel.Limited("k", rate, 1)}}); err == nil {
			t.Errorf("rate %v was accepted", rate)
		}
	}
	if _, err := m.Acquire(t.Context(), parallel.Request{Hints: []parallel.Hint{{}}}); err == nil {
		t.Error("a hint without a kind was accepted")
	}
}

func TestWaitIsFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := parallel.New(parallel.Options{})
		var order []int
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				_ = m.Do(t.Context(), parallel.Request{Host: "h", Hints: []parallel.Hint{parallel.Host("x")}}, func(context.Context) error {
					order = append(order, i)
					time.Sleep(time.Second)
					return nil
				})
			})
		}
		wg.Wait()
		for i, n := range order {
			if i != n {
				t.Fatalf("order of grants %v", order)
			}
		}
	})
}

func TestDeadlineNamesTheHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := parallel.New(parallel.Options{})
		lease, err := m.Acquire(t.Context(), parallel.Request{Host: "web1", Hints: []parallel.Hint{parallel.Host("dpkg")}, Owner: "web1: Install nginx"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err = m.Acquire(ctx, parallel.Request{Host: "web1", Hints: []parallel.Hint{parallel.Host("dpkg")}, Owner: "web1: Install php"})
		var wait *parallel.WaitError
		if !errors.As(err, &wait) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if wait.Holder != "web1: Install nginx" || wait.Held != 8*time.Second || wait.Waited != 3*time.Second {
			t.Errorf("got %+v", wait)
		}
		if !strings.Contains(err.Error(), "host:web1/dpkg") {
			t.Errorf("the message does not name the key: %v", err)
		}
		lease.Release()
		lease.Release() // idempotent
		if s := m.Stats(); len(s.Holders) != 0 || s.Waiters != 0 {
			t.Errorf("something was left: %+v", s)
		}
	})
}

func TestCancelLeavesNoTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := parallel.New(parallel.Options{})
		hints := []parallel.Hint{parallel.Host("a"), parallel.Host("b"), parallel.Global("g"), parallel.Limited("r", 1, 1)}
		first, err := m.Acquire(t.Context(), parallel.Request{Host: "h", Hints: hints, Slots: []parallel.Slot{{Pool: "forks", Size: 1}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := m.Acquire(ctx, parallel.Request{Host: "h", Hints: hints, Slots: []parallel.Slot{{Pool: "forks", Size: 1}}}); err == nil {
					t.Error("granted while held")
				}
			})
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		first.Release()
		if s := m.Stats(); len(s.Holders) != 0 || s.Waiters != 0 || len(s.Slots) != 0 {
			t.Errorf("something was left: %+v", s)
		}
		if _, ok, _ := m.TryAcquire(t.Context(), parallel.Request{Host: "h", Hints: hints[:3]}); !ok {
			t.Error("the keys are not free")
		}
	})
}

func TestPanicReleases(t *testing.T) {
	m := parallel.New(parallel.Options{})
	func() {
		defer func() { _ = recover() }()
		_ = m.Do(t.Context(), parallel.Request{Hints: []parallel.Hint{parallel.Global("g")}}, func(context.Context) error { panic("broken") })
	}()
	if s := m.Stats(); len(s.Holders) != 0 {
		t.Errorf("still held: %+v", s.Holders)
	}
}

func TestWaitingForALockKeepsNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := parallel.New(parallel.Options{})
		forks := []parallel.Slot{{Pool: "forks", Size: 2}}
		locked := parallel.Request{Host: "h", Hints: []parallel.Hint{parallel.Host("x")}, Slots: forks}
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				_ = m.Do(t.Context(), locked, func(context.Context) error { time.Sleep(time.Second); return nil })
			})
		}
		synctest.Wait() // one holds the lock and a slot, four wait for the lock
		begin := time.Now()
		lease, err := m.Acquire(t.Context(), parallel.Request{Hints: []parallel.Hint{parallel.Free()}, Slots: forks})
		if err != nil || time.Since(begin) != 0 {
			t.Errorf("a free task waited %s for a slot that waiters keep: %v", time.Since(begin), err)
		}
		lease.Release()
		wg.Wait()
	})
}

func TestStatsTrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := parallel.New(parallel.Options{})
		lease, _ := m.Acquire(t.Context(), parallel.Request{Host: "h", Hints: []parallel.Hint{parallel.Host("x"), parallel.Limited("r", 2, 4)}, Owner: "me", Slots: []parallel.Slot{{Pool: "forks", Size: 3}}})
		go func() {
			l, _ := m.Acquire(t.Context(), parallel.Request{Host: "h", Hints: []parallel.Hint{parallel.Host("x")}})
			l.Release()
		}()
		synctest.Wait()
		time.Sleep(2 * time.Second)
		s := m.Stats()
		if len(s.Holders) != 1 || s.Holders[0].Owner != "me" || s.Holders[0].Age != 2*time.Second || s.Holders[0].Queue != 1 || s.Holders[0].Key != "host:h/x" {
			t.Errorf("holders %+v", s.Holders)
		}
		if len(s.Slots) != 1 || s.Slots[0].Used != 1 || s.Slots[0].Size != 3 {
			t.Errorf("slots %+v", s.Slots)
		}
		if len(s.Rates) != 1 || s.Rates[0].Tokens != 4 || s.Rates[0].Rate != 2 {
			t.Errorf("rates %+v", s.Rates)
		}
		lease.Release()
		synctest.Wait()
		w := m.Stats().Waits[parallel.HostExclusive]
		if w.Count != 1 || w.Total != 2*time.Second || w.Max != 2*time.Second || w.Buckets[4] != 1 {
			t.Errorf("waits %+v", w)
		}
	})
}

func TestThrottledSlowsAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := parallel.New(parallel.Options{})
		req := parallel.Request{Hints: []parallel.Hint{parallel.Limited("ec2", 10, 1)}}
		pace := func() time.Duration {
			l, _ := m.Acquire(t.Context(), req)
			l.Release()
			begin := time.Now()
			l, _ = m.Acquire(t.Context(), req)
			l.Release()
			return time.Since(begin)
		}
		if p := pace(); p != 100*time.Millisecond {
			t.Errorf("pace %s before", p)
		}
		m.Throttled("ec2")
		if p := pace(); p < 180*time.Millisecond {
			t.Errorf("pace %s after being throttled, want about 200 ms", p)
		}
		time.Sleep(time.Minute)
		if p := pace(); p != 100*time.Millisecond {
			t.Errorf("pace %s a minute later", p)
		}
	})
}

func TestIdleKeysAreEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := parallel.New(parallel.Options{})
		for i := range 100_000 {
			l, err := m.Acquire(t.Context(), parallel.Request{Host: fmt.Sprint(i), Hints: []parallel.Hint{parallel.Host(fmt.Sprint(i)), parallel.Limited(fmt.Sprint(i), 1000, 1)}})
			if err != nil {
				t.Fatal(err)
			}
			l.Release()
			if i%1000 == 0 {
				time.Sleep(time.Second)
			}
		}
		time.Sleep(time.Second)
		for range 20_000 { // the last few go as new keys come
			l, _ := m.Acquire(t.Context(), parallel.Request{Hints: []parallel.Hint{parallel.Limited("new", 1e9, 1)}})
			l.Release()
		}
		if s := m.Stats(); len(s.Holders) != 0 || len(s.Rates) > 2000 {
			t.Errorf("%d holders and %d rate keys are left", len(s.Holders), len(s.Rates))
		}
	})
}

func TestMixedWorkload(t *testing.T) {
	for _, disabled := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var log overlap
			m := parallel.New(parallel.Options{Disabled: disabled})
			var wg sync.WaitGroup
			for i := range 400 {
				hints := [][]parallel.Hint{
					{parallel.Free()}, {parallel.Host("dpkg")}, {parallel.Host("")}, {parallel.Global("a")}, {parallel.Global("")},
					{parallel.Host("systemd"), parallel.Global("b")},
				}[i%6]
				host := fmt.Sprint(i % 7)
				wg.Go(func() {
					_ = m.Do(t.Context(), parallel.Request{Host: host, Hints: hints}, func(context.Context) error {
						leave := log.enter(host, hints)
						time.Sleep(time.Duration(i%5) * time.Millisecond)
						leave()
						return nil
					})
				})
			}
			wg.Wait()
			if disabled && log.forbidden == 0 {
				t.Error("enforcement is off and no overlap was seen: the test cannot fail")
			}
			if !disabled && log.forbidden > 0 {
				t.Errorf("%d forbidden overlaps", log.forbidden)
			}
		})
	}
}

// overlap counts pieces of work that ran together and must not.
type overlap struct {
	mu        sync.Mutex
	running   []work
	next      int
	forbidden int
}

type work struct {
	host  string
	hints []parallel.Hint
	id    int
}

func (o *overlap) enter(host string, hints []parallel.Hint) func() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.next++
	w := work{host, hints, o.next}
	for _, other := range o.running {
		for _, a := range hints {
			for _, b := range other.hints {
				same := a.Name == "" || b.Name == "" || a.Name == b.Name
				if a.Kind == b.Kind && same && (a.Kind == parallel.GlobalExclusive || a.Kind == parallel.HostExclusive && other.host == host) {
					o.forbidden++
				}
			}
		}
	}
	o.running = append(o.running, w)
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		for i := range o.running {
			if o.running[i].id == w.id {
				o.running = append(o.running[:i], o.running[i+1:]...)
				return
			}
		}
	}
}

func TestExecutionLogOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var events []parallel.Event
		m := parallel.New(parallel.Options{Observe: func(e parallel.Event) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, e)
		}})
		tasks(t, m, 50, time.Millisecond, func(i int) parallel.Request {
			return parallel.Request{Host: "h", Hints: []parallel.Hint{parallel.Host("x")}, Owner: fmt.Sprint(i)}
		})
		holder := ""
		for _, e := range events {
			switch e.Kind {
			case parallel.Acquired:
				if holder != "" {
					t.Fatalf("%s acquired while %s held", e.Owner, holder)
				}
				holder = e.Owner
			case parallel.Released:
				if holder != e.Owner {
					t.Fatalf("%s released what %s held", e.Owner, holder)
				}
				holder = ""
			}
		}
	})
}

// What a lease held serves later leases; an old copy of it must not touch them.
func TestReleaseOfOldLease(t *testing.T) {
	m := parallel.New(parallel.Options{})
	r := parallel.Request{Host: "h", Hints: []parallel.Hint{parallel.Host("x")}, Slots: []parallel.Slot{{Pool: "forks", Size: 1}}}
	var old []parallel.Lease
	for range 100 {
		now, err := m.Acquire(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range old {
			l.ReleaseSlots()
			l.Release()
		}
		if s := m.Stats(); len(s.Holders) != 1 || len(s.Slots) != 1 || s.Slots[0].Used != 1 {
			t.Fatalf("after old leases were released again: %+v", s)
		}
		old = append(old, now)
		now.ReleaseSlots()
		now.ReleaseSlots()
		now.Release()
		if s := m.Stats(); len(s.Holders) != 0 || len(s.Slots) != 0 {
			t.Fatalf("after the release: %+v", s)
		}
	}
}
