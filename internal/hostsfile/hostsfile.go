// Package hostsfile sees changes of /etc/hosts at once. Go's resolver keeps for
// some seconds what it has read, in which a play has changed the file and asks
// for the new name. One that starts a process for each task does not notice.
package hostsfile

import (
	"context"
	"net"
	"os"
	"strings"
	"time"
)

// stale is longer than Go's resolver keeps what it has read (5 s).
const stale = 10 * time.Second

var path = "/etc/hosts" // tests have their own

// LookupIP returns a host's addresses. It is safe for concurrent use.
func LookupIP(ctx context.Context, host string) ([]net.IP, error) {
	if ip := net.ParseIP(host); ip != nil {
		return []net.IP{ip}, nil
	}
	if ips := changed(host); len(ips) > 0 {
		return ips, nil
	}
	return net.DefaultResolver.LookupIP(ctx, "ip", host)
}

// Dialer is a net.Dialer that sees such changes.
type Dialer struct{ net.Dialer }

// DialContext connects to an address as net.Dialer's does.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return d.Dialer.DialContext(ctx, network, address)
	}
	var first error
	for _, ip := range changed(host) {
		conn, err := d.Dialer.DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	if first != nil {
		return nil, first
	}
	return d.Dialer.DialContext(ctx, network, address)
}

// changed are the addresses that the file gives a host, if it has changed so
// lately that Go's resolver may not know them.
func changed(host string) []net.IP {
	fi, err := os.Stat(path)
	if err != nil || time.Since(fi.ModTime()) > stale {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var out []net.IP
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		for i, w := range words {
			if i > 0 && strings.EqualFold(w, host) {
				if ip := net.ParseIP(words[0]); ip != nil {
					out = append(out, ip)
				}
				break
			}
		}
	}
	return out
}
