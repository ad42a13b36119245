package tree

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/value"
)

func TestSink(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a/b")
	var warnings []string
	tell := func(verbosity int, r event.Result) {
		Sink(Options{Dir: dir, Verbosity: verbosity, Warn: func(s string) { warnings = append(warnings, s) }})(r)
	}
	result := value.MapOf("rc", 0, "changed", true, "failed", false, "invocation", value.MapOf("a", 1), "warnings", []any{"w"})
	check := func(want string) {
		t.Helper()
		if data, err := os.ReadFile(filepath.Join(dir, "web1")); err != nil || string(data) != want {
			t.Errorf("%q, %v, want %q", data, err, want)
		}
	}
	tell(0, event.Result{Host: "web1", Status: event.Changed, Result: result})
	check(`{"changed": true, "rc": 0}`)
	tell(0, event.Result{Host: "web1", Status: event.Skipped, Result: value.MapOf("skipped", true)})
	tell(0, event.Result{Host: "web1", Status: event.OK, Item: true, Result: value.MapOf("item", 1)})
	check(`{"changed": true, "rc": 0}`)
	tell(0, event.Result{Host: "web1", Status: event.OK, Verbose: true, Result: value.MapOf("msg", "hi")})
	check("{\n    \"msg\": \"hi\"\n}")
	tell(3, event.Result{Host: "web1", Status: event.Failed, Result: result})
	check("{\n    \"changed\": true,\n    \"invocation\": {\n        \"a\": 1\n    },\n    \"rc\": 0\n}")
	tell(0, event.Result{Host: "../web1", Status: event.OK, Result: result})
	if len(warnings) != 1 || warnings[0] != "Unable to write to ../web1's file: invalid argument" {
		t.Errorf("a name that leads elsewhere: %q", warnings)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	Sink(Options{Dir: filepath.Join(dir, "file"), Warn: func(s string) { warnings = append(warnings, s) }})(event.Result{Host: "web1", Status: event.OK, Result: result})
	if len(warnings) != 2 {
		t.Errorf("a folder that is a file: %q", warnings)
	}
}
