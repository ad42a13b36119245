package module

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

// Mistake is something wrong with a task's arguments that shows before it runs.
type Mistake struct {
	Param string // as the user wrote it, at the top level of the arguments
	Msg   string
	Hint  string // the likely fix, if there is one
}

// Inspect looks at arguments as they stand in the playbook: unknown names, and
// values without templates that are of the wrong type or no choice. What
// depends on variables is left for Parse.
func (s *Spec) Inspect(raw *value.Map) []Mistake {
	var found []Mistake
	folded, err := s.foldFreeForm(raw)
	if err != nil {
		return []Mistake{{Param: RawParams, Msg: err.Error()}}
	}
	for k, v := range folded.All() {
		name := value.Str(k)
		param := s.param(name)
		switch {
		case param == nil && s.AnyParams:
		case param == nil:
			p := parser{}
			p.fold(s.Params, value.MapOf(k, v), &value.Map{}, nil, nil)
			m := Mistake{Param: name, Msg: "Unsupported parameters for (" + s.Name.Short() + ") module: " + p.unsupportedText()}
			if near := diag.Nearest(name, s.paramNames()); near != "" {
				m.Hint = "did you mean " + near + "?"
			}
			found = append(found, m)
		case v == nil || value.HasTemplates(v):
		default:
			p, values := parser{}, value.MapOf(param.Name, v)
			p.typed(param, values, nil)
			if p.first() == nil {
				p.choice(param, values, nil)
			}
			if p.first() == nil && param.Options != nil {
				p.options(param, values, nil)
			}
			msg := ""
			switch {
			case p.first() != nil:
				msg = p.first().Error()
			case p.unsupported != nil:
				msg = "Unsupported parameters for (" + s.Name.Short() + ") module: " + p.unsupportedText()
			default:
				continue
			}
			m := Mistake{Param: name, Msg: msg, Hint: typeHint(param.Type)}
			if text, ok := v.(string); ok && len(param.Choices) > 0 {
				if near := diag.Nearest(text, strings.Split(choiceText(param.Choices), ", ")); near != "" {
					m.Hint = "did you mean " + near + "?"
				}
			}
			found = append(found, m)
		}
	}
	return found
}

// typeHint says how a value of a type is written.
func typeHint(t Type) string {
	switch t {
	case Int:
		return "write a whole number"
	case Float:
		return "write a number"
	case Bool:
		return "write true or false"
	case List:
		return "write a list: [a, b]"
	case Dict:
		return "write a dictionary: {a: b}"
	case Bytes, Bits:
		return "write a size, such as 10M"
	}
	return ""
}

// param finds a user's parameter by name or alias, nil if there is none.
func (s *Spec) param(name string) *Param {
	for i := range s.Params {
		p := &s.Params[i]
		if !p.Internal && (p.Name == name || slices.Contains(p.Aliases, name)) {
			return p
		}
	}
	return nil
}

func (s *Spec) paramNames() []string {
	var names []string
	for i := range s.Params {
		if !s.Params[i].Internal {
			names = append(append(names, s.Params[i].Name), s.Params[i].Aliases...)
		}
	}
	return names
}
