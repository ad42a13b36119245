package glob_test

import (
	"testing"

	"github.com/tutti-run/tutti/internal/glob"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*.yml", "a.yml", true}, {"*.yml", "a/b.yml", true}, {"*.yml", "a.yaml", false}, {"a?c", "abc", true}, {"a?c", "ac", false},
		{"[ab]c", "bc", true}, {"[!ab]c", "bc", false}, {"[!ab]c", "xc", true}, {"[", "[", true}, {"a[", "a[", true}, {"[]]", "]", true},
		{"*\n*", "a\nb", true}, {"*é", "é", true}, {"a.c", "abc", false}, {"[^a]", "^", true}, {"", "", true}, {"", "a", false}, {`\*`, `\x`, true},
	} {
		if got := glob.Match(c.pattern, c.text); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.text, got)
		}
	}
}
