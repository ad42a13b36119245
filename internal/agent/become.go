package agent

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// account is a user as the system knows it.
type account struct {
	name, home, shell string
	uid, gid          int
	groups            []int
}

// become turns this process, which is root's, into the agent of another user:
// it gives up root for good and executes the same file again. The file is
// executed through its open descriptor, since it is in a directory that only
// root can enter; no copy is made that anybody else could write to.
func become(name string, self, args []string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("only root can become %s this way", name)
	}
	a, err := lookup(name)
	if err != nil {
		return err
	}
	exe, err := unix.Open("/proc/self/exe", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := syscall.Setgroups(a.groups); err != nil {
		return fmt.Errorf("cannot take the groups of %s: %w", name, err)
	}
	if err := syscall.Setresgid(a.gid, a.gid, a.gid); err != nil {
		return fmt.Errorf("cannot take the group of %s: %w", name, err)
	}
	if err := syscall.Setresuid(a.uid, a.uid, a.uid); err != nil {
		return fmt.Errorf("cannot become %s: %w", name, err)
	}
	argv := append(append([]string{}, self...), args...)
	return fmt.Errorf("cannot start the agent as %s: %w", name, execFD(exe, argv, a.environ(os.Environ())))
}

// safePath is what sudo's secure_path usually is. Root's own PATH may name
// places that others cannot read.
const safePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environ is the environment of somebody who has just come in: what describes
// root's session stays behind, as with sudo.
func (a *account) environ(from []string) []string {
	env := []string{"HOME=" + a.home, "USER=" + a.name, "LOGNAME=" + a.name, "SHELL=" + a.shell, "PATH=" + safePath}
	for _, e := range from {
		k, _, _ := strings.Cut(e, "=")
		if k == "LANG" || k == "LANGUAGE" || k == "TERM" || k == "TZ" || strings.HasPrefix(k, "LC_") {
			env = append(env, e)
		}
	}
	return env
}

func lookup(name string) (*account, error) {
	u, err := user.Lookup(name)
	if err == nil {
		a := &account{name: u.Username, home: u.HomeDir, shell: shellOf(u.Username)}
		if a.uid, err = strconv.Atoi(u.Uid); err != nil {
			return nil, err
		}
		if a.gid, err = strconv.Atoi(u.Gid); err != nil {
			return nil, err
		}
		ids, err := u.GroupIds()
		if err != nil {
			return nil, fmt.Errorf("cannot find the groups of %s: %w", name, err)
		}
		a.groups, err = numbers(ids)
		return a, err
	}
	var unknown user.UnknownUserError
	if !errors.As(err, &unknown) {
		return nil, err
	}
	return lookupDirectory(name)
}

// lookupDirectory asks the system's own tools, which know users of LDAP and
// other directories that are in no file.
func lookupDirectory(name string) (*account, error) {
	line, err := exec.Command("getent", "passwd", name).Output()
	fields := strings.Split(string(bytes.TrimSpace(line)), ":")
	if err != nil || len(fields) < 7 {
		return nil, fmt.Errorf("there is no user %s on this machine", name)
	}
	a := &account{name: fields[0], home: fields[5], shell: fields[6]}
	if a.uid, err = strconv.Atoi(fields[2]); err != nil {
		return nil, err
	}
	if a.gid, err = strconv.Atoi(fields[3]); err != nil {
		return nil, err
	}
	groups, err := exec.Command("id", "-G", a.name).Output()
	if err != nil {
		return nil, fmt.Errorf("cannot find the groups of %s: %w", name, err)
	}
	a.groups, err = numbers(strings.Fields(string(groups)))
	return a, err
}

func numbers(ids []string) ([]int, error) {
	out := make([]int, len(ids))
	for i, id := range ids {
		n, err := strconv.Atoi(id)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

func shellOf(name string) string {
	data, err := os.ReadFile("/etc/passwd")
	if err == nil {
		for line := range strings.Lines(string(data)) {
			if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 7 && f[0] == name && f[6] != "" {
				return f[6]
			}
		}
	}
	return "/bin/sh"
}

// execFD is execve of an open file. It returns only an error.
func execFD(fd int, argv, env []string) error {
	argvp, err := syscall.SlicePtrFromStrings(argv)
	if err != nil {
		return err
	}
	envp, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return err
	}
	empty, err := syscall.BytePtrFromString("")
	if err != nil {
		return err
	}
	_, _, errno := syscall.Syscall6(unix.SYS_EXECVEAT, uintptr(fd), uintptr(unsafe.Pointer(empty)),
		uintptr(unsafe.Pointer(&argvp[0])), uintptr(unsafe.Pointer(&envp[0])), unix.AT_EMPTY_PATH, 0)
	return errno
}
