package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestRoundTrip(t *testing.T) {
	frames := []*Frame{
		{Kind: KindHello, Hello: &Hello{Version: "abc", UID: 1000, User: "ops", Arch: "amd64"}},
		{Kind: KindCall, Call: 7, Request: &Request{
			Module: "ansible.builtin.copy", Args: []byte(`{"b":1,"a":2}`), Check: true,
			Environment: map[string]string{"LANG": "C"}, Locks: []string{"dpkg", ""},
			Files: []File{{Digest: "d", Size: 2, Inline: true, Data: []byte("hi")}},
		}},
		{Kind: KindResult, Call: 7, Data: []byte(`{"changed":true}`)},
		{Kind: KindChunk, Stream: 3, Data: []byte{0, 255}, End: true},
		{Kind: KindNotice, Call: 7, Notice: &Notice{Resource: "dpkg", Waiting: true, Holder: "ctl2", Since: time.Unix(1700000000, 0)}},
		{Kind: KindPing},
	}
	var buf bytes.Buffer
	w := NewWriter(&buf)
	for _, f := range frames {
		if err := w.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	r := NewReader(&buf)
	for _, want := range frames {
		got, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		if want.Notice != nil && got.Notice.Since.Equal(want.Notice.Since) {
			got.Notice.Since = want.Notice.Since
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if _, err := r.Read(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestReaderRefuses(t *testing.T) {
	frame := func(f *Frame) string {
		var b bytes.Buffer
		if err := NewWriter(&b).Write(f); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	length := func(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
	for name, c := range map[string]struct{ in, want string }{
		"text":           {"Welcome to host7\n", "frame too large"},
		"huge":           {length(MaxFrame + 1), "frame too large"},
		"cut":            {length(100) + "abc", "unexpected EOF"},
		"not CBOR":       {length(3) + "\xff\xff\xff", "not a frame"},
		"unknown kind":   {frame(&Frame{Kind: 99}), "unknown kind 99"},
		"empty call":     {frame(&Frame{Kind: KindCall}), "call without request"},
		"wrong credit":   {frame(&Frame{Kind: KindCredit, N: -1}), "credit of -1"},
		"chunk too long": {frame(&Frame{Kind: KindChunk, Data: make([]byte, MaxChunk+1)}), "chunk of"},
	} {
		if _, err := NewReader(strings.NewReader(c.in)).Read(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestFalseLengthAllocatesLittle(t *testing.T) {
	in := string(binary.BigEndian.AppendUint32(nil, MaxFrame)) + "x"
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = NewReader(strings.NewReader(in)).Read()
		}
	}).AllocedBytesPerOp()
	if allocated > 1<<20 {
		t.Errorf("a false length allocates %d bytes", allocated)
	}
}

// pair joins two links; each end's frames are handled by a goroutine that ends
// with the test.
func pair(t *testing.T) (a, b *Streams, seen chan *Frame) {
	t.Helper()
	ar, bw := io.Pipe()
	br, aw := io.Pipe()
	a, b = NewStreams(NewWriter(aw)), NewStreams(NewWriter(bw))
	seen = make(chan *Frame, 16)
	var wg sync.WaitGroup
	loop := func(s *Streams, r io.Reader) {
		defer wg.Done()
		frames := NewReader(bufio.NewReader(r))
		for {
			f, err := frames.Read()
			if err != nil {
				s.Fail(err)
				return
			}
			if f.Kind == KindOffer {
				seen <- f
				continue
			}
			if err := s.Handle(f); err != nil {
				t.Error(err)
			}
		}
	}
	wg.Add(2)
	go loop(a, ar)
	go loop(b, br)
	t.Cleanup(func() {
		_ = aw.Close()
		_ = bw.Close()
		wg.Wait()
	})
	return a, b, seen
}

func TestStream(t *testing.T) {
	a, b, seen := pair(t)
	content := make([]byte, 5*Window+17)
	_, _ = rand.Read(content)
	sent := make(chan error, 1)
	in := b.Receive(t.Context(), 1)
	go func() {
		sent <- a.Transmit(t.Context(), 1, &Frame{Kind: KindOffer, Stream: 1, Name: "x"}, bytes.NewReader(content))
	}()
	if f := <-seen; f.Name != "x" {
		t.Errorf("announced as %+v", f)
	}
	got, err := io.ReadAll(in)
	if err != nil || sha256.Sum256(got) != sha256.Sum256(content) {
		t.Fatalf("received %d bytes, %v", len(got), err)
	}
	select {
	case err := <-sent:
		t.Fatalf("the sender returned (%v) before the receiver had finished", err)
	default:
	}
	if err := in.CloseWith(errors.New("disk full")); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err == nil || err.Error() != "disk full" {
		t.Errorf("the sender learns %v", err)
	}
}

type counting struct{ n int }

func (c *counting) Read(p []byte) (int, error) { c.n += len(p); return len(p), nil }

// A reader that does not read must stop the sender after one window.
func TestSlowReaderHoldsTheSender(t *testing.T) {
	a, b, _ := pair(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	in := b.Receive(t.Context(), 1)
	source := &counting{}
	if err := a.Transmit(ctx, 1, nil, source); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the sender returned %v", err)
	}
	if source.n != Window {
		t.Errorf("sent %d bytes, want %d", source.n, Window)
	}
	if _, err := io.ReadAll(in); err == nil || err.Error() != context.DeadlineExceeded.Error() {
		t.Errorf("the reader learns %v", err)
	}
	_ = in.Close()
}

func TestReceiverMayStop(t *testing.T) {
	a, b, _ := pair(t)
	in := b.Receive(t.Context(), 1)
	sent := make(chan error, 1)
	go func() { sent <- a.Transmit(t.Context(), 1, nil, &counting{}) }()
	if _, err := io.ReadFull(in, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	if err := <-sent; err != nil {
		t.Errorf("the sender returned %v", err)
	}
}

func TestSenderFails(t *testing.T) {
	a, b, _ := pair(t)
	in := b.Receive(t.Context(), 1)
	broken := io.MultiReader(strings.NewReader("abc"), iotestErr{})
	if err := a.Transmit(t.Context(), 1, nil, broken); err == nil {
		t.Error("no error")
	}
	got, err := io.ReadAll(in)
	if string(got) != "abc" || err == nil || err.Error() != "cannot read" {
		t.Errorf("%q, %v", got, err)
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, errors.New("cannot read") }

func FuzzRead(f *testing.F) {
	var seed bytes.Buffer
	w := NewWriter(&seed)
	_ = w.Write(&Frame{Kind: KindCall, Call: 1, Request: &Request{Module: "m", Args: []byte("{}")}})
	_ = w.Write(&Frame{Kind: KindChunk, Stream: 1, Data: []byte("x"), End: true})
	f.Add(seed.Bytes())
	f.Add([]byte("\x00\x00\x00\x01\xa0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(bytes.NewReader(data))
		s := NewStreams(NewWriter(io.Discard))
		in := s.Receive(t.Context(), 1)
		for {
			frame, err := r.Read()
			if err != nil {
				s.Fail(err)
				break
			}
			if s.Handle(frame) != nil {
				break
			}
		}
		_ = in.Close()
	})
}
