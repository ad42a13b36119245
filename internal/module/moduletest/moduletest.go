// Package moduletest is the contract that every target module keeps, as a
// suite: a module's test lists its cases and calls Run.
//
// For each case, in fresh directories: check mode changes nothing and predicts
// what the real run reports; the real run does what the case says; a second
// run changes nothing; a diff is there when it was asked for. And for the
// module: its Spec is complete and wrong parameters never reach it.
package moduletest

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// Case is one use of a module. In Args, $DIR stands for the case's directory.
type Case struct {
	Name  string
	Setup func(t *testing.T, dir string) // makes what is there before; may be nil
	Args  string                         // the arguments as JSON
	// ArgsMap, if set, makes the arguments instead of Args.
	ArgsMap func(dir string) *value.Map

	Changed bool   // what the first run reports
	Fails   string // part of the message if the run must fail
	// Again says that a second run changes something again (touch, command).
	Again bool
	// Stirs says that a second run, which changes nothing that matters, still
	// writes: a program keeps its own records.
	Stirs bool
	// Blind says that check mode cannot predict this case.
	Blind bool
	// NoDiff says that this case has no diff although it changes something.
	NoDiff bool

	Content map[string]string // what the controller holds, by name; see Digest
	// Verify looks at the result and at the directory after the first run.
	Verify func(t *testing.T, dir string, r *module.Result)
}

// Digest is the name under which a content is asked for.
func Digest(content string) module.Digest {
	sum := sha1.Sum([]byte(content))
	return module.Digest(hex.EncodeToString(sum[:]))
}

// Options say how a Call is made.
type Options struct {
	Check, Diff bool
	Contents    []string // what the controller holds
	Environ     []string // nil is the test's own
	Sent        map[string]string
}

// Env makes the surroundings of a call.
func Env(t *testing.T, o Options) *module.Env {
	t.Helper()
	held := map[module.Digest]string{}
	for _, c := range o.Contents {
		held[Digest(c)] = c
	}
	if o.Environ == nil {
		o.Environ = os.Environ()
	}
	tmp := ""
	return &module.Env{
		Check: o.Check, Diff: o.Diff, Environ: o.Environ,
		TempDir: func() (string, error) {
			if tmp == "" {
				tmp = t.TempDir()
			}
			return tmp, nil
		},
		Open: func(_ context.Context, d module.Digest) (io.ReadCloser, error) {
			c, ok := held[d]
			if !ok {
				return nil, fmt.Errorf("the controller holds no file %s", d)
			}
			return io.NopCloser(strings.NewReader(c)), nil
		},
		Send: func(_ context.Context, name string, r io.Reader) error {
			data, err := io.ReadAll(r)
			if o.Sent != nil {
				o.Sent[name] = string(data)
			}
			return err
		},
	}
}

// Args reads arguments written as JSON, with $DIR replaced.
func Args(t *testing.T, dir, text string) *value.Map {
	t.Helper()
	quoted := string(value.ToJSON(dir))
	v, err := value.ParseJSON([]byte(strings.ReplaceAll(text, "$DIR", strings.Trim(quoted, `"`))))
	if err != nil {
		t.Fatalf("arguments of the test: %v", err)
	}
	return v.(*value.Map)
}

// Call runs a module once, as the agent does.
func Call(t *testing.T, m *module.Target, raw *value.Map, o Options) *module.Result {
	t.Helper()
	env := Env(t, o)
	args, err := m.Spec.ParseTarget(raw, env.Environ)
	if err != nil {
		return module.Fail("%s", err)
	}
	return m.Run(t.Context(), env, args)
}

// Run checks the module's Spec and each case.
func Run(t *testing.T, m *module.Target, cases []Case) {
	t.Run("spec", func(t *testing.T) { Spec(t, &m.Spec) })
	t.Run("unknown parameter", func(t *testing.T) {
		if _, err := m.Spec.ParseTarget(value.MapOf("no_such_parameter", 1), nil); err == nil && !m.Spec.AnyParams {
			t.Error("an unknown parameter was accepted")
		}
	})
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) { c.run(t, m) })
	}
}

func (c Case) prepare(t *testing.T) (dir string, raw *value.Map, o Options) {
	t.Helper()
	dir = t.TempDir()
	if c.Setup != nil {
		c.Setup(t, dir)
	}
	if c.ArgsMap != nil {
		raw = c.ArgsMap(dir)
	} else {
		raw = Args(t, dir, c.Args)
	}
	for _, content := range c.Content {
		o.Contents = append(o.Contents, content)
	}
	return dir, raw, o
}

