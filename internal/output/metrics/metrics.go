// Package metrics shows a run as Prometheus's text format: locks, waits, slots
// and rates as of now, and how the tasks have ended so far.
package metrics

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/parallel"
)

// Metrics gathers what it is told. It is safe for concurrent use.
type Metrics struct {
	stats func() parallel.Stats
	begin time.Time

	mu    sync.Mutex // guards the following
	tasks map[event.Status]int
	items int
}

// New returns Metrics that ask stats for the state of the locks.
func New(stats func() parallel.Stats) *Metrics {
	return &Metrics{stats: stats, begin: time.Now(), tasks: map[event.Status]int{}}
}

// Tell takes an event.
func (m *Metrics) Tell(e event.Event) {
	r, ok := e.(event.Result)
	if !ok {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.Item {
		m.items++
	} else {
		m.tasks[r.Status]++
	}
}

// Write writes all metrics.
func (m *Metrics) Write(w io.Writer) error {
	s := m.stats()
	var b strings.Builder
	family := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	m.mu.Lock()
	family("tutti_tasks_total", "counter", "Tasks that have ended on a host, by status.")
	for st := event.OK; st <= event.Unreachable; st++ {
		fmt.Fprintf(&b, "tutti_tasks_total{status=%q} %d\n", st, m.tasks[st])
	}
	family("tutti_loop_items_total", "counter", "Items of loops that have ended.")
	fmt.Fprintf(&b, "tutti_loop_items_total %d\n", m.items)
	m.mu.Unlock()
	family("tutti_run_seconds", "gauge", "How long the run has been under way.")
	fmt.Fprintf(&b, "tutti_run_seconds %.3f\n", time.Since(m.begin).Seconds())
	family("tutti_lock_held_seconds", "gauge", "Age of each key that is held.")
	for _, h := range s.Holders {
		fmt.Fprintf(&b, "tutti_lock_held_seconds{key=%s} %.3f\n", quote(h.Key), h.Age.Seconds())
	}
	family("tutti_lock_waiting", "gauge", "Requests that wait for a key, a rate or a slot.")
	fmt.Fprintf(&b, "tutti_lock_waiting %d\n", s.Waiters)
	family("tutti_slots", "gauge", "Places of each pool.")
	family("tutti_slots_used", "gauge", "Places that are taken.")
	for _, p := range s.Slots {
		fmt.Fprintf(&b, "tutti_slots{pool=%s} %d\ntutti_slots_used{pool=%s} %d\n", quote(p.Pool), p.Size, quote(p.Pool), p.Used)
	}
	family("tutti_rate_per_second", "gauge", "Rate in force for each key.")
	for _, r := range s.Rates {
		fmt.Fprintf(&b, "tutti_rate_per_second{key=%s} %g\n", quote(r.Key), r.Rate)
	}
	family("tutti_wait_seconds", "histogram", "Waits that ended with a grant, by kind of hint.")
	for _, k := range slices.Sorted(maps.Keys(s.Waits)) {
		wait, sum := s.Waits[k], 0
		for i, n := range wait.Buckets {
			sum += n
			le := "+Inf"
			if i < len(parallel.WaitBuckets) {
				le = fmt.Sprint(parallel.WaitBuckets[i].Seconds())
			}
			fmt.Fprintf(&b, "tutti_wait_seconds_bucket{kind=%q,le=%q} %d\n", k, le, sum)
		}
		fmt.Fprintf(&b, "tutti_wait_seconds_sum{kind=%q} %g\ntutti_wait_seconds_count{kind=%q} %d\n", k, wait.Total.Seconds(), k, wait.Count)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// quote writes a label's value: only these three are escaped there.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(s) + `"`
}

// Serve answers on an address, host:port, until the closer is called.
func (m *Metrics) Serve(address string) (closer func(), err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_ = m.Write(w) // whoever asked may have gone
	})}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(l) }()
	return func() { _ = srv.Close(); <-ended }, nil
}

// Save writes the metrics to a file, whole, for a collector of text files.
func (m *Metrics) Save(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".metrics-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone once it was renamed
	err = m.Write(f)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
