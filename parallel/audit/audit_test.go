package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/parallel"
	"github.com/tutti-run/tutti/parallel/audit"
)

// step is an event in milliseconds from the beginning.
func step(at int, kind parallel.EventKind, key, owner, log string) audit.Event {
	return audit.Event{Log: log, Event: parallel.Event{Kind: kind, Time: time.Unix(0, 0).Add(time.Duration(at) * time.Millisecond), Key: key, Owner: owner, Rate: 10, Burst: 1}}
}

func TestChecker(t *testing.T) {
	const get, put = parallel.Acquired, parallel.Released
	for _, c := range []struct {
		name   string
		events []audit.Event
		want   string // in the only violation; "" for none
	}{
		{"in turn", []audit.Event{step(0, get, "global:x", "a", ""), step(5, put, "global:x", "a", ""), step(5, get, "global:x", "b", ""), step(6, put, "global:x", "b", "")}, ""},
		{"overlap", []audit.Event{step(0, get, "global:x", "a", "1"), step(4, get, "global:x", "b", "2"), step(5, put, "global:x", "a", "1"), step(6, put, "global:x", "b", "2")}, `"b" of 2 acquired it while "a" of 1 held global:x, since 4ms`},
		{"other name", []audit.Event{step(0, get, "global:x", "a", ""), step(4, get, "global:y", "b", "")}, ""},
		{"all names", []audit.Event{step(0, get, "global:x", "a", ""), step(4, get, "global", "b", "")}, "held global:x"},
		{"resource", []audit.Event{step(0, get, "host:web1/dpkg", "a", ""), step(4, get, "host:web1/rpm", "b", ""), step(4, get, "host:web2/dpkg", "c", "")}, ""},
		{"whole machine", []audit.Event{step(0, get, "host:web1", "a", ""), step(4, get, "host:web1/rpm", "b", "")}, "held host:web1"},
		{"held for ever", []audit.Event{step(0, get, "global:x", "a", "1")}, ""},
		{"not held", []audit.Event{step(0, put, "global:x", "a", "1")}, "without holding it"},
		{"slots are no keys", []audit.Event{step(0, get, "slot:forks", "a", ""), step(0, get, "slot:forks", "b", "")}, ""},
		{"evenly", []audit.Event{step(0, get, "rate:api", "a", ""), step(100, get, "rate:api", "b", ""), step(300, get, "rate:api", "c", "")}, ""},
		{"a little late", []audit.Event{step(0, get, "rate:api", "a", ""), step(104, get, "rate:api", "b", ""), step(200, get, "rate:api", "c", "")}, ""},
		{"too soon", []audit.Event{step(0, get, "rate:api", "a", ""), step(80, get, "rate:api", "b", "")}, "20ms before it was due at 10 a second"},
		{"a window, each gap being all right with its lateness", []audit.Event{step(0, get, "rate:api", "a", ""), step(96, get, "rate:api", "b", ""), step(192, get, "rate:api", "c", "")}, "8ms before it was due"},
		{"another key", []audit.Event{step(0, get, "rate:api", "a", ""), step(1, get, "rate:other", "b", "")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var k audit.Checker
			for _, e := range c.events {
				k.Add(e)
			}
			v := k.Check().Violations
			switch {
			case c.want == "" && len(v) > 0, c.want != "" && (len(v) != 1 || !strings.Contains(v[0].String(), c.want)):
				t.Errorf("%v, expected %q", v, c.want)
			}
		})
	}
}

func TestPrivateKeys(t *testing.T) {
	k := audit.Checker{Private: func(k parallel.Key) bool { return k.Kind == parallel.HostExclusive }}
	k.Add(step(0, parallel.Acquired, "host:h", "a", "1"))
	k.Add(step(1, parallel.Acquired, "host:h", "b", "2"))
	if v := k.Check().Violations; len(v) > 0 {
		t.Error(v)
	}
	k.Add(step(2, parallel.Acquired, "host:h", "c", "2"))
	if v := k.Check().Violations; len(v) != 1 {
		t.Error(v)
	}
}

func TestDead(t *testing.T) {
	for at, want := range map[int]int{10: 0, 30: 1} {
		var k audit.Checker
		k.Add(step(0, parallel.Acquired, "global:x", "a", "1"))
		k.Add(step(20, parallel.Acquired, "global:x", "b", "2"))
		k.Dead("1", time.Unix(0, 0).Add(time.Duration(at)*time.Millisecond))
		if v := k.Check().Violations; len(v) != want {
			t.Errorf("dead after %d ms: %v", at, v)
		}
	}
}
