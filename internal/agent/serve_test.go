package agent

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/agent/wire"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/parallel"
)

func target(name string, run func(context.Context, *module.Env, module.Args) *module.Result) *module.Target {
	return &module.Target{
		Spec: module.Spec{Name: module.Name("test." + name), Summary: name, Hints: []parallel.Hint{parallel.Free()}}, Run: run,
	}
}

// link is a controller's end of a served agent.
type link struct {
	t      *testing.T
	w      *wire.Writer
	frames *wire.Reader
	in     io.Closer
	served chan error
}

func serveTest(t *testing.T, targets ...*module.Target) *link {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	l := &link{t: t, w: wire.NewWriter(inW), frames: wire.NewReader(bufio.NewReader(outR)), in: inW, served: make(chan error, 1)}
	go func() {
		l.served <- (&Runner{Registry: module.NewRegistry(targets, nil)}).Serve(context.Background(), "v1", inR, outW)
		_ = outW.Close()
	}()
	t.Cleanup(func() {
		_ = inW.Close()
		_ = outR.Close()
	})
	if f := l.read(); f.Kind != wire.KindHello || f.Hello.Version != "v1" || f.Hello.PID != os.Getpid() {
		t.Errorf("hello %+v", f)
	}
	return l
}

// read returns the next frame that is no ping: on a busy machine one may come.
func (l *link) read() *wire.Frame {
	l.t.Helper()
	for {
		f, err := l.frames.Read()
		if err != nil {
			l.t.Fatal(err)
		}
		if f.Kind != wire.KindPing {
			return f
		}
	}
}

func (l *link) write(f *wire.Frame) {
	l.t.Helper()
	if err := l.w.Write(f); err != nil {
		l.t.Fatal(err)
	}
}

func (l *link) call(id uint64, name, args string) {
	l.t.Helper()
	l.write(&wire.Frame{Kind: wire.KindCall, Call: id, Request: &wire.Request{Module: "test." + name, Args: []byte(args)}})
}

// end waits for the agent to end and returns why it did.
func (l *link) end() error {
	l.t.Helper()
	select {
	case err := <-l.served:
		return err
	case <-time.After(10 * time.Second):
		l.t.Fatal("the agent does not end")
		return nil
	}
}

func TestServeSideBySide(t *testing.T) {
	release := make(chan struct{})
	l := serveTest(t,
		target("slow", func(context.Context, *module.Env, module.Args) *module.Result {
			<-release
			return module.OK().Set("which", "slow")
		}),
		target("fast", func(context.Context, *module.Env, module.Args) *module.Result {
			return module.OK().Set("which", "fast")
		}))
	l.call(1, "slow", "{}")
	l.call(2, "fast", "{}")
	if f := l.read(); f.Call != 2 || !bytes.Contains(f.Data, []byte("fast")) {
		t.Errorf("%+v", f)
	}
	close(release)
	if f := l.read(); f.Call != 1 || !bytes.Contains(f.Data, []byte("slow")) {
		t.Errorf("%+v", f)
	}
	l.call(3, "fast", "[]")
	if f := l.read(); !bytes.Contains(f.Data, []byte("cannot read the arguments")) {
		t.Errorf("%s", f.Data)
	}
}

