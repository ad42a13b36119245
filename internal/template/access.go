package template

import (
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/value"
)

// hasAttr is a value with attributes of its own.
type hasAttr interface {
	attr(name string) (any, bool)
}

// method finds the method called name of v's type.
func (e *Engine) method(v any, name string) *def {
	switch v := v.(type) {
	case string, Markup, nativeText, lookupText:
		return e.methods["str"][name]
	case []any, *List:
		return e.methods["list"][name]
	case *value.Map:
		return e.methods["dict"][name]
	case int, bool:
		return e.methods["int"][name]
	case nil, *Undefined:
		return nil
	case Mapping:
		switch name {
		case "get", "keys", "values", "items":
			return e.methods["dict"][name]
		}
		return nil
	case value.Shown:
		return e.methods[v.PythonType()][name]
	}
	return e.methods[TypeName(v)][name]
}

// attr is obj.name by Jinja2's rules: an attribute, else an entry.
func (f *frame) attr(obj any, name string) (any, error) {
	switch o := obj.(type) {
	case *Undefined:
		if o.lenient {
			return nil, o.fail()
		}
		if name == "__class__" {
			return class(TypeName(o)), nil
		}
		return o, nil
	case *value.Map:
		if d := f.r.st.e.methods["dict"][name]; d != nil {
			return &method{o, d}, nil
		}
		if v, ok := o.Get(name); ok {
			return f.live(v)
		}
	case Mapping:
		return f.item(obj, name)
	case hasAttr:
		if v, ok := o.attr(name); ok {
			return v, nil
		}
	case *namespace:
		if v, ok := o.attrs.Get(name); ok {
			return v, nil
		}
	case *value.Template:
		v, err := f.r.st.template(o)
		if err != nil {
			return nil, err
		}
		return f.attr(v, name)
	}
	if v, ok := f.pythonAttr(obj, name); ok {
		return v, nil
	}
	return missing(obj, name), nil
}

// pythonAttr finds what Python itself gives the value's type.
func (f *frame) pythonAttr(obj any, name string) (any, bool) {
	if d := f.r.st.e.method(obj, name); d != nil {
		return &method{obj, d}, true
	}
	switch name {
	case "__class__":
		return class(TypeName(obj)), true
	case "__name__":
		if c, ok := obj.(class); ok {
			return string(c), true
		}
		if fn, ok := obj.(*function); ok {
			return fn.name, true
		}
	case "__len__":
		if n, err := length(obj); err == nil {
			return &function{name, func(*frame, *args) (any, error) { return n, nil }}, true
		}
	case "grouper", "list":
		// What groupby makes are pairs whose halves have names.
		if t, ok := obj.(value.Tuple); ok && len(t) == 2 {
			if name == "grouper" {
				return t[0], true
			}
			return t[1], true
		}
	case "real":
		if b, ok := obj.(bool); ok {
			n, _ := smallInt(b)
			return n, true
		}
		return obj, isNumber(obj)
	case "imag":
		if _, ok := obj.(float64); ok {
			return 0.0, true
		}
		return 0, isNumber(obj)
	case "numerator":
		_, ok := asBig(obj)
		return obj, ok
	case "denominator":
		_, ok := asBig(obj)
		return 1, ok
	case "start", "stop", "step":
		if s, ok := obj.(span); ok {
			return map[string]int{"start": s.start, "stop": s.stop, "step": s.step}[name], true
		}
	}
	return nil, false
}

// live resolves a template that was reached inside data.
func (f *frame) live(v any) (any, error) {
	switch v.(type) {
	case *value.Template, value.Lazy:
		r, err := f.r.st.inner(v)
		if IsUndefined(err) {
			return &Undefined{name: err.(*Error).Name, msg: describe(v) + err.Error()}, nil
		}
		return r, err
	}
	return v, nil
}

// item is obj[index] by Jinja2's rules: an entry, else an attribute.
func (f *frame) item(obj, index any) (any, error) {
	if u, ok := index.(*Undefined); ok {
		if _, both := obj.(*Undefined); !both {
			return nil, u.fail()
		}
	}
	switch o := obj.(type) {
	case *Undefined:
		if o.lenient {
			return nil, o.fail()
		}
		return o, nil
	case *value.Map:
		if k, err := key(index); err == nil {
			if v, ok := o.Get(k); ok {
				return f.live(v)
			}
		}
	case Mapping:
		v, ok, err := o.Get(plainKey(index))
		if raw, lenient := o.(rawMapping); lenient && IsUndefined(err) {
			return f.r.st.foreign(raw.Raw(plainKey(index)))
		}
		if err != nil {
			return nil, err
		}
		if ok {
			v, err := f.r.st.inner(v)
			if IsUndefined(err) {
				return &Undefined{name: err.(*Error).Name, msg: err.Error()}, nil
			}
			if err == nil && f.r.mutable {
				v = thaw(v)
			}
			return v, err
		}
	case *value.Template:
		v, err := f.r.st.template(o)
		if err != nil {
			return nil, err
		}
		return f.item(v, index)
	default:
		if i, ok := smallInt(index); ok {
			if v, ok := element(obj, i); ok {
				return f.live(v)
			}
			return missing(obj, index), nil
		}
	}
	if name, ok := asStr(index); ok {
		if h, ok := obj.(hasAttr); ok {
			if v, ok := h.attr(name); ok {
				return v, nil
			}
		}
		if v, ok := f.pythonAttr(obj, name); ok {
			return v, nil
		}
	}
	return missing(obj, index), nil
}

