package script

import (
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

// of are the arguments that the control half makes of a command, whose first word
// is a script with this text.
func of(text, cmd string, more ...any) *value.Map {
	script, _, _ := strings.Cut(cmd, " ")
	name := script[strings.LastIndexByte(script, '/')+1:]
	args := value.MapOf("cmd", cmd, "_digest", string(moduletest.Digest(text)), "_script", script, "_name", name)
	args.Update(value.MapOf(more...))
	return args
}

func TestContract(t *testing.T) {
	says := func(stdout, stderr string, rc int) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, _ string, r *module.Result) {
			if r.Get("stdout") != stdout || r.Get("stderr") != stderr || r.Get("rc") != rc {
				t.Errorf("stdout %q, stderr %q, rc %v", r.Get("stdout"), r.Get("stderr"), r.Get("rc"))
			}
		}
	}
	ran := func(name string, want bool) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, dir string, _ *module.Result) {
			if got := strings.Contains(moduletest.Tree(t, dir), name); got != want {
				t.Errorf("%s is there: %v, want %v", name, got, want)
			}
		}
	}
	const (
		words = "#!/bin/sh\nfor w; do echo \"<$w>\"; done\necho err >&2\n"
		mark  = "#!/bin/sh\ntouch mark\n"
	)
	args := func(text, cmd string, more ...any) func(string) *value.Map {
		return func(dir string) *value.Map {
			filled := make([]any, len(more))
			for i, m := range more {
				filled[i] = m
				if s, ok := m.(string); ok {
					filled[i] = strings.ReplaceAll(s, "$DIR", dir)
				}
			}
			return of(text, strings.ReplaceAll(cmd, "$DIR", dir), filled...)
		}
	}
	moduletest.Run(t, &Module, []moduletest.Case{
		{Name: "words", Content: map[string]string{"words": words}, ArgsMap: args(words, `sub/words.sh one 'two three' $NOTHING_OF_THE_KIND`), Changed: true, Again: true, Verify: says("<one>\n<two three>\n", "err\n", 0)},
		{Name: "fails", Content: map[string]string{"x": "#!/bin/sh\nexit 3\n"}, ArgsMap: args("#!/bin/sh\nexit 3\n", "x"), Fails: "non-zero return code", Verify: says("", "", 3)},
		{Name: "no interpreter", Content: map[string]string{"x": "echo plain\n"}, ArgsMap: args("echo plain\n", "x"), Changed: true, Again: true, Verify: says("plain\n", "", 0)},
		{Name: "another script than was sent", Content: map[string]string{"x": "echo one"}, ArgsMap: args("echo two", "x"), Fails: "cannot put the script into place"},
		{Name: "executable with an option", Content: map[string]string{"x": "false\necho not reached\n"}, ArgsMap: args("false\necho not reached\n", "x", "executable", "/bin/sh -e"), Fails: "non-zero return code", Verify: says("", "", 1)},
		{Name: "chdir", Content: map[string]string{"x": mark}, ArgsMap: args(mark, "x", "chdir", "$DIR"), Changed: true, Again: true, Verify: ran("mark", true)},
		{Name: "creates something new", Content: map[string]string{"x": mark}, ArgsMap: args(mark, "x", "chdir", "$DIR", "creates", "$DIR/mark"), Changed: true, Verify: ran("mark", true)},
		{Name: "creates what is there", Setup: func(t *testing.T, dir string) { moduletest.Write(t, dir, "there", "") }, Content: map[string]string{"x": mark}, ArgsMap: args(mark, "x", "chdir", "$DIR", "creates", "$DIR/there"), Verify: ran("mark", false)},
		{Name: "removes what is not there", Content: map[string]string{"x": mark}, ArgsMap: args(mark, "x", "chdir", "$DIR", "removes", "$DIR/none"), Verify: ran("mark", false)},
	})
}

// TestCheckMode runs nothing, and predicts only where it is told what the script
// makes or takes away.
func TestCheckMode(t *testing.T) {
	dir := t.TempDir()
	const mark = "#!/bin/sh\ntouch mark\n"
	o := moduletest.Options{Check: true, Contents: []string{mark}}
	if r := moduletest.Call(t, &Module, of(mark, "x", "chdir", dir), o); !r.Skipped || r.Changed {
		t.Errorf("without creates: %+v", r)
	}
	if r := moduletest.Call(t, &Module, of(mark, "x", "chdir", dir, "creates", dir+"/mark"), o); r.Skipped || !r.Changed {
		t.Errorf("with creates: %+v", r)
	}
	if tree := moduletest.Tree(t, dir); strings.Contains(tree, "mark") {
		t.Errorf("check mode ran the script:\n%s", tree)
	}
}

// TestCancel ends the script and what it started.
func TestCancel(t *testing.T) {
	dir := t.TempDir()
	text := "#!/bin/sh\ntouch " + dir + "/started\nsleep 300\n"
	moduletest.Cancel(t, &Module, of(text, "x"), func() bool { return files.Exists(dir + "/started") }, text)
}
