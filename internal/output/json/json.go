// Package json writes a run's events as lines of JSON, for programs: one
// object a line, with the fields time (RFC 3339 with nanoseconds) and event,
// and those of its kind below. Fields are only ever added; a field that has
// nothing to say is left out. Durations are seconds.
package json

import (
	"encoding/json"
	"io"
	"time"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/value"
)

// Writer writes events. It is fed one event at a time (see event.Events).
type Writer struct {
	out io.Writer
	now func() time.Time
	err error
}

// New returns a Writer. now is time.Now but in tests.
func New(out io.Writer, now func() time.Time) *Writer { return &Writer{out: out, now: now} }

// Err is the first error of writing; nothing is written after it.
func (w *Writer) Err() error { return w.err }

// head begins every line.
type head struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event"`
}

type task struct {
	ID      int    `json:"id"`
	Name    string `json:"name"`
	Action  string `json:"action,omitempty"`
	Path    string `json:"path,omitempty"`
	Line    int    `json:"line,omitempty"`
	Handler bool   `json:"handler,omitempty"`
	Check   bool   `json:"check,omitempty"`
}

func taskOf(t event.Task) task {
	return task{t.ID, t.Name, t.Action, t.Pos.File, t.Pos.Line, t.Handler, t.Check}
}

// place is where something is written.
type place struct {
	Path string `json:"path,omitempty"`
	Line int    `json:"line,omitempty"`
}

func placeOf(p diag.Pos) place { return place{p.File, p.Line} }

type spent struct {
	Begin   *time.Time `json:"begin,omitempty"`
	Total   float64    `json:"total_s"`
	Waiting float64    `json:"waiting_s"`
	Running float64    `json:"running_s"`
}

func spentOf(s event.Spent) *spent {
	if s.Begin.IsZero() && s.Total == 0 {
		return nil
	}
	out := &spent{Total: s.Total.Seconds(), Waiting: s.Wait.Seconds(), Running: s.Run.Seconds()}
	if !s.Begin.IsZero() {
		out.Begin = &s.Begin
	}
	return out
}

func raw(m *value.Map) json.RawMessage {
	if m == nil {
		return nil
	}
	return value.ToJSON(m)
}

// Tell writes one event.
func (w *Writer) Tell(e event.Event) {
	if w.err != nil {
		return
	}
	line, err := json.Marshal(w.object(e))
	if err == nil {
		_, err = w.out.Write(append(line, '\n'))
	}
	w.err = err
}

