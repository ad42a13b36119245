package setup

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/value"
)

func network(g *gathering) {
	interfaces, _ := net.Interfaces()
	names := []any{}
	all4, all6 := []any{}, []any{}
	facts := map[string]*value.Map{}
	known := broadcasts()
	for _, i := range interfaces {
		names = append(names, i.Name)
		m := one(i, known)
		facts[i.Name] = m
		collect := func(a *value.Map) {
			if s, _ := a.At("address").(string); !strings.HasPrefix(s, "127.") {
				all4 = append(all4, s)
			}
		}
		if a, ok := m.At("ipv4").(*value.Map); ok {
			collect(a)
		}
		if l, ok := m.At("ipv4_secondaries").([]any); ok {
			for _, a := range l {
				collect(a.(*value.Map))
			}
		}
		if l, ok := m.At("ipv6").([]any); ok {
			for _, a := range l {
				if s := a.(*value.Map).At("address"); s != "::1" {
					all6 = append(all6, s)
				}
			}
		}
		g.set(strings.NewReplacer("-", "_", ":", "_").Replace(i.Name), m)
	}
	g.set("interfaces", names)
	g.set("all_ipv4_addresses", all4)
	g.set("all_ipv6_addresses", all6)
	g.set("default_ipv4", default4(facts))
	g.set("default_ipv6", default6(facts))
}

// one gathers what is known of an interface.
func one(i net.Interface, known map[place]netip.Addr) *value.Map {
	dir := "/sys/class/net/" + i.Name
	m := value.MapOf("device", i.Name)
	if len(i.HardwareAddr) > 0 && i.Flags&net.FlagLoopback == 0 {
		m.Set("macaddress", i.HardwareAddr.String())
	}
	m.Set("mtu", i.MTU)
	m.Set("active", read(dir+"/operstate") != "down")
	if to, err := os.Readlink(dir + "/device/driver/module"); err == nil {
		m.Set("module", filepath.Base(to))
	}
	kind := map[string]string{"1": "ether", "32": "infiniband", "512": "ppp", "772": "loopback", "65534": "tunnel"}[read(dir+"/type")]
	if kind == "" {
		kind = "unknown"
	}
	if exists(dir + "/bridge") {
		kind = "bridge"
		entries, _ := os.ReadDir(dir + "/brif")
		l := []any{}
		for _, e := range entries {
			l = append(l, e.Name())
		}
		m.Set("interfaces", l)
		m.Set("id", read(dir+"/bridge/bridge_id"))
		m.Set("stp", read(dir+"/bridge/stp_state") == "1")
	}
	if exists(dir + "/bonding") {
		kind = "bonding"
		m.Set("slaves", value.FromGo(strings.Fields(read(dir+"/bonding/slaves"))))
		m.Set("mode", strings.Split(read(dir+"/bonding/mode")+" ", " ")[0])
	}
	m.Set("type", kind)
	if to, err := filepath.EvalSymlinks(dir + "/device"); err == nil {
		m.Set("pciid", filepath.Base(to))
	}
	if s, err := strconv.Atoi(read(dir + "/speed")); err == nil {
		m.Set("speed", s)
	}
	promisc := false
	if flags, err := strconv.ParseInt(strings.TrimPrefix(read(dir+"/flags"), "0x"), 16, 64); err == nil {
		promisc = flags&0x100 != 0
	}
	m.Set("promisc", promisc)
	addresses(i, m, known)
	return m
}

func addresses(i net.Interface, m *value.Map, known map[place]netip.Addr) {
	addrs, _ := i.Addrs()
	var v6 []any
	var secondaries []any
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		if p.Addr().Is6() {
			scope := "global"
			switch {
			case p.Addr().IsLoopback():
				scope = "host"
			case p.Addr().IsLinkLocalUnicast():
				scope = "link"
			}
			v6 = append(v6, value.MapOf("address", p.Addr().String(), "prefix", strconv.Itoa(p.Bits()), "scope", scope))
			continue
		}
		e := address4(p, i, known)
		if m.Has("ipv4") {
			secondaries = append(secondaries, e)
		} else {
			m.Set("ipv4", e)
		}
	}
	if secondaries != nil {
		m.Set("ipv4_secondaries", secondaries)
	}
	if v6 != nil {
		m.Set("ipv6", v6)
	}
}

