// Package text shows a run as lines of text, as Ansible's default callback
// does, so that people and their scripts feel at home.
//
// A Printer is fed events one at a time (see event.Events).
package text

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/textwrap"
	"github.com/tutti-run/tutti/internal/value"
)

// Options say what is shown and how.
type Options struct {
	Out, Err      io.Writer
	Color         bool
	Colors        Colors
	Columns       int // 0 is 79
	Verbosity     int
	HideSkipped   bool // display_skipped_hosts = no
	HideOK        bool // display_ok_hosts = no
	FailedStderr  bool
	VerboseErr    bool // what -v adds goes to Err
	CheckMarkers  bool
	Args          bool // headings of tasks have their arguments
	PathOnFailure bool
	HostStart     bool
	CustomStats   bool
	DiffContext   int
	NoDeprecation bool
	YAML          bool // callback_result_format = yaml
	YAMLCallback  bool // results as the callback community.general.yaml shows them
	Streams       bool // what a command wrote follows its result as it is: the callback ansible.posix.debug
	Pretty        bool // callback_format_pretty = yes: results over several lines
	Compact       bool // callback_format_pretty = no: never
	// After is time.AfterFunc but in tests.
	After func(time.Duration, func()) Timer
}

// Printer writes events as text.
type Printer struct {
	o Options

	// mu guards all below, and the output: waits are told by timers.
	mu       sync.Mutex
	pending  map[string]*pending
	free     bool // tasks of several hosts are mixed: headings come with results
	lastTask int
	include  int // the include whose files have not been told yet
	banners  map[int]string
	check    bool
	seen     map[string]bool
}

// New returns a Printer.
func New(o Options) *Printer {
	if o.Columns < 79 {
		o.Columns = 79
	}
	if o.After == nil {
		o.After = func(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
	}
	return &Printer{o: o, pending: map[string]*pending{}, banners: map[int]string{}, seen: map[string]bool{}}
}

func (p *Printer) paint(s, color string) string {
	if !p.o.Color || color == "" {
		return s
	}
	return Paint(s, color)
}

func (p *Printer) line(s, color string)    { fmt.Fprintln(p.o.Out, p.paint(s, color)) }
func (p *Printer) errline(s, color string) { fmt.Fprintln(p.o.Err, p.paint(s, color)) }
func (p *Printer) failure(s, color string) {
	if p.o.FailedStderr {
		p.errline(s, color)
		return
	}
	p.line(s, color)
}

// remark shows a line that there is only with -v.
func (p *Printer) remark(s string) {
	if p.o.VerboseErr {
		p.errline(s, p.o.Colors.Verbose)
		return
	}
	p.line(s, p.o.Colors.Verbose)
}

func (p *Printer) banner(s string) {
	stars := max(3, p.o.Columns-len([]rune(s)))
	fmt.Fprintf(p.o.Out, "\n%s %s\n", s, strings.Repeat("*", stars))
}

// Tell shows one event.
func (p *Printer) Tell(e event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case event.RunStart:
		p.check = e.Check
		if p.o.Verbosity > 1 {
			p.banner("PLAYBOOK: " + e.Playbook[strings.LastIndexByte(e.Playbook, '/')+1:])
			p.remark(fmt.Sprintf("%d plays in %s", e.Plays, e.Playbook))
		}
		if e.Check && p.o.CheckMarkers {
			p.banner("DRY RUN")
		}
	case event.PlayStart:
		p.play(e)
	case event.NoHosts:
		if e.Remaining {
			p.banner("NO MORE HOSTS LEFT")
		} else {
			p.line("skipping: no hosts matched", p.o.Colors.Skip)
		}
	case event.TaskStart:
		if e.Task.Include {
			p.include = e.Task.ID
		}
		p.task(e)
	case event.Result:
		p.result(e)
	case event.Retry:
		s := fmt.Sprintf("FAILED - RETRYING: [%s]: %s (%d retries left).", e.Host, e.Task.Name, e.Left)
		if p.o.Verbosity > 2 || e.Verbose {
			s += "Result was: " + p.dump(e.Result, e.Verbose)
		}
		p.line(s, p.o.Colors.Debug)
	case event.AsyncPoll:
		p.line(fmt.Sprintf("ASYNC POLL on %s: jid=%s started=%d finished=%d", e.Host, e.JobID, e.Started, e.Finished), p.o.Colors.Debug)
	case event.AsyncEnd:
		word := "OK"
		if e.Failed {
			word = "FAILED"
		}
		p.line(fmt.Sprintf("ASYNC %s on %s: jid=%s", word, e.Host, e.JobID), p.o.Colors.Debug)
	case event.Included:
		if p.include != 0 && p.include != p.lastTask {
			p.heading(event.Task{ID: p.include})
		}
		p.include = 0
		s := fmt.Sprintf("included: %s for %s", e.File, strings.Join(e.Hosts, ", "))
		if e.Label != "" {
			s += " => (item=" + e.Label + ")"
		}
		p.line(s, p.o.Colors.Skip)
	case event.Notified:
		if p.o.Verbosity > 1 {
			p.remark(fmt.Sprintf("NOTIFIED HANDLER %s for %s", e.Handler, e.Host))
		}
	case event.Message:
		p.message(e)
	case event.Lock:
		p.lock(e)
	case event.Recap:
		p.stopWaits()
		p.recap(e)
	}
}

