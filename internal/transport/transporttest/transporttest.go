// Package transporttest is what every transport keeps, as a suite: a
// transport's test makes a connection and calls Run.
package transporttest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/transport"
)

// Run checks a transport; dial makes a new connection to a host with a POSIX
// shell.
func Run(t *testing.T, dial func(t *testing.T) transport.Conn) {
	t.Run("streams", func(t *testing.T) { streams(t, dial(t)) })
	t.Run("statuses", func(t *testing.T) { statuses(t, dial(t)) })
	t.Run("binary", func(t *testing.T) { binary(t, dial(t)) })
	t.Run("quotes", func(t *testing.T) { quotes(t, dial(t)) })
	t.Run("concurrent", func(t *testing.T) { concurrent(t, dial(t)) })
	t.Run("slow reader", func(t *testing.T) { slowReader(t, dial(t)) })
	t.Run("close process", func(t *testing.T) { closeProcess(t, dial(t)) })
	t.Run("close connection", func(t *testing.T) { closeConn(t, dial(t)) })
	t.Run("cancelled", func(t *testing.T) { cancelled(t, dial(t)) })
}

type outcome struct {
	stdout, stderr string
	status         int
}

// do runs a command to its end.
func do(t *testing.T, c transport.Conn, command, stdin string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	p, err := c.Exec(ctx, command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	defer p.Close()
	var out, errs bytes.Buffer
	var work sync.WaitGroup
	work.Go(func() { _, _ = io.Copy(&out, p.Stdout()) })
	work.Go(func() { _, _ = io.Copy(&errs, p.Stderr()) })
	_, _ = io.WriteString(p.Stdin(), stdin)
	_ = p.Stdin().Close()
	work.Wait()
	status, err := p.Wait()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return outcome{out.String(), errs.String(), status}
}

func closing(t *testing.T, c transport.Conn) {
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
	})
}

func streams(t *testing.T, c transport.Conn) {
	closing(t, c)
	got := do(t, c, "read x; echo out $x; echo err >&2; cat", "one\ntwo\n")
	if want := (outcome{"out one\ntwo\n", "err\n", 0}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func statuses(t *testing.T, c transport.Conn) {
	closing(t, c)
	for _, status := range []int{0, 1, 126, 254} {
		if got := do(t, c, fmt.Sprintf("exit %d", status), ""); got.status != status {
			t.Errorf("status %d is reported as %d", status, got.status)
		}
	}
	if got := do(t, c, "no-such-command-here", ""); got.status != 127 || got.stderr == "" {
		t.Errorf("no such command: %+v", got)
	}
}

func binary(t *testing.T, c transport.Conn) {
	closing(t, c)
	data := make([]byte, 1<<20)
	_, _ = rand.Read(data)
	if got := do(t, c, "cat", string(data)); got.stdout != string(data) {
		t.Errorf("%d bytes came back as %d others", len(data), len(got.stdout))
	}
}

func quotes(t *testing.T, c transport.Conn) {
	closing(t, c)
	if got := do(t, c, `printf '%s|' "a  b" 'c"d' "e'f" '$HOME' \*`, ""); got.stdout != `a  b|c"d|e'f|$HOME|*|` {
		t.Errorf("%q", got.stdout)
	}
}

func concurrent(t *testing.T, c transport.Conn) {
	closing(t, c)
	var work sync.WaitGroup
	for i := range 5 {
		work.Go(func() {
			text := strings.Repeat(fmt.Sprint(i), 10000)
			if got := do(t, c, "cat", text); got.stdout != text {
				t.Errorf("command %d got somebody else's output", i)
			}
		})
	}
	work.Wait()
}

// A reader that does not read must not stop other commands.
func slowReader(t *testing.T, c transport.Conn) {
	closing(t, c)
	p, err := c.Exec(t.Context(), "head -c 20000000 /dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	if got := do(t, c, "echo meanwhile", ""); got.stdout != "meanwhile\n" {
		t.Errorf("%+v", got)
	}
	n, err := io.Copy(io.Discard, p.Stdout())
	if n != 20000000 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	_, _ = io.Copy(io.Discard, p.Stderr())
	if status, err := p.Wait(); status != 0 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
}

// soon fails if f takes long.
func soon(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { f(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Errorf("%s does not end", what)
	}
}

func closeProcess(t *testing.T, c transport.Conn) {
	closing(t, c)
	p, err := c.Exec(t.Context(), "cat")
	if err != nil {
		t.Fatal(err)
	}
	soon(t, "a closed process", func() {
		_ = p.Close()
		_, _ = io.Copy(io.Discard, p.Stdout())
		_, _ = io.Copy(io.Discard, p.Stderr())
		_, _ = p.Wait()
	})
	if got := do(t, c, "echo still here", ""); got.stdout != "still here\n" {
		t.Errorf("%+v", got)
	}
}

func closeConn(t *testing.T, c transport.Conn) {
	p, err := c.Exec(t.Context(), "cat")
	if err != nil {
		t.Fatal(err)
	}
	soon(t, "a process on a closed connection", func() {
		_ = c.Close()
		_, _ = io.Copy(io.Discard, p.Stdout())
		_, _ = io.Copy(io.Discard, p.Stderr())
		_, _ = p.Wait()
	})
	if _, err := c.Exec(t.Context(), "true"); err == nil {
		t.Error("a closed connection starts a command")
	}
}

func cancelled(t *testing.T, c transport.Conn) {
	closing(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := c.Exec(ctx, "true"); err == nil {
		_ = p.Close()
		t.Error("a command was started though it was cancelled before")
	}
}
