package executor

import (
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// hidden stands where a secret was.
const hidden = "********"

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
	m := value.NewMap(out.result.Len())
	for k, v := range out.result.All() {
		if s, ok := k.(string); ok && strings.HasPrefix(s, "_ansible_") {
			continue
		}
		m.Set(k, v)
	}
	return m
}

// scrub replaces secrets in every text of v.
func scrub(v any, secrets []string) any {
	if len(secrets) == 0 {
		return v
	}
	switch v := v.(type) {
	case string:
		for _, s := range secrets {
			if strings.Contains(v, s) {
				v = strings.ReplaceAll(v, s, hidden)
			}
		}
		return v
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = scrub(e, secrets)
		}
		return out
	case *value.Map:
		out := value.NewMap(v.Len())
		for k, e := range v.All() {
			out.Set(scrub(k, secrets), scrub(e, secrets))
		}
		return out
	}
	return v
}
