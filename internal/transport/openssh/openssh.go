// Package openssh connects by running the ssh program, for settings that only
// it understands. Each command is a process of ssh of its own unless the user's
// arguments ask for ControlMaster.
package openssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tutti-run/tutti/internal/transport"
)

// Dialer makes connections. There is nothing to set.
type Dialer struct{}

// Dial runs a command that does nothing, since ssh has no other way to tell
// whether a host can be reached and why not.
func (d *Dialer) Dial(ctx context.Context, c transport.Config) (transport.Conn, error) {
	args, err := arguments(c)
	if err != nil {
		return nil, &transport.UnreachableError{Host: c.Host, Addr: c.Addr(), Reason: transport.Broken, Detail: err.Error(), Err: err}
	}
	n := &conn{c: c, args: args, running: map[*process]struct{}{}}
	if c.Password != "" {
		if n.askpass, err = newAskpass(c.Password, c.PasswordPrompt); err != nil {
			return nil, &transport.UnreachableError{Host: c.Host, Addr: c.Addr(), Reason: transport.Broken, Detail: "cannot hand the password to ssh: " + err.Error(), Err: err}
		}
	}
	if err := n.probe(ctx); err != nil {
		_ = n.Close()
		return nil, err
	}
	return n, nil
}

// arguments are those that Ansible builds, without the host and the command.
func arguments(c transport.Config) ([]string, error) {
	args, err := transport.SplitArgs(c.SSHArgs)
	if err != nil {
		return nil, err
	}
	option := func(name, value string) { args = append(args, "-o", name+"="+value) }
	switch c.HostKeys {
	case transport.IgnoreHostKeys:
		option("StrictHostKeyChecking", "no")
	case transport.AcceptNew:
		option("StrictHostKeyChecking", "accept-new")
	case transport.CheckHostKeys:
		// There is no terminal for a question.
		option("StrictHostKeyChecking", "yes")
	}
	if c.Port != 0 {
		option("Port", strconv.Itoa(c.Port))
	}
	if c.KeyFile != "" {
		option("IdentityFile", `"`+c.KeyFile+`"`)
	}
	if c.Password == "" {
		option("BatchMode", "yes")
	} else {
		option("NumberOfPasswordPrompts", "1")
	}
	if c.User != "" {
		option("User", c.User)
	}
	if c.KnownHosts != "" {
		option("UserKnownHostsFile", strings.ReplaceAll(c.KnownHosts, "\x00", " "))
	}
	option("ConnectTimeout", strconv.Itoa(int(c.ConnectTimeout()/time.Second)))
	for _, text := range []string{c.SSHCommonArgs, c.SSHExtraArgs} {
		more, err := transport.SplitArgs(text)
		if err != nil {
			return nil, err
		}
		args = append(args, more...)
	}
	return append(args, "-T"), nil
}

type conn struct {
	c       transport.Config
	args    []string
	askpass *askpass // nil without a password

	mu      sync.Mutex // guards the following
	closed  bool
	running map[*process]struct{}
}

// lostStatus is ssh's own exit status; the command's may be the same.
const lostStatus = 255

func (n *conn) probe(ctx context.Context) error {
	p, err := n.Exec(ctx, "exit 0")
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = p.Close() })
	defer stop()
	_ = p.Stdin().Close()
	var said []byte
	var reading sync.WaitGroup
	reading.Go(func() { said, _ = io.ReadAll(io.LimitReader(p.Stderr(), 64<<10)) })
	_, _ = io.Copy(io.Discard, p.Stdout())
	reading.Wait()
	status, err := p.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && status != lostStatus {
		return nil // the login shell may refuse; that is for Exec to find out
	}
	text := strings.TrimSpace(string(said))
	return &transport.UnreachableError{Host: n.c.Host, Addr: n.c.Addr(), Reason: reason(text), Detail: "Failed to connect to the host via ssh: " + text, Err: err}
}

// reason reads ssh's messages.
func reason(text string) transport.Reason {
	for _, known := range []struct {
		text   string
		reason transport.Reason
	}{
		{"Host key verification failed", transport.HostKey},
		{"Permission denied", transport.Auth},
		{"Too many authentication failures", transport.Auth},
		{"Connection refused", transport.Refused},
		{"timed out", transport.TimedOut},
		{"No route to host", transport.NoRoute},
		{"Network is unreachable", transport.NoRoute},
		{"Could not resolve", transport.NoName},
	} {
		if strings.Contains(text, known.text) {
			return known.reason
		}
	}
	return transport.Broken
}

// Exec runs ssh with the command.
func (n *conn) Exec(ctx context.Context, command string) (transport.Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	exe := n.c.SSHExecutable
	if exe == "" {
		exe = "ssh"
	}
	args := append(append([]string{}, n.args...), n.c.Addr(), command)
	p := &process{conn: n, cmd: exec.Command(exe, args...)}
	// A session of its own: no terminal to ask for passwords on, none to
	// interrupt it from.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	p.cmd.Env = os.Environ()
	if n.askpass != nil {
		p.cmd.Env = append(p.cmd.Env, n.askpass.environ()...)
	}
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.stdout, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if p.stderr, err = p.cmd.StderrPipe(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, errors.New("the connection is closed")
	}
	if err := p.cmd.Start(); err != nil {
		return nil, &transport.UnreachableError{Host: n.c.Host, Addr: n.c.Addr(), Reason: transport.Broken, Detail: fmt.Sprintf("cannot run %s: %v", exe, err), Err: err}
	}
	n.running[p] = struct{}{}
	return p, nil
}

func (n *conn) Close() error {
	n.mu.Lock()
	n.closed = true
	left := make([]*process, 0, len(n.running))
	for p := range n.running {
		left = append(left, p)
	}
	n.mu.Unlock()
	for _, p := range left {
		_ = p.Close()
	}
	if n.askpass != nil {
		n.askpass.remove()
	}
	return nil
}

type process struct {
	conn           *conn
	cmd            *exec.Cmd
	stdin          io.WriteCloser
	stdout, stderr io.ReadCloser
}

func (p *process) Stdin() io.WriteCloser { return p.stdin }
func (p *process) Stdout() io.Reader     { return p.stdout }
func (p *process) Stderr() io.Reader     { return p.stderr }

func (p *process) Wait() (int, error) {
	err := p.cmd.Wait()
	p.conn.mu.Lock()
	delete(p.conn.running, p)
	p.conn.mu.Unlock()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	status := p.cmd.ProcessState.ExitCode()
	if status < 0 || status == lostStatus {
		return status, errors.New("ssh ended: the connection is lost")
	}
	return status, nil
}

// Close ends ssh, and with it the command's input.
func (p *process) Close() error {
	_ = p.stdin.Close()
	p.conn.mu.Lock()
	_, running := p.conn.running[p]
	p.conn.mu.Unlock()
	if running {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	return nil
}
