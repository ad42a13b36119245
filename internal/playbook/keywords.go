package playbook

import (
	"slices"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

// Keyword is one of the keywords that a task inherits from what encloses it:
// block, role, play. The nearest one given wins.
type Keyword uint8

// The inherited keywords.
const (
	AnyErrorsFatal Keyword = iota
	Become
	BecomeExe
	BecomeFlags
	BecomeMethod
	BecomeUser
	CheckMode
	Connection
	Debugger
	DelegateFacts
	DelegateTo
	Diff
	IgnoreErrors
	IgnoreUnreachable
	NoLog
	Port
	RemoteUser
	RunOnce
	Throttle
	Timeout
	keywordCount
)

// inherited maps the spelling of each inherited keyword to itself.
var inherited = map[string]Keyword{
	"any_errors_fatal": AnyErrorsFatal, "become": Become, "become_exe": BecomeExe, "become_flags": BecomeFlags,
	"become_method": BecomeMethod, "become_user": BecomeUser, "check_mode": CheckMode, "connection": Connection,
	"debugger": Debugger, "delegate_facts": DelegateFacts, "delegate_to": DelegateTo, "diff": Diff,
	"ignore_errors": IgnoreErrors, "ignore_unreachable": IgnoreUnreachable, "no_log": NoLog, "port": Port,
	"remote_user": RemoteUser, "run_once": RunOnce, "throttle": Throttle, "timeout": Timeout,
}

// The keywords of each kind of node, beyond the inherited ones.
var (
	everyKeywords = []string{"name", "vars", "module_defaults", "environment", "tags", "collections"}
	playKeywords  = []string{"hosts", "gather_facts", "gather_subset", "gather_timeout", "fact_path", "vars_files", "vars_prompt",
		"roles", "handlers", "pre_tasks", "tasks", "post_tasks", "force_handlers", "max_fail_percentage", "serial", "strategy", "order", "user"}
	blockKeywords = []string{"block", "rescue", "always", "when", "notify"}
	taskKeywords  = []string{"action", "local_action", "args", "async", "poll", "changed_when", "failed_when", "delay", "retries", "until",
		"loop", "loop_control", "notify", "register", "when"}
	handlerKeywords = append(slices.Clone(taskKeywords), "listen")
	roleKeywords    = []string{"role", "when"}
)

// String is the keyword as it is written.
func (w Keyword) String() string {
	for name, k := range inherited {
		if k == w {
			return name
		}
	}
	return ""
}

// Cond is one conditional with its place.
type Cond struct {
	Expr any
	Pos  diag.Pos
}

// Keywords are what a node says, or what it says together with everything that
// encloses it. Values are raw: templates in them are not evaluated yet.
type Keywords struct {
	values [keywordCount]any
	outer  *Keywords // what encloses the node says

	When           []Cond       // all have to hold, the outermost first
	Tags           []any        // union
	Environment    []any        // dicts or templates of dicts, the outermost first
	ModuleDefaults []any        // dicts or templates of dicts, the outermost first
	Vars           []*value.Map // the outermost first; later ones win
	Collections    []string
	Notify         []any // of the nearest node that has any; nil if none has

	// IncludeParams are the variables of the dynamic includes around a task, at
	// the precedence of include parameters; the outermost first.
	IncludeParams []*value.Map
}

// Get returns the value of a keyword; ok is false if nobody gave it, or if the
// nearest one that gave it left it empty.
func (k *Keywords) Get(w Keyword) (v any, ok bool) {
	v = k.values[w]
	if v == left {
		return nil, false
	}
	return v, v != nil
}

// LeftEmpty reports whether a keyword is written without a value: what is around
// the node does not count then.
func (k *Keywords) LeftEmpty(w Keyword) bool { return k.values[w] == left }

// left is the value of an inherited keyword that is written without one.
var left any = new(struct{ byte })

// Outer is what the nodes around this one say, nil if there are none. A value
// that turns out to be omitted is looked for there.
func (k *Keywords) Outer() *Keywords { return k.outer }

// Inherit returns the keywords of a node that says own inside of k.
func (k *Keywords) Inherit(own *Keywords) *Keywords {
	out := *own
	out.outer = k
	for i, v := range k.values {
		if out.values[i] == nil {
			out.values[i] = v
		}
	}
	out.When = concat(k.When, own.When)
	out.Tags = concat(k.Tags, own.Tags)
	out.Environment = concat(k.Environment, own.Environment)
	out.ModuleDefaults = concat(k.ModuleDefaults, own.ModuleDefaults)
	out.Vars = concat(k.Vars, own.Vars)
	if own.Notify == nil {
		out.Notify = k.Notify
	}
	out.IncludeParams = concat(k.IncludeParams, own.IncludeParams)
	if own.Collections == nil {
		out.Collections = k.Collections
	}
	return &out
}

// With returns a copy of k with one keyword set.
func (k *Keywords) With(w Keyword, v any) *Keywords {
	out := *k
	out.values[w] = v
	return &out
}

func concat[T any](a, b []T) []T {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	return append(slices.Clip(slices.Clone(a)), b...)
}

// Reserved lists the keywords of plays, roles, blocks and tasks: names that a
// variable had better not have.
func Reserved() []string {
	var out []string
	for name := range inherited {
		out = append(out, name)
	}
	for _, l := range [][]string{everyKeywords, playKeywords, blockKeywords, taskKeywords, roleKeywords} {
		out = append(out, l...)
	}
	return out
}
