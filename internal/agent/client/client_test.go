package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/agent"
	"github.com/tutti-run/tutti/internal/agent/embedded"
	"github.com/tutti-run/tutti/internal/agent/wire"
	"github.com/tutti-run/tutti/internal/lab"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/internal/transport"
	"github.com/tutti-run/tutti/internal/transport/local"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// The test's own executable is the agent, as tutti is where none are built in.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "agent" {
		os.Exit(agent.Main([]string{"/proc/self/exe", "agent"}, os.Args[2:], registry()))
	}
	if len(os.Args) > 1 && os.Args[1] == "controller" {
		controllerMain(os.Args[2:])
		return
	}
	lab.Init()
	var err error
	if cache, err = os.MkdirTemp("", "tutti-client-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	lastly()
	_ = os.RemoveAll(cache)
	os.Exit(code)
}

func spec(name string, params ...module.Param) module.Spec {
	return module.Spec{Name: module.Name("test." + name), Summary: name, Params: params, Hints: []parallel.Hint{parallel.Free()}}
}

func registry() *module.Registry {
	text := module.Param{Name: "text", Type: module.Str}
	return module.NewRegistry([]*module.Target{
		{Spec: spec("echo", text), Run: func(_ context.Context, env *module.Env, a module.Args) *module.Result {
			if a.String("text") == "print" {
				fmt.Println("this is not a frame")
			}
			return module.OK().Set("text", a.String("text")).Set("check", env.Check).Set("environ", value.FromGo(env.Environ)).Set("pid", os.Getpid())
		}},
		{Spec: spec("shell", text), Run: func(ctx context.Context, env *module.Env, a module.Args) *module.Result {
			out, err := process.Run(ctx, process.Cmd{Argv: []string{"/bin/sh", "-c", a.String("text")}, Env: env.Environ})
			if err != nil {
				return module.Fail("%s", err)
			}
			return module.OK().Set("rc", out.RC).SetOutput(string(out.Stdout), string(out.Stderr))
		}},
		{Spec: spec("panic"), Run: func(context.Context, *module.Env, module.Args) *module.Result { panic("oops") }},
		{Spec: spec("die"), Run: func(context.Context, *module.Env, module.Args) *module.Result {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			return nil
		}},
		{Spec: spec("open", text), Run: func(ctx context.Context, env *module.Env, a module.Args) *module.Result {
			in, err := env.Open(ctx, module.Digest(a.String("text")))
			if err != nil {
				return module.Fail("%s", err)
			}
			defer in.Close()
			sum := sha1.New()
			n, err := io.Copy(sum, in)
			if err != nil {
				return module.Fail("%s", err)
			}
			return module.OK().Set("size", int(n)).Set("sha1", hex.EncodeToString(sum.Sum(nil)))
		}},
		{Spec: spec("peek", text), Run: func(ctx context.Context, env *module.Env, a module.Args) *module.Result {
			in, err := env.Open(ctx, module.Digest(a.String("text")))
			if err != nil {
				return module.Fail("%s", err)
			}
			_ = in.Close()
			return module.OK()
		}},
		{Spec: spec("send", text), Run: func(ctx context.Context, env *module.Env, a module.Args) *module.Result {
			for _, name := range []string{"one", "two"} {
				if err := env.Send(ctx, name, strings.NewReader(strings.Repeat(a.String("text"), 300000))); err != nil {
					return module.Fail("%s: %s", name, err)
				}
			}
			return module.OK()
		}},
		{Spec: spec("tmp"), Run: func(_ context.Context, env *module.Env, _ module.Args) *module.Result {
			dir, err := env.TempDir()
			if err != nil {
				return module.Fail("%s", err)
			}
			fi, err := os.Stat(dir)
			if err != nil {
				return module.Fail("%s", err)
			}
			return module.OK().Set("dir", dir).Set("mode", fi.Mode().Perm().String())
		}},
	}, nil)
}

// cache is where all tests keep the agent.
var cache string

// agents are shared: to hash and compress the test's executable takes a while.
var agents = embedded.Builtin("agent")

