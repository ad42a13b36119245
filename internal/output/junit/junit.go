// Package junit writes what came of a run as a report in JUnit's XML, as the
// callback junit of ansible-core does: for machines that collect such reports.
package junit

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

// Options say where the report goes and what counts.
type Options struct {
	Dir            string // of the reports; it is made
	RelativeTo     string // paths of tasks are shown from here
	OutOfTree      string // stands for the folder of what is outside of RelativeTo
	HasOutOfTree   bool
	ClassPerFile   bool // the line of a task is left out of its class
	FailOnChange   bool
	FailOnIgnore   bool
	WithoutSetup   bool // tasks that gather facts are left out
	HideArguments  bool
	TestCasePrefix string // only tasks whose name begins so count, and failures
	// Warn tells that the report could not be written.
	Warn func(string)
	// Now is time.Now but in tests.
	Now func() time.Time
}

// Sink writes a report at the end of a run.
func Sink(o Options) event.Sink {
	r := &report{o: o, tasks: map[int]*task{}}
	return r.tell
}

type report struct {
	o          Options
	name, play string
	tasks      map[int]*task
	order      []*task
}

// task is a task of a play, with what came of it.
type task struct {
	event.Task
	play  string
	start time.Time
	cases []testCase
}

func (r *report) tell(e event.Event) {
	switch e := e.(type) {
	case event.RunStart:
		r.name = strings.TrimSuffix(filepath.Base(e.Playbook), filepath.Ext(e.Playbook))
	case event.PlayStart:
		r.play = e.Name
	case event.TaskStart:
		if r.tasks[e.Task.ID] == nil {
			t := &task{Task: e.Task, play: r.play, start: r.o.Now()}
			r.tasks[e.Task.ID] = t
			r.order = append(r.order, t)
		}
	case event.Result:
		if t := r.tasks[e.Task.ID]; t != nil && !e.Item && e.Status != event.Unreachable {
			r.finish(t, e)
		}
	case event.Recap:
		if err := r.write(); err != nil {
			r.o.Warn(fmt.Sprintf("cannot write the JUnit report: %v", err))
		}
	}
}

var line = lazyregexp.New(`\.yml:[0-9]+$`)

// finish adds what came of a task on a host.
func (r *report) finish(t *task, e event.Result) {
	name := t.Name
	if !r.o.HideArguments && !e.Result.Has("censored") && t.Args.Len() > 0 {
		var args []string
		for k, v := range t.Args.All() {
			args = append(args, value.Str(k)+"="+value.Str(value.Plain(v)))
		}
		name += " " + strings.Join(args, ", ")
	}
	failed := e.Status == event.Failed && (!e.Ignored || r.o.FailOnIgnore) || r.o.FailOnChange && e.Status == event.Changed
	switch skipped := e.Status == event.Skipped; {
	case failed && strings.Contains(name, "EXPECTED FAILURE"):
		failed = false
	case strings.Contains(name, "TOGGLE RESULT") && !skipped:
		failed = !failed
	}
	if !failed && !strings.HasPrefix(name, r.o.TestCasePrefix) {
		return
	}
	c := testCase{
		Name: fmt.Sprintf("[%s] %s: %s", e.Host, t.play, name), Class: r.class(t),
		Time: seconds(r.o.Now().Sub(t.start)), seconds: r.o.Now().Sub(t.start),
	}
	shown := e.Result.Clone()
	for _, k := range []string{"failed", "skipped", "invocation", "diff", "exception"} {
		shown.Delete(k)
	}
	dump := string(value.JSON{Python: true, SortKeys: true}.Append(nil, shown))
	exception, _ := e.Result.At("exception").(string)
	msg, hasMsg := e.Result.Get("msg")
	switch {
	case failed && exception != "":
		exception = strings.TrimSpace(exception)
		c.Error = &mistake{Message: exception[strings.LastIndexByte(exception, '\n')+1:], Type: "error", Text: exception}
	case failed && hasMsg:
		c.Failure = &mistake{Message: value.Str(msg), Type: "failure", Text: dump}
	case failed:
		rc, ok := e.Result.Get("rc")
		if !ok {
			rc = 0
		}
		c.Failure = &mistake{Message: "rc=" + value.Str(rc), Type: "failure", Text: dump}
	case e.Status == event.Skipped:
		reason, ok := e.Result.At("skip_reason").(string)
		if !ok {
			reason = "skipped"
		}
		c.Skipped = &reason
	default:
		c.Out = dump
	}
	t.cases = append(t.cases, c)
}

// class is the place of a task, as the report calls it.
func (r *report) class(t *task) string {
	class := fmt.Sprintf("%s:%d", t.Pos.File, t.Pos.Line)
	if r.o.RelativeTo != "" {
		if rel, err := filepath.Rel(r.o.RelativeTo, class); err == nil {
			class = rel
		}
	}
	if r.o.HasOutOfTree && strings.HasPrefix(class, "../") {
		class = r.o.OutOfTree + filepath.Base(class)
	}
	if r.o.ClassPerFile {
		class = line.ReplaceAllString(class, "")
	}
	return class
}

type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	counts
	Suite suite `xml:"testsuite"`
}

type suite struct {
	counts
	Name    string     `xml:"name,attr"`
	Skipped int        `xml:"skipped,attr"`
	Cases   []testCase `xml:"testcase"`
}

type counts struct {
	Disabled int    `xml:"disabled,attr"`
	Errors   int    `xml:"errors,attr"`
	Failures int    `xml:"failures,attr"`
	Tests    int    `xml:"tests,attr"`
	Time     string `xml:"time,attr"`
}

type testCase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Skipped *string  `xml:"skipped"`
	Error   *mistake `xml:"error"`
	Failure *mistake `xml:"failure"`
	Out     string   `xml:"system-out,omitempty"`

	seconds time.Duration
}

type mistake struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

func (r *report) write() error {
	s := suite{Name: r.name}
	var total time.Duration
	for _, t := range r.order {
		action := t.Action[strings.LastIndexByte(t.Action, '.')+1:]
		if r.o.WithoutSetup && (action == "setup" || action == "gather_facts") {
			continue
		}
		for _, c := range t.cases {
			s.Cases = append(s.Cases, c)
			total += c.seconds
			s.Tests++
			switch {
			case c.Error != nil:
				s.Errors++
			case c.Failure != nil:
				s.Failures++
			case c.Skipped != nil:
				s.Skipped++
			}
		}
	}
	s.Time = seconds(total)
	text, err := xml.MarshalIndent(suites{counts: s.counts, Suite: s}, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.o.Dir, 0o777); err != nil {
		return err
	}
	now := float64(r.o.Now().UnixMicro()) / 1e6
	path := filepath.Join(r.o.Dir, r.name+"-"+strconv.FormatFloat(now, 'f', -1, 64)+".xml")
	return os.WriteFile(path, append([]byte("<?xml version=\"1.0\" ?>\n"), append(text, '\n')...), 0o666)
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