// object is an event with the names that programs see.
func (w *Writer) object(e event.Event) any {
	at := func(name string) head { return head{w.now().UTC(), name} }
	switch e := e.(type) {
	case event.RunStart:
		return struct {
			head
			RunID    string `json:"run_id"`
			Playbook string `json:"playbook"`
			Plays    int    `json:"plays"`
			Check    bool   `json:"check,omitempty"`
		}{at("run_start"), e.RunID, e.Playbook, e.Plays, e.Check}
	case event.PlayStart:
		return struct {
			head
			Name     string   `json:"name"`
			Strategy string   `json:"strategy,omitempty"`
			Hosts    []string `json:"hosts"`
			Check    bool     `json:"check,omitempty"`
			place
		}{at("play_start"), e.Name, e.Strategy, hosts(e.Hosts), e.Check, placeOf(e.Pos)}
	case event.NoHosts:
		return struct {
			head
			Remaining bool `json:"remaining"`
		}{at("no_hosts"), e.Remaining}
	case event.TaskStart:
		return struct {
			head
			Task  task     `json:"task"`
			Hosts []string `json:"hosts"`
		}{at("task_start"), taskOf(e.Task), hosts(e.Hosts)}
	case event.Result:
		return w.result(at("result"), e)
	case event.Retry:
		return struct {
			head
			Task   task            `json:"task"`
			Host   string          `json:"host"`
			Left   int             `json:"retries_left"`
			Result json.RawMessage `json:"result,omitempty"`
		}{at("retry"), taskOf(e.Task), e.Host, e.Left, raw(e.Result)}
	case event.AsyncPoll:
		return struct {
			head
			Host     string `json:"host"`
			JobID    string `json:"job_id"`
			Started  int    `json:"started"`
			Finished int    `json:"finished"`
		}{at("async_poll"), e.Host, e.JobID, e.Started, e.Finished}
	case event.AsyncEnd:
		return struct {
			head
			Host   string `json:"host"`
			JobID  string `json:"job_id"`
			Failed bool   `json:"failed,omitempty"`
		}{at("async_end"), e.Host, e.JobID, e.Failed}
	case event.Included:
		return struct {
			head
			File  string   `json:"file"`
			Hosts []string `json:"hosts"`
			Item  string   `json:"item,omitempty"`
		}{at("included"), e.File, hosts(e.Hosts), e.Label}
	case event.Notified:
		return struct {
			head
			Handler string `json:"handler"`
			Host    string `json:"host"`
		}{at("notified"), e.Handler, e.Host}
	case event.Message:
		return struct {
			head
			Kind      string `json:"kind"`
			Text      string `json:"text"`
			Verbosity int    `json:"verbosity,omitempty"`
			Host      string `json:"host,omitempty"`
		}{at("message"), [...]string{"info", "warning", "deprecation", "debug", "error"}[e.Kind], e.Text, e.Verbosity, e.Host}
	case event.Lock:
		if e.Time.IsZero() {
			e.Time = w.now()
		}
		return struct {
			head
			Step   string  `json:"step"`
			Key    string  `json:"key"`
			Owner  string  `json:"owner,omitempty"`
			Holder string  `json:"holder,omitempty"`
			Held   float64 `json:"held_s,omitempty"`
			Queue  int     `json:"queue,omitempty"`
			Waited float64 `json:"waited_s,omitempty"`
			Rate   float64 `json:"rate,omitempty"`
			Burst  int     `json:"burst,omitempty"`
		}{head{e.Time.UTC(), "lock"}, e.Step, e.Key, e.Owner, e.Holder, e.Held.Seconds(), e.Queue, e.Waited.Seconds(), e.Rate, e.Burst}
	case event.Recap:
		return w.recap(at("recap"), e)
	}
	return at("unknown")
}

func hosts(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

func (w *Writer) result(h head, e event.Result) any {
	return struct {
		head
		Task      task            `json:"task"`
		Host      string          `json:"host"`
		Delegated string          `json:"delegated_to,omitempty"`
		Status    string          `json:"status"`
		Ignored   bool            `json:"ignored,omitempty"`
		Rescued   bool            `json:"rescued,omitempty"`
		IsItem    bool            `json:"is_item,omitempty"`
		Item      string          `json:"item,omitempty"`
		Result    json.RawMessage `json:"result,omitempty"`
		Spent     *spent          `json:"spent,omitempty"`
	}{h, taskOf(e.Task), e.Host, e.Delegated, e.Status.String(), e.Ignored, e.Rescued, e.Item, e.Label, raw(e.Result), spentOf(e.Spent)}
}

func (w *Writer) recap(h head, e event.Recap) any {
	type counts struct {
		OK          int `json:"ok"`
		Changed     int `json:"changed"`
		Unreachable int `json:"unreachable"`
		Failed      int `json:"failed"`
		Skipped     int `json:"skipped"`
		Rescued     int `json:"rescued"`
		Ignored     int `json:"ignored"`
	}
	type wait struct {
		Count int     `json:"count"`
		Total float64 `json:"total_s"`
		Max   float64 `json:"max_s"`
	}
	all := make(map[string]counts, len(e.Hosts))
	for name, c := range e.Hosts {
		all[name] = counts(c)
	}
	waits := make(map[string]wait, len(e.Waits))
	for kind, v := range e.Waits {
		waits[kind] = wait{v.Count, v.Total.Seconds(), v.Max.Seconds()}
	}
	stats := make(map[string]json.RawMessage, len(e.Stats))
	for name, m := range e.Stats {
		stats[name] = raw(m)
	}
	return struct {
		head
		Hosts       map[string]counts          `json:"hosts"`
		Stats       map[string]json.RawMessage `json:"stats,omitempty"`
		Waits       map[string]wait            `json:"waits,omitempty"`
		Interrupted bool                       `json:"interrupted,omitempty"`
		Elapsed     float64                    `json:"elapsed_s"`
	}{h, all, stats, waits, e.Interrupted, e.Elapsed.Seconds()}
}
