package moduletest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Controller is a controller for tests of control halves: files are looked for
// below Dir/<kind> and Dir, templates know nothing but {{ name }}.
type Controller struct {
	Dir       string
	Vars      *value.Map
	CheckMode bool
	DiffMode  bool
	Verbose   int
	Answer    string // to Prompt; empty means that there is no terminal
	Said      []string
	// Truth answers Condition; nil takes the boolean itself.
	Truth func(expr any) (bool, error)
	// Answers is what Run returns for a call; nil fails.
	Answers func(*module.Call) (*module.Result, error)
	// Env is what the task adds to the environment.
	Env map[string]string
	// Pings is what Ping returns, one after the other; then nil.
	Pings  []error
	Resets int
	// BecomeUser is what Become returns.
	BecomeUser string
}

var _ module.Controller = (*Controller)(nil)

// FindFile implements module.Controller.
func (c *Controller) FindFile(kind, name string) (string, error) {
	for _, path := range []string{name, filepath.Join(c.Dir, kind, name), filepath.Join(c.Dir, name)} {
		if _, err := os.Stat(path); err == nil && filepath.IsAbs(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("Could not find or access '%s' on the Ansible Controller.", name)
}

// ReadFile implements module.Controller.
func (c *Controller) ReadFile(path string) ([]byte, error) { return os.ReadFile(path) }

func (c *Controller) fill(text string) string {
	for k, v := range c.Vars.Strings() {
		text = strings.ReplaceAll(text, "{{ "+k+" }}", value.Str(v))
	}
	return text
}

// Render implements module.Controller.
func (c *Controller) Render(w io.Writer, src *io.SectionReader, _ module.RenderOptions) error {
	text, err := io.ReadAll(src)
	if err == nil {
		_, err = io.WriteString(w, c.fill(string(text)))
	}
	return err
}

// Resolve implements module.Controller.
func (c *Controller) Resolve(v any) (any, error) {
	if t, ok := v.(*value.Template); ok {
		return c.fill(t.Source), nil
	}
	return v, nil
}

// Conditions implements module.Controller.
func (c *Controller) Conditions(v any) ([]any, error) {
	v, err := c.Resolve(v)
	if l, ok := v.([]any); ok {
		return l, err
	}
	return []any{v}, err
}

// ResolveOwn implements module.Controller: every variable is the user's.
func (c *Controller) ResolveOwn(v any) (any, bool, error) {
	out, err := c.Resolve(v)
	return out, true, err
}

// Condition implements module.Controller.
func (c *Controller) Condition(expr any, _ *value.Map) (bool, error) {
	if c.Truth != nil {
		return c.Truth(expr)
	}
	b, ok := expr.(bool)
	if !ok {
		return false, fmt.Errorf("the test's controller knows no condition %v", expr)
	}
	return b, nil
}

// Expr implements module.Controller.
func (c *Controller) Expr(text string) (any, error) {
	if v, ok := c.Vars.Get(text); ok {
		return v, nil
	}
	return nil, fmt.Errorf("'%s' is %w", text, module.ErrUndefined)
}

// Var implements module.Controller.
func (c *Controller) Var(name string) any { return c.Vars.At(name) }

// LoadVars implements module.Controller; it reads JSON.
func (c *Controller) LoadVars(path string) (any, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return value.ParseJSON(data)
}

// Environment implements module.Controller.
func (c *Controller) Environment() (map[string]string, error) { return c.Env, nil }

// Host implements module.Controller.
func (c *Controller) Host() string { return "testhost" }

// Hosts implements module.Controller.
func (c *Controller) Hosts() []string { return []string{"testhost"} }

// Becomes implements module.Controller.
func (c *Controller) Becomes() bool { return false }

// Check implements module.Controller.
func (c *Controller) Check() bool { return c.CheckMode }

// Diff implements module.Controller.
func (c *Controller) Diff() bool { return c.DiffMode }

// Native is false: templates follow Ansible's default.
func (c *Controller) Native() bool { return false }

// Verbosity implements module.Controller.
func (c *Controller) Verbosity() int { return c.Verbose }

// Become implements module.Controller.
func (c *Controller) Become() string { return c.BecomeUser }

// Meanwhile implements module.Controller.
func (c *Controller) Meanwhile(f func()) { f() }

// Prompt implements module.Controller.
func (c *Controller) Prompt(context.Context, string, bool) (string, error) {
	if c.Answer == "" {
		return "", errors.New("there is no terminal")
	}
	return c.Answer, nil
}

// Pause implements module.Controller. It waits for nothing.
func (c *Controller) Pause(_ context.Context, p module.Pause) (string, error) {
	c.Said = append(c.Said, p.Prompt)
	if c.Answer == "" {
		return "", module.ErrNotInteractive
	}
	return c.Answer, nil
}

// Say implements module.Controller.
func (c *Controller) Say(text string) { c.Said = append(c.Said, text) }

// Run implements module.Controller.
func (c *Controller) Run(_ context.Context, call *module.Call) (*module.Result, error) {
	if c.Answers == nil {
		return nil, errors.New("the test's controller has no target")
	}
	return c.Answers(call)
}

// Raw implements module.Controller; it runs the command here.
func (c *Controller) Raw(ctx context.Context, command string) (stdout, stderr []byte, rc int, err error) {
	out, err := process.Run(ctx, process.Cmd{Argv: []string{"/bin/sh", "-c", command}, Env: os.Environ()})
	return out.Stdout, out.Stderr, out.RC, err
}

// Reset implements module.Controller.
func (c *Controller) Reset(context.Context) error { c.Resets++; return nil }

// Ping implements module.Controller.
func (c *Controller) Ping(context.Context) error {
	if len(c.Pings) == 0 {
		return nil
	}
	err := c.Pings[0]
	c.Pings = c.Pings[1:]
	return err
}

// Task runs a task through both halves: m plans, target does the plan's call.
func Task(t *testing.T, c *Controller, m *module.Control, target *module.Target, raw *value.Map) *module.Result {
	t.Helper()
	args, err := m.Spec.Parse(raw)
	if err != nil {
		return module.Fail("%s", err)
	}
	plan, err := m.Plan(t.Context(), c, args)
	if err != nil {
		return module.Fail("%s", err)
	}
	if plan.Close != nil {
		defer plan.Close()
	}
	r := plan.Done
	switch {
	case r != nil:
	case plan.Work != nil:
		r = Work(t, plan.Work, m.Spec.HintsOf(args, c.CheckMode))
	default:
		r = c.call(t, target, plan.Call)
	}
	if plan.Finish != nil {
		r = plan.Finish(r)
	}
	return r
}

// Work does a plan's work under a lease for the hints, in a manager of its own.
func Work(t *testing.T, w *module.Work, hints []parallel.Hint) *module.Result {
	t.Helper()
	m := parallel.New(parallel.Options{})
	for {
		all := hints
		if w.Hints != nil {
			found, err := w.Hints(t.Context())
			if err != nil {
				return module.Fail("%s", err)
			}
			all = append(slices.Clone(hints), found...)
		}
		lease, err := m.Acquire(t.Context(), parallel.Request{Hints: all, Owner: t.Name()})
		if err != nil {
			return module.Fail("%s", err)
		}
		r, err := w.Do(lease.Context(), Pacer{m})
		lease.Release()
		switch {
		case err == nil:
			return r
		case !errors.Is(err, module.ErrAgain):
			return module.Fail("%s", err)
		}
	}
}

// Pacer takes tokens from a manager.
type Pacer struct{ *parallel.Manager }

// Token implements module.Pacer.
func (p Pacer) Token(ctx context.Context, h parallel.Hint) error {
	lease, err := p.Acquire(ctx, parallel.Request{Hints: []parallel.Hint{h}})
	lease.Release()
	return err
}

func (c *Controller) call(t *testing.T, target *module.Target, call *module.Call) *module.Result {
	t.Helper()
	if target == nil || target.Spec.Name != call.Module {
		t.Fatalf("the plan calls %s", call.Module)
	}
	env := Env(t, Options{Check: c.CheckMode, Diff: c.DiffMode})
	env.Open = func(_ context.Context, d module.Digest) (io.ReadCloser, error) {
		f, ok := call.Files[d]
		if !ok {
			return nil, fmt.Errorf("the call holds no file %s", d)
		}
		return f.Open()
	}
	env.Send = func(_ context.Context, name string, r io.Reader) error { return call.Sink(name, r) }
	args, err := target.Spec.ParseTarget(call.Args, env.Environ)
	if err != nil {
		return module.Fail("%s", err)
	}
	return target.Run(t.Context(), env, args)
}
