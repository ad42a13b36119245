// Package local runs commands on this machine, as the user who runs us.
package local

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/tutti-run/tutti/internal/transport"
)

// Dialer makes connections to this machine; there is nothing to set.
type Dialer struct{}

// Dial returns a connection; it cannot fail.
func (Dialer) Dial(context.Context, transport.Config) (transport.Conn, error) {
	return &conn{running: map[*process]struct{}{}}, nil
}

type conn struct {
	mu      sync.Mutex // guards the following
	closed  bool
	running map[*process]struct{}
}

// Exec runs the command with /bin/sh in a process group of its own.
func (c *conn) Exec(ctx context.Context, command string) (transport.Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := &process{conn: c, cmd: exec.Command("/bin/sh", "-c", command)}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.New("the connection is closed")
	}
	if err := p.cmd.Start(); err != nil {
		return nil, &transport.UnreachableError{Host: "localhost", Reason: transport.Broken, Detail: "cannot start /bin/sh: " + err.Error(), Err: err}
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
