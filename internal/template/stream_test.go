package template_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// streamTexts are templates whose tags, white space and mistakes are cut in two
// wherever a text read in parts can be.
var streamTexts = []string{
	"", "\n", "a", "a\n", "a\n\n\n", "{{ n }}", "{{ n }}\n", "x {{ n }}\n\n y\n", "{% set q = 'é' %}\n{{ q }}{{ q|upper }}\n",
	"a   {{- n -}}   b\n  {%- if t -%}\n  c  {%- endif +%}\n  d",
	"  {% if t %}\n    yes\n  {% else %}\n    no\n  {% endif %}\nend\n",
	"{# a comment #}\nb{#- another -#}  \n\n c{# with {{ n }} #}\n",
	"{% raw %}{{ n }} {% no %}{% endraw %}\n{%- raw -%}  x  {%- endraw -%}  y\n",
	"{% for i in l %}{{ loop.index }}={{ i }}\n{% endfor %}done\n",
	"{% macro m(a, b=2) %}[{{ a }}{{ b }}{{ varargs }}]{% endmacro %}\n{{ m(1) }}{{ m(3, 4, 5) }}\n{% call m(1) %}x{% endcall %}\n",
	"{% block one %}1{% endblock %}{{ self.one() }}{% block two scoped %}2{% endblock two %}\n",
	"{% block one %}1{% endblock %}{% block one %}1{% endblock %}\n",
	"{% set ns = namespace(a=1) %}{% set ns.a = 5 %}{{ ns.a }}{% set x %}text{% endset %}{{ x }}\n",
	"a\r\nb\rc\r\n\r\n{{ n }}\r\n", "a\r\r\n\n\r{{ n }}\r",
	"line\n{{ 'a' if nothing.here }}\n", "one\ntwo {{ missing }}\n", "{% if %}\n", "ok\n{{ n ", "ok\n{{ 'n }}\n{{ n }}", "{# no end\n\n", "a {#", "a {#-", "a {#\n", "a {# ", "é {% raw %} no end\n",
	"é\n{{ n ! }}\n", "{{ n }}{% endfor %}\n", "{% for i in l %}\n", "{{ (1, 2] }}", "{% frob %}", "{{ n|frob }}\n{{ ( }}", "{{ s.frob() }}\n",
	"{{ [1, 2, 3].append(4) }}{% set z = [1] %}{{ z.append(2) }}{{ z }}\n",
	"{{ {'a': {'b': 1}}['a'] }}}} }} {{ '}}' }} {{ \"{{\" }}\n", "1.5 {{ 1.5 }} {{ 1 .real }}{{ l.0 }}{{ l[0] }}\n",
	"#jinja2: lstrip_blocks: True\n   {% if t %}\n  a\n   {% endif %}\n  b\n", "#jinja2: trim_blocks: False\n{% if t %}\na\n{% endif %}\nb\n",
	"#jinja2: keep_trailing_newline: True\na\n\n", "#jinja2: newline_sequence: '\\r\\n'\na\n{{ n }}\n\n",
	"#jinja2: line_statement_prefix: '%', line_comment_prefix: '##'\n% for i in l\n  {{ i }} ## c\n% endfor\n  ## d\nx ## e\n% if t:\n  y\n% endif\n",
	"#jinja2: variable_start_string: '[[[', variable_end_string: ']'\n[[ [[[ n ] ]] [[[[ [n] ]]\n",
	"#jinja2: block_start_string: '{{%', block_end_string: '%}}'\n{{ n }}{{% if t %}}x{{% endif %}}\n", "#jinja2: frob\nx\n",
	strings.Repeat("    \n", 40) + "{{- n }}" + strings.Repeat(" \u00a0\n", 40) + "{%- if t %}é{% endif %}\n",
	strings.Repeat("word é€😀 ", 200) + "{{ n }}\n", strings.Repeat("{{ n }}-", 100), "{% include 'other' %}\n", "{% extends 'other' %}x{% set n = 3 %}{% block b %}mine {{ super() }}{% endblock %}y\n",
	"{{ missing.a }}\n\n\nx", "\n\n  {{ nothing }}", "{% set x = missing %}\n{{ x }}",
}

// sameStream fails if a text that is read in parts makes anything else than the
// text as a whole.
func sameStream(t *testing.T, e *template.Engine, vars template.Scope, src string, o template.FileOptions, size int) {
	t.Helper()
	want, wantErr := e.File(&template.Context{Vars: vars}, src, o)
	var got bytes.Buffer
	err := e.StreamBy(size, &template.Context{Vars: vars}, &got, io.NewSectionReader(strings.NewReader(src), 0, int64(len(src))), o)
	if (err == nil) != (wantErr == nil) {
		t.Errorf("%q by %d: %v, want %v", src, size, err, wantErr)
		return
	}
	if err == nil {
		if got.String() != want {
			t.Errorf("%q by %d:\n got %q\nwant %q", src, size, got.String(), want)
		}
		return
	}
	var a, b *template.Error
	if !errors.As(err, &a) || !errors.As(wantErr, &b) {
		t.Errorf("%q by %d: %v, want %v", src, size, err, wantErr)
		return
	}
	// A mistake is shown with its text, of which a part that is read has a line.
	short := func(msg string) string {
		msg, _, _ = strings.Cut(msg, ". String: ")
		if strings.HasPrefix(msg, "Unexpected templating type error occurred on (") {
			return "type error"
		}
		return msg
	}
	if a.Kind != b.Kind || a.Pos != b.Pos || short(a.Msg) != short(b.Msg) {
		t.Errorf("%q by %d:\n got %s %v: %s\nwant %s %v: %s", src, size, a.Kind, a.Pos, a.Msg, b.Kind, b.Pos, b.Msg)
	}
}

