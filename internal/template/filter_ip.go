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

// everywhere is the name of a filter of ansible.utils with those under which it
// was known before.
func everywhere(name string) string {
	return name + "|ansible.utils." + name + "|ansible.netcommon." + name
}

// networkFilters are ansible.utils' filters for addresses.
func networkFilters() []*def {
	return []*def{
		define(everywhere("ipaddr"), "value query='' version=None alias=None *rest", ipaddrFilter(0)),
		define(everywhere("ipv4"), "value query='' *rest", ipaddrFilter(4)),
		define(everywhere("ipv6"), "value query='' *rest", ipaddrFilter(6)),
		define(everywhere("ipwrap"), "value *rest query=''", ipwrapFilter),
		define(everywhere("ipsubnet"), "value query='' index=None *rest", ipsubnetFilter),
		define(everywhere("ipmath"), "value amount *rest", ipmathFilter),
		define(everywhere("ip4_hex"), "arg delimiter='' *rest", ip4HexFilter),
		define(everywhere("cidr_merge"), "value action='merge' *rest", cidrMergeFilter),
		define(everywhere("nthhost"), "value query='' *rest", nthhostFilter),
		define(everywhere("next_nth_usable"), "value offset *rest", nthUsable(1)),
		define(everywhere("previous_nth_usable"), "value offset *rest", nthUsable(-1)),
		define(everywhere("network_in_network"), "value test=None *rest", inNetwork(ipRange)),
		define(everywhere("network_in_usable"), "value test=None *rest", inNetwork(usableRange)),
		define(everywhere("reduce_on_network"), "value network *rest", reduceOnNetwork),
		define("ansible.utils.usable_range", "ip", usableRangeFilter),
		define(everywhere("hwaddr"), "value query='' alias=None *rest", hwaddrFilter),
		define(everywhere("macaddr"), "value query='' *rest", hwaddrFilter),
		define(everywhere("slaac"), "value query='' *rest", slaacFilter),
	}
}

// oneIP reads argument i as an address or network; ok tells whether it is one. Of
// a network written with the address of a host, the host's address counts.
func (c *call) oneIP(i int) (n ipNet, ok bool, err error) {
	s, err := c.textArg(i)
	if err != nil || c.a[i] == nil {
		return n, false, err
	}
	n, ok = networkOf(s)
	return n, ok, nil
}

func networkOf(s string) (ipNet, bool) {
	q, ok := readIP(s, 0)
	return q.ipNet, ok && s != ""
}

func ipwrapFilter(c *call) (any, error) {
	if err := c.need(0); err != nil {
		return nil, err
	}
	query, err := c.textArg(1)
	if err != nil {
		return nil, err
	}
	wrap := func(v any) any {
		r, err := ipaddr(v, query, 0, c.short())
		if err != nil || !Bool(r) {
			return v
		}
		if r, err = ipaddr(r, "wrap", 0, c.short()); err != nil {
			return v
		}
		return r
	}
	v := freeze(c.a[0])
	if l, ok := asList(v); ok && isList(v) {
		out := make([]any, len(l))
		for i, e := range l {
			if q, err := ipaddr(e, query, 0, c.short()); err != nil {
				return l, nil
			} else if out[i] = e; Bool(q) {
				if out[i], err = ipaddr(e, "wrap", 0, c.short()); err != nil {
					return l, nil
				}
			}
		}
		return out, nil
	}
	if _, isBool := v.(bool); !isBool {
		if _, ok := asStr(v); !ok {
			return nil, typeErr("%s: cannot take a %s; it must be text, a list or a truth value", c.short(), TypeName(v))
		}
	}
	return wrap(v), nil
}

