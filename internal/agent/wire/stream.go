package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Streams are the contents under way on one link, in both directions. The
// goroutine that reads the link's frames hands Chunk, Credit and Done frames to
// Handle and never blocks there; everything else may be called from anywhere.
type Streams struct {
	w *Writer

	mu       sync.Mutex // guards the following
	inboxes  map[uint64]*Inbox
	outboxes map[uint64]*outbox
	err      error
}

// NewStreams returns the streams of the link that w writes to.
func NewStreams(w *Writer) *Streams {
	return &Streams{w: w, inboxes: map[uint64]*Inbox{}, outboxes: map[uint64]*outbox{}}
}

// Handle takes a frame of a stream. An error means that the peer breaks the
// rules. Frames of streams that have ended are ignored: they were under way.
func (s *Streams) Handle(f *Frame) error {
	s.mu.Lock()
	in, out := s.inboxes[f.Stream], s.outboxes[f.Stream]
	s.mu.Unlock()
	switch f.Kind {
	case KindChunk:
		if in != nil {
			return in.put(f)
		}
	case KindCredit:
		if out != nil {
			return out.grant(f.N)
		}
	case KindDone:
		if out != nil {
			out.finish(f.Err)
		}
	}
	return nil
}

// Fail ends every stream, now and later, with err.
func (s *Streams) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return
	}
	s.err = err
	for _, in := range s.inboxes {
		in.fail(err)
	}
	for _, out := range s.outboxes {
		out.fail(err)
	}
}

// Inbox is the receiving end of a stream, an io.Reader for one goroutine.
type Inbox struct {
	s  *Streams
	id uint64

	mu      sync.Mutex // guards the following
	arrived sync.Cond
	chunks  [][]byte
	granted int64 // that the sender may still send
	used    int64 // read, but not granted anew yet
	err     error // io.EOF after the last chunk
	closed  bool
}

// Receive opens the receiving end of stream id. Reads fail when ctx ends. The
// caller closes it with Close or CloseWith.
func (s *Streams) Receive(ctx context.Context, id uint64) *Inbox {
	in := &Inbox{s: s, id: id, granted: Window}
	in.arrived.L = &in.mu
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		in.err = s.err
		return in
	}
	s.inboxes[id] = in
	context.AfterFunc(ctx, func() { in.fail(ctx.Err()) })
	return in
}

func (in *Inbox) put(f *Frame) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || in.err != nil {
		return nil
	}
	if in.granted -= int64(len(f.Data)); in.granted < 0 {
		return fmt.Errorf("stream %d: more data than was granted", f.Stream)
	}
	if len(f.Data) > 0 {
		in.chunks = append(in.chunks, f.Data)
	} else if !f.End {
		return fmt.Errorf("stream %d: empty chunk", f.Stream)
	}
	if f.End {
		in.err = io.EOF
		if f.Err != "" {
			in.err = errors.New(f.Err)
		}
	}
	in.arrived.Signal()
	return nil
}

func (in *Inbox) fail(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.err = err
		in.chunks = nil
		in.arrived.Signal()
	}
}

// Read waits for data.
func (in *Inbox) Read(p []byte) (int, error) {
	data, err := in.take(len(p))
	return copy(p, data), err
}

// WriteTo writes what comes to w, as it comes.
func (in *Inbox) WriteTo(w io.Writer) (written int64, err error) {
	for {
		data, err := in.take(MaxChunk)
		if err == io.EOF {
			return written, nil
		}
		if err != nil {
			return written, err
		}
		n, err := w.Write(data)
		if written += int64(n); err != nil {
			return written, err
		}
	}
}

// take waits for data and takes at most n bytes of it. The sender may send as much
// again.
func (in *Inbox) take(n int) ([]byte, error) {
	in.mu.Lock()
	for len(in.chunks) == 0 && in.err == nil {
		in.arrived.Wait()
	}
	if len(in.chunks) == 0 {
		defer in.mu.Unlock()
		return nil, in.err
	}
	data := in.chunks[0]
	if n < len(data) {
		data, in.chunks[0] = data[:n], data[n:]
	} else {
		in.chunks = in.chunks[1:]
	}
	in.used += int64(len(data))
	grant := int64(0)
	if in.used >= Window/2 && in.err == nil {
		grant, in.used = in.used, 0
		in.granted += grant
	}
	in.mu.Unlock()
	if grant > 0 {
		// A failed write shows as an error on the link soon enough.
		_ = in.s.w.Write(&Frame{Kind: KindCredit, Stream: in.id, N: grant})
	}
	return data, nil
}

