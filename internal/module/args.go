package module

import "github.com/tutti-run/tutti/internal/value"

// Args are a call's arguments after Spec.Parse: aliases folded, defaults
// filled in, every value of its parameter's type.
type Args struct {
	values *value.Map      // by canonical name; a parameter without value is nil
	given  map[string]bool // what the user wrote, by canonical name; false for a null

	warnings []string
}

// Warnings are remarks on the arguments that belong into the task's result.
func (a Args) Warnings() []string { return a.warnings }

// Map returns all values by canonical name. The caller must not change it.
func (a Args) Map() *value.Map { return a.values }

// Given reports whether the user gave the parameter (a null counts as not given).
func (a Args) Given(name string) bool { return a.given[name] }

// Written reports whether the user wrote the parameter, even as null.
func (a Args) Written(name string) bool { _, ok := a.given[name]; return ok }

// Has reports whether the parameter has a value, given or by default.
func (a Args) Has(name string) bool { return a.values.At(name) != nil }

// Any returns the value as it is, nil if there is none.
func (a Args) Any(name string) any { return a.values.At(name) }

// String returns a text parameter, "" if it has no value.
func (a Args) String(name string) string { s, _ := a.values.At(name).(string); return s }

// Bool returns a boolean parameter, false if it has no value.
func (a Args) Bool(name string) bool { b, _ := a.values.At(name).(bool); return b }

// Int returns an integer parameter, 0 if it has no value.
func (a Args) Int(name string) int { n, _ := a.values.At(name).(int); return n }

// Float returns a float parameter, 0 if it has no value.
func (a Args) Float(name string) float64 {
	switch n := a.values.At(name).(type) {
	case float64:
		return n
	case int:
		return float64(n)
	}
	return 0
}

// List returns a list parameter, nil if it has no value.
func (a Args) List(name string) []any { l, _ := a.values.At(name).([]any); return l }

// Strings returns a list of text, nil if it has no value.
func (a Args) Strings(name string) []string {
	l := a.List(name)
	if l == nil {
		return nil
	}
	out := make([]string, 0, len(l))
	for _, e := range l {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// Dict returns a dict parameter, nil if it has no value.
func (a Args) Dict(name string) *value.Map { m, _ := a.values.At(name).(*value.Map); return m }
