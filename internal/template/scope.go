package template

import (
	"context"
	"slices"
	"sort"

	"github.com/tutti-run/tutti/internal/value"
)

// Scope is where a template finds variables. What Lookup returns may be a
// *value.Template or hold some: it is resolved when used. A Scope is read by
// several goroutines at a time.
type Scope interface {
	Lookup(name string) (any, bool)
	Names() []string
}

// MapScope is a Scope of variables in a Go map.
type MapScope map[string]any

// Lookup returns the variable called name.
func (m MapScope) Lookup(name string) (any, bool) {
	v, ok := m[name]
	return v, ok
}

// Names returns the names of all variables, sorted.
func (m MapScope) Names() []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// VarsOf is a Scope of the entries of m, which must not change any more.
func VarsOf(m *value.Map) Scope { return mapVars{m} }

type mapVars struct{ m *value.Map }

func (s mapVars) Lookup(name string) (any, bool) { return s.m.Get(name) }

func (s mapVars) Names() []string {
	names := make([]string, 0, s.m.Len())
	for n := range s.m.Strings() {
		names = append(names, n)
	}
	return names
}

// over is a Scope with some names in front of another one.
type over struct {
	Scope
	front Scope
}

func (o over) Lookup(name string) (any, bool) {
	if v, ok := o.front.Lookup(name); ok {
		return v, true
	}
	return o.Scope.Lookup(name)
}

func (o over) Names() []string {
	names := o.Scope.Names()
	for _, n := range o.front.Names() {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// Overlay is base with the variables of front before it.
func Overlay(base, front Scope) Scope { return over{base, front} }

// Env is what filters and lookups may reach outside the engine. A nil func
// means that it is not available here, which is a clear error for who uses it.
// All of it may be called from many goroutines.
type Env struct {
	// FindFile finds name by Ansible's search path (role, the task file's
	// folder, the play's folder) in the sub-folder kind: "files", "templates",
	// "vars" or "". The error lists where it looked.
	FindFile func(kind, name string) (string, error)
	// SearchDirs lists the folders in which FindFile looks, best first,
	// without the sub-folders of a kind.
	SearchDirs func() []string
	// ReadFile reads a file and decrypts it if it is vaulted.
	ReadFile func(path string) ([]byte, error)
	// Hosts gives the inventory's hosts that match pattern.
	Hosts func(pattern string) ([]string, error)
	// Config gives a setting by its name (DEFAULT_ROLES_PATH).
	Config func(name string) (any, bool)
	// PluginConfig gives a setting of a plugin, such as remote_user of the
	// connection plugin ssh, where vars may say what it is. known tells whether
	// there is such a plugin, found whether it has the setting.
	PluginConfig func(kind, plugin, name string, vars func(string) (any, bool)) (v any, known, found bool)
	// IsModule tells whether a module or what acts in its place has that name.
	IsModule func(name string) bool
	// Collection gives the folder of an installed collection, "" for none.
	Collection func(name string) string
	// Unsealed is told what the filter unvault has decrypted.
	Unsealed func(text string)
	// Getenv reads the controller's environment.
	Getenv func(name string) string
	// BaseDir is the playbook's folder.
	BaseDir string
	// Warn shows a warning, each text once; Deprecated likewise.
	Warn       func(msg string)
	Deprecated func(msg string)
}

// Context is in whose name a template is resolved. It is cheap to make: one
// for each host and task.
type Context struct {
	Ctx  context.Context
	Vars Scope
	Env  *Env
	// Data is the name of a variable that holds data and no templates, whatever
	// it looks like: the item of a loop over what a lookup gave.
	Data string
	// Foreign, if set, gives a scope like Vars and a flag that is set once something
	// is looked up in it that is not the user's own: text of a target or a lookup.
	Foreign func() (Scope, *bool)
	// Strict fails where a variable is undefined, whatever Options say.
	Strict bool
}

var emptyEnv = &Env{}

func (c *Context) env() *Env {
	if c.Env == nil {
		return emptyEnv
	}
	return c.Env
}

func (c *Context) ctx() context.Context {
	if c.Ctx == nil {
		return context.Background()
	}
	return c.Ctx
}

func (c *Context) warn(msg string) {
	if w := c.env().Warn; w != nil {
		w(msg)
	}
}
