package python

import (
	"archive/zip"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/internal/value"
)

// library stands for Ansible's module library: it has what the bootstrap needs.
const library = "_ANSIBLE_ARGS = None\ncount = 0\n"

// archiveOf packs a module with the library.
func archiveOf(t *testing.T, source string) (data string) {
	t.Helper()
	var b strings.Builder
	w := zip.NewWriter(&b)
	for name, text := range map[string]string{"ansible/__init__.py": "", "ansible/module_utils/__init__.py": "", "ansible/module_utils/basic.py": library,
		"ansible/module_utils/extra.py": "word = 'extra'\n", "ansible/modules/__init__.py": "", "ansible/modules/it.py": source} {
		f, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(f, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// bench runs modules as one agent does.
type bench struct {
	t    *testing.T
	env  *module.Env
	kept map[string]io.Closer
	mu   sync.Mutex
}

func newBench(t *testing.T) *bench {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 here")
	}
	t.Setenv("HOME", t.TempDir())
	b := &bench{t: t, kept: map[string]io.Closer{}, env: mt.Env(t, mt.Options{})}
	b.env.Environ = os.Environ()
	b.env.Keep = func(key string, start func() (io.Closer, error)) (io.Closer, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if c := b.kept[key]; c != nil {
			return c, nil
		}
		c, err := start()
		if err == nil {
			b.kept[key] = c
		}
		return c, err
	}
	b.env.Drop = func(key string) { b.mu.Lock(); delete(b.kept, key); b.mu.Unlock() }
	t.Cleanup(func() {
		for _, c := range b.kept {
			_ = c.Close()
		}
	})
	return b
}

func (b *bench) run(ctx context.Context, source, args string) *module.Result {
	return b.limited(ctx, source, args, 0)
}

// limited runs a module that may have so many files open.
func (b *bench) limited(ctx context.Context, source, args string, files int) *module.Result {
	b.t.Helper()
	data := archiveOf(b.t, source)
	sum := sha1.Sum([]byte(data))
	digest := hex.EncodeToString(sum[:])
	env := *b.env
	env.Open = func(context.Context, module.Digest) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(data)), nil
	}
	parsed, err := Module.Spec.ParseTarget(value.MapOf("style", "python", "entry", "ansible.modules.it", "name", "it", "digest", digest, "library", "same", "interpreter", "", "args", args, "plain_args", "", "open_files", files), env.Environ)
	if err != nil {
		b.t.Fatal(err)
	}
	return run(ctx, &env, parsed)
}

// server is the only server, nil if there is none.
func (b *bench) server() *server {
	for _, c := range b.kept {
		if s, ok := c.(*server); ok {
			return s
		}
	}
	return nil
}

const head = "import json, os, sys\nfrom ansible.module_utils import basic\nfrom ansible.module_utils.extra import word\nargs = json.loads(basic._ANSIBLE_ARGS.decode())['ANSIBLE_MODULE_ARGS']\n"

func TestForks(t *testing.T) {
	b := newBench(t)
	const show = head + "basic.count += 1\nprint(json.dumps(dict(parent=os.getppid(), args=args, word=word, count=basic.count, home=os.environ['HOME'], name=__name__, argv=sys.argv)))\n"
	first := b.run(t.Context(), show, `{"x": "ö"}`)
	b.env.Environ = append(b.env.Environ, "HOME=/elsewhere")
	second := b.run(t.Context(), "# another archive\n"+show, `{}`)
	s := b.server()
	if s == nil {
		t.Fatal("there is no server")
	}
	for _, r := range []*module.Result{first, second} {
		if r.Failed || r.Get("parent") != s.cmd.Process.Pid || r.Get("word") != "extra" || r.Get("name") != "__main__" {
			t.Errorf("%v", r.ToMap())
		}
		if r.Get("count") != 1 {
			t.Errorf("what one module did to the library reached another: %v", r.Get("count"))
		}
	}
	if x := first.Get("args").(*value.Map).At("x"); x != "ö" {
		t.Errorf("the argument is %q", x)
	}
	if home := second.Get("home"); home != "/elsewhere" {
		t.Errorf("the environment was not the task's: %v", home)
	}
}