// element is element i of a sequence, counted from the end if negative.
func element(obj any, i int) (any, bool) {
	if l, ok := asList(obj); ok {
		if i < 0 {
			i += len(l)
		}
		if i < 0 || i >= len(l) {
			return nil, false
		}
		return l[i], true
	}
	if s, ok := asStr(obj); ok {
		if isASCII(s) {
			if i < 0 {
				i += len(s)
			}
			if i < 0 || i >= len(s) {
				return nil, false
			}
			return s[i : i+1], true
		}
		all, _ := items(s)
		return element(all, i)
	}
	switch o := obj.(type) {
	case span:
		if i < 0 {
			i += o.len()
		}
		if i < 0 || i >= o.len() {
			return nil, false
		}
		return o.start + i*o.step, true
	case Bytes:
		if i < 0 {
			i += len(o)
		}
		if i < 0 || i >= len(o) {
			return nil, false
		}
		return int(o[i]), true
	}
	return nil, false
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// length is Python's len.
func length(v any) (int, error) {
	switch v := v.(type) {
	case *value.Map:
		return v.Len(), nil
	case *value.Set:
		return v.Len(), nil
	case view:
		return v.m.Len(), nil
	case span:
		return v.len(), nil
	case Bytes:
		return len(v), nil
	case Mapping:
		return v.Len(), nil
	case *Undefined:
		if v.lenient {
			return 0, nil
		}
		return 0, v.fail()
	}
	if l, ok := asList(v); ok {
		return len(l), nil
	}
	if s, ok := asStr(v); ok {
		return utf8.RuneCountInString(s), nil
	}
	return 0, typeErr("object of type '%s' has no len()", TypeName(v))
}

// apply is obj[lo:hi:step].
func (n *sliceNode) apply(f *frame, obj any) (any, error) {
	if u, ok := obj.(*Undefined); ok {
		if u.lenient {
			return nil, u.fail()
		}
		return u, nil
	}
	var bound [3]*int
	for i, x := range [...]node{n.lo, n.hi, n.step} {
		if x == nil {
			continue
		}
		v, err := x.eval(f)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		k, ok := smallInt(v)
		if !ok {
			if u, ok := v.(*Undefined); ok {
				return nil, u.fail()
			}
			return nil, typeErr("slice indices must be integers or None or have an __index__ method")
		}
		bound[i] = &k
	}
	size, err := length(obj)
	if err != nil || !isSequence(obj) {
		if s, ok := obj.(span); ok {
			return slice(s.list(), bound)
		}
		if _, ok := obj.(*value.Map); ok {
			return nil, typeErr("unhashable type: 'slice'")
		}
		return nil, typeErr("'%s' object is not subscriptable", TypeName(obj))
	}
	if s, ok := asStr(obj); ok && isASCII(s) {
		lo, hi, step, err := sliceBounds(size, bound)
		if err != nil {
			return nil, err
		}
		if step == 1 {
			return value.Anew(s[lo:max(lo, hi)], s), nil
		}
	}
	if s, ok := asStr(obj); ok {
		all, _ := items(s)
		part, err := slice(all, bound)
		if err != nil {
			return nil, err
		}
		return join(part), nil
	}
	if b, ok := obj.(Bytes); ok {
		all := make([]any, len(b))
		for i := range len(b) {
			all[i] = string(b[i : i+1])
		}
		part, err := slice(all, bound)
		return Bytes(join(part)), err
	}
	l, _ := asList(obj)
	part, err := slice(l, bound)
	if err != nil {
		return nil, err
	}
	if _, ok := obj.(value.Tuple); ok {
		return value.Tuple(part), nil
	}
	if f.r.mutable {
		return &List{part}, nil
	}
	return part, nil
}

func join(parts []any) string {
	var b []byte
	for _, p := range parts {
		b = append(b, p.(string)...)
	}
	return string(b)
}

// sliceBounds works out where a slice of n elements begins and ends.
func sliceBounds(n int, b [3]*int) (lo, hi, step int, err error) {
	step = 1
	if b[2] != nil {
		step = *b[2]
	}
	if step == 0 {
		return 0, 0, 0, valueErr("slice step cannot be zero")
	}
	least, most := 0, n
	lo, hi = 0, n
	if step < 0 {
		least, most = -1, n-1
		lo, hi = n-1, -1
	}
	clip := func(p *int, std int) int {
		if p == nil {
			return std
		}
		i := *p
		if i < 0 {
			i += n
		}
		return min(max(i, least), most)
	}
	return clip(b[0], lo), clip(b[1], hi), step, nil
}

func slice(l []any, b [3]*int) ([]any, error) {
	lo, hi, step, err := sliceBounds(len(l), b)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for i := lo; step > 0 && i < hi || step < 0 && i > hi; i += step {
		out = append(out, l[i])
		if step > len(l) || step < -len(l) {
			break
		}
	}
	return out, nil
}
