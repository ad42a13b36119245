package module

import (
	"context"

	"github.com/tutti-run/tutti/internal/value"
)

// Half does the work of a collection's action plugin: it is the part on the
// controller of modules that are written in Python, such as finding the file that
// a task names.
type Half struct {
	// Action is the full name of the action plugin. Several modules may share one.
	Action Name
	// NoAsync tells that a task with it cannot go on in the background.
	NoAsync bool
	// Plan decides what to call the module with; args are the task's, which it must
	// not change. Of the Plan, Done, Call.Args, Call.Files, Finish and Close count.
	Plan func(ctx context.Context, c Controller, name Name, args *value.Map) (*Plan, error)
}

// Sent stands, among the arguments of a module in Python, for the path of a file
// that goes with the call (Call.Files): on the target it has this name in a folder
// that is removed when the call has ended.
type Sent struct {
	Digest Digest
	Name   string
}
