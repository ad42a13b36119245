package text

import (
	"bytes"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/event"
)

// clock is a fake for time.AfterFunc: fire calls what is due.
type clock struct{ due []*call }

type call struct {
	f       func()
	stopped bool
}

func (c *call) Stop() bool { c.stopped = true; return true }

func (c *clock) after(_ time.Duration, f func()) Timer {
	due := &call{f: f}
	c.due = append(c.due, due)
	return due
}

func (c *clock) fire() {
	for _, d := range c.due {
		if !d.stopped {
			d.f()
		}
	}
	c.due = nil
}

func TestWaits(t *testing.T) {
	wait := func(key, owner string) event.Lock {
		return event.Lock{Step: "wait", Key: key, Owner: owner, Holder: "web1: Install nginx", Held: 2200 * time.Millisecond}
	}
	end := func(step, key, owner string) event.Lock { return event.Lock{Step: step, Key: key, Owner: owner} }
	for _, c := range []struct {
		name      string
		verbosity int
		events    []event.Event
		want      string
	}{
		{"a long one", 1, []event.Event{wait("host:4f1:7a/dpkg", "web1: Add user")}, "web1: Add user: waiting for dpkg on web1, held by web1: Install nginx for 3.2s\n"},
		{"delegated", 1, []event.Event{wait("host:4f1:7a/dpkg", "web1 -> db1: Add user")}, "web1 -> db1: Add user: waiting for dpkg on db1, held by web1: Install nginx for 3.2s\n"},
		{"a whole machine", 1, []event.Event{event.Lock{Step: "wait", Key: "host:4f1:7a", Owner: "web1: Add user"}}, "web1: Add user: waiting for the machine web1\n"},
		{"ended", 1, []event.Event{wait("global:db", "a"), end("acquire", "global:db", "a")}, ""},
		{"given up", 1, []event.Event{wait("global:db", "a"), end("cancel", "global:db", "a")}, ""},
		{"somebody else's end", 1, []event.Event{wait("global:db", "a"), end("acquire", "global:db", "b")}, "a: waiting for GlobalExclusive(db), held by web1: Install nginx for 3.2s\n"},
		{"another run's", 1, []event.Event{event.Lock{Step: "wait", Key: "target:web1/rpm"}}, "waiting for rpm on web1\n"},
		{"a rate", 1, []event.Event{event.Lock{Step: "wait", Key: "rate:ec2", Owner: "a"}}, "a: waiting for RateLimited(ec2)\n"},
		{"a fork", 1, []event.Event{wait("slot:forks", "a")}, ""},
		{"not asked for", 0, []event.Event{wait("global:db", "a")}, ""},
	} {
		var out bytes.Buffer
		var clock clock
		p := New(Options{Out: &out, Err: &out, Verbosity: c.verbosity, After: clock.after})
		for _, e := range c.events {
			p.Tell(e)
		}
		clock.fire()
		if out.String() != c.want {
			t.Errorf("%s: %q, want %q", c.name, out.String(), c.want)
		}
	}
}
