package template_test

import (
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

func parseJSON(t *testing.T, s string) any {
	t.Helper()
	v, err := value.ParseJSON([]byte(s))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}

func TestJSONQuery(t *testing.T) {
	e := template.New(template.Options{})
	racks := parseJSON(t, `{"racks": [
		{"id": "r1", "hosts": [{"name": "web1", "cpu": 4, "tags": ["a", "b"]}, {"name": "web2", "cpu": 8, "tags": []}]},
		{"id": "r2", "hosts": [{"name": "db1", "cpu": 8, "tags": ["b"], "spare": true}]},
		{"id": "r3", "hosts": null}],
		"sites": {"east": {"zip": 7, "n": {"k": 1}}, "west": {"zip": 0, "n": {"k": 2}}, "none": null},
		"odd key": 1, "zero": 0, "off": false, "empty": "", "mixed": [1, "x", null, [2, [3]]], "real": -2.5}`)
	for _, c := range []struct{ expr, want string }{
		// Projections end at [], |, and the end of parentheses.
		{"racks[*].hosts[*].name", `[["web1","web2"],["db1"]]`},
		{"racks[*].hosts[].name", `["web1","web2","db1"]`},
		{"racks[].hosts[].tags[]", `["a","b","b"]`},
		{"racks[*].hosts[0].name", `["web1","db1"]`},
		{"racks[*].hosts | [0]", `[{"name":"web1","cpu":4,"tags":["a","b"]},{"name":"web2","cpu":8,"tags":[]}]`},
		{"(racks[*].hosts)[1][0].name", `"db1"`},
		{"racks[*].id[]", `["r1","r2","r3"]`},
		{"mixed[]", `[1,"x",2,[3]]`},
		{"mixed[*]", `[1,"x",[2,[3]]]`},
		{"empty[]", "null"}, {"sites[]", "null"}, {"nope[*].a", "null"},
		{"sites.*.zip", "[7,0]"}, {"sites.*.n | [].k", "[1,2]"}, {"sites.*.n.k", "null"}, {"*.*.zip", "[[7,0]]"},
		{"racks[?id=='r1' || id=='r2'].hosts[].name", `["web1","web2","db1"]`},
		{"racks[].hosts[?spare].name[]", `["db1"]`},
		{"racks[?contains(keys(@), 'id')].id", `["r1","r2","r3"]`},
		// Slices and indexes.
		{"mixed[-1]", "[2,[3]]"}, {"mixed[9]", "null"}, {"mixed[::-1] | [0]", "[2,[3]]"}, {"mixed[:2]", `[1,"x"]`}, {"mixed[1:2].x", "[]"},
		{"mixed[::0]", "error"}, {"empty[0]", "null"}, {"racks[0:2].id", `["r1","r2"]`},
		// What counts as true, and how strongly operators bind.
		{"zero || `1`", "0"}, {"empty || 'd'", `"d"`}, {"off || nope", "null"}, {"zero && 'y'", `"y"`}, {"empty && 'y'", `""`},
		{"!zero", "false"}, {"!off", "true"}, {"!nope.a", "null"}, {"!(nope.a)", "true"}, {"!(zero == `1`)", "true"},
		{"off || zero && 'y' | @", `"y"`}, {"off == `false` && zero == `0`", "true"}, {"zero == off", "false"}, {"`1` == `true`", "false"},
		{"'b' > 'a'", "true"}, {"zero < `1`", "true"}, {"off < `1`", "null"}, {"mixed > `1`", "null"}, {"'a' < `1`", "error"},
		{"racks[0] == racks[0]", "true"}, {"mixed == `[1,\"x\",null,[2,[3]]]`", "true"},
		// Names, literals and selections.
		{`"odd key"`, "1"}, {`"odd \u006bey"`, "1"}, {"`plain`", `"plain"`}, {`'it\'s'`, `"it's"`}, {`'a\nb'`, `"a\\nb"`}, {"`\"a\\`b\"`", "\"a`b\""},
		{"racks[0].[id, hosts[1].name]", `["r1","web2"]`}, {"sites.{e: east.zip, \"w w\": west.zip}", `{"e":7,"w w":0}`},
		{"nope.[a]", "null"}, {"nope.{a: b}", "null"}, {"[zero, off]", "[0,false]"}, {"racks[*].{i: id, n: length(hosts || `[]`)} | [2]", `{"i":"r3","n":0}`},
		// Functions.
		{"abs(real)", "2.5"}, {"ceil(real)", "-2"}, {"floor(real)", "-3"}, {"avg(`[1,2]`)", "1.5"}, {"avg(`[]`)", "null"}, {"sum(`[]`)", "0"},
		{"sum(mixed)", "error"}, {"sum(`[true]`)", "error"}, {"length(zero)", "error"}, {"length(nope)", "error"}, {"length(empty)", "0"},
		{"max(`[1,3,2]`)", "3"}, {"min(`[\"b\",\"a\"]`)", `"a"`}, {"max(`[]`)", "null"}, {"max(`[1,\"a\"]`)", "error"}, {"sort(`[2,1.5]`)", "[1.5,2]"},
		{"sort_by(racks[].hosts[], &name)[*].name", `["db1","web1","web2"]`}, {"max_by(racks[0].hosts, &cpu).name", `"web2"`},
		{"min_by(racks[0].hosts, &tags)", "error"}, {"sort_by(mixed, &@)", "error"}, {"sort_by(racks, 'id')", "error"}, {"sort_by(`[]`, &a)", "[]"},
		{"map(&id, racks)", `["r1","r2","r3"]`}, {"map(&nope, racks)", "[null,null,null]"}, {"map(&id, sites)", "error"},
		{"contains('abc', 'b')", "true"}, {"contains('abc', `1`)", "error"}, {"contains(mixed, 'x')", "true"}, {"contains(sites, 'x')", "error"},
		{"starts_with('abc', 'ab')", "true"}, {"ends_with('abc', 'ab')", "false"}, {"join('-', map(&id, racks))", `"r1-r2-r3"`}, {"join('-', mixed)", "error"},
		{"keys(sites)", `["east","west","none"]`}, {"values(sites)[1].zip", "0"}, {"keys(mixed)", "error"}, {"reverse('abc')", `"cba"`}, {"reverse(`[1,2]`)", "[2,1]"},
		{"merge(sites.east, `{\"zip\": 1}`).zip", "1"}, {"merge(sites.east, mixed)", "error"}, {"not_null(nope, zero)", "0"}, {"not_null()", "error"},
		{"to_array(zero)", "[0]"}, {"to_array(mixed[3])", "[2,[3]]"}, {"to_string(mixed)", `"[1,\"x\",null,[2,[3]]]"`}, {"to_string('é')", `"é"`},
		{"to_number('12')", "12"}, {"to_number(' 1.5 ')", "1.5"}, {"to_number('x')", "null"}, {"to_number(off)", "null"},
		{"type(@)", `"object"`}, {"type(off)", `"boolean"`}, {"type(nope)", `"null"`}, {"type(mixed)", `"array"`}, {"[type(zero), type(empty)]", `["number","string"]`},
		{"nosuch(@)", "error"}, {"zero || nosuch(@)", "0"}, {"abs(zero, zero)", "error"},
		// What is no expression.
		{"", "error"}, {"a.", "error"}, {".a", "error"}, {"a b", "error"}, {"racks[", "error"}, {"racks[ ]", "error"}, {"racks[a]", "error"}, {"a[1:2:3:4]", "error"},
		{"'open", "error"}, {"a | | b", "error"}, {"{a}", "error"}, {"{a: b,}", "error"}, {"[a,]", "error"}, {`"length"(@)`, "error"}, {"@(a)", "error"}, {"a = b", "error"},
		{"racks[*].'x'", "error"}, {"racks.`1`", "error"}, {"-", "error"}, {"a.1", "error"}, {"#", "error"}, {"(a", "error"},
	} {
		ctx := &template.Context{Vars: template.MapScope{"data": racks, "expr": c.expr}}
		got, err := e.Expr(ctx, "data | json_query(expr)", here)
		if c.want == "error" {
			if err == nil || !strings.Contains(err.Error(), "json_query") {
				t.Errorf("%s = %s, %v; want an error of json_query", c.expr, value.ToJSON(got), err)
			}
			continue
		}
		if err != nil || string(value.ToJSON(got)) != c.want {
			t.Errorf("%s = %s, %v; want %s", c.expr, value.ToJSON(got), err, c.want)
		}
	}
	hv := hosts{value.MapOf("h1", value.MapOf("ip", text("10.0.0.{{ n }}"), "up", true), "h2", value.MapOf("ip", "b"))}
	ctx := &template.Context{Vars: template.MapScope{"hostvars": hv, "n": 7}}
	for expr, want := range map[string]string{"h1.ip": `"10.0.0.7"`, "*.ip": `["10.0.0.7","b"]`, "values(@)[?up].ip": `["10.0.0.7"]`, "keys(@)": `["h1","h2"]`, "h9": "null"} {
		if got, err := e.Expr(ctx, "hostvars | json_query('"+expr+"')", here); err != nil || string(value.ToJSON(got)) != want {
			t.Errorf("hostvars: %s = %s, %v; want %s", expr, value.ToJSON(got), err, want)
		}
	}
}
