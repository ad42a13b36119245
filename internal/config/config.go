// Package config finds out what ansible.cfg and the environment say. The
// settings that Tutti knows are one table, by Ansible's names.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

// Kind is the type of a setting.
type Kind uint8

// The kinds of settings.
const (
	Text Kind = iota
	Bool
	Int
	List     // separated by commas
	PathList // separated by colons
	Path
	TempPath // a folder of its own for each run, below the one that is set
)

// Setting is one thing that can be configured.
type Setting struct {
	Name    string // Ansible's, as in lookup('config', ...)
	Kind    Kind
	Default string
	Env     []string
	Ini     []string // section.key
	Vars    []string // variables of playbooks, for settings of plugins
	Doc     string
}

// Config holds the values in force.
type Config struct {
	File   string // the ansible.cfg in use, "" if there is none
	values map[string]string
	ini    map[string]string // section.key
	dir    string            // of File, for relative paths
	origin map[string]string
	getenv func(string) string

	makeTemp sync.Once
	temp     string
}

// Load reads the ansible.cfg that applies and the environment. getenv is
// os.Getenv but in tests.
func Load(getenv func(string) string) (*Config, error) {
	c := &Config{values: map[string]string{}, ini: map[string]string{}, origin: map[string]string{}, getenv: getenv}
	c.File = find(getenv)
	if c.File != "" {
		if ext := filepath.Ext(c.File); ext != ".cfg" && ext != ".ini" {
			return nil, fmt.Errorf("Unsupported configuration file extension for %s: %s", c.File, ext)
		}
		data, err := os.ReadFile(c.File)
		if err != nil {
			return nil, err
		}
		if c.ini, err = parseINI(string(data)); err != nil {
			var p *diag.Problem
			if errors.As(err, &p) {
				p.Pos.File = c.File
			}
			return nil, err
		}
		c.dir = filepath.Dir(c.File)
	}
	for i := range Settings {
		s := &Settings[i]
		c.values[s.Name], c.origin[s.Name] = c.given(s)
		if _, err := strconv.Atoi(strings.TrimSpace(c.values[s.Name])); s.Kind == Int && c.values[s.Name] != "" && err != nil {
			return nil, fmt.Errorf("Invalid type for configuration option setting: %s (from %s): '%s' is no whole number", s.Name, c.origin[s.Name], c.values[s.Name])
		}
		if words := choices[s.Name]; words != nil && !slices.Contains(words, c.values[s.Name]) {
			return nil, fmt.Errorf("Invalid value %q for configuration option setting: %s (from %s), valid values are: %s", c.values[s.Name], s.Name, c.origin[s.Name], strings.Join(words, ", "))
		}
	}
	return c, nil
}

// choices are the words that a setting may be, where it may not be any.
var choices = map[string][]string{
	"COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH": {"error", "warning", "ignore"},
	"DEFAULT_GATHERING":                       {"implicit", "explicit", "smart"},
	"DEFAULT_HASH_BEHAVIOUR":                  {"replace", "merge"},
	"DUPLICATE_YAML_DICT_KEY":                 {"warn", "error", "ignore"},
	"HOST_PATTERN_MISMATCH":                   {"warning", "error", "ignore"},
	"RUN_VARS_PLUGINS":                        {"demand", "start"},
	"STRING_CONVERSION_ACTION":                {"error", "warn", "ignore"},
	"TRANSFORM_INVALID_GROUP_CHARS":           {"always", "never", "ignore", "silently"},
}

// given finds what the file and the environment say about a setting.
func (c *Config) given(s *Setting) (v, from string) {
	v, from = s.Default, "default"
	for _, key := range s.Ini {
		if text, ok := c.ini[key]; ok {
			v, from = text, c.File
			if s.Kind == Path || s.Kind == PathList || s.Kind == TempPath {
				v = c.relative(text, s.Kind)
			}
		}
	}
	for _, name := range s.Env {
		if text := c.getenv(name); text != "" {
			v, from = text, "env: "+name
		}
	}
	return v, from
}

// find picks the ansible.cfg: the environment's, the current folder's (unless
// anybody may write there), the user's, the machine's.
func find(getenv func(string) string) string {
	if p := getenv("ANSIBLE_CONFIG"); p != "" {
		p = expand(p)
		if st, err := os.Stat(p); err == nil && st.IsDir() {
			p = filepath.Join(p, "ansible.cfg")
		}
		if isFile(p) {
			return absolute(p)
		}
	}
	if wd, err := os.Getwd(); err == nil {
		p := filepath.Join(wd, "ansible.cfg")
		if st, err := os.Stat(wd); err == nil && st.Mode()&0o002 == 0 && isFile(p) {
			return p
		}
	}
	for _, p := range []string{"~/.ansible.cfg", "/etc/ansible/ansible.cfg"} {
		if p = expand(p); isFile(p) {
			return p
		}
	}
	return ""
}

func isFile(p string) bool {
	st, err := os.Stat(p)
	return err == nil && !st.IsDir()
}

