package validateargumentspec

import (
	"strings"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestSpec(t *testing.T) { mt.Spec(t, &Module.Spec) }

func TestArguments(t *testing.T) {
	ctl := &mt.Controller{Vars: value.MapOf("of_host", "words", "null_of_host", nil)}
	for _, c := range []struct{ spec, given, want string }{
		{`{"of_host": {"required": true}}`, `{}`, ""},
		{`{"of_host": {"type": "int"}}`, `{}`, "argument 'of_host' is of type <class 'str'> and we were unable to convert to int: <class 'str'> cannot be converted to an int"},
		{`{"of_host": {"type": "int"}}`, `{"of_host": 3}`, ""},
		{`{"null_of_host": {"required": true}}`, `{}`, ""},
		{`{"x": {"required": true}}`, `{}`, "missing required arguments: x"},
		{`{"x": {"required": true}}`, `{"x": null}`, ""},
		{`{"x": {"required": true, "default": 1}}`, `{}`, "internal error: required and default are mutually exclusive for x"},
		{`{"x": {"aliases": "y"}}`, `{}`, "internal error: aliases must be a list or tuple"},
		{`{"x": {"type": "json"}}`, `{"x": 1}`, "argument 'x' is of type <class 'int'> and we were unable to convert to json: <class 'int'> cannot be converted to a json string"},
		{`{"x": {"choices": [true, false, "auto"]}}`, `{"x": true}`, ""},
		{`{"x": {"choices": ["yes", "on"]}}`, `{"x": true}`, "value of x must be one of: yes, on, got: True"},
		{`{"x": {"type": "dict", "options": {"y": {"required": true}}}}`, `{}`, ""},
		{`{"x": {"type": "dict", "apply_defaults": true, "options": {"y": {"required": true}}}}`, `{}`, "missing required arguments: y found in x"},
		{`{"x": {"type": "dict", "required_by": {"a": ["b"], "c": "b"}, "options": {"a": {}, "b": {}, "c": {}}}}`, `{"x": {"a": 1, "c": 2}}`, "missing parameter(s) required by 'a': b found in x"},
		{`{"x": {"type": "dict", "options": {"y": {}}}}`, `{"x": {"z": 1}, "w": 1}`, "w, x.z. Supported parameters include: x."},
	} {
		spec, err := value.ParseJSON([]byte(c.spec))
		if err != nil {
			t.Fatal(err)
		}
		given, err := value.ParseJSON([]byte(c.given))
		if err != nil {
			t.Fatal(err)
		}
		r := mt.Task(t, ctl, &Module, nil, value.MapOf("argument_spec", spec, "provided_arguments", given))
		want := "The arg spec validation passed"
		if c.want != "" {
			want = "Validation of arguments failed:\n" + c.want
		}
		if r.Msg != want || r.Failed != (c.want != "") {
			t.Errorf("%s with %s: %s", c.spec, c.given, value.Repr(r.ToMap()))
		}
	}
	if r := mt.Task(t, ctl, &Module, nil, value.MapOf("nonsense", 1)); !r.Failed || !strings.HasPrefix(r.Msg, `"argument_spec" arg is required in args: {`) {
		t.Errorf("without a specification: %s", value.Repr(r.ToMap()))
	}
}
