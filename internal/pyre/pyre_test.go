package pyre_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/pyre"
)

// Matches are shown as begin-end[group1|group2], None for no match.
func show(m *pyre.Match, groups int) string {
	if m == nil {
		return "None"
	}
	b, e, _ := m.Span(0)
	var parts []string
	for g := 1; g <= groups; g++ {
		if s, ok := m.Group(g); ok {
			parts = append(parts, s)
		} else {
			parts = append(parts, "-")
		}
	}
	return fmt.Sprintf("%d-%d[%s]", b, e, strings.Join(parts, "|"))
}

func TestSearch(t *testing.T) {
	for _, c := range []struct {
		pattern string
		flags   pyre.Flags
		text    string
		want    string
	}{
		{"a+b", 0, "xaab", "1-4[]"}, {"a*?b", 0, "aab", "0-3[]"}, {"^b", 0, "a\nb", "None"}, {"^b", pyre.Multiline, "a\nb", "2-3[]"},
		{"a$", 0, "a\n", "0-1[]"}, {`a\Z`, 0, "a\n", "None"}, {"a.b", 0, "a\nb", "None"}, {"a.b", pyre.DotAll, "a\nb", "0-3[]"},
		{"É", pyre.IgnoreCase, "é", "0-2[]"}, {"[A-C]+", pyre.IgnoreCase, "xabcd", "1-4[]"}, {"ſ", pyre.IgnoreCase, "S", "0-1[]"},
		{`(a)|b`, 0, "b", "0-1[-]"}, {`(a+)(b+)?`, 0, "aac", "0-2[aa|-]"}, {`(?:ab)+`, 0, "ababa", "0-4[]"},
		{`(\w)\1`, 0, "abccd", "2-4[c]"}, {`(?P<x>.)(?P=x)`, 0, "abb", "1-3[b]"}, {`(a)?(?(1)b|c)`, 0, "ab", "0-2[a]"}, {`(a)?(?(1)b|c)`, 0, "c", "0-1[-]"},
		{`foo(?=bar)`, 0, "foobar", "0-3[]"}, {`foo(?!bar)`, 0, "foobar", "None"}, {`(?<=\d{2})x`, 0, "1x12x", "4-5[]"}, {`(?<!a)b`, 0, "abb", "2-3[]"},
		{`(?<=é)x`, 0, "éx", "2-3[]"}, {`(?>a+)ab`, 0, "aaab", "None"}, {`a++b`, 0, "aab", "0-3[]"}, {`a++ab`, 0, "aab", "None"},
		{`a{2}`, 0, "aaa", "0-2[]"}, {`a{2,}`, 0, "aaaa", "0-4[]"}, {`a{,2}b`, 0, "aaab", "1-4[]"}, {`a{x}`, 0, "a{x}", "0-4[]"}, {`a{1,2}?`, 0, "aa", "0-1[]"},
		{`\bfoo\b`, 0, "a foo.", "2-5[]"}, {`\Boo`, 0, "foo", "1-3[]"}, {`\d+`, 0, "a٣4", "1-4[]"}, {`\d+`, pyre.ASCII, "a٣4", "3-4[]"},
		{`[]a]+`, 0, "x]a]", "1-4[]"}, {`[^]a]`, 0, "]ab", "2-3[]"}, {`[a\-z]+`, 0, "b-a", "1-3[]"}, {`[\w.-]+`, 0, "!a.b-c", "1-6[]"}, {`[-a]`, 0, "-", "0-1[]"},
		{`(?i)AB`, 0, "ab", "0-2[]"}, {`(?i:A)b`, 0, "ab", "0-2[]"}, {`(?i:A)B`, 0, "ab", "None"}, {`(?s).`, 0, "\n", "0-1[]"}, {"(?x) a b # c\n c", 0, "abc", "0-3[]"},
		{`\x41\u0042\t`, 0, "AB\t", "0-3[]"}, {`\101`, 0, "A", "0-1[]"}, {`a(?#note)b`, 0, "ab", "0-2[]"}, {`(a|ab)(c|bcd)(d*)`, 0, "abcd", "0-4[a|bcd|]"},
		{`(a*)*`, 0, "b", "0-0[]"}, {`(a*)+`, 0, "b", "0-0[]"}, {`(?:a|b)*?c`, 0, "abac", "0-4[]"}, {`((a)|b)+`, 0, "ab", "0-2[b|a]"}, {`x*`, 0, "", "0-0[]"},
	} {
		re, err := pyre.Compile(c.pattern, c.flags)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		m, err := re.Search(c.text, 0)
		if got := show(m, re.NumGroups()); got != c.want || err != nil {
			t.Errorf("search(%q, %q) = %s, %v; want %s", c.pattern, c.text, got, err, c.want)
		}
	}
}

func TestAnchored(t *testing.T) {
	re, err := pyre.Compile("a|ab", 0)
	if err != nil {
		t.Fatal(err)
	}
	for how, want := range map[string]string{"match": "0-1[]", "fullmatch": "0-2[]", "search": "0-1[]"} {
		if m, err := re.Find(how, "ab"); show(m, 0) != want || err != nil {
			t.Errorf("%s = %s, %v", how, show(m, 0), err)
		}
	}
	if m, _ := re.Match("xa"); m != nil {
		t.Error("match found something that is not at the beginning")
	}
}

