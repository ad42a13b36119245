package agent

import (
	"os"
	"os/user"
	"runtime"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/agent/wire"
)

// Hello says who and where this process is.
func Hello(version string) *wire.Hello {
	h := &wire.Hello{
		Version: version, UID: os.Geteuid(), OS: runtime.GOOS, Arch: runtime.GOARCH, PID: os.Getpid(),
		MachineID: firstLine("/etc/machine-id"), BootID: firstLine("/proc/sys/kernel/random/boot_id"),
	}
	if h.MachineID == "" {
		h.MachineID = firstLine("/var/lib/dbus/machine-id")
	}
	h.Hostname, _ = os.Hostname()
	h.User, h.Home = os.Getenv("USER"), os.Getenv("HOME")
	if h.User == "" || h.Home == "" {
		if u, err := user.LookupId(strconv.Itoa(h.UID)); err == nil {
			h.User, h.Home = u.Username, u.HomeDir
		}
	}
	return h
}

// Machine is the identity of the machine, the same for every name under which
// it is reached and another after it was installed or booted anew.
func Machine(h *wire.Hello) string {
	if h.MachineID == "" {
		return h.Hostname + "/" + h.BootID
	}
	return h.MachineID + "/" + h.BootID
}

func firstLine(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSpace(line)
}
