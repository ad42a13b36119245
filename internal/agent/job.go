package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/agent/lock"
	"github.com/tutti-run/tutti/internal/agent/wire"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// A job is a call in the background: a process of its own session that outlives
// agent and controller. It is found again through its file in ~/.ansible_async
// (or $ANSIBLE_ASYNC_DIR), which is as Ansible's, so that async_status and
// people's scripts read it.

// jobSpec is what the agent hands to the job's process.
type jobSpec struct {
	Dir   string   // of the job files
	Files string   // directory of the contents that the call may ask for
	Env   []string // the call's environment
	Locks int      // inherited lock files, from descriptor 3 on
}

// startJob starts the job and returns what Ansible's async_wrapper does.
func (r *Runner) startJob(ctx context.Context, req *wire.Request, environ []string, held *lock.Lock, peer Peer) *module.Result {
	spec := jobSpec{Dir: module.Expander(environ)(asyncDir(environ)), Env: environ, Locks: len(held.Files())}
	if err := os.MkdirAll(spec.Dir, 0o700); err != nil {
		return module.Fail("could not create directory: %s - %s", spec.Dir, err)
	}
	if err := spec.keepFiles(ctx, req, peer); err != nil {
		_ = os.RemoveAll(spec.Files)
		return module.Fail("cannot keep the files of the job: %s", err)
	}
	jid, err := r.launch(ctx, spec, req, held)
	if err != nil {
		_ = os.RemoveAll(spec.Files)
		return module.Fail("cannot start the job: %s", err)
	}
	res := &module.Result{Changed: true}
	return res.Set("started", 1).Set("finished", 0).Set("ansible_job_id", jid).Set("results_file", filepath.Join(spec.Dir, jid))
}

func asyncDir(environ []string) string {
	for _, e := range slices.Backward(environ) {
		if v, ok := strings.CutPrefix(e, "ANSIBLE_ASYNC_DIR="); ok && v != "" {
			return v
		}
	}
	return "~/.ansible_async"
}

// keepFiles stores what the controller holds, since it will be gone.
func (s *jobSpec) keepFiles(ctx context.Context, req *wire.Request, peer Peer) error {
	if len(req.Files) == 0 {
		return nil
	}
	var err error
	if s.Files, err = os.MkdirTemp(s.Dir, ".files-"); err != nil {
		return err
	}
	open := opener(req.Files, peer)
	for _, f := range req.Files {
		in, err := open(ctx, module.Digest(f.Digest))
		if err != nil {
			return err
		}
		err = keepFile(filepath.Join(s.Files, filepath.Base(f.Digest)), in)
		_ = in.Close()
		if err != nil {
			return err
		}
	}
	for i := range req.Files {
		req.Files[i].Inline, req.Files[i].Data = false, nil
	}
	return nil
}

func keepFile(path string, in io.Reader) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// launch starts the job's process and waits until it says its id.
func (r *Runner) launch(ctx context.Context, spec jobSpec, req *wire.Request, held *lock.Lock) (jid string, err error) {
	head, err := json.Marshal(spec)
	if err != nil {
		return "", err
	}
	cmd := exec.Command(r.Self[0], append(slices.Clone(r.Self[1:]), "job")...)
	cmd.Env = spec.Env
	cmd.ExtraFiles = held.Files()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	// The job outlives us by design. While we live, somebody must collect its
	// exit status, or it stays as a zombie.
	defer func() { go func() { _ = cmd.Wait() }() }()
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	w := wire.NewWriter(in)
	err = errors.Join(
		w.Write(&wire.Frame{Kind: wire.KindResult, Data: head}),
		w.Write(&wire.Frame{Kind: wire.KindCall, Request: req}),
		in.Close())
	line, _ := bufio.NewReader(out).ReadString('\n')
	if jid = strings.TrimSuffix(line, "\n"); jid == "" || line == jid {
		return "", errors.Join(err, fmt.Errorf("its process ended before it began"))
	}
	return jid, nil
}

// job is the main function of a job's process.
func job(self []string, registry *module.Registry) error {
	frames := wire.NewReader(bufio.NewReader(os.Stdin))
	first, err := frames.Read()
	if err != nil {
		return err
	}
	second, err := frames.Read()
	if err != nil {
		return err
	}
	var spec jobSpec
	if err := json.Unmarshal(first.Data, &spec); err != nil {
		return err
	}
	args, err := value.ParseJSON(second.Request.Args)
	m, ok := args.(*value.Map)
	if err != nil || !ok {
		return fmt.Errorf("cannot read the arguments: %v", err)
	}
	// The locks are ours now, and not our children's.
	for fd := 3; fd < 3+spec.Locks; fd++ {
		unix.CloseOnExec(fd)
	}
	jid := fmt.Sprintf("j%d.%d", rand.Int64N(1e12), os.Getpid())
	path := filepath.Join(spec.Dir, jid)
	start := value.MapOf("started", 1, "finished", 0, "ansible_job_id", jid)
	if err := writeJob(path, start); err != nil {
		return err
	}
	fmt.Println(jid)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	for fd := range 3 {
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return err
		}
	}
	enterDirectory()
	req := second.Request
	limit := time.Duration(req.Async) * time.Second
	req.Async, req.Locks = 0, nil
	runner := &Runner{Registry: registry, Self: self, Environ: spec.Env}
	req.Environment = nil // applied already
	res := runLimited(runner, req, m, jobPeer{files: spec.Files}, limit)
	if spec.Files != "" {
		_ = os.RemoveAll(spec.Files)
	}
	return writeJob(path, res)
}

// runLimited runs the call and ends it, with its processes, at its time limit.
func runLimited(r *Runner, req *wire.Request, args *value.Map, peer Peer, limit time.Duration) *value.Map {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	done := make(chan *module.Result, 1)
	go func() { done <- r.Run(ctx, req, args, peer) }()
	select {
	case res := <-done:
		if ctx.Err() == nil {
			return res.ToMap()
		}
	case <-ctx.Done():
		// A module that does not heed its context is left to the end of the process.
		select {
		case <-done:
		case <-time.After(wrapUp):
		}
	}
	return value.MapOf("msg", "Timeout exceeded", "failed", true, "child_pid", os.Getpid())
}

// writeJob replaces a job's file as a whole: others read it at any time.
func writeJob(path string, m *value.Map) error {
	if err := os.WriteFile(path+".tmp", value.ToJSON(m), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// jobPeer serves a job from what was kept for it.
type jobPeer struct{ files string }

func (p jobPeer) Open(_ context.Context, f wire.File) (io.ReadCloser, error) {
	return os.Open(filepath.Join(p.files, filepath.Base(f.Digest)))
}

func (p jobPeer) Send(context.Context, string, io.Reader) error {
	return errors.New("a task in the background cannot send files to the controller")
}

func (p jobPeer) Notice(wire.Notice) {}
