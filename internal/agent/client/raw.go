package client

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/tutti-run/tutti/internal/agent/wire"
	"github.com/tutti-run/tutti/internal/transport"
)

// Raw runs a command with /bin/sh as the target's user, without an agent: for
// targets that have no place for one yet. Errors are as for Do.
func (t *Target) Raw(ctx context.Context, command string, stdin []byte) (stdout, stderr []byte, rc int, err error) {
	script := command
	if t.become != (Become{}) {
		// Tells a refusal from a command that fails.
		script = `m=TUTTI; echo "$m-AGENT raw"; ` + command
	}
	w, err := t.become.wrap(script)
	if err != nil {
		return nil, nil, 0, t.becomeError("%v", err)
	}
	if t.become == (Become{}) {
		w.command = command // the login shell's to interpret, as with ssh
	}
	err = t.pool.onConn(ctx, t.cfg, func(c *sharedConn) error {
		proc, err := t.pool.exec(ctx, c, w.command)
		if err != nil {
			return err
		}
		stdout, stderr, rc, err = t.rawRun(ctx, c, proc, w, stdin)
		return err
	})
	return stdout, stderr, rc, err
}

func (t *Target) rawRun(ctx context.Context, conn *sharedConn, proc transport.Process, w wrapped, stdin []byte) (stdout, stderr []byte, rc int, err error) {
	s := &starting{t: t, conn: conn, proc: proc, late: make(chan struct{}), asked: make(chan struct{}), followed: make(chan struct{})}
	s.stderr = &tail{prompt: w.prompt, password: t.become.Password, answer: proc.Stdin(), stuck: func() { close(s.asked); _ = proc.Close() }}
	stop := context.AfterFunc(ctx, func() { _ = proc.Close() })
	defer stop()
	var out, errs bytes.Buffer
	var reading sync.WaitGroup
	marked := make(chan struct{})
	reading.Go(func() {
		defer close(s.followed)
		s.stderr.follow(io.TeeReader(proc.Stderr(), &errs))
	})
	reading.Go(func() {
		scan := &markScanner{w: &out, mark: []byte(wire.Marker + "raw\n"), found: marked, open: t.become == (Become{})}
		_, _ = io.Copy(scan, proc.Stdout())
	})
	ended := make(chan struct{})
	t.pool.work.Go(func() { reading.Wait(); close(ended) })
	if t.become != (Become{}) {
		select {
		case <-marked:
			s.stderr.settle()
		case <-ended:
		}
	}
	if len(stdin) > 0 {
		// A command that reads nothing closes its end; that is its right.
		_, _ = proc.Stdin().Write(stdin)
	}
	_ = proc.Stdin().Close()
	<-ended
	if ctx.Err() != nil {
		s.abandon()
		return nil, nil, 0, ctx.Err()
	}
	if t.become != (Become{}) {
		select {
		case <-marked:
		default:
			s.noise = out.Bytes()
			err := s.silent()
			s.abandon()
			return nil, nil, 0, err
		}
	}
	status, err := s.wait()
	if err != nil {
		t.pool.forget(conn)
		return nil, nil, 0, &transport.UnreachableError{Host: t.cfg.Host, Addr: t.cfg.Addr(), Reason: transport.Lost, Detail: fmt.Sprintf("lost the connection to %s: %v", t.cfg.Host, err), Err: err}
	}
	text := errs.Bytes()
	if w.prompt != nil {
		text = w.prompt.ReplaceAll(text, nil)
	}
	return out.Bytes(), text, status, nil
}

// markScanner passes on what comes after a mark.
type markScanner struct {
	w     *bytes.Buffer
	mark  []byte
	found chan struct{}
	open  bool
}

func (m *markScanner) Write(p []byte) (int, error) {
	m.w.Write(p)
	if m.open {
		return len(p), nil
	}
	if i := bytes.Index(m.w.Bytes(), m.mark); i >= 0 {
		m.w.Next(i + len(m.mark))
		m.open = true
		close(m.found)
	}
	return len(p), nil
}
