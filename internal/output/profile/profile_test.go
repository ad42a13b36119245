package profile

import (
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/event"
)

// run is two tasks of a role on two hosts, beside each other, and one of none.
func run(sink func(Options) event.Sink, o Options) string {
	var out strings.Builder
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	o.Out, o.Columns, o.Now = &out, 79, func() time.Time { return now }
	tell := sink(o)
	after := func(d time.Duration) time.Time { return now.Add(d) }
	task := func(id int, name, role, action string) event.Task {
		return event.Task{ID: id, Name: name, Role: role, Action: action, Pos: diag.Pos{File: "/p.yml", Line: id}}
	}
	one, two, three := task(1, "web : one", "web", "apt"), task(2, "web : two", "web", "copy"), task(3, "three", "", "debug")
	begin := now
	tell(event.TaskStart{Task: one})
	now = after(500 * time.Millisecond)
	tell(event.TaskStart{Task: two})
	tell(event.Result{Task: one, Spent: event.Spent{Begin: begin, Total: 2 * time.Second}})
	tell(event.Result{Task: one, Item: true, Spent: event.Spent{Begin: begin, Total: time.Hour}})
	tell(event.Result{Task: one, Spent: event.Spent{Begin: begin.Add(time.Second), Total: 2 * time.Second}})
	tell(event.Result{Task: two, Spent: event.Spent{Begin: begin.Add(time.Second), Total: 4 * time.Second}})
	now = after(4500 * time.Millisecond)
	tell(event.TaskStart{Task: three})
	tell(event.Result{Task: three, Spent: event.Spent{Begin: now, Total: 10 * time.Millisecond}})
	// Again, for the next hosts of a play with serial.
	now = after(time.Hour)
	tell(event.TaskStart{Task: one})
	tell(event.Result{Task: one, Spent: event.Spent{Begin: now, Total: time.Second}})
	now = after(26 * time.Hour)
	tell(event.Recap{})
	return out.String()
}

func TestProfile(t *testing.T) {
	lines := `Wednesday 04 March 2026  05:06:07 +0000 (0:00:00.000)       0:00:00.000 ******* 
Wednesday 04 March 2026  05:06:07 +0000 (0:00:00.500)       0:00:00.500 ******* 
Wednesday 04 March 2026  05:06:12 +0000 (0:00:04.500)       0:00:05.000 ******* 
Wednesday 04 March 2026  06:06:12 +0000 (1:00:00.000)       1:00:05.000 ******* 
Thursday 05 March 2026  08:06:12 +0000 (26:00:00.000)       27:00:05.000 ****** 
=============================================================================== 
`
	row := func(name, time string) string {
		return name + " " + strings.Repeat("-", 69-len(name)) + strings.Repeat("-", 8-len(time)) + " " + time + "\n"
	}
	for _, c := range []struct {
		name string
		got  string
		want string
	}{
		{"timer", run(Timer, Options{}), "Playbook run took 1 days, 3 hours, 0 minutes, 5 seconds\n"},
		{"tasks", run(Tasks, Options{Limit: -1, Order: "descending"}), lines + row("web : one", "4.00s") + row("web : two", "4.00s") + row("three", "0.01s")},
		{"fewer", run(Tasks, Options{Limit: 1, Order: "ascending"}), lines + row("three", "0.01s")},
		{"paths", run(Tasks, Options{Limit: 1, Order: "none", Paths: true}), lines + row("web : one", "4.00s") + "/p.yml:1 " + strings.Repeat("-", 70) + "\n"},
		{"roles", run(Roles, Options{}), lines + row("web", "8.00s") + row("debug", "0.01s") + strings.Repeat("~", 79) + " \n" + row("total", "8.01s")},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, c.got, c.want)
		}
	}
}