const subprocess = "subprocess" // an agent of its own, over the local transport

func newPool(t *testing.T) *Pool {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	if err := os.Symlink(cache, filepath.Join(home, ".cache")); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := NewPool(Options{
		Dialers:  map[string]transport.Dialer{subprocess: local.Dialer{}},
		Agents:   agents,
		Registry: registry(), Self: []string{self, "agent"}, Holder: "the test",
	})
	t.Cleanup(p.Close)
	return p
}

// each runs a test against a call in this process and in an agent's.
func each(t *testing.T, f func(t *testing.T, target *Target)) {
	for _, kind := range []string{"local", subprocess} {
		t.Run(kind, func(t *testing.T) {
			f(t, newPool(t).Target(transport.Config{Kind: kind, Host: "here"}, nil))
		})
	}
}

func call(name, text string) *module.Call {
	args := value.NewMap(1)
	if text != "" {
		args.Set("text", text)
	}
	return &module.Call{Module: module.Name("test." + name), Args: args}
}

func do(t *testing.T, target *Target, c *module.Call) *module.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := target.Do(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDo(t *testing.T) {
	each(t, func(t *testing.T, target *Target) {
		c := call("echo", "häuser")
		c.Check, c.Environment = true, map[string]string{"GREETING": "hi", "HOME": "/elsewhere"}
		r := do(t, target, c)
		if r.Failed || r.Get("text") != "häuser" || r.Get("check") != true {
			t.Errorf("%v", r.ToMap())
		}
		environ := value.Str(r.Get("environ"))
		if !strings.Contains(environ, "'GREETING=hi'") || strings.Count(environ, "'HOME=") != 1 || !strings.Contains(environ, "'HOME=/elsewhere'") {
			t.Errorf("environment %s", environ)
		}
	})
}

func TestFailures(t *testing.T) {
	each(t, func(t *testing.T, target *Target) {
		if r := do(t, target, call("echo", "print")); r.Failed {
			t.Errorf("a module that prints: %v", r.ToMap())
		}
		if r := do(t, target, call("panic", "")); !r.Failed || !strings.Contains(r.Msg, "oops") || r.Get("exception") == nil {
			t.Errorf("panic: %v", r.ToMap())
		}
		if r := do(t, target, call("nothing", "")); !r.Failed || !strings.Contains(r.Msg, "no module test.nothing") {
			t.Errorf("unknown: %v", r.ToMap())
		}
		c := call("echo", "x")
		c.Args.Set("colour", "red")
		if r := do(t, target, c); !r.Failed || !strings.Contains(r.Msg, "Unsupported parameters") {
			t.Errorf("bad argument: %v", r.ToMap())
		}
	})
}

func TestConcurrentCalls(t *testing.T) {
	each(t, func(t *testing.T, target *Target) {
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				text := strings.Repeat(fmt.Sprint(i), i*20+1)
				if r, err := target.Do(t.Context(), call("echo", text)); err != nil || r.Get("text") != text {
					t.Errorf("call %d: %v", i, err)
				}
			})
		}
		wg.Wait()
	})
}

func TestIdentity(t *testing.T) {
	p := newPool(t)
	var seen []Identity
	for _, kind := range []string{"local", subprocess} {
		id, err := p.Target(transport.Config{Kind: kind, Host: "here"}, nil).Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, id)
	}
	if seen[0] != seen[1] || seen[0].Machine == "/" || seen[0].UID != os.Geteuid() {
		t.Errorf("%+v", seen)
	}
}

