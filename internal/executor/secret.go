package executor

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// hidden stands where a secret was in a text, allHidden where it was all of a value.
const (
	hidden    = "********"
	allHidden = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
)

// hide remembers a value that must not be shown.
func (it *item) hide(secret string) {
	if secret != "" {
		it.secret = append(it.secret, secret)
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
// one in it, goes as a whole. The longest go first: what is left of one that another
// is the beginning of would show its end. Names of values stay as they are, for a
// secret may be part of a word, but for those of an answer of the web (json).
func scrub(v any, secrets []string) any {
	if len(secrets) == 0 {
		return v
	}
	return scrubber(slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) })).of(v, false)
}

// scrubber are secrets, the longest first.
type scrubber []string

func (secrets scrubber) of(v any, names bool) any {
	switch v := v.(type) {
	case string:
		for _, s := range secrets {
			if v == s {
				return allHidden
			}
			v = strings.ReplaceAll(v, s, hidden)
		}
		return v
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
