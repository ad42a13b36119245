// Package minimal shows the results of a single task, as the ansible command
// does.
package minimal

import (
	"fmt"
	"io"
	"strings"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/output/text"
	"github.com/tutti-run/tutti/internal/value"
)

// Options say what is shown and how.
type Options struct {
	Out, Err  io.Writer
	Color     bool
	Colors    text.Colors
	OneLine   bool
	Verbosity int
	// Diff renders a diff.
	Diff func(d any) string
}

// Printer writes results as text.
type Printer struct{ o Options }

// New returns a Printer.
func New(o Options) *Printer { return &Printer{o} }

func (p *Printer) line(s, color string) {
	if p.o.Color {
		s = text.Paint(s, color)
	}
	fmt.Fprintln(p.o.Out, s)
}

// Tell shows one event.
func (p *Printer) Tell(e event.Event) {
	switch e := e.(type) {
	case event.Result:
		if !e.Item {
			p.result(e)
		}
	case event.AsyncPoll:
		p.line(fmt.Sprintf("ASYNC POLL on %s: jid=%s started=%d finished=%d", e.Host, e.JobID, e.Started, e.Finished), p.o.Colors.Debug)
	case event.Message:
		switch {
		case e.Kind == event.Warning:
			fmt.Fprintln(p.o.Err, "[WARNING]: "+e.Text)
		case e.Kind == event.Info && p.o.Verbosity >= e.Verbosity:
			if e.Host != "" {
				e.Text = "<" + e.Host + "> " + e.Text
			}
			fmt.Fprintln(p.o.Out, e.Text)
		}
	}
}

func (p *Printer) result(e event.Result) {
	state, color := "SUCCESS", p.o.Colors.OK
	switch e.Status {
	case event.Changed:
		state, color = "CHANGED", p.o.Colors.Changed
	case event.Failed:
		state, color = "FAILED", p.o.Colors.Error
	case event.Unreachable:
		p.line(fmt.Sprintf("%s | UNREACHABLE! => %s", e.Host, p.dump(e.Result)), p.o.Colors.Unreachable)
		return
	case event.Skipped:
		p.line(e.Host+" | SKIPPED", p.o.Colors.Skip)
		return
	}
	if d := e.Result.At("diff"); e.Diff && d != nil && p.o.Diff != nil && e.Status == event.Changed {
		if diff := p.o.Diff(d); diff != "" {
			fmt.Fprint(p.o.Out, diff)
		}
	}
	for _, w := range asList(e.Result.At("warnings")) {
		fmt.Fprintf(p.o.Err, "[WARNING]: %v\n", w)
	}
	if isCommand(e.Task.Action) && !e.Result.Has("ansible_job_id") && !e.Result.Has("censored") {
		p.line(p.command(e, state), color)
		return
	}
	if state == "FAILED" {
		state = "FAILED!"
	}
	p.line(fmt.Sprintf("%s | %s => %s", e.Host, state, p.dump(text.Clean(e))), color)
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

func isCommand(action string) bool {
	switch action[strings.LastIndexByte(action, '.')+1:] {
	case "command", "shell", "raw", "script":
		return !strings.HasSuffix(action, "script")
	}
	return false
}

// command shows the output of a command as it is.
func (p *Printer) command(e event.Result, state string) string {
	rc := any(-1)
	if v, ok := e.Result.Get("rc"); ok {
		rc = v
	}
	part := func(name string) string { s, _ := e.Result.At(name).(string); return s }
	if p.o.OneLine {
		out := fmt.Sprintf("%s | %s | rc=%v | (stdout) %s", e.Host, state, rc, strings.ReplaceAll(part("stdout"), "\n", `\n`))
		if s := part("stderr"); s != "" {
			out += " (stderr) " + strings.ReplaceAll(s, "\n", `\n`)
		}
		return out
	}
	return fmt.Sprintf("%s | %s | rc=%v >>\n%s", e.Host, state, rc, part("stdout")+part("stderr")+part("msg"))
}

func (p *Printer) dump(m *value.Map) string {
	short := value.NewMap(m.Len())
	for k, v := range m.All() {
		switch {
		case p.o.Verbosity < 3 && (k == "invocation" || k == "diff" || k == "exception"):
		case k == "warnings" || k == "deprecations" || k == "failed" || k == "skipped":
		default:
			short.Set(k, v)
		}
	}
	form := value.JSON{Python: true, SortKeys: true, Indent: 4}
	if p.o.OneLine {
		form.Indent = 0
	}
	return string(form.Append(nil, short))
}
