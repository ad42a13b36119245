package module

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// Parse checks the arguments that a user gave, on the controller, and returns
// them complete: aliases folded, every value of its type, defaults filled in.
// Paths stay as they are written, since ~ and $VAR mean the target's. The error
// is the one that Ansible would show first.
func (s *Spec) Parse(raw *value.Map) (Args, error) {
	return s.ParseAs(s.Name.Short(), raw)
}

// ParseAs is Parse with errors that name the module as the task does.
func (s *Spec) ParseAs(called string, raw *value.Map) (Args, error) {
	return s.parse(raw, parser{called: called, lacking: s.Lacking})
}

// ParseTarget is Parse in the agent: paths are expanded from the call's
// environment and the module's internal parameters are allowed.
func (s *Spec) ParseTarget(raw *value.Map, environ []string) (Args, error) {
	return s.parse(raw, parser{called: s.Name.Short(), expand: Expander(environ), environ: environ, internal: true})
}

func (s *Spec) parse(raw *value.Map, p parser) (Args, error) {
	if s.AnyParams {
		p.anyParams = true
	}
	if s.Called != "" {
		p.called = s.Called
	}
	raw, err := s.foldFreeForm(raw)
	if err != nil {
		return Args{}, err
	}
	args := Args{given: make(map[string]bool, raw.Len())}
	args.values = p.params(s.Params, s.Rules, raw, nil, args.given)
	args.warnings = p.warnings
	if len(p.errs) == 0 && p.unsupported != nil {
		p.fail(nil, "Unsupported parameters for (%s) module: %s", p.called, p.unsupportedText())
	}
	return args, p.first()
}

// ParseAll is Parse that goes on after an error and returns all of them, for
// reports on a role's arguments.
func (s *Spec) ParseAll(raw *value.Map) (Args, []error) {
	p := parser{internal: true, anyParams: s.AnyParams, nulls: true}
	args := Args{given: make(map[string]bool, raw.Len())}
	args.values = p.params(s.Params, s.Rules, raw, nil, args.given)
	args.warnings = p.warnings
	if p.unsupported != nil {
		p.fail(nil, "%s", p.unsupportedText())
	}
	return args, p.errs
}

// foldFreeForm moves the text of a task to the parameter that takes it.
func (s *Spec) foldFreeForm(raw *value.Map) (*value.Map, error) {
	text, ok := raw.Get(RawParams)
	if !ok || s.SetsVars { // of set_fact it is one more variable
		return raw, nil
	}
	folded := raw.Clone()
	folded.Delete(RawParams)
	switch {
	case s.FreeForm != "" && folded.Has(s.FreeForm):
		return nil, fmt.Errorf("the '%s' argument cannot be used when other raw parameters are specified", s.FreeForm)
	case s.FreeForm != "":
		folded.Set(s.FreeForm, text)
	case strings.TrimSpace(value.Str(text)) != "":
		return nil, fmt.Errorf("this task '%s' has extra params, which is only allowed for modules that take free-form text: %s", s.Name.Short(), value.Str(text))
	}
	return folded, nil
}

// Short is the name as playbooks usually write it: without ansible.builtin.
func (n Name) Short() string { return strings.TrimPrefix(string(n), "ansible.builtin.") }

// Bare is a name without either of the collections that a name without one is
// looked for in.
func Bare(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "ansible.builtin."), "ansible.legacy.")
}

// parser carries one parse through nested options. Of its errors the first is
// the one that Ansible reports.
type parser struct {
	called    string              // the module's name in errors
	lacking   string              // see Spec.Lacking
	expand    func(string) string // nil leaves paths alone
	environ   []string            // where Param.Env is looked up
	internal  bool                // internal parameters are allowed
	anyParams bool                // unknown ones too, at the top
	nulls     bool                // null is a value for what is required

	errs        []error
	unsupported []string // names, reported if nothing else is wrong
	supported   string   // what there is instead, where the first of them is
	warnings    []string
}

func (p *parser) fail(context []string, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if len(context) > 0 {
		err = fmt.Errorf("%w found in %s", err, strings.Join(context, " -> "))
	}
	p.errs = append(p.errs, err)
}

func (p *parser) first() error {
	if len(p.errs) == 0 {
		return nil
	}
	return p.errs[0]
}

