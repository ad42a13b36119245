// Package paralleltest holds the contracts of coordinators: the test of each is
// a few lines that call Coordinators, and Pacers if it shares rates as well.
package paralleltest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tutti-run/tutti/parallel"
	"github.com/tutti-run/tutti/parallel/audit"
)

// patience is how long a test waits for what has to happen soon, and moment
// how long for what must not happen.
const (
	patience = 10 * time.Second
	moment   = 50 * time.Millisecond
)

// Coordinators is the contract of a coordinator. open returns one more user of
// the same shared state, and ends it with the test.
func Coordinators(t *testing.T, open func(t *testing.T) parallel.Coordinator) {
	t.Run("table", func(t *testing.T) { table(t, open(t), open(t)) })
	t.Run("one user", func(t *testing.T) { c := open(t); table(t, c, c) })
	t.Run("holder is named", func(t *testing.T) { named(t, open(t), open(t)) })
	t.Run("cancel", func(t *testing.T) { canceled(t, open(t), open(t)) })
	t.Run("unlock twice", func(t *testing.T) { twice(t, open(t), open(t)) })
	t.Run("schedules", func(t *testing.T) {
		if n := schedule(t, open, false); n > 0 {
			t.Errorf("%d violations", n)
		}
	})
	t.Run("schedules without it", func(t *testing.T) {
		if schedule(t, open, true) == 0 {
			t.Error("no violation was seen with the coordinator left out: the check cannot fail")
		}
	})
}

// lock takes a key in the background.
func lock(t *testing.T, ctx context.Context, c parallel.Coordinator, k parallel.Key, owner string) (held chan parallel.Held, waits chan string) {
	held, waits = make(chan parallel.Held, 1), make(chan string, 10)
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	wg.Go(func() {
		h, err := c.Lock(ctx, []parallel.Key{k}, owner, func(_ parallel.Key, holder string) {
			select {
			case waits <- holder:
			default:
			}
		})
		if err == nil {
			held <- h
		} else if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", k, err)
		}
	})
	return held, waits
}

func got(t *testing.T, held chan parallel.Held) parallel.Held {
	t.Helper()
	select {
	case h := <-held:
		return h
	case <-time.After(patience):
		t.Fatal("the key was not granted")
		return nil
	}
}

func table(t *testing.T, a, b parallel.Coordinator) {
	host := func(h, n string) parallel.Key {
		return parallel.Key{Kind: parallel.HostExclusive, Host: h, Name: n}
	}
	global := func(n string) parallel.Key { return parallel.Key{Kind: parallel.GlobalExclusive, Name: n} }
	for _, c := range []struct {
		a, b    parallel.Key
		overlap bool
	}{
		{global("etcd"), global("etcd"), true},
		{global("etcd"), global("db"), false},
		{global(""), global("db"), true},
		{global("db"), global(""), true},
		{global(""), global(""), true},
		{global("x"), host("h", "x"), false},
		{host("h", "dpkg"), host("h", "dpkg"), true},
		{host("h", "dpkg"), host("h", "rpm"), false},
		{host("h", "dpkg"), host("i", "dpkg"), false},
		{host("h", ""), host("h", "rpm"), true},
		{host("h", "rpm"), host("h", ""), true},
		{host("h", ""), host("i", ""), false},
		{global("a/b"), global("a%2Fb"), false},
		{global("../x"), global("x"), false},
	} {
		t.Run(fmt.Sprint(c.a, " and ", c.b), func(t *testing.T) {
			first, _ := lock(t, t.Context(), a, c.a, "first")
			h := got(t, first)
			second, waits := lock(t, t.Context(), b, c.b, "second")
			if !c.overlap {
				got(t, second).Unlock()
				h.Unlock()
				return
			}
			select {
			case <-waits:
			case <-time.After(patience):
				t.Error("nobody said that it waits")
			}
			select {
			case <-second:
				t.Fatal("both hold it")
			case <-time.After(moment):
			}
			h.Unlock()
			got(t, second).Unlock()
		})
	}
}

