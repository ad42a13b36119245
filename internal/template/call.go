package template

import (
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// def is something that can be called: a filter, test, method or function.
type def struct {
	name   string
	params []param
	only   int  // so many of the last params are given by name alone
	rest   bool // *args
	named  bool // **kwargs
	anew   bool // text that it gives is a new string, even if nothing changed
	fn     func(c *call) (any, error)
}

type param struct {
	name     string
	optional bool
	standard any // the value when it is not given
}

// call is one call of a def with its arguments in their places.
type call struct {
	f    *frame
	name string
	def  *def
	a    []any // by parameter
	set  uint32
	rest []any
	kw   *value.Map
}

// given reports whether parameter i was passed.
func (c *call) given(i int) bool { return c.set>>i&1 == 1 }

// define makes a def of a signature such as "value default=” boolean=False
// *args byname=None **kw". The parameters of a method do not include its receiver.
func define(name, signature string, fn func(c *call) (any, error)) *def {
	d := &def{name: name, fn: fn}
	for _, p := range strings.Fields(signature) {
		switch n, std, optional := strings.Cut(p, "="); {
		case strings.HasPrefix(p, "**"):
			d.named = true
		case strings.HasPrefix(p, "*"):
			d.rest = true
		default:
			d.params = append(d.params, param{n, optional, standard(std)})
			if d.rest {
				d.only++
			}
		}
	}
	return d
}

func standard(s string) any {
	switch s {
	case "", "None":
		return nil
	case "True":
		return true
	case "False":
		return false
	}
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return f
	}
	return strings.Trim(strings.ReplaceAll(s, "\\s", " "), "'")
}

// args are arguments as they were written, evaluated.
type args struct {
	pos   []any
	names []string
	named []any
}

func (a *args) kwargs() *value.Map {
	m := value.NewMap(len(a.names))
	for i, n := range a.names {
		m.Set(n, a.named[i])
	}
	return m
}

// invoke binds first (if hasFirst) and a to d's parameters and calls it.
func (d *def) invoke(f *frame, hasFirst bool, first any, a *args) (any, error) {
	c := call{f: f, name: d.name, def: d}
	var buf [6]any
	if len(d.params) <= len(buf) {
		c.a = buf[:len(d.params)]
	} else {
		c.a = make([]any, len(d.params))
	}
	n := 0
	put := func(v any) bool {
		if n < len(c.a)-d.only {
			c.a[n], c.set = v, c.set|1<<n
			n++
			return true
		}
		if d.rest {
			c.rest = append(c.rest, v)
			return true
		}
		return false
	}
	total := len(a.pos)
	if hasFirst {
		total++
		if !put(first) {
			return nil, d.tooMany(total)
		}
	}
	for _, v := range a.pos {
		if !put(v) {
			return nil, d.tooMany(total)
		}
	}
named:
	for i, name := range a.names {
		for j := range d.params {
			if d.params[j].name == name {
				if c.given(j) {
					return nil, typeErr("%s() got multiple values for argument '%s'", d.name, name)
				}
				c.a[j], c.set = a.named[i], c.set|1<<j
				continue named
			}
		}
		if !d.named {
			return nil, typeErr("%s() got an unexpected keyword argument '%s'", d.name, name)
		}
		if c.kw == nil {
			c.kw = value.NewMap(2)
		}
		c.kw.Set(name, a.named[i])
	}
	var lacking []string
	for j := range d.params {
		if !c.given(j) {
			if !d.params[j].optional {
				lacking = append(lacking, "'"+d.params[j].name+"'")
			}
			c.a[j] = d.params[j].standard
		}
	}
	if lacking != nil {
		s := "s"
		if len(lacking) == 1 {
			s = ""
		}
		return nil, typeErr("%s() missing %d required positional argument%s: %s", d.name, len(lacking), s, strings.Join(lacking, " and "))
	}
	if !d.anew {
		return d.fn(&c)
	}
	from, _ := c.a[0].(string)
	v, err := d.fn(&c)
	if s, ok := v.(string); ok {
		v = value.Anew(s, from)
	}
	return v, err
}

func (d *def) tooMany(given int) error {
	if len(d.params) == 0 {
		return typeErr("%s() takes no arguments (%d given)", d.name, given)
	}
	return typeErr("%s() takes %d positional arguments but %d were given", d.name, len(d.params), given)
}

// function is a callable value.
type function struct {
	name string
	call func(f *frame, a *args) (any, error)
}

func (fn *function) PythonType() string { return "function" }
func (fn *function) PythonStr() string  { return fn.PythonRepr() }
func (fn *function) PythonRepr() string { return "<function " + fn.name + ">" }

// method is a method of a value that was taken but not yet called.
type method struct {
	recv any
	def  *def
}

func (m *method) PythonType() string { return "builtin_function_or_method" }
func (m *method) PythonStr() string  { return m.PythonRepr() }
func (m *method) PythonRepr() string {
	return "<built-in method " + m.def.name + " of " + TypeName(m.recv) + " object>"
}

// callable is a value that may be called: a macro, a loop, a cycler.
type callable interface {
	call(f *frame, a *args) (any, error)
}

func isCallable(v any) bool {
	switch v.(type) {
	case *function, *method, callable, class, *Undefined:
		return true
	}
	return false
}

// callValue calls fn.
func callValue(f *frame, fn any, a *args) (any, error) {
	switch fn := fn.(type) {
	case *function:
		return fn.call(f, a)
	case *method:
		return fn.def.invoke(f, true, fn.recv, a)
	case callable:
		return fn.call(f, a)
	case *Undefined:
		return nil, fn.fail()
	case class:
		return nil, typeErr("cannot create '%s' instances from a template", string(fn))
	}
	return nil, typeErr("'%s' object is not callable", TypeName(fn))
}

// str is parameter i as text: a string as it is, anything else as str shows it.
func (c *call) str(i int) string {
	if s, ok := asStr(c.a[i]); ok {
		return s
	}
	return Str(c.a[i])
}

// needStr is parameter i, which must be a string.
func (c *call) needStr(i int) (string, error) {
	switch v := c.a[i].(type) {
	case *Undefined:
		return "", v.fail()
	case Bytes:
		return string(v), nil
	}
	if s, ok := asStr(c.a[i]); ok {
		return s, nil
	}
	return "", typeErr("%s: argument '%s' must be a string, not %s", c.name, c.paramName(i), TypeName(c.a[i]))
}

func (c *call) paramName(i int) string { return c.def.params[i].name }

func (c *call) bool(i int) bool { return Bool(c.a[i]) }

// int is parameter i, which must be an integer.
func (c *call) int(i int) (int, error) { return asInt(c.a[i]) }

// asInt takes an int or a bool, as Python does for an index.
func asInt(v any) (int, error) {
	switch v := v.(type) {
	case int:
		return v, nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case *Undefined:
		return 0, v.fail()
	}
	return 0, typeErr("'%s' object cannot be interpreted as an integer", TypeName(v))
}

// list is what iterating over parameter i gives.
func (c *call) list(i int) ([]any, error) { return items(c.a[i]) }
