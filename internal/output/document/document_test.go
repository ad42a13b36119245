package document

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/value"
)

var id = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

func TestDocument(t *testing.T) {
	one := event.Task{ID: 1, Name: "one", Action: "command", Pos: diag.Pos{File: "/p.yml", Line: 3, Column: 7}}
	two := event.Task{ID: 2, Name: "r : two", Action: "debug", Pos: diag.Pos{File: "/p.yml", Line: 4}}
	for _, c := range []struct {
		name     string
		strategy string
		custom   bool
		want     string
	}{
		{"linear", "linear", false, `{"custom_stats": {}, "global_custom_stats": {}, "plays": [{"play": {"duration": {"end": "T", "start": "T"}, "id": "ID", "name": "all", "path": "/p.yml:1"}, "tasks": [` +
			`{"hosts": {"a": {"action": "command", "changed": true}, "b": {"action": "command", "failed": true, "msg": "\u00e9"}}, "task": {"duration": {"end": "T", "start": "T"}, "id": "ID", "name": "one", "path": "/p.yml:3"}}, ` +
			`{"hosts": {"a": {"action": "debug", "skipped": true}}, "task": {"duration": {"end": "T", "start": "T"}, "id": "ID", "name": "r : two", "path": "/p.yml:4"}}]}], ` +
			`"stats": {"a": {"changed": 1, "failures": 0, "ignored": 0, "ok": 1, "rescued": 0, "skipped": 1, "unreachable": 0}}}`},
		{"free", "free", true, `{"custom_stats": {"a": {"n": 1}}, "global_custom_stats": {"all": 2}, "plays": [{"play": {"duration": {"end": "T", "start": "T"}, "id": "ID", "name": "all", "path": "/p.yml:1"}, "tasks": [` +
			`{"hosts": {"a": {"action": "command", "changed": true}}, "task": {"duration": {"end": "T", "start": "T"}, "id": "ID", "name": "one", "path": "/p.yml:3"}}, ` +
			`{"hosts": {"b": {"action": "command", "failed": true, "msg": "\u00e9"}}, "task": {"duration": {"end": "T", "start": "T"}, "id": "ID", "name": "one", "path": "/p.yml:3"}}, ` +
			`{"hosts": {"a": {"action": "debug", "skipped": true}}, "task": {"duration": {"end": "T", "start": "T"}, "id": "ID", "name": "r : two", "path": "/p.yml:4"}}]}], ` +
			`"stats": {"a": {"changed": 1, "failures": 0, "ignored": 0, "ok": 1, "rescued": 0, "skipped": 1, "unreachable": 0}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs strings.Builder
			tell := Sink(Options{Out: &out, Err: &errs, CustomStats: c.custom, Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC) }})
			for _, e := range []event.Event{
				event.PlayStart{Name: "all", Strategy: c.strategy, Pos: diag.Pos{File: "/p.yml", Line: 1}},
				event.TaskStart{Task: one, Hosts: []string{"a", "b"}},
				event.Result{Task: one, Host: "a", Item: true, Status: event.Changed, Result: value.MapOf("item", 1)},
				event.Result{Task: one, Host: "a", Status: event.Changed, Result: value.MapOf("changed", true, "failed", false)},
				event.Result{Task: one, Host: "b", Status: event.Failed, Result: value.MapOf("msg", "é")},
				event.Message{Kind: event.Warning, Text: "careful"},
				event.TaskStart{Task: two, Hosts: []string{"a"}},
				event.Result{Task: two, Host: "a", Status: event.Skipped, Result: value.MapOf("skipped", false)},
				event.Recap{Hosts: map[string]event.Counts{"a": {OK: 1, Changed: 1, Skipped: 1}}, Stats: map[string]*value.Map{"a": value.MapOf("n", 1), "_run": value.MapOf("all", 2)}},
			} {
				tell(e)
			}
			got := id.ReplaceAllString(strings.ReplaceAll(out.String(), "2026-01-02T03:04:05.000006Z", "T"), "ID")
			if got != c.want+"\n" {
				t.Errorf("%s\nnot\n%s", got, c.want)
			}
			if errs.String() != "[WARNING]: careful\n" {
				t.Errorf("%q", errs.String())
			}
		})
	}
}
