package template_test

import "testing"

func TestDeviceFilters(t *testing.T) {
	checkExprs(t, scope("xml", "<a\n b=\"x\ny&#10;z\">t\nu</a>"), [][2]string{
		{"[5, 1, 2, 3, 9, 10, 3] | vlan_parser", `["1-3,5,9,10"]`}, {"[100, 200, 300, 400] | ansible.netcommon.vlan_parser(7, 4)", `["100,200","300","400"]`}, {"[100, 200] | vlan_parser(first_line_len=2)", `["100,200"]`},
		{"[] | vlan_parser", "error: vlan_parser"}, {"[0] | vlan_parser", "error: 1-4094"}, {"['a'] | vlan_parser", "error: vlan_parser"}, {"5 | vlan_parser", "error: not iterable"},
		{"'5,1-3' | ansible.netcommon.vlan_expander", "[1,2,3,5]"}, {"'3-1' | ansible.netcommon.vlan_expander", "[]"}, {"'1-2-3' | ansible.netcommon.vlan_expander", "error: vlan_expander"}, {"'1-999999999' | ansible.netcommon.vlan_expander", "error: vlan_expander"},
		{"'cisco' | type5_pw('nTc1')", `"$1$nTc1$Z28sUTcWfXlvVe2x.3XAa."`}, {"'cisco' | type5_pw | length", "30"}, {"'cisco' | type5_pw('a b')", "error: type5_pw"}, {"5 | type5_pw", "error: type5_pw"},
		{"'$1$nTc1$Z28sUTcWfXlvVe2x.3XAa.' | hash_salt", `"nTc1"`}, {"'x' | hash_salt", "error: hash_salt"},
		{"'cisco' | comp_type5('$1$nTc1$Z28sUTcWfXlvVe2x.3XAa.')", "true"}, {"'other' | comp_type5('$1$nTc1$Z28sUTcWfXlvVe2x.3XAa.')", "false"}, {"'cisco' | ansible.netcommon.comp_type5('$1$nTc1$Z28sUTcWfXlvVe2x.3XAa.', true)", `"$1$nTc1$Z28sUTcWfXlvVe2x.3XAa."`},
		{"'cisco' | comp_type5('x')", "error: comp_type5"}, {"nope | type5_pw", "error: nope"}, {"nope | vlan_parser", "error: nope"},
		{"xml | ansible.utils.from_xml | from_json", `{"a":{"@b":"x y\nz","#text":"t\nu"}}`},
	})
}
