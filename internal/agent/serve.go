package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tutti-run/tutti/internal/agent/wire"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// wrapUp is how long calls have to end after the link has: processes get TERM,
// then KILL after two seconds.
const wrapUp = 4 * time.Second

// errGone is why calls are cancelled when the controller is.
var errGone = errors.New("the controller is gone")

// server serves the calls of one link.
type server struct {
	runner  *Runner
	w       *wire.Writer
	streams *wire.Streams
	next    atomic.Uint64 // stream numbers
	pulse   *wire.Pulse
	calls   sync.WaitGroup

	mu      sync.Mutex // guards the following
	running map[uint64]context.CancelFunc
}

// Serve says hello and serves calls until in ends, ctx does, or the controller
// falls silent; then it cancels what runs, waits a little for it and returns.
func (r *Runner) Serve(ctx context.Context, version string, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &server{runner: r, w: wire.NewWriter(out), running: map[uint64]context.CancelFunc{}}
	s.streams = wire.NewStreams(s.w)
	s.pulse = wire.NewPulse(in)
	if err := s.w.Write(&wire.Frame{Kind: wire.KindHello, Hello: Hello(version)}); err != nil {
		return err
	}
	go s.watch(ctx, cancel)
	ended := make(chan error, 1)
	// The reader is left behind when ctx ends first: a read from a pipe cannot be
	// interrupted, and the process exits anyway.
	go func() { ended <- s.read(ctx) }()
	err := s.until(ctx, ended)
	cancel(errGone)
	s.streams.Fail(errGone)
	idle := make(chan struct{})
	go func() { s.calls.Wait(); close(idle) }()
	select {
	case <-idle:
	case <-time.After(wrapUp):
	}
	return err
}

// until waits for a reason to end and returns it.
func (s *server) until(ctx context.Context, ended <-chan error) error {
	for {
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.runner.leave:
			s.mu.Lock()
			busy := len(s.running) > 0
			s.mu.Unlock()
			if !busy {
				return nil
			}
		}
	}
}

// watch sends pings and notices when none come.
func (s *server) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(wire.PingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if silent := s.pulse.Silent(); silent > wire.SilentFor {
				cancel(fmt.Errorf("nothing heard from the controller for %v", silent.Round(time.Second)))
				return
			}
			// Not here: a write may block while the controller is stuck, and then
			// nobody would notice.
			go func() { _ = s.w.Write(&wire.Frame{Kind: wire.KindPing}) }()
		}
	}
}

func (s *server) read(ctx context.Context) error {
	frames := wire.NewReader(bufio.NewReaderSize(s.pulse, 64<<10))
	for {
		f, err := frames.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("from the controller: %w", err)
		}
		switch f.Kind {
		case wire.KindCall:
			s.start(ctx, f)
		case wire.KindCancel:
			s.mu.Lock()
			if cancel := s.running[f.Call]; cancel != nil {
				cancel()
			}
			s.mu.Unlock()
		case wire.KindChunk, wire.KindCredit, wire.KindDone:
			if err := s.streams.Handle(f); err != nil {
				return fmt.Errorf("from the controller: %w", err)
			}
		case wire.KindPing:
		default:
			return fmt.Errorf("from the controller: unexpected frame of kind %d", f.Kind)
		}
	}
}

func (s *server) start(ctx context.Context, f *wire.Frame) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.running[f.Call] = cancel
	s.mu.Unlock()
	s.calls.Add(1)
	go func() {
		defer s.calls.Done()
		defer func() {
			s.mu.Lock()
			delete(s.running, f.Call)
			s.mu.Unlock()
			cancel()
		}()
		res := s.run(ctx, f)
		data := value.ToJSON(res.ToMap())
		if len(data) > maxResult {
			data = value.ToJSON(module.Fail("the result of %s is %d MB, more than the %d MB that a result may be",
				f.Request.Module, len(data)>>20, maxResult>>20).ToMap())
		}
		// If the link is broken, the reader finds out.
		_ = s.w.Write(&wire.Frame{Kind: wire.KindResult, Call: f.Call, Data: data})
	}()
}

// maxResult leaves room for the frame around a result.
const maxResult = wire.MaxFrame - 1<<20

func (s *server) run(ctx context.Context, f *wire.Frame) *module.Result {
	args, err := value.ParseJSON(f.Request.Args)
	m, ok := args.(*value.Map)
	if err != nil || !ok {
		return module.Fail("cannot read the arguments that the controller sent: %v", err)
	}
	return s.runner.Run(ctx, f.Request, m, &remotePeer{s: s, call: f.Call})
}

// remotePeer is the controller at the other end of the link.
type remotePeer struct {
	s    *server
	call uint64
}

func (p *remotePeer) Open(ctx context.Context, f wire.File) (io.ReadCloser, error) {
	id := p.s.next.Add(1)
	in := p.s.streams.Receive(ctx, id)
	if err := p.s.w.Write(&wire.Frame{Kind: wire.KindNeed, Call: p.call, Stream: id, Name: f.Digest}); err != nil {
		_ = in.Close()
		return nil, err
	}
	return in, nil
}

func (p *remotePeer) Send(ctx context.Context, name string, r io.Reader) error {
	id := p.s.next.Add(1)
	return p.s.streams.Transmit(ctx, id, &wire.Frame{Kind: wire.KindOffer, Call: p.call, Stream: id, Name: name}, r)
}

func (p *remotePeer) Notice(n wire.Notice) {
	_ = p.s.w.Write(&wire.Frame{Kind: wire.KindNotice, Call: p.call, Notice: &n})
}
