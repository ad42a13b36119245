package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vars"
)

// controller is what a module's control half may use; see module.Controller.
type controller struct {
	it  *item
	ctx context.Context
}

func (it *item) controller(ctx context.Context) module.Controller { return controller{it, ctx} }

func (c controller) FindFile(kind, name string) (string, error) {
	return c.it.c.Env.FindFile(kind, name)
}

func (c controller) ReadFile(path string) ([]byte, error) { return c.it.Run.ReadFile(path) }
func (c controller) LoadVars(path string) (any, error)    { return c.it.Run.LoadVars(path) }
func (c controller) Resolve(v any) (any, error)           { return c.it.Engine.Resolve(c.it.c, v) }

func (c controller) ResolveOwn(v any) (any, bool, error) {
	seen := &vars.Watch{Scope: c.it.scope}
	in := *c.it.c
	in.Vars = seen
	out, err := c.it.Engine.Resolve(&in, v)
	text, ok := out.(string)
	class := ""
	if ok {
		class = value.WrittenType(text)
	}
	return out, (!seen.Told || class == "AnsibleUnicode") && class != "AnsibleUnsafeText", err
}

func (c controller) Environment() (map[string]string, error) {
	return c.it.environment()
}
func (c controller) Host() string    { return c.it.host.Name }
func (c controller) Native() bool    { return c.it.Native }
func (c controller) Check() bool     { return c.it.check }
func (c controller) Diff() bool      { return c.it.diff }
func (c controller) Verbosity() int  { return c.it.Verbosity }
func (c controller) Say(text string) { c.it.tell(event.Message{Text: text}) }
func (c controller) with(vars *value.Map) *template.Context {
	if vars.Len() == 0 {
		return c.it.c
	}
	return c.it.context(c.ctx, c.it.scope.With(vars))
}

func (c controller) Condition(expr any, vars *value.Map) (bool, error) {
	return c.it.Engine.Condition(c.with(vars), expr)
}

func (c controller) Conditions(v any) ([]any, error) {
	foreign := false
	if t, ok := v.(*value.Template); ok {
		in := *c.it.c
		seen, told := in.Foreign()
		in.Vars = seen
		var err error
		if v, err = c.it.Engine.Resolve(&in, t); err != nil {
			return nil, err
		}
		foreign = *told
	}
	foreign = foreign || !value.EveryText(v, func(class string) bool { return class != "AnsibleUnsafeText" })
	all, ok := v.([]any)
	if !ok {
		all = []any{v}
	}
	for _, e := range all {
		if text, ok := e.(string); ok && foreign && text != "" {
			return nil, template.Unsafe(text)
		}
	}
	return all, nil
}

// Expr evaluates as {{ text }} in a playbook does, with the types that gives.
func (c controller) Expr(text string) (any, error) {
	strict := *c.it.c
	strict.Strict = true
	v, err := c.it.Engine.Resolve(&strict, &value.Template{Source: "{{" + text + "}}"})
	var te *template.Error
	if errors.As(err, &te) && te.Undefined {
		return nil, undefined{err}
	}
	return v, err
}

// undefined marks an error as module.ErrUndefined and keeps its text.
type undefined struct{ error }

func (u undefined) Is(target error) bool { return target == module.ErrUndefined }
func (u undefined) Unwrap() error        { return u.error }

func (c controller) Var(name string) any {
	raw, ok := c.it.scope.Lookup(name)
	if !ok {
		return nil
	}
	v, err := c.it.Engine.Resolve(c.it.c, raw)
	if err != nil {
		return nil
	}
	return v
}

func (c controller) Hosts() []string {
	var out []string
	if l, ok := c.Var("ansible_play_batch").([]any); ok {
		for _, e := range l {
			out = append(out, template.Str(e))
		}
	}
	return out
}

func (c controller) Render(w io.Writer, src *io.SectionReader, o module.RenderOptions) error {
	syntax := template.Syntax{BlockStart: o.BlockStart, BlockEnd: o.BlockEnd, VariableStart: o.VariableStart, VariableEnd: o.VariableEnd,
		CommentStart: o.CommentStart, CommentEnd: o.CommentEnd, TrimBlocks: o.TrimBlocks, LstripBlocks: o.LstripBlocks,
		NewlineSequence: o.NewlineSequence}
	vars := c.it.ManagedVars(o.Path, o.Dest)
	vars.Update(o.Vars)
	return c.it.Engine.Stream(c.with(vars), w, src, template.FileOptions{Path: o.Path, SearchPath: c.templateDirs(o.Path), Syntax: syntax, NoTrimBlocks: !o.TrimBlocks})
}

