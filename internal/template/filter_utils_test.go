package template_test

import "testing"

func TestUtilsFilters(t *testing.T) {
	ctx := scope(
		"d", parseJSON(t, `{"name": "eth0", "is_up": true, "mtu": 1500, "sub": {"name": "x", "mtu": 1}, "list": [{"mtu": 9}, {"name": "y"}, {}, 0, "s"], "texts": ["a"]}`),
		"p", parseJSON(t, `{"a": {"b": [1, {"c": "x"}], "k 1": {"d": true}, "e": {}, "f": []}, "n": 5}`),
		"rows", parseJSON(t, `[{"n": "x", "v": 1}, {"n": "y"}, {"v": 3}]`),
		"sources", parseJSON(t, `[{"data": [{"n": "e2", "m": 2}, {"n": "e1", "m": 1}], "match_key": "n", "name": "one"}, {"data": [{"id": "e2", "x": 3}], "match_key": "id", "name": "two"}]`))
	checkExprs(t, ctx, [][2]string{
		{"d | ansible.utils.keep_keys(target=['name'])", `{"name":"eth0","sub":{"name":"x"},"list":[{"name":"y"},0,"s"]}`},
		{"d | ansible.utils.keep_keys(target=['m', 'is'], matching_parameter='starts_with')", `{"is_up":true,"mtu":1500,"sub":{"mtu":1},"list":[{"mtu":9},0,"s"]}`},
		{"d.sub | ansible.utils.keep_keys(target=['u'], matching_parameter='ends_with')", `{"mtu":1}`},
		{"[d.sub, 5] | ansible.utils.keep_keys(target=['n.*e$'], matching_parameter='regex')", `[{"name":"x"},5]`},
		{"d | ansible.utils.keep_keys(target=[])", "{}"}, {"5 | ansible.utils.keep_keys(target=['a'])", "error: keep_keys"}, {"d | ansible.utils.keep_keys", "error: 'target'"},
		{"d | ansible.utils.keep_keys(['a'], 'nosuch')", "error: 'matching_parameter'"}, {"d | ansible.utils.keep_keys(['a'], like=1)", "error: keep_keys() got an unexpected"}, {"nope | ansible.utils.keep_keys(['a'])", "error: nope"},
		{"d | ansible.utils.remove_keys(target=['name', 'sub'])", `{"is_up":true,"mtu":1500,"list":[{"mtu":9},"s"],"texts":["a"]}`},
		{"d.list | ansible.utils.remove_keys(target=['^m'], matching_parameter='regex')", `[{"name":"y"},"s"]`}, {"'x' | ansible.utils.remove_keys(target=['a'])", "error: remove_keys"},
		{"d.sub | ansible.utils.replace_keys(target=[{'before': 'name', 'after': 'id'}])", `{"mtu":1,"id":"x"}`},
		{"[d.sub] | ansible.utils.replace_keys(target=[{'before': 'm', 'after': 'M'}], matching_parameter='starts_with')", `[{"name":"x","M":1}]`},
		{"d | ansible.utils.replace_keys(target=['a'])", "error: replace_keys"}, {"d | ansible.utils.replace_keys(target=[{'after': 'a'}])", "error: before"}, {"d | ansible.utils.replace_keys(target=[{'before': 'a', 'x': 1}])", "error: replace_keys"},
		{"p | ansible.utils.to_paths", `{"a.b[0]":1,"a.b[1].c":"x","a['k 1'].d":true,"a.e":{},"a.f":[],"n":5}`}, {"[1, [2]] | ansible.utils.to_paths(prepend='l')", `{"l[0]":1,"l[1][0]":2}`},
		{"{} | ansible.utils.to_paths(wantlist=true)", "[{}]"}, {"{'a': {1: 2}} | ansible.utils.to_paths", "error: to_paths"},
		{"p | ansible.utils.get_path(\"a['k 1'].d\")", "true"}, {"p | ansible.utils.get_path('a.b', wantlist=true)", `[[1,{"c":"x"}]]`}, {"p | ansible.utils.get_path('n')", `"5"`}, {"p | ansible.utils.get_path('a.nope')", "error: nope"},
		{"p | ansible.utils.get_path('a[')", "error: a["}, {"[1] | ansible.utils.get_path('x')", "error: get_path"}, {"p | ansible.utils.get_path(\"lookup('pipe', 'echo no')\")", "error: lookup"},
		{"[1, 2, 3, 2] | ansible.utils.index_of('eq', 2)", "[1,3]"}, {"[1, 2, 3] | ansible.utils.index_of('eq', 2)", "1"}, {"[1, 2, 3] | ansible.utils.index_of('eq', 2, wantlist=true)", "[1]"}, {"[1, 2, 3] | ansible.utils.index_of('!=', 2)", "[0,2]"},
		{"[1, 2, 3] | ansible.utils.index_of('!odd')", "1"}, {"[1, 2, 3] | ansible.utils.index_of('not in', [1, 3])", "1"}, {"['a', 'b'] | ansible.utils.index_of('in', 'b')", "1"}, {"['a', 'ab'] | ansible.utils.index_of('regex', 'b')", "1"},
		{"rows | ansible.utils.index_of('eq', 'y', 'n')", "1"}, {"rows | ansible.utils.index_of('eq', 'y', 'n', fail_on_missing=true)", "error: index_of"}, {"[1] | ansible.utils.index_of('eq', 'y', 'n')", "error: index_of"}, {"[1] | ansible.utils.index_of('nosuch')", "error: nosuch"},
		{"['a'] | ansible.utils.index_of('gt', 1)", "error: index_of"},
		{"sources | ansible.utils.consolidate(fail_missing_match_value=false)", `{"e1":{"one":{"n":"e1","m":1},"two":{}},"e2":{"one":{"n":"e2","m":2},"two":{"id":"e2","x":3}}}`},
		{"sources | ansible.utils.consolidate", "error: fail_missing_match_value"}, {"[{'data': [{}], 'match_key': 'n', 'name': 'a'}] | ansible.utils.consolidate", "error: fail_missing_match_key"},
		{"[{'data': [{'n': 1}, {'n': 1}], 'match_key': 'n', 'name': 'a'}] | ansible.utils.consolidate", "error: fail_duplicate"}, {"[{'data': []}] | ansible.utils.consolidate", "error: consolidate"}, {"[5] | ansible.utils.consolidate", "error: consolidate"},
		{"['c', 'a', 'b'] | ansible.utils.param_list_compare(['all', '!b', 'x'])", `{"actionable":["a","c"],"unsupported":["x"]}`}, {"['a'] | ansible.utils.param_list_compare", "error: 'target'"},
		{"'<a x=\"1\"><b>1</b><b/><c> t </c>u</a>' | ansible.utils.from_xml | from_json", `{"a":{"@x":"1","b":["1",null],"c":"t","#text":"u"}}`}, {"'<n:a xmlns:n=\"u\">&lt;<![CDATA[>]]></n:a>' | ansible.utils.from_xml", `"{\"n:a\": {\"@xmlns:n\": \"u\", \"#text\": \"<>\"}}"`},
		{"'<a><b></a></b>' | ansible.utils.from_xml", "error: from_xml"}, {"'<a/><b/>' | ansible.utils.from_xml", "error: from_xml"}, {"'' | ansible.utils.from_xml", "error: from_xml"}, {"'<a>' | ansible.utils.from_xml", "error: from_xml"},
		{"'<a/>' | ansible.utils.from_xml('lxml')", "error: lxml"},
		{"{'a': {'@x': 'q\"', 'b': [1, none, true], 'c': {'d': '<'}}} | ansible.utils.to_xml", `"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a x='q\"'>\n\t<b>1</b>\n\t<b></b>\n\t<b>true</b>\n\t<c>\n\t\t<d>&lt;</d>\n\t</c>\n</a>"`},
		{"{'a': {'b': 1}, 'c': {'@d': 1, '#text': 't'}} | ansible.utils.to_xml(full_document=false, indent='spaces', indent_width=1)", `"<a>\n <b>1</b>\n</a><c d=\"1\">t</c>"`},
		{"{'a': 1, 'b': 2} | ansible.utils.to_xml", "error: to_xml"}, {"[1] | ansible.utils.to_xml", "error: to_xml"}, {"{'a': 1} | ansible.utils.to_xml(indent='x')", "error: 'indent'"},
		{"query('ansible.utils.index_of', [1, 2, 2], 'eq', 2)", "[1,2]"}, {"query('ansible.utils.get_path', p, 'a.b[1].c')", `["x"]`}, {"lookup('ansible.utils.to_paths', p.a.b)", `{"[0]":1,"[1].c":"x"}`},
		{"lookup('ansible.utils.get_path', p)", "error: 'path'"}, {"lookup('ansible.utils.to_paths', p, bad=1)", "error: bad"}, {"lookup('ansible.utils.index_of', 5, 'odd')", "error: 'data'"},
	})
}
