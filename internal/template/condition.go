package template

import (
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

// conditionText is the template that decides a bare expression.
func conditionText(expr string) string {
	return "{% if " + expr + " %} True {% else %} False {% endif %}"
}

// Condition decides a bare expression of `when`, `failed_when`, `until` or
// `that`: a bool, text with or without braces, or any other value. An empty
// text and nil are true.
func (e *Engine) Condition(c *Context, expr any) (bool, error) {
	switch v := expr.(type) {
	case nil:
		return true, nil
	case bool:
		return v, nil
	}
	ok, err := e.condition(c, expr)
	if err != nil {
		msg := err.Error()
		pos, name, undefined := diag.Pos{}, "", false
		if te, isErr := err.(*Error); isErr {
			pos, name, undefined = te.Pos, te.Name, te.Undefined
		}
		return false, &Error{
			Pos: pos, Kind: "AnsibleError", Undefined: undefined, Name: name, Cause: err,
			Msg: "The conditional check '" + Str(expr) + "' failed. The error was: " + msg,
		}
	}
	return ok, nil
}

func (e *Engine) condition(c *Context, expr any) (bool, error) {
	text, ok := expr.(string)
	if t, isTemplate := expr.(*value.Template); isTemplate {
		// Braces in a condition are evaluated first, and what they make is
		// the condition.
		c.warn("conditional statements should not include jinja2 templating delimiters such as {{ }} or {% %}. Found: " + t.Source)
		in, foreign := *c, new(bool)
		if c.Foreign != nil {
			in.Vars, foreign = c.Foreign()
		}
		st := newState(e, &in)
		v, err := st.template(t)
		if err != nil {
			return definedTest(t.Source, t.Source, err)
		}
		s, isText := asStr(v)
		if !isText || s == "" {
			return Bool(v) || isText, nil
		}
		if *foreign || st.lookups > 0 {
			return false, unsafeError(t.Pos)
		}
		return e.decide(c, s, t.Pos, t.Source, true)
	}
	if !ok {
		v, err := e.Resolve(c, expr)
		if err != nil {
			return false, err
		}
		return Bool(v), nil
	}
	if text == "" {
		return true, nil
	}
	return e.decide(c, text, diag.Pos{}, text, false)
}

// unsafeError refuses a condition that a target or a lookup has a part in: it would
// be theirs to say what is evaluated.
func unsafeError(pos diag.Pos) *Error {
	return &Error{Pos: pos, Kind: "AnsibleError", Msg: "Conditional is marked as unsafe, and cannot be evaluated."}
}

// Unsafe is Condition's error for the text of a condition that is not the user's own.
func Unsafe(text string) error {
	err := unsafeError(diag.Pos{})
	err.Msg = "The conditional check '" + text + "' failed. The error was: " + err.Msg
	return err
}

// decide evaluates text as an expression. If a template made it, it may hold
// text that is not the user's own, so it may not call anything.
func (e *Engine) decide(c *Context, text string, pos diag.Pos, original string, made bool) (bool, error) {
	st := newState(e, c)
	st.restricted = made
	comp := e.text(conditionText(text), &DefaultSyntax, true)
	if comp.err != nil {
		err := syntaxAt(comp, pos)
		err.Msg = "template error while templating string: " + comp.err.msg + ". String: " + comp.src
		return false, err
	}
	r := st.newRender(comp, asText)
	v, err := r.run()
	if err != nil {
		return definedTest(text, original, at(r.explain(err, &value.Template{Source: comp.src}), pos))
	}
	switch strings.TrimSpace(Str(v)) {
	case "True":
		return true, nil
	case "False":
		return false, nil
	}
	return false, &Error{Kind: "AnsibleError", Msg: "unable to evaluate conditional: " + original}
}

var (
	definedPattern   = lazyregexp.New(`(hostvars\[.+\]|[\w_]+)\s+(not\s+is|is|is\s+not)\s+(defined|undefined)`)
	undefinedPattern = lazyregexp.New(`'(hostvars\[.+\]|[\w_]+)' is undefined`)
)

// definedTest gives a condition that failed for an undefined variable its
// answer if it asks whether that variable is defined.
func definedTest(text, original string, err error) (bool, error) {
	if !IsUndefined(err) {
		return false, err
	}
	if m := undefinedPattern.FindStringSubmatch(err.Error()); m != nil {
		name := strings.ReplaceAll(m[1], "'", `"`)
		for _, d := range definedPattern.FindAllStringSubmatch(text, -1) {
			if strings.ReplaceAll(d[1], "'", `"`) == name {
				shouldExist := strings.Contains(d[2], "not") != (d[3] == "defined")
				return !shouldExist, nil
			}
		}
	}
	e := *err.(*Error)
	e.Msg = "error while evaluating conditional (" + original + "): " + e.Msg
	return false, &e
}
