// Package pydoc reads what plugins of Ansible that are written in Python say about
// themselves. Nothing is run: the texts are looked for in the source.
package pydoc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// Page is a plugin's documentation.
type Page struct {
	Doc      *value.Map // what DOCUMENTATION holds, with its fragments
	Examples string
	Return   any // nil, or a *value.Map
}

// Read reads the page of a collection's plugin at path: in the source itself, or
// beside it in a file of YAML. fragment finds the source of a fragment of
// documentation by its name in a collection; "" if there is none.
func Read(path, collection string, fragment func(collection, name string) string) (*Page, error) {
	src, err := read(path)
	if err != nil {
		return nil, err
	}
	written, err := src.get("DOCUMENTATION")
	if err != nil {
		return nil, err
	}
	doc, ok := versions(written, collection).(*value.Map)
	if !ok {
		return nil, fmt.Errorf("%s has no documentation", path)
	}
	if err := extend(doc, collection, fragment); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	returned, err := src.get("RETURN")
	if err != nil {
		return nil, err
	}
	return &Page{Doc: doc, Examples: src.text("EXAMPLES"), Return: versions(returned, collection)}, nil
}

// versions copies what a page says, and tells which collection's versions it
// talks of.
func versions(v any, collection string) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = versions(e, collection)
		}
		return out
	case *value.Map:
		out := value.NewMap(v.Len())
		for k, e := range v.All() {
			out.Set(k, versions(e, collection))
		}
		if _, ok := v.At("version_added").(*value.Map); !ok && v.At("version_added") != nil && v.At("version_added_collection") == nil {
			out.Set("version_added_collection", collection)
		}
		if m, ok := out.At("deprecated").(*value.Map); ok && (m.At("why") != nil || m.At("removed_in") != nil) {
			m.Set("removed_from_collection", collection)
		}
		return out
	}
	return v
}

// source is what a file says, by the names that it gives its texts.
type source struct {
	path  string
	texts map[string]string // of Python: not read yet
	all   *value.Map        // of YAML
}

func read(path string) (*source, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if filepath.Ext(path) == ".py" {
		return &source{path: path, texts: literals(string(data))}, nil
	}
	all, err := yaml.Load(data, path)
	if err != nil {
		return nil, err
	}
	m, _ := value.Plain(all).(*value.Map)
	return &source{path: path, all: m}, nil
}

// get is what the text of that name means; nil if there is none.
func (s *source) get(name string) (any, error) {
	text, ok := s.texts[name]
	if !ok {
		return s.all.At(name), nil
	}
	v, err := yaml.Load([]byte(text), s.path)
	return value.Plain(v), err
}

// text is the text of that name as it is written.
func (s *source) text(name string) string {
	if text, ok := s.texts[name]; ok {
		return text
	}
	text, _ := s.all.At(name).(string)
	return text
}

var assignment = lazyregexp.New(`(?m)^[ \t]*([A-Z][A-Z0-9_]*)[ \t]*=(?:[ \t]|\\\n)*\(?([rRuUbB]*)("""|'''|"|')`)

// literals finds the names that a source gives a text in capital letters.
func literals(src string) map[string]string {
	out := map[string]string{}
	for {
		m := assignment.FindStringSubmatch(src)
		if m == nil {
			return out
		}
		src = src[strings.Index(src, m[0])+len(m[0]):]
		text, rest, ok := upTo(src, m[3])
		if !ok {
			return out
		}
		if src = rest; !strings.ContainsAny(m[2], "rR") {
			text = unescape(text)
		}
		out[m[1]] = text
	}
}

// upTo reads a text up to its closing quote.
func upTo(s, quote string) (text, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case strings.HasPrefix(s[i:], quote):
			return s[:i], s[i+len(quote):], true
		}
	}
	return "", "", false
}

