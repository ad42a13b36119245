// Package executor plays a playbook: it takes one task from resolve to
// outcome, on every host that is due.
//
// Begin with task.go: one function that is the path of a task, top to bottom.
// Who goes next is decided in executor/strategy; this package carries it out.
// It knows no transport and no output: targets are reached through Targets,
// and what happens is told as events.
package executor

import (
	"context"
	"sync"
	"time"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/policy"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vars"
	"github.com/tutti-run/tutti/parallel"
)

// Target is one machine, as one user.
type Target interface {
	// Machine connects if need be and returns the machine's identity, the same
	// for every name under which the machine is reached.
	Machine(ctx context.Context) (string, error)
	// Do makes a call. The error is for broken machinery only: *Unreachable, or
	// what became of become.
	Do(ctx context.Context, call *module.Call) (*module.Result, error)
	// Raw runs a command without an agent.
	Raw(ctx context.Context, command string) (stdout, stderr []byte, rc int, err error)
	// Becomes is the command by which the target's user is become; nothing if none
	// is needed.
	Becomes() string
	// Reset drops the connection.
	Reset(ctx context.Context) error
}

// Targets finds the target for a connection. The same connection gives the
// same target.
type Targets interface {
	Target(c Connection) Target
}

// Unreachable tells that a target cannot be reached, or was lost.
type Unreachable struct{ Err error }

// Error gives the cause.
func (u *Unreachable) Error() string { return u.Err.Error() }

// Unwrap returns the cause.
func (u *Unreachable) Unwrap() error { return u.Err }

// Options are the settings of a run, from the command line and configuration.
type Options struct {
	Inventory *inventory.Inventory
	Refresh   func(ctx context.Context) (*inventory.Inventory, error) // meta: refresh_inventory
	Loader    *playbook.Loader
	Engine    *template.Engine
	Vars      *vars.Manager
	Modules   *module.Registry
	Locks     *parallel.Manager
	Policy    *policy.Policy // the operator's; nil without one
	Targets   Targets
	Events    event.Sink

	RunID         string
	Forks         int
	Check         bool
	Diff          bool
	Verbosity     int
	Only          []string // --tags
	Skip          []string // --skip-tags
	Subset        []string // --limit, split
	StartAt       string
	Step          func(task, host string) (run, ask bool) // --step; nil without
	ForceHandlers bool
	Strategy      string
	Gathering     string // implicit, explicit or smart
	GatherSubset  []string
	GatherTimeout int
	FactPath      string
	NoTargetLog   bool
	NoLog         bool // hide results unless a task says otherwise
	Native        bool // jinja2_native
	// Mismatch hears of the parts of a play's pattern that match nobody. Its
	// error ends the run. It may be nil.
	Mismatch func(parts []string) error
	// ErrorOnMissingHandler makes a notification without a handler an error.
	ErrorOnMissingHandler bool
	AnyErrorsFatal        bool
	MaxFailPercentage     any
	Connection            Connection // what the command line says, for hosts that say nothing
	// Become is --become.
	Become         bool
	BecomePassword string
	// BecomeSetting is what is configured for a method: its exe, flags or pass.
	BecomeSetting func(method, option string) string

	// Managed is the text of ansible_managed, with {file}, {uid} and {host}.
	Managed  string
	ReadFile func(path string) ([]byte, error)
	// Shown, if set, is a text as it may stand in files that others read.
	Shown    func(text string) string
	LoadVars func(path string) (any, error)
	Prompt   func(ctx context.Context, text string, echo bool) (string, error)
	// Pause shows text and waits: for the time or, without one, for the user.
	Pause func(ctx context.Context, text string, d time.Duration, echo bool) (string, error)
	Env   template.Env // lookups that do not depend on the task
	// Python runs modules that are not native; nil where there are none.
	Python PythonRunner
	// Facts, if set, keeps facts between runs.
	Facts FactCache
}

// PythonRunner prepares calls of modules written in Python.
type PythonRunner interface {
	// Call turns a task for the module at path into a call that the agent
	// understands. vars gives the interpreter settings of the host.
	Call(ctx context.Context, path string, name module.Name, args *value.Map, t PythonTask) (*module.Call, error)
}

// PythonTask is what a Python module's call depends on besides its arguments.
type PythonTask struct {
	Host      string
	Check     bool
	Diff      bool
	NoLog     bool
	Verbosity int
	Async     bool // it runs in the background
	// Files are what the arguments of type module.Sent stand for.
	Files map[module.Digest]module.File
	// Interpreter is ansible_python_interpreter, or a mode of discovery.
	Interpreter string
	Var         func(name string) any
}

// FactCache keeps facts between runs.
type FactCache interface {
	Load(host string) (*value.Map, bool)
	Store(host string, facts *value.Map) error
	Clear(host string) error
}

// Run plays playbooks one after the other. It is used once, by one goroutine;
// what it starts, it waits for.
type Run struct {
	Options

	stats      map[string]*event.Counts
	custom     map[string]*value.Map
	failed     map[string]bool // hosts that failed for good, in any play
	lost       map[string]bool // unreachable hosts
	begin      time.Time
	resolve    chan struct{} // places for evaluating templates on the controller
	started    bool          // --start-at-task has been reached
	warned     sync.Map
	pythonless sync.Map // hosts, by name, that have no Python
	reached    sync.Map // connections that have been told of
	mu         sync.Mutex
	strangers  map[string]*inventory.Host   // hosts that only delegate_to names
	added      []func(*inventory.Inventory) // what tasks added to the inventory
	jobs       jobs
}

// New returns a Run.
func New(o Options) *Run {
	if o.Forks < 1 {
		o.Forks = 5
	}
	r := &Run{Options: o, stats: map[string]*event.Counts{}, custom: map[string]*value.Map{}, failed: map[string]bool{}, lost: map[string]bool{},
		begin: time.Now(), resolve: make(chan struct{}, max(o.Forks, 8)), started: o.StartAt == ""}
	return r
}

// Result is how a run ended.
type Result struct {
	Failed      bool // some host failed
	Unreachable bool // some host was unreachable
	Interrupted bool
}

func (r *Run) tell(e event.Event) {
	if r.Events != nil {
		r.Events(e)
	}
}

// warn shows a warning, each text once a run.
func (r *Run) warn(text string) {
	if _, again := r.warned.LoadOrStore(text, true); !again {
		r.tell(event.Message{Kind: event.Warning, Text: text})
	}
}

func (r *Run) deprecated(text string) {
	if _, again := r.warned.LoadOrStore("deprecated: "+text, true); !again {
		r.tell(event.Message{Kind: event.Deprecation, Text: text})
	}
}

func (r *Run) counts(host string) *event.Counts {
	c := r.stats[host]
	if c == nil {
		c = &event.Counts{}
		r.stats[host] = c
	}
	return c
}

// waits sums up the time spent waiting for leases, by kind of hint.
func (r *Run) waits() map[string]event.Wait {
	out := map[string]event.Wait{}
	if r.Locks == nil {
		return out
	}
	for kind, w := range r.Locks.Stats().Waits {
		out[kind.String()] = event.Wait{Count: w.Count, Total: w.Total, Max: w.Max}
	}
	return out
}
