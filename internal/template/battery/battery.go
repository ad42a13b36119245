// Package battery runs templates that come one a line as JSON and answers one
// a line, so that the engine can be held against recorded answers of Ansible.
// Begin with Run.
package battery

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// maxLine is the longest line that Run reads, in bytes.
const maxLine = 64 << 20

// Run answers each line of in with a line on out. A line is an object of
//
//	id        comes back with the answer
//	template  what to evaluate
//	vars      variables; text with markers in them is a template
//	mode      expr (a value, the default), file (a template file) or when (a condition)
//	files     other templates that the template may load, by name
//
// An answer is {id, value, type}, the type as Python names it, or {id, error,
// message}. Run fails only if it cannot read or write, or for a line that is
// no such object.
func Run(in io.Reader, out io.Writer, native bool) error {
	e := template.New(template.Options{Native: native})
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	w := bufio.NewWriter(out)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		v, err := value.ParseJSON(lines.Bytes())
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		m, ok := v.(*value.Map)
		if !ok {
			return fmt.Errorf("line %d is not an object", n)
		}
		answer := Answer(e, m)
		if _, err := w.Write(append(value.ToJSON(answer), '\n')); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), w.Flush())
}

// Answer evaluates one case and gives its answer.
func Answer(e *template.Engine, m *value.Map) *value.Map {
	v, err := evaluate(e, m)
	if err != nil {
		kind := "AnsibleError"
		var te *template.Error
		if errors.As(err, &te) && te.Kind != "" {
			kind = te.Kind
		}
		return value.MapOf("id", m.At("id"), "error", kind, "message", err.Error())
	}
	shown := v
	if v == template.Omit {
		shown = "__omit__"
	}
	return value.MapOf("id", m.At("id"), "value", show(shown), "type", template.TypeName(v))
}

// show turns what JSON has no form for into what the recorded answers have.
func show(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = show(e)
		}
		return out
	case value.Tuple:
		return show([]any(v))
	case *value.Map:
		out := value.NewMap(v.Len())
		for k, e := range v.All() {
			if t, ok := k.(value.Tuple); ok {
				k = template.Str(t)
			}
			out.Set(k, show(e))
		}
		return out
	}
	if v == template.Omit {
		return "__omit__"
	}
	return v
}

func evaluate(e *template.Engine, m *value.Map) (any, error) {
	pos := diag.Pos{File: "template", Line: 1, Column: 1}
	vars, _ := value.MarkTemplates(m.At("vars"), pos).(*value.Map)
	c := &template.Context{Ctx: context.Background(), Vars: template.VarsOf(vars), Env: &template.Env{}}
	text := m.At("template")
	switch m.At("mode") {
	case "when":
		return e.Condition(c, value.MarkTemplates(text, pos))
	case "file":
		src, ok := text.(string)
		if !ok {
			return nil, fmt.Errorf("the template of a file must be text, not %s", template.TypeName(text))
		}
		dir, err := os.MkdirTemp("", "battery")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		files, _ := m.At("files").(*value.Map)
		for name, data := range files.Strings() {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return nil, err
			}
			if err := os.WriteFile(path, []byte(template.Str(data)), 0o600); err != nil {
				return nil, err
			}
		}
		c.Env.BaseDir = dir
		return e.File(c, src, template.FileOptions{Path: filepath.Join(dir, "template.j2"), SearchPath: []string{dir}})
	}
	return e.Resolve(c, value.MarkTemplates(text, pos))
}
