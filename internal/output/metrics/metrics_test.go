package metrics_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/output/metrics"
	"github.com/tutti-run/tutti/parallel"
)

func TestMetrics(t *testing.T) {
	locks := parallel.New(parallel.Options{})
	l, err := locks.Acquire(t.Context(), parallel.Request{Hints: []parallel.Hint{parallel.Global(`a "b"`), parallel.Limited("ec2", 5, 1)}, Owner: "web1: Add", Slots: []parallel.Slot{{Pool: "forks", Size: 4}}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	m := metrics.New(locks.Stats)
	for _, s := range []event.Status{event.OK, event.OK, event.Changed, event.Failed} {
		m.Tell(event.Result{Status: s})
	}
	m.Tell(event.Result{Status: event.OK, Item: true})
	path := filepath.Join(t.TempDir(), "tutti.prom")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"tutti_tasks_total{status=\"ok\"} 2\n", "tutti_tasks_total{status=\"failed\"} 1\n", "tutti_loop_items_total 1\n",
		`tutti_lock_held_seconds{key="global:a \"b\""} 0.0`, "tutti_slots{pool=\"forks\"} 4\n", "tutti_slots_used{pool=\"forks\"} 1\n",
		"tutti_rate_per_second{key=\"ec2\"} 5\n", "# TYPE tutti_wait_seconds histogram\n",
	} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%q is missing in\n%s", want, data)
		}
	}
}

func TestServe(t *testing.T) {
	m := metrics.New(parallel.New(parallel.Options{}).Stats)
	if _, err := m.Serve("127.0.0.1:no"); err == nil {
		t.Error("a wrong address was accepted")
	}
	address := "127.0.0.1:39123"
	stop, err := m.Serve(address)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	resp, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || !strings.Contains(string(body), "tutti_tasks_total") {
		t.Errorf("%s, %v", body, err)
	}
}
