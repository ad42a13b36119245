package module

import (
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/value"
)

// The expectations come from the reference implementation's answers.
func TestParseKV(t *testing.T) {
	for _, c := range []struct {
		text string
		raw  bool
		want string
	}{
		{"a=b c=d", false, `{"a": "b", "c": "d"}`},
		{"a=b c='foo bar'", false, `{"a": "b", "c": "foo bar"}`},
		{"src={{ foo | default(\"x y\") }} dest=/tmp", false, `{"src": "{{ foo | default(\"x y\") }}", "dest": "/tmp"}`},
		{"echo hi creates=/tmp/x", true, `{"creates": "/tmp/x", "_raw_params": "echo hi"}`},
		{"echo a=b   c creates=/x d", true, `{"creates": "/x", "_raw_params": "echo a=b   c d"}`},
		{"echo 'a b' \"c d\"", true, `{"_raw_params": "echo 'a b' \"c d\""}`},
		{"line='a\\tb' x=\\x41", false, `{"line": "a\tb", "x": "A"}`},
		{"echo hi \\\n  there", true, `{"_raw_params": "echo hi  there"}`},
		{"echo hi\n  there\nx", true, `{"_raw_params": "echo hi\n  there\nx"}`},
		{"a\\=b", false, `{"_raw_params": "a=b"}`},
		{"=foo", false, `{"_raw_params": "=foo"}`},
		{"k={% if a %}b c{% endif %} z=1", false, `{"k": "{% if a %}b", "z": "1", "_raw_params": "c{% endif %}"}`},
		{"a=\"b=c\" d=", false, `{"a": "b=c", "d": ""}`},
		{"foo bar=baz", false, `{"bar": "baz", "_raw_params": "foo"}`},
		{"regexp='^(.*)$' line=\"\\1\"", false, `{"regexp": "^(.*)$", "line": "\\1"}`},
		{"x='a\nb' y=2", false, `{"x": "a\nb", "y": "2"}`},
		{"a='it\\'s' b=1", false, `{"a": "it's", "b": "1"}`},
		{"echo {{ a }} {{ b }}", true, `{"_raw_params": "echo {{ a }} {{ b }}"}`},
		{"creates={{ x }} chdir=/tmp ls -l {# c #} x", true, `{"creates": "{{ x }}", "chdir": "/tmp", "_raw_params": "ls -l {# c #} x"}`},
		{"content=a\\nb", false, `{"content": "a\nb"}`},
		{"path=C:\\\\temp\\u00e9", false, `{"path": "C:\\temp\u00e9"}`},
		{"echo \"a   b\"  c", true, `{"_raw_params": "echo \"a   b\"  c"}`},
		{"chdir=/tmp\necho hi\necho ho", true, `{"chdir": "/tmp", "_raw_params": "echo hi\necho ho"}`},
		{"a={{ x['y z'] }}b c", false, `{"a": "{{ x['y z'] }}b", "_raw_params": "c"}`},
		{"", false, `{}`},
	} {
		got, err := ParseKV(c.text, c.raw)
		if err != nil {
			t.Errorf("ParseKV(%q): %v", c.text, err)
			continue
		}
		want, err := value.ParseJSON([]byte(c.want))
		if err != nil {
			t.Fatal(err)
		}
		if g, w := value.Repr(got), value.Repr(want); g != w {
			t.Errorf("ParseKV(%q, %v)\n got %s\nwant %s", c.text, c.raw, g, w)
		}
	}
	for _, text := range []string{"a='b", "x={{ y", `echo "a`} {
		if _, err := ParseKV(text, true); err == nil || !strings.Contains(err.Error(), "unbalanced") {
			t.Errorf("ParseKV(%q): error %v, want one about balance", text, err)
		}
	}
}
