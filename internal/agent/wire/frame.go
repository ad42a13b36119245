// Package wire owns what controller and agent say to each other: frames over
// any stream of bytes. A frame is its length (u32, big-endian) and that many
// bytes of CBOR.
//
// The controller sends Call and Cancel; the agent sends one Hello and, for each
// Call, one Result. File contents travel as streams of Chunk frames that either
// side may send: the agent asks for a stream with Need, and announces one with
// Offer. The receiver of a stream grants Credit as it consumes, so a slow
// reader never makes memory grow, and ends the stream with Done. Ping keeps a
// silent link alive; Notice tells of waiting for a lock.
//
// Both ends are always built from the same source (the agent's hash is its
// version), so there is nothing to negotiate. What arrives is still checked: a
// target may be hostile.
package wire

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what a frame is.
type Kind uint8

// The kinds of frames.
const (
	KindHello  Kind = iota + 1 // agent: who and where it is
	KindCall                   // controller: run a module
	KindResult                 // agent: the call's result, as JSON
	KindCancel                 // controller: end the call
	KindNeed                   // agent: send me the file Name as Stream
	KindOffer                  // agent: I send content called Name as Stream
	KindChunk                  // a piece of a stream; the last one has End
	KindCredit                 // N more bytes of a stream may be sent
	KindDone                   // the stream's receiver has finished; Err if it failed
	KindPing                   // nothing; shows that the sender lives
	KindNotice                 // agent: a call waits for a lock, or waits no more
)

// Limits of what a frame may hold.
const (
	// MaxFrame bounds a frame, and so the arguments or the result of a call.
	MaxFrame = 256 << 20
	// MaxChunk bounds the data of one Chunk.
	MaxChunk = 256 << 10
	// Window is how much of a stream may be under way.
	Window = 4 * MaxChunk
	// MaxInline is how much file content may ride along with a call.
	MaxInline = 64 << 10
)

// Frame is one message. Which fields count depends on Kind.
type Frame struct {
	Kind   Kind   `cbor:"1,keyasint"`
	Call   uint64 `cbor:"2,keyasint,omitempty"` // the request that the frame belongs to
	Stream uint64 `cbor:"3,keyasint,omitempty"`
	Name   string `cbor:"4,keyasint,omitempty"`
	Data   []byte `cbor:"5,keyasint,omitempty"` // a result's JSON, a chunk's bytes
	N      int64  `cbor:"6,keyasint,omitempty"`
	End    bool   `cbor:"7,keyasint,omitempty"`
	Err    string `cbor:"8,keyasint,omitempty"`

	Hello   *Hello   `cbor:"9,keyasint,omitempty"`
	Request *Request `cbor:"10,keyasint,omitempty"`
	Notice  *Notice  `cbor:"11,keyasint,omitempty"`
}

// Hello is the agent's first frame.
type Hello struct {
	Version   string `cbor:"1,keyasint"` // the agent's SHA-256, as it was started with
	MachineID string `cbor:"2,keyasint,omitempty"`
	BootID    string `cbor:"3,keyasint,omitempty"`
	Hostname  string `cbor:"4,keyasint,omitempty"`
	UID       int    `cbor:"5,keyasint"`
	User      string `cbor:"6,keyasint,omitempty"`
	Home      string `cbor:"7,keyasint,omitempty"`
	OS        string `cbor:"8,keyasint,omitempty"` // as Go names it
	Arch      string `cbor:"9,keyasint,omitempty"` // as Go names it
	PID       int    `cbor:"10,keyasint,omitempty"`
}

// Request is what a Call frame asks for.
type Request struct {
	Module      string            `cbor:"1,keyasint"`
	Args        []byte            `cbor:"2,keyasint"` // JSON, which keeps the order of keys
	Check       bool              `cbor:"3,keyasint,omitempty"`
	Diff        bool              `cbor:"4,keyasint,omitempty"`
	NoLog       bool              `cbor:"5,keyasint,omitempty"`
	Verbosity   int               `cbor:"6,keyasint,omitempty"`
	Environment map[string]string `cbor:"7,keyasint,omitempty"`
	Async       int               `cbor:"8,keyasint,omitempty"` // seconds
	Locks       []string          `cbor:"9,keyasint,omitempty"`
	Holder      string            `cbor:"10,keyasint,omitempty"` // who asks, for those who wait for its locks
	RemoteTmp   string            `cbor:"11,keyasint,omitempty"`
	Files       []File            `cbor:"12,keyasint,omitempty"`
}

// File is a content that a call may ask for.
type File struct {
	Digest string `cbor:"1,keyasint"` // hex SHA-1
	Size   int64  `cbor:"2,keyasint"`
	Inline bool   `cbor:"3,keyasint,omitempty"` // Data is the whole content
	Data   []byte `cbor:"4,keyasint,omitempty"`
}

// Notice tells about one wait for a lock of the machine.
type Notice struct {
	Resource string `cbor:"1,keyasint"`
	// Waiting is true while the call waits; the last notice of a wait has false.
	Waiting bool `cbor:"2,keyasint,omitempty"`
	// Holder is who holds the lock, as far as the lock's file tells.
	Holder string    `cbor:"3,keyasint,omitempty"`
	Since  time.Time `cbor:"4,keyasint,omitempty"`
}

// ErrTooLarge is wrapped by the error for a frame beyond MaxFrame.
var ErrTooLarge = errors.New("frame too large")

// check refuses what no honest peer sends.
func (f *Frame) check() error {
	switch f.Kind {
	case KindHello:
		if f.Hello == nil {
			return fmt.Errorf("hello without content")
		}
	case KindCall:
		if f.Request == nil {
			return fmt.Errorf("call without request")
		}
	case KindChunk:
		if len(f.Data) > MaxChunk {
			return fmt.Errorf("chunk of %d bytes", len(f.Data))
		}
	case KindCredit:
		if f.N <= 0 || f.N > Window {
			return fmt.Errorf("credit of %d bytes", f.N)
		}
	case KindNotice:
		if f.Notice == nil {
			return fmt.Errorf("notice without content")
		}
	case KindResult, KindCancel, KindNeed, KindOffer, KindDone, KindPing:
	default:
		return fmt.Errorf("unknown kind %d", f.Kind)
	}
	return nil
}

// Marker begins the lines by which target and controller find each other among
// whatever login files print, until the first frame.
const Marker = "TUTTI-AGENT "

// Ready is what the agent prints before its first frame; everything before it
// comes from the target's shell and login files.
const Ready = Marker + "ready\n"
