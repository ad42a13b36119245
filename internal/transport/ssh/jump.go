package ssh

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/transport"
)

// jumps are connections to hosts that are jumped through, shared by all that
// are reached that way.
type jumps struct {
	mu sync.Mutex // guards the following
	to map[string]*jumpHost
}

type jumpHost struct {
	users int // guarded by jumps.mu

	once    sync.Once
	client  *ssh.Client
	release func()
	err     error
}

// jump opens a stream to the host through the one before it.
func (d *Dialer) jump(ctx context.Context, s *settings, c transport.Config, depth int) (net.Conn, func(), error) {
	key := strings.Join(s.proxyJump, ",")
	d.jumps.mu.Lock()
	h := d.jumps.to[key]
	if h == nil {
		if d.jumps.to == nil {
			d.jumps.to = map[string]*jumpHost{}
		}
		h = &jumpHost{release: func() {}}
		d.jumps.to[key] = h
	}
	h.users++
	d.jumps.mu.Unlock()
	leave := func() { d.leave(key, h) }
	h.once.Do(func() {
		hop, err := d.hop(s.proxyJump, c)
		if err == nil {
			// Others wait for it too: our ctx must not spoil it for them, and its
			// own timeout bounds it.
			h.client, h.release, err = d.connect(context.WithoutCancel(ctx), hop, jumpConfig(c), depth+1)
		}
		if err != nil {
			h.err = fmt.Errorf("jump host %s: %w", key, err)
			if h.release == nil {
				h.release = func() {}
			}
		}
	})
	if h.err != nil {
		leave()
		return nil, nil, h.err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	conn, err := h.client.DialContext(ctx, "tcp", s.addr())
	if err != nil {
		leave()
		return nil, nil, fmt.Errorf("through %s: %w", key, err)
	}
	return conn, leave, nil
}

func (d *Dialer) leave(key string, h *jumpHost) {
	d.jumps.mu.Lock()
	h.users--
	last := h.users == 0
	if last && d.jumps.to[key] == h {
		delete(d.jumps.to, key)
	}
	d.jumps.mu.Unlock()
	if last {
		if h.client != nil {
			_ = h.client.Close()
		}
		h.release()
	}
}

// jumpConfig is what a jump host has in common with the host behind it: keys
// and known hosts of the user, not the host's own address or login.
func jumpConfig(c transport.Config) transport.Config {
	return transport.Config{Kind: c.Kind, Host: c.Host, HostKeys: c.HostKeys, KnownHosts: c.KnownHosts, Timeout: c.Timeout, KeyPassphrase: c.KeyPassphrase}
}

// hop gives the settings for the last of some jump hosts, the ones before it
// being its own way.
func (d *Dialer) hop(list []string, c transport.Config) (*settings, error) {
	spec := strings.TrimPrefix(strings.TrimSpace(list[len(list)-1]), "ssh://")
	given := &options{values: map[string][]string{}}
	if i := strings.LastIndexByte(spec, '@'); i >= 0 {
		given.add("user", spec[:i])
		spec = spec[i+1:]
	}
	host := spec
	if h, port, err := net.SplitHostPort(spec); err == nil {
		host = h
		given.add("port", port)
	}
	hopConfig := jumpConfig(c)
	fromInventory(given, hopConfig)
	s, err := d.files.settle(strings.Trim(host, "[]"), given, hopConfig)
	if err != nil {
		return nil, err
	}
	if s.beyond != "" {
		return nil, fmt.Errorf("only the ssh program understands %s", s.beyond)
	}
	if len(list) > 1 {
		s.proxyJump, s.proxyCommand = list[:len(list)-1], ""
	}
	// The inventory's key opens the host; the way to it uses the same one too.
	if c.KeyFile != "" {
		s.identities = append(s.identities, expand(c.KeyFile, s))
	}
	return s, nil
}

// runProxy starts a ProxyCommand and returns its standard input and output as
// a connection, whose end ends the command.
func runProxy(command string) (net.Conn, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "proxy"), os.NewFile(uintptr(pair[1]), "proxy")
	defer ours.Close()
	defer theirs.Close()
	cmd := exec.Command("/bin/sh", "-c", "exec "+command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, nil
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("ProxyCommand %s: %w", command, err)
	}
	conn, err := net.FileConn(ours)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, err
	}
	return &proxied{Conn: conn, cmd: cmd}, nil
}

type proxied struct {
	net.Conn
	cmd  *exec.Cmd
	once sync.Once
}

func (p *proxied) Close() error {
	err := p.Conn.Close()
	p.once.Do(func() {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
		_ = p.cmd.Wait()
	})
	return err
}
