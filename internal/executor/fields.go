package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// What a task says is looked at as a whole before the task does anything: a
// keyword of the wrong type fails it even where nothing would have come of it.

// fields are the keywords that a task inherits, with what they have to be.
var fields = [...]struct {
	keyword playbook.Keyword
	kind    fieldType
}{
	{playbook.AnyErrorsFatal, isBool}, {playbook.Become, isBool}, {playbook.BecomeExe, isText},
	{playbook.BecomeFlags, isText}, {playbook.BecomeMethod, isText}, {playbook.BecomeUser, isText},
	{playbook.CheckMode, isBool}, {playbook.Connection, isText}, {playbook.Debugger, isText},
	{playbook.DelegateFacts, isBool}, {playbook.Diff, isBool}, {playbook.IgnoreErrors, isBool},
	{playbook.IgnoreUnreachable, isBool}, {playbook.NoLog, isBool}, {playbook.Port, isInt},
	{playbook.RemoteUser, isText}, {playbook.RunOnce, isBool}, {playbook.Throttle, isInt},
	{playbook.Timeout, isInt},
}

type fieldType uint8

const (
	isText fieldType = iota
	isBool
	isInt
)

// validate evaluates every keyword of the task and refuses what cannot be.
func (it *item) validate() error {
	for _, f := range fields {
		if _, given := it.task.Get(f.keyword); !given {
			continue
		}
		v, err := it.keyword(it.c, f.keyword)
		if err != nil {
			return undefinedField(f.keyword.String(), err)
		}
		if err := f.kind.check(f.keyword.String(), v); err != nil {
			return err
		}
		if mode, ok := v.(string); ok && f.keyword == playbook.Debugger && mode != "" && !slices.Contains(debuggerModes, mode) {
			return fmt.Errorf("'%s' is not a valid value for debugger. Must be one of %s", mode, strings.Join(debuggerModes, ", "))
		}
	}
	for _, f := range []struct {
		name string
		v    any
	}{{"async", it.task.Async}, {"delay", it.task.Delay}, {"poll", it.task.Poll}, {"retries", it.task.Retries}} {
		v, err := it.Engine.Resolve(it.c, f.v)
		if err != nil {
			return undefinedField(f.name, err)
		}
		if err := isInt.check(f.name, v); err != nil {
			return err
		}
	}
	for _, raw := range it.task.Notify {
		if _, err := it.Engine.Resolve(it.c, raw); err != nil {
			return undefinedField("notify", err)
		}
	}
	around := len(it.task.Tags)
	if it.task.Own != nil {
		around -= len(it.task.Own.Tags)
	}
	for i, raw := range it.task.Tags {
		if _, ok := raw.(*value.Template); !ok {
			continue
		}
		v, err := it.Engine.Resolve(it.c, raw)
		if err != nil {
			return undefinedField("tags", err)
		}
		if _, several := v.([]any); several && i < around { // the task's own may be a list in a variable
			return fmt.Errorf("the field 'tags' should be a list of names, but the item '%s' is a list", template.Str(v))
		}
	}
	if t := it.task; t.Loop != nil && t.Loop.Lookup == "" && t.Loop.Value == nil {
		if _, err := it.control(it.c); err != nil { // there is nothing to control, but it has to make sense
			return undefinedField("loop_control", err)
		}
	}
	return nil
}

// check refuses a value that is not of the type and cannot be made that.
func (k fieldType) check(name string, v any) error {
	if v == nil || v == template.Omit {
		return nil
	}
	var err error
	what := "bool"
	switch k {
	case isBool:
		_, err = boolean(v)
	case isInt:
		what = "int"
		_, err = whole(v)
	}
	if err != nil {
		return fmt.Errorf("the field '%s' has an invalid value (%s), and could not be converted to an %s. The error was: %w", name, template.Str(v), what, err)
	}
	return nil
}

// undefinedField says which keyword it was that could not be evaluated.
func undefinedField(name string, err error) error {
	var te *template.Error
	if err == nil || !errors.As(err, &te) || !te.Undefined {
		return err
	}
	return &fieldError{name, te}
}

// fieldError is a keyword with an undefined variable in it.
type fieldError struct {
	name  string
	cause *template.Error
}