// The end of the input cancels what runs, and the agent ends.
func TestServeEndsWithItsController(t *testing.T) {
	started, ended := make(chan struct{}), make(chan error, 1)
	l := serveTest(t, target("wait", func(ctx context.Context, _ *module.Env, _ module.Args) *module.Result {
		close(started)
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return module.OK()
	}))
	l.call(1, "wait", "{}")
	<-started
	go func() { _, _ = l.frames.Read() }() // nobody is there any more, but a pipe must be read
	_ = l.in.Close()
	if err := l.end(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != errGone {
		t.Errorf("the call was cancelled for %v", err)
	}
}

func TestServeRefusesNonsense(t *testing.T) {
	for name, c := range map[string]struct {
		frame *wire.Frame
		want  string
	}{
		"result from the controller": {&wire.Frame{Kind: wire.KindResult}, "unexpected frame"},
		"second hello":               {&wire.Frame{Kind: wire.KindHello, Hello: &wire.Hello{}}, "unexpected frame"},
		"unknown kind":               {&wire.Frame{Kind: 77}, "unknown kind"},
	} {
		l := serveTest(t)
		l.write(c.frame)
		if err := l.end(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// These are about calls and streams that have ended: late, but no nonsense.
	l := serveTest(t, target("ok", func(context.Context, *module.Env, module.Args) *module.Result { return module.OK() }))
	for _, f := range []*wire.Frame{{Kind: wire.KindCancel, Call: 9}, {Kind: wire.KindChunk, Stream: 9, End: true}, {Kind: wire.KindDone, Stream: 9}, {Kind: wire.KindPing}} {
		l.write(f)
	}
	l.call(1, "ok", "{}")
	if f := l.read(); f.Kind != wire.KindResult {
		t.Errorf("%+v", f)
	}
}

func TestResultThatIsTooLarge(t *testing.T) {
	l := serveTest(t, target("huge", func(context.Context, *module.Env, module.Args) *module.Result {
		return module.OK().Set("text", strings.Repeat("x", maxResult))
	}))
	l.call(1, "huge", "{}")
	if f := l.read(); !bytes.Contains(f.Data, []byte("more than the 255 MB")) {
		t.Errorf("%.200s", f.Data)
	}
}

func TestTempDirWithoutHome(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ remote, home, want string }{
		{"", t.TempDir(), "/.ansible/tmp/tutti-"},
		{"~/mine", t.TempDir(), "/mine/tutti-"},
		{"", file, "/var/tmp/tutti-"}, // nothing can be made below a file
		{"relative", "/", "/var/tmp/tutti-"},
	} {
		tmp := &tempDir{remote: c.remote, environ: []string{"HOME=" + c.home}}
		dir, err := tmp.path()
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		again, _ := tmp.path()
		if fi, err := os.Stat(dir); err != nil || fi.Mode().Perm() != 0o700 || !strings.Contains(dir, c.want) || again != dir {
			t.Errorf("%+v: %s, %s, %v", c, dir, again, err)
		}
		tmp.remove()
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is still there", dir)
		}
	}
}

func TestEnvironOfANewUser(t *testing.T) {
	a := &account{name: "ops", home: "/home/ops", shell: "/bin/bash"}
	got := strings.Join(a.environ([]string{"HOME=/root", "USER=root", "LANG=C.UTF-8", "LC_ALL=C", "SSH_AUTH_SOCK=/x", "PATH=/opt:/bin", "SECRET=1"}), " ")
	if want := "HOME=/home/ops USER=ops LOGNAME=ops SHELL=/bin/bash PATH=" + safePath + " LANG=C.UTF-8 LC_ALL=C"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestInstall(t *testing.T) {
	if err := verify(strings.Repeat("0", 64)); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("%v", err)
	}
	// This program was not uploaded: it must be neither moved nor removed.
	if err := install(strings.Repeat("0", 64), t.TempDir()); err == nil || !strings.Contains(err.Error(), "stays where it is") {
		t.Errorf("%v", err)
	}
	if path, err := os.Readlink("/proc/self/exe"); err != nil || strings.HasSuffix(path, " (deleted)") {
		t.Errorf("%s %v", path, err)
	}
}

func TestAgentNames(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	for name, want := range map[string]bool{hash: true, hash + ".123": true, "notes": false, strings.Repeat("x", 64): false} {
		if isAgentName(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestRemoveOld(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	name := func(i int) string { return strings.Repeat("0", 62) + fmt.Sprintf("%02d", i) }
	for i := range 8 { // a day older each; the last one long unused
		path := filepath.Join(dir, name(i))
		if err := os.WriteFile(path, nil, 0o700); err != nil {
			t.Fatal(err)
		}
		at := now.Add(-time.Duration(i) * 24 * time.Hour)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	left := func() (names []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, strings.TrimLeft(e.Name(), "0"))
		}
		return names
	}
	removeOld(filepath.Join(dir, name(7)), now)
	if got := strings.Join(left(), " "); got != " 1 2 3 7 notes" {
		t.Errorf("left: %q", got)
	}
	removeOld(filepath.Join(dir, name(7)), now.Add(keepUnused-24*time.Hour))
	if got := strings.Join(left(), " "); got != " 1 7 notes" {
		t.Errorf("left: %q", got)
	}
}
