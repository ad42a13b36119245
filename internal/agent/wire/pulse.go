package wire

import (
	"io"
	"sync/atomic"
	"time"
)

// Times of a link. Both sides send a ping every PingEvery and give the other
// up when nothing came for SilentFor.
const (
	PingEvery = 5 * time.Second
	SilentFor = 20 * time.Second
)

// Pulse knows when the other side was last heard. It counts bytes, not frames:
// a large frame may take long on a slow line. Make one with NewPulse.
type Pulse struct {
	r    io.Reader
	last atomic.Int64 // Unix nanoseconds
}

// NewPulse returns a Pulse that listens to what is read through it from r.
func NewPulse(r io.Reader) *Pulse {
	p := &Pulse{r: r}
	p.last.Store(time.Now().UnixNano())
	return p
}

// Read reads from the stream.
func (p *Pulse) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if n > 0 {
		p.last.Store(time.Now().UnixNano())
	}
	return n, err
}

// Silent returns for how long nothing came.
func (p *Pulse) Silent() time.Duration { return time.Since(time.Unix(0, p.last.Load())) }