func TestStream(t *testing.T) {
	data, err := os.ReadFile("testdata/cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	texts := streamTexts
	for _, line := range lines[1:] {
		v, err := value.ParseJSON(line)
		if err != nil {
			t.Fatal(err)
		}
		// What differs from one time to the next is left out.
		if s, ok := v.(*value.Map).At("template").(string); ok && !strings.Contains(s, "random") && !strings.Contains(s, "now(") && !strings.Contains(s, "shuffle") {
			texts = append(texts, s, "first\n"+s+"{{ n }}\n\n")
		}
	}
	first, _ := value.ParseJSON(lines[0])
	vars, _ := value.MarkTemplates(first.(*value.Map).At("vars"), here).(*value.Map)
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/other", []byte("<{{ n }}{% block b %}theirs{% endblock %}>\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := template.New(template.Options{})
	for _, src := range texts {
		for _, size := range []int{1, 2, 7, 40} {
			sameStream(t, e, template.VarsOf(vars), src, template.FileOptions{Path: dir + "/t.j2"}, size)
		}
	}
}

// TestStreamInParts sees to it that what comes of a long text is not gathered,
// and that nothing happens if it has a mistake at its end.
func TestStreamInParts(t *testing.T) {
	e := template.New(template.Options{Limits: template.Limits{Output: 1 << 20}})
	c := &template.Context{Vars: template.VarsOf(value.MapOf("n", 7))}
	src := strings.Repeat("some text, and {{ n }}\n", 200_000)
	want := strings.Repeat("some text, and 7\n", 200_000)
	var got bytes.Buffer
	stream := func(src string) error {
		got.Reset()
		return e.Stream(c, &got, io.NewSectionReader(strings.NewReader(src), 0, int64(len(src))), template.FileOptions{})
	}
	if err := stream(src); err != nil || got.String() != want {
		t.Fatalf("%v, %d bytes, want %d", err, got.Len(), len(want))
	}
	if err := stream(src + "{{ n"); err == nil || got.Len() > 0 {
		t.Errorf("a mistake at the end: %v after %d bytes", err, got.Len())
	}
	if err := stream("{% if n %}" + src + "{% endif %}"); err == nil || !strings.Contains(err.Error(), "statement of the template has more than") {
		t.Errorf("a block that is too large: %v", err)
	}
	if err := stream(src + "\xff\n"); err != nil || got.String() != want+"\xff\n" {
		t.Errorf("a byte that is no UTF-8: %v, %d bytes", err, got.Len())
	}
	// A small text may make a long one.
	if err := stream("{% for i in range(200000) %}some text, and {{ n }}\n{% endfor %}"); err != nil || got.String() != want {
		t.Fatalf("a loop: %v, %d bytes, want %d", err, got.Len(), len(want))
	}
	// ... but not one without an end.
	err := e.Stream(c, io.Discard, io.NewSectionReader(strings.NewReader(
		"{% for i in range(10000) %}{% for j in range(10000) %}{{ 'x' * 1000000 }}{% endfor %}{% endfor %}"), 0, 97), template.FileOptions{})
	if err == nil || !strings.Contains(err.Error(), "the template makes more than") {
		t.Errorf("without an end: %v", err)
	}
}

// FuzzStream: however a text is cut, it makes the same.
func FuzzStream(f *testing.F) {
	for _, s := range streamTexts {
		f.Add(s, uint8(5))
	}
	e := template.New(template.Options{Limits: template.Limits{Output: 1 << 16, Steps: 5000, Depth: 40}, Do: true, LoopControls: true})
	vars := template.VarsOf(value.MapOf("n", 7, "t", true, "l", []any{3, 1, 2}, "s", "Hello World"))
	f.Fuzz(func(t *testing.T, src string, size uint8) {
		for _, word := range []string{"pipe", "lines", "password", "url", "random", "now", "shuffle", "lookup", "query", "\xff"} {
			if strings.Contains(src, word) {
				return // acts on the machine, is slow on purpose, or differs from time to time
			}
		}
		if len(src) < 2000 && strings.ToValidUTF8(src, "") == src {
			sameStream(t, e, vars, src, template.FileOptions{}, int(size)+1)
		}
	})
}
