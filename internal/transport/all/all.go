// Package all lists the ways to reach a host.
package all

import (
	"github.com/tutti-run/tutti/internal/transport"
	"github.com/tutti-run/tutti/internal/transport/inside"
	"github.com/tutti-run/tutti/internal/transport/local"
	"github.com/tutti-run/tutti/internal/transport/openssh"
	"github.com/tutti-run/tutti/internal/transport/ssh"
)

// Dialers returns a dialer of each kind. "smart" and "paramiko" are names that
// Ansible has for ways to use SSH.
func Dialers() map[string]transport.Dialer {
	program := &openssh.Dialer{}
	own := &ssh.Dialer{Fallback: program}
	return map[string]transport.Dialer{
		"local":   local.Dialer{},
		"ssh":     own,
		"chroot":  inside.Chroot(),
		"docker":  inside.Container("docker"),
		"podman":  inside.Container("podman"),
		"openssh": program,
		"smart":   own, "paramiko": own, "paramiko_ssh": own,
	}
}
