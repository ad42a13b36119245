package template_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/template/battery"
	"github.com/tutti-run/tutti/internal/value"
)

var here = diag.Pos{File: "play.yml", Line: 10, Column: 7}

func scope(kv ...any) *template.Context {
	m, _ := value.MarkTemplates(value.MapOf(kv...), here).(*value.Map)
	return &template.Context{Ctx: context.Background(), Vars: template.VarsOf(m), Env: &template.Env{}}
}

func text(s string) *value.Template { return &value.Template{Source: s, Pos: here} }

// TestCases holds the engine against what Ansible 2.14 answers, with
// jinja2_native off and on. The first line of the file has the variables.
func TestCases(t *testing.T) {
	t.Setenv("TZ", "UTC")
	data, err := os.ReadFile("testdata/cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	parse := func(line []byte) *value.Map {
		v, err := value.ParseJSON(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return v.(*value.Map)
	}
	shared := parse(lines[0]).At("vars").(*value.Map)
	for _, native := range []bool{false, true} {
		e := template.New(template.Options{Native: native})
		for _, line := range lines[1:] {
			c := parse(line)
			if native && c.At("mode") == "file" {
				continue
			}
			vars := shared.Clone()
			if own, ok := c.At("vars").(*value.Map); ok {
				vars.Update(own)
			}
			want, ok := c.At("native").(*value.Map)
			if !native || !ok {
				want = c.At("plain").(*value.Map)
			}
			c.Set("vars", vars)
			got := battery.Answer(e, c)
			name, wantError := want.Get("error")
			switch {
			case wantError:
				if msg, ok := got.At("message").(string); !ok || !strings.Contains(msg, name.(string)) {
					t.Errorf("native %v: %v\n got %s\nwant an error that mentions %q", native, c.At("template"), value.ToJSON(got), name)
				}
			case got.At("type") != want.At("type") || !bytes.Equal(value.ToJSON(got.At("value")), value.ToJSON(want.At("value"))):
				t.Errorf("native %v: %v\n got %s\nwant %s", native, c.At("template"), value.ToJSON(got), value.ToJSON(want))
			}
		}
	}
}

func TestDataIsNeverEvaluated(t *testing.T) {
	e := template.New(template.Options{})
	evil := "{{ lookup('pipe', 'echo pwned') }}"
	m := value.MapOf("evil", evil, "list", []any{evil}, "dict", value.MapOf("k", evil))
	c := &template.Context{Vars: template.VarsOf(m)}
	for _, src := range []string{"{{ evil }}", "{{ evil ~ '' }}", "{{ list[0] }}", "{{ dict.k }}", "{{ [evil] | first }}", "{{ evil | trim }}",
		"{{ lookup('vars', 'evil') }}", "{{ lookup('list', evil) }}", "{% set x = evil %}{{ x }}", "{{ vars.evil }}"} {
		if got, err := e.Resolve(c, text(src)); err != nil || got != evil {
			t.Errorf("%s = %v, %v", src, got, err)
		}
	}
	got, err := e.Resolve(c, m)
	if err != nil || got.(*value.Map).At("evil") != evil {
		t.Errorf("plain data became %v, %v", got, err)
	}
	for _, cond := range []any{text("{{ evil2 }}"), text("{{ evil3 }}")} {
		c := &template.Context{Vars: template.MapScope{"evil2": "lookup('pipe', 'echo pwned') == 'pwned'", "evil3": "q('env', 'HOME') != []"}}
		if ok, err := e.Condition(c, cond); err == nil {
			t.Errorf("a condition from data ran a lookup: %v", ok)
		}
	}
}

func TestResolveKeepsWhatDidNotChange(t *testing.T) {
	e := template.New(template.Options{})
	plain := value.MapOf("a", []any{1, "x"})
	mixed := value.MapOf("keep", plain, "make", text("{{ n }}"))
	got, err := e.Resolve(scope("n", 3), mixed)
	if err != nil {
		t.Fatal(err)
	}
	if m := got.(*value.Map); m == mixed || m.At("keep") != any(plain) || m.At("make") != 3 {
		t.Errorf("got %s", value.ToJSON(got))
	}
	if same, _ := e.Resolve(scope(), plain); same != any(plain) {
		t.Error("a map without templates was copied")
	}
}

// Methods change what the template made or read, never what others see.
func TestChangesStayInTheTemplate(t *testing.T) {
	e := template.New(template.Options{Do: true})
	list, inner := []any{1}, value.MapOf("k", 1)
	c := &template.Context{Vars: template.MapScope{"l": list, "d": value.MapOf("inner", inner)}}
	src := "{% do l.append(2) %}{% do d.inner.update({'k': 9}) %}{% do d.inner.pop('k') %}{{ l }}"
	got, err := e.Resolve(c, text(src))
	if err != nil || string(value.ToJSON(got)) != "[1,2]" {
		t.Errorf("%v, %v", got, err)
	}
	if len(list) != 1 || inner.At("k") != 1 {
		t.Errorf("the variables changed: %v %s", list, value.ToJSON(inner))
	}
}

type lazy struct{ v any }

func (l lazy) Force() (any, error) {
	if l.v == nil {
		return nil, errors.New("no secret")
	}
	return l.v, nil
}

func TestLazy(t *testing.T) {
	e := template.New(template.Options{})
	c := &template.Context{Vars: template.MapScope{"s": lazy{"secret"}, "d": value.MapOf("p", lazy{"deep"}), "bad": lazy{}}}
	for src, want := range map[string]string{"{{ s }}": "secret", "{{ d.p }}": "deep", "{{ s | length }}": "6", "<{{ s }}>": "<secret>"} {
		if got, err := e.Resolve(c, text(src)); err != nil || got != want {
			t.Errorf("%s = %v, %v", src, got, err)
		}
	}
	if got, err := e.Resolve(c, lazy{"x"}); err != nil || got != "x" {
		t.Errorf("a Lazy by itself = %v, %v", got, err)
	}
	if _, err := e.Resolve(c, text("{{ bad }}")); err == nil || !strings.Contains(err.Error(), "no secret") {
		t.Errorf("a failing Lazy gave %v", err)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	e := template.New(template.Options{})
	_, err := e.Resolve(scope(), text("line one\n  {{ nope }}"))
	var te *template.Error
	if !errors.As(err, &te) {
		t.Fatalf("%T %v", err, err)
	}
	if !te.Undefined || te.Name != "nope" || te.Pos != (diag.Pos{File: "play.yml", Line: 11, Column: 3}) {
		t.Errorf("%+v", te)
	}
	errs := e.Check([]any{text("ok {{ a }}"), value.MapOf("k", text("{{ a | uper }}")), text("{% if %}")})
	if len(errs) != 2 {
		t.Fatalf("%v", errs)
	}
	if !strings.Contains(errs[0].Msg, "did you mean upper?") || errs[0].Pos != (diag.Pos{File: "play.yml", Line: 10, Column: 14}) {
		t.Errorf("%+v", errs[0])
	}
	if err := e.CheckCondition("a is nosuch", here); err == nil {
		t.Error("an unknown test passed")
	}
}

func TestExprAndString(t *testing.T) {
	e := template.New(template.Options{})
	c := scope("a", value.MapOf("b", 3), "l", "{{ [1, 2] }}")
	for src, want := range map[string]string{"a.b + 1": "4", "a.c | default(1)": "1", "[a.b, 'x']": `[3,"x"]`, "l": "[1,2]", "'}}'": `"}}"`} {
		if got, err := e.Expr(c, src, here); err != nil || string(value.ToJSON(got)) != want {
			t.Errorf("%s = %v, %v", src, got, err)
		}
	}
	for _, bad := range []string{"", "a b", "a }} {{ a", "nope", "a +"} {
		if got, err := e.Expr(c, bad, here); err == nil {
			t.Errorf("%q gave %v", bad, got)
		}
	}
	if s, err := e.ResolveString(c, text("{{ [1] }} ")); err != nil || s != "[1] " {
		t.Errorf("%q %v", s, err)
	}
	if s, err := e.ResolveString(c, text("{{ l }}")); err != nil || s != "[1, 2]" {
		t.Errorf("%q %v", s, err)
	}
	if got, err := e.Resolve(c, text("{{ nope | default(omit) }}")); err != nil || got != template.Omit {
		t.Errorf("omit = %v, %v", got, err)
	}
}

// What to_json made stays text when a variable holds it, as with set_fact.
func TestResolveVar(t *testing.T) {
	e := template.New(template.Options{})
	c := scope("d", value.MapOf("a", 1))
	got, err := e.ResolveVar(c, value.MapOf("x", text("{{ d | to_json }}"), "y", text("{{ '[' ~ '1]' }}"), "n", 1))
	if err != nil {
		t.Fatal(err)
	}
	vars := &template.Context{Vars: template.VarsOf(got.(*value.Map))}
	if s := string(value.ToJSON(got)); s != `{"x":"{\"a\": 1}","y":[1],"n":1}` {
		t.Errorf("got %s", s)
	}
	for src, want := range map[string]any{"{{ x }}": `{"a": 1}`, "{{ x ~ '' }}": nil, "{{ (x | from_json).a }}": "1", "{{ x is string }}": true} {
		v, err := e.Resolve(vars, text(src))
		if want == nil {
			if _, isMap := v.(*value.Map); !isMap {
				t.Errorf("%s = %v", src, v)
			}
			continue
		}
		if v != want || err != nil {
			t.Errorf("%s = %#v, %v", src, v, err)
		}
	}
}

func TestLimits(t *testing.T) {
	e := template.New(template.Options{Limits: template.Limits{Output: 1 << 20, Steps: 100_000}})
	// grow doubles a value sixty times.
	grow := func(from, to string) string {
		return "{% set n = namespace(x=" + from + ") %}{% for i in range(60) %}{% set n.x = " + to + " %}{% endfor %}{{ n.x | length }}{{ n.x }}"
	}
	vars := []any{"loop1", "{{ loop2 }}", "loop2", "{{ loop1 }}", "a0", 1}
	for i := range 30 {
		last := fmt.Sprintf("{{ a%d }}", i)
		vars = append(vars, fmt.Sprintf("a%d", i+1), []any{text(last), text(last)})
	}
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	for _, src := range []string{
		"{{ 'x' * 2000000 }}", "{{ 'x' * 10 ** 30 }}", "{{ [0] * 10 ** 9 }}", "{{ 2 ** (10 ** 9) }}", "{{ 7 ** 99 ** 99 ** 99 }}",
		"{{ range(10 ** 12) | list }}", "{% for i in range(1000000) %}x{% endfor %}", "{{ " + deep + " }}",
		"{{ " + strings.Repeat("not ", 5000) + "1 }}", "{{ " + strings.Repeat("-", 5000) + "1 }}", "{{ 1" + strings.Repeat("|abs", 5000) + " }}",
		strings.Repeat("{% if 1 %}", 5000) + strings.Repeat("{% endif %}", 5000), "{{ '%9999999999d' % 1 }}", "{{ '{:9999999999}'.format(1) }}",
		"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{{ loop1 }}", "{{ 'a' | center(10 ** 10) }}", "{{ 'a' | indent(10 ** 10) }}",
		"{{ ('a' * 30) | regex_replace('(a*)*b', '') }}", "{{ [1,2,3,4,5,6,7,8,9,10,11,12] | permutations | list | length }}",
		"{% set x = 'xxxxxxxxxx' %}{% for i in range(30) %}{% set x = x * 10 %}{{ x * 10 ** i }}{% endfor %}", "{{ [1] | batch(10 ** 12, 0) }}",
		"{{ 'ab' | replace('', 'x' * 1000000) }}", "{{ [range(1000)] * 4 | product | list }}", "{{ [1] | to_json(indent=10 ** 12) }}",
		"{{ ('a' * 1000) | regex_replace('a', 'b' * 100000) }}", "{{ ('b' * 100000).join('a' * 1000) }}", "{{ [1] | tojson(indent=10 ** 9) }}",
		"{{ ('a' * 500000) | wordwrap(1, wrapstring='b' * 1000) }}", "{{ ['x' * 100000] * 100 }}", "{{ (['x' * 100000] * 100) | to_json }}",
		"{{ (['x' * 100000] * 100) | to_nice_yaml }}", "{{ (['x' * 100000] * 100) | map('upper') | list | length }}",
		"{{ ([[1] * 10000] * 10000) | flatten | length }}", "{{ a30 }}", "{{ a30 | length }}",
		"{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(60) }}",
		grow("'x'", "n.x ~ n.x"), grow("[1]", "n.x + n.x"), grow("(1,)", "n.x + n.x"), grow("[1]", "[n.x, n.x]"), grow("{}", "{'a': n.x, 'b': n.x}"),
		"{% set n = namespace() %}{% set n.x = n %}{{ n }}", "{% set n = namespace() %}{% set n.x = [{'a': n}] %}{{ n }}",
		"{% set l = [] %}{{ l.append(l) }}{{ l }}", "{% set l = [] %}{% set m = [l] %}{{ l.append(m) }}{{ l | flatten }}",
		"{% set l = [1] %}{{ l.insert(0, (l,)) }}{{ l | to_json }}", "{% set l = [1] %}{{ l.extend([l]) }}{{ l == l }}",
		"{% set d = {} %}{{ d.update({'a': d}) }}{{ d | combine(d, recursive=true) }}", "{% set d = {} %}{{ d.update(a=[d]) }}{{ d | to_yaml }}",
		"{% set d = {} %}{{ d.setdefault('a', d) }}{{ d }}", "{% set n = namespace(x=1) %}{% for i in range(5000) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x }}",
		"{{ '1' * 1000000 }}{{ ('9' * 900000) | int }}{{ 'x' * 1000000 }}",
	} {
		// That each of them ends, and soon, is what the limits are for: without them
		// the test would not come to an end.
		got, err := e.Resolve(scope(vars...), text(src))
		if err == nil && len(value.ToJSON(got)) > 1<<20 {
			t.Errorf("%.60s made %d bytes", src, len(value.ToJSON(got)))
		}
		if err == nil && !strings.Contains(src, "product") {
			t.Errorf("%.60s was allowed", src)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c := &template.Context{Ctx: ctx, Vars: template.MapScope{}}
	if _, err := e.Resolve(c, text("{% for i in range(50000) %}{% endfor %}")); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gave %v", err)
	}
}

func TestManyGoroutines(t *testing.T) {
	e := template.New(template.Options{})
	src := text("{% set a = [] %}{% for i in l %}{% set _ = a.append(i + n) %}{% endfor %}{{ a | sum }} {{ v.x }}")
	shared := value.MapOf("l", []any{1, 2, 3}, "n", 1, "v", value.MapOf("x", text("{{ n }}")))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 50 {
				if got, err := e.Resolve(&template.Context{Vars: template.VarsOf(shared)}, src); err != nil || got != "9 1" {
					t.Errorf("%v, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

// hosts is a Mapping such as hostvars.
type hosts struct{ m *value.Map }

func (h hosts) Get(k any) (any, bool, error) {
	if k == "broken" {
		return nil, false, errors.New("cannot read broken")
	}
	v, ok := h.m.Get(k)
	return v, ok, nil
}
func (h hosts) Keys() []any { return h.m.Keys() }
func (h hosts) Len() int    { return h.m.Len() }

func TestMapping(t *testing.T) {
	e := template.New(template.Options{})
	hv := hosts{value.MapOf("h1", value.MapOf("ip", text("10.0.0.{{ n }}")), "h2", value.MapOf("ip", "b"))}
	c := &template.Context{Vars: template.MapScope{"hostvars": hv, "n": 7, "l": []any{"h1", "h2"}}}
	for src, want := range map[string]string{
		"{{ hostvars.h1.ip }}": `"10.0.0.7"`, "{{ hostvars['h2'].ip }}": `"b"`, "{{ hostvars | length }}": `"2"`, "{{ hostvars | list }}": `["h1","h2"]`,
		"{{ l | map('extract', hostvars, 'ip') | list }}": `["10.0.0.7","b"]`, "{{ 'h1' in hostvars }}{{ 'x' in hostvars }}": `"TrueFalse"`,
		"{{ hostvars.nope is defined }}": "false", "{{ hostvars.nope.ip | default('d') }}": `"d"`, "{{ hostvars is mapping }}": "true",
		"{{ hostvars | dict2items | map(attribute='value.ip') | list }}": `["10.0.0.7","b"]`, "{{ hostvars.get('h2').ip }}": `"b"`,
		"{% for k, v in hostvars.items() %}{{ k }}={{ v.ip }} {% endfor %}": `"h1=10.0.0.7 h2=b "`,
	} {
		if got, err := e.Resolve(c, text(src)); err != nil || string(value.ToJSON(got)) != want {
			t.Errorf("%s = %s, %v", src, value.ToJSON(got), err)
		}
	}
	if _, err := e.Resolve(c, text("{{ hostvars.broken }}")); err == nil || !strings.Contains(err.Error(), "cannot read broken") {
		t.Errorf("got %v", err)
	}
}

func TestLookups(t *testing.T) {
	dir := t.TempDir()
	write := func(name, data string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.txt", "  text\n\n")
	write("t.csv", "a\tb\nkey\tval\tthird\n")
	write("c.csv", "k,v\n\"q r\",5\n")
	write("t.ini", "[global]\na=1\n[sec]\na: 3\nkey1=v1\nkey2=v2\nCase=Yes\nx=%(a)s!\n")
	write("t.properties", "user.name=alice\n")
	write("t.j2", "tpl {{ name }} {{ [1,2] }}\n")
	write("l.j2", "[1, {{ n }}]\n")
	write("bad.j2", "{{ a b }}")
	e := template.New(template.Options{})
	c := scope("n", 7, "name", "web", "users", []any{value.MapOf("g", []any{"x", "y"})})
	c.Env.BaseDir = dir
	c.Env.Getenv = func(name string) string { return map[string]string{"SET": "value"}[name] }
	c.Env.Hosts = func(p string) ([]string, error) { return []string{p + "1", p + "2"}, nil }
	c.Env.Config = func(name string) (any, bool) { return 5, name == "DEFAULT_FORKS" }
	for src, want := range map[string]string{
		"{{ lookup('file', 'a.txt') }}": `"  text"`, "{{ lookup('file', 'a.txt', lstrip=true, rstrip=false) }}": `"text\n\n"`,
		"{{ lookup('env', 'SET') }}{{ lookup('env', 'UNSET', default='d') }}": `"valued"`, "{{ q('inventory_hostnames', 'web') }}": `["web1","web2"]`,
		"{{ lookup('config', 'DEFAULT_FORKS') }}": `"5"`, "{{ q('config', 'NOPE', on_missing='skip') }}": "[]",
		"{{ lookup('csvfile', 'key file=t.csv') }}": `"val"`, "{{ lookup('csvfile', 'key', file='t.csv', col=2) }}": `"third"`,
		"{{ lookup('csvfile', 'q r', file='c.csv', delimiter=',') }}": `"5"`, "{{ lookup('csvfile', 'none', file='t.csv', default='d') }}": `"d"`,
		"{{ lookup('ini', 'a', file='t.ini') }}": `"1"`, "{{ lookup('ini', 'a section=sec file=t.ini') }}": `"3"`, "{{ lookup('ini', 'x', section='sec', file='t.ini') }}": `"3!"`,
		"{{ q('ini', 'key.*', section='sec', file='t.ini', re=true) }}": `["v1","v2"]`, "{{ lookup('ini', 'user.name', type='properties', file='t.properties') }}": `"alice"`,
		"{{ lookup('template', 't.j2') }}": `"tpl web [1, 2]\n"`, "{{ lookup('template', 'l.j2') }}": `[1,7]`,
		"{{ lookup('template', 'l.j2', convert_data=false) }}": `"[1, 7]\n"`, "{{ lookup('template', 't.j2', template_vars={'name': 'zed'}) }}": `"tpl zed [1, 2]\n"`,
		"{{ lookup('first_found', ['nope', 'a.txt']) | basename }}": `"a.txt"`, "{{ q('first_found', ['nope'], skip=true) }}": "[]",
		"{{ q('fileglob', '*.csv') | map('basename') | list }}": `["c.csv","t.csv"]`, "{{ lookup('pipe', 'echo a; pwd') | length > 3 }}": "true",
		"{{ q('lines', 'printf \"a\nb\"') }}": `["a","b"]`, "{{ lookup('unvault', 'a.txt') }}": `"  text\n\n"`,
		"{{ lookup('password', 'pw/x length=9') == lookup('password', 'pw/x length=9') }}": "true", "{{ lookup('password', 'pw/x length=9') | length }}": `"9"`,
		"{{ lookup('password', 'pw/y', encrypt='md5_crypt') == lookup('password', 'pw/y', encrypt='md5_crypt') }}": "true",
		"{{ lookup('password', 'pw/y') is match('[a-zA-Z0-9.,:_-]{20}$') }}":                                       "true",
		"{{ lookup('nosuch', errors='ignore') | default('x') }}":                                                   "", "{{ lookup('file', 'nope') }}": "", "{{ lookup('template', 'bad.j2') }}": "",
		"{{ lookup('file', 'nope', errors='ignore') }}": `""`, "{{ q('file', 'nope', errors='ignore') }}": `[]`, "{{ lookup('pipe', 'exit 3') }}": "",
		"{{ lookup('file', '{{ name }}.txt', errors='ignore') }}": `""`, "{{ lookup('list', '{{ name }}') }}": `"web"`,
	} {
		got, err := e.Resolve(c, text(src))
		if want == "" {
			if err == nil {
				t.Errorf("%s = %s, want an error", src, value.ToJSON(got))
			}
			continue
		}
		if err != nil || string(value.ToJSON(got)) != want {
			t.Errorf("%s = %s, %v; want %s", src, value.ToJSON(got), err, want)
		}
	}
	out, err := e.Lookup(c, "subelements", []any{[]any{value.MapOf("g", []any{"x", "y"})}, "g"}, nil)
	if err != nil || len(out) != 2 || !e.HasLookup("ansible.builtin.dict") || e.HasLookup("nosuch") {
		t.Errorf("%v, %v", out, err)
	}
	if mode, err := os.Stat(filepath.Join(dir, "pw", "x")); err != nil || mode.Mode().Perm() != 0o600 {
		t.Errorf("the password's file: %v %v", mode, err)
	}
}

func TestWarnings(t *testing.T) {
	e := template.New(template.Options{})
	c := scope("n", 1)
	var said []string
	c.Env.Warn = func(msg string) { said = append(said, msg) }
	if ok, err := e.Condition(c, text("{{ n }} == 1")); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if _, err := e.Resolve(c, text("{{ lookup('file', '/nope', errors='warn') }}")); err != nil {
		t.Error(err)
	}
	if len(said) != 2 || !strings.Contains(said[0], "templating delimiters") || !strings.Contains(said[1], "/nope") {
		t.Errorf("%q", said)
	}
}

func TestTextEndsWithinAnExpression(t *testing.T) {
	e := template.New(template.Options{})
	const unexpected = "unexpected 'end of template'"
	for src, want := range map[string]string{
		"{{": unexpected, "a {{ x,": unexpected, "{{ (": unexpected, "{% if": unexpected, "{% for": unexpected, "{% set x =": unexpected,
		"{{ [": unexpected, "{{ {": unexpected, "{{ x if": unexpected, "{{ }}": "Expected an expression, got 'end of print statement'",
		"{{ x |": "unexpected end of template, expected 'name'.", "{{ x.": "expected name or number",
	} {
		if _, err := e.Resolve(scope("x", 1), text(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", src, err, want)
		}
	}
}
