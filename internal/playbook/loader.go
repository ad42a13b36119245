package playbook

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// Modules tells the loader which modules there are.
type Modules interface {
	// Find resolves a name as written. collections are searched for short names.
	Find(name string, collections []string, roleDirs []string) (Found, bool)
	// InGroup reports whether a group of actions, named as module_defaults does,
	// holds the module.
	InGroup(group string, name module.Name) bool
	// Suggest lists all names, for "did you mean".
	Suggest() []string
}

// Found is what a module's name stands for.
type Found struct {
	Name   module.Name
	Spec   *module.Spec // nil for a Python module
	Python Python
	// Err is set for modules that exist but cannot be used here.
	Err error
}

// Python is where a module lies that is not native.
type Python struct {
	Module string // its path; "" for a native one
	// Half does what its action plugin does; nil if it has none.
	Half *module.Half
	// Plugin is the path of an action plugin that nothing here stands for: a task
	// with this module cannot be carried out, even if the module is native.
	Plugin string
}

// Usable is an error if there is an action plugin that nothing stands for.
func (p Python) Usable(called string) error {
	if p.Plugin == "" {
		return nil
	}
	return fmt.Errorf("%s needs the action plugin %s, which is written in Python and runs on the controller: Tutti cannot run it", called, p.Plugin)
}

// Config is what a Loader needs.
type Config struct {
	RolesPath       []string // DEFAULT_ROLES_PATH
	CollectionPaths []string
	Modules         Modules
	// ReadFile reads a file, decrypting it if it is a vault. Nil is os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// Vault decrypts an inline !vault value.
	Vault func(ciphertext string, pos diag.Pos) (any, error)
	// Check finds syntax errors in templates and conditions.
	Check func(v any) []*diag.Problem
	// CheckCondition is Check for bare expressions.
	CheckCondition func(v any, pos diag.Pos) []*diag.Problem
	// Resolve evaluates the names of imported files and roles with vars.
	Resolve func(v any, vars []*value.Map) (any, error)
	// Lookups are the names that may follow with_.
	Lookups []string
	// ExtraVars are those of the command line.
	ExtraVars *value.Map
	// LenientArgs leaves wrong module arguments to be found when the task runs,
	// as Ansible does; the listing commands set it.
	LenientArgs bool
	// LenientKeywords warns of keywords that a task cannot have, instead of
	// refusing them.
	LenientKeywords bool
}

// Loader reads playbooks. It is safe for concurrent use, so that hosts which
// reach includes at the same time can read them at the same time; a file is
// read and parsed once.
type Loader struct {
	Config

	mu sync.Mutex
	// libraries are the roles with modules of their own met so far: from then on
	// everybody may use those.
	libraries []string
	// usesCollections is set once collections: was met: short names may lead there.
	usesCollections bool
	files           map[string]parsed
	nextID          TaskID
	problems        diag.Problems
}

type parsed struct {
	node *yaml.Node
	err  error
}

// New returns a Loader.
func New(c Config) *Loader {
	if c.ReadFile == nil {
		c.ReadFile = os.ReadFile
	}
	return &Loader{Config: c, files: map[string]parsed{}}
}

// Warnings returns the warnings met so far (duplicate keys and the like) and
// forgets them.
func (l *Loader) Warnings() diag.Problems {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.problems
	l.problems = nil
	return w
}

// NextID gives a task number that was not used before.
func (l *Loader) NextID() TaskID {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nextID++
	return l.nextID
}

// file parses a YAML file, once.
func (l *Loader) file(path string) (*yaml.Node, error) {
	l.mu.Lock()
	if p, ok := l.files[path]; ok {
		l.mu.Unlock()
		return p.node, p.err
	}
	l.mu.Unlock()

	var warnings diag.Problems
	var p parsed
	data, err := l.ReadFile(path)
	if err != nil {
		p.err = err
	} else {
		p.node, p.err = yaml.Parse(data, path, yaml.Options{Vault: l.Vault, Problems: &warnings})
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	if have, ok := l.files[path]; ok {
		return have.node, have.err
	}
	l.files[path] = p
	l.problems = append(l.problems, warnings...)
	return p.node, p.err
}

// scope is what encloses the nodes being read.
type scope struct {
	keywords *Keywords // of everything outside
	role     *Role
	play     *Play
	dir      string // of the file being read
	handler  bool
	chain    []string // files being imported, to notice circles

	// dynamic is set in what an include brought in while the play ran.
	dynamic bool
	// expectsFailure is set inside a block that has a rescue part.
	expectsFailure bool
}

func (s scope) within(k *Keywords) scope {
	s.keywords = k
	return s
}

// reader reads one tree and gathers its problems.
type reader struct {
	*Loader
	diag.Problems

	// imported are the roles of the static imports met so far.
	imported []*Role
}

// takeImported returns the roles imported since it was last asked, and their
// handlers.
func (r *reader) takeImported() (roles []*Role, handlers []*Task) {
	for _, role := range r.imported {
		roles = append(roles, role.WithDependencies()...)
		handlers = append(handlers, role.AllHandlers()...)
	}
	r.imported = nil
	return roles, handlers
}

func (r *reader) warn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.Problems {
		if p.Warning {
			r.problems = append(r.problems, p)
		}
	}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && !st.IsDir()
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}
