package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/tutti-run/tutti/internal/executor"
)

const (
	clearLine = "\r\x1b[K"
	// How often a wait for a key looks whether the run has been stopped.
	keyPatience = 100 * time.Millisecond
)

// errAborted is what the user's A makes of a pause.
var errAborted = errors.New("user requested abort!")

// pause shows text and waits for return or, with a duration, until that is
// over. Ctrl-C lets the user go on early (C) or give up (A). It gives what was
// typed; it fails with executor.ErrNotInteractive where nobody can type.
func (p *prompter) pause(ctx context.Context, text string, d time.Duration, echo bool) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.out, text)
	f, isFile := p.in.(*os.File)
	if !isFile || !foreground(int(f.Fd())) {
		return "", executor.ErrNotInteractive
	}
	k := &keys{fd: int(f.Fd()), out: p.out, echo: echo && d == 0}
	restore, err := k.raw()
	if err != nil {
		return "", err
	}
	defer restore()
	if d == 0 {
		return k.line(ctx)
	}
	return "", k.sleep(ctx, d)
}

// foreground reports whether fd is a terminal that listens to this process.
func foreground(fd int) bool {
	if !term.IsTerminal(fd) {
		return false
	}
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// keys reads a terminal key by key.
type keys struct {
	fd    int
	out   interface{ Write([]byte) (int, error) }
	echo  bool
	intr  byte
	erase byte
}

// raw makes the terminal hand over every key, Ctrl-C too. Output stays as it
// is, so that others can go on writing lines.
func (k *keys) raw() (restore func(), err error) {
	old, err := unix.IoctlGetTermios(k.fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	k.intr, k.erase = old.Cc[unix.VINTR], old.Cc[unix.VERASE]
	t := *old
	t.Iflag &^= unix.BRKINT | unix.ICRNL | unix.INPCK | unix.ISTRIP | unix.IXON
	t.Lflag &^= unix.ECHO | unix.ICANON | unix.IEXTEN | unix.ISIG
	t.Cflag = t.Cflag&^unix.CSIZE&^unix.PARENB | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(k.fd, unix.TCSETSF, &t); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(k.fd, unix.TCSETSW, old) }, nil
}

// errTooLate tells that no key was pressed in time.
var errTooLate = errors.New("no key was pressed in time")

// next waits for a key until the deadline, which may be zero.
func (k *keys) next(ctx context.Context, deadline time.Time) (byte, error) {
	var b [1]byte
	for {
		wait := keyPatience
		if !deadline.IsZero() {
			if wait = min(wait, time.Until(deadline)); wait <= 0 {
				return 0, errTooLate
			}
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(k.fd), Events: unix.POLLIN}}, max(1, int(wait/time.Millisecond)))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return 0, err
		}
		if n < 1 {
			continue
		}
		switch n, err := unix.Read(k.fd, b[:]); {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, err
		case n == 0:
			return 0, executor.ErrNotInteractive
		default:
			return b[0], nil
		}
	}
}

// line reads what is typed up to return.
func (k *keys) line(ctx context.Context) (string, error) {
	var typed []byte
	show := func(s string) {
		if k.echo {
			_, _ = k.out.Write([]byte(s))
		}
	}
	for {
		b, err := k.next(ctx, time.Time{})
		if err != nil {
			return "", err
		}
		switch {
		case b == k.intr:
			if err := k.goOn(ctx); err != nil {
				return "", err
			}
			return string(typed), nil
		case b == '\r' || b == '\n':
			_, _ = k.out.Write([]byte(clearLine))
			return string(typed), nil
		case b == k.erase || b == 0x7f || b == '\b':
			if len(typed) > 0 {
				typed = bytes.TrimSuffix(typed, []byte(lastRune(typed)))
			}
			show(clearLine + string(typed))
		default:
			typed = append(typed, b)
			show(string([]byte{b}))
		}
	}
}

func lastRune(b []byte) string {
	r := []rune(string(b))
	return string(r[len(r)-1:])
}

// sleep waits for the time; of the keys only Ctrl-C matters.
func (k *keys) sleep(ctx context.Context, d time.Duration) error {
	deadline := time.Now().Add(d)
	for {
		b, err := k.next(ctx, deadline)
		switch {
		case errors.Is(err, errTooLate):
			return nil
		case err != nil:
			return err
		case b == k.intr:
			return k.goOn(ctx)
		}
	}
}

// goOn asks whether to continue after Ctrl-C.
func (k *keys) goOn(ctx context.Context) error {
	_, _ = k.out.Write([]byte(clearLine + "Press 'C' to continue the play or 'A' to abort \n"))
	for {
		b, err := k.next(ctx, time.Time{})
		if err != nil {
			return err
		}
		switch b | 0x20 {
		case 'c':
			return nil
		case 'a':
			return errAborted
		}
	}
}
