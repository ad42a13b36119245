package process

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	env := os.Environ()
	out, err := Run(t.Context(), Cmd{Argv: []string{"/bin/sh", "-c", "cat; echo err >&2; exit 3"}, Env: env, Stdin: []byte("in")})
	if err != nil || string(out.Stdout) != "in" || string(out.Stderr) != "err\n" || out.RC != 3 {
		t.Errorf("%q %q %d %v", out.Stdout, out.Stderr, out.RC, err)
	}
	if out, err = Run(t.Context(), Cmd{Argv: []string{"/bin/sh", "-c", "kill -9 $$"}, Env: env}); err != nil || out.RC != -9 {
		t.Errorf("killed: status %d, %v", out.RC, err)
	}
	if _, err = Run(t.Context(), Cmd{Argv: []string{"/no/such"}, Env: env}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such command: %v", err)
	}
}

func TestDaemonDoesNotHold(t *testing.T) {
	start := time.Now()
	out, err := Run(t.Context(), Cmd{Argv: []string{"/bin/sh", "-c", "sleep 20 & echo $!"}, Env: os.Environ()})
	if err != nil || out.RC != 0 || len(out.Stdout) == 0 || time.Since(start) > 10*time.Second {
		t.Errorf("%q %d %v after %v", out.Stdout, out.RC, err, time.Since(start))
	}
}

func TestCancelKillsTheGroup(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := Run(ctx, Cmd{Argv: []string{"/bin/sh", "-c", "sleep 30 & wait"}, Env: os.Environ()})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

func TestOutputIsBounded(t *testing.T) {
	out, err := Run(t.Context(), Cmd{Argv: []string{"/bin/sh", "-c", "head -c 70000000 /dev/zero; exit 3"}, Env: os.Environ()})
	if err == nil || !strings.Contains(err.Error(), "more than 64 MB") || len(out.Stdout) != MaxOutput || out.RC != 3 {
		t.Errorf("%d bytes, status %d, %v", len(out.Stdout), out.RC, err)
	}
}
