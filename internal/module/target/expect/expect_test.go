package expect

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestContract(t *testing.T) {
	says := func(want string) func(*testing.T, string, *module.Result) {
		return func(t *testing.T, _ string, r *module.Result) {
			t.Helper()
			if r.Get("stdout") != want {
				t.Errorf("stdout is %q, want %q", r.Get("stdout"), want)
			}
		}
	}
	const ask = `"command": "sh -c 'printf \"name? \"; read n; printf \"age? \"; read a; echo $n is $a'", `
	mt.Run(t, &Module, []mt.Case{
		{Name: "answers", Args: `{` + ask + `"responses": {"name\\?": "ann", "(?i)AGE": 7}}`, Changed: true, Again: true, Verify: says("name? age? ann is 7")},
		{Name: "a list", Args: `{` + ask + `"responses": {"\\? $": ["bob", "8\n"]}}`, Changed: true, Again: true, Verify: says("name? age? bob is 8")},
		{Name: "echo", Args: `{` + ask + `"echo": true, "responses": {"name": "ann", "age": 7}}`, Changed: true, Again: true, Verify: says("name? ann\r\nage? 7\r\nann is 7")},
		{Name: "list too short", Args: `{` + ask + `"responses": {"\\? $": ["bob"]}}`, Fails: "No remaining responses for '\\? $', output was 'b'age? ''"},
		{Name: "no question", Args: `{"command": "echo hi", "responses": {"x": "y"}}`, Changed: true, Again: true, Verify: says("hi")},
		{Name: "status", Args: `{"command": "sh -c 'exit 3'", "responses": {"x": "y"}}`, Fails: "non-zero return code", Verify: func(t *testing.T, _ string, r *module.Result) {
			if r.Get("rc") != 3 {
				t.Errorf("rc %v", r.Get("rc"))
			}
		}},
		{Name: "time is over", Args: `{"command": "sh -c 'echo begun; sleep 20'", "timeout": 1, "responses": {"x": "y"}}`, Fails: "command exceeded timeout", Verify: says("begun")},
		{Name: "creates", Setup: func(t *testing.T, dir string) { mt.Write(t, dir, "f", "") }, Args: `{"command": "false", "creates": "$DIR/f", "responses": {"x": "y"}}`},
		{Name: "removes", Args: `{"command": "false", "removes": "$DIR/f", "responses": {"x": "y"}}`},
		{Name: "chdir", Args: `{"command": "pwd", "chdir": "/usr", "responses": {"x": "y"}}`, Changed: true, Again: true, Verify: says("/usr")},
		{Name: "beside it", Setup: func(t *testing.T, dir string) {
			if err := os.WriteFile(dir+"/asks", []byte("#!/bin/sh\nprintf 'sure? '\nread a\necho $a\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, Args: `{"command": "./asks", "chdir": "$DIR", "responses": {"sure": "y"}}`, Changed: true, Again: true, Verify: says("sure? y")},
		{Name: "size", Args: `{"command": "stty size", "responses": {"x": "y"}}`, Changed: true, Again: true, Verify: says("24 80")},
		{Name: "no directory", Args: `{"command": "pwd", "chdir": "/nowhere", "responses": {"x": "y"}}`, Fails: "No such file or directory"},
		{Name: "no program", Args: `{"command": "no-such-program x", "responses": {"x": "y"}}`, Fails: "The command was not found or was not executable: no-such-program."},
		{Name: "blank", Args: `{"command": " ", "responses": {"x": "y"}}`, Fails: "no command given"},
		{Name: "no expression", Args: `{"command": "true", "responses": {"(": "y"}}`, Fails: "is no regular expression"},
	})
	if r := mt.Call(t, &Module, value.MapOf("command", "true", "responses", value.MapOf("x", "y")), mt.Options{Check: true}); !r.Skipped {
		t.Errorf("check mode: %s", value.Repr(r.ToMap()))
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	env := mt.Env(t, mt.Options{})
	args, err := Module.Spec.ParseTarget(value.MapOf("command", "sleep 30", "responses", value.MapOf("x", "y")), nil)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if r := Module.Run(ctx, env, args); !r.Failed || !strings.Contains(r.Msg, "deadline") || time.Since(begin) > 5*time.Second {
		t.Errorf("after %s: %s", time.Since(begin), value.Repr(r.ToMap()))
	}
}
