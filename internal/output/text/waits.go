package text

import (
	"fmt"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/event"
)

// patience is how long a wait may last before -v tells of it.
const patience = time.Second

// pending is a wait that has not ended.
type pending struct {
	since event.Lock
	timer Timer
}

// Timer is a call that is due; Stop takes it back.
type Timer interface{ Stop() bool }

// lock keeps an eye on waits for locks and tokens, so that a run that stands
// still says what for.
func (p *Printer) lock(e event.Lock) {
	if p.o.Verbosity < 1 {
		return
	}
	id := e.Key + "\x00" + e.Owner
	if w, ok := p.pending[id]; ok {
		w.timer.Stop()
		delete(p.pending, id)
	}
	if e.Step != "wait" || strings.HasPrefix(e.Key, "slot:") { // slots are always busy
		return
	}
	w := &pending{since: e}
	w.timer = p.o.After(patience, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.pending[id] == w {
			p.line(waitText(e, patience), p.o.Colors.Verbose)
		}
	})
	p.pending[id] = w
}

// stopWaits forgets all waits, at the end of a run.
func (p *Printer) stopWaits() {
	for id, w := range p.pending {
		w.timer.Stop()
		delete(p.pending, id)
	}
}

// waitText says who waits for what and who has it.
func waitText(e event.Lock, waited time.Duration) string {
	var b strings.Builder
	if e.Owner != "" {
		b.WriteString(e.Owner + ": ")
	}
	b.WriteString("waiting for " + lockName(e.Key, hostOf(e.Owner)))
	if e.Holder != "" {
		fmt.Fprintf(&b, ", held by %s", e.Holder)
		if e.Held > 0 {
			fmt.Fprintf(&b, " for %.1fs", (e.Held + waited).Seconds())
		}
	}
	return b.String()
}

// lockName is a key as people say it: dpkg on web1, GlobalExclusive(etcd). A
// machine's own name is an identity that nobody knows by heart, so it is called
// what the one who waits calls it.
func lockName(key, host string) string {
	kind, name, _ := strings.Cut(key, ":")
	switch kind {
	case "host", "target": // target: held by another run, or another program
		machine, resource, _ := strings.Cut(name, "/")
		if kind == "target" || host == "" {
			host = machine
		}
		if resource == "" {
			return "the machine " + host
		}
		return resource + " on " + host
	case "global":
		return "GlobalExclusive(" + name + ")"
	case "rate":
		return "RateLimited(" + name + ")"
	}
	return key
}

// hostOf is where the work of an owner runs: "web1: Install", "web1 -> db1: Dump".
func hostOf(owner string) string {
	host, _, ok := strings.Cut(owner, ": ")
	if !ok {
		return ""
	}
	if _, delegate, ok := strings.Cut(host, " -> "); ok {
		return delegate
	}
	return host
}
