package setup

import (
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

// iniFile is the text of an INI file, as Python's configparser reads it.
type iniFile struct {
	sections map[string]map[string][]string // lines of a value, by section and key
	order    []string
	keys     map[string][]string // in order, by section
}

// defaults is the section whose keys are in every other.
const defaults = "DEFAULT"

var (
	iniSection = lazyregexp.New(`^\[(.+)\]`)
	iniOption  = lazyregexp.New(`^(.*?)\s*[=:]\s*(.*)$`)
)

// ini reads sections of keys and values; ok is false for what is no such file.
func ini(text string) (facts *value.Map, ok bool) {
	f := &iniFile{sections: map[string]map[string][]string{defaults: {}}, keys: map[string][]string{}}
	if !f.read(text) {
		return nil, false
	}
	facts = value.NewMap(len(f.order))
	for _, name := range f.order {
		section := value.NewMap(4)
		for _, from := range []string{name, defaults} {
			for _, key := range f.keys[from] {
				if !section.Has(key) {
					section.Set(key, f.value(name, key, 0))
				}
			}
		}
		facts.Set(name, section)
	}
	return facts, true
}

func (f *iniFile) read(text string) bool {
	section, key, indent := "", "", 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		text := strings.TrimSpace(line)
		comment := strings.HasPrefix(text, "#") || strings.HasPrefix(text, ";")
		switch {
		case comment:
			continue
		case text == "":
			if key != "" {
				f.sections[section][key] = append(f.sections[section][key], "")
			}
			continue
		}
		depth := len(line) - len(strings.TrimLeft(line, " \t"))
		if key != "" && depth > indent { // the value goes on
			f.sections[section][key] = append(f.sections[section][key], text)
			continue
		}
		indent = depth
		if m := iniSection.FindStringSubmatch(text); m != nil {
			section, key = m[1], ""
			if section == defaults {
				continue
			}
			if f.sections[section] != nil {
				return false // twice
			}
			f.sections[section] = map[string][]string{}
			f.order = append(f.order, section)
			continue
		}
		m := iniOption.FindStringSubmatch(text)
		if section == "" || m == nil || m[1] == "" {
			return false
		}
		if key = strings.ToLower(m[1]); f.sections[section][key] != nil {
			return false
		}
		f.sections[section][key] = []string{strings.TrimSpace(m[2])}
		f.keys[section] = append(f.keys[section], key)
	}
	return true
}

// value is what a key is in a section, with %(other)s filled in. What refers to
// nothing, or to itself, stays as it is written.
func (f *iniFile) value(section, key string, depth int) string {
	lines, ok := f.sections[section][key]
	if !ok {
		lines = f.sections[defaults][key]
	}
	text := strings.TrimRight(strings.Join(lines, "\n"), " \t\n")
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "%")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name, after, isName := strings.Cut(rest, ")s")
		switch other := strings.ToLower(strings.TrimPrefix(name, "(")); {
		case strings.HasPrefix(rest, "%"):
			out.WriteByte('%')
			text = rest[1:]
		case isName && strings.HasPrefix(name, "(") && depth < 10 && (f.sections[section][other] != nil || f.sections[defaults][other] != nil):
			out.WriteString(f.value(section, other, depth+1))
			text = after
		default:
			out.WriteByte('%')
			text = rest
		}
	}
}
