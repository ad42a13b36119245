// Package half does what the action plugins of some collections do: the part of
// their modules that runs on the controller, before a module in Python runs on the
// target.
package half

import (
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/source"
	"github.com/tutti-run/tutti/internal/value"
)

// All returns every half. They share a cache of the digests of files.
func All(cache *source.Cache) []*module.Half {
	return append(kubernetes(), copyInto(), newPatch(cache), s3Object())
}

// with are the arguments with one of them changed.
func with(args *value.Map, name string, v any) *value.Map {
	changed := args.Clone()
	changed.Set(name, v)
	return changed
}

// call is the plan to call the module with these arguments.
func call(name module.Name, args *value.Map) *module.Plan {
	return &module.Plan{Call: &module.Call{Module: name, Args: args}}
}

// given reports whether a parameter has a value that says something.
func given(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case *value.Map:
		return v.Len() > 0
	case []any:
		return len(v) > 0
	}
	return true
}
