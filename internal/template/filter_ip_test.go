package template_test

import (
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// checkExprs holds expressions against the JSON of their values. An error is
// wanted as "error: " and what it has to mention.
func checkExprs(t *testing.T, ctx *template.Context, cases [][2]string) {
	t.Helper()
	e := template.New(template.Options{})
	for _, c := range cases {
		got, err := e.Expr(ctx, c[0], here)
		if mention, ok := strings.CutPrefix(c[1], "error: "); ok {
			if err == nil || !strings.Contains(err.Error(), mention) {
				t.Errorf("%s = %s, %v; want an error that mentions %s", c[0], value.ToJSON(got), err, mention)
			}
			continue
		}
		if err != nil || string(value.ToJSON(got)) != c[1] {
			t.Errorf("%s = %s, %v; want %s", c[0], value.ToJSON(got), err, c[1])
		}
	}
}

func TestIPAddr(t *testing.T) {
	ctx := scope()
	// Each query of a host in its network, of a network, and of one of version 6.
	for query, want := range map[string][3]string{
		"":                 {`"192.168.1.5/24"`, `"10.0.0.0/30"`, `"2001:db8::1/64"`},
		"address":          {`"192.168.1.5"`, "null", `"2001:db8::1"`},
		"host/prefix":      {`"192.168.1.5/24"`, "false", `"2001:db8::1/64"`},
		"gateway":          {`"192.168.1.5/24"`, "false", `"2001:db8::1/64"`},
		"bool":             {"true", "true", "true"},
		"broadcast":        {`"192.168.1.255"`, `"10.0.0.3"`, `"2001:db8::ffff:ffff:ffff:ffff"`},
		"cidr":             {`"192.168.1.5/24"`, `"10.0.0.0/30"`, `"2001:db8::1/64"`},
		"first_usable":     {`"192.168.1.1"`, `"10.0.0.1"`, `"2001:db8::1"`},
		"last_usable":      {`"192.168.1.254"`, `"10.0.0.2"`, `"2001:db8::ffff:ffff:ffff:fffe"`},
		"next_usable":      {`"192.168.1.6"`, `"10.0.0.1"`, `"2001:db8::2"`},
		"previous_usable":  {`"192.168.1.4"`, "null", "null"},
		"range_usable":     {`"192.168.1.1-192.168.1.254"`, `"10.0.0.1-10.0.0.2"`, `"2001:db8::1-2001:db8::ffff:ffff:ffff:fffe"`},
		"host":             {`"192.168.1.5/24"`, "null", `"2001:db8::1/64"`},
		"hostmask":         {`"0.0.0.255"`, `"0.0.0.3"`, `"::ffff:ffff:ffff:ffff"`},
		"int":              {`"3232235781/24"`, `"167772160/30"`, `"42540766411282592856903984951653826561/64"`},
		"ip/prefix":        {`"192.168.1.5/24"`, "null", `"2001:db8::1/64"`},
		"ip_netmask":       {`"192.168.1.5 255.255.255.0"`, "null", `"2001:db8::1 ffff:ffff:ffff:ffff::"`},
		"ipv4":             {`"192.168.1.5/24"`, `"10.0.0.0/30"`, "false"},
		"ipv6":             {`"::ffff:192.168.1.5/120"`, `"::ffff:10.0.0.0/126"`, `"2001:db8::1/64"`},
		"net":              {"null", `"10.0.0.0/30"`, "null"},
		"netmask":          {`"255.255.255.0"`, `"255.255.255.252"`, `"ffff:ffff:ffff:ffff::"`},
		"network":          {`"192.168.1.0"`, `"10.0.0.0"`, `"2001:db8::"`},
		"network/prefix":   {`"192.168.1.0/24"`, `"10.0.0.0/30"`, `"2001:db8::/64"`},
		"network_netmask":  {`"192.168.1.0 255.255.255.0"`, `"10.0.0.0 255.255.255.252"`, `"2001:db8:: ffff:ffff:ffff:ffff::"`},
		"network_wildcard": {`"192.168.1.0 0.0.0.255"`, `"10.0.0.0 0.0.0.3"`, `"2001:db8:: ::ffff:ffff:ffff:ffff"`},
		"prefix":           {"24", "30", "64"},
		"private":          {`"192.168.1.5/24"`, `"10.0.0.0/30"`, "null"},
		"public":           {"null", "null", `"2001:db8::1/64"`},
		"unicast":          {`"192.168.1.5/24"`, `"10.0.0.0/30"`, `"2001:db8::1/64"`},
		"multicast":        {"null", "null", "null"},
		"revdns":           {`"5.1.168.192.in-addr.arpa."`, `"0.0.0.10.in-addr.arpa."`, `"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."`},
		"size":             {"256", "4", "18446744073709551616"},
		"size_usable":      {"254", "2", "18446744073709551614"},
		"type":             {`"address"`, `"network"`, `"address"`},
		"version":          {"4", "4", "6"},
		"wrap":             {`"192.168.1.5/24"`, `"10.0.0.0/30"`, `"[2001:db8::1]/64"`},
		"6to4":             {`"2002:c0a8:0105::1/48"`, "false", "false"},
		"1":                {`"192.168.1.1/24"`, `"10.0.0.1/30"`, `"2001:db8::1/64"`},
		"-1":               {`"192.168.1.255/24"`, `"10.0.0.3/30"`, `"2001:db8::ffff:ffff:ffff:ffff/64"`},
		"99":               {`"192.168.1.99/24"`, "false", `"2001:db8::63/64"`},
		"192.168.0.0/16":   {`"192.168.1.5/24"`, "null", "null"},
		"peer":             {"error: point-to-point", "error: ipaddr", "error: point-to-point"},
		"nosuch":           {"error: ipaddr: unknown filter type: nosuch", "error: nosuch", "error: nosuch"},
	} {
		for i, addr := range [...]string{"192.168.1.5/24", "10.0.0.0/30", "2001:db8::1/64"} {
			checkExprs(t, ctx, [][2]string{{"'" + addr + "' | ansible.utils.ipaddr('" + query + "')", want[i]}})
		}
	}
	checkExprs(t, ctx, [][2]string{
		{"'10.0.0.5/30' | ipaddr('peer')", `"10.0.0.6"`}, {"'10.0.0.4/31' | ipaddr('peer')", `"10.0.0.5"`}, {"'10.0.0.5' | ipaddr('first_usable')", "error: ipaddr"},
		{"'::1' | ipaddr('loopback')", `"::1"`}, {"'fe80::1' | ipaddr('link-local')", `"fe80::1"`}, {"'224.0.0.1' | ipaddr('multicast')", `"224.0.0.1"`},
		{"'::1.2.3.4' | ipaddr('v4')", `"1.2.3.4/32"`}, {"3232235781 | ipaddr", `"192.168.1.5"`}, {"'3232235781/24' | ipaddr('net')", "null"}, {"'10.1/16' | ipaddr('net')", `"10.1.0.0/16"`},
		{"'192.168.1.0/255.255.255.0' | ipaddr('prefix')", "24"}, {"'192.168.1.0/0.0.0.255' | ipaddr('prefix')", "24"}, {"'192.168.1.0/255.0.255.0' | ipaddr", "false"},
		{"'' | ipaddr", "false"}, {"true | ipaddr", "false"}, {"none | ipaddr", "error: ipaddr"}, {"1.5 | ipaddr", "error: ipaddr"}, {"nope | ipaddr", "error: nope"},
		{"'fe80::1%eth0' | ipaddr", "false"}, {"'1.2.3.4/33' | ipaddr", "false"}, {"'1.2.3.4' | ipaddr(what=1)", "error: ipaddr() got an unexpected keyword argument 'what'"},
		{"['10.0.0.1', 'x', none, 5, '::1/128'] | ipaddr", `["10.0.0.1","0.0.0.5","::1/128"]`}, {"['10.0.0.1', '::1'] | ipv6('address')", `["::1"]`},
		{"['10.0.0.1', '::1'] | ansible.netcommon.ipv4", `["10.0.0.1"]`}, {"'::1' | ipaddr(version=4)", "false"}, {"'::1' | ipaddr('', 'x')", "error: 'version'"},
		{"['10.0.0.1', '::1', 'x'] | ipwrap", `["10.0.0.1","[::1]","x"]`}, {"'fe80::1/64' | ipwrap", `"[fe80::1]/64"`}, {"5 | ipwrap", "error: ipwrap"},
	})
}

func TestNetworkFilters(t *testing.T) {
	checkExprs(t, scope(), [][2]string{
		{"'192.168.144.5' | ipsubnet(20)", `"192.168.144.0/20"`}, {"'192.168.0.0/16' | ipsubnet(20)", `"16"`}, {"'192.168.0.0/16' | ipsubnet(20, 0)", `"192.168.0.0/20"`},
		{"'192.168.0.0/16' | ipsubnet(20, -1)", `"192.168.240.0/20"`}, {"'192.168.0.0/16' | ipsubnet(20, 16)", "false"}, {"'192.168.144.5' | ipsubnet(20, -1)", `"192.168.144.4/31"`},
		{"'192.168.0.0/24' | ipsubnet(20)", "error: ipsubnet"}, {"'192.168.144.16/30' | ipsubnet('192.168.0.0/16')", `"9221"`}, {"'192.168.1.0/24' | ipsubnet('10.0.0.0/8')", "error: ipsubnet"},
		{"'192.168.1.0/24' | ipsubnet('x')", "error: ipsubnet"}, {"'x' | ipsubnet(20)", "false"}, {"'fe80::/10' | ipsubnet", `"fe80::/10"`}, {"'2001:db8::/32' | ipsubnet(64, 4294967295)", `"2001:db8:ffff:ffff::/64"`},
		{"'192.168.1.255/24' | ipmath(2)", `"192.168.2.1"`}, {"'2001::1' | ipmath(-1)", `"2001::"`}, {"'10.1' | ipmath(1)", `"10.0.0.2"`}, {"'0.0.0.0' | ipmath(-1)", "error: ipmath"},
		{"'x' | ipmath(1)", "error: ipmath"}, {"'1.2.3.4' | ipmath('x')", "error: 'amount'"}, {"'192.168.1.5' | ansible.utils.ip4_hex(':')", `"c0:a8:01:05"`}, {"'1.2' | ip4_hex", "error: ip4_hex"},
		{"'10.0.0.0/8' | nthhost(305)", `"10.0.1.49"`}, {"'10.0.0.0/30' | nthhost(4)", "false"}, {"'10.0.0.0/30' | nthhost(-9)", "error: nthhost"},
		{"'10.0.0.1/24' | next_nth_usable(2)", `"10.0.0.3"`}, {"'10.0.0.1/30' | next_nth_usable(2)", "null"}, {"'10.0.0.9/24' | previous_nth_usable(2)", `"10.0.0.7"`}, {"'10.0.0.9/24' | next_nth_usable(true)", "error: next_nth_usable"},
		{"'10.0.0.0/8' | network_in_network('10.1.0.0/16')", "true"}, {"'10.0.0.0/8' | network_in_usable('10.0.0.0')", "false"}, {"'10.0.0.0/8' | network_in_network('11.1.0.0/16')", "false"},
		{"['10.0.0.4', '11.0.0.1', 'x', '10.1.0.0/16'] | reduce_on_network('10.0.0.0/8')", `["10.0.0.4","10.1.0.0/16"]`}, {"{} | reduce_on_network('10.0.0.0/8')", "error: reduce_on_network"},
		{"['10.0.0.0/24', '10.0.1.0/24', '10.9.0.1/16', '::1'] | cidr_merge", `["10.0.0.0/23","10.9.0.1/16","::1/128"]`}, {"['0.0.0.0/0', '1.2.3.4'] | cidr_merge", `["0.0.0.0/0"]`},
		{"['192.168.0.1', '192.168.0.2', '192.168.0.3'] | cidr_merge", `["192.168.0.1/32","192.168.0.2/31"]`}, {"['10.0.1.1', '10.0.2.1'] | cidr_merge('span')", `"10.0.0.0/22"`},
		{"['10.0.1.1', '::1'] | cidr_merge('span')", "error: cidr_merge"}, {"['x'] | cidr_merge", "error: cidr_merge"}, {"[] | cidr_merge('nosuch')", "error: cidr_merge"},
		{"'10.0.0.0/30' | ansible.utils.usable_range", `{"usable_ips":["10.0.0.0","10.0.0.1","10.0.0.2","10.0.0.3"],"number_of_ips":4}`}, {"'10.0.0.1/30' | ansible.utils.usable_range", "error: usable_range"},
		{"'::/64' | ansible.utils.usable_range", "error: usable_range"},
		{"'1a:2b:3c:d:e:f' | hwaddr('linux')", `"1a:2b:3c:0d:0e:0f"`}, {"'1a2b.3c0d.0e0f' | hwaddr('unix')", `"1a:2b:3c:d:e:f"`}, {"'1a-2b-3c-0d-0e-0f' | hwaddr('cisco')", `"1a2b.3c0d.0e0f"`},
		{"'1a2b3c0d0e0f' | hwaddr('bare')", `"1A2B3C0D0E0F"`}, {"'1a2b3c-0d0e0f' | hwaddr('pgsql')", `"1a2b3c:0d0e0f"`}, {"'1a:2b:3c:d:e:f' | ansible.utils.macaddr('win')", `"1A-2B-3C-0D-0E-0F"`},
		{"'1a:2b:3c:d:e:f' | hwaddr('int')", "28772993404431"}, {"'x' | hwaddr", "null"}, {"'x' | hwaddr('bool')", "null"}, {"'x' | hwaddr('unix')", "error: hwaddr"}, {"'1a:2b:3c:d:e:f' | hwaddr('nosuch')", "error: hwaddr"},
		{"'00:11:22:33:44:55:66:77' | hwaddr('bool')", "true"}, {"'00:11:22:33:44:55:66:77' | hwaddr('unix')", "error: hwaddr"},
		{"'fdcf:1894:23b5:d38c::/64' | slaac('c2:31:b3:83:bf:2b')", `"fdcf:1894:23b5:d38c:c031:b3ff:fe83:bf2b"`}, {"'10.0.0.0/8' | slaac('c2:31:b3:83:bf:2b')", "false"}, {"'fe80::/64' | slaac('x')", "false"},
	})
}

func TestNetworkTests(t *testing.T) {
	for name, c := range map[string]struct{ yes, no string }{
		"ip":               {"10.0.0.0/8 10.0.0.1 ::1 10.0.0.0/255.0.0.0 fe80::1%eth0", "10.0.0.1/8 x 10.0.0.0/33 01.2.3.4"},
		"ip_address":       {"10.0.0.1 ::1 fe80::1%eth0", "10.0.0.0/8 10 x"},
		"ipv4":             {"10.0.0.0/8 1.2.3.4", "::1 10.0.0.1/8"},
		"ipv6_address":     {"::1", "1.2.3.4 ::/0"},
		"ipv4_netmask":     {"255.255.0.0 255.0.0.0", "0.0.255.255 0.0.0.0 255.0.255.0 24"},
		"ipv4_hostmask":    {"0.0.255.255", "255.255.0.0 8 255.255.255.255"},
		"ipv6_ipv4_mapped": {"::ffff:1.2.3.4", "::1.2.3.4 1.2.3.4"},
		"ipv6_sixtofour":   {"2002:c000:204::1", "2001:db8::1"},
		"ipv6_teredo":      {"2001::1", "2001:1::1"},
		"loopback":         {"127.9.9.9 ::1", "128.0.0.1 ::2 ::ffff:127.0.0.1"},
		"mac":              {"aa:bb:cc:dd:ee:ff AABB.CCDD.EEFF aabbccddeeff aa-bb-cc-dd-ee-ff", "aa:bb:cc:dd:ee aabb.ccdd a:b:c:d:e:f x"},
		"multicast":        {"224.0.0.1 ff02::1", "192.168.1.1"},
		"private":          {"10.0.0.1 192.0.2.1 fd00::1 ::ffff:10.0.0.1", "8.8.8.8 100.64.0.1 192.0.0.9"},
		"public":           {"8.8.8.8 2606:4700::1", "10.0.0.1 100.64.0.1 2001:db8::1"},
		"reserved":         {"240.0.0.1 ::1", "8.8.8.8 2001:db8::1"},
		"unspecified":      {"0.0.0.0 ::", "::1"},
		"resolvable":       {"localhost", ""},
	} {
		for _, ip := range strings.Fields(c.yes) {
			checkExprs(t, scope(), [][2]string{{"'" + ip + "' is ansible.utils." + name, "true"}})
		}
		for _, ip := range strings.Fields(c.no) {
			checkExprs(t, scope(), [][2]string{{"'" + ip + "' is ansible.utils." + name, "false"}})
		}
	}
	checkExprs(t, scope(), [][2]string{
		{"'10.1.1.1' is ansible.utils.in_network('10.0.0.0/8')", "true"}, {"'10.1.1.1/8' is ansible.utils.in_network('10.0.0.0/8')", "false"},
		{"'10.1.0.0/16' is ansible.utils.subnet_of('10.0.0.0/8')", "true"}, {"'10.0.0.0/8' is ansible.utils.supernet_of('10.1.0.0/16')", "true"}, {"'::/0' is ansible.utils.supernet_of('10.1.0.0/16')", "false"},
		{"'10.1.1.1' is ansible.utils.in_any_network(['::/0', '10.0.0.0/8'])", "true"}, {"'10.1.1.1' is ansible.utils.in_one_network(['10.0.0.0/8', '10.0.0.0/9'])", "false"},
		{"'10.1.1.1' is ansible.utils.in_one_network({})", "error: in_one_network"}, {"5 is ansible.utils.ip", "false"}, {"5 is ansible.utils.mac", "error: mac"}, {"nope is ansible.utils.ip", "error: nope"},
	})
}
