package client

import (
	"context"
	"sync"

	"github.com/tutti-run/tutti/internal/transport"
)

// sharedConn is one connection, which the agents of several users share.
type sharedConn struct {
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

// conn returns the connection for cfg, dialled if need be. Whoever finds it
// broken forgets it.
func (p *Pool) conn(ctx context.Context, cfg transport.Config) (*sharedConn, error) {
	p.mu.Lock()
	c := p.conns[cfg]
	mine := c == nil
	if mine {
		c = &sharedConn{done: make(chan struct{})}
		if p.conns == nil {
			p.mu.Unlock()
			return nil, context.Canceled
		}
		p.conns[cfg] = c
	}
	p.mu.Unlock()
	if mine {
		c.conn, c.err = p.dial(ctx, cfg)
		close(c.done)
	}
	<-c.done
	if c.err != nil {
		p.forget(cfg, c)
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

// forget drops a connection that is broken, so that the next call dials anew.
func (p *Pool) forget(cfg transport.Config, c *sharedConn) {
	p.mu.Lock()
	if p.conns[cfg] == c {
		delete(p.conns, cfg)
	}
	p.mu.Unlock()
	c.close()
}
