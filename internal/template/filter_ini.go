package template

import (
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

func fromINIFilter(c *call) (any, error) {
	text, err := c.needStr(0)
	if err != nil {
		return nil, err
	}
	f, err := parseINI(text, true, false)
	if err != nil {
		return nil, filterErr("%s: %s", c.name, err)
	}
	out := value.NewMap(len(f.sections) + 1)
	for _, name := range f.names {
		out.Set(name, f.all(f.sections[name]))
	}
	if f.defaults.Len() > 0 {
		out.Set("DEFAULT", f.defaults)
	}
	return out, nil
}

func toINIFilter(c *call) (any, error) {
	m, err := c.mapping(0, c.name+" requires a dict, got %s")
	if err != nil {
		return nil, err
	}
	if m.Len() == 0 {
		return nil, filterErr("%s received an empty dict. An empty dict cannot be converted.", c.name)
	}
	var b strings.Builder
	section := func(name string, v any) error {
		entries, ok := v.(*value.Map)
		if !ok {
			return filterErr("%s: the section %s must be a dict, not %s", c.name, name, TypeName(v))
		}
		b.WriteString("[" + name + "]\n")
		for k, e := range entries.All() {
			if e == nil {
				return filterErr("%s: %s in the section %s has no value", c.name, Str(k), name)
			}
			b.WriteString(Str(k) + " = " + strings.ReplaceAll(Str(e), "\n", "\n\t") + "\n")
		}
		b.WriteString("\n")
		return c.room(b.Len())
	}
	if d, ok := m.Get("DEFAULT"); ok {
		if defaults, isMap := d.(*value.Map); !isMap || defaults.Len() > 0 {
			if err := section("DEFAULT", d); err != nil {
				return nil, err
			}
		}
	}
	for k, v := range m.All() {
		if Str(k) == "DEFAULT" {
			continue
		}
		if err := section(Str(k), v); err != nil {
			return nil, err
		}
	}
	text, ok := strings.CutSuffix(b.String(), "\n")
	if !ok {
		return nil, filterErr("%s received a dict without sections", c.name)
	}
	return text, nil
}
