package value

import "testing"

func TestParseLiteral(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"None", "None"}, {" True ", "True"}, {"-5", "-5"}, {"0x1f", "31"}, {"0o17", "15"}, {"00", "0"}, {"1.5e3", "1500.0"},
		{"123456789012345678901", "123456789012345678901"}, {`'a\n\x41\u00e9' "b"`, `'a\nAéb'`}, {"'''x\ny'''", `'x\ny'`},
		{"[1, 'a', [None,],]", "[1, 'a', [None]]"}, {"()", "()"}, {"(1)", "1"}, {"(1,)", "(1,)"}, {"{}", "{}"},
		{"{'a': 1, 2: (3, 4)}", "{'a': 1, 2: (3, 4)}"}, {`"it's"`, `"it's"`},
		{"80, 443", "(80, 443)"}, {"1,", "(1,)"}, {"1, # one", "(1,)"}, {"'a' 'b', u\"c\"", "('ab', 'c')"}, {"{'a', 1}", "{'a', 1}"},
		{"1 # one", "1"}, {"'a # b' # c", "'a # b'"}, {"True#x", "True"}, {`'\101\0'`, `'A\x00'`},
	} {
		got, err := ParseLiteral(c.text)
		if err != nil || Repr(got) != c.want {
			t.Errorf("ParseLiteral(%s) = %s, %v; want %s", c.text, Repr(got), err, c.want)
		}
	}
	for _, text := range []string{"", "foo", "017", "[1 2]", "{'a', b}", "{[]: 1}", "f(1)", "1 + 1", "'a", ",", "1,,", "1, b", "# a", "u", "b'a'", `'\N{DASH}'`, "--1", "[,]"} {
		if got, err := ParseLiteral(text); err == nil {
			t.Errorf("ParseLiteral(%s) = %s, want an error", text, Repr(got))
		}
	}
}