// place is an address on an interface.
type place struct {
	index int
	addr  netip.Addr
}

// broadcasts asks the kernel which addresses have one of broadcast: it is set
// apart from the address and may not be there.
func broadcasts() map[place]netip.Addr {
	found := map[place]netip.Addr{}
	data, err := syscall.NetlinkRIB(syscall.RTM_GETADDR, syscall.AF_INET)
	if err != nil {
		return found
	}
	messages, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return found
	}
	for _, m := range messages {
		if m.Header.Type != syscall.RTM_NEWADDR || len(m.Data) < syscall.SizeofIfAddrmsg {
			continue
		}
		attrs, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			continue
		}
		p := place{index: int(binary.NativeEndian.Uint32(m.Data[4:8]))}
		var broadcast netip.Addr
		for _, a := range attrs {
			switch addr, ok := netip.AddrFromSlice(a.Value); {
			case ok && a.Attr.Type == syscall.IFA_LOCAL:
				p.addr = addr
			case ok && a.Attr.Type == syscall.IFA_BROADCAST:
				broadcast = addr
			}
		}
		if broadcast.IsValid() {
			found[p] = broadcast
		}
	}
	return found
}

func address4(p netip.Prefix, i net.Interface, known map[place]netip.Addr) *value.Map {
	mask := net.CIDRMask(p.Bits(), 32)
	network := p.Masked().Addr()
	broadcast := ""
	if b, ok := known[place{i.Index, p.Addr()}]; ok {
		broadcast = b.String()
	}
	return value.MapOf("address", p.Addr().String(), "broadcast", broadcast, "netmask", net.IP(mask).String(), "network", network.String(), "prefix", strconv.Itoa(p.Bits()))
}

// default4 finds the interface and gateway of the default route.
func default4(facts map[string]*value.Map) *value.Map {
	best, metric := []string(nil), 1<<31
	for _, l := range strings.Split(read("/proc/net/route"), "\n") {
		f := strings.Fields(l)
		if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" {
			continue
		}
		if m, err := strconv.Atoi(f[6]); err == nil && m < metric {
			best, metric = f, m
		}
	}
	out := value.NewMap(10)
	if best == nil {
		return out
	}
	out.Set("interface", best[0])
	if b, err := hex.DecodeString(best[2]); err == nil && len(b) == 4 {
		out.Set("gateway", fmt.Sprintf("%d.%d.%d.%d", b[3], b[2], b[1], b[0]))
	}
	m := facts[best[0]]
	if a, ok := m.At("ipv4").(*value.Map); ok {
		out.Update(a)
	}
	for _, k := range []string{"macaddress", "mtu", "type"} {
		if v, ok := m.Get(k); ok {
			out.Set(k, v)
		}
	}
	out.Set("alias", best[0])
	return out
}

func default6(facts map[string]*value.Map) *value.Map {
	out := value.NewMap(8)
	best, metric := []string(nil), int64(1)<<40
	for _, l := range strings.Split(read("/proc/net/ipv6_route"), "\n") {
		f := strings.Fields(l)
		if len(f) < 10 || f[1] != "00" || strings.Trim(f[0], "0") != "" || f[9] == "lo" || strings.Trim(f[4], "0") == "" {
			continue
		}
		if m, err := strconv.ParseInt(f[5], 16, 64); err == nil && m < metric {
			best, metric = f, m
		}
	}
	if best == nil {
		return out
	}
	out.Set("interface", best[9])
	if b, err := hex.DecodeString(best[4]); err == nil {
		if a, ok := netip.AddrFromSlice(b); ok {
			out.Set("gateway", a.String())
		}
	}
	m := facts[best[9]]
	if l, ok := m.At("ipv6").([]any); ok && len(l) > 0 {
		chosen := l[0].(*value.Map)
		for _, a := range l {
			if a.(*value.Map).At("scope") == "global" {
				chosen = a.(*value.Map)
				break
			}
		}
		out.Update(chosen)
	}
	for _, k := range []string{"macaddress", "mtu", "type"} {
		if v, ok := m.Get(k); ok {
			out.Set(k, v)
		}
	}
	return out
}
