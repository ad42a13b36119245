// Package profile tells where a run's time went, as the callbacks timer,
// profile_tasks and profile_roles of the collection ansible.posix do.
package profile

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/event"
)

// Options say how times are shown.
type Options struct {
	Out     io.Writer
	Columns int
	// Limit is how many tasks the summary has; negative for all of them.
	Limit int
	// Order sorts them: descending, ascending, or none.
	Order string
	// Paths shows where tasks are written.
	Paths bool
	// Now is time.Now but in tests.
	Now func() time.Time
}

// Timer tells at the end how long the run took.
func Timer(o Options) event.Sink {
	begin := o.Now()
	return func(e event.Event) {
		if _, ok := e.(event.Recap); ok {
			s := int(o.Now().Sub(begin).Seconds())
			fmt.Fprintf(o.Out, "Playbook run took %d days, %d hours, %d minutes, %d seconds\n", s/86400, s/3600%24, s/60%60, s%60)
		}
	}
}

// Tasks tells the time at each task, and at the end which took longest.
func Tasks(o Options) event.Sink {
	c := newClock(o)
	return func(e event.Event) {
		if !c.tell(e, func(t event.Task) (string, string) { return fmt.Sprint(t.ID), t.Name }) {
			return
		}
		all := c.spent
		switch o.Order {
		case "descending":
			slices.SortStableFunc(all, func(a, b *spent) int { return int(b.total - a.total) })
		case "ascending":
			slices.SortStableFunc(all, func(a, b *spent) int { return int(a.total - b.total) })
		}
		if o.Limit >= 0 && len(all) > o.Limit {
			all = all[:o.Limit]
		}
		for _, s := range all {
			c.row(s.name, s.total, o.Columns-9)
			if o.Paths {
				fmt.Fprintln(o.Out, pad(s.path+" ", o.Columns))
			}
		}
	}
}

// Roles tells the time at each task, and at the end how long each role took. A
// task that is in none counts for its module.
func Roles(o Options) event.Sink {
	c := newClock(o)
	return func(e event.Event) {
		name := func(t event.Task) (string, string) {
			if t.Role != "" {
				return t.Role, t.Role
			}
			return t.Action, t.Action
		}
		if !c.tell(e, name) {
			return
		}
		slices.SortStableFunc(c.spent, func(a, b *spent) int { return int(b.total - a.total) })
		total := time.Duration(0)
		for _, s := range c.spent {
			c.row(s.name, s.total, 70)
			total += s.total
		}
		fmt.Fprintln(o.Out, strings.Repeat("~", 79)+" ")
		c.row("total", total, 70)
	}
}

// spent is the time that all runs of one task, or of one role's tasks, took.
type spent struct {
	name, path string
	total      time.Duration
}

// clock adds up times. A task takes from its begin on the first host to its end on
// the last: tasks may run beside each other, so headings do not tell.
type clock struct {
	o           Options
	begin, last time.Time
	spent       []*spent
	byKey       map[string]*spent
	running     map[int]*span
}

// span is one run of a task, on all its hosts.
type span struct{ begin, end time.Time }

func newClock(o Options) *clock {
	now := o.Now()
	return &clock{o: o, begin: now, last: now, byKey: map[string]*spent{}, running: map[int]*span{}}
}

// tell takes an event; it reports whether that was the last, and begins the
// summary then. name gives what a task counts for, as a key and as shown.
func (c *clock) tell(e event.Event, name func(event.Task) (key, shown string)) bool {
	switch e := e.(type) {
	case event.TaskStart:
		c.line()
		c.running[e.Task.ID] = &span{}
		key, shown := name(e.Task)
		if c.byKey[key] == nil {
			s := &spent{name: shown, path: fmt.Sprintf("%s:%d", e.Task.Pos.File, e.Task.Pos.Line)}
			c.byKey[key] = s
			c.spent = append(c.spent, s)
		}
	case event.Result:
		run := c.running[e.Task.ID]
		if run == nil || e.Item {
			return false
		}
		begin, end := e.Spent.Begin, e.Spent.Begin.Add(e.Spent.Total)
		if begin.IsZero() {
			return false
		}
		before := run.end.Sub(run.begin)
		if run.begin.IsZero() || begin.Before(run.begin) {
			run.begin = begin
		}
		if end.After(run.end) {
			run.end = end
		}
		key, _ := name(e.Task)
		if s := c.byKey[key]; s != nil {
			s.total += run.end.Sub(run.begin) - before
		}
	case event.Recap:
		c.line()
		fmt.Fprintln(c.o.Out, strings.Repeat("=", 79)+" ")
		return true
	}
	return false
}

// line tells the time of day, how long it is since the last line, and since the
// begin.
func (c *clock) line() {
	now := c.o.Now()
	s := fmt.Sprintf("%s (%s)       %s ", now.Format("Monday 02 January 2006  15:04:05 -0700"), clockTime(now.Sub(c.last)), clockTime(now.Sub(c.begin)))
	c.last = now
	fmt.Fprintln(c.o.Out, s+strings.Repeat("*", max(3, 79-len(s)))+" ")
}

func (c *clock) row(name string, d time.Duration, width int) {
	fmt.Fprintf(c.o.Out, "%s%s\n", pad(name+" ", width), padLeft(fmt.Sprintf(" %.2fs", d.Seconds()), 9))
}

func clockTime(d time.Duration) string {
	ms := d.Milliseconds()
	return fmt.Sprintf("%d:%02d:%02d.%03d", ms/3600000, ms/60000%60, ms/1000%60, ms%1000)
}

func pad(s string, width int) string {
	return s + strings.Repeat("-", max(0, width-len([]rune(s))))
}

func padLeft(s string, width int) string {
	return strings.Repeat("-", max(0, width-len(s))) + s
}
