package client

import (
	"context"
	"errors"
	"sync"

	"github.com/tutti-run/tutti/internal/transport"
)

// connKey names a connection: most hosts have one, number 0. sshd allows ten
// sessions on each, so a host with more users than that has more.
type connKey struct {
	cfg    transport.Config
	number int
}

// maxConns bounds the connections to one host.
const maxConns = 8

// sharedConn is one connection, which the agents of several users share.
type sharedConn struct {
	key  connKey
	done chan struct{} // closed when dialled

	// Set before done is closed.
	conn transport.Conn
	err  error

	once sync.Once
}

func (c *sharedConn) close() {
	<-c.done
	if c.conn != nil {
		c.once.Do(func() { _ = c.conn.Close() })
	}
}

// onConn calls f with a connection for cfg, dialled if need be, and with
// another one when that has no room for a session.
func (p *Pool) onConn(ctx context.Context, cfg transport.Config, f func(*sharedConn) error) error {
	for number := 0; ; number++ {
		c, err := p.conn(ctx, connKey{cfg, number})
		if err != nil {
			return err
		}
		err = f(c)
		var u *transport.UnreachableError
		if number+1 == maxConns || !errors.As(err, &u) || u.Reason != transport.Full {
			return err
		}
	}
}

// conn returns a connection, dialled if need be. Whoever finds it lost forgets
// it.
func (p *Pool) conn(ctx context.Context, key connKey) (*sharedConn, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, context.Canceled
	}
	c := p.conns[key]
	mine := c == nil
	if mine {
		c = &sharedConn{key: key, done: make(chan struct{})}
		p.conns[key] = c
	}
	p.mu.Unlock()
	if mine {
		c.conn, c.err = p.dial(ctx, key.cfg)
		close(c.done)
	}
	<-c.done
	if c.err != nil {
		p.forget(c)
		return nil, c.err
	}
	return c, nil
}

func (p *Pool) dial(ctx context.Context, cfg transport.Config) (transport.Conn, error) {
	d := p.o.Dialers[cfg.Kind]
	if d == nil {
		return nil, &transport.UnreachableError{
			Host: cfg.Host, Addr: cfg.Addr(), Reason: transport.Broken,
			Detail: "the connection plugin '" + cfg.Kind + "' was not found",
		}
	}
	for try := 0; ; try++ {
		conn, err := d.Dial(ctx, cfg)
		if err == nil || try >= cfg.Retries || ctx.Err() != nil || !worthRetrying(err) {
			return conn, err
		}
	}
}

// forget drops a connection that is lost, so that the next call dials anew.
func (p *Pool) forget(c *sharedConn) {
	p.mu.Lock()
	if p.conns[c.key] == c {
		delete(p.conns, c.key)
	}
	p.mu.Unlock()
	c.close()
}

// exec starts a command and forgets a connection that turns out to be lost.
func (p *Pool) exec(ctx context.Context, c *sharedConn, command string) (transport.Process, error) {
	proc, err := c.conn.Exec(ctx, command)
	var u *transport.UnreachableError
	if errors.As(err, &u) && u.Reason != transport.Full {
		p.forget(c)
	}
	return proc, err
}