func (e *fieldError) Error() string {
	return fmt.Sprintf("The field '%s' has an invalid value, which includes an undefined variable. The error was: %s", e.name, e.cause.Msg)
}

func (e *fieldError) Unwrap() error { return e.cause }

// foreseeable refuses what has to be known before the task is handed to the host:
// how many may run it at once, and where it runs. Such a mistake ends the run.
func (p *playRun) foreseeable(ctx context.Context, t *playbook.Task, host string) error {
	refuse := func(format string, args ...any) error {
		return &diag.Problem{Pos: t.Pos, Msg: fmt.Sprintf(format, args...), General: true}
	}
	throttle, _ := t.Get(playbook.Throttle)
	to, _ := t.Get(playbook.DelegateTo)
	if t.LeftEmpty(playbook.Throttle) {
		return refuse("Failed to convert the throttle value to an integer: it is empty")
	}
	if _, ok := throttle.(int); ok || throttle == nil {
		if _, ok := to.(*value.Template); !ok || t.Loop != nil {
			return nil
		}
	}
	tr := &taskRun{playRun: p, task: t, host: p.hosts[host]}
	c := tr.context(ctx, tr.scope())
	if throttle != nil {
		v, err := p.Engine.Resolve(c, throttle)
		if err == nil {
			_, err = whole(v)
		}
		if err != nil {
			return refuse("Failed to convert the throttle value to an integer: %s", errorText(err))
		}
	}
	if _, ok := to.(*value.Template); ok && t.Loop == nil {
		switch v, err := p.Engine.Resolve(c, to); v := v.(type) {
		case string:
		case nil:
			if err == nil {
				return refuse("Undefined delegate_to host for task: %s", template.Str(value.Plain(to)))
			}
		default:
			if v != template.Omit {
				return refuse("the field 'delegate_to' has an invalid type (%s), and could not be converted to a string type.", template.TypeName(v))
			}
		}
	}
	return nil
}

// checkPlay evaluates the keywords that a play has for itself, before anything is
// told of it.
func (r *Run) checkPlay(c *template.Context, p *playbook.Play) error {
	refuse := func(err error) error {
		pos := p.Pos
		var te *template.Error
		if errors.As(err, &te) && te.Pos.IsValid() {
			pos = te.Pos
		}
		return &diag.Problem{Pos: pos, Msg: err.Error()}
	}
	for _, f := range []struct {
		name  string
		v     any
		check func(name string, v any) error
	}{
		{"force_handlers", p.ForceHandlers, isBool.check}, {"gather_facts", p.GatherFacts, isBool.check}, {"gather_timeout", p.GatherTimeout, isInt.check},
		{"gather_subset", p.GatherSubset, listOfText}, {"max_fail_percentage", p.MaxFail, percent}, {"serial", value.Plain(p.Serial), nil},
	} {
		v, err := r.Engine.Resolve(c, f.v)
		if err != nil {
			return refuse(undefinedField(f.name, err))
		}
		if f.check == nil || v == nil || v == template.Omit {
			continue
		}
		if err := f.check(f.name, v); err != nil {
			return refuse(err)
		}
	}
	return nil
}

func percent(name string, v any) error {
	if _, err := percentage(v); err != nil {
		return fmt.Errorf("the field '%s' has an invalid value (%s), and could not be converted to an percent. The error was: %w", name, template.Str(v), err)
	}
	return nil
}

func listOfText(name string, v any) error {
	l, ok := v.([]any)
	if !ok {
		l = []any{v}
	}
	for _, e := range l {
		if _, ok := e.(string); !ok {
			return fmt.Errorf("the field '%s' should be a list of strings, but the item '%s' is %s", name, template.Str(e), template.TypeName(e))
		}
	}
	return nil
}

// asWritten tells whether a keyword that only the controller looks at is set: it
// takes the value as it is written, so that text is true whatever it says.
func asWritten(k *playbook.Keywords, w playbook.Keyword, otherwise bool) bool {
	v, ok := k.Get(w)
	if !ok {
		return otherwise
	}
	return holds(v)
}

// holds is Python's idea of what is true; a template is, as it is text.
func holds(v any) bool {
	if _, ok := v.(*value.Template); ok {
		return true
	}
	return template.Bool(v)
}
