package yamldump_test

import (
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/template/yamldump"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

func TestDump(t *testing.T) {
	m := value.MapOf
	long := strings.TrimSpace(strings.Repeat("word ", 20))
	for _, c := range []struct {
		v    any
		o    yamldump.Options
		want string
	}{
		{m("b", 1, "a", []any{1, "x"}), yamldump.Options{}, "a: [1, x]\nb: 1\n"},
		{m("b", 1, "a", []any{1, "x"}), yamldump.Options{Style: yamldump.Block, KeepOrder: true}, "b: 1\na:\n- 1\n- x\n"},
		{m("a", m("b", []any{1})), yamldump.Options{Style: yamldump.Block, Indent: 4}, "a:\n    b:\n    - 1\n"},
		{[]any{[]any{1}, m("a", 2, "b", 3)}, yamldump.Options{Style: yamldump.Block}, "- - 1\n- a: 2\n  b: 3\n"},
		{[]any{"yes", "0644", "1.5", "~", "", "a: b", "#", "it's", "x\ty", "é", "😀"}, yamldump.Options{Style: yamldump.Block},
			"- 'yes'\n- '0644'\n- '1.5'\n- '~'\n- ''\n- 'a: b'\n- '#'\n- it's\n- \"x\\ty\"\n- é\n- \"\\U0001F600\"\n"},
		{"é", yamldump.Options{EscapeUnicode: true}, "\"\\xE9\"\n"},
		{"a\nb\n", yamldump.Options{Indent: 4}, "'a\n\n    b\n\n    '\n"},
		{m("k", long), yamldump.Options{Style: yamldump.Block}, "k: " + long[:79] + "\n  " + long[80:] + "\n"},
		{m("k", long), yamldump.Options{Style: yamldump.Block, Width: 1000}, "k: " + long + "\n"},
		{m("k", "a\nb"), yamldump.Options{Quote: '|'}, "\"k\": |-\n  a\n  b\n"},
		{nil, yamldump.Options{ExplicitStart: true, ExplicitEnd: true}, "--- null\n...\n"},
		{[]any{1e20, 1.5, true, value.Tuple{1}}, yamldump.Options{Style: yamldump.Flow}, "[1.0e+20, 1.5, true, [1]]\n"},
	} {
		got, err := yamldump.Dump(c.v, c.o)
		if err != nil || got != c.want {
			t.Errorf("%s:\n got %q, %v\nwant %q", value.ToJSON(c.v), got, err, c.want)
		}
	}
	if _, err := yamldump.Dump(struct{}{}, yamldump.Options{}); err == nil {
		t.Error("an unknown kind was written")
	}
}

// FuzzRoundTrip: what is written reads back the same.
func FuzzRoundTrip(f *testing.F) {
	for _, s := range []string{"", "a", "yes", "1:30", "a\n b \n", "- x", "é\u2028", "'", "\"", "\\", " a", "x: y", "\t", "... a"} {
		f.Add(s, uint8(0))
	}
	f.Fuzz(func(t *testing.T, s string, style uint8) {
		s = strings.ToValidUTF8(s, "?")
		if strings.ContainsAny(s, "\r\u0085\u2028\u2029\ufeff") {
			return // YAML readers change these line breaks
		}
		v := value.MapOf("k", []any{s, value.MapOf("n", s)}, "s", s)
		out, err := yamldump.Dump(v, yamldump.Options{Style: yamldump.Style(style % 3), Indent: int(style % 7)})
		if err != nil {
			t.Fatal(err)
		}
		n, err := yaml.Parse([]byte(out), "", yaml.Options{AsData: true})
		if err != nil {
			t.Fatalf("%q cannot be read: %v\n%s", s, err, out)
		}
		if got := string(value.ToJSON(n.Value())); got != string(value.ToJSON(v)) {
			t.Errorf("%q came back as %s\n%s", s, got, out)
		}
	})
}
