package executor

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/secret"
	"github.com/tutti-run/tutti/internal/value"
)

// allHidden stands where a secret was all of a value, secret.Hidden where it was a
// part of a text.
const allHidden = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"

// hide remembers a value that must not be shown.
func (it *item) hide(text string) {
	if text != "" {
		it.secret = append(it.secret, text)
	}
}

// shown is an outcome's result as it may be told: nothing of it under no_log,
// without internal entries otherwise.
func (t *taskRun) shown(out *outcome) *value.Map {
	if out.noLog {
		m := value.MapOf("censored", "the output has been hidden due to the fact that 'no_log: true' was specified for this result")
		for _, k := range []string{"attempts", "changed", "retries", "failed", "unreachable", "skipped"} {
			if v, ok := out.result.Get(k); ok {
				m.Set(k, v)
			}
		}
		return m
	}
	return withoutInternal(out.result)
}

// withoutInternal is a copy of a result without the entries that only executor,
// output and modules use, at any depth.
func withoutInternal(m *value.Map) *value.Map {
	out := value.NewMap(m.Len())
	for k, v := range m.All() {
		if s, ok := k.(string); !ok || !strings.HasPrefix(s, "_ansible_") {
			out.Set(k, stripped(v))
		}
	}
	return out
}

// stripped is v itself, unless something in it is internal.
func stripped(v any) any {
	if !holdsInternal(v) {
		return v
	}
	switch v := v.(type) {
	case *value.Map:
		return withoutInternal(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = stripped(e)
		}
		return out
	}
	return v
}

func holdsInternal(v any) bool {
	switch v := v.(type) {
	case *value.Map:
		for k, e := range v.All() {
			if s, ok := k.(string); ok && strings.HasPrefix(s, "_ansible_") || holdsInternal(e) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, holdsInternal)
	}
	return false
}

// scrub replaces secrets in every text of v; a value that is one, or a number with
// one in it, goes as a whole. Names of values stay as they are, for a secret may be
// part of a word, but for those of an answer of the web (json).
func scrub(v any, secrets []string) any {
	if len(secrets) == 0 {
		return v
	}
	return scrubber(secrets).of(v, false)
}

// scrubber are secrets.
type scrubber []string

func (secrets scrubber) of(v any, names bool) any {
	switch v := v.(type) {
	case string:
		if slices.Contains(secrets, v) {
			return allHidden
		}
		return secret.Hide(v, secrets)
	case nil, bool:
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = secrets.of(e, names)
		}
		return out
	case *value.Map:
		out := value.NewMap(v.Len())
		for k, e := range v.All() {
			if names {
				k = secrets.of(k, names)
			}
			out.Set(k, secrets.of(e, names || k == "json"))
		}
		return out
	default:
		text := value.Str(v)
		if slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(text, s) }) {
			return allHidden
		}
	}
	return v
}