func TestFiles(t *testing.T) {
	big := make([]byte, 5<<20+7)
	_, _ = rand.Read(big)
	path := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(path, big, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(big)
	digest := hex.EncodeToString(sum[:])
	little := sha1.Sum([]byte("hi"))
	files := map[module.Digest]module.File{
		module.Digest(digest):                         {Path: path, Size: int64(len(big))},
		module.Digest(hex.EncodeToString(little[:])):  {Data: []byte("hi")},
		module.Digest("0123456789012345678901234567"): {Data: bytes.Repeat([]byte("not this "), 20000)},
	}
	each(t, func(t *testing.T, target *Target) {
		for d := range files {
			c := call("open", string(d))
			c.Files = files
			r := do(t, target, c)
			if strings.HasPrefix(string(d), "0123") {
				if !r.Failed || !strings.Contains(r.Msg, "did the file change") {
					t.Errorf("wrong content: %v", r.ToMap())
				}
			} else if r.Get("sha1") != string(d) {
				t.Errorf("%v", r.ToMap())
			}
			c.Module = "test.peek"
			if r := do(t, target, c); r.Failed {
				t.Errorf("a file opened and closed: %v", r.ToMap())
			}
		}
		if r := do(t, target, call("open", "none")); !r.Failed || !strings.Contains(r.Msg, "no file") {
			t.Errorf("%v", r.ToMap())
		}
	})
}

func TestSend(t *testing.T) {
	each(t, func(t *testing.T, target *Target) {
		got := map[string]int{}
		c := call("send", "abc")
		c.Sink = func(name string, r io.Reader) error {
			n, err := io.Copy(io.Discard, r)
			got[name] = int(n)
			return err
		}
		if r := do(t, target, c); r.Failed || got["one"] != 900000 || got["two"] != 900000 {
			t.Errorf("%v %v", r.ToMap(), got)
		}
		c.Sink = func(name string, r io.Reader) error { return errors.New("the controller's disk is full") }
		if r := do(t, target, c); !r.Failed || !strings.Contains(r.Msg, "one: the controller's disk is full") {
			t.Errorf("%v", r.ToMap())
		}
		c.Sink = nil
		if r := do(t, target, c); !r.Failed || !strings.Contains(r.Msg, "takes no files") {
			t.Errorf("%v", r.ToMap())
		}
	})
}

func TestTempDir(t *testing.T) {
	each(t, func(t *testing.T, target *Target) {
		r := do(t, target, call("tmp", ""))
		dir := value.Str(r.Get("dir"))
		if r.Get("mode") != "-rwx------" || !strings.HasPrefix(dir, os.Getenv("HOME")+"/.ansible/tmp/") {
			t.Errorf("%v", r.ToMap())
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s is still there", dir)
		}
	})
}

// alive reports whether a process that was killed is still there after the
// moment that dying takes.
func alive(pid string) bool {
	for range 100 {
		data, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(data), ") Z ") {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
	return true
}

func waitFile(t *testing.T, path string) string {
	t.Helper()
	for range 500 {
		if data, err := os.ReadFile(path); err == nil && bytes.HasSuffix(data, []byte("\n")) {
			return strings.TrimSpace(string(data))
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s did not come", path)
	return ""
}

func TestCancel(t *testing.T) {
	each(t, func(t *testing.T, target *Target) {
		pid := filepath.Join(t.TempDir(), "pid")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := target.Do(ctx, call("shell", "sleep 60 & echo $! >"+pid+"; wait"))
			done <- err
		}()
		n := waitFile(t, pid)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if alive(n) {
			t.Errorf("process %s is still there", n)
		}
		if r := do(t, target, call("echo", "after")); r.Get("text") != "after" {
			t.Errorf("after a cancelled call: %v", r.ToMap())
		}
	})
}

func TestAgentDies(t *testing.T) {
	target := newPool(t).Target(transport.Config{Kind: subprocess, Host: "here"}, nil)
	if _, err := target.Do(t.Context(), call("die", "")); !transport.IsUnreachable(err) || !strings.Contains(err.Error(), "signal 9") {
		t.Errorf("%v", err)
	}
	if r := do(t, target, call("echo", "again")); r.Get("text") != "again" {
		t.Errorf("%v", r.ToMap())
	}
}

func TestCloseEndsEverything(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	for _, kind := range []string{"local", subprocess} {
		_ = os.Remove(pid)
		p := newPool(t)
		target := p.Target(transport.Config{Kind: kind, Host: "here"}, nil)
		done := make(chan error, 1)
		go func() {
			_, err := target.Do(t.Context(), call("shell", "sleep 60 & echo $! >"+pid+"; wait"))
			done <- err
		}()
		n := waitFile(t, pid)
		p.Close()
		if err := <-done; err == nil {
			t.Error("a call of a closed pool has a result")
		}
		if alive(n) {
			t.Errorf("%s: process %s is still there", kind, n)
		}
	}
}

func TestLocks(t *testing.T) {
	each(t, func(t *testing.T, target *Target) {
		dir := t.TempDir()
		notices := make(chan wire.Notice, 10)
		target.pool.o.Notice = func(_ string, _ *module.Call, n wire.Notice) { notices <- n }
		resource := "tutti-test-" + filepath.Base(filepath.Dir(dir))
		first := call("shell", "touch "+dir+"/in; while test -e "+dir+"/in; do sleep 0.01; done; touch "+dir+"/out")
		first.Locks = []string{resource}
		var wg sync.WaitGroup
		wg.Go(func() { do(t, target, first) })
		for {
			if _, err := os.Stat(dir + "/in"); err == nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		second := call("shell", "test -e "+dir+"/out")
		second.Locks = []string{resource}
		wg.Go(func() {
			if r := do(t, target, second); r.Get("rc") != 0 {
				t.Errorf("the second call overlapped the first: %v", r.ToMap())
			}
		})
		if n := <-notices; !n.Waiting || n.Resource != resource || n.Holder != "the test" {
			t.Errorf("%+v", n)
		}
		// Another resource does not wait.
		third := call("echo", "free")
		third.Locks = []string{resource + "-other"}
		do(t, target, third)
		_ = os.Remove(dir + "/in")
		if n := <-notices; n.Waiting {
			t.Errorf("%+v", n)
		}
		wg.Wait()
	})
}

func TestAsync(t *testing.T) {
	each(t, func(t *testing.T, target *Target) {
		c := call("shell", "sleep 0.2; echo done")
		c.Async = 10
		r := do(t, target, c)
		path := value.Str(r.Get("results_file"))
		if r.Failed || r.Get("started") != 1 || r.Get("finished") != 0 || !strings.HasPrefix(path, os.Getenv("HOME")+"/.ansible_async/j") {
			t.Fatalf("%v", r.ToMap())
		}
		if err := target.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		waitFor(t, path, `"stdout":"done\n"`)

		slow := call("shell", "sleep 61 & echo $! >"+os.Getenv("HOME")+"/pid; wait")
		slow.Async = 1
		r = do(t, target, slow)
		waitFor(t, value.Str(r.Get("results_file")), `Timeout exceeded`)
		if n := waitFile(t, os.Getenv("HOME")+"/pid"); alive(n) {
			t.Errorf("process %s outlived its time limit", n)
		}
	})
}

func waitFor(t *testing.T, path, want string) {
	t.Helper()
	var data []byte
	for range 500 {
		if data, _ = os.ReadFile(path); strings.Contains(strings.ReplaceAll(string(data), ": ", ":"), want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s is %s, want %s in it", path, data, want)
}

func TestRaw(t *testing.T) {
	target := newPool(t).Target(transport.Config{Kind: subprocess, Host: "here"}, nil)
	out, errs, rc, err := target.Raw(t.Context(), "cat; echo err >&2; exit 3", []byte("in"))
	if err != nil || string(out) != "in" || string(errs) != "err\n" || rc != 3 {
		t.Errorf("%q %q %d %v", out, errs, rc, err)
	}
}

func BenchmarkCall(b *testing.B) {
	for _, kind := range []string{"local", subprocess} {
		b.Run(kind, func(b *testing.B) {
			self, _ := os.Executable()
			p := NewPool(Options{
				Dialers: map[string]transport.Dialer{subprocess: local.Dialer{}}, Agents: agents,
				Registry: registry(), Self: []string{self, "agent"},
			})
			defer p.Close()
			target := p.Target(transport.Config{Kind: kind, Host: "here"}, nil)
			c := call("peek", "x") // fails at once: the path and nothing else
			for b.Loop() {
				if _, err := target.Do(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
