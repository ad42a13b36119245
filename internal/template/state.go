package template

import (
	"errors"
	"math/big"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

// mode is what a template's output becomes.
type mode uint8

const (
	asValue mode = iota // a value, by the rules for native off or on
	asText              // text
)

// state is shared by all the templates that one call of the engine evaluates,
// one in another. It is not for concurrent use.
type state struct {
	e       *Engine
	c       *Context
	native  bool
	depth   int
	lookups int // that were asked so far
	steps   int
	// names and vals remember variables that had to be resolved.
	names []string
	vals  []any
	// search are the folders of included templates; syn is their syntax.
	search []string
	syn    *Syntax
	// restricted forbids calls and lookups: the text being evaluated may not
	// all be the user's own.
	restricted bool
	// noLookups forbids lookups alone: a path into data needs none.
	noLookups bool
	// data is set when a variable that holds data has been used.
	data bool
}

func newState(e *Engine, c *Context) *state {
	return &state{e: e, c: c, native: e.opt.Native, syn: &DefaultSyntax}
}

// step counts work, so that a template cannot run for ever, and watches the
// context.
func (st *state) step() error {
	st.steps++
	if st.steps > st.e.limits.Steps {
		return limitErr("the template did more than %d steps; is there a loop without end?", st.e.limits.Steps)
	}
	if st.steps&1023 == 0 {
		return st.c.ctx().Err()
	}
	return nil
}

// room fails if n bytes are more than a template may make.
func (st *state) room(n int) error {
	if n > st.e.limits.Output || n < 0 {
		return limitErr("the template makes more than %d bytes", st.e.limits.Output)
	}
	return nil
}

func (st *state) enter(src string) error {
	st.depth++
	if st.depth > st.e.limits.Depth {
		return &Error{Kind: "AnsibleError", Msg: "recursive loop detected in template string: " + src}
	}
	return nil
}

// resolve evaluates v deeply. v itself is returned where nothing changed.
func (st *state) resolve(v any) (any, error) {
	v, err := st.inner(v)
	if err != nil {
		return nil, err
	}
	return outward(v), nil
}

// inner is resolve for use inside the engine: text that must stay text is
// still marked so.
func (st *state) inner(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, bool, int, float64, *big.Int:
		return v, nil
	case *value.Template:
		return st.template(v)
	case value.Tuple:
		return st.list(v, false)
	case []any:
		return st.list(v, true)
	case *value.Map:
		if !value.HasTemplates(v) {
			return v, nil
		}
		if err := st.enter("a dict"); err != nil {
			return nil, err
		}
		defer func() { st.depth-- }()
		m := value.NewMap(v.Len())
		for k, x := range v.All() {
			x, err := st.inner(x)
			if err != nil {
				return nil, err
			}
			m.Set(k, x)
		}
		return m, nil
	case value.Lazy:
		x, err := v.Force()
		if err != nil {
			return nil, err
		}
		if _, again := x.(value.Lazy); again {
			return x, nil
		}
		return st.inner(x)
	}
	return v, nil
}

