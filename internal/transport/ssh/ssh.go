// Package ssh connects with an SSH implementation of our own process: no
// program is started, and one connection carries everything for a host.
//
// It goes by the inventory, by the arguments for ssh that Ansible knows and by
// ssh_config. What it cannot honour it leaves to the ssh program (the openssh
// transport).
package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/tutti-run/tutti/internal/hostsfile"
	"github.com/tutti-run/tutti/internal/transport"
)

// Dialer makes connections.
type Dialer struct {
	// Fallback connects where the settings ask for what only the ssh program
	// does. Without it, such hosts are unreachable.
	Fallback transport.Dialer

	files   files
	keyring keyring
	keys    keys
	jumps   jumps
	gates   gates
}

// Dial connects to a host, through others if the settings say so.
func (d *Dialer) Dial(ctx context.Context, c transport.Config) (transport.Conn, error) {
	s, err := d.files.resolve(c)
	if err != nil {
		return nil, &transport.UnreachableError{Host: c.Host, Addr: c.Addr(), Reason: transport.Broken, Detail: err.Error(), Err: err}
	}
	if s.beyond != "" {
		if d.Fallback != nil {
			return d.Fallback.Dial(ctx, c)
		}
		return nil, &transport.UnreachableError{Host: c.Host, Addr: c.Addr(), Reason: transport.Broken,
			Detail: "only the ssh program understands " + s.beyond}
	}
	client, release, err := d.connect(ctx, s, c, 0)
	if err != nil {
		return nil, d.unreachable(ctx, s, c, err)
	}
	return newConn(client, s, c, release), nil
}

// maxJumps bounds hosts that jump through each other.
const maxJumps = 8

// connect makes the connection; release ends what it goes through.
func (d *Dialer) connect(ctx context.Context, s *settings, c transport.Config, depth int) (*ssh.Client, func(), error) {
	if depth > maxJumps {
		return nil, nil, fmt.Errorf("more than %d hosts to jump through: does ProxyJump go in a circle?", maxJumps)
	}
	// Hosts drop connections when too many are not authenticated yet.
	leave, err := d.gates.enter(ctx, s.addr())
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	raw, release, err := d.stream(ctx, s, c, depth)
	if err != nil {
		return nil, nil, err
	}
	client, err := d.handshake(ctx, s, c, raw)
	if err != nil {
		_ = raw.Close()
		release()
		return nil, nil, err
	}
	return client, release, nil
}

// stream gives the bytes to the host's sshd.
func (d *Dialer) stream(ctx context.Context, s *settings, c transport.Config, depth int) (net.Conn, func(), error) {
	nothing := func() {}
	switch {
	case s.proxyCommand != "":
		conn, err := runProxy(s.proxyCommand)
		return conn, nothing, err
	case len(s.proxyJump) > 0:
		return d.jump(ctx, s, c, depth)
	}
	dialer := hostsfile.Dialer{Dialer: net.Dialer{Timeout: s.timeout}}
	conn, err := dialer.DialContext(ctx, s.network, s.addr())
	return conn, nothing, err
}

// authTime is how long a host may take to check who we are, once it has shown
// its key: PAM may ask a directory.
const authTime = 60 * time.Second

func (d *Dialer) handshake(ctx context.Context, s *settings, c transport.Config, raw net.Conn) (*ssh.Client, error) {
	check, algos, err := d.keyring.check(s)
	if err != nil {
		return nil, err
	}
	var troubles []error
	methods, closer := d.keys.methods(s, c, &troubles)
	defer closer()
	// Connections through others have no deadlines of their own.
	slow := time.AfterFunc(s.timeout, func() { _ = raw.Close() })
	defer slow.Stop()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	reached, banner := false, ""
	config := &ssh.ClientConfig{
		User: s.user, Auth: methods, HostKeyAlgorithms: algos,
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			reached = true
			slow.Reset(authTime)
			return check(host, remote, key)
		},
		BannerCallback: func(text string) error { banner = text; return nil },
	}
	config.Ciphers, config.MACs, config.KeyExchanges = s.ciphers, s.macs, s.kex
	begin := time.Now()
	conn, channels, requests, err := ssh.NewClientConn(raw, s.addr(), config)
	if err == nil {
		return ssh.NewClient(conn, channels, requests), nil
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case reached && strings.Contains(err.Error(), "unable to authenticate"):
		return nil, &authError{settings: s, err: err, troubles: troubles, banner: banner}
	case !reached && time.Since(begin) >= s.timeout, reached && time.Since(begin) >= authTime:
		return nil, &net.OpError{Op: "handshake", Net: "tcp", Err: errTimeout{}}
	}
	return nil, err
}

