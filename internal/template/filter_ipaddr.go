package template

import (
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// ipAsked is what a query of ipaddr is asked of: a network, the text that it was
// written as, and whether that had a prefix.
type ipAsked struct {
	ipNet
	text   any
	prefix bool
	alias  string
}

// ipaddrFilter makes ipaddr for one version, 0 for both.
func ipaddrFilter(version int) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		if err := c.need(0); err != nil {
			return nil, err
		}
		v := freeze(c.a[0])
		switch _, isText := asStr(v); v.(type) {
		case []any, int, *big.Int, bool:
		default:
			if !isText {
				return nil, typeErr("%s: cannot take a %s; it must be text, a list or a number", c.short(), TypeName(v))
			}
		}
		query, err := c.textArg(1)
		if err != nil {
			return nil, err
		}
		if c.a[1] == nil && c.given(1) {
			return nil, filterErr("%s: unknown filter type: None", c.short())
		}
		alias, only := c.short(), version
		if version == 0 {
			n, err := c.intArg(2)
			if err != nil {
				return nil, err
			}
			if n != nil && c.a[2] != false {
				if only = int(n.Int64()); only == 0 && n.Sign() != 0 {
					only = -1
				}
			}
			if c.given(3) && c.a[3] != nil {
				alias = c.str(3)
			}
		}
		return ipaddr(v, query, only, alias)
	}
}

// ipaddr answers a query for an address or network, false for what is none. Of a
// list it gives the answers that are true.
func ipaddr(v any, query string, version int, alias string) (any, error) {
	if l, ok := asList(v); ok {
		out := []any{}
		for _, e := range l {
			r, err := ipaddr(e, query, version, "ipaddr")
			if err != nil {
				return nil, err
			}
			if Bool(r) {
				out = append(out, r)
			}
		}
		return out, nil
	}
	if !Bool(v) || v == true {
		return false, nil
	}
	q, ok := readIP(v, version)
	if !ok {
		return false, nil
	}
	q.alias = alias
	ask, known := ipQueries[query]
	around, isNet := ipNet{}, false
	if !known && query != "" && strings.Trim(query, digitChars) != "" {
		if isIP, _ := ipaddr(query, "network", 0, ""); Bool(isIP) {
			around, isNet = parseIPNet(query)
		}
	}
	switch {
	case version != 0 && q.version() != version:
		return false, nil
	case known:
		return ask(q)
	case isNet:
		if around.holds(q.cidr()) {
			return q.text, nil
		}
		return nil, nil
	}
	if _, ok := toFloat(query); !ok {
		return nil, filterErr("%s: unknown filter type: %s", alias, query)
	}
	if q.hostBits() == 0 {
		if q.prefix {
			return q.String(), nil
		}
		return addrText(q.addr), nil
	}
	n, _ := parseInt(query, 10)
	if i, ok := asBig(n); ok {
		if a, ok := q.at(i); ok {
			return ipNet{a, q.bits}.String(), nil
		}
	}
	return false, nil
}

// readIP reads what is an address, a network or the number of one.
func readIP(v any, version int) (ipAsked, bool) {
	text := Str(v)
	if strings.Trim(text, digitChars) == "" {
		n, _ := parseInt(text, 10)
		i, ok := asBig(n)
		if !ok {
			return ipAsked{}, false
		}
		addr, ok := addrOf(i, 6)
		if version != 6 {
			addr, ok = anyAddrOf(i)
		}
		q := ipAsked{ipNet: ipNet{addr, addr.BitLen()}}
		q.text = q.String()
		return q, ok
	}
	if _, ok := asStr(v); !ok {
		return ipAsked{}, false
	}
	if n, ok := parseIPNet(text); ok {
		return ipAsked{ipNet: n, text: v, prefix: strings.Count(text, "/") == 1}, true
	}
	host, mask, ok := strings.Cut(text, "/")
	n, _ := parseInt(host, 10)
	m, _ := parseInt(mask, 10)
	number, isNumber := asBig(n)
	bits, isInt := m.(int)
	if !ok || !isNumber || !isInt || bits < 0 {
		return ipAsked{}, false
	}
	for _, version := range [...]int{4, 6} {
		if addr, ok := addrOf(number, version); ok && bits <= addr.BitLen() {
			q := ipAsked{ipNet: ipNet{addr, bits}, prefix: true}
			q.text = q.String()
			return q, true
		}
	}
	return ipAsked{}, false
}

