// Package control_test checks the modules that end on the controller.
package control_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/control/all"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	targets "github.com/tutti-run/tutti/internal/module/target/all"
	"github.com/tutti-run/tutti/internal/value"
)

func TestSpecs(t *testing.T) {
	for _, c := range all.Controls() {
		t.Run(string(c.Spec.Name), func(t *testing.T) { mt.Spec(t, &c.Spec) })
	}
	module.NewRegistry(targets.Targets(), all.Controls()) // panics on a name that is there twice
}

func control(t *testing.T, name module.Name) *module.Control {
	t.Helper()
	c := module.NewRegistry(nil, all.Controls()).Control("ansible.builtin." + name)
	if c == nil {
		t.Fatalf("no module %s", name)
	}
	return c
}

func TestResults(t *testing.T) {
	for _, c := range []struct {
		name, args, want string // want is the result as JSON
	}{
		{"debug", `{}`, `{"changed": false, "_ansible_verbose_always": true, "msg": "Hello world!"}`},
		{"debug", `{"msg": ["a", 1]}`, `{"changed": false, "_ansible_verbose_always": true, "msg": ["a", 1]}`},
		{"debug", `{"var": "x"}`, `{"changed": false, "_ansible_verbose_always": true, "x": [1, 2]}`},
		{"debug", `{"var": "nope"}`, `{"changed": false, "_ansible_verbose_always": true, "nope": "VARIABLE IS NOT DEFINED!"}`},
		{"debug", `{"var": [1]}`, `{"changed": false, "_ansible_verbose_always": true, "<class 'list'>": "VARIABLE IS NOT DEFINED!"}`},
		{"debug", `{"msg": null}`, `{"changed": false, "_ansible_verbose_always": true, "msg": null}`},
		{"debug", `{"var": "x", "msg": "y"}`, `{"changed": false, "msg": "'msg' and 'var' are incompatible options", "failed": true}`},
		{"debug", `{"msg": "y", "verbosity": 2}`, `{"changed": false, "skipped_reason": "Verbosity threshold not met.", "skipped": true}`},
		{"set_fact", `{"a": "", "_raw_params": "0"}`, `{"changed": false, "ansible_facts": {"a": "", "_raw_params": "0"}}`},
		{"set_fact", `{"a": "yes", "b": "x", "cacheable": true}`, `{"changed": false, "ansible_facts": {"a": true, "b": "x"}}`},
		{"fail", `{}`, `{"changed": false, "msg": "Failed as requested from task", "failed": true}`},
		{"fail", `{"msg": "no"}`, `{"changed": false, "msg": "no", "failed": true}`},
		{"assert", `{"that": [true, true], "quiet": true}`, `{"changed": false, "msg": "All assertions passed"}`},
		{"assert", `{"that": [true, false], "msg": "bad"}`, `{"changed": false, "_ansible_verbose_always": true, "evaluated_to": false, "assertion": false, "msg": "bad", "failed": true}`},
		{"assert", `{"that": null, "quiet": true}`, `{"changed": false, "msg": "All assertions passed"}`},
		{"assert", `{"that": false, "msg": "second", "fail_msg": "first", "quiet": true}`, `{"changed": false, "evaluated_to": false, "assertion": false, "msg": "first", "failed": true}`},
		{"add_host", `{"name": "h:2222", "groups": "a, b", "k": 1}`, `{"changed": false, "add_host": {"host_name": "h", "groups": ["a", "b"], "host_vars": {"k": 1, "ansible_ssh_port": 2222}}}`},
		{"add_host", `{"hostname": "::1", "group": ["a"]}`, `{"changed": false, "add_host": {"host_name": "::1", "groups": ["a"], "host_vars": {"group": ["a"]}}}`},
		{"add_host", `{"name": "a", "hostname": "b", "groups": "c", "groupname": "d"}`, `{"changed": false, "add_host": {"host_name": "a", "groups": ["d"], "host_vars": {}}}`},
		{"group_by", `{"key": "os Debian 12", "parents": "x y"}`, `{"changed": false, "add_group": "os-Debian-12", "parent_groups": ["x-y"]}`},
		{"set_stats", `{"data": {"a": 1}}`, `{"changed": false, "ansible_stats": {"data": {"a": 1}, "per_host": false, "aggregate": true}}`},
		{"validate_argument_spec", `{"argument_spec": {"n": {"type": "int", "required": true}, "c": {"choices": ["a"]}}, "provided_arguments": {"n": "x", "c": "b"}}`,
			`{"changed": false, "validate_args_context": {}, "argument_spec_data": {"n": {"type": "int", "required": true}, "c": {"choices": ["a"]}}, "argument_errors": ["argument 'n' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int", "value of c must be one of: a, got: b"], "msg": "Validation of arguments failed:\nargument 'n' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int\nvalue of c must be one of: a, got: b", "failed": true}`},
		{"raw", `{"_raw_params": "echo 'a  b'; echo e >&2"}`, `{"changed": true, "rc": 0, "stdout": "a  b\n", "stdout_lines": ["a  b"], "stderr": "e\n", "stderr_lines": ["e"]}`},
		{"raw", `{"_raw_params": "exit 3", "executable": "/bin/sh"}`, `{"changed": true, "rc": 3, "stdout": "", "stdout_lines": [], "stderr": "", "stderr_lines": [], "msg": "non-zero return code", "failed": true}`},
		{"validate_argument_spec", `{"argument_spec": {"x": {"type": "list", "elements": "int"}}}`, `{"changed": false, "validate_args_context": {}, "msg": "The arg spec validation passed"}`},
	} {
		ctl := &mt.Controller{Vars: value.MapOf("x", []any{1, 2})}
		r := mt.Task(t, ctl, control(t, module.Name(c.name)), nil, mt.Args(t, "", c.args))
		if got := string(value.JSON{Python: true}.Append(nil, r.ToMap())); got != c.want {
			t.Errorf("%s %s:\n got %s\nwant %s", c.name, c.args, got, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ name, args, want string }{
		{"set_fact", `{"a b": 1}`, "The variable name 'a b' is not valid."},
		{"set_fact", `{"class": 1}`, "The variable name 'class' is not valid."},
		{"set_stats", `{"data": null}`, "The 'data' option needs to be a dictionary/hash"},
		{"include_vars", `{"colour": "red"}`, "colour is not a valid option in include_vars"},
		{"include_vars", `{}`, "Could not find file on the Ansible Controller."},
		{"include_vars", `{"dir": "none"}`, "none directory does not exist"},
		{"set_fact", `{"cacheable": true}`, "No key/value pairs provided, at least one is required for this action to succeed"},
		{"set_stats", `{"data": [1]}`, "The 'data' option needs to be a dictionary/hash"},
		{"set_stats", `{"data": {"a-b": 1}}`, "The variable name 'a-b' is not valid."},
		{"assert", `{"that": true, "fail_msg": {"a": 1}}`, "Incorrect type for fail_msg or msg, expected a string or list and got <class 'dict'>"},
		{"assert", `{}`, `conditional required in "that" string`},
		{"add_host", `{"groups": "a"}`, "name, host or hostname needs to be provided"},
		{"include_vars", `{"file": "a", "dir": "b"}`, "You are mixing file only and dir only arguments, these are incompatible"},
		{"include_vars", `{"file": "none.json"}`, "Could not find or access 'none.json'"},
		{"include_vars", `{"file": "list.json"}`, "DIR/vars/list.json must be stored as a dictionary/hash"},
		{"include_vars", `{"dir": "vars/d"}`, "DIR/vars/d/c.txt does not have a valid extension: yaml, yml, json"},
		{"pause", `{"minutes": 1, "seconds": 1}`, "parameters are mutually exclusive: minutes|seconds"},
	} {
		dir := tree(t)
		r := mt.Task(t, &mt.Controller{Dir: dir}, control(t, module.Name(c.name)), nil, mt.Args(t, dir, c.args))
		said := r.Msg
		if message, ok := r.Get("message").(string); ok { // of include_vars
			said = message
		}
		if want := strings.ReplaceAll(c.want, "DIR", dir); !r.Failed || !strings.HasPrefix(said, want) {
			t.Errorf("%s %s:\n got %s\nwant %s", c.name, c.args, said, want)
		}
	}
}

func tree(t *testing.T) string {
	dir := t.TempDir()
	mt.Write(t, dir, "vars/a.json", `{"a": 1, "d": {"x": 1}}`)
	mt.Write(t, dir, "vars/list.json", `[1]`)
	mt.Write(t, dir, "vars/d/b.json", `{"b": 2, "a": 0}`)
	mt.Write(t, dir, "vars/d/c.txt", `{"c": 3}`)
	mt.Write(t, dir, "vars/d/e/f.json", `{"b": 4}`)
	return dir
}

func TestIncludeVars(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{`{"_raw_params": "a.json"}`, "{'a': 1, 'd': {'x': 1}}"},
		{`{"file": "a.json", "name": "n"}`, "{'n': {'a': 1, 'd': {'x': 1}}}"},
		{`{"file": "a.json", "hash_behaviour": "merge"}`, "{'a': 1, 'd': {'y': 2, 'x': 1}}"},
		{`{"dir": "vars/d", "ignore_unknown_extensions": true}`, "{'b': 4, 'a': 0}"},
		{`{"dir": "vars/d", "ignore_files": ["c.txt"], "depth": 1}`, "{'b': 2, 'a': 0}"},
		{`{"dir": "vars/d", "files_matching": "^f"}`, "{'b': 4}"},
	} {
		ctl := &mt.Controller{Dir: tree(t), Vars: value.MapOf("d", value.MapOf("y", 2))}
		r := mt.Task(t, ctl, control(t, "include_vars"), nil, mt.Args(t, "", c.args))
		if got := value.Repr(r.Get("ansible_facts")); r.Failed || got != c.want {
			t.Errorf("%s: %s (%s), want %s", c.args, got, r.Msg, c.want)
			continue
		}
		if e, ok := r.Effects[0].(module.IncludeVars); !ok || value.Repr(e.Vars) != c.want {
			t.Errorf("%s: effects %v", c.args, r.Effects)
		}
	}
}

func TestPause(t *testing.T) {
	r := mt.Task(t, &mt.Controller{Answer: "blue"}, control(t, "pause"), nil, value.MapOf("prompt", "colour"))
	if r.Get("user_input") != "blue" || r.Get("stdout") != "Paused for 0.0 minutes" || r.Get("delta") != 0 || len(r.Warnings) > 0 {
		t.Errorf("result %s", value.Repr(r.ToMap()))
	}
	if r = mt.Task(t, &mt.Controller{}, control(t, "pause"), nil, value.NewMap(0)); r.Failed || len(r.Warnings) != 0 {
		t.Errorf("without a terminal: %s", value.Repr(r.ToMap()))
	}
}

func TestWaitForConnection(t *testing.T) {
	down := errors.New("connection refused")
	ctl := &mt.Controller{Pings: []error{down, down}}
	r := mt.Task(t, ctl, control(t, "wait_for_connection"), nil, value.MapOf("sleep", 0))
	if r.Failed || r.Get("elapsed") != 0 || ctl.Resets != 3 {
		t.Errorf("result %s after %d attempts", value.Repr(r.ToMap()), ctl.Resets)
	}
	r = mt.Task(t, &mt.Controller{Pings: []error{down, down}}, control(t, "wait_for_connection"), nil, value.MapOf("timeout", 1, "sleep", 1))
	if !r.Failed || r.Msg != "timed out waiting for ping module test: connection refused" {
		t.Errorf("result %s", value.Repr(r.ToMap()))
	}
}
