// Package audit reads what Managers observed and finds every forbidden overlap
// and every window with more calls than a rate allows: in tests, and in the logs
// of real runs. Begin with Checker.
package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/parallel"
)

// Event is one line of a log: an Observer's event, and which log it is from.
type Event struct {
	parallel.Event
	Log string
}

// Violation is one thing that should not have happened.
type Violation struct {
	Key  string
	At   time.Time
	What string
}

// String is the violation as a line.
func (v Violation) String() string {
	return fmt.Sprintf("%s  %s: %s", v.At.UTC().Format("2006-01-02T15:04:05.000000Z"), v.Key, v.What)
}

// Report is what a Checker found.
type Report struct {
	Acquired   int // keys and tokens that were acquired
	Keys       int // different ones
	Violations []Violation
}

// Checker gathers the events of one or more runs that share their keys. The
// zero Checker is ready. It must not be used concurrently.
type Checker struct {
	// Private reports whether a key is shared by nobody but its own log: the
	// rates and names of another Manager with the same name are another key.
	Private func(key parallel.Key) bool

	events []Event
	dead   map[string]time.Time
}

// Dead tells that a log ends because its process died: what it held then was
// free from that moment on, at the latest.
func (c *Checker) Dead(log string, at time.Time) {
	if c.dead == nil {
		c.dead = map[string]time.Time{}
	}
	c.dead[log] = at
}

// Add takes an event. Between logs only the times count; in one log, events of
// the same moment happened in the order in which they are added.
func (c *Checker) Add(e Event) { c.events = append(c.events, e) }

// holder is a key that is held at the moment that Check has come to.
type holder struct {
	key parallel.Key
	e   Event
}

// scope is where a key counts: everywhere, or in its own log only.
func (c *Checker) scope(k parallel.Key, e Event) string {
	if c.Private != nil && c.Private(k) {
		return e.Log
	}
	return ""
}

// Check says what is wrong.
func (c *Checker) Check() Report {
	events := slices.Clone(c.events)
	slices.SortStableFunc(events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	var r Report
	keys := map[string]bool{}
	held := map[string][]holder{}
	tokens := map[string][]Event{}
	for _, e := range events {
		k, ok := ParseKey(e.Key)
		if !ok {
			continue
		}
		scope := c.scope(k, e) + "\x00" + k.Kind.String() + "\x00" + k.Host
		switch {
		case e.Kind == parallel.Acquired && k.Kind == parallel.RateLimited:
			tokens[scope+"\x00"+k.Name] = append(tokens[scope+"\x00"+k.Name], e)
		case e.Kind == parallel.Acquired:
			for _, h := range held[scope] {
				if at, died := c.dead[h.e.Log]; died && !e.Time.Before(at) {
					continue
				}
				if h.key.Name == k.Name || h.key.Name == "" || k.Name == "" {
					r.Violations = append(r.Violations, Violation{e.Key, e.Time, fmt.Sprintf("%s acquired it while %s held %s, since %s",
						who(e), who(h.e), h.e.Key, e.Time.Sub(h.e.Time).Round(time.Microsecond))})
				}
			}
			held[scope] = append(held[scope], holder{k, e})
		case e.Kind == parallel.Released:
			i := slices.IndexFunc(held[scope], func(h holder) bool { return h.key == k && h.e.Owner == e.Owner && h.e.Log == e.Log })
			if i < 0 {
				r.Violations = append(r.Violations, Violation{e.Key, e.Time, who(e) + " released it without holding it"})
				continue
			}
			held[scope] = slices.Delete(held[scope], i, i+1)
			continue
		default:
			continue
		}
		r.Acquired++
		keys[scope+e.Key] = true
	}
	r.Keys = len(keys)
	for _, calls := range tokens {
		r.Violations = append(r.Violations, windows(calls)...)
	}
	slices.SortStableFunc(r.Violations, func(a, b Violation) int { return a.At.Compare(b.At) })
	return r
}

func who(e Event) string {
	if e.Log == "" {
		return fmt.Sprintf("%q", e.Owner)
	}
	return fmt.Sprintf("%q of %s", e.Owner, e.Log)
}

// windows finds the windows in which more calls of one key began than its rate
// allows. A window of n calls after its first one is at least n-burst+1
// intervals long, but for what a late wake-up may take off it.
func windows(calls []Event) (out []Violation) {
	// A call's own interval is that of the rate in force when it began. due is
	// when the next may begin at the earliest, as the token bucket has it: a
	// window is over the rate if and only if the bucket ran dry.
	var due time.Time
	for i, e := range calls {
		if e.Rate <= 0 {
			continue
		}
		interval := time.Duration(float64(time.Second) / e.Rate)
		burst := time.Duration(max(1, e.Burst) - 1)
		earliest := due.Add(-burst * interval).Add(-parallel.Lateness)
		if i > 0 && e.Time.Before(earliest) {
			out = append(out, Violation{e.Key, e.Time, fmt.Sprintf("%s began %s before it was due at %g a second", who(e), due.Add(-burst*interval).Sub(e.Time).Round(time.Microsecond), e.Rate)})
		}
		// One that waited may have been late, and its successors are not put off.
		if late := e.Time.Add(-min(e.Waited, parallel.Lateness)); due.Before(late) {
			due = late
		}
		due = due.Add(interval)
	}
	return out
}

// ParseKey reads a key as events show it. Slots are no keys.
func ParseKey(text string) (parallel.Key, bool) {
	kind, rest, named := strings.Cut(text, ":")
	switch kind {
	case "rate":
		return parallel.Key{Kind: parallel.RateLimited, Name: rest}, named
	case "global":
		return parallel.Key{Kind: parallel.GlobalExclusive, Name: rest}, true
	case "host":
		// The first slash parts machine and resource: a machine's name has none.
		host, name, _ := strings.Cut(rest, "/")
		return parallel.Key{Kind: parallel.HostExclusive, Host: host, Name: name}, named
	}
	return parallel.Key{}, false
}