type ipQuery func(q ipAsked) (any, error)

// when makes a query that gives what was asked of if it is true of it.
func when(is func(q ipAsked) bool) ipQuery {
	return func(q ipAsked) (any, error) {
		if is(q) {
			return q.text, nil
		}
		return nil, nil
	}
}

// gives makes a query of a function that always has an answer.
func gives(answer func(q ipAsked) any) ipQuery {
	return func(q ipAsked) (any, error) { return answer(q), nil }
}

// ofNet makes a query that only networks answer.
func ofNet(answer func(q ipAsked) (any, error)) ipQuery {
	return func(q ipAsked) (any, error) {
		if !q.prefix {
			return nil, filterErr("%s: Not a network address: %s", q.alias, Str(q.text))
		}
		if q.hostBits() == 0 {
			return nil, nil
		}
		return answer(q)
	}
}

// ipQueries are the queries of ipaddr by name.
var ipQueries = ipQueryTable()

func ipQueryTable() map[string]ipQuery {
	m := map[string]ipQuery{}
	for names, q := range map[string]ipQuery{
		"|": gives(func(q ipAsked) any {
			if q.prefix {
				return q.String()
			}
			return addrText(q.addr)
		}),
		"6to4": query6to4,
		"address|ip": func(q ipAsked) (any, error) {
			if q.addr.Is4() && q.isNetwork() && q.hostBits() > 1 {
				return nil, nil
			}
			return addrText(q.addr), nil
		},
		"address/prefix|gateway|gw|host/prefix|hostnet|router": gives(func(q ipAsked) any {
			if q.hostBits() > 1 && (q.isNetwork() || q.addr == q.last()) {
				return false
			}
			return q.String()
		}),
		"bool":      gives(func(ipAsked) any { return true }),
		"broadcast": gives(func(q ipAsked) any { return orNil(q.hostBits() > 1, addrText(q.last())) }),
		"cidr":      gives(func(q ipAsked) any { return q.String() }),
		"cidr_lookup": func(q ipAsked) (any, error) {
			return nil, filterErr("%s: cidr_lookup is asked by naming a network", q.alias)
		},
		"first_usable": ofNet(func(q ipAsked) (any, error) {
			first, _ := q.usable()
			return q.number(first)
		}),
		"last_usable": ofNet(func(q ipAsked) (any, error) {
			_, last := q.usable()
			return q.number(last)
		}),
		"range_usable": ofNet(func(q ipAsked) (any, error) {
			first, last := q.usable()
			a, aok := anyAddrOf(first)
			b, bok := anyAddrOf(last)
			return orNil(aok && bok, addrText(a)+"-"+addrText(b)), nil
		}),
		"next_usable":     ofNet(func(q ipAsked) (any, error) { return q.step(big.NewInt(1)) }),
		"previous_usable": ofNet(func(q ipAsked) (any, error) { return q.step(big.NewInt(-1)) }),
		"host": gives(func(q ipAsked) any {
			return orNil(q.hostBits() == 0 || !q.isNetwork() || q.addr.Is4() && q.hostBits() == 1, q.String())
		}),
		"hostmask|wildcard": gives(func(q ipAsked) any { return addrText(q.hostmask()) }),
		"int": gives(func(q ipAsked) any {
			n := addrInt(q.addr)
			if q.prefix {
				return fmt.Sprintf("%d/%d", n, q.bits)
			}
			return value.Int(n)
		}),
		"ip/prefix":  gives(func(q ipAsked) any { return orNil(q.inUse(), q.String()) }),
		"ip_netmask": gives(func(q ipAsked) any { return orNil(q.inUse(), addrText(q.addr)+" "+addrText(q.netmask())) }),
		"ipv4|v4": gives(func(q ipAsked) any {
			if q.addr.Is4() {
				return q.text
			}
			return orFalse(toIPv4(q.ipNet))
		}),
		"ipv6|v6": gives(func(q ipAsked) any {
			if q.addr.Is6() {
				return q.text
			}
			return ipNet{netip.AddrFrom16(q.addr.As16()), q.bits + 96}.String()
		}),
		"link-local": when(func(q ipAsked) bool { return q.addr.Unmap() == q.addr && q.addr.IsLinkLocalUnicast() }),
		"lo|loopback": when(func(q ipAsked) bool {
			return q.addr.Is4() && q.addr.IsLoopback() || q.addr == netip.IPv6Loopback()
		}),
		"multicast":             when(func(q ipAsked) bool { return within(q.ipNet, multicastNets) }),
		"unicast":               when(func(q ipAsked) bool { return !within(q.ipNet, multicastNets) }),
		"net":                   gives(func(q ipAsked) any { return orNil(q.hostBits() > 0 && q.isNetwork(), q.String()) }),
		"netmask":               gives(func(q ipAsked) any { return addrText(q.netmask()) }),
		"network|network_id":    gives(func(q ipAsked) any { return addrText(q.network()) }),
		"network/prefix|subnet": gives(func(q ipAsked) any { return q.cidr().String() }),
		"network_netmask":       gives(func(q ipAsked) any { return addrText(q.network()) + " " + addrText(q.netmask()) }),
		"network_wildcard":      gives(func(q ipAsked) any { return addrText(q.network()) + " " + addrText(q.hostmask()) }),
		"peer":                  queryPeer,
		"prefix":                gives(func(q ipAsked) any { return q.bits }),
		"private":               when(func(q ipAsked) bool { return within(q.ipNet, privateNets) }),
		"public":                when(func(q ipAsked) bool { return isPublic(q.addr) }),
		"revdns":                gives(func(q ipAsked) any { return reverseName(q.addr) }),
		"size":                  gives(func(q ipAsked) any { return value.Int(q.size()) }),
		"size_usable": gives(func(q ipAsked) any {
			switch q.hostBits() {
			case 0:
				return 0
			case 1:
				return 2
			}
			return value.Int(new(big.Int).Sub(q.size(), big.NewInt(2)))
		}),
		"type": gives(func(q ipAsked) any {
			if q.hostBits() == 0 || !q.isNetwork() {
				return "address"
			}
			return "network"
		}),
		"version": gives(func(q ipAsked) any { return q.version() }),
		"wrap": gives(func(q ipAsked) any {
			switch {
			case q.addr.Is4():
				return q.text
			case q.prefix:
				return "[" + addrText(q.addr) + "]/" + strconv.Itoa(q.bits)
			}
			return "[" + addrText(q.addr) + "]"
		}),
	} {
		if names == "|" {
			m[""] = q
			continue
		}
		for _, name := range strings.Split(names, "|") {
			m[name] = q
		}
	}
	return m
}

