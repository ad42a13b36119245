package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/fxamacker/cbor/v2"
)

// encoder and decoder are immutable; the decoder bounds what a frame may make
// us allocate beyond its own length.
var (
	encoder = must(cbor.EncOptions{Time: cbor.TimeUnixMicro}.UserBufferEncMode())
	decoder = must(cbor.DecOptions{
		MaxNestedLevels:  8,
		MaxArrayElements: 1 << 16,
		MaxMapPairs:      1 << 16,
		IndefLength:      cbor.IndefLengthForbidden,
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
	}.DecMode())
)

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err)
	}
	return mode
}

const header = 4

// Writer writes frames. Its methods may be called from many goroutines; frames
// written at the same time go out together.
type Writer struct {
	waiting atomic.Int32

	mu  sync.Mutex // guards the following
	w   io.Writer
	buf bytes.Buffer
	err error
}

// NewWriter returns a Writer on w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// flushAt is how much is gathered before it is written though others follow.
const flushAt = 256 << 10

// Write sends a frame. It blocks while the stream takes nothing. After an error
// the Writer is dead and returns it again.
func (w *Writer) Write(f *Frame) error {
	w.waiting.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.waiting.Add(-1) == 0
	if w.err != nil {
		return w.err
	}
	failed := w.append(f)
	// Whoever waits for the mutex comes next and will flush ours too.
	if w.buf.Len() == 0 || !last && w.buf.Len() < flushAt {
		return failed
	}
	if _, w.err = w.w.Write(w.buf.Bytes()); w.err != nil {
		return w.err
	}
	if w.buf.Cap() > 4*flushAt {
		w.buf = bytes.Buffer{}
	}
	w.buf.Reset()
	return failed
}

// append encodes a frame behind those that are gathered already.
func (w *Writer) append(f *Frame) error {
	start := w.buf.Len()
	w.buf.Write(make([]byte, header))
	if err := encoder.MarshalToBuffer(f, &w.buf); err != nil {
		w.buf.Truncate(start)
		return fmt.Errorf("cannot encode a frame: %w", err)
	}
	size := w.buf.Len() - start - header
	if size > MaxFrame {
		w.buf.Truncate(start)
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, size, MaxFrame)
	}
	binary.BigEndian.PutUint32(w.buf.Bytes()[start:], uint32(size))
	return nil
}

// Reader reads frames, for one goroutine.
type Reader struct {
	r    io.Reader
	head [header]byte
	buf  bytes.Buffer
}

// NewReader returns a Reader on r, which should be buffered.
func NewReader(r io.Reader) *Reader { return &Reader{r: r} }

// Read returns the next frame. The error is io.EOF at the end between two
// frames, io.ErrUnexpectedEOF inside one, and tells what is wrong otherwise.
func (r *Reader) Read() (*Frame, error) {
	if _, err := io.ReadFull(r.r, r.head[:]); err != nil {
		return nil, err
	}
	size := int64(binary.BigEndian.Uint32(r.head[:]))
	if size > MaxFrame {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d (does something else write to the agent's output?)", ErrTooLarge, size, MaxFrame)
	}
	if r.buf.Cap() > 4*MaxChunk {
		r.buf = bytes.Buffer{}
	}
	r.buf.Reset()
	// Grows with what really arrives: a false length alone allocates nothing.
	if n, err := io.CopyN(&r.buf, r.r, size); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("after %d of a frame's %d bytes: %w", n, size, err)
	}
	f := new(Frame)
	if err := decoder.Unmarshal(r.buf.Bytes(), f); err != nil {
		return nil, fmt.Errorf("not a frame (does something else write to the agent's output?): %w", err)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("not a frame: %w", err)
	}
	return f, nil
}
