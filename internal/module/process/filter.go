package process

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
)

// Filter starts a command that reads r, and returns what it writes. The command
// is killed, with its group, when ctx ends. Close waits for it and reports its
// failure; it must be called.
func Filter(ctx context.Context, c Cmd, r io.Reader) (io.ReadCloser, error) {
	path, err := lookPath(c.Argv[0], c.Env)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Args, cmd.Dir, cmd.Env, cmd.Stdin = c.Argv, c.Dir, c.Env, r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = linger
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	f := &filter{Reader: out, cmd: cmd}
	cmd.Stderr = &f.stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return f, nil
}

type filter struct {
	io.Reader
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

// Close reads what is left, so that the command ends on its own.
func (f *filter) Close() error {
	_, err := io.Copy(io.Discard, f.Reader)
	if waitErr := f.cmd.Wait(); waitErr != nil {
		return fmt.Errorf("%s: %w: %s", f.cmd.Args[0], waitErr, strings.TrimSpace(f.stderr.String()))
	}
	return err
}
