package files

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSumsOf(t *testing.T) {
	for _, size := range []int{0, 1, 16 << 10, maxDiff, maxDiff + 1, 1_000_003} {
		data := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		sha, md := sha1.Sum(data), md5.Sum(data)
		want := Sums{hex.EncodeToString(sha[:]), hex.EncodeToString(md[:])}
		for name, r := range map[string]io.Reader{
			"whole": bytes.NewReader(data), "by byte": iotest.OneByteReader(bytes.NewReader(data)), "its own SHA-1": known{bytes.NewReader(data), want.SHA1},
		} {
			sums, head, err := SumsOf(r)
			if err != nil || sums != want || !bytes.Equal(head, data[:min(size, maxDiff+1)]) {
				t.Errorf("%d bytes, %s: %v, %d bytes of head, %v", size, name, sums, len(head), err)
			}
		}
	}
	if _, _, err := SumsOf(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("text")))); err != iotest.ErrTimeout {
		t.Errorf("a reader that fails: %v", err)
	}
}

type known struct {
	io.Reader
	sum string
}

func (k known) SHA1() string { return k.sum }

func TestBeside(t *testing.T) {
	small, large := []byte("small"), bytes.Repeat([]byte("large"), 10_000)
	var a, b bytes.Buffer
	for _, p := range [][]byte{small, large, small} {
		if n, err := Beside(&a, &b).Write(p); n != len(p) || err != nil {
			t.Errorf("%d bytes: %d, %v", len(p), n, err)
		}
		if _, err := Beside(io.Discard, writerFunc(func([]byte) (int, error) { return 0, os.ErrClosed })).Write(p); err != os.ErrClosed {
			t.Errorf("a writer that fails: %v", err)
		}
		if _, err := Beside(writerFunc(func([]byte) (int, error) { return 1, nil }), io.Discard).Write(p); err != io.ErrShortWrite {
			t.Errorf("a writer that takes one byte: %v", err)
		}
	}
	if want := string(small) + string(large) + string(small); a.String() != want || b.String() != want {
		t.Errorf("%d and %d bytes, want %d", a.Len(), b.Len(), len(want))
	}
}
