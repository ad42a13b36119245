package command

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

// has checks fields of the result.
func has(want ...any) func(*testing.T, string, *module.Result) {
	return func(t *testing.T, _ string, r *module.Result) {
		t.Helper()
		m := r.ToMap()
		for i := 0; i < len(want); i += 2 {
			if got := value.Repr(m.At(want[i])); got != want[i+1] {
				t.Errorf("%s = %s, want %s", want[i], got, want[i+1])
			}
		}
	}
}

func TestCommand(t *testing.T) {
	mt.Run(t, &Command, []mt.Case{
		{Name: "words", Args: `{"_raw_params": "printf '%s|' a 'b c' \"d\""}`, Changed: true, Again: true,
			Verify: has("stdout", "'a|b c|d|'", "cmd", "['printf', '%s|', 'a', 'b c', 'd']", "rc", "0", "msg", "''", "stderr_lines", "[]", "stdout_lines", "['a|b c|d|']")},
		{Name: "argv", Args: `{"argv": ["echo", "$NOSUCH", "a  b"]}`, Changed: true, Again: true, Verify: has("stdout", "'$NOSUCH a  b'")},
		{Name: "variables", Args: `{"cmd": "echo $HOME"}`, Changed: true, Again: true, Verify: has("stdout", value.Repr(os.Getenv("HOME")))},
		{Name: "status", Args: `{"cmd": "false"}`, Fails: "non-zero return code", Verify: has("rc", "1", "changed", "True", "stdout_lines", "[]")},
		{Name: "no such command", Args: `{"cmd": "nosuchcmd a"}`, Fails: "[Errno 2] No such file or directory: b'nosuchcmd'", Verify: has("rc", "2", "changed", "False", "cmd", "'nosuchcmd a'")},
		{Name: "nothing", Args: `{"cmd": " "}`, Fails: "no command given", Verify: has("rc", "256")},
		{Name: "both", Args: `{"cmd": "a", "argv": ["b"]}`, Fails: "only command or argv can be given, not both"},
		{Name: "creates", Args: `{"cmd": "touch x", "chdir": "$DIR", "creates": "x*"}`, Changed: true,
			Verify: func(t *testing.T, dir string, r *module.Result) { mt.Has(t, filepath.Join(dir, "x"), "") }},
		{Name: "created", Args: `{"cmd": "touch x", "creates": "/dev/null"}`,
			Verify: has("msg", `"Did not run command since '/dev/null' exists"`, "rc", "0", "stdout", "'skipped, since /dev/null exists'", "start", "None")},
		{Name: "removed", Args: `{"cmd": "touch x", "removes": "$DIR/none"}`},
		{Name: "stdin", Args: `{"cmd": "cat", "stdin": "a\n", "strip_empty_ends": false}`, Changed: true, Again: true, Verify: has("stdout", `'a\n\n'`)},
		{Name: "stdin as it is", Args: `{"cmd": "cat", "stdin": "a", "stdin_add_newline": false, "strip_empty_ends": false}`, Changed: true, Again: true, Verify: has("stdout", "'a'")},
		{Name: "no directory", Args: `{"cmd": "ls", "chdir": "$DIR/none"}`, Fails: "Unable to change directory before execution: [Errno 2] No such file or directory: b'"},
	})
}

func TestShell(t *testing.T) {
	mt.Run(t, &Shell, []mt.Case{
		{Name: "pipe", Args: `{"_raw_params": "echo a b | tr a-z A-Z; echo e >&2"}`, Changed: true, Again: true,
			Verify: has("stdout", "'A B'", "stderr", "'e'", "cmd", "'echo a b | tr a-z A-Z; echo e >&2'")},
		{Name: "other shell", Args: `{"cmd": "echo $0", "executable": "/bin/bash"}`, Changed: true, Again: true, Verify: has("stdout", "'/bin/bash'")},
		{Name: "status", Args: `{"cmd": "exit 3"}`, Fails: "non-zero return code", Verify: has("rc", "3")},
	})
}

func TestCheckMode(t *testing.T) {
	r := mt.Call(t, &Command, value.MapOf("cmd", "echo hi"), mt.Options{Check: true})
	has("skipped", "True", "changed", "False", "msg", "'Command would have run if not in check mode'", "rc", "0", "cmd", "['echo', 'hi']")(t, "", r)
	r = mt.Call(t, &Command, value.MapOf("cmd", "echo hi", "creates", "/no/such"), mt.Options{Check: true})
	has("skipped", "None", "changed", "True")(t, "", r)
}

func TestCancel(t *testing.T) {
	dir := t.TempDir()
	mt.Cancel(t, &Shell, value.MapOf("cmd", "touch started; sleep 60 & sleep 61", "chdir", dir), func() bool {
		_, err := os.Stat(filepath.Join(dir, "started"))
		return err == nil
	})
}

func TestDelta(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1500 * time.Millisecond: "0:00:01.500000", time.Hour: "1:00:00", 25 * time.Hour: "1 day, 1:00:00", 49 * time.Hour: "2 days, 1:00:00",
	} {
		if got := Delta(d); got != want {
			t.Errorf("Delta(%v) = %s, want %s", d, got, want)
		}
	}
}
