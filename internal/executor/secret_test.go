package executor

import (
	"testing"

	"github.com/tutti-run/tutti/internal/value"
)

func TestScrub(t *testing.T) {
	secrets := []string{"blue", "blue-eyed", "42"}
	for _, c := range []struct{ v, want any }{
		{"is blue-eyed", "is ********"},
		{"blue-eyed blue", "******** ********"},
		{"blue", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"},
		{4217, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"},
		{17, 17},
		{true, true},
		{nil, nil},
		{[]any{"a", 42, value.MapOf("k", "blue sky")}, []any{"a", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", value.MapOf("k", "******** sky")}},
		{value.MapOf("blue", "green", "json", value.MapOf("blue-eyed", 1)), value.MapOf("blue", "green", "json", value.MapOf("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", 1))},
	} {
		if got := scrub(c.v, secrets); value.Repr(got) != value.Repr(c.want) {
			t.Errorf("%s: %s, want %s", value.Repr(c.v), value.Repr(got), value.Repr(c.want))
		}
	}
}
