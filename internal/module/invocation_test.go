package module

import (
	"testing"

	"github.com/tutti-run/tutti/internal/value"
)

func TestInvocation(t *testing.T) {
	s := Spec{Name: "ansible.builtin.x", FreeForm: "cmd", Params: []Param{
		{Name: "cmd"},
		{Name: "path", Type: Path, Aliases: []string{"dest"}},
		{Name: "force", Type: Bool, Default: true},
		{Name: "state", Choices: []any{"a", "b"}},
		{Name: "password", NoLog: true, Aliases: []string{"pass"}},
		{Name: "content", Unshown: true},
		{Name: "_own", Internal: true},
		{Name: "list", Type: List, Elements: Dict, Options: []Param{{Name: "key", NoLog: true}, {Name: "name"}}},
	}}
	const secret = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
	for _, c := range []struct{ given, want *value.Map }{
		{value.NewMap(0), value.MapOf(RawParams, nil, "path", nil, "force", true, "state", nil, "password", nil, "content", nil, "list", nil)},
		{
			value.MapOf(RawParams, "do it", "dest", "/x", "force", "no", "pass", "geheim", "content", "long", "list", []any{value.MapOf("key", "k", "name", "n")}),
			value.MapOf(RawParams, "do it", "path", "/x", "force", false, "state", nil, "password", secret, "content", nil,
				"list", []any{value.MapOf("key", secret, "name", "n")}, "dest", "/x", "pass", secret),
		},
		{ // what is wrong is told as well
			value.MapOf("cmd", "do it", "state", "c", "colour", "red"),
			value.MapOf(RawParams, "do it", "path", nil, "force", true, "state", "c", "password", nil, "content", nil, "list", nil, "colour", "red"),
		},
	} {
		args, _ := s.Parse(c.given) // an error is one of the cases
		if got := s.Invocation(args, c.given); value.Repr(got) != value.Repr(c.want) {
			t.Errorf("%s is told as\n%s, want\n%s", value.Repr(c.given), value.Repr(got), value.Repr(c.want))
		}
	}
}
