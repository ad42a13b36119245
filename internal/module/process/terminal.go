package process

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Terminal makes a pair of a terminal that a command runs in (its side) and the
// end that reads what it prints and types its input (ours). With echo, what is
// typed comes back, as on a real one. It has 24 lines of 80 characters.
func Terminal(echo bool) (ours, its *os.File, err error) {
	ours, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make a terminal: %w", err)
	}
	name := ""
	// Fd would make the file block, and a read without an end.
	err = control(ours, func(fd int) error {
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return err
		}
		n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
		name = fmt.Sprintf("/dev/pts/%d", n)
		return err
	})
	if err == nil {
		its, err = os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	}
	if err == nil {
		// Of no size, programs would break their lines anywhere.
		err = control(its, func(fd int) error {
			return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
		})
	}
	if err == nil && !echo {
		err = control(its, func(fd int) error {
			t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
			if err != nil {
				return err
			}
			t.Lflag &^= unix.ECHO
			return unix.IoctlSetTermios(fd, unix.TCSETS, t)
		})
	}
	if err != nil {
		ours.Close()
		if its != nil {
			its.Close()
		}
		return nil, nil, fmt.Errorf("cannot make a terminal: %w", err)
	}
	return ours, its, nil
}

func control(f *os.File, do func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := c.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return failed
}
