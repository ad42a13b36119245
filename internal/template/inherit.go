package template

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// notFound is the error for a template that no search folder has.
func notFound(names []string) error {
	msg := strings.Join(names, ", ")
	if len(names) > 1 {
		msg = "none of the templates given were found: " + msg
	}
	return &Error{Kind: "TemplateNotFound", Msg: msg}
}

// load finds and parses the template that is called name.
func (st *state) load(name string) (*compiled, bool, error) {
	for _, part := range strings.Split(name, "/") {
		if part == ".." || strings.ContainsRune(part, os.PathSeparator) {
			return nil, false, nil
		}
	}
	env := st.c.env()
	search := st.search
	if search == nil && env.BaseDir != "" {
		search = []string{env.BaseDir}
	}
	read := env.ReadFile
	if read == nil {
		read = os.ReadFile
	}
	for _, dir := range search {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			continue
		}
		data, err := read(path)
		if err != nil {
			return nil, false, err
		}
		syn := *st.syn
		c := st.e.text(string(data), &syn, false)
		named := *c
		named.name = path
		if named.err != nil {
			err := syntaxAt(&named, placeOf(path))
			return nil, false, err
		}
		return &named, true, nil
	}
	return nil, false, nil
}

// templates evaluates what include, import and extends name, and loads the
// first that there is.
func (f *frame) templates(x node, many bool) (*compiled, error) {
	v, err := x.eval(f)
	if err != nil {
		return nil, err
	}
	if u, ok := v.(*Undefined); ok {
		return nil, u.fail()
	}
	var names []string
	if s, ok := asStr(v); ok {
		names = []string{s}
	} else if l, ok := asList(v); ok && many {
		for _, e := range l {
			s, ok := asStr(e)
			if !ok {
				return nil, typeErr("a template's name must be a string, not %s", TypeName(e))
			}
			names = append(names, s)
		}
	} else {
		return nil, typeErr("a template's name must be a string, not %s", TypeName(v))
	}
	for _, name := range names {
		c, ok, err := f.r.st.load(name)
		if ok || err != nil {
			return c, err
		}
	}
	return nil, notFound(names)
}

func (s *includeStmt) exec(f *frame, o *output) error {
	if o.muted {
		return nil
	}
	c, err := f.templates(s.from, true)
	if err != nil {
		if s.ignoreMissing && isKind(err, "TemplateNotFound") {
			return nil
		}
		return at(err, f.pos(s.off))
	}
	r, err := f.sub(c, s.withContext)
	if err != nil {
		return err
	}
	err = r.exec(o)
	f.r.st.depth--
	return err
}

// sub makes the evaluation of another template from inside f.
func (f *frame) sub(c *compiled, withContext bool) (*render, error) {
	st := f.r.st
	if err := st.enter(c.name); err != nil {
		return nil, err
	}
	r := st.newRender(c, f.r.mode)
	r.mutable = r.mutable || f.r.mutable
	r.bare = !withContext || f.r.bare
	if withContext {
		r.root.parent = f
		r.names, r.vals = f.r.names, f.r.vals
	}
	return r, nil
}

// module is an imported template: the names that it set.
type module struct {
	name string
	root *frame
	body string
}

func (m *module) PythonType() string { return "TemplateModule" }
func (m *module) PythonStr() string  { return m.body }
func (m *module) PythonRepr() string { return "<TemplateModule " + Repr(m.name) + ">" }

func (m *module) attr(name string) (any, bool) {
	if strings.HasPrefix(name, "_") {
		return nil, false
	}
	return m.root.own(name)
}

