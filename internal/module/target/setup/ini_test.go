package setup

import (
	"testing"

	"github.com/tutti-run/tutti/internal/value"
)

func TestINI(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "{}"},
		{"# x\n; y\n", "{}"},
		{"[a]\n", "{'a': {}}"},
		{"[a]\nKey = v\nother: x = y\nempty =\n", "{'a': {'key': 'v', 'other': 'x = y', 'empty': ''}}"},
		{"[a]\nk = one\n  two\n\n  three\n\n[b]\n", "{'a': {'k': 'one\\ntwo\\n\\nthree'}, 'b': {}}"},
		{"[a b]\nk=v ; no remark\n", "{'a b': {'k': 'v ; no remark'}}"},
		{"[DEFAULT]\nd = 1\nk = 2\n[a]\nk = 3\n", "{'a': {'k': '3', 'd': '1'}}"},
		{"[DEFAULT]\nd = 1\n[a]\nk = %(d)s and %(none)s, 5%%\n", "{'a': {'k': '1 and %(none)s, 5%', 'd': '1'}}"},
		{"[a]\nk = %(k)s\n", "{'a': {'k': '%(k)s'}}"},
		{"k = v\n", "no"}, {"[a]\nk\n", "no"}, {"[a]\nk=1\nK=2\n", "no"}, {"[a]\n[a]\n", "no"}, {"[a]\n= x\n", "no"},
	} {
		got := "no"
		if m, ok := ini(c.text); ok {
			got = value.Repr(m)
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}
