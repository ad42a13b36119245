package module

import (
	"fmt"
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/value"
)

// Result is what a module answers. Fields holds everything that has no field
// of its own, under the names that Ansible documents.
type Result struct {
	Changed bool
	Failed  bool
	Skipped bool
	Msg     string

	// Diff is a before/after pair or a list of them, each a map with before,
	// after, before_header and after_header, as Ansible's.
	Diff any

	// Facts are added to the host's facts (ansible_facts).
	Facts *value.Map

	Warnings     []string
	Deprecations []Deprecation

	Fields *value.Map

	// Effects are changes to the run itself, made by the executor when it
	// judges the result (add_host, group_by, set_stats, include_vars).
	Effects []Effect
}

// Deprecation is a notice that something the user relies on will go.
type Deprecation struct {
	Msg     string
	Version string
	Date    string
	// Collection is who deprecates it, "" where nobody says.
	Collection string
}

// Effect is a change that a control module asks of the run.
type Effect interface{ effect() }

// AddHost adds a host to the inventory for the rest of the run.
type AddHost struct {
	Name   string
	Groups []string
	Vars   *value.Map
}

// AddGroup puts the task's host into a group for the rest of the run.
type AddGroup struct {
	Group   string
	Parents []string
}

// SetFacts sets variables of the host at the precedence of set_fact;
// Cacheable ones are facts as well.
type SetFacts struct {
	Vars      *value.Map
	Cacheable bool
}

// IncludeVars sets variables of the host at the precedence of include_vars.
type IncludeVars struct{ Vars *value.Map }

// SetStats adds to the statistics shown after the run.
type SetStats struct {
	Data      *value.Map
	PerHost   bool
	Aggregate bool
}

func (AddHost) effect()     {}
func (AddGroup) effect()    {}
func (SetFacts) effect()    {}
func (IncludeVars) effect() {}
func (SetStats) effect()    {}

// Set stores a field and returns the result, for chaining.
func (r *Result) Set(name string, v any) *Result {
	if r.Fields == nil {
		r.Fields = value.NewMap(8)
	}
	r.Fields.Set(name, v)
	return r
}

// Get returns a field, nil if it is not there.
func (r *Result) Get(name string) any { return r.Fields.At(name) }

// SetOutput stores a command's output under stdout, stdout_lines, stderr and
// stderr_lines.
func (r *Result) SetOutput(stdout, stderr string) *Result {
	r.Set("stdout", stdout).Set("stdout_lines", Lines(stdout))
	return r.Set("stderr", stderr).Set("stderr_lines", Lines(stderr))
}

// Lines splits text as Python's splitlines does.
func Lines(s string) []any {
	out := []any{}
	start := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch r {
		case '\n', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
			out = append(out, s[start:i])
			i += n
			start = i
		case '\r':
			out = append(out, s[start:i])
			i++
			if i < len(s) && s[i] == '\n' {
				i++
			}
			start = i
		default:
			i += n
		}
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

// OK is a result that changed nothing.
func OK() *Result { return &Result{} }

// Fail is a failed result with a message for people.
func Fail(format string, args ...any) *Result {
	return &Result{Failed: true, Msg: fmt.Sprintf(format, args...)}
}

// Skip is a skipped result.
func Skip(msg string) *Result { return &Result{Skipped: true, Msg: msg} }

// NoCheckMode is the result in check mode of a module that cannot predict.
func NoCheckMode(n Name) *Result {
	return Skip(fmt.Sprintf("remote module (%s) does not support check mode", n.Short()))
}

// ToMap is the result as playbooks see it in a registered variable.
func (r *Result) ToMap() *value.Map {
	m := value.NewMap(r.Fields.Len() + 6)
	m.Set("changed", r.Changed)
	for k, v := range r.Fields.All() {
		m.Set(k, v)
	}
	if r.Msg != "" || r.Failed && !m.Has("msg") && !m.Has("message") {
		m.Set("msg", r.Msg)
	}
	if r.Failed {
		m.Set("failed", true)
	}
	if r.Skipped {
		m.Set("skipped", true)
	}
	if r.Diff != nil {
		m.Set("diff", r.Diff)
	}
	if r.Facts != nil {
		m.Set("ansible_facts", r.Facts)
	}
	if len(r.Warnings) > 0 {
		m.Set("warnings", value.FromGo(r.Warnings))
	}
	if len(r.Deprecations) > 0 {
		list := make([]any, len(r.Deprecations))
		for i, d := range r.Deprecations {
			entry := value.MapOf("msg", d.Msg)
			if d.Version != "" {
				entry.Set("version", d.Version)
			}
			if d.Date != "" {
				entry.Set("date", d.Date)
			}
			if d.Collection != "" {
				entry.Set("collection_name", d.Collection)
			}
			list[i] = entry
		}
		m.Set("deprecations", list)
	}
	return m
}

// FromMap is the reverse of ToMap, for results that come as JSON.
func FromMap(m *value.Map) *Result {
	r := &Result{Fields: value.NewMap(m.Len())}
	for k, v := range m.All() {
		switch k {
		case "changed":
			r.Changed = truth(v)
		case "failed":
			r.Failed = truth(v)
		case "skipped":
			r.Skipped = truth(v)
		case "msg":
			// An empty msg is one all the same: playbooks may look at it.
			if s, ok := v.(string); ok && s != "" {
				r.Msg = s
			} else {
				r.Fields.Set(k, v)
			}
		case "diff":
			r.Diff = v
		case "ansible_facts":
			if f, ok := v.(*value.Map); ok {
				r.Facts = f
			}
		case "warnings":
			if l, ok := v.([]any); ok {
				for _, w := range l {
					r.Warnings = append(r.Warnings, fmt.Sprint(w))
				}
			}
		case "deprecations":
			r.Deprecations = deprecations(v)
		default:
			r.Fields.Set(k, v)
		}
	}
	return r
}

func deprecations(v any) []Deprecation {
	l, _ := v.([]any)
	var out []Deprecation
	for _, e := range l {
		switch e := e.(type) {
		case string:
			out = append(out, Deprecation{Msg: e})
		case *value.Map:
			d := Deprecation{}
			d.Msg, _ = e.At("msg").(string)
			d.Version, _ = e.At("version").(string)
			d.Date, _ = e.At("date").(string)
			d.Collection, _ = e.At("collection_name").(string)
			out = append(out, d)
		}
	}
	return out
}

func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case int:
		return v != 0
	case string:
		switch v {
		case "true", "True", "yes", "on", "1":
			return true
		}
	}
	return false
}
