package template

import (
	"github.com/tutti-run/tutti/internal/value"
)

// render is one template being evaluated.
type render struct {
	st   *state
	c    *compiled
	mode mode
	root frame
	// bare has no variables, only globals: an import or include without context.
	bare bool
	// mutable templates work on copies of variables, so that methods may
	// change them without anybody else seeing it.
	mutable bool
	names   []string // variables that were copied
	vals    []any
	blocks  map[string][]*blockStmt // most derived first
	parent  *compiled               // that this one extends
}

func (st *state) newRender(c *compiled, m mode) *render {
	r := &render{st: st, c: c, mode: m, mutable: c.mutates}
	r.root.r = r
	return r
}

func (r *render) output() *output { return &output{st: r.st, mode: r.mode} }

// run evaluates the template to what its output turns into.
func (r *render) run() (any, error) {
	o := output{st: r.st, mode: r.mode}
	if err := r.exec(&o); err != nil {
		return nil, err
	}
	v, err := o.result()
	if err != nil {
		return nil, err
	}
	return freeze(v), nil
}

// exec evaluates the template, and the ones it extends, into o.
func (r *render) exec(o *output) error {
	body := r.c
	if len(body.blocks) > 0 {
		r.addBlocks(body)
	}
	for {
		err := execAll(body.body, &r.root, o)
		if body.long != nil {
			err = body.long.exec(&r.root, o)
		}
		if err != nil {
			return r.locate(err, body)
		}
		if r.parent == nil {
			return nil
		}
		body, r.parent = r.parent, nil
		o.muted = false
	}
}

func (r *render) locate(err error, c *compiled) error {
	e, ok := err.(*Error)
	if !ok || e.Pos.File != "" || c.name == "" || e.Pos.Line == 0 {
		return err
	}
	cp := *e
	cp.Pos.File = c.name
	return &cp
}

// frame holds the names that a template sets, in one scope.
type frame struct {
	r      *render
	parent *frame
	names  []string
	vals   []any
}

func (f *frame) child() *frame { return &frame{r: f.r, parent: f} }

// set gives name a value in this scope.
func (f *frame) set(name string, v any) {
	for i, n := range f.names {
		if n == name {
			f.vals[i] = v
			return
		}
	}
	f.names, f.vals = append(f.names, name), append(f.vals, v)
}

func (f *frame) own(name string) (any, bool) {
	for i, n := range f.names {
		if n == name {
			return f.vals[i], true
		}
	}
	return nil, false
}

// lookup finds name: in the scopes from the inside out, then among variables,
// then among globals.
func (f *frame) lookup(name string) (any, error) {
	r := f.r
	for s := f; s != nil; s = s.parent {
		for i, n := range s.names {
			if n == name {
				return s.vals[i], nil
			}
		}
	}
	if !r.bare {
		v, ok, err := r.variable(name)
		if ok || err != nil {
			return v, err
		}
	}
	if v, ok := r.st.e.globals[name]; ok {
		return v, nil
	}
	if name == "self" && len(r.blocks) > 0 {
		return selfBlocks{r}, nil
	}
	if name == "vars" && !r.bare {
		return scopeVars{r.st.c.Vars}, nil
	}
	return undefinedVar(name), nil
}

func (r *render) variable(name string) (any, bool, error) {
	if !r.mutable {
		return r.st.variable(name)
	}
	for i, n := range r.names {
		if n == name {
			return r.vals[i], true, nil
		}
	}
	v, ok, err := r.st.variable(name)
	if !ok || err != nil {
		return nil, ok, err
	}
	switch v.(type) {
	case []any, *value.Map, value.Tuple, *value.Set:
		v = thaw(v)
		r.names, r.vals = append(r.names, name), append(r.vals, v)
	}
	return v, true, nil
}

// scopeVars is the variable `vars`: all variables by name.
type scopeVars struct{ Scope }

func (s scopeVars) Get(k any) (any, bool, error) {
	name, ok := k.(string)
	if !ok {
		return nil, false, nil
	}
	v, ok := s.Lookup(name)
	return v, ok, nil
}

func (s scopeVars) Keys() []any {
	names := s.Names()
	out := make([]any, len(names))
	for i, n := range names {
		out[i] = n
	}
	return out
}

func (s scopeVars) Len() int { return len(s.Names()) }
