package template

import (
	"math/big"
	"net/netip"
	"strings"
)

// ipNet is an address within its network.
type ipNet struct {
	addr netip.Addr
	bits int
}

func (n ipNet) String() string       { return addrText(n.addr) + "/" + Str(n.bits) }
func (n ipNet) version() int         { return addrVersion(n.addr) }
func (n ipNet) network() netip.Addr  { return n.masked().Addr() }
func (n ipNet) masked() netip.Prefix { return netip.PrefixFrom(n.addr, n.bits).Masked() }
func (n ipNet) last() netip.Addr     { return lastAddr(n.masked()) }
func (n ipNet) isNetwork() bool      { return n.addr == n.network() }
func (n ipNet) cidr() ipNet          { return ipNet{n.network(), n.bits} }
func (n ipNet) hostBits() int        { return n.addr.BitLen() - n.bits }

// size is how many addresses the network has.
func (n ipNet) size() *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(n.hostBits())) }

// netmask is the address whose bits are set where the network's are.
func (n ipNet) netmask() netip.Addr {
	b := n.addr.AsSlice()
	for i := range b {
		b[i] = 0xff << (8 - min(8, max(0, n.bits-8*i)))
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func (n ipNet) hostmask() netip.Addr {
	b := n.netmask().AsSlice()
	for i := range b {
		b[i] = ^b[i]
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// usable gives the first and the last address that a host may have. Networks of
// two addresses use both.
func (n ipNet) usable() (first, last *big.Int) {
	first, last = addrInt(n.network()), addrInt(n.last())
	if n.hostBits() > 1 {
		first.Add(first, big.NewInt(1))
		last.Sub(last, big.NewInt(1))
	}
	return first, last
}

// holds reports whether all of o lies in n.
func (n ipNet) holds(o ipNet) bool {
	return n.version() == o.version() && n.bits <= o.bits && n.masked().Contains(o.addr)
}

// at is the address that is i after the first of the network, or before the end.
func (n ipNet) at(i *big.Int) (netip.Addr, bool) {
	size := n.size()
	if i.Sign() < 0 {
		i = new(big.Int).Add(size, i)
	}
	if i.Sign() < 0 || i.Cmp(size) >= 0 {
		return netip.Addr{}, false
	}
	return addrOf(new(big.Int).Add(addrInt(n.network()), i), n.version())
}

func addrVersion(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

func addrInt(a netip.Addr) *big.Int { return new(big.Int).SetBytes(a.AsSlice()) }

// addrOf is the address with a number.
func addrOf(n *big.Int, version int) (netip.Addr, bool) {
	size := 16
	if version == 4 {
		size = 4
	}
	if n.Sign() < 0 || n.BitLen() > size*8 {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(n.FillBytes(make([]byte, size)))
}

// anyAddrOf is the address with a number that says nothing of its version: a
// small one is of version 4.
func anyAddrOf(n *big.Int) (netip.Addr, bool) {
	if a, ok := addrOf(n, 4); ok {
		return a, true
	}
	return addrOf(n, 6)
}

// addrText writes an address as the C library does, which shows the last part of
// ::1.2.3.4 as an address of version 4.
func addrText(a netip.Addr) string {
	if b := a.As16(); a.Is6() && !a.Is4In6() {
		high := [12]byte{}
		if [12]byte(b[:12]) == high && (b[12] != 0 || b[13] != 0) {
			return "::" + netip.AddrFrom4([4]byte(b[12:])).String()
		}
	}
	return a.String()
}

// lastAddr sets all bits after the prefix.
func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range b {
		b[i] |= 0xff >> min(8, max(0, p.Bits()-8*i))
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// parseAddr reads an address; a zone is refused.
func parseAddr(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Zone() == ""
}

// parseIPNet reads an address with a prefix or mask after a slash, if it has one.
// Of an address of version 4 the end may be missing.
func parseIPNet(s string) (ipNet, bool) {
	host, mask, hasMask := strings.Cut(s, "/")
	addr, ok := parseAddr(host)
	if !ok {
		if addr, ok = parsePartial(host); !ok {
			return ipNet{}, false
		}
	}
	if !hasMask {
		return ipNet{addr, addr.BitLen()}, true
	}
	if n, ok := parseInt(mask, 10); ok {
		bits, isInt := n.(int)
		return ipNet{addr, bits}, isInt && bits >= 0 && bits <= addr.BitLen()
	}
	m, ok := parseAddr(mask)
	if !ok || m.BitLen() != addr.BitLen() {
		return ipNet{}, false
	}
	bits, ok := maskBits(m)
	return ipNet{addr, bits}, ok
}

// parsePartial reads an address of version 4 that ends early, such as 10.1.
func parsePartial(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 || strings.Contains(s, ":") {
		return netip.Addr{}, false
	}
	var b [4]byte
	for i, p := range parts {
		n, _ := parseInt(p, 10)
		v, ok := n.(int)
		if !ok || v < 0 || v > 255 {
			return netip.Addr{}, false
		}
		b[i] = byte(v)
	}
	return netip.AddrFrom4(b), true
}

// maskBits is the length of the prefix that a netmask, or the opposite of one,
// stands for.
func maskBits(m netip.Addr) (int, bool) {
	for bits := range m.BitLen() + 1 {
		if (ipNet{m, bits}).netmask() == m {
			return bits, true
		}
	}
	for bits := range m.BitLen() + 1 {
		if (ipNet{m, bits}).hostmask() == m {
			return bits, true
		}
	}
	return 0, false
}

// parseLoose reads an address as the C library's inet_aton does, where parts may
// be missing in the middle and octal or hexadecimal, or one of version 6.
func parseLoose(s string) (netip.Addr, bool) {
	if a, ok := parseAddr(s); ok {
		return a, true
	}
	if i := strings.IndexAny(s, " \t\n\v\f\r"); i >= 0 {
		s = s[:i]
	}
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	total := new(big.Int)
	for i, p := range parts {
		base := 10
		switch {
		case strings.HasPrefix(p, "0x") || strings.HasPrefix(p, "0X"):
			p, base = p[2:], 16
		case len(p) > 1 && p[0] == '0':
			p, base = p[1:], 8
		}
		n, ok := new(big.Int).SetString(p, base)
		room := 8
		if i == len(parts)-1 {
			room = 8 * (5 - len(parts))
		}
		if !ok || n.Sign() < 0 || n.BitLen() > room || strings.ContainsAny(p, "+-_") {
			return netip.Addr{}, false
		}
		total.Lsh(total, uint(room)).Or(total, n)
	}
	return addrOf(total, 4)
}

// parseStrict reads a network as Python's ipaddress does: no bits may be set
// after the prefix.
func parseStrict(s string) (ipNet, bool) {
	host, mask, hasMask := strings.Cut(s, "/")
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return ipNet{}, false
	}
	addr = addr.WithZone("")
	n := ipNet{addr, addr.BitLen()}
	switch {
	case !hasMask:
	case mask != "" && strings.Trim(mask, digitChars) == "":
		v, _ := parseInt(mask, 10)
		bits, ok := v.(int)
		if n.bits = bits; !ok || bits > addr.BitLen() {
			return ipNet{}, false
		}
	default:
		m, ok := parseAddr(mask)
		if !ok || !m.Is4() || !addr.Is4() {
			return ipNet{}, false
		}
		if n.bits, ok = maskBits(m); !ok {
			return ipNet{}, false
		}
	}
	return n, n.isNetwork()
}
