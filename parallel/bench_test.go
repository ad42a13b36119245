package parallel_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/tutti-run/tutti/parallel"
)

func BenchmarkFullyParallel(b *testing.B) {
	m := parallel.New(parallel.Options{})
	r := parallel.Request{Hints: []parallel.Hint{parallel.Free()}}
	b.ReportAllocs()
	for range b.N { // b.Loop would cost a quarter of what is measured
		l, _ := m.Acquire(context.Background(), r)
		l.Release()
	}
}

func BenchmarkHostExclusiveFree(b *testing.B) {
	for _, hosts := range []int{1, 100, 100_000} {
		b.Run(fmt.Sprint(hosts), func(b *testing.B) {
			m := parallel.New(parallel.Options{})
			for i := range hosts - 1 { // others hold their machines meanwhile
				_, _ = m.Acquire(context.Background(), parallel.Request{Host: fmt.Sprint(i), Hints: []parallel.Hint{parallel.Host("dpkg")}})
			}
			r := parallel.Request{Host: "mine", Hints: []parallel.Hint{parallel.Host("dpkg")}}
			b.ReportAllocs()
			for b.Loop() {
				l, _ := m.Acquire(context.Background(), r)
				l.Release()
			}
		})
	}
}

func BenchmarkGlobalExclusiveFree(b *testing.B) {
	m := parallel.New(parallel.Options{})
	r := parallel.Request{Hints: []parallel.Hint{parallel.Global("etcd")}}
	b.ReportAllocs()
	for b.Loop() {
		l, _ := m.Acquire(context.Background(), r)
		l.Release()
	}
}

func BenchmarkRateLimitedWithTokens(b *testing.B) {
	m := parallel.New(parallel.Options{})
	r := parallel.Request{Hints: []parallel.Hint{parallel.Limited("api", 1e12, 1<<30)}}
	b.ReportAllocs()
	for b.Loop() {
		l, _ := m.Acquire(context.Background(), r)
		l.Release()
	}
}

func BenchmarkXTimeRateWithTokens(b *testing.B) {
	l := rate.NewLimiter(1e12, 1<<30)
	b.ReportAllocs()
	for b.Loop() {
		_ = l.Wait(context.Background())
	}
}

func BenchmarkXSyncSemaphore(b *testing.B) {
	s := semaphore.NewWeighted(1)
	b.ReportAllocs()
	for b.Loop() {
		_ = s.Acquire(context.Background(), 1)
		s.Release(1)
	}
}

func BenchmarkMutex(b *testing.B) {
	var mu sync.Mutex
	for b.Loop() {
		mu.Lock()
		mu.Unlock() //nolint:staticcheck // the cost of the pair is what is measured
	}
}

func handOver(b *testing.B, lock func(), unlock func()) {
	var wg sync.WaitGroup
	n := b.N
	for g := range 64 {
		wg.Go(func() {
			for i := g; i < n; i += 64 {
				lock()
				unlock()
			}
		})
	}
	wg.Wait()
}

func BenchmarkHandOver64(b *testing.B) {
	m := parallel.New(parallel.Options{})
	r := parallel.Request{Host: "h", Hints: []parallel.Hint{parallel.Host("x")}}
	b.ReportAllocs()
	// A lease goes from the one who has it to the one who gives it back: there is
	// at most one.
	var held parallel.Lease
	handOver(b, func() { held, _ = m.Acquire(context.Background(), r) }, func() {
		l := held
		l.Release()
	})
}

// BenchmarkWaiters tells what 100,000 requests that wait cost, beside the stacks
// of the goroutines that make them.
func BenchmarkWaiters(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		m := parallel.New(parallel.Options{})
		r := parallel.Request{Host: "h", Hints: []parallel.Hint{parallel.Host("x")}, Owner: "web1: Install nginx"}
		first, _ := m.Acquire(context.Background(), r)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				l, _ := m.Acquire(context.Background(), r)
				l.Release()
			})
		}
		for m.Stats().Waiters < n {
			time.Sleep(10 * time.Millisecond)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "heap-B/waiter")
		b.ReportMetric(float64(after.StackInuse-before.StackInuse)/n, "stack-B/waiter")
		first.Release()
		wg.Wait()
	}
}

func BenchmarkXSyncSemaphoreHandOver64(b *testing.B) {
	s := semaphore.NewWeighted(1)
	b.ReportAllocs()
	handOver(b, func() { _ = s.Acquire(context.Background(), 1) }, func() { s.Release(1) })
}

func BenchmarkMutexHandOver64(b *testing.B) {
	var mu sync.Mutex
	handOver(b, mu.Lock, mu.Unlock)
}
