// Package inside reaches what has no SSH of its own on this machine: a folder with
// a root of its own, and containers that run.
package inside

import (
	"github.com/tutti-run/tutti/internal/transport"
	"github.com/tutti-run/tutti/internal/transport/local"
)

// Chroot runs commands with the folder that is the host's address for a root. It
// needs to be root.
func Chroot() local.Dialer {
	return local.Dialer{Argv: func(c transport.Config, command string) ([]string, error) {
		return []string{"chroot", c.Addr(), "/bin/sh", "-c", command}, nil
	}}
}

// Container runs commands in the container that is the host's address, by docker,
// podman or a program like them; as the user whom the connection names.
func Container(program string) local.Dialer {
	return local.Dialer{Argv: func(c transport.Config, command string) ([]string, error) {
		extra, err := transport.SplitArgs(c.SSHExtraArgs)
		if err != nil {
			return nil, err
		}
		argv := append(append([]string{program}, extra...), "exec")
		if c.User != "" {
			argv = append(argv, "-u", c.User)
		}
		return append(argv, "-i", c.Addr(), "/bin/sh", "-c", command), nil
	}}
}
