package junit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/value"
)

// report is that of one play with a task of each kind.
func report1(t *testing.T, o Options) string {
	t.Helper()
	now := time.Unix(100, 0)
	o.Dir, o.Now, o.Warn = filepath.Join(t.TempDir(), "out"), func() time.Time { return now }, func(s string) { t.Error(s) }
	tell := Sink(o)
	id := 0
	run := func(name string, status event.Status, ignored bool, result ...any) {
		id++
		task := event.Task{ID: id, Name: name, Action: name, Args: value.MapOf("msg", "a<b"), Pos: diag.Pos{File: "/p/site.yml", Line: id}}
		tell(event.TaskStart{Task: task})
		now = now.Add(500 * time.Millisecond)
		tell(event.Result{Task: task, Host: "h", Item: true, Status: status, Result: value.NewMap(0)})
		tell(event.Result{Task: task, Host: "h", Status: status, Ignored: ignored, Result: value.MapOf(append(result, "failed", status == event.Failed)...)})
	}
	tell(event.RunStart{Playbook: "/p/site.yml"})
	tell(event.PlayStart{Name: "all"})
	run("gather_facts", event.OK, false)
	run("good", event.Changed, false, "changed", true)
	run("bad", event.Failed, false, "msg", "no")
	run("bare", event.Failed, false, "rc", 3)
	run("crash", event.Failed, false, "exception", "Traceback\nKeyError: x\n")
	run("passed over", event.Failed, true, "msg", "no")
	run("left out", event.Skipped, false, "skip_reason", "Conditional")
	run("EXPECTED FAILURE", event.Failed, false, "msg", "no")
	run("TOGGLE RESULT", event.OK, false, "msg", "yes")
	run("secret", event.OK, false, "censored", "hidden")
	tell(event.Recap{})
	text, err := os.ReadFile(filepath.Join(o.Dir, "site-105.xml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReport(t *testing.T) {
	got := report1(t, Options{})
	for _, want := range []string{
		`<testsuites disabled="0" errors="1" failures="3" tests="10" time="5">`,
		`<testsuite disabled="0" errors="1" failures="3" tests="10" time="5" name="site" skipped="1">`,
		`<testcase classname="/p/site.yml:2" name="[h] all: good msg=a&lt;b" time="0.5">` + "\n\t\t\t<system-out>{&#34;changed&#34;: true}</system-out>",
		`<failure message="no" type="failure">{&#34;msg&#34;: &#34;no&#34;}</failure>`, `<failure message="rc=3" type="failure">`,
		`<error message="KeyError: x" type="error">Traceback`, `<skipped>Conditional</skipped>`,
		`name="[h] all: EXPECTED FAILURE msg=a&lt;b" time="0.5">` + "\n\t\t\t<system-out>", `<failure message="yes" type="failure">`,
		`name="[h] all: passed over msg=a&lt;b" time="0.5">` + "\n\t\t\t<system-out>", `name="[h] all: secret" time`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	got = report1(t, Options{WithoutSetup: true, HideArguments: true, FailOnChange: true, FailOnIgnore: true, ClassPerFile: true, RelativeTo: "/q", HasOutOfTree: true, OutOfTree: "far:", TestCasePrefix: "left"})
	for _, want := range []string{`failures="5" tests="7"`, `classname="far:site" name="[h] all: good" `, `name="[h] all: passed over"`, `name="[h] all: left out"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// What cannot be written is said, and is not the end of the run.
func TestNoFolder(t *testing.T) {
	said := ""
	tell := Sink(Options{Dir: "/proc/nowhere", Now: time.Now, Warn: func(s string) { said = s }})
	tell(event.Recap{})
	if !strings.Contains(said, "cannot write the JUnit report: ") {
		t.Errorf("said %q", said)
	}
}
