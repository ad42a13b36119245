package parallel_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tutti-run/tutti/parallel"
)

// Work says what it may overlap with, and begins when it has a lease.
func ExampleManager_Acquire() {
	m := parallel.New(parallel.Options{})
	lease, err := m.Acquire(context.Background(), parallel.Request{
		Host:  "web1",
		Hints: []parallel.Hint{parallel.Host("dpkg")},
		Owner: "web1: Install nginx",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lease.Release()
	for _, h := range m.Stats().Holders {
		fmt.Println(h.Key, "is held by", h.Owner)
	}
	// Output: host:web1/dpkg is held by web1: Install nginx
}

// Do releases the lease however the work ends.
func ExampleManager_Do() {
	m := parallel.New(parallel.Options{})
	request := parallel.Request{Hints: []parallel.Hint{parallel.Global("schema")}}
	var steps []int // guarded by the hint alone
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			_ = m.Do(context.Background(), request, func(context.Context) error {
				steps = append(steps, i)
				return nil
			})
		})
	}
	all.Wait()
	fmt.Println(len(steps), "steps, one at a time")
	// Output: 3 steps, one at a time
}

// A wait that its context ends says who was in the way.
func ExampleWaitError() {
	m := parallel.New(parallel.Options{})
	request := parallel.Request{Hints: []parallel.Hint{parallel.Global("etcd")}, Owner: "ann: Add a member"}
	lease, _ := m.Acquire(context.Background(), request)
	defer lease.Release()

	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	request.Owner = "bob: Add a member"
	_, err := m.Acquire(ctx, request)
	var w *parallel.WaitError
	if errors.As(err, &w) {
		fmt.Println(w.Owner, "waited for", w.Key, "which is held by", w.Holder)
	}
	// Output: bob: Add a member waited for global:etcd which is held by ann: Add a member
}

// Calls of one key are evenly spaced, whoever makes them.
func ExampleLimited() {
	m := parallel.New(parallel.Options{})
	request := parallel.Request{Hints: []parallel.Hint{parallel.Limited("api/eu", 100, 1)}}
	begin := time.Now()
	for range 4 {
		lease, _ := m.Acquire(context.Background(), request)
		lease.Release() // a token is spent; there is nothing to hold
	}
	fmt.Println(time.Since(begin) >= 30*time.Millisecond)
	// Output: true
}

// Slots bound how much runs at once. Nobody who waits for a lock keeps one.
func ExampleSlot() {
	m := parallel.New(parallel.Options{})
	request := parallel.Request{Hints: []parallel.Hint{parallel.Free()}, Slots: []parallel.Slot{{Pool: "forks", Size: 1}}}
	first, _, _ := m.TryAcquire(context.Background(), request)
	_, ok, _ := m.TryAcquire(context.Background(), request)
	fmt.Println("a second one at the same time:", ok)
	first.Release()
	_, ok, _ = m.TryAcquire(context.Background(), request)
	fmt.Println("after the first:", ok)
	// Output:
	// a second one at the same time: false
	// after the first: true
}