func ipsubnetFilter(c *call) (any, error) {
	n, ok, err := c.oneIP(0)
	if err != nil || !ok {
		return false, err
	}
	query, err := c.textArg(1)
	if err != nil {
		return nil, err
	}
	index, err := c.intArg(2)
	if err != nil {
		return nil, err
	}
	n = n.cidr()
	if query == "" {
		return n.String(), nil
	}
	width := n.addr.BitLen()
	if strings.Trim(query, digitChars) != "" {
		return placeInSubnet(c, n, query)
	}
	bits, err := strconv.Atoi(query)
	if err != nil || bits > width {
		return false, nil
	}
	sub := bits - n.bits
	switch {
	case index == nil && n.bits == width:
		if bits == width {
			return nil, filterErr("%s: an address has no network of size %d around it", c.short(), bits)
		}
		return ipNet{n.addr, bits}.cidr().String(), nil
	case index == nil && sub < 0:
		return nil, filterErr("%s: Requested subnet size of %d is invalid", c.short(), bits)
	case index == nil:
		return new(big.Int).Lsh(big.NewInt(1), uint(sub)).String(), nil
	case n.bits == width:
		return supernet(c, n, bits, index)
	case sub < 0:
		// Less than one network of this size lies in it: only a first one.
		if index.Sign() != 0 {
			return false, nil
		}
		return ipNet{n.addr, bits}.String(), nil
	}
	// The networks of a size are numbered as addresses of so many bits are.
	count := new(big.Int).Lsh(big.NewInt(1), uint(sub))
	if index.Sign() < 0 {
		index = new(big.Int).Add(index, count)
	}
	if index.Sign() < 0 || index.Cmp(count) >= 0 {
		return false, nil
	}
	start := new(big.Int).Lsh(index, uint(width-bits))
	addr, _ := addrOf(start.Add(start, addrInt(n.addr)), n.version())
	return ipNet{addr, bits}.String(), nil
}

// supernet is the network around an address that is so many sizes smaller than
// that of bits.
func supernet(c *call, n ipNet, bits int, index *big.Int) (any, error) {
	width := n.addr.BitLen()
	i := int(index.Int64())
	if !index.IsInt64() || i > width+1-i || i < bits-width {
		return false, nil
	}
	if i < 0 {
		i += width - bits
	}
	if i < 0 || bits+i >= width {
		return nil, filterErr("%s: there is no network %s around an address", c.short(), index)
	}
	return ipNet{n.addr, bits + i}.cidr().String(), nil
}

// placeInSubnet tells the how manieth of its size n is in another network.
func placeInSubnet(c *call, n ipNet, query string) (any, error) {
	of, ok := networkOf(query)
	if !ok {
		return nil, filterErr("%s: You must pass a valid subnet or IP address; %s is invalid", c.short(), query)
	}
	width := n.addr.BitLen()
	if of.isNetwork() {
		of = of.cidr()
	}
	a, b := addrInt(n.addr), addrInt(of.addr)
	if of.bits > width || n.bits < of.bits || a.Rsh(a, uint(width-of.bits)).Cmp(b.Rsh(b, uint(width-of.bits))) != 0 {
		return nil, filterErr("%s: %s is not in the subnet %s", c.short(), n, of.cidr())
	}
	place := addrInt(n.addr)
	place.Rsh(place, uint(width-n.bits))
	inside := new(big.Int).Lsh(big.NewInt(1), uint(n.bits-of.bits))
	place.And(place, inside.Sub(inside, big.NewInt(1)))
	return place.Add(place, big.NewInt(1)).String(), nil
}

func ipmathFilter(c *call) (any, error) {
	s, err := c.textArg(0)
	if err != nil {
		return nil, err
	}
	amount, err := c.intArg(1)
	if err != nil {
		return nil, err
	}
	var addr netip.Addr
	ok := false
	if strings.Contains(s, "/") {
		var n ipNet
		n, ok = parseIPNet(s)
		addr = n.addr
	} else {
		addr, ok = parseLoose(s)
	}
	switch {
	case !ok || c.a[0] == nil:
		return nil, filterErr("%s: You must pass a valid IP address; %s is invalid", c.short(), s)
	case amount == nil:
		return nil, filterErr("%s: You must pass an integer for arithmetic", c.short())
	}
	sum, ok := addrOf(new(big.Int).Add(addrInt(addr), amount), addrVersion(addr))
	if !ok {
		return nil, filterErr("%s: %s and %s is no address", c.short(), s, amount)
	}
	return addrText(sum), nil
}