func (p *Printer) play(e event.PlayStart) {
	strategy := strings.TrimPrefix(e.Strategy, "ansible.builtin.")
	p.free = strategy != "linear" && strategy != "debug"
	mark := ""
	if e.Check && p.o.CheckMarkers {
		mark = " [CHECK MODE]"
	}
	name := strings.TrimSpace(e.Name)
	if name == "" {
		p.banner("PLAY" + mark)
		return
	}
	p.banner("PLAY [" + name + "]" + mark)
}

func (p *Printer) task(e event.TaskStart) {
	prefix := "TASK"
	if e.Task.Handler {
		prefix = "RUNNING HANDLER"
	}
	mark := ""
	if e.Task.Check && p.o.CheckMarkers {
		mark = " [CHECK MODE]"
	}
	name := e.Task.Name
	if p.o.Args {
		name += arguments(e.Task.Args)
	}
	text := fmt.Sprintf("%s [%s]%s", prefix, name, mark)
	if p.o.Verbosity > 1 {
		text += "\x00task path: " + pathOf(e.Task)
	}
	p.banners[e.Task.ID] = text
	if e.Banner && !p.o.HideSkipped && !p.o.HideOK {
		p.heading(e.Task)
	} else if e.Banner {
		p.lastTask = -1
	}
	if p.o.HostStart {
		for _, h := range e.Hosts {
			p.line(fmt.Sprintf(" [started %s on %s]", e.Task.Name, h), p.o.Colors.OK)
		}
	}
}

// arguments are a task's as a part of its heading: the text of a command is the
// last of them.
func arguments(args *value.Map) string {
	if args == nil || args.Len() == 0 {
		return ""
	}
	var words []string
	text := ""
	for k, v := range args.All() {
		word := fmt.Sprintf("%s=%s", k, value.Str(value.Plain(v)))
		if k == "_raw_params" {
			text = word
			continue
		}
		words = append(words, word)
	}
	if text != "" {
		words = append(words, text)
	}
	return " " + strings.Join(words, ", ")
}

func pathOf(t event.Task) string { return fmt.Sprintf("%s:%d", t.Pos.File, t.Pos.Line) }

func (p *Printer) heading(t event.Task) {
	text, path, _ := strings.Cut(p.banners[t.ID], "\x00")
	p.banner(text)
	if path != "" {
		p.line(path, p.o.Colors.Debug)
	}
	p.lastTask = t.ID
}

// need shows the task's heading if another one was shown last.
func (p *Printer) need(t event.Task) {
	if p.lastTask != t.ID {
		p.heading(t)
	}
}

func (p *Printer) label(e event.Result) string {
	if e.Delegated != "" {
		return e.Host + " -> " + e.Delegated
	}
	return e.Host
}

func (p *Printer) result(e event.Result) {
	switch e.Status {
	case event.Failed:
		p.failed(e)
	case event.Unreachable:
		p.need(e.Task)
		if e.Item {
			p.failure(fmt.Sprintf("failed: [%s] (item=%s) => %s", p.label(e), e.Label, p.dump(e.Result, false)), p.o.Colors.Error)
			return
		}
		p.failure(fmt.Sprintf("fatal: [%s]: UNREACHABLE! => %s", p.label(e), p.dump(e.Result, false)), p.o.Colors.Unreachable)
		if e.Ignored {
			p.line("...ignoring", p.o.Colors.Skip)
		}
	case event.Skipped:
		p.skipped(e)
	default:
		p.ok(e)
	}
}

