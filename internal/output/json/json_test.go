package json

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/value"
)

var update = flag.Bool("update", false, "write the golden file")

var moment = time.Date(2024, 5, 6, 7, 8, 9, 10, time.UTC)

func stream() []event.Event {
	t := event.Task{ID: 3, Name: "web : Install nginx", Action: "package", Pos: diag.Pos{File: "/p/site.yml", Line: 7, Column: 5}}
	return []event.Event{
		event.RunStart{RunID: "r1", Playbook: "site.yml", Plays: 1, Check: true},
		event.PlayStart{Name: "web", Strategy: "linear", Hosts: []string{"a", "b"}, Pos: diag.Pos{File: "/p/site.yml", Line: 1}},
		event.NoHosts{Remaining: true},
		event.TaskStart{Task: t, Hosts: []string{"a"}},
		event.Lock{Step: "wait", Time: moment, Key: "machine/x/dpkg", Owner: "a: Install nginx", Holder: "b: Install nginx", Held: 1500 * time.Millisecond, Queue: 1},
		event.Retry{Task: t, Host: "a", Left: 2, Result: value.MapOf("failed", true)},
		event.Result{Task: t, Host: "a", Delegated: "b", Status: event.Changed, Item: true, Label: "nginx", Result: value.MapOf("changed", true, "text", "<ä>"),
			Spent: event.Spent{Begin: moment, Total: 3 * time.Second, Wait: time.Second, Run: 2 * time.Second}},
		event.Result{Task: t, Host: "b", Status: event.Failed, Ignored: true},
		event.AsyncPoll{Host: "a", JobID: "j1", Started: 1}, event.AsyncEnd{Host: "a", JobID: "j1", Failed: true},
		event.Included{File: "more.yml", Hosts: []string{"a"}, Label: "x"}, event.Notified{Handler: "Restart", Host: "a"},
		event.Message{Kind: event.Warning, Text: "careful"},
		event.Recap{Hosts: map[string]event.Counts{"a": {OK: 1, Changed: 1}}, Stats: map[string]*value.Map{"_run": value.MapOf("n", 1)},
			Waits: map[string]event.Wait{"host": {Count: 1, Total: time.Second, Max: time.Second}}, Elapsed: 4 * time.Second},
	}
}

func TestGolden(t *testing.T) {
	var out bytes.Buffer
	w := New(&out, func() time.Time { return moment })
	for _, e := range stream() {
		w.Tell(e)
	}
	if w.Err() != nil {
		t.Fatal(w.Err())
	}
	const golden = "testdata/events.jsonl"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("got\n%s\nwant\n%s(go test -update writes it)", out.Bytes(), want)
	}
	for i, line := range bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n")) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil || m["time"] == nil || m["event"] == nil || m["event"] == "unknown" {
			t.Errorf("line %d: %s: %v", i+1, line, err)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestWriteError(t *testing.T) {
	w := New(full{}, time.Now)
	w.Tell(event.NoHosts{})
	if w.Err() == nil {
		t.Error("no error is told where nothing could be written")
	}
}