func ip4HexFilter(c *call) (any, error) {
	s, err := c.textArg(0)
	if err != nil {
		return nil, err
	}
	delimiter, err := c.textArg(1)
	if err != nil {
		return nil, err
	}
	parts := strings.Split(s, ".")
	for i, p := range parts {
		n, _ := parseInt(p, 10)
		v, ok := asBig(n)
		if !ok || len(parts) < 4 {
			return nil, filterErr("%s: %s is no address of version 4", c.short(), Repr(s))
		}
		parts[i] = fmt.Sprintf("%02x", v)
	}
	return strings.Join(parts[:4], delimiter), nil
}

func nthhostFilter(c *call) (any, error) {
	n, ok, err := c.oneIP(0)
	if err != nil || !ok {
		return false, err
	}
	query, err := c.textArg(1)
	if err != nil {
		return nil, err
	}
	v, _ := parseInt(query, 10)
	i, ok := asBig(v)
	if !ok || i.Cmp(n.size()) >= 0 {
		return false, nil
	}
	addr, ok := n.at(i)
	if !ok {
		return nil, filterErr("%s: %s has no address %s", c.short(), n, query)
	}
	return addrText(addr), nil
}

func nthUsable(sign int64) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		n, ok, err := c.oneIP(0)
		if err != nil {
			return nil, err
		}
		offset, err := c.intArg(1)
		if err != nil {
			return nil, err
		}
		if !ok {
			return false, nil
		}
		if _, isBool := c.a[1].(bool); offset == nil || isBool {
			return nil, filterErr("%s: Must pass in an integer", c.short())
		}
		if n.hostBits() == 0 {
			return nil, nil
		}
		return ipAsked{ipNet: n, text: n.String(), alias: c.short()}.step(offset.Mul(offset, big.NewInt(sign)))
	}
}

// ipRange gives the numbers of the first and last address of a network, and of
// what is none zero.
func ipRange(n ipNet, ok bool) (first, last *big.Int) {
	if !ok {
		return new(big.Int), new(big.Int)
	}
	first = addrInt(n.network())
	if n.hostBits() < 2 {
		return first, first
	}
	return first, addrInt(n.last())
}

// usableRange is ipRange for the addresses that hosts may have.
func usableRange(n ipNet, ok bool) (first, last *big.Int) {
	if !ok {
		return new(big.Int), new(big.Int)
	}
	return n.usable()
}

func inNetwork(limits func(ipNet, bool) (first, last *big.Int)) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		n, ok, err := c.oneIP(0)
		if err != nil {
			return nil, err
		}
		first, last := limits(n, ok)
		if n, ok, err = c.oneIP(1); err != nil {
			return nil, err
		}
		a, b := ipRange(n, ok)
		return first.Cmp(a) <= 0 && b.Cmp(last) <= 0, nil
	}
}

func reduceOnNetwork(c *call) (any, error) {
	l, err := c.textsArg(0)
	if err != nil {
		return nil, err
	}
	n, ok, err := c.oneIP(1)
	if err != nil {
		return nil, err
	}
	first, last := ipRange(n, ok)
	out := []any{}
	for _, s := range l {
		a, b := ipRange(networkOf(s))
		if first.Cmp(a) <= 0 && b.Cmp(last) <= 0 {
			out = append(out, s)
		}
	}
	return out, nil
}

