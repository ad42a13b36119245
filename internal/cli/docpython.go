package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/pydoc"
	"github.com/tutti-run/tutti/internal/value"
)

// specOf makes of a page from a source in Python what is shown of those that are
// built in.
func specOf(name string, page *pydoc.Page) *module.Spec {
	s := &module.Spec{Name: module.Name(name), Summary: strings.TrimSuffix(pydoc.Text(page.Doc.At("short_description")), ".") + "."}
	for _, key := range []string{"description", "requirements", "notes"} {
		if text := pydoc.Text(page.Doc.At(key)); text != "" {
			if key != "description" {
				text = key + ": " + text
			}
			s.Notes = append(s.Notes, text)
		}
	}
	if attributes, ok := page.Doc.At("attributes").(*value.Map); ok {
		of := func(name string) module.Support {
			m, _ := attributes.At(name).(*value.Map)
			text, _ := m.At("support").(string)
			return module.Support(text)
		}
		s.Check, s.Diff = of("check_mode"), of("diff_mode")
	}
	s.Params = paramsOf(page.Doc.At("options"))
	s.Returns = returnsOf("", page.Return)
	return s
}

func paramsOf(v any) []module.Param {
	options, _ := v.(*value.Map)
	var out []module.Param
	for name, o := range options.Strings() {
		m, ok := o.(*value.Map)
		if !ok {
			continue
		}
		p := module.Param{Name: name, Default: m.At("default"), Doc: pydoc.Text(m.At("description")), Options: paramsOf(m.At("suboptions"))}
		kind, _ := m.At("type").(string)
		elements, _ := m.At("elements").(string)
		p.Type, p.Elements = module.Type(kind), module.Type(elements)
		p.Required, _ = m.At("required").(bool)
		switch choices := m.At("choices").(type) {
		case []any:
			p.Choices = choices
		case *value.Map: // with a word on each
			for c := range choices.All() {
				p.Choices = append(p.Choices, c)
			}
		}
		aliases, _ := m.At("aliases").([]any)
		for _, a := range aliases {
			p.Aliases = append(p.Aliases, value.Str(a))
		}
		out = append(out, p)
	}
	return out
}

func returnsOf(prefix string, v any) []module.Return {
	values, _ := v.(*value.Map)
	var out []module.Return
	for name, r := range values.Strings() {
		m, ok := r.(*value.Map)
		if !ok {
			continue
		}
		kind, _ := m.At("type").(string)
		out = append(out, module.Return{Name: prefix + name, Type: module.Type(kind), When: pydoc.Text(m.At("returned")), Doc: pydoc.Text(m.At("description"))})
		out = append(out, returnsOf(prefix+name+".", m.At("contains"))...)
	}
	return out
}

// collectionOf is the collection of a full name, "" if it has none.
func collectionOf(name string) string {
	parts := strings.SplitN(name, ".", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[0] + "." + parts[1]
}

// data is the page in the form in which ansible-doc gives it to programs.
func (p *docPage) data() *value.Map {
	if p.py == nil {
		return moduleData(p.spec)
	}
	doc := p.py.Doc.Clone()
	doc.Set("collection", collectionOf(string(p.spec.Name)))
	doc.Set("filename", p.path)
	if p.kind == "module" {
		action := filepath.Join(filepath.Dir(p.path), "..", "action", p.spec.Name.Short()+".py")
		doc.Set("has_action", isFile(action))
	}
	if examples := p.py.Examples; examples != "" {
		return value.MapOf("doc", doc, "examples", examples, "metadata", nil, "return", p.py.Return)
	}
	return value.MapOf("doc", doc, "examples", nil, "metadata", nil, "return", p.py.Return)
}

// text is the page for a terminal.
func (p *docPage) text() string {
	if p.py == nil {
		return moduleText(p.spec)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "> %s    (%s)\n\n  %s\n\n", strings.ToUpper(string(p.spec.Name)), p.path, p.spec.Summary)
	for _, n := range p.spec.Notes {
		fmt.Fprintf(&b, "  %s\n", strings.ReplaceAll(n, "\n", "\n  "))
	}
	if p.kind == "module" {
		b.WriteString("\n  runs from its Python source\n")
		if p.spec.Check != "" || p.spec.Diff != "" {
			fmt.Fprintf(&b, "  check mode: %s, diff: %s\n", support(p.spec.Check), support(p.spec.Diff))
		}
	}
	b.WriteByte('\n')
	writeParams(&b, p.spec.Params)
	writeReturns(&b, p.spec.Returns)
	if examples := strings.Trim(p.py.Examples, "\n"); examples != "" {
		fmt.Fprintf(&b, "\nEXAMPLES:\n\n%s\n", examples)
	}
	return b.String()
}
