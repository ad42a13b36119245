package ssh

import (
	"errors"
	"io"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// process is a command on a channel of the connection.
type process struct {
	session        *ssh.Session
	stdin          io.WriteCloser
	stdout, stderr io.Reader
}

func (n *conn) start(command string) (*process, error) {
	session, err := n.client.NewSession()
	if err != nil {
		return nil, err
	}
	p := &process{session: session}
	if p.stdin, err = session.StdinPipe(); err == nil {
		if p.stdout, err = session.StdoutPipe(); err == nil {
			p.stderr, err = session.StderrPipe()
		}
	}
	if err == nil && n.s.forward {
		err = agent.RequestAgentForwarding(session)
	}
	if err == nil {
		err = session.Start(command)
	}
	if err != nil {
		_ = session.Close()
		return nil, err
	}
	return p, nil
}

func (p *process) Stdin() io.WriteCloser { return p.stdin }
func (p *process) Stdout() io.Reader     { return p.stdout }
func (p *process) Stderr() io.Reader     { return p.stderr }

// signals by the names that SSH gives them.
var signals = map[string]int{
	"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9, "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15,
}

func (p *process) Wait() (int, error) {
	err := p.session.Wait()
	_ = p.session.Close()
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		if n := signals[exit.Signal()]; n > 0 {
			return -n, nil
		}
		return exit.ExitStatus(), nil
	}
	var missing *ssh.ExitMissingError
	if errors.As(err, &missing) {
		return 0, errors.New("the connection ended")
	}
	return 0, err
}

// Close closes the channel; the command sees the end of its input, and a broken
// pipe when it writes.
func (p *process) Close() error { return p.session.Close() }