// Close ends the stream: the sender stops if it has not finished.
func (in *Inbox) Close() error { return in.CloseWith(nil) }

// CloseWith is Close that tells the sender that its content was not taken.
func (in *Inbox) CloseWith(cause error) error {
	in.mu.Lock()
	already := in.closed
	in.closed, in.chunks = true, nil
	if in.err == nil {
		in.err = io.ErrClosedPipe
		in.arrived.Signal()
	}
	in.mu.Unlock()
	if already {
		return nil
	}
	in.s.mu.Lock()
	delete(in.s.inboxes, in.id)
	dead := in.s.err
	in.s.mu.Unlock()
	if dead != nil {
		return nil
	}
	f := &Frame{Kind: KindDone, Stream: in.id}
	if cause != nil {
		f.Err = cause.Error()
	}
	return in.s.w.Write(f)
}

// outbox is the sending end of a stream.
type outbox struct {
	mu      sync.Mutex // guards the following
	changed sync.Cond
	credit  int64
	done    bool
	err     error
}

func (o *outbox) grant(n int64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.credit += n; o.credit > Window {
		return fmt.Errorf("more credit than a stream can have")
	}
	o.changed.Signal()
	return nil
}

func (o *outbox) finish(text string) {
	if text != "" {
		o.fail(errors.New(text))
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = true
	o.changed.Signal()
}

func (o *outbox) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil && !o.done {
		o.err = err
	}
	o.changed.Signal()
}

// wait waits until at least one byte may be sent or the receiver has finished.
func (o *outbox) wait() (credit int64, done bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.credit == 0 && !o.done && o.err == nil {
		o.changed.Wait()
	}
	return o.credit, o.done, o.err
}

func (o *outbox) spend(n int64) {
	o.mu.Lock()
	o.credit -= n
	o.mu.Unlock()
}

// waitDone waits until the receiver has finished.
func (o *outbox) waitDone() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.done && o.err == nil {
		o.changed.Wait()
	}
	return o.err
}

var buffers = sync.Pool{New: func() any { return new([MaxChunk]byte) }}

// Transmit sends the content of r as stream id, after the frame that announces
// it, if there is one. It returns when the receiver has finished, with the
// receiver's error, r's or ctx's. A receiver that wants no more is no error.
func (s *Streams) Transmit(ctx context.Context, id uint64, announce *Frame, r io.Reader) error {
	out := &outbox{credit: Window}
	out.changed.L = &out.mu
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return s.err
	}
	s.outboxes[id] = out
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.outboxes, id)
		s.mu.Unlock()
	}()
	stop := context.AfterFunc(ctx, func() { out.fail(ctx.Err()) })
	defer stop()
	if announce != nil {
		if err := s.w.Write(announce); err != nil {
			return err
		}
	}
	err := s.pump(id, out, r)
	if err != nil {
		_ = s.w.Write(&Frame{Kind: KindChunk, Stream: id, End: true, Err: err.Error()})
		return err
	}
	return out.waitDone()
}

func (s *Streams) pump(id uint64, out *outbox, r io.Reader) error {
	buf := buffers.Get().(*[MaxChunk]byte)
	defer buffers.Put(buf)
	for {
		credit, done, err := out.wait()
		if done || err != nil {
			return err
		}
		n, err := r.Read(buf[:min(credit, MaxChunk)])
		if err != nil && err != io.EOF {
			return err
		}
		if n == 0 && err == nil {
			continue
		}
		out.spend(int64(n))
		if werr := s.w.Write(&Frame{Kind: KindChunk, Stream: id, Data: buf[:n], End: err == io.EOF}); werr != nil {
			return werr
		}
		if err == io.EOF {
			return nil
		}
	}
}