func usableRangeFilter(c *call) (any, error) {
	s, err := c.textArg(0)
	if err != nil {
		return nil, err
	}
	n, ok := parseStrict(s)
	if !ok {
		return nil, filterErr("%s: %s is no network", c.short(), Repr(s))
	}
	if n.hostBits() > 23 {
		return nil, limitErr("%s: %s has more than %d addresses", c.short(), s, maxRange)
	}
	all := make([]any, 0, 1<<n.hostBits())
	for a := n.addr; len(all) < cap(all); a = a.Next() {
		if err := c.f.r.st.step(); err != nil {
			return nil, err
		}
		all = append(all, a.String())
	}
	return value.MapOf("usable_ips", all, "number_of_ips", len(all)), nil
}

func cidrMergeFilter(c *call) (any, error) {
	l, err := c.textsArg(0)
	if err != nil {
		return nil, err
	}
	action, err := c.textArg(1)
	if err != nil {
		return nil, err
	}
	if action != "merge" && action != "span" {
		return nil, filterErr("%s: invalid action '%s'", c.short(), action)
	}
	all := make([]ipNet, len(l))
	for i, s := range l {
		var ok bool
		if all[i], ok = parseIPNet(s); !ok {
			return nil, filterErr("%s: %s is no address or network", c.short(), Repr(s))
		}
	}
	if action == "span" {
		return spanningNet(c, all)
	}
	return mergedNets(all), nil
}

// spanningNet is the smallest network that holds all.
func spanningNet(c *call, all []ipNet) (any, error) {
	switch len(all) {
	case 0:
		return nil, nil
	case 1:
		return all[0].String(), nil
	}
	order := func(a, b ipNet) int {
		if d := a.version() - b.version(); d != 0 {
			return d
		}
		if d := a.network().Compare(b.network()); d != 0 {
			return d
		}
		if d := a.bits - b.bits; d != 0 {
			return d
		}
		return a.addr.Compare(b.addr)
	}
	low, high := slices.MinFunc(all, order), slices.MaxFunc(all, order)
	if low.version() != high.version() {
		return nil, filterErr("%s: no network holds addresses of both versions", c.short())
	}
	span := ipNet{high.last(), high.bits}
	for span.bits > 0 && span.addr.Compare(low.network()) > 0 {
		span.bits--
		span = span.cidr()
	}
	return span.String(), nil
}

// mergedNets puts together networks that overlap or follow each other. Those
// that stay alone stay as they are.
func mergedNets(all []ipNet) []any {
	slices.SortStableFunc(all, func(a, b ipNet) int {
		if d := a.version() - b.version(); d != 0 {
			return d
		}
		if d := a.last().Compare(b.last()); d != 0 {
			return d
		}
		return a.network().Compare(b.network())
	})
	type stretch struct {
		first, last netip.Addr
		alone       *ipNet
	}
	var done []stretch // from the last to the first
	for _, n := range slices.Backward(all) {
		if i := len(done) - 1; i >= 0 && done[i].first.BitLen() == n.addr.BitLen() {
			before := done[i].first.Prev()
			if !before.IsValid() || before.Compare(n.last()) <= 0 {
				if n.network().Less(done[i].first) {
					done[i].first = n.network()
				}
				done[i].alone = nil
				continue
			}
		}
		done = append(done, stretch{n.network(), n.last(), &n})
	}
	out := []any{}
	for _, s := range slices.Backward(done) {
		if s.alone != nil {
			out = append(out, s.alone.String())
			continue
		}
		for _, n := range netsOf(s.first, s.last) {
			out = append(out, n.String())
		}
	}
	return out
}

// netsOf are the fewest networks that make up the addresses from first to last.
func netsOf(first, last netip.Addr) []ipNet {
	var out []ipNet
	for {
		n := ipNet{first, first.BitLen()}
		for n.bits > 0 {
			larger := ipNet{first, n.bits - 1}
			if !larger.isNetwork() || larger.last().Compare(last) > 0 {
				break
			}
			n = larger
		}
		out = append(out, n)
		if n.last() == last {
			return out
		}
		first = n.last().Next()
	}
}
