// Package event is what happens in a run: a closed set of events, told by the
// executor and shown by the packages below output.
//
// A Sink is called from many goroutines and in the order in which things
// happened; Events makes one out of several. An event is complete and nobody
// changes it.
package event

import (
	"sync"
	"time"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

// Event is one thing that happened.
type Event interface{ event() }

// Sink takes events.
type Sink func(Event)

// Events passes each event to all sinks, one event at a time.
func Events(sinks ...Sink) Sink {
	var mu sync.Mutex
	return func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range sinks {
			s(e)
		}
	}
}

// Task is what events tell about a task.
type Task struct {
	ID      int
	Name    string     // as shown: with its role
	Role    string     // that it is in, if any
	Args    *value.Map // as they are written; nil if they are not to be told
	Action  string
	Pos     diag.Pos
	Handler bool
	Check   bool
	Loop    bool
	Include bool
	Local   bool // carried out by the executor itself: include, meta
}

// Status is how a task ended on a host, or one item of its loop.
type Status uint8

// The ways for a task to end.
const (
	OK Status = iota + 1
	Changed
	Skipped
	Failed
	Unreachable
)

// String gives the word that results are shown with.
func (s Status) String() string {
	return [...]string{"", "ok", "changed", "skipped", "failed", "unreachable"}[s]
}

// Spent is how long the parts of a task took.
type Spent struct {
	Begin time.Time
	Total time.Duration
	Wait  time.Duration // for leases
	Run   time.Duration // on the target, or in the module on the controller
}

// RunStart opens a run.
type RunStart struct {
	RunID     string
	Playbook  string
	Plays     int
	Check     bool
	Arguments []string
}

// PlayStart opens a play.
type PlayStart struct {
	Name     string
	Strategy string
	Hosts    []string
	Check    bool
	Pos      diag.Pos
}

// NoHosts tells that a play has nobody to run on: none matched its pattern, or
// none is left.
type NoHosts struct{ Remaining bool }

// TaskStart opens a task, on the hosts that begin it together.
type TaskStart struct {
	Task  Task
	Hosts []string
	// Banner tells that the task's heading is to be shown now; under the free
	// strategies it comes with the first result.
	Banner bool
}

// Result is the end of a task on one host, or of one item of its loop.
type Result struct {
	Task      Task
	Host      string
	Delegated string // where it ran, if not on Host
	Status    Status
	Ignored   bool // failed or unreachable, and the play goes on
	Rescued   bool // failed, and a rescue part takes over
	Item      bool // one item; the whole follows
	Label     string
	Result    *value.Map // censored where no_log asks for it
	Diff      bool       // the user asked to see diffs
	Verbose   bool       // the result is what the task is for (debug): always shown
	Quiet     bool       // the result is too long to be shown by -v (facts)
	Looped    bool       // its items were told before
	Spent     Spent
}

// Retry tells that a task will be tried again.
type Retry struct {
	Task    Task
	Host    string
	Left    int
	Result  *value.Map
	Verbose bool // show the result, whatever the verbosity
}

// AsyncPoll tells that a background job was asked after.
type AsyncPoll struct {
	Host     string
	JobID    string
	Started  int
	Finished int
}

// AsyncEnd tells that a background job ended.
type AsyncEnd struct {
	Host   string
	JobID  string
	Failed bool
}

// Included tells that a file or role was brought in for some hosts.
type Included struct {
	File  string
	Hosts []string
	Label string
}

// Notified tells that a handler was notified for a host.
type Notified struct {
	Handler string
	Host    string
}

// Message is a line for the user: a warning, a deprecation, or, from the given
// verbosity on, a remark.
type Message struct {
	Kind      MessageKind
	Text      string
	Verbosity int
	Host      string
}

// MessageKind says how a message is shown.
type MessageKind uint8

// The kinds of messages.
const (
	Info MessageKind = iota
	Warning
	Deprecation
	Debug
	Error
)

// Lock is one step of one request for a lock, a slot or a token.
type Lock struct {
	Step   string // wait, acquire, release, cancel
	Time   time.Time
	Key    string
	Owner  string
	Holder string
	Held   time.Duration
	Queue  int
	Waited time.Duration
	// Rate and Burst are those of a rate key, for whoever checks the log.
	Rate  float64
	Burst int
}

// Counts are a host's line of the recap.
type Counts struct {
	OK, Changed, Unreachable, Failed, Skipped, Rescued, Ignored int
}

// Recap closes a run.
type Recap struct {
	Hosts map[string]Counts
	// Stats are those of set_stats, by host; "_run" holds those of the run.
	Stats map[string]*value.Map
	// Waits sum up the time spent waiting, by kind of hint.
	Waits map[string]Wait
	// Interrupted tells that the user stopped the run.
	Interrupted bool
	Elapsed     time.Duration
}

// Wait sums up the waits of one kind.
type Wait struct {
	Count int
	Total time.Duration
	Max   time.Duration
}

func (RunStart) event()  {}
func (PlayStart) event() {}
func (NoHosts) event()   {}
func (TaskStart) event() {}
func (Result) event()    {}
func (Retry) event()     {}
func (AsyncPoll) event() {}
func (AsyncEnd) event()  {}
func (Included) event()  {}
func (Notified) event()  {}
func (Message) event()   {}
func (Lock) event()      {}
func (Recap) event()     {}