func (p *Printer) failed(e event.Result) {
	p.need(e.Task)
	p.exception(e.Result)
	p.warnings(e.Result)
	switch {
	case e.Item:
		p.failure(fmt.Sprintf("failed: [%s] (item=%s) => %s", p.label(e), e.Label, p.dump(Clean(e), e.Verbose)), p.o.Colors.Error)
	case e.Looped && !isDebug(e.Task) && !e.Result.Has("censored"): // of debug only the message is left, which nobody has seen
		if e.Ignored {
			p.line("...ignoring", p.o.Colors.Skip)
		}
	default:
		if p.o.Verbosity < 2 && p.o.PathOnFailure {
			p.line("task path: "+pathOf(e.Task), p.o.Colors.Debug)
		}
		p.failure(fmt.Sprintf("fatal: [%s]: FAILED! => %s", p.label(e), p.dump(Clean(e), e.Verbose && !e.Looped)), p.o.Colors.Error)
		if e.Ignored {
			p.line("...ignoring", p.o.Colors.Skip)
		}
	}
}

func (p *Printer) skipped(e event.Result) {
	if p.o.HideSkipped {
		return
	}
	p.need(e.Task)
	text := "skipping: [" + e.Host + "]"
	if e.Item {
		text += " => (item=" + e.Label + ") "
	}
	if p.verbose(e) && e.Result != nil {
		m := Clean(e)
		if e.Task.Loop && !e.Item && m.Has("results") {
			m = m.Clone() // the items have been told
			m.Delete("results")
		}
		text += " => " + p.dump(m, e.Verbose)
	}
	p.line(text, p.o.Colors.Skip)
}

func (p *Printer) ok(e event.Result) {
	if e.Diff {
		p.diff(e)
	}
	if e.Task.Include {
		if !e.Item {
			p.need(e.Task)
		}
		return
	}
	word, color := "ok", p.o.Colors.OK
	if e.Status == event.Changed {
		word, color = "changed", p.o.Colors.Changed
	} else if p.o.HideOK {
		return
	}
	p.need(e.Task)
	p.warnings(e.Result)
	text := fmt.Sprintf("%s: [%s]", word, p.label(e))
	switch {
	case e.Item:
		text += " => (item=" + e.Label + ")"
	case e.Looped && !e.Result.Has("censored"): // a hidden result does not tell that it is a loop's
		return
	}
	if p.verbose(e) {
		text += " => " + p.dump(Clean(e), e.Verbose)
	}
	p.line(text, color)
}

func (p *Printer) verbose(e event.Result) bool {
	return (p.o.Verbosity > 0 || e.Verbose) && !e.Quiet
}

func (p *Printer) diff(e event.Result) {
	if e.Looped || e.Status != event.Changed {
		return
	}
	d := e.Result.At("diff")
	if d == nil {
		return
	}
	if text := p.renderDiff(d); text != "" {
		p.need(e.Task)
		p.line(strings.TrimSuffix(text, "\n"), "")
	}
}

// warnings shows what a module warned of, apart from its result.
func (p *Printer) warnings(m *value.Map) {
	if l, ok := m.At("warnings").([]any); ok {
		for _, w := range l {
			p.warn(fmt.Sprint(w))
		}
	}
	if l, ok := m.At("deprecations").([]any); ok {
		for _, d := range l {
			if dm, ok := d.(*value.Map); ok {
				p.deprecate(fmt.Sprint(dm.At("msg")), dm)
			}
		}
	}
}

func (p *Printer) warn(text string) { p.once("[WARNING]: "+text, p.o.Colors.Warn) }

func (p *Printer) deprecate(text string, m *value.Map) {
	if p.o.NoDeprecation {
		return
	}
	s := "[DEPRECATION WARNING]: " + strings.TrimSuffix(text, ".") + "."
	if v, ok := m.At("version").(string); ok && v != "" {
		s += " This feature will be removed in version " + v + "."
	}
	p.once(s+" Deprecation warnings can be disabled by setting deprecation_warnings=False in ansible.cfg.", p.o.Colors.Deprecate)
}

