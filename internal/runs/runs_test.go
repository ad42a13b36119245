package runs_test

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/runs"
	"github.com/tutti-run/tutti/parallel"
)

func TestRuns(t *testing.T) {
	dir := t.TempDir()
	m := parallel.New(parallel.Options{})
	held, err := m.Acquire(t.Context(), parallel.Request{Hints: []parallel.Hint{parallel.Global("etcd")}, Owner: "web1: Add a member"})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	stop, err := runs.Announce(dir, runs.Run{ID: "one", User: "ann", PID: os.Getpid(), Command: "site.yml", Begin: time.Now()}, m.Stats)
	if err != nil {
		t.Fatal(err)
	}
	// One that died without cleaning up, and one that is stopped.
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: dir + "/run-two.sock", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	stopped, err := net.Listen("unix", dir+"/run-three.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stopped.Close() }()

	all, err := runs.List(dir)
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, r := range all {
		switch r.ID {
		case "one":
			if r.Dead || r.User != "ann" || len(r.Holders) != 1 || r.Holders[0].Owner != "web1: Add a member" || r.Holders[0].Key != "global:etcd" {
				t.Errorf("%+v", r)
			}
		case "two":
			if !r.Dead {
				t.Errorf("%+v", r)
			}
		case "three":
			if r.Dead || r.Error == "" {
				t.Errorf("%+v", r)
			}
		}
	}
	if err := runs.Free(dir, "one"); err == nil || !strings.Contains(err.Error(), "kill") {
		t.Errorf("freeing a run that lives gave %v", err)
	}
	if err := runs.Free(dir, "three"); err == nil || !strings.Contains(err.Error(), "lives") {
		t.Errorf("freeing a run that is stopped gave %v", err)
	}
	if err := runs.Free(dir, "../x"); err == nil {
		t.Error("a path was taken for an id")
	}
	if err := runs.Free(dir, "two"); err != nil {
		t.Error(err)
	}
	stop()
	if all, err = runs.List(dir); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}