// params checks one level. The order of the checks is the order of Ansible's,
// so that of several mistakes the same one is reported.
func (p *parser) params(params []Param, rules Rules, raw *value.Map, context []string, given map[string]bool) *value.Map {
	values := value.NewMap(len(params))
	p.fold(params, raw, values, context, given)
	if context == nil {
		p.secrets(params, values)
	}
	p.exclusive(rules, values, context)
	for i := range params {
		if text, ok := p.lookup(params[i].Env); ok && !values.Has(params[i].Name) {
			values.Set(params[i].Name, text)
		}
		if d := params[i].Default; d != nil && !values.Has(params[i].Name) {
			values.Set(params[i].Name, d)
		}
	}
	p.required(params, values, context)
	for i := range params {
		p.typed(&params[i], values, context)
	}
	for i := range params {
		p.choice(&params[i], values, context)
	}
	p.rules(rules, values, context)
	for i := range params {
		if params[i].Options != nil {
			p.options(&params[i], values, context)
		}
	}
	return values
}

// secrets looks for values to hide in the options below the parameters; text
// that stands for a dict must be one. It stops at the first that is not.
func (p *parser) secrets(params []Param, values *value.Map) bool {
	for i := range params {
		v := values.At(params[i].Name)
		if params[i].Options == nil || v == nil || params[i].Type != Dict && (params[i].Type != List || params[i].Elements != Dict) {
			continue
		}
		all, ok := v.([]any)
		if !ok {
			all = []any{v}
		}
		for _, e := range all {
			if text, ok := e.(string); ok {
				d, err := toDict(text)
				if err != nil {
					p.fail(nil, "%w", err)
					return false
				}
				e = d
			}
			m, ok := e.(*value.Map)
			if !ok {
				p.fail(nil, "Value '%s' in the sub parameter field '%s' must by a %s, not '%s'", value.Str(e), params[i].Name, params[i].Type, value.TypeName(e))
				return false
			}
			if !p.secrets(params[i].Options, m) {
				return false
			}
		}
	}
	return true
}

// lookup finds a variable of the target's environment.
func (p *parser) lookup(name string) (string, bool) {
	if name == "" {
		return "", false
	}
	for _, e := range slices.Backward(p.environ) {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v, true
		}
	}
	return "", false
}

// fold copies raw to values by canonical name and notes unknown names.
func (p *parser) fold(params []Param, raw, values *value.Map, context []string, given map[string]bool) {
	known := make(map[string]string, len(params))
	for i := range params {
		if params[i].Internal && !p.internal {
			continue
		}
		known[params[i].Name] = params[i].Name
		for _, alias := range params[i].Aliases {
			known[alias] = params[i].Name
		}
	}
	var unknown []string
	for k, v := range raw.All() {
		name, isText := k.(string)
		canonical, ok := known[name]
		switch {
		case isText && ok && canonical != name: // the alias wins, as in Ansible
			if raw.Has(canonical) {
				p.warnings = append(p.warnings, fmt.Sprintf("Both option %s and its alias %s are set.", canonical, name))
			}
		case isText && ok:
			if values.Has(name) {
				continue
			}
		case p.anyParams && context == nil:
			values.Set(k, v)
			if given != nil && isText {
				given[name] = v != nil
			}
			continue
		default:
			unknown = append(unknown, strings.Join(append(slices.Clone(context), value.Str(k)), "."))
			continue
		}
		values.Set(canonical, v)
		if given != nil {
			given[canonical] = v != nil
		}
	}
	if len(unknown) > 0 && p.unsupported == nil {
		p.supported = supported(params, p.internal)
	}
	p.unsupported = append(p.unsupported, unknown...)
}

func (p *parser) unsupportedText() string {
	sort.Strings(p.unsupported)
	return strings.Join(p.unsupported, ", ") + ". " + p.supported + "."
}

func supported(params []Param, internal bool) string {
	var names, aliases []string
	for i := range params {
		if params[i].Internal && !internal {
			continue
		}
		names = append(names, params[i].Name)
		aliases = append(aliases, params[i].Aliases...)
	}
	sort.Strings(names)
	sort.Strings(aliases)
	s := "Supported parameters include: " + strings.Join(names, ", ")
	if len(aliases) > 0 {
		s += " (" + strings.Join(aliases, ", ") + ")"
	}
	return s
}

