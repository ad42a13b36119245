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

// Censor returns args as they may be shown: what is marked NoLog is replaced,
// what belongs to the module itself is left out.
func (s *Spec) Censor(args *value.Map) *value.Map { return censor(s.Params, args) }

func censor(params []Param, args *value.Map) *value.Map {
	out := value.NewMap(args.Len())
	for k, v := range args.All() {
		p := paramNamed(params, k)
		switch {
		case p == nil:
		case p.Internal:
			continue
		case p.Unshown:
			v = nil
		case p.NoLog && v != nil:
			v = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
		case p.Options != nil:
			switch e := v.(type) {
			case *value.Map:
				v = censor(p.Options, e)
			case []any:
				list := make([]any, len(e))
				for i, x := range e {
					list[i] = x
					if m, ok := x.(*value.Map); ok {
						list[i] = censor(p.Options, m)
					}
				}
				v = list
			}
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
