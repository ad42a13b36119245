// Package process runs commands for modules: each in a process group of its
// own, ended as a group when the call is cancelled, with its output collected.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Cmd is a command to run. Env is complete (as Env.Environ); nil is empty.
type Cmd struct {
	Argv  []string
	Dir   string
	Env   []string
	Stdin []byte
}

// Output is what a command that could be started did.
type Output struct {
	Stdout, Stderr []byte
	RC             int // exit status; minus the signal that killed it
	Start, End     time.Time
}

// linger is how long output is still read after the command itself has ended: a
// daemon that it left behind may hold the pipes for ever.
const linger = time.Second

// graceful is how long a process group has between TERM and KILL.
const graceful = 2 * time.Second

// MaxOutput is how much of each output is kept.
const MaxOutput = 64 << 20

// output keeps what a command prints, up to MaxOutput. What is beyond is read
// and dropped, so that the command itself goes on.
type output struct {
	data []byte
	over bool
}

func (o *output) Write(p []byte) (int, error) {
	kept := p[:min(len(p), MaxOutput-len(o.data))]
	o.data = append(o.data, kept...)
	o.over = o.over || len(kept) < len(p)
	return len(p), nil
}

// lookPath finds a command in the PATH of the environment that it will get,
// which need not be ours.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			path = v
		}
	}
	err := error(syscall.ENOENT)
	for dir := range strings.SplitSeq(path, ":") {
		if dir == "" {
			dir = "."
		}
		full := dir + "/" + name
		fi, statErr := os.Stat(full)
		switch {
		case statErr != nil || fi.IsDir():
		case fi.Mode()&0o111 == 0:
			err = syscall.EACCES
		default:
			return full, nil
		}
	}
	return "", &os.PathError{Op: "exec", Path: name, Err: err}
}

// Settle waits until no other process that is being started can still hold a
// file that was open for writing until now: a program written and run at once
// would fail with "text file busy".
func Settle() {
	syscall.ForkLock.Lock()
	syscall.ForkLock.Unlock() //nolint:staticcheck // the moment of holding it is the point
}

// Find returns where a command is in the environment's PATH, "" if nowhere.
func Find(name string, env []string) string {
	path, err := lookPath(name, env)
	if err != nil {
		return ""
	}
	return path
}

// Run runs the command and waits for it. The error is set only if it could not
// be started, ctx ended or it printed more than MaxOutput; a status other than
// 0 is no error.
func Run(ctx context.Context, c Cmd) (Output, error) {
	if len(c.Argv) == 0 {
		return Output{}, errors.New("no command given")
	}
	path, err := lookPath(c.Argv[0], c.Env)
	if err != nil {
		return Output{}, err
	}
	cmd := &exec.Cmd{Path: path, Args: c.Argv, Dir: c.Dir, Env: c.Env}
	if c.Env == nil {
		cmd.Env = []string{} // a nil Env would mean our own
	}
	cmd.WaitDelay = linger
	// Should we be killed ourselves, nobody is left to end the command.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var stdout, stderr output
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if c.Stdin != nil {
		cmd.Stdin = bytes.NewReader(c.Stdin)
	}
	out := Output{Start: time.Now()}
	if err := cmd.Start(); err != nil {
		return out, err
	}
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-done:
		case <-ctx.Done():
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
			select {
			case <-done:
			case <-time.After(graceful):
			}
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	}()
	err = cmd.Wait()
	close(done)
	<-stopped
	out.End, out.Stdout, out.Stderr = time.Now(), stdout.data, stderr.data
	out.RC = cmd.ProcessState.ExitCode()
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		out.RC = -int(ws.Signal())
	}
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	if stdout.over || stderr.over {
		return out, fmt.Errorf("the command %s printed more than %d MB, which cannot be returned as a result: send its output to a file", c.Argv[0], MaxOutput>>20)
	}
	var status *exec.ExitError
	if errors.As(err, &status) || errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	return out, err
}
