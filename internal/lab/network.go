package lab

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
)

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

func (l *Lab) bridge() string { return fmt.Sprintf("tutti%d", l.state.Subnet) }

// makeBridge makes the lab's network: a bridge with a /24 that no other lab of
// this machine has. The kernel refuses a second bridge of the same name.
func (l *Lab) makeBridge() error {
	var last error
	for n := 1; n < 255; n++ {
		l.state.Subnet = n
		if last = run("ip", "link", "add", l.bridge(), "type", "bridge"); last == nil {
			if err := run("ip", "addr", "add", fmt.Sprintf("10.213.%d.1/24", n), "dev", l.bridge()); err != nil {
				return err
			}
			return run("ip", "link", "set", l.bridge(), "up")
		}
		if !strings.Contains(last.Error(), "File exists") {
			break
		}
	}
	l.state.Subnet = 0
	return fmt.Errorf("cannot make the lab's network: %w", last)
}

// cable is the machine's end of a host's link; it goes with the host.
func (l *Lab) cable(h *Host) string { return fmt.Sprintf("tutti%d-%d", l.state.Subnet, h.Index) }

// plug links a host's network, which the process has, with the bridge.
func (l *Lab) plug(h *Host, pid int) error {
	cable, inner := l.cable(h), fmt.Sprintf("tu%d-%di", l.state.Subnet, h.Index)
	// The kernel takes the link of a host that is gone down in its own time; the
	// bridge is ours, so whatever has this name is such a one.
	_ = run("ip", "link", "del", cable)
	if err := run("ip", "link", "add", cable, "type", "veth", "peer", "name", inner); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"link", "set", inner, "netns", fmt.Sprint(pid), "name", "eth0"},
		{"link", "set", cable, "master", l.bridge()},
		{"link", "set", cable, "up"},
	} {
		if err := run("ip", args...); err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) link(i int, state string) error {
	h, err := l.Host(i)
	if err != nil {
		return err
	}
	return run("ip", "link", "set", l.cable(&h), state)
}
