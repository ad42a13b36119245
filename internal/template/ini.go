package template

import (
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// iniFile is a file as Python's configparser reads it.
type iniFile struct {
	defaults *value.Map
	names    []string // of the sections, as they come
	sections map[string]*value.Map
	fold     func(string) string
}

func (f *iniFile) all(section *value.Map) *value.Map {
	m := f.defaults.Clone()
	m.Update(section)
	return m
}

func parseINI(text string, sensitive, noValue bool) (*iniFile, error) {
	f := &iniFile{defaults: value.NewMap(0), sections: map[string]*value.Map{}, fold: strings.ToLower}
	if sensitive {
		f.fold = func(s string) string { return s }
	}
	var cur *value.Map
	last, blank := "", 0
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		trimmed := strings.TrimSpace(line)
		if trimmed == "" {
			blank++
			continue
		}
		if trimmed[0] == '#' || trimmed[0] == ';' {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if cur != nil && last != "" {
				cur.Set(last, Str(cur.At(last))+strings.Repeat("\n", blank+1)+trimmed)
				blank = 0
				continue
			}
		}
		blank = 0
		if trimmed[0] == '[' && strings.Contains(trimmed, "]") {
			name := trimmed[1:strings.LastIndexByte(trimmed, ']')]
			last = ""
			if name == "DEFAULT" {
				cur = f.defaults
				continue
			}
			if f.sections[name] != nil {
				return nil, fmt.Errorf("section %q already exists (line %d)", name, n+1)
			}
			cur = value.NewMap(4)
			f.sections[name] = cur
			f.names = append(f.names, name)
			continue
		}
		if cur == nil {
			return nil, fmt.Errorf("line %d comes before the first section", n+1)
		}
		i := strings.IndexAny(trimmed, "=:")
		if i < 0 && !noValue {
			return nil, fmt.Errorf("line %d is neither a section nor an option: %q", n+1, trimmed)
		}
		var v any
		k := trimmed
		if i >= 0 {
			k, v = strings.TrimSpace(trimmed[:i]), strings.TrimSpace(trimmed[i+1:])
		}
		if k == "" {
			return nil, fmt.Errorf("line %d has a value without a name: %q", n+1, trimmed)
		}
		k = f.fold(k)
		if cur.Has(k) {
			return nil, duplicateOption{k, n + 1}
		}
		cur.Set(k, v)
		last = k
	}
	return f, nil
}

// duplicateOption is an option that a section has twice.
type duplicateOption struct {
	name string
	line int
}

func (d duplicateOption) Error() string {
	return fmt.Sprintf("option '%s' already exists [line %d]", d.name, d.line)
}

// interpolate replaces %(name)s by other options.
func (f *iniFile) interpolate(s string, section *value.Map, depth int) (string, error) {
	if depth > 10 {
		return "", lookupErr("the value is nested too deeply: %s", s)
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		switch {
		case strings.HasPrefix(s, "%"):
			b.WriteByte('%')
			s = s[1:]
		case strings.HasPrefix(s, "("):
			name, rest, ok := strings.Cut(s[1:], ")s")
			v, known := f.all(section).Get(f.fold(name))
			if !ok || !known {
				return "", lookupErr("Bad value substitution: %%(%s)s", name)
			}
			text, err := f.interpolate(Str(v), section, depth+1)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			s = rest
		default:
			return "", lookupErr("'%%' must be followed by '%%' or '(', found: '%%%s'", s)
		}
	}
}