func TestOpenFiles(t *testing.T) {
	b := newBench(t)
	const show = head + "import resource\nsoft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\nprint(json.dumps(dict(soft=soft, hard=hard)))\n"
	as := b.run(t.Context(), show, "{}")
	soft, hard := as.Get("soft").(int), as.Get("hard").(int)
	limits := map[int]int{0: soft, 100: 100}
	if hard > 0 {
		limits[hard+1] = hard
	}
	for range 2 {
		for files, want := range limits {
			if r := b.limited(t.Context(), show, "{}", files); r.Get("soft") != want || r.Get("hard") != hard {
				t.Errorf("a limit of %d, fork %v: %v", files, b.server() != nil, r.ToMap())
			}
		}
		b.env.Keep = nil // from here on in a Python of its own
	}
}

func TestForkEnds(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct{ name, source, want string }{
		{"exit status", head + "print('{}')\nsys.exit(3)\n", "failed"},
		{"traceback", head + "raise ValueError('no good')\n", "ValueError: no good"},
		{"atexit", head + "import atexit\natexit.register(lambda: print(json.dumps(dict(msg='at the end'))))\nsys.exit(0)\n", "at the end"},
		{"a thread", head + "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), print(json.dumps(dict(msg='from a thread'))))).start()\n", "from a thread"},
		{"large", head + "print(json.dumps(dict(msg='x' * 3000000 + 'end')))\n", "xend"},
	} {
		r := b.run(t.Context(), c.source, `{"padding": "`+strings.Repeat("y", 1<<20)+`"}`)
		if text := value.Str(r.ToMap()); !strings.Contains(text, c.want) {
			t.Errorf("%s: %.300s", c.name, text)
		}
	}
	if b.server() == nil {
		t.Error("none of it ran in a fork")
	}
}

func TestForkCanceled(t *testing.T) {
	b := newBench(t)
	mark := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.run(ctx, head+"import subprocess\np = subprocess.Popen(['sleep', '300'])\nopen(args['mark'] + '.new', 'w').write(str(p.pid))\nos.rename(args['mark'] + '.new', args['mark'])\np.wait()\n", `{"mark": "`+mark+`"}`)
	}()
	var pid string
	for pid == "" {
		data, _ := os.ReadFile(mark)
		pid = string(data)
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	<-ended
	for range 200 {
		if stat, err := os.ReadFile("/proc/" + pid + "/stat"); err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("what the module started is still there")
}

// TestFreshPython: what a fork cannot give is given by a new process.
func TestFreshPython(t *testing.T) {
	b := newBench(t)
	const parent = head + "print(json.dumps(dict(parent=os.getppid(), opt=sys.flags.optimize)))\n"
	b.run(t.Context(), parent, "{}")
	b.env.Environ = append(b.env.Environ, "PYTHONOPTIMIZE=1")
	if r := b.run(t.Context(), parent, "{}"); r.Get("parent") != os.Getpid() || r.Get("opt") != 1 {
		t.Errorf("%v", r.ToMap())
	}
	b.env.Environ = b.env.Environ[:len(b.env.Environ)-1]
	// A server that has died is replaced.
	old := b.server()
	_ = syscall.Kill(old.cmd.Process.Pid, syscall.SIGKILL)
	for !old.dead() {
		time.Sleep(time.Millisecond)
	}
	if r := b.run(t.Context(), parent, "{}"); r.Failed || b.server() == old || r.Get("parent") != b.server().cmd.Process.Pid {
		t.Errorf("%v", r.ToMap())
	}
}

func TestStandardErrorOfTheBackground(t *testing.T) {
	out := process.Output{Stdout: []byte(`{"changed": true}`), Stderr: []byte("a\nb\n")}
	if got := result(out, true); got.Get("stderr") != "a\nb\n" || len(got.Get("stderr_lines").([]any)) != 2 {
		t.Errorf("in the background: %v", got.ToMap())
	}
	if got := result(out, false); got.Get("stderr") != nil {
		t.Errorf("in the foreground: %v", got.ToMap())
	}
}
