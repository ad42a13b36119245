package textwrap

import (
	"strings"
	"testing"
)

// The answers are those of Python's textwrap.wrap.
func TestMessage(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""}, {"one", "one"}, {"one two three four", "one two|three four"}, {"a  b\nc\td", "a  b c|d"},
		{"well-known words", "well-known|words"}, {"a-very-well-known-word", "a-very-well-|known-word"},
		{"abcdefghijklmnopqrstuv", "abcdefghijkl|mnopqrstuv"}, {"ab --option-name x", "ab --option-|name x"}, {"é é é é é é é é", "é é é é é é|é é"},
	} {
		if got := strings.ReplaceAll(Message(c.text, 12), "\n", "|"); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}