func (p *Printer) once(text, color string) {
	if p.seen[text] {
		return
	}
	p.seen[text] = true
	p.errline(textwrap.Message(text, p.o.Columns), color)
}

func (p *Printer) message(e event.Message) {
	switch e.Kind {
	case event.Warning:
		p.warn(e.Text)
	case event.Deprecation:
		p.deprecate(e.Text, nil)
	case event.Error:
		p.errline("[ERROR]: "+e.Text, p.o.Colors.Error)
	default:
		if p.o.Verbosity >= e.Verbosity {
			text := e.Text
			if e.Host != "" {
				text = "<" + e.Host + "> " + text
			}
			if e.Verbosity > 0 {
				p.remark(text)
			} else {
				p.line(text, "")
			}
		}
	}
}

func (p *Printer) exception(m *value.Map) {
	text, ok := m.At("exception").(string)
	if !ok {
		return
	}
	if p.o.Verbosity < 3 {
		last := strings.TrimSpace(text)
		last = last[strings.LastIndexByte(last, '\n')+1:]
		p.failure("An exception occurred during task execution. To see the full traceback, use -vvv. The error was: "+last, p.o.Colors.Error)
		return
	}
	p.failure("The full traceback is:\n"+text, p.o.Colors.Error)
}

func (p *Printer) recap(e event.Recap) {
	if e.Interrupted {
		p.errline("[ERROR]: User interrupted execution", p.o.Colors.Error)
	}
	p.banner("PLAY RECAP")
	names := make([]string, 0, len(e.Hosts))
	for h := range e.Hosts {
		names = append(names, h)
	}
	sort.Strings(names)
	for _, h := range names {
		p.recapLine(h, e.Hosts[h])
	}
	fmt.Fprintln(p.o.Out)
	if p.o.CustomStats && len(e.Stats) > 0 {
		p.customStats(e.Stats)
	}
	if p.check && p.o.CheckMarkers {
		p.banner("DRY RUN")
	}
	if p.o.Verbosity > 0 {
		p.waits(e.Waits)
	}
}

func (p *Printer) recapLine(host string, c event.Counts) {
	count := func(name string, n int, color string) string {
		s := fmt.Sprintf("%s=%-4d", name, n)
		if n != 0 {
			return p.paint(s, color)
		}
		return s
	}
	shown := fmt.Sprintf("%-26s", host)
	if p.o.Color {
		color := p.o.Colors.OK
		switch {
		case c.Failed > 0 || c.Unreachable > 0:
			color = p.o.Colors.Error
		case c.Changed > 0:
			color = p.o.Colors.Changed
		}
		shown = fmt.Sprintf("%-37s", p.paint(host, color))
	}
	fmt.Fprintf(p.o.Out, "%s : %s %s %s %s %s %s %s\n", shown, count("ok", c.OK, p.o.Colors.OK), count("changed", c.Changed, p.o.Colors.Changed),
		count("unreachable", c.Unreachable, p.o.Colors.Unreachable), count("failed", c.Failed, p.o.Colors.Error), count("skipped", c.Skipped, p.o.Colors.Skip),
		count("rescued", c.Rescued, p.o.Colors.OK), count("ignored", c.Ignored, p.o.Colors.Warn))
}

func (p *Printer) customStats(stats map[string]*value.Map) {
	p.banner("CUSTOM STATS: ")
	one := func(m *value.Map) string {
		return strings.ReplaceAll(string(value.JSON{Indent: 1, SortKeys: true}.Append(nil, m)), "\n", "")
	}
	names := make([]string, 0, len(stats))
	for n := range stats {
		if n != "_run" {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	for _, n := range names {
		p.line("\t"+n+": "+one(stats[n]), "")
	}
	if run := stats["_run"]; run != nil {
		p.line("", "")
		p.line("\tRUN: "+one(run), "")
	}
	p.line("", "")
}

func (p *Printer) waits(waits map[string]event.Wait) {
	var parts []string
	for kind, w := range waits {
		if w.Total.Milliseconds() > 0 {
			parts = append(parts, fmt.Sprintf("%s %.1fs in %d waits (longest %.1fs)", kind, w.Total.Seconds(), w.Count, w.Max.Seconds()))
		}
	}
	if len(parts) > 0 {
		sort.Strings(parts)
		p.line("waited: "+strings.Join(parts, ", "), p.o.Colors.Verbose)
	}
}
