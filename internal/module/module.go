// Package module is the contract between Tutti and its modules: what a module
// says about itself (Spec), what it is asked (Call), what it may use (Env on
// the target, Controller on the controller) and what it answers (Result).
//
// A module that works on the target is a Target; its folder is
// module/target/<name>. One that works on the controller is a Control; its
// folder is module/control/<name>. Some modules have both halves: the control
// half prepares the call (finds a file, renders a template) and the target
// half does the work. Begin with Target and Control.
package module

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Name is a module's full name, such as ansible.builtin.copy.
type Name string

// Target is a module, or half of one, that runs on the target, in the agent.
type Target struct {
	Spec Spec

	// Run does the work. It returns when the work is done or ctx ends, and
	// leaves no process behind. A failure is a Result with Failed set (see
	// Fail). In check mode it changes nothing and predicts.
	Run func(ctx context.Context, env *Env, args Args) *Result
}

// Control is a module, or half of one, that runs on the controller.
type Control struct {
	Spec Spec

	// Plan settles everything that needs the controller: it either finishes
	// the task at once (Plan.Done) or says which call to make on the target.
	Plan func(ctx context.Context, c Controller, args Args) (*Plan, error)
}

// Plan is what a control half decided.
type Plan struct {
	// Done is the task's result if nothing has to run on the target.
	Done *Result
	// Call is the call to make on the target otherwise.
	Call *Call
	// Passes names the module of Call where that stands in for the task's: it is
	// found as if the task had named it, and what module_defaults say of it holds.
	Passes string
	// Work, if set, is what to do on the controller instead of a call.
	Work *Work
	// Finish, if set, turns the target's result into the task's: fetch compares
	// checksums, script removes nothing but reports. It runs on the controller.
	Finish func(*Result) *Result
	// Close, if set, frees what the plan holds on the controller. It is called when
	// the task has been carried out, or could not be.
	Close func()
}

// Work is what a task does on the controller when that takes time, such as
// talking to a service. It is treated as a call is: it runs under a lease for the
// module's hints, takes one of the forks and ends with the task's timeout. A Plan
// decides quickly and holds up the planning of others; a Work does not.
type Work struct {
	// Hints, if set, finds the hints that depend on something outside, such as
	// the identity of the cluster behind an address. They are added to those of
	// the Spec. It is asked before the lease is taken and holds nothing meanwhile,
	// so that all keys are taken at once, in the one order without deadlock.
	Hints func(ctx context.Context) ([]parallel.Hint, error)
	// Do does it. An error is shown as the task's failure, but for ErrAgain.
	Do func(ctx context.Context, p Pacer) (*Result, error)
}

// ErrAgain tells that a Work has to wait for what others do. The lease is given
// back and all begins anew with Work.Hints, which is the place to wait: it holds
// nothing that the others might need. It must give up some time.
var ErrAgain = errors.New("the work has to wait for others")

// Pacer spaces the calls that a Work makes to a service. It is safe for
// concurrent use.
type Pacer interface {
	// Token waits for a token of a RateLimited hint. A Work takes one before each
	// call, since it is calls that a service counts and not tasks. Other kinds of
	// hints are refused: they belong into Work.Hints.
	Token(ctx context.Context, h parallel.Hint) error
	// Throttled tells that the service answered "too many requests": all that
	// use the key slow down, and speed up again little by little.
	Throttled(key string)
}

// Call is one request to a target: complete, rendered, serialisable but for
// the sources of its files.
type Call struct {
	Module Name
	Args   *value.Map

	Check     bool
	Diff      bool
	NoLog     bool
	Verbosity int

	// Environment is added to the module's environment.
	Environment map[string]string

	// Async, in seconds, makes the call a job that outlives the connection: it
	// is started, and the result says where to ask for it (ansible_job_id). 0 is
	// an ordinary call.
	Async int

	// Locks are resources of the machine that the agent holds while the call,
	// or the job it starts, runs, so that controllers exclude each other.
	Locks []string
	// Task is the task's name, for those who wait for its locks.
	Task string
	// OnWait, if set, is told that the call does not run yet, but waits for locks
	// that another controller holds. It may be called more than once.
	OnWait func()

	// Files are the contents that the target may ask for, by digest. They stay
	// on the controller until they are asked for.
	Files map[Digest]File

	// Sink receives what the target sends back under a name (see Env.Send).
	// It is called from one goroutine, one name after the other.
	Sink func(name string, r io.Reader) error
}

// Digest is the lower-case hex SHA-1 of a file's content: the checksum that
// Ansible's modules return, so that it need not be worked out twice.
type Digest string

// File is content on the controller: Data, the file at Path, or the first Size
// bytes of Content.
type File struct {
	Path    string
	Data    []byte
	Content io.ReaderAt
	Size    int64
}

// Open gives the content, as often as it is asked for.
func (f File) Open() (io.ReadCloser, error) {
	switch {
	case f.Content != nil:
		return io.NopCloser(io.NewSectionReader(f.Content, 0, f.Size)), nil
	case f.Path != "":
		return os.Open(f.Path)
	}
	return io.NopCloser(bytes.NewReader(f.Data)), nil
}

