package template_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

func TestGeneralFilters(t *testing.T) {
	ctx := scope(
		"one", parseJSON(t, `[{"i": "a", "v": 1, "l": [1, 2], "d": {"x": 1}}, {"i": "b", "v": 2}]`),
		"two", parseJSON(t, `[{"i": "c", "v": 5}, {"i": "a", "l": [2, 3], "d": {"y": 2}}]`),
		"flat", parseJSON(t, `[{"k0_x": 1, "k1_x": 2, "y": 3}]`),
		"table", "a,b\n1,\"x,\"\"y\"\"\"\n\n2\n3,4,5\n", "open", "a,b\n\"1\"2,3\n", "ini", "[s]\nK=v\nn: 2\n[t]\n", "multi", "[s]\na=1\n\n  2\n\n", "noname", "[s]\n=1\n", "spaced", "a,b\n1, \"q\"\n")
	const cg = "community.general."
	checkExprs(t, ctx, [][2]string{
		{"[1, 'a', 2, 'a'] | community.general.counter", `{"1":1,"a":2,"2":1}`}, {"'abca' | community.general.counter", `{"a":2,"b":1,"c":1}`}, {"{} | community.general.counter", "error: Argument for community.general.counter must be a sequence"},
		{"[[1]] | community.general.counter", "error: community.general.counter needs a sequence with hashable elements"}, {"'test' | community.general.crc32", `"d87f7e0c"`}, {"5 | community.general.crc32", "error: crc32"},
		{"'v' | community.general.dict_kv('k')", `{"k":"v"}`}, {"[1, 2] | map('community.general.dict_kv', 'k') | list", `[{"k":1},{"k":2}]`}, {"1 | community.general.dict_kv([])", "error: unhashable"}, {"1 | community.general.dict_kv", "error: dict_kv"},
		{"one | community.general.groupby_as_dict('v') | dict2items | map(attribute='key') | list", "[1,2]"}, {"5 | community.general.groupby_as_dict('v')", "error: Input is not a sequence"}, {"[5] | community.general.groupby_as_dict('v')", "error: Sequence element #0 is not a mapping"},
		{"one | community.general.groupby_as_dict('l')", "error: unhashable"}, {"two | community.general.groupby_as_dict('v')", "error: Attribute not contained in element #1"}, {"(one + one) | community.general.groupby_as_dict('i')", "error: Multiple sequence entries have attribute value 'a'"},
		{"one | community.general.lists_mergeby(two, 'i')", `[{"i":"a","v":1,"l":[2,3],"d":{"y":2}},{"i":"b","v":2},{"i":"c","v":5}]`},
		{"[one, two] | community.general.lists_mergeby('i', recursive=true, list_merge='append_rp')", `[{"i":"a","v":1,"l":[1,2,3],"d":{"x":1,"y":2}},{"i":"b","v":2},{"i":"c","v":5}]`},
		{"one | community.general.lists_mergeby([], 'i')", string(value.ToJSON(parseJSON(t, `[{"i":"a","v":1,"l":[1,2],"d":{"x":1}},{"i":"b","v":2}]`)))}, {"[] | community.general.lists_mergeby('i')", "[]"}, {"one | community.general.lists_mergeby(two, 5)", "error: lists_mergeby"},
		{"one | community.general.lists_mergeby(5, 'i')", "error: lists_mergeby"}, {"one | community.general.lists_mergeby([5], 'i')", "error: lists_mergeby"}, {"one | community.general.lists_mergeby(two, 'i', deep=1)", "error: lists_mergeby"}, {"one | community.general.lists_mergeby", "error: lists_mergeby"},
		{"[1, 2, 1] | community.general.lists_union([3, [4]], [[4]])", "[1,2,3,[4]]"}, {"[3, 1, 2, 1] | community.general.lists_intersect([1, 3])", "[3,1]"}, {"[3, 1, 2, 1] | community.general.lists_difference([3])", "[1,2]"},
		{"[1, 2] | community.general.lists_symmetric_difference([2, 3])", "[1,3]"}, {"[[1, 2], [2, 3]] | community.general.lists_union(flatten=true)", "[1,2,3]"}, {"[1] | community.general.lists_union(5)", "error: lists_union"}, {"[1] | community.general.lists_union([2], x=1)", "error: lists_union"},
		{"flat | community.general.keep_keys(target='k0_x')", `[{"k0_x":1}]`}, {"flat | community.general.keep_keys(target=['k'], matching_parameter='starts_with')", `[{"k0_x":1,"k1_x":2}]`}, {"flat | community.general.remove_keys(target='^.*_x$', matching_parameter='regex')", `[{"y":3}]`},
		{"flat | community.general.remove_keys(target=['a', 'b'], matching_parameter='regex')", "error: remove_keys"}, {"flat | community.general.keep_keys(target=[])", "error: keep_keys"}, {"flat | community.general.keep_keys(target='')", "error: keep_keys"}, {"flat | community.general.replace_keys(target=[{'before': 'a'}])", "error: replace_keys"}, {"flat | community.general.keep_keys(target='a', matching_parameter='x')", "error: keep_keys"},
		{"[1] | community.general.keep_keys(target='a')", "error: keep_keys"}, {"{} | community.general.keep_keys(target='a')", "error: keep_keys"},
		{"flat | community.general.replace_keys(target=[{'before': 'k0_x', 'after': 'a'}, {'before': 'y', 'after': 'b'}])", `[{"a":1,"k1_x":2,"b":3}]`}, {"flat | community.general.replace_keys(target=[])", "error: replace_keys"}, {"flat | community.general.replace_keys(target='x')", "error: replace_keys"},
		{"'52:54:00' | random_mac(seed='x') == '52:54:00' | community.general.random_mac('x')", "true"}, {"'52:54' | random_mac is match('52:54(:[0-9a-f]{2}){4}$')", "true"}, {"'52:54:00:00:00' | random_mac(seed=1) | length", "17"}, {"'52:54:00' | random_mac(seed='host1')", `"52:54:00:4f:7c:77"`},
		{"5 | random_mac", "error: random_mac"}, {"'x' | random_mac", "error: random_mac"}, {"'1:2:3:4:5:6' | random_mac", "error: random_mac"},
		{"'1h 30m' | community.general.to_minutes", "90.0"}, {"'1000ms' | community.general.to_seconds", "1.0"}, {"'-1d' | community.general.to_hours", "-24.0"}, {"'1w' | community.general.to_time_unit('days')", "7.0"}, {"'0' | community.general.to_days", "0"}, {"'1y' | community.general.to_months(month=28, year=280)", "10.0"},
		{"'100s' | community.general.to_weeks", "0.000165343915"}, {"'1x' | community.general.to_days", "error: to_time_unit() can not interpret"}, {"'1s' | community.general.to_time_unit('x')", "error: to_time_unit() can not convert"}, {"'1s' | community.general.to_days(day=1)", "error: to_time_unit() got unknown keyword"},
		{"5 | community.general.to_days", "error: to_days"}, {"'1s' | community.general.to_days('s')", "error: to_days"}, {"'1y' | community.general.to_days(year='x')", "error: year"},
		{"'a\u0308' | community.general.unicode_normalize", `"ä"`}, {"'ä' | community.general.unicode_normalize('NFD') | length", "2"}, {"'x' | community.general.unicode_normalize('nfc')", "error: unicode_normalize"}, {"5 | community.general.unicode_normalize", "error: unicode_normalize"},
		{"table | community.general.from_csv", `[{"a":"1","b":"x,\"y\""},{"a":"2","b":null},{"a":"3","b":"4","null":["5"]}]`}, {"'1;2' | community.general.from_csv(delimiter=';', fieldnames=['x', 'y'])", `[{"x":"1","y":"2"}]`}, {"'' | community.general.from_csv", "[]"},
		{"open | community.general.from_csv", `[{"a":"12","b":"3"}]`}, {"open | community.general.from_csv(strict=true)", "error: Unable to process file"}, {"spaced | community.general.from_csv(skipinitialspace=true)", `[{"a":"1","b":"q"}]`}, {"table | community.general.from_csv(dialect='x')", "error: from_csv"},
		{"table | community.general.from_csv(delimiter='ab')", "error: from_csv"}, {"[] | community.general.from_csv", "error: from_csv"},
		{"ini | community.general.from_ini", `{"s":{"K":"v","n":"2"},"t":{}}`}, {"multi | community.general.from_ini", `{"s":{"a":"1\n\n2"}}`}, {"'x' | community.general.from_ini", "error: from_ini"}, {"noname | community.general.from_ini", "error: from_ini"}, {"{'DEFAULT': {}} | community.general.to_ini", "error: to_ini"}, {"{'s': {'a': 1, 'b': true}} | community.general.to_ini", `"[s]\na = 1\nb = True\n"`}, {"{} | community.general.to_ini", "error: to_ini"}, {"{'s': 1} | community.general.to_ini", "error: to_ini"},
		{"[1, true, [2]] | community.general.reveal_ansible_type", `"list[bool|int|list]"`}, {"{'a': 1.5} | community.general.reveal_ansible_type({'float': 'number'})", `"dict[str, number]"`}, {"1 | community.general.reveal_ansible_type('x')", "error: reveal_ansible_type"},
		{"nope | " + cg + "counter", "error: nope"}, {"nope | " + cg + "lists_union([1])", "error: nope"}, {"nope | " + cg + "to_seconds", "error: nope"}, {"nope | " + cg + "from_csv", "error: nope"}, {"nope | random_mac", "error: nope"},
	})
}