func orNil(ok bool, v any) any {
	if ok {
		return v
	}
	return nil
}

func orFalse(n ipNet, ok bool) any {
	if ok {
		return n.String()
	}
	return false
}

// number is an address of which only the number is known.
func (q ipAsked) number(n *big.Int) (any, error) {
	a, ok := anyAddrOf(n)
	if !ok {
		return nil, filterErr("%s: %s is next to no address", q.alias, Str(q.text))
	}
	return addrText(a), nil
}

// step is the address by steps further, if hosts may have it.
func (q ipAsked) step(by *big.Int) (any, error) {
	n := new(big.Int).Add(addrInt(q.addr), by)
	first, last := q.usable()
	a, err := q.number(n)
	if err != nil || n.Cmp(first) < 0 || n.Cmp(last) > 0 {
		return nil, err
	}
	return a, nil
}

// inUse reports whether a is the address of a host with its network.
func (q ipAsked) inUse() bool { return q.hostBits() == 1 || q.hostBits() > 1 && !q.isNetwork() }

func query6to4(q ipAsked) (any, error) {
	if q.addr.Is6() {
		of := netip.MustParsePrefix("2002::/16")
		if of.Contains(q.addr) && (!q.prefix || !q.isNetwork()) {
			return q.text, nil
		}
		return false, nil
	}
	if q.hostBits() > 0 && q.isNetwork() || !isPublic(q.addr) && !within(ipNet{q.addr, 32}, privateNets) {
		return false, nil
	}
	b := q.addr.As4()
	return fmt.Sprintf("2002:%02x%02x:%02x%02x::1/48", b[0], b[1], b[2], b[3]), nil
}

