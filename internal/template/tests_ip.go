package template

import (
	"net"
	"net/netip"
	"strings"
)

// onAddr makes a test of ansible.utils for an address as Python's ipaddress reads it.
func onAddr(name string, is func(a netip.Addr) bool) *def {
	return define("ansible.utils."+name, "ip", func(c *call) (any, error) {
		s, ok := asStr(c.a[0])
		if err := c.need(0); err != nil || !ok {
			return false, err
		}
		a, err := netip.ParseAddr(s)
		return err == nil && !strings.Contains(s, "/") && is(a.WithZone("")), nil
	})
}

// onNet makes a test for a network.
func onNet(name string, is func(n ipNet) bool) *def {
	return define("ansible.utils."+name, "ip", func(c *call) (any, error) {
		n, ok, err := c.strictNet(0)
		return ok && is(n), err
	})
}

// strictNet reads argument i as a network, as Python's ipaddress does.
func (c *call) strictNet(i int) (n ipNet, ok bool, err error) {
	s, isText := asStr(c.a[i])
	if err := c.need(i); err != nil || !isText {
		return n, false, err
	}
	n, ok = parseStrict(s)
	return n, ok, nil
}

// onMask makes a test for a mask of version 4, written as mask gives it.
func onMask(name, param string, mask func(n ipNet) netip.Addr) *def {
	return define("ansible.utils."+name, param, func(c *call) (any, error) {
		s, ok := asStr(c.a[0])
		if err := c.need(0); err != nil || !ok {
			return false, err
		}
		n, ok := parseStrict("10.0.0.0/" + s)
		return ok && mask(n).String() == s, nil
	})
}

// inside makes a test for a network within another; outer and inner say which
// argument is which.
func inside(name, signature string, inner, outer int) *def {
	return define("ansible.utils."+name, signature, func(c *call) (any, error) {
		n, ok, err := c.strictNet(inner)
		if err != nil {
			return nil, err
		}
		of, isNet, err := c.strictNet(outer)
		return ok && isNet && of.holds(n), err
	})
}

// inMany makes a test for a network within so many others as enough says.
func inMany(name string, enough func(n int) bool) *def {
	return define("ansible.utils."+name, "ip networks", func(c *call) (any, error) {
		n, ok, err := c.strictNet(0)
		if err != nil {
			return nil, err
		}
		if _, err := c.listArg(1); err != nil {
			return nil, err
		}
		l, err := c.list(1) // of a text its letters, of which none is a network
		if err != nil {
			return nil, err
		}
		count := 0
		for _, e := range l {
			s, isText := asStr(e)
			if of, isNet := parseStrict(s); ok && isText && isNet && of.holds(n) {
				count++
			}
		}
		return enough(count), nil
	})
}

func always[T any](T) bool { return true }

// What the registries of IANA say of addresses, as Python's ipaddress has it.
var (
	reservedNets = nets("240.0.0.0/4 ::/8 100::/8 200::/7 400::/6 800::/5 1000::/4 4000::/3 6000::/3 8000::/3 a000::/3 c000::/3 e000::/4 " +
		"f000::/5 f800::/6 fe00::/9")
	localNets = nets("0.0.0.0/8 10.0.0.0/8 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 " +
		"198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 ::1/128 ::/128 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 fc00::/7 fe80::/10")
	globalNets = nets("192.0.0.9/32 192.0.0.10/32 2001:1::1/128 2001:1::2/128 2001:3::/32 2001:4:112::/48 2001:20::/28 2001:30::/28")
	sharedNets = nets("100.64.0.0/10")
)

func isPrivate(a netip.Addr) bool {
	a = a.Unmap()
	n := ipNet{a, a.BitLen()}
	return within(n, localNets) && !within(n, globalNets)
}

// networkTests are the tests of ansible.utils.
func networkTests() []*def {
	return []*def{
		onNet("ip", always[ipNet]), onAddr("ip_address", always[netip.Addr]),
		onNet("ipv4", func(n ipNet) bool { return n.version() == 4 }), onAddr("ipv4_address", netip.Addr.Is4),
		onNet("ipv6", func(n ipNet) bool { return n.version() == 6 }), onAddr("ipv6_address", netip.Addr.Is6),
		onMask("ipv4_netmask", "mask", ipNet.netmask), onMask("ipv4_hostmask", "ip", ipNet.hostmask),
		onAddr("ipv6_ipv4_mapped", netip.Addr.Is4In6),
		onAddr("ipv6_sixtofour", func(a netip.Addr) bool { return netip.MustParsePrefix("2002::/16").Contains(a) }),
		onAddr("ipv6_teredo", func(a netip.Addr) bool { return netip.MustParsePrefix("2001::/32").Contains(a) }),
		onAddr("loopback", func(a netip.Addr) bool { return within(ipNet{a, a.BitLen()}, loopbackNets) }),
		onAddr("multicast", func(a netip.Addr) bool { return within(ipNet{a, a.BitLen()}, multicastNets) }),
		onAddr("private", isPrivate),
		onAddr("public", func(a netip.Addr) bool {
			u := a.Unmap()
			return !isPrivate(a) && !within(ipNet{u, u.BitLen()}, sharedNets)
		}),
		onAddr("reserved", func(a netip.Addr) bool { return within(ipNet{a, a.BitLen()}, reservedNets) }),
		onAddr("unspecified", func(a netip.Addr) bool { return a.IsUnspecified() }),
		inside("in_network", "ip network", 0, 1), inside("subnet_of", "network_a network_b", 0, 1),
		inside("supernet_of", "network_a network_b", 1, 0),
		inMany("in_any_network", func(n int) bool { return n > 0 }), inMany("in_one_network", func(n int) bool { return n == 1 }),
		define("ansible.utils.mac", "mac", func(c *call) (any, error) {
			s, err := c.needStr(0)
			return isMAC(strings.TrimSuffix(s, "\n")), err
		}),
		define("ansible.utils.resolvable", "host", func(c *call) (any, error) {
			s, err := c.needStr(0)
			if err != nil {
				return nil, err
			}
			var found []string
			if _, isIP := parseAddr(s); isIP {
				found, err = net.DefaultResolver.LookupAddr(c.f.r.st.c.ctx(), s)
			} else {
				found, err = net.DefaultResolver.LookupHost(c.f.r.st.c.ctx(), s)
			}
			return err == nil && len(found) > 0, nil
		}),
	}
}

// isMAC reports whether s is a hardware address as systems write it: pairs of
// letters, three words with dots, or all in one.
func isMAC(s string) bool {
	hex := func(w string, n int) bool { return len(w) == n && strings.Trim(w, digitChars+"abcdefABCDEF") == "" }
	pairs := strings.FieldsFunc(s, func(r rune) bool { return r == ':' || r == '-' })
	words := strings.Split(s, ".")
	size := 0
	switch {
	case len(pairs) == 6 && len(s) == 17:
		words, size = pairs, 2
	case len(words) == 3:
		size = 4
	case len(words) == 1:
		size = 12
	}
	for _, w := range words {
		if !hex(w, size) {
			return false
		}
	}
	return true
}
