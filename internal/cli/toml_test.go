package cli

import (
	"testing"

	"github.com/tutti-run/tutti/internal/value"
)

func TestTOML(t *testing.T) {
	m := value.MapOf(
		"web", value.MapOf("children", []any{"a", "b"}, "hosts", value.MapOf(
			"h1", value.MapOf("port", 80, "on", true, "text", `say "x"`, "none", nil, "deep", value.MapOf("k", 1.5)),
			"h2.example", value.NewMap(0))),
		"db", value.MapOf("hosts", value.MapOf("d", value.MapOf("list", []any{1, "two", value.MapOf("k", "v")}))))
	want := `[web]
children = [ "a", "b",]

[web.hosts.h1]
port = 80
on = true
text = "say \"x\""

[web.hosts."h2.example"]

[db.hosts.d]
list = [ 1, "two", { k = "v" },]

[web.hosts.h1.deep]
k = 1.5
`
	if got := toTOML(m); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