var escapes = strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\"`, `"`, `\n`, "\n", `\t`, "\t", "\\\n", "")

func unescape(s string) string { return escapes.Replace(s) }

// extend adds to doc, which is of a collection's plugin, what the fragments that it
// names say.
func extend(doc *value.Map, collection string, fragment func(collection, name string) string) error {
	names := texts(doc.At("extends_documentation_fragment"))
	doc.Delete("extends_documentation_fragment")
	var lost []string
	for _, name := range names {
		more, err := load(name, collection, fragment)
		if err != nil {
			return err
		}
		if more == nil {
			lost = append(lost, name)
			continue
		}
		for k, v := range more.Strings() {
			have := doc.At(k)
			switch v := v.(type) {
			case []any:
				list, _ := have.([]any)
				doc.Set(k, append(append([]any{}, list...), v...))
			case *value.Map:
				all := v.Clone()
				if own, ok := have.(*value.Map); ok {
					for k, v := range own.All() { // its own word counts
						if theirs, both := all.At(value.Str(k)).(*value.Map); both {
							if ours, ok := v.(*value.Map); ok {
								theirs = theirs.Clone()
								theirs.Update(ours)
								v = theirs
							}
						}
						all.Set(k, v)
					}
				}
				doc.Set(k, all)
			default:
				if have == nil {
					doc.Set(k, v)
				}
			}
		}
	}
	if lost != nil {
		return fmt.Errorf("unknown doc_fragment(s) in file: %s", strings.Join(lost, ", "))
	}
	return nil
}

// load reads a fragment: a file, or one of the parts of a file. A short name is one
// of Ansible's, or of the collection itself.
func load(name, own string, fragment func(collection, name string) string) (*value.Map, error) {
	collections, short := []string{"ansible.builtin", own}, name
	if parts := strings.SplitN(name, ".", 3); len(parts) == 3 {
		collections, short = []string{parts[0] + "." + parts[1]}, parts[2]
	}
	for _, collection := range collections {
		part := "DOCUMENTATION"
		path := fragment(collection, short)
		if i := strings.LastIndexByte(short, '.'); path == "" && i > 0 {
			part = strings.ToUpper(short[i+1:])
			path = fragment(collection, short[:i])
		}
		if path == "" {
			continue
		}
		src, err := read(path)
		if err != nil {
			return nil, err
		}
		v, err := src.get(part)
		m, _ := versions(v, collection).(*value.Map)
		return m, err
	}
	return nil, nil
}

// texts is a list of texts, or a single one, with commas or without.
func texts(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		for _, s := range strings.Split(v, ",") {
			out = append(out, strings.TrimSpace(s))
		}
	case []any:
		for _, e := range v {
			out = append(out, value.Str(e))
		}
	}
	return out
}

var (
	linked = lazyregexp.New(`\bL\(([^)]+?),\s*([^)]+)\)`)
	marked = lazyregexp.New(`\b([BCIMRUVOEP])\(((?:[^()\\]|\\.)*)\)`)
)

// Plain takes the marks out of a text: C(...), I(...), M(...) and so on.
func Plain(s string) string {
	s = linked.ReplaceAllString(s, "$1 <$2>")
	s = strings.ReplaceAll(s, "HORIZONTALLINE", "")
	for {
		m := marked.FindStringSubmatch(s)
		if m == nil {
			return s
		}
		inside := m[2]
		switch m[1] {
		case "C", "V", "O", "E":
			inside = "`" + inside + "'"
		case "B":
			inside = "*" + inside + "*"
		case "M", "P":
			inside = "[" + inside + "]"
		case "R":
			inside, _, _ = strings.Cut(inside, ",")
		}
		s = strings.Replace(s, m[0], inside, 1)
	}
}

// Text is a description: a text or a list of them, without marks.
func Text(v any) string {
	var out []string
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			out = append(out, Plain(strings.TrimSpace(value.Str(e))))
		}
	case nil:
	default:
		out = append(out, Plain(strings.TrimSpace(value.Str(v))))
	}
	return strings.Join(out, "\n")
}