func (s *importStmt) exec(f *frame, _ *output) error {
	c, err := f.templates(s.from, false)
	if err != nil {
		return at(err, f.pos(s.off))
	}
	r, err := f.sub(c, s.withContext)
	if err != nil {
		return err
	}
	o := r.output()
	err = r.exec(o)
	f.r.st.depth--
	if err != nil {
		return err
	}
	text, err := o.result()
	if err != nil {
		return err
	}
	m := &module{name: c.name, root: &r.root, body: Str(text)}
	if s.as != "" {
		f.set(s.as, m)
	}
	for i, name := range s.names {
		v, ok := m.attr(name)
		if !ok {
			v = &Undefined{name: name, msg: "the template " + Repr(c.name) + " (imported on line " + Repr(f.pos(s.off).Line) + ") does not export the requested name " + Repr(name)}
		}
		f.set(s.aliases[i], v)
	}
	return nil
}

func (s *extendsStmt) exec(f *frame, o *output) error {
	r := f.r
	if r.parent != nil {
		return at(&Error{Kind: "TemplateRuntimeError", Msg: "extended multiple times"}, f.pos(s.off))
	}
	c, err := f.templates(s.from, false)
	if err != nil {
		return at(err, f.pos(s.off))
	}
	if r.st.depth++; r.st.depth > r.st.e.limits.Depth {
		return r.st.enter(c.name)
	}
	r.parent = c
	r.addBlocks(c)
	o.muted = true
	return nil
}

func (r *render) addBlocks(c *compiled) {
	if r.blocks == nil {
		r.blocks = map[string][]*blockStmt{}
	}
	for name, b := range c.blocks {
		r.blocks[name] = append(r.blocks[name], b)
	}
}

func (s *blockStmt) exec(f *frame, o *output) error {
	if o.muted {
		return nil
	}
	outer := &f.r.root
	if s.scoped {
		outer = f
	}
	return f.r.block(s.name, 0, outer, o)
}

// block runs the block called name, as overridden; level counts super() calls.
func (r *render) block(name string, level int, outer *frame, o *output) error {
	if err := r.st.enter("block " + name); err != nil {
		return err
	}
	defer func() { r.st.depth-- }()
	b := r.blocks[name][level]
	if b.required && level == 0 && len(r.blocks[name]) == 1 {
		return &Error{Kind: "TemplateRuntimeError", Msg: "Required block " + Repr(name) + " not found"}
	}
	f := &frame{r: r, parent: outer}
	f.set("self", selfBlocks{r})
	f.set("super", r.super(name, level+1, outer))
	return execAll(b.body, f, o)
}

func (r *render) super(name string, level int, outer *frame) any {
	if level >= len(r.blocks[name]) {
		return &Undefined{name: "super", msg: "there is no parent block called " + Repr(name) + "."}
	}
	return &blockRef{r, name, level, outer}
}

// blockRef is a block as a value: super, self.name.
type blockRef struct {
	r     *render
	name  string
	level int
	outer *frame
}

func (b *blockRef) PythonType() string { return "BlockReference" }
func (b *blockRef) PythonStr() string  { return b.PythonRepr() }
func (b *blockRef) PythonRepr() string { return "<BlockReference " + Repr(b.name) + ">" }

func (b *blockRef) attr(name string) (any, bool) {
	if name == "super" {
		return b.r.super(b.name, b.level+1, b.outer), true
	}
	return nil, false
}

func (b *blockRef) call(*frame, *args) (any, error) {
	o := b.r.output()
	if err := b.r.block(b.name, b.level, b.outer, o); err != nil {
		return nil, err
	}
	return o.result()
}

// selfBlocks is the variable `self`: the template's blocks.
type selfBlocks struct{ r *render }

func (s selfBlocks) PythonType() string { return "TemplateReference" }
func (s selfBlocks) PythonStr() string  { return s.PythonRepr() }
func (s selfBlocks) PythonRepr() string { return "<TemplateReference " + value.Repr(s.r.c.name) + ">" }

func (s selfBlocks) attr(name string) (any, bool) {
	if len(s.r.blocks[name]) == 0 {
		return nil, false
	}
	return &blockRef{s.r, name, 0, &s.r.root}, true
}
