package template_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

func BenchmarkAttribute(b *testing.B) {
	e := template.New(template.Options{})
	c := scope("a", value.MapOf("b", value.MapOf("c", "deep")))
	src := text("{{ a.b.c }}")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Resolve(c, src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVariableOfVariable(b *testing.B) {
	e := template.New(template.Options{})
	c := scope("one", "{{ two }}x", "two", "{{ three | default('q') }}y", "three", "z")
	src := text("{{ one }}")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Resolve(c, src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCondition(b *testing.B) {
	e := template.New(template.Options{})
	c := scope("n", 7, "r", value.MapOf("changed", true, "rc", 0))
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := e.Condition(c, "n == 7 and r is changed and r.rc != 2"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// BenchmarkFile renders a template of about 100 lines with loops.
func BenchmarkFile(b *testing.B) {
	e := template.New(template.Options{})
	var users []any
	for i := range 10 {
		users = append(users, value.MapOf("name", fmt.Sprint("user", i), "uid", 1000+i, "groups", []any{"a", "b"}, "admin", i%2 == 0))
	}
	c := scope("users", users, "domain", "example.com", "port", 80, "opts", value.MapOf("x", 1, "y", "two"))
	var src strings.Builder
	src.WriteString("# {{ domain }}\n{% for u in users %}\nuser {{ u.name }} {{ u.uid }}\n{% if u.admin %}\n  admin {{ u.groups | join(',') }}\n{% else %}\n" +
		"  shell {{ u.shell | default('/bin/sh') }}\n{% endif %}\n{% endfor %}\n{% for k, v in opts.items() %}\n{{ k }} = {{ v }}\n{% endfor %}\n")
	for i := range 85 {
		fmt.Fprintf(&src, "setting%d = {{ port }}:{{ domain }}/%d\n", i, i)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.File(c, src.String(), template.FileOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoop(b *testing.B) {
	e := template.New(template.Options{})
	c := scope("x", 3)
	src := text("{% for i in range(10000) %}{% if i is even %}{{ i + x }},{% endif %}{% endfor %}")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Resolve(c, src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkManyItems(b *testing.B) {
	e := template.New(template.Options{})
	var l []any
	for i := range 5000 {
		l = append(l, value.MapOf("name", fmt.Sprint("n", i), "v", i))
	}
	c := scope("l", l)
	src := text("{{ l | selectattr('v', 'gt', 100) | map(attribute='name') | list | length }}")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Resolve(c, src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		template.New(template.Options{})
	}
}
