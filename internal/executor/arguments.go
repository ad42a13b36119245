package executor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vars"
)

// watched evaluates the arguments of a module that sets variables, and notes in
// which of them a target or a lookup has a part.
func (it *item) watched(name module.Name) (*value.Map, map[string]bool, error) {
	adds := name == "ansible.builtin.add_host"
	if !adds && name != "ansible.builtin.set_fact" {
		args, err := it.arguments(name)
		return args, nil, err
	}
	seen := &vars.Foreign{Scope: it.scope, Marked: adds, Others: adds}
	if it.taskRun.foreign {
		seen.Told = []string{it.loopVar, "ansible_loop"}
	}
	scope := it.c.Vars
	it.c.Vars = seen
	args, err := it.arguments(name)
	it.c.Vars = scope
	if seen.Seen || adds && err == nil && !value.EveryText(args, func(class string) bool { return class != "AnsibleUnsafeText" }) {
		seen.Note("")
	}
	return args, seen.Noted, err
}

// foreignArguments are those that watched has noted.
func (it *item) foreignArguments() map[string]bool {
	if it.settled == nil {
		return nil
	}
	return it.settled.foreign
}

// arguments evaluates the task's arguments, module_defaults below them, and
// drops those that are omitted.
func (it *item) arguments(name module.Name) (*value.Map, error) {
	t := it.task
	args := value.NewMap(t.Args.Len())
	raw := t.Args
	if t.RawArgs != nil {
		v, err := it.Engine.Resolve(it.c, t.RawArgs)
		if err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case *value.Map:
			raw = v
		case string:
			kv, err := module.ParseKV(v, false)
			if err != nil {
				return nil, err
			}
			if left, ok := kv.Get("_raw_params"); ok {
				return nil, fmt.Errorf("invalid or malformed argument: '%s'", template.Str(left))
			}
			raw = kv
		default:
			return nil, fmt.Errorf("invalid or malformed argument: '%s'", template.Str(v))
		}
	}
	if t.ArgsTemplate != nil {
		v, err := it.Engine.Resolve(it.c, t.ArgsTemplate)
		if err != nil {
			return nil, err
		}
		m, ok := v.(*value.Map)
		if !ok {
			return nil, fmt.Errorf("invalid or malformed argument: '%s'", template.Str(v))
		}
		merged := m.Clone()
		merged.Update(raw)
		raw = merged
	}
	watch, _ := it.c.Vars.(*vars.Foreign)
	whole := watch != nil && watch.Seen // what gave all of them is foreign
	spec := it.Modules.Spec(name)
	for k, v := range raw.All() {
		if spec != nil && spec.AsWritten(value.KeyText(k)) {
			if !t.Args.Has(k) { // the module would evaluate what a template gave
				v = value.Unsafe(v)
			}
			args.Set(k, v)
			continue
		}
		resolve := it.Engine.Resolve
		if spec != nil && spec.SetsVars {
			resolve = it.Engine.ResolveVar
		}
		e, err := resolve(it.c, v)
		if err != nil {
			return nil, err
		}
		if key, ok := k.(string); ok && value.HasMarkers(key) && t.Args.Has(k) { // what a template gave is data
			if key, err = it.Engine.ResolveString(it.c, value.Text(key, t.Pos)); err != nil {
				return nil, err
			}
			k = key
		}
		if watch != nil && (whole || watch.Seen) {
			watch.Note(value.KeyText(k))
		}
		args.Set(k, e)
	}
	if err := it.defaults(name, it.task.Action, args); err != nil {
		return nil, err
	}
	return dropOmitted(args).(*value.Map), nil
}

// defaults applies module_defaults. What an inner level says of a module or of a
// group takes the place of all that outer ones do. written is the module's name as
// the user has written it.
func (it *item) defaults(name module.Name, written string, args *value.Map) error {
	if len(it.task.ModuleDefaults) == 0 {
		return nil
	}
	var action []string // gather_facts has defaults beside those of its module
	if module.Bare(written) == "gather_facts" {
		action = []string{"gather_facts", "ansible.legacy.gather_facts", "ansible.builtin.gather_facts"}
		if name.Short() == "gather_facts" {
			name = "ansible.builtin.setup"
		}
	}
	// A group's defaults give way to the module's own.
	var groups []string
	if spec := it.Modules.Spec(name); spec != nil {
		groups = spec.Groups
	}
	keys := []string{name.Short(), "ansible.legacy." + name.Short(), string(name)}
	if !slices.Contains(keys, written) && !slices.Contains(action, written) {
		keys = append([]string{written}, keys...) // a name that leads elsewhere
	}
	byGroup := map[string]*value.Map{}
	var own, outer *value.Map
	for _, raw := range it.task.ModuleDefaults {
		v, err := it.Engine.Resolve(it.c, raw)
		if err != nil {
			return err
		}
		all, ok := v.(*value.Map)
		if !ok {
			return fmt.Errorf("module_defaults must be a dictionary, not %s", template.TypeName(v))
		}
		for key, set := range all.Strings() {
			group, isGroup := strings.CutPrefix(key, "group/")
			if isGroup && !slices.Contains(groups, key) && it.Loader.Modules != nil && it.Loader.Modules.InGroup(group, name) {
				groups = append(slices.Clone(groups), key)
			}
			mine, whole := slices.Contains(keys, key), slices.Contains(action, key)
			if !mine && !whole && !slices.Contains(groups, key) {
				continue
			}
			m, ok := set.(*value.Map)
			if !ok {
				return fmt.Errorf("module_defaults of %s must be a dictionary of parameters, not %s", key, template.TypeName(set))
			}
			switch {
			case mine:
				own = m
			case whole:
				outer = m
			default:
				byGroup[key] = m
			}
		}
	}
	merged := value.NewMap(4)
	for _, group := range groups {
		if m := byGroup[group]; m != nil {
			merged.Update(m)
		}
	}
	for _, m := range []*value.Map{own, outer} {
		if m != nil {
			merged.Update(m)
		}
	}
	for k, v := range merged.All() {
		if !args.Has(k) {
			args.Set(k, v)
		}
	}
	return nil
}

// dropOmitted removes parameters whose value is omit, at any depth of dicts.
func dropOmitted(v any) any {
	switch v := v.(type) {
	case *value.Map:
		clean := true
		for _, e := range v.All() {
			if e == template.Omit {
				clean = false
			} else if _, nested := e.(*value.Map); nested {
				clean = false
			} else if _, nested := e.([]any); nested {
				clean = false
			}
		}
		if clean {
			return v
		}
		out := value.NewMap(v.Len())
		for k, e := range v.All() {
			if e != template.Omit {
				out.Set(k, dropOmitted(e))
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			if e != template.Omit {
				out = append(out, dropOmitted(e))
			}
		}
		return out
	}
	return v
}
