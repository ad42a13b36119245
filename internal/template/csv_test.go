package template

import (
	"testing"

	"github.com/tutti-run/tutti/internal/value"
)

func TestCSVRows(t *testing.T) {
	for text, want := range map[string]string{
		"a,b\nc,d\n":             `[["a","b"],["c","d"]]`,
		"a,\r\n\r\n,b":           `[["a",""],["","b"]]`,
		`"a ""q"" b",c`:          `[["a \"q\" b","c"]]`,
		`"a"@b,"c` + "\n" + `d"`: `[["a@b","c\nd"]]`,
		`x"y",z"`:                `[["x\"y\"","z\""]]`,
		`"",1`:                   `[["","1"]]`,
	} {
		var rows []any
		for _, r := range csvRows(text, ',') {
			rows = append(rows, value.FromGo(r))
		}
		if got := string(value.ToJSON(rows)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