func named(t *testing.T, a, b parallel.Coordinator) {
	k := parallel.Key{Kind: parallel.GlobalExclusive, Name: "named"}
	first, _ := lock(t, t.Context(), a, k, "web1: Migrate")
	h := got(t, first)
	second, waits := lock(t, t.Context(), b, k, "web2: Migrate")
	select {
	case holder := <-waits:
		if !strings.Contains(holder, "web1: Migrate") {
			t.Errorf("the holder is said to be %q", holder)
		}
	case <-time.After(patience):
		t.Error("nobody said who holds it")
	}
	h.Unlock()
	got(t, second).Unlock()
}

func canceled(t *testing.T, a, b parallel.Coordinator) {
	k := parallel.Key{Kind: parallel.GlobalExclusive, Name: "canceled"}
	first, _ := lock(t, t.Context(), a, k, "first")
	h := got(t, first)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := b.Lock(ctx, []parallel.Key{k}, "second", func(parallel.Key, string) { cancel() })
			ended <- err
		}()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the wait ended with %v", err)
			}
		case <-time.After(patience):
			t.Fatal("the wait did not end with its context")
		}
	}
	h.Unlock()
	third, _ := lock(t, t.Context(), a, k, "third")
	got(t, third).Unlock()
	fourth, _ := lock(t, t.Context(), b, k, "fourth")
	got(t, fourth).Unlock()
}

func twice(t *testing.T, a, b parallel.Coordinator) {
	k := parallel.Key{Kind: parallel.GlobalExclusive, Name: "twice"}
	first, _ := lock(t, t.Context(), a, k, "first")
	h := got(t, first)
	h.Unlock()
	second, _ := lock(t, t.Context(), b, k, "second")
	s := got(t, second)
	h.Unlock() // again: it must not free what the other one holds
	third, _ := lock(t, t.Context(), a, k, "third")
	select {
	case <-third:
		t.Error("unlocking twice freed somebody else's key")
	case <-time.After(moment):
	}
	s.Unlock()
	got(t, third).Unlock()
}

// schedule lets several Managers that share their keys work at random and
// returns how many violations their logs show.
func schedule(t *testing.T, open func(t *testing.T) parallel.Coordinator, without bool) int {
	var c audit.Checker
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n := range 3 {
		shared := open(t)
		o := parallel.Options{Observe: func(e parallel.Event) {
			mu.Lock()
			defer mu.Unlock()
			c.Add(audit.Event{Event: e, Log: fmt.Sprint("manager ", n)})
		}}
		if !without {
			o.Coordinate = func(parallel.Key) parallel.Coordinator { return shared }
		}
		m := parallel.New(o)
		rnd := rand.New(rand.NewPCG(uint64(n), 7))
		for worker := range 4 {
			picks := make([]int, 60)
			for i := range picks {
				picks[i] = rnd.Int()
			}
			wg.Go(func() { work(t, m, fmt.Sprintf("%d.%d", n, worker), picks) })
		}
	}
	wg.Wait()
	r := c.Check()
	if r.Acquired < 300 {
		t.Errorf("only %d keys were acquired", r.Acquired)
	}
	if !without {
		for i, v := range r.Violations {
			if i < 5 {
				t.Log(v)
			}
		}
	}
	return len(r.Violations)
}

func work(t *testing.T, m *parallel.Manager, owner string, picks []int) {
	for i, pick := range picks {
		names := []string{"", "x", "y"}
		hints := []parallel.Hint{parallel.Host(names[pick%3])}
		switch pick / 3 % 4 {
		case 0:
			hints = []parallel.Hint{parallel.Global(names[pick/12%3])}
		case 1:
			hints = append(hints, parallel.Global(names[pick/12%3]), parallel.Host(names[pick/36%3]))
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if pick/200%5 == 0 {
			cancel()
			ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		}
		func() {
			defer func() { _ = recover() }()
			_ = m.Do(ctx, parallel.Request{Host: "h", Hints: hints, Owner: fmt.Sprint(owner, ".", i)}, func(context.Context) error {
				time.Sleep(time.Duration(pick/1000%500) * time.Microsecond)
				if pick/7%11 == 0 {
					panic("on purpose")
				}
				return nil
			})
		}()
		cancel()
	}
}
