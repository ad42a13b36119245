package template

import (
	"strconv"
	"time"

	"github.com/tutti-run/tutti/internal/value"
)

// globalTable are the names that every template knows.
func (e *Engine) globalTable() map[string]any {
	g := map[string]any{"omit": Omit}
	add := func(name, signature string, fn func(c *call) (any, error)) {
		d := define(name, signature, fn)
		g[name] = &function{name, func(f *frame, a *args) (any, error) { return d.invoke(f, false, nil, a) }}
	}
	add("range", "start stop=None step=None", func(c *call) (any, error) {
		var n [3]int
		for i := range n {
			if c.a[i] == nil {
				continue
			}
			v, err := c.int(i)
			if err != nil {
				return nil, err
			}
			n[i] = v
		}
		s := span{n[0], n[1], n[2]}
		if !c.given(1) {
			s.start, s.stop = 0, n[0]
		}
		if !c.given(2) {
			s.step = 1
		}
		if s.step == 0 {
			return nil, valueErr("range() arg 3 must not be zero")
		}
		return s, nil
	})
	add("dict", "mapping=None **kwargs", func(c *call) (any, error) {
		m := value.NewMap(4)
		if c.a[0] != nil {
			var err error
			src := c.a[0]
			if mp, ok := src.(Mapping); ok {
				if src, err = mapOf(c.f, mp); err != nil {
					return nil, err
				}
			}
			if m, err = dictOf(src); err != nil {
				return nil, err
			}
		}
		m.Update(c.kw)
		return m, nil
	})
	add("namespace", "mapping=None **kwargs", func(c *call) (any, error) {
		m := value.NewMap(2)
		if c.a[0] != nil {
			var err error
			if m, err = dictOf(c.a[0]); err != nil {
				return nil, err
			}
		}
		m.Update(c.kw)
		return &namespace{m}, nil
	})
	add("cycler", "*items", func(c *call) (any, error) {
		if len(c.rest) == 0 {
			return nil, &Error{Kind: "RuntimeError", Msg: "at least one item has to be provided"}
		}
		return &cycler{items: c.rest}, nil
	})
	add("joiner", "sep=',\\s'", func(c *call) (any, error) { return &joiner{sep: c.str(0)}, nil })
	add("undef", "hint=None", func(c *call) (any, error) {
		hint := "Mandatory variable has not been overridden"
		if s, ok := asStr(c.a[0]); ok && s != "" {
			hint = s
		}
		return &Undefined{name: "undef", msg: hint}, nil
	})
	add("now", "utc=False fmt=None", func(c *call) (any, error) {
		t := time.Now()
		if c.bool(0) {
			t = t.UTC()
		}
		if c.a[1] != nil && c.str(1) != "" {
			return strftime(c.str(1), t), nil
		}
		return naive(t), nil
	})
	g["lookup"] = &function{"lookup", func(f *frame, a *args) (any, error) { return f.lookupCall(a, false) }}
	query := &function{"query", func(f *frame, a *args) (any, error) { return f.lookupCall(a, true) }}
	g["query"], g["q"] = query, query
	return g
}

// cycler is what cycler() makes.
type cycler struct {
	items []any
	i     int
}

func (c *cycler) PythonType() string { return "Cycler" }
func (c *cycler) PythonStr() string  { return c.PythonRepr() }
func (c *cycler) PythonRepr() string { return "<Cycler at " + strconv.Itoa(c.i) + ">" }

func (c *cycler) attr(name string) (any, bool) {
	switch name {
	case "next":
		return &function{"next", func(*frame, *args) (any, error) {
			v := c.items[c.i]
			c.i = (c.i + 1) % len(c.items)
			return v, nil
		}}, true
	case "reset":
		return &function{"reset", func(*frame, *args) (any, error) {
			c.i = 0
			return nil, nil
		}}, true
	case "current":
		return c.items[c.i], true
	case "items":
		return value.Tuple(c.items), true
	case "pos":
		return c.i, true
	}
	return nil, false
}

// joiner is what joiner() makes: nothing at the first call, then its text.
type joiner struct {
	sep  string
	used bool
}

func (j *joiner) PythonType() string { return "Joiner" }
func (j *joiner) PythonStr() string  { return j.PythonRepr() }
func (j *joiner) PythonRepr() string { return "<Joiner " + Repr(j.sep) + ">" }

func (j *joiner) call(*frame, *args) (any, error) {
	if !j.used {
		j.used = true
		return "", nil
	}
	return j.sep, nil
}