func TestSub(t *testing.T) {
	for _, c := range [][4]string{
		{`(\w+) (\w+)`, `\2 \1`, "hello world", "world hello"}, {`(?P<a>x)`, `<\g<a>\g<1>\g<0>>`, "axa", "a<xxx>a"}, {`x*`, "-", "abxd", "-a-b--d-"},
		{`b*`, "-", "abc", "-a--c-"}, {`^`, "> ", "a", "> a"}, {`$`, "!", "a\n", "a!\n!"}, {`a`, `\\`, "a", `\`}, {`a`, `\n`, "a", "\n"}, {`(a)|b`, `[\1]`, "ab", "[a][]"},
		{`.`, "é", "日x", "éé"}, {`a`, `\.`, "a", `\.`}, {`(a)`, `\g<1>0`, "a", "a0"}, {`a`, `\0`, "a", "\x00"}, {`a`, `\101`, "a", "A"},
	} {
		re, err := pyre.Compile(c[0], 0)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := re.Sub(c[1], c[2], 0); got != c[3] || err != nil {
			t.Errorf("sub(%q, %q, %q) = %q, %v; want %q", c[0], c[1], c[2], got, err, c[3])
		}
	}
	re, _ := pyre.Compile("a", 0)
	if got, _ := re.Sub("x", "aaa", 2); got != "xxa" {
		t.Errorf("count: %s", got)
	}
	for _, bad := range []string{`\1`, `\g<x>`, `\g<1`, `\q`, `\`, `\g1`} {
		if got, err := re.Sub(bad, "a", 0); err == nil {
			t.Errorf("the replacement %q gave %q", bad, got)
		}
	}
}

func TestFindAllAndSplit(t *testing.T) {
	re, _ := pyre.Compile(`(\d)|,`, 0)
	all, err := re.FindAll("1,2")
	if err != nil || len(all) != 3 || show(all[1], 1) != "1-2[-]" {
		t.Errorf("%v %v", all, err)
	}
	parts, err := re.Split("a1b,c", 0)
	if err != nil || fmt.Sprint(parts) != "[a 1 b <nil> c]" {
		t.Errorf("%v %v", parts, err)
	}
	if got := pyre.Escape("a.b*c d-é"); got != `a\.b\*c\ d\-é` {
		t.Errorf("escape: %s", got)
	}
}

func TestMistakes(t *testing.T) {
	for pattern, want := range map[string]string{
		"(a": "missing ), unterminated subpattern at position 0", "a)": "unbalanced parenthesis at position 1", "*a": "nothing to repeat at position 0",
		"a**": "multiple repeat at position 2", "[a": "unterminated character set at position 0", "[b-a]": "bad character range b-a at position 1",
		`\1`: "invalid group reference 1 at position 1", "(?P<a>x)(?P<a>y)": "redefinition of group name 'a' as group 2; was group 1 at position 8",
		"(?P=x)": "unknown group name 'x' at position 6", `(?<=a+)b`: "look-behind requires fixed-width pattern at position 0", `\q`: `bad escape \q at position 0`,
		"a{3,2}": "min repeat greater than max repeat at position 1", "(?z)": "unknown extension ?z at position 1", `a\`: "bad escape (end of pattern) at position 1",
		"a(?i)": "global flags not at the start of the expression at position 1", "(?P<1>a)": "bad character in group name '1' at position 4",
		strings.Repeat("(", 5000) + strings.Repeat(")", 5000): "the pattern is nested too deeply at position 200", "(\\1)": "cannot refer to an open group at position 1",
	} {
		if _, err := pyre.Compile(pattern, 0); err == nil || err.Error() != want {
			t.Errorf("%.40q: %v, want %s", pattern, err, want)
		}
	}
}

func TestLimit(t *testing.T) {
	for pattern, text := range map[string]string{
		`(x+x+)+y`: strings.Repeat("x", 60), `(a|b)*c`: strings.Repeat("ab", 500_000),
	} {
		re, err := pyre.Compile(pattern, 0)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := re.Search(text, 0); err != nil && !errors.Is(err, pyre.ErrTooLong) {
			t.Errorf("%s: %v", pattern, err)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%s took %v", pattern, d)
		}
	}
	re, _ := pyre.Compile(`.*x`, 0)
	if _, err := re.Match(strings.Repeat("y", 1<<20)); err != nil {
		t.Errorf("a long text without a match: %v", err)
	}
}

func FuzzMatch(f *testing.F) {
	for _, p := range []string{`(a|b)*?c`, `(?P<x>\w+)(?=y)`, `[^]a-z\d]{2,3}+`, `(?i)\bx(?<!y)`, `(a)?(?(1)b|c)`, `\1`} {
		f.Add(p, "abcxyz\né", `\1`)
	}
	f.Fuzz(func(t *testing.T, pattern, text, repl string) {
		if len(text) > 200 || len(pattern) > 200 {
			return
		}
		re, err := pyre.Compile(pattern, pyre.IgnoreCase)
		if err != nil {
			return
		}
		m, err := re.Search(text, 0)
		if err == nil && m != nil {
			if b, e, ok := m.Span(0); !ok || b > e || e > len(text) {
				t.Errorf("a match from %d to %d", b, e)
			}
		}
		if out, err := re.Sub("", text, 0); err == nil && len(out) > len(text) {
			t.Error("taking matches out made the text longer")
		}
		_, _ = re.Sub(repl, text, 1)
	})
}
