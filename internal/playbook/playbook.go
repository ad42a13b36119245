// Package playbook reads playbooks, plays, roles, blocks and tasks into an
// immutable tree in which every node knows its file, line and column.
//
// Static imports are expanded while reading; dynamic includes stay in the tree
// as tasks and are read, by the same Loader, when the executor reaches them.
// What a node inherits from block, role and play is worked out here, once: see
// Keywords. Begin with Loader.Playbook.
package playbook

import (
	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

// Playbook is one playbook file with the playbooks it imports.
type Playbook struct {
	Path  string
	Plays []*Play
}

// Play is one play.
type Play struct {
	Pos  diag.Pos
	Path string // of the playbook file that holds it
	Name any    // "" if it has none
	// Hosts is the pattern: text or a list of texts.
	Hosts any
	*Keywords

	GatherFacts   any
	GatherSubset  any
	GatherTimeout any
	FactPath      any
	VarsFiles     []any // each a path, or a list of paths of which the first that exists counts
	VarsPrompt    []Prompt
	Serial        []any
	Strategy      any
	Order         any
	MaxFail       any // max_fail_percentage
	ForceHandlers any

	Roles     []*Role // listed under roles: or imported, with their dependencies before them
	PreTasks  []*Block
	RoleTasks []*Block
	Tasks     []*Block
	PostTasks []*Block
	Handlers  []*Task // of its roles, then its own, then of imported roles
}

// Prompt is one entry of vars_prompt.
type Prompt struct {
	Pos      diag.Pos
	Name     string
	Prompt   any
	Default  any
	Private  bool
	Confirm  bool
	Encrypt  string
	Salt     string
	SaltSize int
	Unsafe   bool
}

// Item is a *Task or a *Block.
type Item interface {
	Position() diag.Pos
	item()
}

// Block is a list of items that share keywords, with its rescue and always
// parts. A file of tasks, a role's tasks and an expanded import are blocks too.
type Block struct {
	Pos      diag.Pos
	Name     any
	Implicit bool // not written as a block
	Together bool // its tasks run at the same time (vars: tutti_block_parallel)
	*Keywords
	Role   *Role
	Items  []Item
	Rescue []Item
	Always []Item
	// Handlers are those of roles that an included file imports.
	Handlers []*Task
}

// Position returns where the block stands.
func (b *Block) Position() diag.Pos { return b.Pos }
func (b *Block) item()              {}

// TaskID numbers the tasks of a run.
type TaskID int

// Kind says who carries a task out.
type Kind uint8

// The kinds of tasks.
const (
	// ModuleTask runs a module.
	ModuleTask Kind = iota
	// MetaTask changes the course of the run (meta: flush_handlers).
	MetaTask
	// IncludeTasks reads a file of tasks when it is reached.
	IncludeTasks
	// IncludeRole reads a role when it is reached.
	IncludeRole
	// RoleComplete marks the end of a role's tasks.
	RoleComplete
)

// Task is one task.
type Task struct {
	ID   TaskID
	Pos  diag.Pos
	Name any // nil if it has none
	Kind Kind
	*Keywords
	Role *Role
	// ParentRoles are the roles that brought this one in, the outermost first.
	Dir string // of the file that holds the task

	Action string      // as written
	Module module.Name // resolved; "" for a name that holds a template
	Python Python      // where it lies, if it is not native
	Args   *value.Map  // raw
	// ArgsTemplate is `args: "{{ dict }}"`, whose entries lie under Args.
	ArgsTemplate any
	// RawArgs is set where the whole of the arguments is a template
	// (`copy: "{{ options }}"`).
	RawArgs any

	Loop        *Loop
	Register    string
	Listen      []any
	ChangedWhen []Cond
	FailedWhen  []Cond
	Until       []Cond
	Retries     any
	Delay       any
	Async       any
	Poll        any
	Local       bool // local_action

	// Include holds what include_tasks and include_role need besides Args.
	Include *Include
	// Handler marks a task of a handlers section.
	Handler bool
	// Implicit marks tasks that Tutti adds itself (fact gathering, flushes).
	Implicit bool
	// Own are the task's keywords without what it inherits.
	Own *Keywords
	// Parent is what a dynamic include hands on to the tasks it brings in.
	Parent *Keywords
}

// Position returns where the task stands.
func (t *Task) Position() diag.Pos { return t.Pos }
func (t *Task) item()              {}

// Include is what a dynamic include says beyond its file or role.
type Include struct {
	Apply *Keywords // apply: keywords of every included task
}

// Loop is loop: or with_<lookup>:.
type Loop struct {
	Pos    diag.Pos
	Lookup string // "" for loop:
	Value  any
	Control
}

// Control is loop_control.
type Control struct {
	LoopVar  any // "item" if nil
	IndexVar any
	Label    any
	Pause    any
	Extended any
	// ExtendedAllItems tells whether ansible_loop.allitems is wanted; nil is yes.
	ExtendedAllItems any
}
