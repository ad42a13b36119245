package template

import (
	"math/big"

	"github.com/tutti-run/tutti/internal/template/yamldump"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// toYAML is to_yaml with the options of yaml.dump.
func toYAML(c *call, flowStyle any, indent int) (any, error) {
	o := yamldump.Options{Indent: indent, Other: func(v any) (any, error) { return yamlable(c, v) }}
	switch flowStyle {
	case true:
		o.Style = yamldump.Flow
	case false:
		o.Style = yamldump.Block
	}
	for k, v := range c.kw.Strings() {
		switch k {
		case "indent", "width":
			n := 0
			if v != nil {
				f, ok := asFloat(v) // width=inf is a known way to get long lines
				if !ok {
					return nil, filterErr("%s - %s must be a number, not %s", c.name, k, TypeName(v))
				}
				n = int(min(f, 1<<30))
			}
			if k == "indent" {
				o.Indent = n
			} else {
				o.Width = n
			}
		case "sort_keys":
			o.KeepOrder = !Bool(v)
		case "explicit_start":
			o.ExplicitStart = Bool(v)
		case "explicit_end":
			o.ExplicitEnd = Bool(v)
		case "default_style":
			if s, ok := asStr(v); ok && s != "" {
				o.Quote = s[0]
			}
		case "line_break", "encoding", "version", "tags", "canonical":
		default:
			return nil, filterErr("%s - dump_all() got an unexpected keyword argument '%s'", c.name, k)
		}
	}
	if err := failUndefined(c.a[0]); err != nil {
		return nil, err
	}
	s, err := yamldump.Dump(c.a[0], o)
	if err != nil {
		if _, ours := err.(*Error); ours {
			return nil, err
		}
		return nil, filterErr("%s - %s", c.name, err)
	}
	return nativeText(s), c.room(len(s))
}

// yamlable turns the engine's own values into what YAML has.
func yamlable(c *call, v any) (any, error) {
	switch v := v.(type) {
	case *List:
		return v.Items, nil
	case Bytes:
		return []byte(v), nil
	case *Undefined:
		return nil, v.fail()
	case DateTime:
		return v.iso(" "), nil
	case Mapping:
		return mapOf(c.f, v)
	case *big.Int:
		return v, nil
	}
	if s, ok := asStr(v); ok {
		return s, nil
	}
	return nil, filterErr("%s - cannot represent an object of type %s", c.name, TypeName(v))
}

func loadYAML(s string) (any, error) {
	n, err := yaml.Parse([]byte(s), "", yaml.Options{AsData: true})
	if err != nil {
		return nil, &Error{Kind: "YAMLError", Msg: err.Error(), Cause: err}
	}
	return value.Plain(n.Value()), nil
}

func loadAllYAML(s string) (any, error) {
	docs, err := yaml.ParseAll([]byte(s), "", yaml.Options{AsData: true})
	if err != nil {
		return nil, &Error{Kind: "YAMLError", Msg: err.Error(), Cause: err}
	}
	out := []any{}
	for _, n := range docs {
		out = append(out, value.Plain(n.Value()))
	}
	return out, nil
}