// templateDirs are the folders in which a template's includes are looked for.
func (c controller) templateDirs(path string) []string {
	var out []string
	for _, d := range c.it.searchPath(c.it.task) {
		out = append(out, filepath.Join(d, "templates"), d)
	}
	return append(out, filepath.Dir(path))
}

func (c controller) Prompt(ctx context.Context, text string, echo bool) (string, error) {
	if c.it.Run.Prompt == nil {
		return "", ErrNotInteractive
	}
	return c.it.Run.Prompt(ctx, text, echo)
}

func (c controller) Becomes() bool {
	conn, err := c.it.connection()
	return err == nil && conn.Become
}

// Pause waits for a time or for the user, giving back the evaluation place.
func (c controller) Pause(ctx context.Context, p module.Pause) (string, error) {
	<-c.it.Run.resolve
	defer func() { c.it.Run.resolve <- struct{}{} }()
	hidden := ""
	if !p.Echo {
		hidden = " (output is hidden)"
	}
	wait := time.Duration(p.Seconds) * time.Second
	text, prompt := "", p.Prompt
	if wait > 0 {
		text = fmt.Sprintf("Pausing for %d seconds%s\n(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)", p.Seconds, hidden)
	} else if prompt == "" {
		prompt = "Press enter to continue, Ctrl+C to interrupt"
	}
	if prompt != "" {
		text = strings.TrimPrefix(text+"\n", "\n") + fmt.Sprintf("[%s]\n%s%s:", c.it.info.Name, prompt, hidden)
	}
	var input string
	err := ErrNotInteractive
	if c.it.Run.Pause == nil {
		c.Say(text)
	} else {
		input, err = c.it.Run.Pause(ctx, text, wait, p.Echo)
	}
	if errors.Is(err, ErrNotInteractive) && wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	return input, err
}

// Run makes a call on the target. The evaluation place that Plan holds is
// given back meanwhile, so that a slow target does not keep others waiting. A call
// that changes nothing runs in check mode too: the caller says what it is.
func (c controller) Run(ctx context.Context, call *module.Call) (*module.Result, error) {
	<-c.it.Run.resolve
	defer func() { c.it.Run.resolve <- struct{}{} }()
	r := &resolved{Call: call, name: call.Module, params: call.Args, spec: c.it.Modules.Spec(call.Module)}
	check, noLog := call.Check, call.NoLog
	c.it.fillIn(call)
	call.Check, call.NoLog = check, call.NoLog || noLog
	if err := c.it.complete(ctx, r); err != nil {
		return nil, err
	}
	lease, err := c.it.acquire(ctx, r)
	if err != nil {
		return nil, err
	}
	defer lease.Release()
	return c.it.target.Do(lease.Context(), call)
}

func (c controller) Become() string {
	conn, err := c.it.connection()
	if err != nil || !conn.Become {
		return ""
	}
	return conn.BecomeUser
}

func (c controller) Meanwhile(f func()) {
	<-c.it.Run.resolve
	defer func() { c.it.Run.resolve <- struct{}{} }()
	f()
}

func (c controller) Reset(ctx context.Context) error {
	t, err := c.it.connect()
	if err != nil {
		return err
	}
	return t.Reset(ctx)
}

func (c controller) Ping(ctx context.Context) error {
	t, err := c.it.connect()
	if err != nil {
		return err
	}
	_, err = t.Machine(ctx)
	return err
}

// Raw runs a command on the target without an agent.
func (c controller) Raw(ctx context.Context, command string) (stdout, stderr []byte, rc int, err error) {
	t, err := c.it.connect()
	if err != nil {
		return nil, nil, 0, err
	}
	if env, err := c.it.environment(); err != nil {
		return nil, nil, 0, err
	} else if len(env) > 0 {
		var b strings.Builder
		for _, k := range sortedKeys(env) {
			b.WriteString(k + "=" + shellQuote(env[k]) + " ")
		}
		command = b.String() + command
	}
	<-c.it.Run.resolve
	defer func() { c.it.Run.resolve <- struct{}{} }()
	c.it.target = t
	r := &resolved{Call: &module.Call{}, name: "ansible.builtin.raw", params: value.MapOf("_raw_params", command), spec: c.it.Modules.Spec("ansible.builtin.raw")}
	lease, err := c.it.acquire(ctx, r)
	if err != nil {
		return nil, nil, 0, err
	}
	defer lease.Release()
	return t.Raw(lease.Context(), command)
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'" }
