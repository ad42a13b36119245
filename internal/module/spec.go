package module

import "github.com/tutti-run/tutti/parallel"

// Type is a parameter's type, by Ansible's name for it.
type Type string

// The types of Ansible's argument specifications. An empty Type is Str.
const (
	Str     Type = "str"
	Int     Type = "int"
	Float   Type = "float"
	Bool    Type = "bool"
	List    Type = "list"
	Dict    Type = "dict"
	Path    Type = "path"
	Raw     Type = "raw"
	JSONArg Type = "jsonarg"
	JSON    Type = "json" // another name for JSONArg
	Bytes   Type = "bytes"
	Bits    Type = "bits"
)

// Spec is everything a module says about itself. Argument checking, `tutti
// doc`, the reference pages and the hint table all come from it.
type Spec struct {
	Name    Name
	Aliases []Name   // other full names of the same module
	Groups  []string // of module_defaults, as a playbook names them: "group/aws"
	Summary string   // one sentence
	Notes   []string

	Params []Param
	Rules  Rules

	// Lacking, if set, is said when a required parameter is missing, instead of
	// its name: Ansible has a few modules with words of their own for that.
	Lacking string

	// Called, if set, names the module in what is said of parameters that it does
	// not have: where Ansible's action runs a module, the module says it.
	Called string

	// FreeForm names the parameter that takes the text of a task written as
	// `command: echo hi`; empty where the module takes none.
	FreeForm string
	// AnyParams allows parameters beyond Params (set_fact, add_host).
	AnyParams bool

	// Action modules are in Ansible nothing that runs on a target: their results do
	// not tell the arguments.
	Action bool
	// SetsVars modules turn their arguments into variables (set_fact): text stays
	// text and what is vaulted stays so.
	SetsVars bool
	// OncePerPlay modules run on the first host for all (add_host, pause).
	OncePerPlay bool

	// Hints say what may run at the same time. There is always at least one.
	Hints []parallel.Hint
	// HintsFor, if set, decides from the arguments and replaces Hints.
	HintsFor func(args Args, check bool) []parallel.Hint
	// HintDoc says in words what HintsFor decides, or what comes on top of Hints.
	HintDoc string

	Check Support
	Diff  Support

	Returns []Return
}

// Support says how far a module goes along with check mode or diff.
type Support string

// Full, Partial and None are the words of Ansible's documentation.
const (
	Full    Support = "full"
	Partial Support = "partial"
	None    Support = "none"
)

// Param is one parameter.
type Param struct {
	Name     string
	Type     Type
	Elements Type // of a List
	Default  any  // nil where there is none; in the parameter's own type
	Required bool
	Choices  []any
	Aliases  []string
	// Env names a variable of the target's environment that is the value where
	// the user gives none; it comes before Default.
	Env   string
	NoLog bool // the value must never be shown

	// Options are the parameters inside a Dict, or inside each Dict of a List.
	Options []Param
	Rules   Rules // among Options
	// ApplyDefaults fills in what Options have as defaults where the user gives no
	// Dict at all.
	ApplyDefaults bool

	// Internal parameters are set by the module's own control half; a user who
	// gives one is refused.
	Internal bool

	// Unshown parameters are left out where arguments are shown: a content may
	// hold anything, and is long.
	Unshown bool
	// AsWritten parameters reach the control half as they stand in the playbook,
	// templates and all, since they are conditions (assert's that).
	AsWritten bool

	Doc string
}

// Rules tie parameters together.
type Rules struct {
	MutuallyExclusive [][]string
	RequiredTogether  [][]string
	RequiredOneOf     [][]string
	RequiredIf        []RequiredIf
	RequiredBy        map[string][]string
}

// RequiredIf asks for Needs (all of them, or one if Any) when Param is Value.
type RequiredIf struct {
	Param string
	Value any
	Needs []string
	Any   bool
}

// Return documents one returned value.
type Return struct {
	Name string
	Type Type
	When string // "always", "success", "changed", ...
	Doc  string
}

// HintsOf returns the hints for a call with these arguments.
func (s *Spec) HintsOf(args Args, check bool) []parallel.Hint {
	if s.HintsFor != nil {
		return s.HintsFor(args, check)
	}
	return s.Hints
}
