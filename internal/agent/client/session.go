package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tutti-run/tutti/internal/agent/wire"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/transport"
	"github.com/tutti-run/tutti/internal/value"
)

// remote is an agent process and the link to it.
type remote struct {
	t       *Target
	conn    *sharedConn
	proc    transport.Process
	stderr  *tail
	who     *wire.Hello
	w       *wire.Writer
	streams *wire.Streams
	pulse   *wire.Pulse
	gone    chan struct{}
	ended   chan struct{} // the reader has returned and the process is collected

	mu    sync.Mutex // guards the following
	next  uint64
	calls map[uint64]*running
	err   error // why the session is over
}

// running is a call under way.
type running struct {
	call   *module.Call
	ctx    context.Context
	result chan []byte
	offers chan offer
	work   sync.WaitGroup
}

// offer is content that the target sends.
type offer struct {
	name string
	in   *wire.Inbox
}

// start takes over a process whose hello was read.
func (r *remote) start(frames *wire.Reader) {
	r.t.pool.work.Go(func() {
		defer close(r.ended)
		err := r.read(frames)
		r.fail(err)
		_ = r.proc.Close()
	})
	r.t.pool.work.Go(r.watch)
}

func (r *remote) hello() *wire.Hello { return r.who }

func (r *remote) dead() bool {
	select {
	case <-r.gone:
		return true
	default:
		return false
	}
}

// close ends the agent by ending its input and waits a little for it to end
// what it runs.
func (r *remote) close() {
	r.fail(errClosed)
	_ = r.proc.Stdin().Close()
	select {
	case <-r.ended:
	case <-time.After(closing):
		_ = r.proc.Close()
	}
}

// closing is how long an agent has to end what it runs.
const closing = 5 * time.Second

var errClosed = errors.New("the connection was closed")

// fail ends the session for every call.
func (r *remote) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	r.err = err
	close(r.gone)
	r.streams.Fail(err)
}

// lost is what calls return when the session ended under them.
func (r *remote) lost() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	detail := fmt.Sprintf("lost the connection to %s in the middle of a task: %v", r.t.cfg.Host, r.err)
	if text := r.stderr.text(); text != "" {
		detail += "\n" + text
	}
	return &transport.UnreachableError{Host: r.t.cfg.Host, Addr: r.t.cfg.Addr(), Reason: transport.Lost, Detail: detail, Err: r.err}
}

// watch sends pings and gives up when none come.
func (r *remote) watch() {
	tick := time.NewTicker(wire.PingEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.gone:
			return
		case <-tick.C:
			if silent := r.pulse.Silent(); silent > wire.SilentFor {
				r.fail(fmt.Errorf("nothing heard for %v", silent.Round(time.Second)))
				r.t.pool.forget(r.conn)
				_ = r.proc.Close()
				return
			}
			// Not here: the write blocks when the other side is stuck.
			r.t.pool.work.Go(func() { _ = r.w.Write(&wire.Frame{Kind: wire.KindPing}) })
		}
	}
}

// read handles frames until the link ends and says why it did.
func (r *remote) read(frames *wire.Reader) error {
	for {
		f, err := frames.Read()
		if err != nil {
			return r.why(err)
		}
		if f.Kind == wire.KindChunk || f.Kind == wire.KindCredit || f.Kind == wire.KindDone {
			if err := r.streams.Handle(f); err != nil {
				return fmt.Errorf("from the agent: %w", err)
			}
			continue
		}
		r.mu.Lock()
		c := r.calls[f.Call]
		r.mu.Unlock()
		if c == nil {
			continue // a ping, or about a call that we gave up
		}
		switch f.Kind {
		case wire.KindResult:
			r.mu.Lock()
			delete(r.calls, f.Call)
			r.mu.Unlock()
			c.result <- f.Data
		case wire.KindNeed:
			c.work.Go(func() { r.supply(c, f) })
		case wire.KindOffer:
			// Open for what follows at once, whenever the sink comes to it.
			o := offer{name: f.Name, in: r.streams.Receive(c.ctx, f.Stream)}
			select {
			case c.offers <- o:
			default:
				return fmt.Errorf("from the agent: too many files at once")
			}
		case wire.KindNotice:
			r.t.notice(c.call, *f.Notice)
		}
	}
}