func queryPeer(q ipAsked) (any, error) {
	n := addrInt(q.addr)
	place := int(n.Bit(1)<<1 | n.Bit(0))
	switch {
	case !q.prefix:
		return nil, filterErr("%s: Not a network address: %s", q.alias, Str(q.text))
	case q.hostBits() == 1:
		return q.number(n.Xor(n, big.NewInt(1)))
	case q.hostBits() != 2:
		return nil, filterErr("%s: %s is not a point-to-point network", q.alias, Str(q.text))
	case place == 0:
		return nil, filterErr("%s: Network address of /30 has no peer", q.alias)
	case place == 3:
		return nil, filterErr("%s: Broadcast address of /30 has no peer", q.alias)
	}
	return q.number(n.Xor(n, big.NewInt(3)))
}

// toIPv4 is the address of version 4 that one of version 6 holds.
func toIPv4(n ipNet) (ipNet, bool) {
	b := n.addr.As16()
	compatible := slices.Equal(b[:12], make([]byte, 12))
	if !n.addr.Is4In6() && !compatible || n.bits < 96 {
		return ipNet{}, false
	}
	return ipNet{netip.AddrFrom4([4]byte(b[12:])), n.bits - 96}, true
}

func nets(texts string) []ipNet {
	var out []ipNet
	for _, t := range strings.Fields(texts) {
		p := netip.MustParsePrefix(t)
		out = append(out, ipNet{p.Addr(), p.Bits()})
	}
	return out
}

// What netaddr counts as private, and as for many.
var (
	privateNets = nets("10.0.0.0/8 100.64.0.0/10 172.16.0.0/12 192.0.0.0/24 192.168.0.0/16 198.18.0.0/15 239.0.0.0/8 169.254.0.0/16 " +
		"fc00::/7 fec0::/10 fe80::/10")
	multicastNets = nets("224.0.0.0/4 ff00::/8")
	loopbackNets  = nets("127.0.0.0/8 ::1/128")
)

func within(n ipNet, of []ipNet) bool {
	return slices.ContainsFunc(of, func(o ipNet) bool { return o.holds(n) })
}

// isPublic reports whether an address is one of a single host that others reach.
func isPublic(a netip.Addr) bool {
	n := ipNet{a, a.BitLen()}
	_, isMask := maskBits(a)
	return !isMask && !within(n, multicastNets) && !within(n, privateNets) && !within(n, loopbackNets)
}

// reverseName is the name under which the DNS has the names of an address.
func reverseName(a netip.Addr) string {
	var parts []string
	for _, b := range slices.Backward(a.AsSlice()) {
		if a.Is4() {
			parts = append(parts, strconv.Itoa(int(b)))
		} else {
			parts = append(parts, strconv.FormatInt(int64(b&15), 16), strconv.FormatInt(int64(b>>4), 16))
		}
	}
	if a.Is4() {
		return strings.Join(parts, ".") + ".in-addr.arpa."
	}
	return strings.Join(parts, ".") + ".ip6.arpa."
}
