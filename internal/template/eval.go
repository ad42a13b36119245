package template

import (
	"github.com/tutti-run/tutti/internal/value"
)

func (n *constNode) eval(*frame) (any, error) { return n.v, nil }

func (n *nameNode) eval(f *frame) (any, error) { return f.lookup(n.name) }

func evalAll(f *frame, nodes []node) ([]any, error) {
	out := make([]any, len(nodes))
	for i, n := range nodes {
		v, err := n.eval(f)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (n *listNode) eval(f *frame) (any, error) {
	out, err := evalAll(f, n.items)
	if err != nil {
		return nil, err
	}
	if f.r.mutable {
		return &List{out}, nil
	}
	return out, nil
}

func (n *tupleNode) eval(f *frame) (any, error) {
	out, err := evalAll(f, n.items)
	return value.Tuple(out), err
}

func (n *dictNode) eval(f *frame) (any, error) {
	m := value.NewMap(len(n.keys))
	for i := range n.keys {
		k, err := n.keys[i].eval(f)
		if err != nil {
			return nil, err
		}
		v, err := n.vals[i].eval(f)
		if err != nil {
			return nil, err
		}
		if k, err = key(k); err != nil {
			return nil, err
		}
		m.Set(k, v)
	}
	return m, nil
}

func (n *attrNode) eval(f *frame) (any, error) {
	obj, err := n.obj.eval(f)
	if err != nil {
		return nil, err
	}
	return f.attr(obj, n.name)
}

func (n *itemNode) eval(f *frame) (any, error) {
	obj, err := n.obj.eval(f)
	if err != nil {
		return nil, err
	}
	if s, ok := n.index.(*sliceNode); ok {
		return s.apply(f, obj)
	}
	index, err := n.index.eval(f)
	if err != nil {
		return nil, err
	}
	return f.item(obj, index)
}

func (n *sliceNode) eval(*frame) (any, error) {
	return nil, typeErr("a slice of a tuple of indices is not supported")
}

func (n *unaryNode) eval(f *frame) (any, error) {
	v, err := n.x.eval(f)
	if err != nil {
		return nil, err
	}
	return unary(n.op, v)
}

func (n *binNode) eval(f *frame) (any, error) {
	l, err := n.l.eval(f)
	if err != nil {
		return nil, err
	}
	r, err := n.r.eval(f)
	if err != nil {
		return nil, err
	}
	v, err := binary(f.r.st, n.op, l, r)
	if err != nil {
		return nil, err
	}
	if l, ok := v.([]any); ok && f.r.mutable {
		return &List{l}, nil
	}
	return v, nil
}

func (n *andNode) eval(f *frame) (any, error) {
	v, err := n.l.eval(f)
	if err != nil {
		return nil, err
	}
	if ok, err := truth(v); err != nil || !ok {
		return v, err
	}
	return n.r.eval(f)
}

func (n *orNode) eval(f *frame) (any, error) {
	v, err := n.l.eval(f)
	if err != nil {
		return nil, err
	}
	if ok, err := truth(v); err != nil || ok {
		return v, err
	}
	return n.r.eval(f)
}

func (n *notNode) eval(f *frame) (any, error) {
	v, err := n.x.eval(f)
	if err != nil {
		return nil, err
	}
	ok, err := truth(v)
	return !ok, err
}

func (n *concatNode) eval(f *frame) (any, error) {
	var b []byte
	for _, part := range n.parts {
		v, err := part.eval(f)
		if err != nil {
			return nil, err
		}
		if u, ok := v.(*Undefined); ok && !u.lenient {
			return nil, u.fail()
		}
		if err := f.r.st.weigh(v); err != nil {
			return nil, err
		}
		s := Str(v)
		if err := f.r.st.room(len(b) + len(s)); err != nil {
			return nil, err
		}
		b = append(b, s...)
	}
	return string(b), nil
}

func (n *compareNode) eval(f *frame) (any, error) {
	l, err := n.first.eval(f)
	if err != nil {
		return nil, err
	}
	for i, op := range n.ops {
		r, err := n.rest[i].eval(f)
		if err != nil {
			return nil, err
		}
		ok, err := compareOp(f, op, l, r)
		if err != nil || !ok {
			return false, err
		}
		l = r
	}
	return true, nil
}

func (n *condNode) eval(f *frame) (any, error) {
	v, err := n.test.eval(f)
	if err != nil {
		return nil, err
	}
	ok, err := truth(v)
	switch {
	case err != nil:
		return nil, err
	case ok:
		return n.yes.eval(f)
	case n.no == nil:
		return inlineIfUndefined(n.line), nil
	}
	return n.no.eval(f)
}

// eval evaluates the arguments of a call.
func (a *callArgs) eval(f *frame) (args, error) {
	var out args
	if len(a.pos) > 0 {
		pos, err := evalAll(f, a.pos)
		if err != nil {
			return out, err
		}
		out.pos = pos
	}
	if len(a.named) > 0 {
		named, err := evalAll(f, a.named)
		if err != nil {
			return out, err
		}
		out.names, out.named = a.names, named
	}
	if a.star != nil {
		v, err := a.star.eval(f)
		if err != nil {
			return out, err
		}
		more, err := items(v)
		if err != nil {
			return out, err
		}
		out.pos = append(out.pos[:len(out.pos):len(out.pos)], more...)
	}
	if a.kwstar != nil {
		v, err := a.kwstar.eval(f)
		if err != nil {
			return out, err
		}
		m, ok := v.(*value.Map)
		if !ok {
			return out, typeErr("argument after ** must be a mapping, not %s", TypeName(v))
		}
		out.names = append([]string(nil), out.names...)
		for k, e := range m.All() {
			name, ok := asStr(k)
			if !ok {
				return out, typeErr("keywords must be strings")
			}
			out.names, out.named = append(out.names, name), append(out.named, e)
		}
	}
	return out, nil
}

// braces evaluates braces inside the literals that are a lookup's terms, which
// many a playbook has though it needs none. Only what stands in the template
// itself is evaluated, never what variables hold.
func (a *callArgs) braces(f *frame, pos []any) error {
	for i, n := range a.pos {
		switch n := n.(type) {
		case *constNode:
			s, ok := n.v.(string)
			if !ok || !value.HasMarkers(s) {
				continue
			}
			v, err := f.r.st.template(&value.Template{Source: s})
			if err != nil {
				return err
			}
			pos[i] = v
		case *listNode:
			inner := callArgs{pos: n.items}
			l, _ := asList(pos[i])
			if err := inner.braces(f, l); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *callNode) eval(f *frame) (any, error) {
	st := f.r.st
	if err := st.step(); err != nil {
		return nil, err
	}
	if st.restricted {
		return nil, &Error{Kind: "AnsibleError", Msg: "a call is not allowed in a condition that a template made"}
	}
	var fn any
	var err error
	if a, ok := n.fn.(*attrNode); ok {
		// A method is called without making a value of it first.
		obj, err := a.obj.eval(f)
		if err != nil {
			return nil, err
		}
		if d := f.r.st.e.method(obj, a.name); d != nil {
			args, err := n.args.eval(f)
			if err != nil {
				return nil, err
			}
			v, err := d.invoke(f, true, obj, &args)
			if err != nil {
				return nil, at(err, f.pos(n.off))
			}
			return f.adopt(v), nil
		}
		if fn, err = f.attr(obj, a.name); err != nil {
			return nil, err
		}
	} else if fn, err = n.fn.eval(f); err != nil {
		return nil, err
	}
	args, err := n.args.eval(f)
	if err != nil {
		return nil, err
	}
	if name, ok := n.fn.(*nameNode); ok && (name.name == "lookup" || name.name == "query" || name.name == "q") {
		if err := n.args.braces(f, args.pos); err != nil {
			return nil, err
		}
	}
	v, err := callValue(f, fn, &args)
	if err != nil {
		return nil, at(err, f.pos(n.off))
	}
	return f.adopt(v), nil
}

// encrypted is a Lazy that can tell what it is made of.
type encrypted interface{ Ciphertext() string }

// ciphertext finds the encrypted text of a variable before it is decrypted,
// for unvault, which brings a secret of its own.
func (f *frame) ciphertext(x node) (any, bool) {
	if name, ok := x.(*nameNode); ok {
		v, _ := f.r.st.c.Vars.Lookup(name.name)
		if l, ok := v.(encrypted); ok {
			return l.Ciphertext(), true
		}
	}
	return nil, false
}

func (n *filterNode) eval(f *frame) (any, error) {
	if n.def.name == "unvault" {
		if text, ok := f.ciphertext(n.in); ok {
			return n.apply(f, text)
		}
	}
	in, err := n.in.eval(f)
	if err != nil {
		return nil, err
	}
	return n.apply(f, in)
}

// chain applies a chain of filters whose innermost has no input.
func (n *filterNode) chain(f *frame, in any) (any, error) {
	if inner, ok := n.in.(*filterNode); ok {
		v, err := inner.chain(f, in)
		if err != nil {
			return nil, err
		}
		in = v
	}
	return n.apply(f, in)
}

func (n *filterNode) apply(f *frame, in any) (any, error) {
	if err := f.r.st.step(); err != nil {
		return nil, err
	}
	args, err := n.args.eval(f)
	if err != nil {
		return nil, err
	}
	v, err := n.def.invoke(f, true, in, &args)
	if err != nil {
		return nil, at(err, f.pos(n.off))
	}
	return f.adopt(v), nil
}

func (n *testNode) eval(f *frame) (any, error) {
	if name, ok := n.in.(*nameNode); ok && n.def.name == "vault_encrypted" {
		// Whether a variable is a vault shows only before it is decrypted.
		if v, ok := f.r.st.c.Vars.Lookup(name.name); ok {
			if _, ok := v.(value.Lazy); ok {
				return true, nil
			}
		}
	}
	in, err := n.in.eval(f)
	if err != nil {
		return nil, err
	}
	args, err := n.args.eval(f)
	if err != nil {
		return nil, err
	}
	v, err := n.def.invoke(f, true, in, &args)
	if err != nil {
		return nil, at(err, f.pos(n.off))
	}
	return v, nil
}

func (n *nsNode) eval(f *frame) (any, error) {
	v, err := f.lookup(n.name)
	if err != nil {
		return nil, err
	}
	return f.attr(v, n.attr)
}