func (p *parser) required(params []Param, values *value.Map, context []string) {
	var missing []string
	for i := range params {
		// Ansible lets an explicit null pass here and its modules then crash; roles
		// may use one.
		if v, ok := values.Get(params[i].Name); params[i].Required && v == nil && !(ok && p.nulls) {
			missing = append(missing, params[i].Name)
		}
	}
	if len(missing) > 0 {
		sort.Strings(missing)
		if p.lacking != "" && len(context) == 0 {
			p.fail(context, "%s", p.lacking)
			return
		}
		p.fail(context, "missing required arguments: %s", strings.Join(missing, ", "))
	}
}

func (p *parser) typed(param *Param, values *value.Map, context []string) {
	v := values.At(param.Name)
	if v == nil {
		return
	}
	typed, err := p.convert(param.Type, v)
	if err != nil {
		p.fail(nil, "argument '%s' is of type %s%s and we were unable to convert to %s: %w",
			param.Name, class(v), foundIn(context, "."), typeName(param.Type), err)
		return
	}
	if l, ok := typed.([]any); ok && param.Elements != "" {
		out := make([]any, 0, len(l))
		for _, e := range l {
			if e == nil && param.Elements != Str { // None has no type to convert from
				p.fail(nil, "Elements value for option '%s'%s is of type %s and we were unable to convert to %s: %s cannot be converted",
					param.Name, foundIn(context, ""), class(e), param.Elements, class(e))
				continue
			}
			converted, err := p.convert(param.Elements, e)
			if err != nil {
				p.fail(nil, "Elements value for option '%s'%s is of type %s and we were unable to convert to %s: %w",
					param.Name, foundIn(context, ""), class(e), param.Elements, err)
				continue
			}
			out = append(out, converted)
		}
		typed = out
	}
	values.Set(param.Name, typed)
}

func foundIn(context []string, end string) string {
	if len(context) == 0 {
		return ""
	}
	return " found in '" + strings.Join(context, " -> ") + "'" + end
}

func typeName(t Type) Type {
	if t == "" {
		return Str
	}
	return t
}

func (p *parser) choice(param *Param, values *value.Map, context []string) {
	v, present := values.Get(param.Name)
	if len(param.Choices) == 0 || !present {
		return
	}
	if l, ok := v.([]any); ok {
		var bad []string
		for _, e := range l {
			if !contains(param.Choices, e) {
				bad = append(bad, value.Str(e))
			}
		}
		if len(bad) > 0 {
			p.fail(context, "value of %s must be one or more of: %s. Got no match for: %s",
				param.Name, choiceText(param.Choices), strings.Join(bad, ", "))
		}
		return
	}
	if contains(param.Choices, v) {
		return
	}
	// YAML turns words such as no into booleans; where just one choice is a
	// word of that meaning, it is what was written.
	if v == "True" || v == "False" {
		var words []any
		for _, c := range param.Choices {
			if s, ok := c.(string); ok && s != strings.ToLower(s) {
				continue
			}
			if b, err := toBool(c); err == nil && b == (v == "True") {
				words = append(words, c)
			}
		}
		if len(words) == 1 {
			values.Set(param.Name, words[0])
			return
		}
	}
	p.fail(context, "value of %s must be one of: %s, got: %s", param.Name, choiceText(param.Choices), value.Str(v))
}

func choiceText(choices []any) string {
	words := make([]string, len(choices))
	for i, c := range choices {
		words[i] = value.Str(c)
	}
	return strings.Join(words, ", ")
}

func contains(choices []any, v any) bool {
	return slices.ContainsFunc(choices, func(c any) bool { return same(c, v) })
}

// same compares scalars; values of other kinds are never the same.
func same(a, b any) bool {
	switch a.(type) {
	case nil, string, int, bool, float64:
		return a == b
	}
	return false
}

// options checks the parameters inside a dict or a list of dicts.
func (p *parser) options(param *Param, values *value.Map, context []string) {
	v := values.At(param.Name)
	switch {
	case v == nil && !param.ApplyDefaults:
		return
	case v == nil:
		v = value.NewMap(0)
	}
	inner := append(slices.Clone(context), param.Name)
	one := func(v any) any {
		m, ok := v.(*value.Map)
		if !ok {
			p.fail(nil, "value of '%s' must be of type dict or list of dicts", param.Name)
			return v
		}
		return p.params(param.Options, param.Rules, m, inner, nil)
	}
	l, ok := v.([]any)
	if !ok {
		values.Set(param.Name, one(v))
		return
	}
	out := make([]any, len(l))
	for i, e := range l {
		out[i] = one(e)
	}
	values.Set(param.Name, out)
}
