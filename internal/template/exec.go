package template

import (
	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

func execAll(body []stmt, f *frame, o *output) error {
	for _, s := range body {
		if err := s.exec(f, o); err != nil {
			return err
		}
	}
	return nil
}

// pos is a place in the template's text, without its file.
func (f *frame) pos(off int) diag.Pos { return place(f.r.c, off, diag.Pos{}) }

func (s *dataStmt) exec(_ *frame, o *output) error { return o.text(s.text) }

func (s *printStmt) exec(f *frame, o *output) error {
	if o.muted {
		return nil
	}
	v, err := s.x.eval(f)
	if f, ok := v.(float64); ok && s.constant {
		v = Str(f) // of which infinity and NaN do not become floats again
	}
	if err == nil {
		err = o.print(v)
	}
	if err != nil {
		return at(err, f.pos(s.off))
	}
	return nil
}

func (s *ifStmt) exec(f *frame, o *output) error {
	for i, t := range s.tests {
		v, err := t.eval(f)
		if err != nil {
			return at(err, f.pos(s.off))
		}
		ok, err := truth(v)
		if err != nil {
			return at(err, f.pos(s.off))
		}
		if ok {
			return execAll(s.bodies[i], f, o)
		}
	}
	return execAll(s.other, f, o)
}

// assign gives the names of target their values.
func assign(f *frame, target node, v any) error {
	switch t := target.(type) {
	case *nameNode:
		f.set(t.name, v)
		return nil
	case *nsNode:
		ns, err := f.lookup(t.name)
		if err != nil {
			return err
		}
		n, ok := ns.(*namespace)
		if !ok {
			return &Error{Kind: "TemplateRuntimeError", Msg: "cannot assign attribute on non-namespace object"}
		}
		if err := apart(n, v); err != nil {
			return err
		}
		if err := f.r.st.weigh(v); err != nil {
			return err
		}
		n.attrs.Set(t.attr, v)
		return nil
	}
	targets := target.(*tupleNode).items
	vals, err := items(v)
	if err != nil {
		if isKind(err, "TypeError") {
			return typeErr("cannot unpack non-iterable %s object", TypeName(v))
		}
		return err
	}
	switch {
	case len(vals) < len(targets):
		return valueErr("not enough values to unpack (expected %d, got %d)", len(targets), len(vals))
	case len(vals) > len(targets):
		return valueErr("too many values to unpack (expected %d)", len(targets))
	}
	for i, t := range targets {
		if err := assign(f, t, vals[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *setStmt) exec(f *frame, _ *output) error {
	v, err := s.x.eval(f)
	if err == nil {
		err = assign(f, s.target, v)
	}
	if err != nil {
		return at(err, f.pos(s.off))
	}
	return nil
}

// capture runs body in a scope of its own and returns what it printed.
func (f *frame) capture(body []stmt) (any, error) {
	o := f.r.output()
	if err := execAll(body, f, o); err != nil {
		return nil, err
	}
	return o.result()
}

func (s *setBlockStmt) exec(f *frame, _ *output) error {
	v, err := f.child().capture(s.body)
	if err == nil && s.filter != nil {
		v, err = s.filter.chain(f, v)
	}
	if err == nil {
		err = assign(f, s.target, v)
	}
	if err != nil {
		return at(err, f.pos(s.off))
	}
	return nil
}

func (s *filterStmt) exec(f *frame, o *output) error {
	v, err := f.child().capture(s.body)
	if err == nil {
		v, err = s.filter.chain(f, v)
	}
	if err == nil {
		err = o.print(v)
	}
	if err != nil {
		return at(err, f.pos(s.off))
	}
	return nil
}

func (s *withStmt) exec(f *frame, o *output) error {
	inner := f.child()
	for i, t := range s.targets {
		v, err := s.values[i].eval(f)
		if err == nil {
			err = assign(inner, t, v)
		}
		if err != nil {
			return at(err, f.pos(s.off))
		}
	}
	return execAll(s.body, inner, o)
}

func (s *scopeStmt) exec(f *frame, o *output) error { return execAll(s.body, f.child(), o) }

func (s *doStmt) exec(f *frame, _ *output) error {
	_, err := s.x.eval(f)
	if err != nil {
		return at(err, f.pos(s.off))
	}
	return nil
}

// jump is what break and continue return up to their loop.
type jump bool

func (j jump) Error() string { return "break or continue outside of a loop" }

func (s *loopControl) exec(*frame, *output) error { return jump(s.stop) }

func (s *forStmt) exec(f *frame, o *output) error {
	v, err := s.iter.eval(f)
	if err == nil {
		err = s.loop(f, o, v, 0)
	}
	if err != nil {
		return at(err, f.pos(s.off))
	}
	return nil
}

// loop runs the body for each item of v; depth counts recursive calls.
func (s *forStmt) loop(f *frame, o *output, v any, depth int) error {
	all, err := items(v)
	if err != nil {
		return err
	}
	st := f.r.st
	inner := f.child()
	if s.filter != nil {
		kept := make([]any, 0, len(all))
		for _, item := range all {
			if err := st.step(); err != nil {
				return err
			}
			inner.names, inner.vals = inner.names[:0], inner.vals[:0]
			if err := assign(inner, s.target, item); err != nil {
				return err
			}
			v, err := s.filter.eval(inner)
			if err != nil {
				return err
			}
			ok, err := truth(v)
			if err != nil {
				return err
			}
			if ok {
				kept = append(kept, item)
			}
		}
		all = kept
	}
	if len(all) == 0 {
		return execAll(s.other, f.child(), o)
	}
	var l *loopValue
	if s.usesLoop {
		l = &loopValue{s: s, f: f, all: all, depth: depth}
	}
	simple, isName := s.target.(*nameNode)
	for i, item := range all {
		if err := st.step(); err != nil {
			return err
		}
		inner.names, inner.vals = inner.names[:0], inner.vals[:0]
		if l != nil {
			l.i = i
			inner.set("loop", l)
		}
		if isName {
			inner.set(simple.name, item)
		} else if err := assign(inner, s.target, item); err != nil {
			return err
		}
		if err := execAll(s.body, inner, o); err != nil {
			if j, ok := err.(jump); ok {
				if j {
					return nil
				}
				continue
			}
			return err
		}
	}
	return nil
}

// loopValue is the variable `loop`.
type loopValue struct {
	s       *forStmt
	f       *frame // that the loop stands in
	all     []any
	i       int
	depth   int
	changed []any // the last arguments of changed(), nil before the first
}

func (l *loopValue) PythonType() string { return "LoopContext" }
func (l *loopValue) PythonStr() string  { return l.PythonRepr() }
func (l *loopValue) PythonRepr() string {
	return "<LoopContext " + Repr(l.i+1) + "/" + Repr(len(l.all)) + ">"
}

// call runs a recursive loop over its argument.
func (l *loopValue) call(f *frame, a *args) (any, error) {
	if !l.s.recursive {
		return nil, typeErr("The loop must have the 'recursive' marker to be called recursively.")
	}
	if len(a.pos) != 1 {
		return nil, typeErr("loop() takes 1 argument (%d given)", len(a.pos))
	}
	st := f.r.st
	if err := st.enter("a recursive loop"); err != nil {
		return nil, err
	}
	defer func() { st.depth-- }()
	o := f.r.output()
	if err := l.s.loop(l.f, o, a.pos[0], l.depth+1); err != nil {
		return nil, err
	}
	return o.result()
}

// attr returns an attribute of the loop.
func (l *loopValue) attr(name string) (any, bool) {
	n := len(l.all)
	switch name {
	case "index":
		return l.i + 1, true
	case "index0":
		return l.i, true
	case "revindex":
		return n - l.i, true
	case "revindex0":
		return n - l.i - 1, true
	case "first":
		return l.i == 0, true
	case "last":
		return l.i == n-1, true
	case "length":
		return n, true
	case "depth":
		return l.depth + 1, true
	case "depth0":
		return l.depth, true
	case "previtem":
		if l.i == 0 {
			return &Undefined{name: name, msg: "there is no previous item"}, true
		}
		return l.all[l.i-1], true
	case "nextitem":
		if l.i == n-1 {
			return &Undefined{name: name, msg: "there is no next item"}, true
		}
		return l.all[l.i+1], true
	case "cycle":
		return &function{"cycle", func(_ *frame, a *args) (any, error) {
			if len(a.pos) == 0 {
				return nil, typeErr("no items for cycling given")
			}
			return a.pos[l.i%len(a.pos)], nil
		}}, true
	case "changed":
		return &function{"changed", func(_ *frame, a *args) (any, error) {
			if l.changed != nil && equal(l.changed, a.pos) {
				return false, nil
			}
			l.changed = append([]any{}, a.pos...)
			return true, nil
		}}, true
	}
	return nil, false
}

func (s *macroStmt) exec(f *frame, _ *output) error {
	f.set(s.name, &macro{s: s, f: f})
	return nil
}

func (s *callStmt) exec(f *frame, o *output) error {
	call := *s.call
	call.args.names = append(append([]string(nil), call.args.names...), "caller")
	call.args.named = append(append([]node(nil), call.args.named...), &constNode{&macro{s: s.macro, f: f}})
	v, err := call.eval(f)
	if err == nil {
		err = o.print(v)
	}
	if err != nil {
		return at(err, f.pos(s.off))
	}
	return nil
}

// macro is a macro together with the scope that it was made in.
type macro struct {
	s *macroStmt
	f *frame
}

func (m *macro) PythonType() string { return "Macro" }
func (m *macro) PythonStr() string  { return m.PythonRepr() }
func (m *macro) PythonRepr() string { return "<Macro " + Repr(m.s.name) + ">" }

func (m *macro) attr(name string) (any, bool) {
	switch name {
	case "name":
		return m.s.name, true
	case "arguments":
		t := make(value.Tuple, len(m.s.params))
		for i, p := range m.s.params {
			t[i] = p
		}
		return t, true
	case "catch_kwargs":
		return m.s.kwargs, true
	case "catch_varargs":
		return m.s.varargs, true
	case "caller":
		return m.s.caller, true
	}
	return nil, false
}

// macroSteps is what a macro's call costs besides the statements in it.
const macroSteps = 20

func (m *macro) call(f *frame, a *args) (any, error) {
	s, st := m.s, f.r.st
	st.steps += macroSteps
	if err := st.enter("macro " + s.name); err != nil {
		return nil, err
	}
	defer func() { st.depth-- }()
	inner := m.f.child()
	kwargs := value.NewMap(0)
	var caller any
	for i, name := range a.names {
		if name == "caller" && !contains(s.params, name) {
			caller = a.named[i]
			continue
		}
		kwargs.Set(name, a.named[i])
	}
	if caller != nil && !s.caller {
		return nil, typeErr("macro %s was invoked with two values for the special caller argument. This is most likely a bug.", Repr(s.name))
	}
	for i, p := range s.params {
		switch v, given := kwargs.Get(p); {
		case i < len(a.pos):
			if given {
				return nil, typeErr("macro %s got multiple values for argument '%s'", Repr(s.name), p)
			}
			inner.set(p, a.pos[i])
		case given:
			inner.set(p, v)
			kwargs.Delete(p)
		default:
			if d := i - (len(s.params) - len(s.defaults)); d >= 0 {
				v, err := s.defaults[d].eval(inner)
				if err != nil {
					return nil, err
				}
				inner.set(p, v)
				continue
			}
			inner.set(p, &Undefined{name: p, msg: "parameter '" + p + "' was not provided"})
		}
	}
	if s.caller {
		if caller == nil {
			caller = &Undefined{name: "caller", msg: "No caller defined"}
		}
		inner.set("caller", caller)
	}
	switch {
	case s.kwargs:
		inner.set("kwargs", kwargs)
	case kwargs.Len() > 0:
		k, _ := asStr(kwargs.Keys()[0])
		return nil, typeErr("macro %s takes no keyword argument %s", Repr(s.name), Repr(k))
	}
	switch {
	case s.varargs:
		inner.set("varargs", value.Tuple(a.pos[min(len(s.params), len(a.pos)):]))
	case len(a.pos) > len(s.params):
		return nil, typeErr("macro %s takes not more than %d argument(s)", Repr(s.name), len(s.params))
	}
	return inner.capture(s.body)
}

func contains(l []string, s string) bool {
	for _, e := range l {
		if e == s {
			return true
		}
	}
	return false
}