// Env is what a target module may use of its surroundings.
type Env struct {
	Check     bool // predict only
	Diff      bool // say what changes
	NoLog     bool // do not log arguments
	Verbosity int

	// Environ is the complete environment for processes the module starts, as
	// os.Environ gives it, the task's environment applied.
	Environ []string

	// TempDir returns a private directory (0700) of this call that is removed
	// after it; it is made on first use.
	TempDir func() (string, error)

	// Open gives the content of a file that the controller holds for this call.
	// The content is streamed; the reader fails if it is not what the digest says.
	Open func(ctx context.Context, d Digest) (io.ReadCloser, error)

	// Send streams content to the controller's Call.Sink.
	Send func(ctx context.Context, name string, r io.Reader) error

	// Keep returns a helper that lives as long as the agent and that calls share,
	// started if there is none of that key; nil where nothing outlives the call.
	Keep func(key string, start func() (io.Closer, error)) (io.Closer, error)
	// Drop forgets a helper that is of no use any more.
	Drop func(key string)

	// Waits tells the controller that the call waits for a resource of the machine
	// that somebody outside holds ("dpkg", "process 412 (apt-get upgrade)"); an
	// empty holder, that the wait has ended. Use Waiting, which it may be nil for.
	Waits func(resource, holder string)
}

// Waiting calls Waits, if there is one.
func (e *Env) Waiting(resource, holder string) {
	if e.Waits != nil {
		e.Waits(resource, holder)
	}
}

// Controller is what a control half may use. It is valid during one Plan.
type Controller interface {
	// FindFile looks for name as Ansible does for this task: in the role's
	// <kind> folder, beside the task file, in the play's; kind is "files",
	// "templates", "vars" or "". The error lists where it looked.
	FindFile(kind, name string) (string, error)
	// ReadFile returns a file's content, decrypted if it is a vault.
	ReadFile(path string) ([]byte, error)
	// Render renders the text of a template file with the task's variables, and
	// writes what it makes to w as it comes. After an error w has a part of it.
	Render(w io.Writer, src *io.SectionReader, o RenderOptions) error
	// Resolve evaluates every template in v with the task's variables.
	Resolve(v any) (any, error)
	// ResolveOwn is Resolve. It also reports whether v is made of nothing but what
	// the user has written: only then may what it gives be evaluated once more.
	ResolveOwn(v any) (resolved any, own bool, err error)
	// Condition evaluates a bare conditional; vars are added to the task's.
	Condition(expr any, vars *value.Map) (bool, error)
	// Conditions gives the conditions that v stands for: itself, or what it is a
	// template of. It fails for those with text of a target or a lookup.
	Conditions(v any) ([]any, error)
	// Expr evaluates a bare expression such as "a.b". The error is ErrUndefined
	// (errors.Is) where something in it is not defined.
	Expr(text string) (any, error)
	// Var returns a variable of the task's host, evaluated; nil if undefined.
	Var(name string) any
	// LoadVars reads a file of variables (YAML or JSON, vaulted or not); its
	// templates stay unevaluated.
	LoadVars(path string) (any, error)
	// Environment is what the task adds to the environment of its module.
	Environment() (map[string]string, error)
	// Host is the inventory name of the task's host.
	Host() string
	// Hosts lists the hosts of the play that are in play for this task.
	Hosts() []string
	// Native reports whether templates keep the types of what they compute.
	Native() bool
	// Becomes reports whether the task runs as another user than the one who
	// logs in.
	Becomes() bool
	// Check, Diff and Verbosity are the task's.
	Check() bool
	Diff() bool
	Verbosity() int
	// Become is the user that the task becomes on the target, "" if it stays.
	Become() string
	// Meanwhile runs f, which takes long on the controller, so that others can go
	// on: a Plan holds a place that there are few of.
	Meanwhile(f func())
	// Prompt asks the user at the terminal; it fails where there is none.
	Prompt(ctx context.Context, text string, echo bool) (string, error)
	// Pause waits for a time or for the user; it gives what was typed. Where
	// nobody can type it waits for the time, and fails with ErrNotInteractive.
	Pause(ctx context.Context, p Pause) (string, error)
	// Say shows a line to the user while the task runs (pause).
	Say(text string)
	// Run makes a call on the target within this Plan, for the few modules that
	// must look at the target before they know what to ask (synchronize,
	// reboot). Prefer Plan.Call. Whether it is one in check mode is what the Call
	// says, not the task.
	Run(ctx context.Context, call *Call) (*Result, error)
	// Raw runs a command on the target without an agent.
	Raw(ctx context.Context, command string) (stdout, stderr []byte, rc int, err error)
	// Reset drops the connection to the target; the next call makes a new one.
	Reset(ctx context.Context) error
	// Ping tells whether the target answers now, on a new connection.
	Ping(ctx context.Context) error
}

// Pause is what the user is told while a task waits. Without Seconds it waits
// for return.
type Pause struct {
	Prompt  string
	Seconds int
	Echo    bool // show what is typed
}

// ErrNotInteractive tells that there is no terminal to ask at.
var ErrNotInteractive = errors.New("no terminal to ask at")

// ErrUndefined marks the error of a Controller about something undefined.
var ErrUndefined = errors.New("undefined")

// RenderOptions are the template module's own settings.
type RenderOptions struct {
	Path                       string // of the template, for ansible_managed, template_path and errors
	Dest                       string
	NewlineSequence            string
	BlockStart, BlockEnd       string
	VariableStart, VariableEnd string
	CommentStart, CommentEnd   string
	TrimBlocks, LstripBlocks   bool
	Vars                       *value.Map // added to the task's
}
