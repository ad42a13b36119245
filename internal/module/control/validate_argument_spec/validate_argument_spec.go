// Package validateargumentspec is the module that checks variables against an
// argument specification, as roles with one do on their own.
package validateargumentspec

import (
	"context"
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module checks variables against an argument specification.
var Module = module.Control{
	Spec: module.Spec{
		Name: "ansible.builtin.validate_argument_spec", Action: true,
		Summary:   "Checks variables against an argument specification.",
		AnyParams: true, // others are of no meaning
		Params: []module.Param{
			{Name: "argument_spec", Type: module.Raw, Doc: "The specification, by name of the argument."},
			{Name: "provided_arguments", Type: module.Raw, Doc: "Values that go before the host's variables."},
			{Name: "validate_args_context", Type: module.Raw, Doc: "What is being checked, for the result."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "argument_errors", Type: module.List, When: "failure", Doc: "What is wrong."},
			{Name: "argument_spec_data", Type: module.Dict, When: "failure", Doc: "The specification."},
			{Name: "validate_args_context", Type: module.Dict, When: "always", Doc: "What was checked."},
		},
	},
	Plan: plan,
}

func plan(_ context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	if !args.Given("argument_spec") {
		return nil, fmt.Errorf("\"argument_spec\" arg is required in args: %s", value.Repr(args.Map()))
	}
	data, ok := args.Any("argument_spec").(*value.Map)
	if !ok {
		return nil, fmt.Errorf("Incorrect type for argument_spec, expected dict and got <class '%s'>", value.TypeName(args.Any("argument_spec")))
	}
	provided, ok := args.Any("provided_arguments").(*value.Map)
	if !ok && args.Has("provided_arguments") {
		return nil, fmt.Errorf("Incorrect type for provided_arguments, expected dict and got <class '%s'>", value.TypeName(args.Any("provided_arguments")))
	}
	params, err := paramsOf(data)
	if err != nil {
		return nil, err
	}
	raw := value.NewMap(data.Len())
	for name := range data.Strings() {
		if module.CheckVarName(name) != nil {
			continue // no variable can have it, and it is not to be evaluated
		}
		v, err := c.Expr(name)
		switch {
		case err == nil:
			raw.Set(name, v)
		case err.Error() != "'"+name+"' is undefined": // what it is made of is
			return nil, err
		}
	}
	raw.Update(provided)
	r := module.OK()
	if v := args.Any("validate_args_context"); v != nil {
		r.Set("validate_args_context", v)
	} else {
		r.Set("validate_args_context", value.NewMap(0))
	}
	spec := module.Spec{Params: params}
	_, errs := spec.ParseAll(raw)
	if err := contradiction(data); err != nil {
		errs = append([]error{err}, errs...)
	}
	if len(errs) > 0 {
		texts := make([]string, len(errs))
		for i, err := range errs {
			texts[i] = err.Error()
		}
		r.Failed, r.Msg = true, "Validation of arguments failed:\n"+strings.Join(texts, "\n")
		r.Set("argument_spec_data", data).Set("argument_errors", value.FromGo(texts))
		return &module.Plan{Done: r}, nil
	}
	r.Msg = "The arg spec validation passed"
	return &module.Plan{Done: r}, nil
}

var types = map[string]module.Type{
	"str": module.Str, "int": module.Int, "float": module.Float, "bool": module.Bool, "list": module.List,
	"dict": module.Dict, "path": module.Path, "raw": module.Raw, "jsonarg": module.JSONArg, "json": module.JSON,
	"bytes": module.Bytes, "bits": module.Bits,
}

// paramsOf reads a specification as roles write it in meta/argument_specs.yml.
func paramsOf(data *value.Map) ([]module.Param, error) {
	params := make([]module.Param, 0, data.Len())
	for name, v := range data.Strings() {
		spec, ok := v.(*value.Map)
		if !ok && v != nil {
			return nil, fmt.Errorf("argument_spec of %s must be a dict, not %s", name, value.TypeName(v))
		}
		p := module.Param{Name: name, Default: spec.At("default"), Type: module.Str}
		p.Required, _ = spec.At("required").(bool)
		p.ApplyDefaults, _ = spec.At("apply_defaults").(bool)
		p.NoLog, _ = spec.At("no_log").(bool)
		if c, ok := spec.At("choices").([]any); ok {
			p.Choices = c
		}
		for _, a := range list(spec.At("aliases")) {
			p.Aliases = append(p.Aliases, value.Str(a))
		}
		for key, into := range map[string]*module.Type{"type": &p.Type, "elements": &p.Elements} {
			if text := spec.At(key); text != nil {
				t, ok := types[value.Str(text)]
				if !ok {
					return nil, fmt.Errorf("argument_spec of %s: unknown %s %q", name, key, value.Str(text))
				}
				*into = t
			}
		}
		if options, ok := spec.At("options").(*value.Map); ok {
			var err error
			if p.Options, err = paramsOf(options); err != nil {
				return nil, err
			}
			p.Rules = rulesOf(spec)
		}
		params = append(params, p)
	}
	return params, nil
}

// contradiction finds an argument that cannot be as it is specified.
func contradiction(data *value.Map) error {
	for name, v := range data.Strings() {
		spec, _ := v.(*value.Map)
		if spec == nil {
			continue
		}
		if spec.At("required") == true && spec.At("default") != nil {
			return fmt.Errorf("internal error: required and default are mutually exclusive for %s", name)
		}
		if aliases := spec.At("aliases"); aliases != nil && list(aliases) == nil {
			return fmt.Errorf("internal error: aliases must be a list or tuple")
		}
	}
	return nil
}

func list(v any) []any { l, _ := v.([]any); return l }

func rulesOf(spec *value.Map) module.Rules {
	var r module.Rules
	for key, into := range map[string]*[][]string{
		"mutually_exclusive": &r.MutuallyExclusive, "required_together": &r.RequiredTogether, "required_one_of": &r.RequiredOneOf,
	} {
		for _, group := range list(spec.At(key)) {
			*into = append(*into, texts(group))
		}
	}
	for _, e := range list(spec.At("required_if")) {
		if rule := list(e); len(rule) >= 3 {
			r.RequiredIf = append(r.RequiredIf, module.RequiredIf{
				Param: value.Str(rule[0]), Value: rule[1], Needs: texts(rule[2]), Any: len(rule) > 3 && rule[3] == true,
			})
		}
	}
	if by, ok := spec.At("required_by").(*value.Map); ok {
		r.RequiredBy = map[string][]string{}
		for name, needs := range by.Strings() {
			if s, ok := needs.(string); ok {
				needs = []any{s}
			}
			r.RequiredBy[name] = texts(needs)
		}
	}
	return r
}

func texts(v any) []string {
	var out []string
	for _, e := range list(v) {
		out = append(out, value.Str(e))
	}
	return out
}
