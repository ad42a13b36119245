package python

import (
	"bufio"
	"bytes"
	"context"
	_ "embed" // for the server's program
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/process"
)

//go:embed server.py
var serverProgram string

// server is a Python process that has the module library imported and runs each
// module in a fork of itself: to start Python and import it costs many times
// what most modules do. It ends with the agent.
type server struct {
	cmd  *exec.Cmd
	link *net.UnixConn

	write sync.Mutex // one request at a time

	mu    sync.Mutex // guards the following
	next  int
	calls map[int]*forked
	err   error // why it is of no use any more
}

// forked is a module that runs in a fork.
type forked struct {
	pid  chan int
	exit chan int
}

// reply is a line from the server.
type reply struct {
	Ready bool `json:"ready"`
	ID    int  `json:"id"`
	PID   int  `json:"pid"`
	Exit  *int `json:"exit"`
}

// starting is how long Python may take to start.
const starting = 30 * time.Second

// startServer starts Python on an archive that holds the module library.
func startServer(python, archive string, environ []string) (*server, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "server"), os.NewFile(uintptr(fds[1]), "agent")
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	_ = ours.Close()
	if err != nil {
		return nil, err
	}
	s := &server{link: conn.(*net.UnixConn), calls: map[int]*forked{}}
	s.cmd = &exec.Cmd{Path: python, Args: []string{python, "-c", serverProgram, archive}, Env: environ, ExtraFiles: []*os.File{theirs}}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var stderr bytes.Buffer
	s.cmd.Stderr = &stderr
	if err := s.cmd.Start(); err != nil {
		_ = conn.Close()
		return nil, err
	}
	answers := bufio.NewReader(conn)
	_ = conn.SetReadDeadline(time.Now().Add(starting))
	line, err := answers.ReadBytes('\n')
	var r reply
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	if err != nil || !r.Ready {
		_ = conn.Close()
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		return nil, fmt.Errorf("%w: %s", errors.Join(err, errors.New("python could not be started as a server")), strings.TrimSpace(stderr.String()))
	}
	_ = conn.SetReadDeadline(time.Time{})
	go s.read(answers) // ends with the link
	return s, nil
}

// read takes the answers until the server ends.
func (s *server) read(answers *bufio.Reader) {
	for {
		line, err := answers.ReadBytes('\n')
		var r reply
		if err == nil {
			err = json.Unmarshal(line, &r)
		}
		s.mu.Lock()
		if err != nil {
			s.err = fmt.Errorf("the Python server has ended: %w", err)
			for _, c := range s.calls {
				close(c.exit)
			}
			s.calls = nil
			s.mu.Unlock()
			_ = s.link.Close()
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
			return
		}
		if c := s.calls[r.ID]; c != nil {
			if r.Exit != nil {
				c.exit <- *r.Exit
				delete(s.calls, r.ID)
			} else {
				c.pid <- r.PID
			}
		}
		s.mu.Unlock()
	}
}

// Close ends the server; what runs in its forks ends with it.
func (s *server) Close() error { return s.link.Close() }

// dead reports whether the server has ended.
func (s *server) dead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err != nil
}

// request is what the server gets.
type request struct {
	ID      int               `json:"id"`
	Archive string            `json:"archive"`
	Entry   string            `json:"entry"`
	Args    string            `json:"args"`
	Env     map[string]string `json:"env"`
	Files   int               `json:"files"` // that may be open at once; 0 says nothing
}

// linger is as in package process: how long output is read after the module has
// ended, should something hold on to it.
const (
	linger   = time.Second
	graceful = 2 * time.Second
)

// run runs a module in a fork.
func (s *server) run(ctx context.Context, r request) (process.Output, error) {
	out := process.Output{Start: time.Now()}
	var readers, writers [2]*os.File
	for i := range readers {
		var err error
		if readers[i], writers[i], err = os.Pipe(); err != nil {
			return out, err
		}
		defer readers[i].Close()
	}
	call := &forked{pid: make(chan int, 1), exit: make(chan int, 1)}
	err := s.send(&r, call, writers)
	for _, w := range writers {
		_ = w.Close()
	}
	if err != nil {
		return out, err
	}
	var texts [2]bytes.Buffer
	var reading sync.WaitGroup
	for i, f := range readers {
		reading.Go(func() { _, _ = io.Copy(&texts[i], io.LimitReader(f, process.MaxOutput)) })
	}
	status, err := s.wait(ctx, call)
	for _, f := range readers {
		_ = f.SetReadDeadline(time.Now().Add(linger))
	}
	reading.Wait()
	out.End, out.Stdout, out.Stderr, out.RC = time.Now(), texts[0].Bytes(), texts[1].Bytes(), status
	return out, err
}

func (s *server) send(r *request, call *forked, files [2]*os.File) error {
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return s.err
	}
	s.next++
	r.ID = s.next
	s.calls[r.ID] = call
	s.mu.Unlock()
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...)
	s.write.Lock()
	defer s.write.Unlock()
	n, _, err := s.link.WriteMsgUnix(frame, unix.UnixRights(int(files[0].Fd()), int(files[1].Fd())), nil)
	if err == nil && n < len(frame) {
		_, err = s.link.Write(frame[n:])
	}
	return err
}

// wait waits for the module's end and, if ctx ends first, ends it with all that
// it has started.
func (s *server) wait(ctx context.Context, call *forked) (status int, err error) {
	end := func(code int, ok bool) (int, error) {
		if !ok {
			return -1, errors.New("the Python server ended while the module ran")
		}
		return code, ctx.Err()
	}
	var pid int
	select {
	case pid = <-call.pid:
	case code, ok := <-call.exit:
		return end(code, ok)
	}
	select {
	case code, ok := <-call.exit:
		return end(code, ok)
	case <-ctx.Done():
	}
	_ = syscall.Kill(-pid, syscall.SIGTERM)
	select {
	case code, ok := <-call.exit:
		_ = syscall.Kill(-pid, syscall.SIGKILL) // what it has left behind
		return end(code, ok)
	case <-time.After(graceful):
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	code, ok := <-call.exit
	return end(code, ok)
}

// forkable reports whether a module may run in a fork: its environment must not
// ask for anything that only a new Python takes notice of.
func forkable(env *module.Env, server []string) bool {
	own := startup(env.Environ)
	if len(own) != len(startup(server)) {
		return false
	}
	for k, v := range startup(server) {
		if own[k] != v {
			return false
		}
	}
	return true
}

// startup are the variables that Python, or the loader of programs, reads as it
// starts.
func startup(environ []string) map[string]string {
	out := map[string]string{}
	for _, e := range environ {
		k, v, _ := strings.Cut(e, "=")
		if strings.HasPrefix(k, "PYTHON") || strings.HasPrefix(k, "LD_") || strings.HasPrefix(k, "LC_") || k == "LANG" || k == "LANGUAGE" || k == "VIRTUAL_ENV" {
			out[k] = v
		}
	}
	return out
}

func environMap(environ []string) map[string]string {
	out := make(map[string]string, len(environ))
	for _, e := range environ {
		if k, v, ok := strings.Cut(e, "="); ok {
			out[k] = v
		}
	}
	return out
}