func (st *state) list(l []any, shared bool) (any, error) {
	if shared && !value.HasTemplates(l) {
		return l, nil
	}
	if err := st.enter("a list"); err != nil {
		return nil, err
	}
	defer func() { st.depth-- }()
	out := make([]any, len(l))
	for i, x := range l {
		x, err := st.inner(x)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

// template evaluates t to a value.
func (st *state) template(t *value.Template) (any, error) {
	c := st.e.template(t)
	if c.single != "" && c.err == nil {
		// A name alone keeps the type of a number, even with native off.
		if v, ok := st.c.Vars.Lookup(c.single); ok {
			switch v.(type) {
			case nil, bool, int, float64, *big.Int:
				return v, nil
			}
		}
	}
	depth := st.depth
	v, err := st.render(c, t, asValue)
	var te *Error
	if st.e.opt.KeepUndefined && !st.c.Strict && errors.As(err, &te) && te.Undefined {
		st.depth = depth
		return t.Source, nil
	}
	return v, err
}

// render evaluates a parsed template, whose text is t.
func (st *state) render(c *compiled, t *value.Template, m mode) (any, error) {
	if c.err != nil {
		return nil, syntaxAt(c, t.Pos)
	}
	if err := st.enter(t.Source); err != nil {
		return nil, err
	}
	r, lookups := st.newRender(c, m), st.lookups
	v, err := r.run()
	st.depth--
	if err != nil {
		return nil, r.explain(err, t)
	}
	if s, ok := asStr(v); ok {
		if n := newlines(t.Source) - newlines(s); n > 0 {
			nl := "\n"
			if st.syn != nil && st.syn.NewlineSequence != "" {
				nl = st.syn.NewlineSequence
			}
			v = s + strings.Repeat(nl, n)
		}
	}
	if st.lookups > lookups && m == asValue {
		v = unsafeText(v) // what a lookup has a part in is not the user's own
	}
	return v, nil
}

// unsafeText makes every text of a result one of Ansible's class for the unsafe.
func unsafeText(v any) any {
	switch v := v.(type) {
	case string:
		return value.UnsafeText(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = unsafeText(e)
		}
		return out
	case *value.Map:
		out := value.NewMap(v.Len())
		for k, e := range v.All() {
			out.Set(unsafeText(k), unsafeText(e))
		}
		return out
	}
	return v
}

func newlines(s string) int { return len(s) - len(strings.TrimRight(s, "\n")) }

// explain completes an error with the place and text of its template.
func (r *render) explain(err error, t *value.Template) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	c := *e
	if c.Pos.File == "" && t.Pos.IsValid() && c.Pos.Line != 0 {
		c.Pos = rebase(c.Pos, t.Pos)
	}
	if c.Kind == "TypeError" {
		c.Kind = "AnsibleError"
		c.Msg = "Unexpected templating type error occurred on (" + t.Source + "): " + c.Msg
	}
	return &c
}

// rebase moves a place inside a text to where the text stands in its file.
func rebase(p, base diag.Pos) diag.Pos {
	out := diag.Pos{File: base.File, Line: max(base.Line, 1) + p.Line - 1, Column: p.Column}
	if p.Line == 1 && base.Column > 0 {
		out.Column += base.Column - 1
	}
	return out
}

// variable returns the value of a variable: resolved, and remembered if that
// was any work.
func (st *state) variable(name string) (any, bool, error) {
	v, ok := st.c.Vars.Lookup(name)
	if !ok {
		return nil, false, nil
	}
	if name == st.c.Data {
		st.data = true
	}
	switch x := v.(type) {
	case nil, string, bool, int, float64, *big.Int, *Undefined:
		return v, true, nil
	case *value.Map:
		if !value.HasTemplates(x) {
			return v, true, nil
		}
	case *value.Template, []any, value.Lazy, value.Tuple:
	default:
		return v, true, nil
	}
	for i, n := range st.names {
		if n == name {
			return st.vals[i], true, nil
		}
	}
	r, err := st.inner(v)
	if err != nil {
		e, ok := err.(*Error)
		switch {
		case !ok:
			return nil, true, err
		case e.Undefined:
			// It fails at its first use, so that default() and tests work.
			r = &Undefined{name: e.Name, msg: describe(v) + e.Msg}
		case e.Kind == "LimitError":
			return nil, true, err
		default:
			c := *e
			if !strings.HasPrefix(e.Msg, unhandled) && !strings.HasPrefix(e.Msg, "recursive loop") {
				c.Msg = unhandled + describe(v) + "original message: " + e.Msg
			}
			return nil, true, &c
		}
	}
	st.names, st.vals = append(st.names, name), append(st.vals, r)
	return r, true, nil
}

const unhandled = "An unhandled exception occurred while templating "

// foreign evaluates a value of another scope, which uses variables that are not
// known there, in this one. Where that cannot be either it is text as it is
// written; and so it is once data has been looked at, which nobody may turn into
// a template.
func (st *state) foreign(raw any) (any, error) {
	if st.data {
		return value.Plain(raw), nil
	}
	v, err := st.inner(raw)
	if IsUndefined(err) {
		return value.Plain(raw), nil
	}
	return v, err
}

func describe(v any) string {
	if t, ok := v.(*value.Template); ok {
		return t.Source + ": "
	}
	return ""
}

// keep is resolve for ResolveVar.
func (st *state) keep(v any) (any, error) {
	switch x := v.(type) {
	case value.Lazy:
		return x, nil
	case *value.Map:
		m := value.NewMap(x.Len())
		for k, e := range x.All() {
			r, err := st.keep(e)
			if err != nil {
				return nil, err
			}
			m.Set(k, r)
		}
		return m, nil
	}
	r, err := st.inner(v)
	switch r.(type) {
	case nativeText, lookupText:
		return r, err
	}
	if err != nil {
		return nil, err
	}
	return outward(r), nil
}

// outward takes off what only means something inside the engine.
func outward(v any) any {
	switch v := v.(type) {
	case nil, string, bool, int, float64, *big.Int:
		return v
	case nativeText:
		return string(v)
	case lookupText:
		return string(v)
	case Markup:
		return string(v)
	case vaulted:
		return string(v)
	case *List:
		return outward(v.Items)
	case view:
		return outward(v.list())
	case span:
		return v.list()
	case []any:
		for i, x := range v {
			if y := outward(x); changed(x, y) {
				out := append([]any(nil), v...)
				out[i] = y
				for j := i + 1; j < len(out); j++ {
					out[j] = outward(out[j])
				}
				return out
			}
		}
	case value.Tuple:
		return value.Tuple(outward([]any(v)).([]any))
	case *value.Map:
		for k, x := range v.All() {
			if y := outward(x); changed(x, y) {
				m := v.Clone()
				m.Set(k, y)
				for k, x := range v.All() {
					m.Set(k, outward(x))
				}
				return m
			}
		}
	}
	return v
}

// changed reports whether outward gave something else than it took.
func changed(x, y any) bool {
	switch x := x.(type) {
	case nativeText, lookupText, Markup, vaulted, *List, view, span:
		return true
	case []any:
		l := y.([]any)
		return len(x) > 0 && &x[0] != &l[0]
	case value.Tuple:
		l := y.(value.Tuple)
		return len(x) > 0 && &x[0] != &l[0]
	case *value.Map:
		return x != y.(*value.Map)
	}
	return false
}
