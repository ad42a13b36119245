package template

import (
	"net/netip"
	"slices"
	"strings"
)

// communityFilters are a few filters of other collections that many playbooks
// use; Ansible's distribution ships them.
func communityFilters() []*def {
	return []*def{
		define("community.general.version_sort", "value reverse=False", func(c *call) (any, error) {
			l, err := c.list(0)
			if err != nil {
				return nil, err
			}
			out := append([]any{}, l...)
			slices.SortStableFunc(out, func(a, b any) int {
				switch {
				case versionLess(Str(a), Str(b)):
					return -1
				case versionLess(Str(b), Str(a)):
					return 1
				}
				return 0
			})
			if c.bool(1) {
				out = reversed(out)
			}
			return out, nil
		}),
		define("community.general.dict", "sequence", func(c *call) (any, error) { return dictOf(c.a[0]) }),
		define("ipaddr|ansible.utils.ipaddr|ansible.netcommon.ipaddr", "value query='' version=False alias='ipaddr'", ipaddrFilter(0)),
		define("ipv4|ansible.utils.ipv4|ansible.netcommon.ipv4", "value query=''", ipaddrFilter(4)),
		define("ipv6|ansible.utils.ipv6|ansible.netcommon.ipv6", "value query=''", ipaddrFilter(6)),
		define("json_query|community.general.json_query", "data expr", func(c *call) (any, error) {
			if err := failUndefined(c.a[0]); err != nil {
				return nil, err
			}
			expr, err := c.needStr(1)
			if err != nil {
				return nil, err
			}
			return jsonQuery(c.f, freeze(c.a[0]), expr)
		}),
	}
}

func communityTests() []*def {
	isIP := func(v any, version int) bool {
		s, ok := asStr(v)
		if !ok {
			return false
		}
		a, err := netip.ParseAddr(s)
		if err != nil {
			p, perr := netip.ParsePrefix(s)
			if perr != nil {
				return false
			}
			a = p.Addr()
		}
		return version == 0 || version == 4 == a.Is4()
	}
	return []*def{
		is("ansible.utils.ip|ansible.utils.ip_address", func(v any) bool { return isIP(v, 0) }),
		is("ansible.utils.ipv4|ansible.utils.ipv4_address", func(v any) bool { return isIP(v, 4) }),
		is("ansible.utils.ipv6|ansible.utils.ipv6_address", func(v any) bool { return isIP(v, 6) }),
	}
}

// ipaddrFilter is the common part of ipaddr: it checks addresses and gives
// their parts. What is no address is False.
func ipaddrFilter(version int) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		if err := c.need(0); err != nil {
			return nil, err
		}
		query := c.str(1)
		v := version
		if len(c.a) > 2 && c.a[2] == 4 || len(c.a) > 2 && c.a[2] == 6 {
			v = c.a[2].(int)
		}
		if l, ok := asList(c.a[0]); ok {
			out := []any{}
			for _, e := range l {
				r, err := ipaddr(Str(e), query, v)
				if err != nil {
					return nil, err
				}
				if Bool(r) {
					out = append(out, r)
				}
			}
			return out, nil
		}
		return ipaddr(c.str(0), query, v)
	}
}

func ipaddr(text, query string, version int) (any, error) {
	addr, err := netip.ParseAddr(text)
	hasPrefix := strings.Contains(text, "/")
	var p netip.Prefix
	if hasPrefix {
		if p, err = netip.ParsePrefix(text); err != nil {
			host, mask, _ := strings.Cut(text, "/")
			bits, ok := maskBits(mask)
			a, aerr := netip.ParseAddr(host)
			if !ok || aerr != nil {
				return false, nil
			}
			p, err = netip.PrefixFrom(a, bits), nil
		}
		addr = p.Addr()
	} else if err == nil {
		p = netip.PrefixFrom(addr, addr.BitLen())
	}
	if err != nil || version == 4 && !addr.Is4() || version == 6 && addr.Is4() {
		return false, nil
	}
	network := p.Masked()
	switch query {
	case "":
		return text, nil
	case "address", "ip":
		if hasPrefix && addr == network.Addr() && p.Bits() < addr.BitLen()-1 {
			return nil, nil
		}
		return addr.String(), nil
	case "network", "network_id":
		return network.Addr().String(), nil
	case "prefix":
		return p.Bits(), nil
	case "netmask":
		return lastAddr(netip.PrefixFrom(zeroAddr(addr), 0), p.Bits()).String(), nil
	case "broadcast":
		if p.Bits() >= addr.BitLen()-1 {
			return nil, nil
		}
		return lastAddr(network, -1).String(), nil
	case "subnet", "net":
		return network.String(), nil
	case "network/prefix":
		return network.String(), nil
	case "host", "host/prefix", "address/prefix":
		return p.String(), nil
	case "version":
		if addr.Is4() {
			return 4, nil
		}
		return 6, nil
	case "size":
		if n := addr.BitLen() - p.Bits(); n < 62 {
			return 1 << n, nil
		}
		return nil, filterErr("ipaddr: the network is too large for 'size'")
	case "private":
		if addr.IsPrivate() {
			return text, nil
		}
		return nil, nil
	case "public":
		if !addr.IsPrivate() && addr.IsGlobalUnicast() {
			return text, nil
		}
		return nil, nil
	case "ipv4":
		if addr.Is4() {
			return text, nil
		}
		return false, nil
	case "ipv6":
		if !addr.Is4() {
			return text, nil
		}
		return false, nil
	}
	if n, ok := parseInt(query, 10); ok {
		i, _ := n.(int)
		a := network.Addr()
		if i < 0 {
			a = lastAddr(network, -1)
			for ; i < -1 && i > -1<<16; i++ {
				a = a.Prev()
			}
		}
		for ; i > 0 && i < 1<<16; i-- {
			a = a.Next()
		}
		if !network.Contains(a) {
			return nil, nil
		}
		return netip.PrefixFrom(a, p.Bits()).String(), nil
	}
	return nil, filterErr("ipaddr: unknown filter type: %s", query)
}

func zeroAddr(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// lastAddr sets the bits after the prefix; with bits it sets so many bits
// from the left instead, which makes a netmask.
func lastAddr(p netip.Prefix, bits int) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range len(b) * 8 {
		if bits < 0 && i >= p.Bits() || i < bits {
			b[i/8] |= 0x80 >> (i % 8)
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// maskBits reads a netmask such as 255.255.255.0.
func maskBits(s string) (int, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return 0, false
	}
	bits, end := 0, false
	for _, b := range a.AsSlice() {
		for i := 7; i >= 0; i-- {
			if b>>i&1 == 1 {
				if end {
					return 0, false
				}
				bits++
			} else {
				end = true
			}
		}
	}
	return bits, true
}
