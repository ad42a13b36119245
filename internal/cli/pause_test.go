package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal gives the two ends of a new terminal.
func terminal(t *testing.T) (hand, screen *os.File) {
	t.Helper()
	hand, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	t.Cleanup(func() { hand.Close() })
	if err := unix.IoctlSetPointerInt(int(hand.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(hand.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	t.Cleanup(func() { screen.Close() })
	return hand, screen
}

func TestPauseKeys(t *testing.T) {
	for _, c := range []struct {
		name, typed, answer, shown string
		err                        error
		timed                      bool
	}{
		{name: "return", typed: "\r"},
		{name: "text", typed: "abc\r", answer: "abc", shown: "abc"},
		{name: "edited", typed: "hello there\x7f\x7f\x7f\x7f\x7f\b\x7fou\r", answer: "hellou"},
		{name: "erase nothing", typed: "\x7fä\x7f\r"},
		{name: "go on", typed: "ab\x03xC", answer: "ab", shown: "Press 'C' to continue"},
		{name: "abort", typed: "\x03A", err: errAborted},
		{name: "go on early", typed: "\r\x03c", timed: true},
		{name: "abort early", typed: "\x03a", timed: true, err: errAborted},
	} {
		t.Run(c.name, func(t *testing.T) {
			hand, screen := terminal(t)
			var out bytes.Buffer
			k := &keys{fd: int(screen.Fd()), out: &out, echo: true}
			restore, err := k.raw()
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
			if _, err := hand.WriteString(c.typed); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			var answer string
			if c.timed {
				err = k.sleep(ctx, time.Minute)
			} else {
				answer, err = k.line(ctx)
			}
			if answer != c.answer || !errors.Is(err, c.err) {
				t.Errorf("got %q, %v; want %q, %v", answer, err, c.answer, c.err)
			}
			if !bytes.Contains(out.Bytes(), []byte(c.shown)) {
				t.Errorf("shown: %q", out.String())
			}
		})
	}
}

func TestPauseEnds(t *testing.T) {
	_, screen := terminal(t)
	k := &keys{fd: int(screen.Fd()), out: &bytes.Buffer{}}
	if err := k.sleep(context.Background(), 50*time.Millisecond); err != nil {
		t.Error("when the time is over:", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := k.line(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("when the run is stopped:", err)
	}
}