type errTimeout struct{}

func (errTimeout) Error() string { return "timed out" }
func (errTimeout) Timeout() bool { return true }

// gates limit how many connections to one address are being made at a time.
type gates struct {
	mu sync.Mutex // guards the following
	at map[string]chan struct{}
}

// startups stays below sshd's usual MaxStartups of 10, of which others want
// some too.
const startups = 6

func (g *gates) enter(ctx context.Context, addr string) (leave func(), err error) {
	g.mu.Lock()
	gate := g.at[addr]
	if gate == nil {
		if g.at == nil {
			g.at = map[string]chan struct{}{}
		}
		gate = make(chan struct{}, startups)
		g.at[addr] = gate
	}
	g.mu.Unlock()
	select {
	case gate <- struct{}{}:
		return func() { <-gate }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// conn is one connection.
type conn struct {
	client  *ssh.Client
	s       *settings
	c       transport.Config
	release func()
	closing sync.Once
	done    chan struct{} // closed by Close
}

func newConn(client *ssh.Client, s *settings, c transport.Config, release func()) *conn {
	n := &conn{client: client, s: s, c: c, release: release, done: make(chan struct{})}
	if s.forward && s.agent != "" {
		_ = agent.ForwardToRemote(client, s.agent)
	}
	if s.aliveEvery > 0 {
		go n.keepAlive()
	}
	return n
}

// keepAlive ends with the connection.
func (n *conn) keepAlive() {
	tick := time.NewTicker(n.s.aliveEvery)
	defer tick.Stop()
	answered := make(chan error, 1)
	missed := 0
	for waiting := false; ; {
		select {
		case <-n.done:
			return
		case err := <-answered:
			if err != nil {
				return
			}
			waiting, missed = false, 0
		case <-tick.C:
			if waiting {
				if missed++; missed >= n.s.aliveCount {
					_ = n.client.Close()
					return
				}
				continue
			}
			waiting = true
			go func() {
				_, _, err := n.client.SendRequest("keepalive@openssh.com", true, nil)
				answered <- err
			}()
		}
	}
}

func (n *conn) Close() error {
	n.closing.Do(func() {
		close(n.done)
		_ = n.client.Close()
		n.release()
	})
	return nil
}

// startTime is how long a host may take to start a command on a connection
// that stands; beyond it the connection is taken for dead.
const startTime = 30 * time.Second

type started struct {
	p   *process
	err error
}

// Exec starts a command on a channel of its own.
func (n *conn) Exec(ctx context.Context, command string) (transport.Process, error) {
	ready := make(chan started, 1)
	go func() {
		p, err := n.start(command)
		ready <- started{p, err}
	}()
	late := time.NewTimer(startTime)
	defer late.Stop()
	select {
	case r := <-ready:
		if r.err != nil {
			return nil, n.lost(r.err)
		}
		return r.p, nil
	case <-ctx.Done():
		// The start cannot be interrupted; what comes of it is closed.
		go func() {
			if r := <-ready; r.err == nil {
				_ = r.p.Close()
			}
		}()
		return nil, ctx.Err()
	case <-late.C:
		_ = n.client.Close()
		return nil, n.lost(fmt.Errorf("no answer for %v", startTime))
	}
}

func (n *conn) lost(err error) error {
	reason, detail := transport.Lost, fmt.Sprintf("lost the connection to %s: %v", n.c.Host, err)
	var refused *ssh.OpenChannelError
	if errors.As(err, &refused) {
		reason = transport.Full
		detail = fmt.Sprintf("%s refuses another session on the connection (%s): is MaxSessions of its sshd too small?", n.c.Host, refused.Message)
	}
	return &transport.UnreachableError{Host: n.c.Host, Addr: n.s.addr(), Reason: reason, Detail: detail, Err: err}
}
