// Package document writes a run as one JSON document at its end, as Ansible's
// callback ansible.posix.json does.
package document

import (
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/value"
)

// Options say where the document goes and what is in it.
type Options struct {
	Out, Err io.Writer
	// Indent is the number of spaces for each level; all is one line if there are none.
	Indent      int
	CustomStats bool // what set_stats set is in it
	Now         func() time.Time
}

// Sink collects what happens and writes it when the run ends.
func Sink(o Options) event.Sink {
	d := &document{Options: o, plays: []any{}}
	return d.tell
}

type document struct {
	Options
	plays    []any
	play     *value.Map              // the last of them
	tasks    []any                   // of the last play
	lockstep bool                    // all hosts are at the same task
	open     map[int]*value.Map      // its tasks, if so
	hosts    map[hostTask]*value.Map // if not
}

type hostTask struct {
	host string
	task int
}

func (d *document) tell(e event.Event) {
	switch e := e.(type) {
	case event.PlayStart:
		d.endPlay()
		d.lockstep = e.Strategy == "linear" || e.Strategy == "debug" || e.Strategy == ""
		d.play, d.tasks, d.open, d.hosts = d.begin(e.Name, e.Pos), []any{}, map[int]*value.Map{}, map[hostTask]*value.Map{}
	case event.TaskStart:
		if d.lockstep {
			d.open[e.Task.ID] = d.task(e.Task)
			return
		}
		for _, h := range e.Hosts {
			d.hosts[hostTask{h, e.Task.ID}] = d.task(e.Task)
		}
	case event.Result:
		if !e.Item {
			d.result(e)
		}
	case event.Message:
		if e.Kind != event.Info {
			fmt.Fprintln(d.Err, "[WARNING]: "+e.Text)
		}
	case event.Recap:
		d.endPlay()
		d.recap(e)
	}
}

// begin is what is told of a play or a task when it starts.
func (d *document) begin(name string, pos diag.Pos) *value.Map {
	return value.MapOf("name", name, "id", newID(), "path", pos.File+":"+strconv.Itoa(pos.Line), "duration", value.MapOf("start", d.time()))
}

func (d *document) time() string { return d.Now().UTC().Format("2006-01-02T15:04:05.000000Z") }

// newID is random, in the form of a UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (d *document) task(t event.Task) *value.Map {
	whole := value.MapOf("task", d.begin(t.Name, t.Pos), "hosts", value.NewMap(1))
	d.tasks = append(d.tasks, whole)
	return whole
}

func (d *document) result(e event.Result) {
	if d.play == nil {
		return
	}
	whole := d.open[e.Task.ID]
	if key := (hostTask{e.Host, e.Task.ID}); !d.lockstep {
		whole = d.hosts[key]
		delete(d.hosts, key)
	}
	if whole == nil {
		whole = d.task(e.Task)
	}
	shown := e.Result.Clone()
	for _, k := range []string{"failed", "skipped"} {
		if shown.At(k) == false {
			shown.Delete(k)
		}
	}
	switch e.Status {
	case event.Failed:
		shown.Set("failed", true)
	case event.Skipped:
		shown.Set("skipped", true)
	}
	shown.Set("action", e.Task.Action)
	whole.At("hosts").(*value.Map).Set(e.Host, shown)
	now := d.time()
	for _, m := range []any{whole.At("task"), d.play} {
		m.(*value.Map).At("duration").(*value.Map).Set("end", now)
	}
}

func (d *document) endPlay() {
	if d.play != nil {
		d.plays = append(d.plays, value.MapOf("play", d.play, "tasks", d.tasks))
	}
	d.play = nil
}

func (d *document) recap(e event.Recap) {
	stats := value.NewMap(len(e.Hosts))
	for _, host := range slices.Sorted(maps.Keys(e.Hosts)) {
		c := e.Hosts[host]
		stats.Set(host, value.MapOf("ok", c.OK, "failures", c.Failed, "unreachable", c.Unreachable, "changed", c.Changed, "skipped", c.Skipped, "rescued", c.Rescued, "ignored", c.Ignored))
	}
	custom, global := value.NewMap(0), value.NewMap(0)
	if d.CustomStats {
		for host, m := range e.Stats {
			if host == "_run" {
				global = m
				continue
			}
			custom.Set(host, m)
		}
	}
	all := value.MapOf("plays", d.plays, "stats", stats, "custom_stats", custom, "global_custom_stats", global)
	form := value.JSON{Python: true, ASCII: true, SortKeys: true, Indent: d.Indent}
	fmt.Fprintln(d.Out, string(form.Append(nil, all)))
}
