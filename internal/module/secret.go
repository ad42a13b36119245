package module

import (
	"fmt"

	"github.com/tutti-run/tutti/internal/value"
)

// Secrets lists the texts in args that belong to parameters marked NoLog: what
// must not appear in any result.
func (s *Spec) Secrets(args *value.Map) []string {
	var out []string
	secrets(s.Params, args, &out)
	return out
}

func secrets(params []Param, args *value.Map, out *[]string) {
	for _, p := range params {
		for _, name := range append([]string{p.Name}, p.Aliases...) {
			v, ok := args.Get(name)
			switch {
			case !ok || v == nil:
			case p.NoLog:
				texts(v, out)
			case p.Options != nil:
				for _, m := range dictsOf(v) {
					secrets(p.Options, m, out)
				}
			}
		}
	}
}

func texts(v any, out *[]string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			texts(e, out)
		}
	case *value.Map:
		for _, e := range v.All() {
			texts(e, out)
		}
	case bool, nil:
	default:
		if s := fmt.Sprint(v); s != "" {
			*out = append(*out, s)
		}
	}
}

func dictsOf(v any) []*value.Map {
	switch v := v.(type) {
	case *value.Map:
		return []*value.Map{v}
	case []any:
		var out []*value.Map
		for _, e := range v {
			if m, ok := e.(*value.Map); ok {
				out = append(out, m)
			}
		}
		return out
	}
	return nil
}

// Invocation is what a result tells of its arguments: every parameter, null where
// it has no value, and what else the user gave, under the names that he used. What is
// secret, or the module's own, is left out. raw is what the user gave, args what
// could be made of it.
func (s *Spec) Invocation(args Args, raw *value.Map) *value.Map {
	out := value.NewMap(len(s.Params) + 2)
	for i := range s.Params {
		p := &s.Params[i]
		if p.Internal {
			continue
		}
		v, ok := any(nil), false
		if args.values != nil {
			v, ok = args.values.Get(p.Name)
		}
		if !ok {
			v = raw.At(p.Name)
		}
		name := p.Name
		if name == s.FreeForm {
			if name = RawParams; v == nil {
				v = raw.At(name)
			}
		}
		out.Set(name, p.censor(v))
	}
	for k, v := range raw.All() {
		p := paramNamed(s.Params, k)
		switch {
		case out.Has(k) || k == s.FreeForm || p != nil && p.Internal:
		case p != nil:
			out.Set(k, p.censor(v))
		default:
			out.Set(k, v)
		}
	}
	return out
}

// censor is a value of the parameter as it may be shown.
func (p *Param) censor(v any) any {
	switch {
	case v == nil || p.Unshown:
		return nil
	case p.NoLog:
		return "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
	case p.Options == nil:
		return v
	}
	switch v := v.(type) {
	case *value.Map:
		return censorOptions(p.Options, v)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = e
			if m, ok := e.(*value.Map); ok {
				list[i] = censorOptions(p.Options, m)
			}
		}
		return list
	}
	return v
}

func censorOptions(params []Param, options *value.Map) *value.Map {
	out := value.NewMap(options.Len())
	for k, v := range options.All() {
		if p := paramNamed(params, k); p != nil {
			v = p.censor(v)
		}
		out.Set(k, v)
	}
	return out
}

func paramNamed(params []Param, name any) *Param {
	for i := range params {
		if params[i].Name == name {
			return &params[i]
		}
		for _, a := range params[i].Aliases {
			if a == name {
				return &params[i]
			}
		}
	}
	return nil
}

// AsWritten reports whether the value of a parameter reaches the module
// without being evaluated (the conditions of assert).
func (s *Spec) AsWritten(name string) bool {
	p := paramNamed(s.Params, name)
	return p != nil && p.AsWritten
}
