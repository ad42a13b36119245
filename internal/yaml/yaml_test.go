package yaml_test

import (
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// The answers are those of Ansible's loader.
func TestScalars(t *testing.T) {
	for in, want := range map[string]string{
		"yes": "true", "No": "false", "on": "true", "OFF": "false", "true": "true", "y": `"y"`, "~": "null", "null": "null", "": "null", "Null": "null",
		"0644": "420", "0o644": `"0o644"`, "0x1F": "31", "0b101": "5", "1_000": "1000", "1:30": "90", "-5": "-5", "+5": "5", "08": `"08"`, "00": "0",
		"1.5": "1.5", "1e3": `"1e3"`, "1.0e+3": "1000.0", "1.": "1.0", ".5": "0.5", ".inf": "Infinity", "-.inf": "-Infinity", "1:30.5": "90.5",
		"123456789012345678901234567890": "123456789012345678901234567890", "2020-01-02": `"2020-01-02"`, "2020-13-01": `"2020-13-01"`,
		"2001-12-14T21:59:43.10Z": `"2001-12-14 21:59:43.100000+00:00"`, `"yes"`: `"yes"`, "'0644'": `"0644"`, "!!str 1": `"1"`, "!!int '5'": "5",
		"1.2.3": `"1.2.3"`, "-": `[null]`, "=": `"="`, "a: b": `{"a":"b"}`, "[1, two, ~]": `[1,"two",null]`, "{a: 1, b: }": `{"a":1,"b":null}`,
		"!!binary aGVsbG8=": `"hello"`,
	} {
		v, err := yaml.Load([]byte(in), "f.yml")
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := string(value.ToJSON(v)); got != want {
			t.Errorf("%q gave %s, want %s", in, got, want)
		}
	}
}

func TestMergeAndDuplicates(t *testing.T) {
	var problems diag.Problems
	n, err := yaml.Parse([]byte("base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\nall:\n  <<: [*b, *o]\n  x: 0\n  k: 1\n  k: 2\n"), "f.yml", yaml.Options{Problems: &problems})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(value.ToJSON(n.Get("all").Value())), `{"y":2,"z":4,"x":0,"k":2}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(problems) != 1 || !problems[0].Warning || problems[0].Pos.Line != 7 {
		t.Errorf("warnings %v", problems)
	}
}

func TestTemplatesAndUnsafe(t *testing.T) {
	n, err := yaml.Parse([]byte("a: \"{{ x }}\"\nb: !unsafe \"{{ x }}\"\nc: plain\nd: !unsafe {e: '{{ y }}'}\n"), "f.yml", yaml.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := n.Value().(*value.Map)
	if tmpl, ok := m.At("a").(*value.Template); !ok || tmpl.Pos.Line != 1 || tmpl.Pos.Column != 4 {
		t.Errorf("a is %#v", m.At("a"))
	}
	for _, v := range []any{m.At("b"), m.At("c"), m.At("d").(*value.Map).At("e")} {
		if _, ok := v.(string); !ok {
			t.Errorf("%#v is not plain data", v)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct {
		in, msg, hint string
		line, column  int
	}{
		{"a: b\n\tc: d\n", "", "tabs", 2, 1},
		{"a: {{ x }}\n", "cannot be the key", "quotes", 1, 5},
		{"a: b: c\n", "mapping values are not allowed", "quotes", 1, 5},
		{"a: \"x\n", "", "quote", 2, 1},
		{"a: *nobody\n", "", "", 1, 0},
		{"a: 1\n---\nb: 2\n", "single document", "", 3, 1},
		{"a: !nonsense x\n", "constructor", "!vault", 1, 4},
		{"a: \xff\n", "UTF-8", "UTF-8", 1, 4},
		{"a: @x\n", "cannot start any token", "quote", 1, 4},
		{"&a [*a]", "refers to itself", "", 1, 0},
	} {
		_, err := yaml.Load([]byte(c.in), "f.yml")
		p, ok := err.(*diag.Problem)
		if !ok {
			t.Errorf("%q gave %v, want a problem", c.in, err)
			continue
		}
		if !strings.Contains(p.Msg, c.msg) || !strings.Contains(p.Hint, c.hint) || p.Pos.File != "f.yml" || p.Pos.Line != c.line && c.line > 0 && c.column > 0 {
			t.Errorf("%q gave %+v", c.in, p)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a: [1, {b: c}]", "- &x a\n- *x", "<<: {a: 1}", "!!binary x", "? [a]\n: b", "a: |\n  x\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := yaml.Load(data, "f.yml"); err == nil {
			value.ToJSON(v)
		}
	})
}