// why turns the end of the link into a cause.
func (r *remote) why(err error) error {
	if err != io.EOF {
		// More may be wrong than a cut: the process need not have ended.
		_ = r.proc.Close()
	}
	status, werr := r.proc.Wait()
	switch {
	case werr != nil:
		r.t.pool.forget(r.conn)
		return werr
	case err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case status < 0:
		return fmt.Errorf("the agent was ended by signal %d", -status)
	case status > 128: // as a shell in between says it
		return fmt.Errorf("the agent was ended by signal %d", status-128)
	}
	return fmt.Errorf("the agent ended with status %d", status)
}

// maxOffers is how many files a call may send at the same time.
const maxOffers = 64

func (r *remote) do(ctx context.Context, call *module.Call) (*module.Result, error) {
	req := r.t.request(call)
	req.Args = value.ToJSON(call.Args)
	if err := listFiles(req, call.Files); err != nil {
		return module.Fail("%s", err), nil
	}
	c := &running{call: call, result: make(chan []byte, 1), offers: make(chan offer, maxOffers)}
	// With the result, or without, nobody needs the call's streams any more.
	var finish context.CancelFunc
	c.ctx, finish = context.WithCancel(ctx)
	defer c.work.Wait()
	defer finish()
	r.mu.Lock()
	if r.err != nil {
		r.mu.Unlock()
		return nil, r.lost()
	}
	r.next++
	id := r.next
	r.calls[id] = c
	r.mu.Unlock()
	c.work.Go(func() { r.receive(c) })
	if err := r.w.Write(&wire.Frame{Kind: wire.KindCall, Call: id, Request: req}); errors.Is(err, wire.ErrTooLarge) {
		r.forget(id)
		return module.Fail("the arguments are too large: %s", err), nil
	}
	// Another error of the link shows as its end.
	data, err := r.await(ctx, id, c)
	if err != nil {
		r.forget(id)
		return nil, err
	}
	v, err := value.ParseJSON(data)
	m, ok := v.(*value.Map)
	if err != nil || !ok {
		return nil, &transport.UnreachableError{Host: r.t.cfg.Host, Addr: r.t.cfg.Addr(), Reason: transport.Broken, Detail: fmt.Sprintf("the agent's result cannot be read: %v", err), Err: err}
	}
	return module.FromMap(m), nil
}

// await waits for the result. When ctx ends first it cancels the call and waits
// a little longer, so that a lock is not given on while the task still works.
func (r *remote) await(ctx context.Context, id uint64, c *running) ([]byte, error) {
	select {
	case data := <-c.result:
		return data, nil
	case <-r.gone:
		return nil, r.lost()
	case <-ctx.Done():
	}
	r.t.pool.work.Go(func() { _ = r.w.Write(&wire.Frame{Kind: wire.KindCancel, Call: id}) })
	select {
	case <-c.result:
	case <-r.gone:
	case <-time.After(closing):
	}
	return nil, ctx.Err()
}

// forget drops a call without result.
func (r *remote) forget(id uint64) {
	r.mu.Lock()
	delete(r.calls, id)
	r.mu.Unlock()
}

// listFiles tells the agent which contents there are; little ones go along.
func listFiles(req *wire.Request, files map[module.Digest]module.File) error {
	room := int64(wire.MaxInline)
	for d, f := range files {
		entry := wire.File{Digest: string(d), Size: f.Size}
		if entry.Size <= room {
			in, err := f.Open()
			if err != nil {
				return err
			}
			entry.Data, err = io.ReadAll(io.LimitReader(in, wire.MaxInline+1))
			_ = in.Close()
			if err != nil {
				return err
			}
			entry.Inline = true
			room -= entry.Size
		}
		req.Files = append(req.Files, entry)
	}
	return nil
}

// supply sends a file that the agent asked for.
func (r *remote) supply(c *running, f *wire.Frame) {
	var in io.ReadCloser
	file, ok := c.call.Files[module.Digest(f.Name)]
	err := fmt.Errorf("the task has no file with the checksum %s", f.Name)
	if ok {
		in, err = file.Open()
	}
	if err != nil {
		_ = r.w.Write(&wire.Frame{Kind: wire.KindChunk, Stream: f.Stream, End: true, Err: err.Error()})
		return
	}
	defer in.Close()
	// Failures reach the module, which reports them.
	_ = r.streams.Transmit(c.ctx, f.Stream, nil, in)
}

// receive hands what the target sends to the call's sink, one after the other.
func (r *remote) receive(c *running) {
	for {
		select {
		case o := <-c.offers:
			err := errors.New("the controller takes no files from this task")
			if c.call.Sink != nil {
				err = c.call.Sink(o.name, o.in)
			}
			_ = o.in.CloseWith(err)
		case <-c.ctx.Done():
			return
		}
	}
}