func TestGeneralLookups(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"col/a/b", "col/c/d", "col/e/f", "files/tree/sub"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"col/a/b/MANIFEST.json": `{"collection_info": {"version": "1.2.3"}}`, "col/c/d/galaxy.yml": "version: 4.5.6\n", "col/e/f/galaxy.yml": "name: f\n",
		"files/tree/z": "1", "files/tree/sub/x": "22",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("z", filepath.Join(dir, "files/tree/link")); err != nil {
		t.Fatal(err)
	}
	ctx := scope("ips", parseJSON(t, `{"h1": ["a", "b"], "h2": []}`), "p_l_1", []any{1}, "p_l_2", []any{2}, "p_d_1", parseJSON(t, `{"a": 1, "s": {"x": 1}, "l": [1]}`),
		"p_d_2", value.MapOf("s", value.MapOf("y", "{{ p_l_2[0] }}"), "l", []any{2}), "q_d", value.MapOf("a", 2), "bad", "text")
	ctx.Env.BaseDir = dir
	ctx.Env.IsModule = func(name string) bool { return name == "copy" }
	ctx.Env.Collection = func(name string) string {
		path := filepath.Join(dir, "col", strings.ReplaceAll(name, ".", "/"))
		if _, err := os.Stat(path); err != nil {
			return ""
		}
		return path
	}
	var warned []string
	ctx.Env.Warn = func(msg string) { warned = append(warned, msg) }
	const cg = "query('community.general."
	checkExprs(t, ctx, [][2]string{
		{cg + "dependent', {'a': ['h1', 'h2']}, {'b': 'ips[item.a]'})", `[{"a":"h1","b":"a"},{"a":"h1","b":"b"}]`}, {cg + "dependent', {'a': {'k': 1}}, {'b': '[item.a.value]'})", `[{"a":{"key":"k","value":1},"b":1}]`}, {cg + "dependent')", "[]"},
		{cg + "dependent', {'a': 'nope'})", "error: nope"}, {cg + "dependent', {'a': '5'})", `[{"a":"5"}]`}, {cg + "dependent', {'a': 5})", "error: Parameter 'a'"}, {cg + "dependent', 5)", "error: Parameter 0"}, {cg + "dependent', {'a': [], 'b': []})", "error: one-element"},
		{cg + "dependent', {'a': [1]}, {'a': [2]})", "error: more than once"},
		{cg + "merge_variables', '^p_l')", "[[1,2]]"}, {cg + "merge_variables', 'p_d_', pattern_type='prefix')", `[{"a":1,"s":{"x":1,"y":"2"},"l":[1,2]}]`}, {cg + "merge_variables', '_1', pattern_type='suffix')", "error: p_l_1"},
		{cg + "merge_variables', '_d', initial_value={'z': 0})", "error: 'a'"}, {cg + "merge_variables', '_d', override='ignore')", `[{"a":2,"s":{"x":1,"y":"2"},"l":[1,2]}]`}, {cg + "merge_variables', '_d', override='warn')[0].a", "2"}, {cg + "merge_variables', 'nope')", "[null]"},
		{cg + "merge_variables', 'bad')", "error: bad"}, {cg + "merge_variables', 'x', pattern_type='y')", "error: pattern_type"}, {cg + "merge_variables', 'x', what=1)", "error: what"}, {cg + "merge_variables', '^p_l', initial_value=[0])", "[[0,1,2]]"},
		{"lookup('community.general.random_string', length=30, special=false) is match('[A-Za-z0-9]{30}$')", "true"}, {"lookup('community.general.random_string', override_all='x', length=3)", `"xxx"`}, {"lookup('community.general.random_string', override_all='x', length=3, base64=true)", `"eHh4"`},
		{"lookup('community.general.random_string', length=4, min_numeric=2, min_upper=2) is match('[A-Z0-9]{4}$')", "true"},
		{"lookup('community.general.random_string', upper=false, lower=false, numbers=false, special=false)", "error: random_string"}, {"lookup('community.general.random_string', size=3)", "error: size"}, {"lookup('community.general.random_string', length='x')", "error: length"},
		{cg + "collection_version', 'a.b', 'c.d', 'e.f', 'x.y', 'ansible.builtin')", `["1.2.3","4.5.6","*",null,"*"]`}, {cg + "collection_version', 'x.y', result_not_found='no')", `["no"]`}, {cg + "collection_version', 'x')", "error: \"x\" is not a FQCN"},
		{cg + "filetree', 'tree') | map(attribute='path') | list", `["sub","link","z","sub/x"]`}, {cg + "filetree', 'tree') | map(attribute='state') | list", `["directory","link","file","file"]`}, {"(" + cg + "filetree', 'tree') | last).mode", `"0640"`},
		{cg + "filetree', 'tree', 'tree/sub') | map(attribute='size') | last", "2"}, {cg + "filetree', 'nope')", "[]"},
		{"'copy' is community.general.a_module", "true"}, {"'nope' is not community.general.a_module", "true"}, {"5 is community.general.a_module", "error: a_module"},
	})
	if len(warned) != 1 || !strings.Contains(warned[0], "The key 'a'") {
		t.Errorf("warnings: %q", warned)
	}
	if _, err := template.New(template.Options{}).Expr(scope(), "'x' is community.general.a_module", here); err == nil {
		t.Error("a module was known without a list of them")
	}
}
