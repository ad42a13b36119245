package template

import (
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

// FileOptions say how File renders a template file. The zero FileOptions are
// the defaults of Ansible's template module.
type FileOptions struct {
	// Path is where the text comes from, for errors and for includes.
	Path string
	// SearchPath are the folders in which include, import and extends look,
	// best first. Without any, the folder of Path is used.
	SearchPath []string
	// Syntax changes delimiters and white space control; empty fields keep
	// the defaults. NoTrimBlocks switches off TrimBlocks, which is on.
	Syntax       Syntax
	NoTrimBlocks bool
	// Vars go before the context's variables (template_path, ansible_managed).
	Vars Scope
	// Value makes the result a value, as a lookup with convert_data does.
	Value bool
}

func placeOf(path string) diag.Pos { return diag.Pos{File: path, Line: 1, Column: 1} }

const overrideHeader = "#jinja2:"

// File renders the text of a template file. The file may change the syntax by
// a first line such as "#jinja2: lstrip_blocks: True, trim_blocks: False".
func (e *Engine) File(c *Context, src string, o FileOptions) (string, error) {
	v, err := e.file(c, src, o)
	if err != nil {
		return "", err
	}
	return Str(v), nil
}

func (e *Engine) file(c *Context, src string, o FileOptions) (any, error) {
	st, text, pos, err := e.open(c, src, o)
	if err != nil {
		return nil, err
	}
	comp := e.text(text, st.syn, false)
	m := asText
	if o.Value {
		m = asValue
		st.native = e.opt.Native
	}
	return st.render(comp, &value.Template{Source: text, Pos: pos}, m)
}

// open makes the state that a file with this text, or begin of a text, is
// evaluated in. rest is the text after the line that changes the syntax.
func (e *Engine) open(c *Context, text string, o FileOptions) (st *state, rest string, pos diag.Pos, err error) {
	syn := o.Syntax.complete()
	syn.TrimBlocks = !o.NoTrimBlocks
	if o.Vars != nil {
		cc := *c
		cc.Vars = Overlay(c.Vars, o.Vars)
		c = &cc
	}
	pos, rest = placeOf(o.Path), text
	if line, ok := strings.CutPrefix(text, overrideHeader); ok {
		line, rest, _ = strings.Cut(line, "\n")
		if err := syn.override(line); err != nil {
			return nil, "", pos, at(err, pos)
		}
		pos.Line++
	}
	st = newState(e, c)
	st.native = false
	st.syn = &syn
	st.search = o.SearchPath
	if st.search == nil && o.Path != "" {
		st.search = []string{filepath.Dir(o.Path)}
	}
	return st, rest, pos, nil
}

// complete fills in the defaults.
func (s Syntax) complete() Syntax {
	d := DefaultSyntax
	for _, p := range [...][2]*string{
		{&s.BlockStart, &d.BlockStart}, {&s.BlockEnd, &d.BlockEnd}, {&s.VariableStart, &d.VariableStart},
		{&s.VariableEnd, &d.VariableEnd}, {&s.CommentStart, &d.CommentStart}, {&s.CommentEnd, &d.CommentEnd},
		{&s.NewlineSequence, &d.NewlineSequence},
	} {
		if *p[0] == "" {
			*p[0] = *p[1]
		}
	}
	return s
}

// override applies the settings of a #jinja2: line.
func (s *Syntax) override(line string) error {
	for _, pair := range strings.Split(strings.TrimRight(line, "\r"), ",") {
		name, text, ok := strings.Cut(pair, ":")
		if !ok {
			return &Error{Kind: "AnsibleError", Msg: "failed to parse jinja2 override '" + strings.TrimSpace(pair) +
				"'. Did you use something different from colon as key-value separator?"}
		}
		v, err := parseLiteral(strings.TrimSpace(text), false)
		if err != nil {
			return &Error{Kind: "AnsibleError", Msg: "the jinja2 override '" + strings.TrimSpace(pair) + "' has a value that is no literal"}
		}
		name = strings.TrimSpace(name)
		if b := map[string]*bool{
			"trim_blocks": &s.TrimBlocks, "lstrip_blocks": &s.LstripBlocks, "keep_trailing_newline": &s.KeepTrailingNewline,
		}[name]; b != nil {
			*b = Bool(v)
		}
		if p := map[string]*string{
			"block_start_string": &s.BlockStart, "block_end_string": &s.BlockEnd, "variable_start_string": &s.VariableStart,
			"variable_end_string": &s.VariableEnd, "comment_start_string": &s.CommentStart, "comment_end_string": &s.CommentEnd,
			"newline_sequence": &s.NewlineSequence, "line_statement_prefix": &s.LineStatement, "line_comment_prefix": &s.LineComment,
		}[name]; p != nil {
			text, ok := v.(string)
			if !ok || text == "" {
				return &Error{Kind: "AnsibleError", Msg: "the jinja2 override " + name + " must be text, not " + Repr(v)}
			}
			*p = text
		}
	}
	return nil
}
