// Package local runs commands on this machine, as the user who runs us, or by a
// program that brings them to where they run.
package local

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tutti-run/tutti/internal/transport"
)

// Dialer makes connections to this machine.
type Dialer struct {
	// Argv is the program that runs a command elsewhere, such as in a container;
	// nil runs it here.
	Argv func(c transport.Config, command string) ([]string, error)
}

// Dial returns a connection. To this machine it cannot fail; elsewhere a command
// that does nothing tells whether one can run.
func (d Dialer) Dial(ctx context.Context, c transport.Config) (transport.Conn, error) {
	n := &conn{argv: shell, running: map[*process]struct{}{}}
	if d.Argv == nil {
		return n, nil
	}
	n.argv = func(command string) ([]string, error) { return d.Argv(c, command) }
	if err := n.probe(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &transport.UnreachableError{Host: c.Host, Addr: c.Addr(), Reason: transport.Broken, Detail: "cannot run commands in " + c.Addr() + ": " + err.Error(), Err: err}
	}
	return n, nil
}

func shell(command string) ([]string, error) { return []string{"/bin/sh", "-c", command}, nil }

type conn struct {
	argv func(command string) ([]string, error)

	mu      sync.Mutex // guards the following
	closed  bool
	running map[*process]struct{}
}

func (c *conn) probe(ctx context.Context) error {
	argv, err := c.argv("exit 0")
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if text := strings.TrimSpace(string(out)); err != nil && text != "" {
		return errors.New(text)
	}
	return err
}

// Exec runs the command with a shell in a process group of its own.
func (c *conn) Exec(ctx context.Context, command string) (transport.Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	argv, err := c.argv(command)
	if err != nil {
		return nil, err
	}
	p := &process{conn: c, cmd: exec.Command(argv[0], argv[1:]...)}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.stdout, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if p.stderr, err = p.cmd.StderrPipe(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.New("the connection is closed")
	}
	if err := p.cmd.Start(); err != nil {
		return nil, &transport.UnreachableError{Host: "localhost", Reason: transport.Broken, Detail: "cannot start " + argv[0] + ": " + err.Error(), Err: err}
	}
	c.running[p] = struct{}{}
	return p, nil
}

func (c *conn) Close() error {
	c.mu.Lock()
	c.closed = true
	left := make([]*process, 0, len(c.running))
	for p := range c.running {
		left = append(left, p)
	}
	c.mu.Unlock()
	for _, p := range left {
		_ = p.Close()
	}
	return nil
}

type process struct {
	conn           *conn
	cmd            *exec.Cmd
	stdin          io.WriteCloser
	stdout, stderr io.ReadCloser
	closing        sync.Once
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
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return -int(ws.Signal()), nil
	}
	return p.cmd.ProcessState.ExitCode(), nil
}

// patience is how long a process has to end by itself once its input has: an
// agent ends its own processes in that time.
const patience = 5 * time.Second

func (p *process) Close() error {
	p.closing.Do(func() {
		_ = p.stdin.Close()
		time.AfterFunc(patience, func() {
			p.conn.mu.Lock()
			_, running := p.conn.running[p]
			p.conn.mu.Unlock()
			if running {
				_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
			}
		})
	})
	return nil
}
