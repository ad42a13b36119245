package waitfor

import (
	"context"
	"encoding/hex"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/hostsfile"
)

// tcpStates are the states of /proc/net/tcp by number.
var tcpStates = []string{
	"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
}

// drained reports whether the port has no active connection any more.
func (w *wait) drained(ctx context.Context) (bool, error) {
	ours, err := hostsfile.LookupIP(ctx, w.host)
	if err != nil {
		return false, err
	}
	var excluded []net.IP
	for _, host := range w.args.Strings("exclude_hosts") {
		ips, err := hostsfile.LookupIP(ctx, host)
		if err != nil {
			return false, err
		}
		excluded = append(excluded, ips...)
	}
	is := func(list []net.IP, ip net.IP) bool {
		return slices.ContainsFunc(list, func(e net.IP) bool { return e.Equal(ip) })
	}
	everywhere := slices.ContainsFunc(ours, net.IP.IsUnspecified)
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // no such protocol here
		}
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line)
			if len(f) < 4 {
				continue
			}
			local, port, ok := endpoint(f[1])
			remote, _, ok2 := endpoint(f[2])
			state, err := strconv.ParseUint(f[3], 16, 8)
			if !ok || !ok2 || err != nil || int(state) >= len(tcpStates) || port != w.port {
				continue
			}
			if (everywhere || is(ours, local)) && !is(excluded, remote) &&
				slices.Contains(w.args.Strings("active_connection_states"), tcpStates[state]) {
				return false, nil
			}
		}
	}
	return true, nil
}

// endpoint reads an address of /proc/net/tcp: words of 32 bits in the
// machine's byte order, which is little-endian on all that we run on.
func endpoint(text string) (net.IP, int, bool) {
	addr, port, ok := strings.Cut(text, ":")
	raw, err := hex.DecodeString(addr)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil || err2 != nil || len(raw) != 4 && len(raw) != 16 {
		return nil, 0, false
	}
	for i := 0; i < len(raw); i += 4 {
		slices.Reverse(raw[i : i+4])
	}
	return net.IP(raw), int(n), true
}