func absolute(p string) string {
	if abs, err := filepath.Abs(p); err == nil {
		return abs
	}
	return p
}

func expand(p string) string {
	if p == "~" || strings.HasPrefix(p, "~/") {
		if home, err := os.UserHomeDir(); err == nil {
			p = home + p[1:]
		}
	}
	return os.ExpandEnv(p)
}

// relative resolves paths of the file against its folder.
func (c *Config) relative(text string, kind Kind) string {
	parts := []string{text}
	if kind == PathList {
		parts = strings.Split(text, ":")
	}
	for i, p := range parts {
		p = strings.ReplaceAll(strings.TrimSpace(p), "{{CWD}}", ".")
		if p = expand(p); p != "" && !filepath.IsAbs(p) && !strings.Contains(p, ",") {
			p = filepath.Join(c.dir, p)
		}
		parts[i] = p
	}
	return strings.Join(parts, ":")
}

// parseINI reads section.key = value, with # and ; comments.
func parseINI(text string) (map[string]string, error) {
	out := map[string]string{}
	section, last := "", ""
	for i, raw := range strings.Split(text, "\n") {
		line := strings.TrimSpace(raw)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			section, last = strings.TrimSpace(line[1:len(line)-1]), ""
		case (raw[0] == ' ' || raw[0] == '\t') && last != "":
			out[last] += "\n" + line
		default:
			k, v, ok := strings.Cut(line, "=")
			if !ok {
				if k, v, ok = strings.Cut(line, ":"); !ok {
					return nil, &diag.Problem{Pos: diag.Pos{Line: i + 1, Column: 1}, Msg: fmt.Sprintf("expected 'name = value', found %q", line), Hint: "write " + strings.Replace(line, " ", " = ", 1)}
				}
			}
			if j := strings.Index(v, " ;"); j >= 0 {
				v = v[:j]
			}
			last = section + "." + strings.ToLower(strings.TrimSpace(k))
			out[last] = strings.TrimSpace(v)
		}
	}
	return out, nil
}

// Text returns a setting as text. Asking for one that is not in the table is a
// mistake of the program: it panics.
func (c *Config) Text(name string) string {
	v, ok := c.values[name]
	if !ok {
		panic("config: no setting " + name)
	}
	return v
}

// Bool returns a setting as a boolean.
func (c *Config) Bool(name string) bool { return truthy(c.Text(name)) }

func truthy(text string) bool {
	switch strings.ToLower(strings.Trim(text, `"'`)) {
	case "1", "true", "yes", "on", "y", "t":
		return true
	}
	return false
}

// Int returns a setting as a number, 0 if it is none.
func (c *Config) Int(name string) int {
	n, _ := strconv.Atoi(c.Text(name))
	return n
}

// List returns a setting's parts.
func (c *Config) List(name string) []string {
	sep := ","
	if s := setting(name); s != nil && s.Kind == PathList {
		sep = ":"
	}
	var out []string
	for _, p := range strings.Split(c.Text(name), sep) {
		if p = strings.TrimSpace(p); p != "" {
			if sep == ":" { // a playbook's folder is gone to later
				p = absolute(expand(p))
			}
			out = append(out, p)
		}
	}
	return out
}

// Path returns a setting as a path, ~ expanded.
func (c *Config) Path(name string) string {
	if t := c.Text(name); t != "" {
		return expand(t)
	}
	return ""
}

// tempPath makes the run's own folder when somebody first asks for it.
func (c *Config) tempPath(parent string) string {
	c.makeTemp.Do(func() {
		if err := os.MkdirAll(parent, 0o700); err == nil {
			c.temp, _ = os.MkdirTemp(parent, fmt.Sprintf("ansible-local-%d", os.Getpid()))
		}
	})
	return cmp.Or(c.temp, parent)
}

// Close removes what was made for the time of the run.
func (c *Config) Close() {
	c.makeTemp.Do(func() {})
	if c.temp != "" {
		_ = os.RemoveAll(c.temp)
	}
}

// Origin tells where a value comes from: default, a file, or a variable.
func (c *Config) Origin(name string) string { return c.origin[name] }

func setting(name string) *Setting {
	for i := range Settings {
		if Settings[i].Name == name {
			return &Settings[i]
		}
	}
	return nil
}

// Lookup gives a setting as a value, for lookup('config', name).
func (c *Config) Lookup(name string) (any, bool) {
	s := setting(name)
	if s == nil {
		return nil, false
	}
	switch s.Kind {
	case Bool:
		return c.Bool(name), true
	case Int:
		if c.values[name] == "" {
			return nil, true
		}
		return c.Int(name), true
	case List, PathList:
		return value.FromGo(c.List(name)), true
	case Path:
		if c.values[name] == "" {
			return nil, true
		}
		return c.Path(name), true
	case TempPath:
		return c.tempPath(c.Path(name)), true
	}
	if c.values[name] == "" && s.Default == "" {
		return nil, true
	}
	return c.values[name], true
}
