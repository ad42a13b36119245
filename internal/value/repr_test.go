package value

import "testing"

func TestRepr(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{nil, "None"}, {true, "True"}, {false, "False"}, {7, "7"}, {1.0, "1.0"}, {1e20, "1e+20"},
		{"a", "'a'"}, {"it's", `"it's"`}, {`it's "x"`, `'it\'s "x"'`}, {"a\n\t\\", `'a\n\t\\'`},
		{"é\x01", `'é\x01'`}, {"\u00a0", `'\xa0'`}, {"\xff", `'\udcff'`},
		{[]any{1, "b", nil}, "[1, 'b', None]"}, {Tuple{1}, "(1,)"}, {Tuple{1, 2}, "(1, 2)"},
		{MapOf("a", 1, 2, []any{}), "{'a': 1, 2: []}"},
	} {
		if got := Repr(c.v); got != c.want {
			t.Errorf("Repr(%#v) = %s, want %s", c.v, got, c.want)
		}
	}
	if got := Str("a'b"); got != "a'b" {
		t.Errorf("Str of text = %s", got)
	}
}
