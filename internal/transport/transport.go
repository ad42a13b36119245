// Package transport is the contract for reaching a host: a connection on which
// commands can be run, as one user, with their input and output as streams.
//
// Each way of connecting is a package of its own (local, inside, ssh, openssh); the
// list is transport/all, and transporttest is what they all have to keep.
// Begin with Config, Dialer and Conn.
package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Config says how to reach a host. It is comparable: equal Configs are the same
// connection.
type Config struct {
	Kind string // "ssh", "local", "openssh", "chroot", "docker" or "podman"
	Host string // the inventory's name, for messages and for patterns of ssh_config

	Address string // what to connect to; "" is Host
	Port    int    // 0 is ssh_config's, or 22
	User    string // "" is ssh_config's, or the user who runs us

	Password string
	// PasswordPrompt is a part of the question that Password answers; "" is any.
	// Another question is waited out.
	PasswordPrompt string
	KeyFile        string // "" is ssh_config's or the usual ones
	KeyPassphrase  string

	// HostKeys says what to do about a host whose key is not known.
	HostKeys HostKeys
	// KnownHosts are files, separated by NUL since a Config is comparable; "" is
	// ssh_config's or the usual ones.
	KnownHosts string

	// Arguments as users give them to ssh, in Ansible's three variables.
	SSHArgs, SSHCommonArgs, SSHExtraArgs string
	SSHExecutable                        string // for openssh; "" is ssh

	Timeout time.Duration // for connecting; 0 is 10 s
	Retries int           // more tries when connecting fails

	RemoteTmp string // where modules keep temporary files; "" is ~/.ansible/tmp
}

// HostKeys is how a host's key is checked.
type HostKeys int

// The ways to check host keys, the strict one first.
const (
	// CheckHostKeys refuses keys that are not known, and keys that changed.
	CheckHostKeys HostKeys = iota
	// AcceptNew adds unknown keys to the first file of KnownHosts, and refuses
	// keys that changed.
	AcceptNew
	// IgnoreHostKeys takes any key (host_key_checking = False).
	IgnoreHostKeys
)

// Addr is what to connect to.
func (c *Config) Addr() string {
	if c.Address != "" {
		return c.Address
	}
	return c.Host
}

// ConnectTimeout is Timeout with its default.
func (c *Config) ConnectTimeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return 10 * time.Second
}

// Dialer makes connections of one kind. It is safe for concurrent use.
type Dialer interface {
	// Dial connects. The error is an *UnreachableError, or ctx's.
	Dial(ctx context.Context, c Config) (Conn, error)
}

// Conn is a connection to a host as its login user. It is safe for concurrent
// use.
type Conn interface {
	// Exec starts a command, which the user's login shell interprets. ctx bounds
	// the start only.
	Exec(ctx context.Context, command string) (Process, error)
	// Close ends the connection and every process started on it that the
	// transport can reach. It may be called twice.
	Close() error
}

// Process is a command that runs.
type Process interface {
	// Stdin, Stdout and Stderr are the same streams at each call. Both outputs
	// must be read, or the process may stall.
	Stdin() io.WriteCloser
	Stdout() io.Reader
	Stderr() io.Reader
	// Wait returns the exit status when the process has ended and its outputs
	// were read, minus a signal's number if a signal ended it. The error tells
	// that the connection was lost. It is called once.
	Wait() (int, error)
	// Close ends the process's streams; where it can, the process too.
	Close() error
}

// Reason says why a host is unreachable.
type Reason string

// The reasons that callers tell apart.
const (
	Refused  Reason = "connection refused"
	TimedOut Reason = "timed out"
	NoRoute  Reason = "no route to host"
	NoName   Reason = "name not found"
	Auth     Reason = "authentication failed"
	HostKey  Reason = "host key verification failed"
	Lost     Reason = "connection lost"
	Full     Reason = "takes no more sessions" // the connection itself is well
	Broken   Reason = "cannot be used"
)

// UnreachableError tells that a host cannot be reached, or was lost.
type UnreachableError struct {
	Host   string // the inventory's name
	Addr   string // what was tried
	Reason Reason
	Detail string // the whole message, for people; made of the others if empty
	Err    error  // may be nil
}

func (e *UnreachableError) Error() string {
	switch {
	case e.Detail != "":
		return e.Detail
	case e.Err != nil:
		return fmt.Sprintf("%s: %s: %v", e.Addr, e.Reason, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Addr, e.Reason)
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// IsUnreachable reports whether err tells that a host was not reached or lost.
func IsUnreachable(err error) bool {
	var u *UnreachableError
	return errors.As(err, &u)
}