func (c Case) run(t *testing.T, m *module.Target) {
	if m.Spec.Check == module.Full && !c.Blind {
		dir, raw, o := c.prepare(t)
		o.Check, o.Diff = true, true
		before := Tree(t, dir)
		r := Call(t, m, raw, o)
		if after := Tree(t, dir); after != before {
			t.Errorf("check mode changed something:\n%s\nbecame\n%s", before, after)
		}
		if c.Fails == "" && r.Failed {
			t.Errorf("check mode failed: %s", show(r))
		}
		if r.Changed != c.Changed && c.Fails == "" {
			t.Errorf("check mode predicts changed=%v, the run reports %v", r.Changed, c.Changed)
		}
		if m.Spec.Diff == module.Full && c.Changed && c.Fails == "" && !c.NoDiff && r.Diff == nil {
			t.Error("no diff in check mode")
		}
	}
	dir, raw, o := c.prepare(t)
	o.Diff = true
	r := Call(t, m, raw, o)
	if c.Fails != "" {
		if !r.Failed || !strings.Contains(r.Msg, c.Fails) {
			t.Fatalf("want a failure with %q, got %s", c.Fails, show(r))
		}
		if c.Verify != nil {
			c.Verify(t, dir, r)
		}
		return
	}
	if r.Failed {
		t.Fatalf("failed: %s", show(r))
	}
	if r.Changed != c.Changed {
		t.Errorf("changed=%v, want %v: %s", r.Changed, c.Changed, show(r))
	}
	if m.Spec.Diff == module.Full && c.Changed && !c.NoDiff && r.Diff == nil {
		t.Error("no diff")
	}
	if c.Verify != nil {
		c.Verify(t, dir, r)
	}
	if c.Again {
		return
	}
	before := Tree(t, dir)
	r = Call(t, m, raw, o)
	if r.Failed || r.Changed {
		t.Errorf("the second run: %s", show(r))
	}
	if after := Tree(t, dir); after != before && !c.Stirs {
		t.Errorf("the second run changed something:\n%s\nbecame\n%s", before, after)
	}
}

func show(r *module.Result) string { return string(value.ToJSON(r.ToMap())) }

// Spec checks that a Spec says all it must, and that defaults are of their type.
func Spec(t *testing.T, s *module.Spec) {
	t.Helper()
	if strings.Count(string(s.Name), ".") < 2 || s.Summary == "" || s.Check == "" || s.Diff == "" {
		t.Errorf("name %q, summary %q, check %q, diff %q: something is missing", s.Name, s.Summary, s.Check, s.Diff)
	}
	if len(s.Hints) == 0 && s.HintsFor == nil {
		t.Error("no hint")
	}
	if s.HintsFor != nil && s.HintDoc == "" {
		t.Error("hints that depend on the arguments, without a word on how")
	}
	for _, h := range s.Hints {
		if err := h.Validate(); err != nil {
			t.Error(err)
		}
	}
	params(t, s.Params)
}

func params(t *testing.T, list []module.Param) {
	t.Helper()
	var seen []string
	for _, p := range list {
		for _, name := range append([]string{p.Name}, p.Aliases...) {
			if slices.Contains(seen, name) {
				t.Errorf("parameter %s is there twice", name)
			}
			seen = append(seen, name)
		}
		if p.Doc == "" {
			t.Errorf("parameter %s is not documented", p.Name)
		}
		if p.Required && p.Default != nil {
			t.Errorf("parameter %s is required and has a default", p.Name)
		}
		if home, _ := p.Default.(string); p.Default != nil && !strings.HasPrefix(home, "~") {
			one := p
			one.Required, one.Options = false, nil
			spec := module.Spec{Params: []module.Param{one}}
			args, err := spec.ParseTarget(value.NewMap(0), nil)
			if err != nil || value.Repr(args.Any(p.Name)) != value.Repr(p.Default) {
				t.Errorf("default of %s: %v is not what Parse makes of it (%v, %v)", p.Name, p.Default, args.Any(p.Name), err)
			}
		}
		params(t, p.Options)
	}
}

// Tree describes a directory: names, kinds, modes, owners, times and content.
func Tree(t *testing.T, dir string) string {
	t.Helper()
	var b bytes.Buffer
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		st := fi.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&b, "%s %v %d:%d %s", rel, fi.Mode(), st.Uid, st.Gid, fi.ModTime().Format(time.RFC3339Nano))
		switch {
		case fi.Mode()&os.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " -> %s", target)
		case fi.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %s", Digest(string(data)))
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Write makes a file in a test's directory, with the directories above it.
func Write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Has fails unless the file holds the content.
func Has(t *testing.T, path, content string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	if string(data) != content {
		t.Errorf("%s holds %q, want %q", filepath.Base(path), data, content)
	}
}

// Mode fails unless the file has the permission bits.
func Mode(t *testing.T, path string, want uint32) {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		t.Error(err)
		return
	}
	if got := st.Mode & 07777; got != want {
		t.Errorf("%s has mode %04o, want %04o", filepath.Base(path), got, want)
	}
}

// Cancel starts a call, cancels it once started reports true, and fails unless
// it ends in time and no process of the call is left. The controller holds the
// contents.
func Cancel(t *testing.T, m *module.Target, raw *value.Map, started func() bool, contents ...string) {
	t.Helper()
	mark := fmt.Sprintf("TUTTI_MODULETEST=%d.%d", os.Getpid(), time.Now().UnixNano())
	env := Env(t, Options{Environ: append(os.Environ(), mark), Contents: contents})
	args, err := m.Spec.ParseTarget(raw, env.Environ)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan *module.Result, 1)
	go func() { done <- m.Run(ctx, env, args) }()
	deadline := time.Now().Add(5 * time.Second)
	for !started() && time.Now().Before(deadline) {
		time.Sleep(2 * time.Millisecond)
	}
	cancel()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("the call did not end after it was cancelled")
	}
	for range 100 {
		if len(marked(mark)) == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("processes left: %v", marked(mark))
}

// marked lists the processes whose environment holds the mark.
func marked(mark string) (pids []string) {
	paths, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is right
	for _, p := range paths {
		if data, err := os.ReadFile(p); err == nil && bytes.Contains(data, []byte(mark)) {
			pids = append(pids, filepath.Base(filepath.Dir(p)))
		}
	}
	return pids
}

// Script makes a program of a shell script, to stand in for a system's own.
func Script(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
}

// Bin makes a directory of stand-ins, by name, and puts it first in PATH.
func Bin(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range scripts {
		Script(t, filepath.Join(dir, name), text)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}
