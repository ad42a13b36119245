package client

import (
	"context"
	"fmt"
	"io"

	"github.com/tutti-run/tutti/internal/agent"
	"github.com/tutti-run/tutti/internal/agent/wire"
	"github.com/tutti-run/tutti/internal/module"
)

// inProcess runs calls in this process: the controller's own machine, as the user
// who runs us. It changes nothing of the process.
type inProcess struct {
	t      *Target
	runner *agent.Runner
	who    *wire.Hello
}

func newInProcess(t *Target) *inProcess {
	o := t.pool.o
	return &inProcess{t: t, runner: &agent.Runner{Registry: o.Registry, Self: o.Self}, who: agent.Hello("")}
}

func (l *inProcess) hello() *wire.Hello { return l.who }
func (l *inProcess) dead() bool         { return false }
func (l *inProcess) close()             { l.runner.Close() }

func (l *inProcess) do(ctx context.Context, call *module.Call) (*module.Result, error) {
	if !l.t.pool.begin() {
		return nil, context.Canceled
	}
	defer l.t.pool.work.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(l.t.pool.ctx, cancel)
	defer stop()
	req := l.t.request(call)
	for d, f := range call.Files {
		req.Files = append(req.Files, wire.File{Digest: string(d), Size: f.Size})
	}
	res := l.runner.Run(ctx, req, call.Args, localPeer{t: l.t, call: call})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return res, nil
}

// localPeer gives a call in this process what a link would carry.
type localPeer struct {
	t    *Target
	call *module.Call
}

func (p localPeer) Open(_ context.Context, f wire.File) (io.ReadCloser, error) {
	return p.call.Files[module.Digest(f.Digest)].Open()
}

func (p localPeer) Send(_ context.Context, name string, r io.Reader) error {
	if p.call.Sink == nil {
		return fmt.Errorf("the controller takes no files from this task")
	}
	return p.call.Sink(name, r)
}

func (p localPeer) Notice(n wire.Notice) { p.t.notice(p.call, n) }

func (t *Target) notice(call *module.Call, n wire.Notice) {
	if n.Waiting && call.OnWait != nil {
		call.OnWait()
	}
	if t.pool.o.Notice != nil {
		t.pool.o.Notice(t.cfg.Host, call, n)
	}
}

// request is a call as it is sent, but for its arguments and files.
func (t *Target) request(call *module.Call) *wire.Request {
	holder := t.pool.o.Holder
	if call.Task != "" {
		holder += `, task "` + call.Task + `"`
	}
	return &wire.Request{
		Module: string(call.Module),
		Check:  call.Check, Diff: call.Diff, NoLog: call.NoLog, Verbosity: call.Verbosity,
		Environment: call.Environment, Async: call.Async,
		Locks: call.Locks, Holder: holder, RemoteTmp: t.cfg.RemoteTmp,
	}
}
