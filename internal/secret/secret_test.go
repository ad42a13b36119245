package secret

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/value"
)

func TestHide(t *testing.T) {
	for _, c := range []struct {
		text    string
		secrets []string
		want    string
	}{
		{"nothing", []string{"secret"}, "nothing"},
		{"a secret", []string{"secret", ""}, "a ********"},
		{"secretsecret", []string{"secret"}, "****************"},
		{"abcdef", []string{"abcd", "cdef"}, "********"},
		{"abcdefx", []string{"cde", "abcdef"}, "********x"},
		{"aaaaa", []string{"aaa"}, "********"},
		{"x:one y:two", []string{"one", "two"}, "x:******** y:********"},
	} {
		if got := Hide(c.text, c.secrets); got != c.want {
			t.Errorf("%q without %q is %q, want %q", c.text, c.secrets, got, c.want)
		}
	}
}

func TestSet(t *testing.T) {
	var s Set
	if text := "untouched"; s.Text(text) != text || s.Value(text) != text {
		t.Error("an empty set hides something")
	}
	s.Add(" geheim\n")
	s.Add("say \"so\"")
	s.Add("-----BEGIN KEY-----\nAAAABBBB\nxy\n-----END KEY-----\n")
	s.AddValues(value.MapOf("port", 8443, "pin", 123456, "on", true, "user", "root", "short", "abc",
		"list", []any{"in a list", nil}, "template", &value.Template{Source: "{{ other }}"}))
	for text, want := range map[string]string{
		"-pgeheim@":                          "-p********@",
		`{"a": "say \"so\""}`:                `{"a": "********"}`,
		"say \"so\"":                         "********",
		"  AAAABBBB\nAAAABBBB and more":      "  ********\nAAAABBBB and more",
		"xy\n":                               "xy\n",
		"8443 123456":                        "8443 ********",
		"root abc true":                      "root abc true",
		"what is in a list":                  "what is ********",
		"-----BEGIN KEY-----\nx\n\nAAAABBBB": "********\nx\n\n********",
	} {
		if got := s.Text(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	var hosts Set
	hosts.AddAssignments("[web]\nweb1 ansible_password=one-word user='two words'\n[web:vars]\nsentence = more words than one\n")
	if got := hosts.Text("web1: one-word two words, more words than one, words"); got != "web1: ******** ********, ********, words" {
		t.Errorf("an inventory: %q", got)
	}
	result := value.MapOf("geheim", 1, "list", []any{"geheim", 765432, 123456, true}, "in", value.MapOf("geheim", "x"))
	want := value.MapOf("geheim", 1, "list", []any{Hidden, 765432, Hidden, true}, "in", value.MapOf(Hidden, "x"))
	if got := s.event(event.Result{Result: result, Host: "geheim", Label: "geheim"}).(event.Result); value.Repr(got.Result) != value.Repr(want) || got.Host != "geheim" || got.Label != Hidden {
		t.Errorf("a result is told as %s", value.Repr(got.Result))
	}
	if value.Repr(result.At("list")) != "['geheim', 765432, 123456, True]" {
		t.Errorf("the result itself became %s", value.Repr(result))
	}
	var out strings.Builder
	if n, err := s.Writer(&out).Write([]byte("no geheim\n")); n != 10 || err != nil || out.String() != "no ********\n" {
		t.Errorf("written: %q, %d, %v", out.String(), n, err)
	}
}

// No event tells a secret, wherever it has text.
func TestEveryEvent(t *testing.T) {
	var s Set
	s.Add("geheim")
	for _, e := range []event.Event{
		event.RunStart{Arguments: []string{"geheim"}}, event.PlayStart{Name: "geheim"}, event.TaskStart{Task: event.Task{Name: "geheim", Args: value.MapOf("a", "geheim")}},
		event.Result{Task: event.Task{Name: "geheim"}, Result: value.MapOf("msg", "geheim")}, event.Retry{Task: event.Task{Name: "geheim"}, Result: value.MapOf("msg", "geheim")},
		event.Included{File: "geheim", Label: "geheim"}, event.Notified{Handler: "geheim"}, event.Message{Text: "geheim"},
		event.Lock{Key: "geheim", Owner: "geheim", Holder: "geheim"}, event.Recap{Stats: map[string]*value.Map{"h": value.MapOf("a", "geheim")}},
	} {
		if text := show(s.event(e)); strings.Contains(text, "geheim") {
			t.Errorf("%T: %s", e, text)
		}
	}
}

// show writes out all texts of an event.
func show(e event.Event) string {
	var b strings.Builder
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		if m, ok := v.Interface().(*value.Map); ok {
			b.WriteString(value.Repr(m))
			return
		}
		switch v.Kind() {
		case reflect.String:
			b.WriteString(v.String() + " ")
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					walk(v.Field(i))
				}
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				walk(v.MapIndex(k))
			}
		}
	}
	walk(reflect.ValueOf(e))
	return b.String()
}
