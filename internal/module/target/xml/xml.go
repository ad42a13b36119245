// Package xml is the module that reads and changes parts of XML files, named by
// XPath expressions.
//
// The tree is its own, so that a file is written as Ansible's library (lxml, on
// libxml2) writes it; only the expressions are a library's.
package xml

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module reads and changes parts of XML files.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.xml",
		Summary: "Reads and changes parts of XML files.",
		Notes:   []string{"XPath 1.0 without `prefix:*` and `processing-instruction()`.", "Documents are in UTF-8 or ISO-8859-1; entities that a document declares are known if they stand for text."},
		Params: []module.Param{
			{Name: "path", Type: module.Path, Aliases: []string{"dest", "file"}, Doc: "The file, which must be there."},
			{Name: "xmlstring", Doc: "A document to work on instead of a file."},
			{Name: "xpath", Doc: "What to work on in the document."},
			{Name: "namespaces", Type: module.Dict, Default: value.NewMap(0), Doc: "Prefixes in xpath, and what they stand for."},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Aliases: []string{"ensure"}, Doc: "Whether it shall be there."},
			{Name: "value", Type: module.Raw, Doc: "Text of the element, or value of the attribute."},
			{Name: "attribute", Type: module.Raw, Doc: "The attribute that value is for, without @."},
			{Name: "add_children", Type: module.List, Elements: module.Raw, Doc: "Elements to add: names, or a name with a text or with attributes and, under _, children."},
			{Name: "set_children", Type: module.List, Elements: module.Raw, Doc: "Elements that shall be all children."},
			{Name: "count", Type: module.Bool, Default: false, Doc: "Tell how many places match."},
			{Name: "print_match", Type: module.Bool, Default: false, Doc: "Tell where the places are that match."},
			{Name: "pretty_print", Type: module.Bool, Default: false, Doc: "Write the document with indentation."},
			{Name: "content", Choices: []any{"attribute", "text"}, Doc: "Tell the attributes or texts of the places that match."},
			{Name: "input_type", Default: "yaml", Choices: []any{"xml", "yaml"}, Doc: "How children are written."},
			{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the old file under a dated name."},
			{Name: "strip_cdata_tags", Type: module.Bool, Default: false, Doc: "Write CDATA sections as plain text."},
			{Name: "insertbefore", Type: module.Bool, Default: false, Doc: "Add children before the first place that matches."},
			{Name: "insertafter", Type: module.Bool, Default: false, Doc: "Add children after the last place that matches."},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"add_children", "content", "count", "print_match", "set_children", "value"}, {"path", "xmlstring"}, {"insertbefore", "insertafter"}},
			RequiredOneOf:     [][]string{{"path", "xmlstring"}, {"add_children", "content", "count", "pretty_print", "print_match", "set_children", "value"}},
			RequiredIf: []module.RequiredIf{
				{Param: "count", Value: true, Needs: []string{"xpath"}}, {Param: "print_match", Value: true, Needs: []string{"xpath"}},
				{Param: "insertbefore", Value: true, Needs: []string{"xpath"}}, {Param: "insertafter", Value: true, Needs: []string{"xpath"}},
			},
			RequiredBy: map[string][]string{"add_children": {"xpath"}, "attribute": {"value"}, "content": {"xpath"}, "set_children": {"xpath"}, "value": {"xpath"}},
		},
		// It takes the file's lock, as the other modules that edit files do.
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{
			{Name: "actions", Type: module.Dict, When: "success", Doc: "The expression, its namespaces and the state."},
			{Name: "backup_file", When: "backup", Doc: "The old file."},
			{Name: "count", Type: module.Int, When: "count", Doc: "How many places match."},
			{Name: "matches", Type: module.List, When: "content", Doc: "What was found."},
			{Name: "msg", When: "something to tell", Doc: "What was found, in words."},
			{Name: "xmlstring", When: "xmlstring", Doc: "The document as it became."},
		},
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx    context.Context
	env    *module.Env
	args   module.Args
	path   string
	xpath  string
	spaces map[string]string
	before *node // as it was
	doc    *node
	data   []byte
}

// stop ends a task from deep within.
type stop struct{ result *module.Result }

func (s stop) Error() string { return s.result.Msg }

func fail(format string, args ...any) error { return stop{module.Fail(format, args...)} }

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, path: args.String("path"), xpath: args.String("xpath"), spaces: map[string]string{}}
	for k, v := range args.Dict("namespaces").All() {
		t.spaces[value.Str(k)] = value.Str(v)
	}
	what, name := "xml_string", "<string>"
	if args.String("xmlstring") != "" {
		t.data = []byte(args.String("xmlstring"))
	} else {
		what, name = t.path, filepath.Base(t.path)
		if fi, err := os.Stat(t.path); err != nil || !fi.Mode().IsRegular() {
			return module.Fail("The target XML source '%s' does not exist.", t.path)
		}
		unlock := files.Lock(t.path)
		defer unlock()
		data, err := os.ReadFile(t.path)
		if err != nil {
			return module.Fail("%s", err)
		}
		t.data = data
	}
	if args.Has("xpath") {
		// A prefix is missed only where the document is searched.
		if _, err := compile(t.xpath, t.spaces); err != nil && !errors.Is(err, errPrefix) {
			return module.Fail("Syntax error in xpath expression: %s (%s)", t.xpath, err)
		}
	}
	doc, err := parse(t.data, !args.Bool("pretty_print"), !args.Bool("strip_cdata_tags"))
	if err != nil {
		if s, ok := errors.AsType[*syntaxError](err); ok {
			err = fmt.Errorf("%w (%s, line %d)", err, name, s.line)
		}
		return module.Fail("Error while parsing document: %s (%s)", what, err)
	}
	t.doc, t.before = doc, doc.clone()
	r, err := t.do()
	if s, ok := err.(stop); ok {
		return s.result
	}
	if err != nil {
		return module.Fail("xpath %s: %s", t.xpath, err)
	}
	return r
}

func (t *task) do() (*module.Result, error) {
	switch {
	case t.args.Bool("print_match"):
		hits, err := t.find(t.doc, t.xpath)
		if err != nil {
			return nil, err
		}
		paths := []any{}
		for _, h := range hits {
			if !h.isElement() {
				return nil, fail("selector '%s' matches what is no element", t.xpath)
			}
			paths = append(paths, h.node.path())
		}
		return t.finish(fmt.Sprintf("selector '%s' match: %s", t.xpath, value.JSON{Python: true, ASCII: true}.Append(nil, paths)), 0, nil)
	case t.args.Bool("count"):
		// Relative expressions count wherever in the document they fit.
		expr := t.xpath
		if !strings.HasPrefix(expr, "//") {
			expr = "/" + expr
		}
		hits, err := t.find(t.doc, expr)
		if err != nil {
			return nil, err
		}
		return t.finish(fmt.Sprintf("found %d nodes", len(hits)), len(hits), nil)
	case t.args.Has("content"):
		return t.content()
	case t.args.String("state") == "absent":
		return t.remove()
	case t.args.Has("set_children"):
		return t.setChildren()
	case len(t.args.List("add_children")) > 0:
		return t.addChildren()
	case t.args.Has("value"):
		return t.set()
	case t.args.Has("xpath"):
		if is, err := t.isElement(t.doc, t.xpath); err != nil {
			return nil, err
		} else if !is {
			if err := t.make(t.doc, t.xpath); err != nil {
				return nil, err
			}
		}
		return t.finish("", 0, nil)
	case t.args.Bool("pretty_print"):
		return t.reformat()
	}
	return nil, fail("Don't know what to do")
}

// find gives the places that an expression names, in the order of the document.
func (t *task) find(at *node, expr string) ([]hit, error) {
	hits, scalar, err := find(at, expr, t.spaces)
	if err == nil && scalar != nil {
		err = fail("xpath %s is a value, %v, and no place in the document", expr, scalar)
	}
	return hits, err
}

// isElement reports whether an expression finds something that is an element.
func (t *task) isElement(at *node, expr string) (bool, error) {
	hits, err := t.find(at, expr)
	return len(hits) > 0 && hits[0].isElement(), err
}

func (t *task) content() (*module.Result, error) {
	hits, err := t.find(t.doc, t.xpath)
	if err != nil {
		return nil, err
	}
	if len(hits) == 0 || !hits[0].isElement() {
		return nil, fail("Xpath %s does not reference a node!", t.xpath)
	}
	var matches []any
	for _, h := range hits {
		if h.node.kind != element {
			continue
		}
		if t.args.String("content") == "text" {
			matches = append(matches, value.MapOf(h.node.tag(), h.node.inner()))
			continue
		}
		attrs := value.NewMap(len(h.node.attrs))
		for _, a := range h.node.attrs {
			attrs.Set(clark(a.uri, a.name), a.value)
		}
		matches = append(matches, value.MapOf(h.node.tag(), attrs))
	}
	return t.finish(len(matches), len(matches), matches)
}

// finish writes what has become of the document.
func (t *task) finish(msg any, count int, matches []any) (*module.Result, error) {
	spaces := value.NewMap(len(t.spaces))
	for _, k := range slices.Sorted(maps.Keys(t.spaces)) {
		spaces.Set(k, t.spaces[k])
	}
	r := module.OK().Set("actions", value.MapOf("xpath", t.args.Any("xpath"), "namespaces", spaces, "state", t.args.String("state")))
	r.Changed = t.before.essence() != t.doc.essence()
	if t.args.Bool("count") || count > 0 {
		r.Set("count", count)
	}
	if t.args.Bool("print_match") || len(matches) > 0 {
		r.Set("matches", append([]any{}, matches...))
	}
	if msg != "" {
		r.Set("msg", msg)
	}
	if r.Changed && t.env.Diff {
		r.Diff = value.MapOf("before", t.before.file(true), "after", t.doc.file(true))
	}
	after := t.doc.file(t.args.Bool("pretty_print"))
	if t.args.String("xmlstring") != "" {
		r.Set("xmlstring", after)
		return r, nil
	}
	if r.Changed {
		return r, t.write(r, after)
	}
	return r, nil
}

// reformat writes the document, which is as it was but for white space.
func (t *task) reformat() (*module.Result, error) {
	after := t.doc.file(true)
	r := module.OK()
	r.Changed = after != string(t.data)
	if t.args.String("xmlstring") != "" {
		r.Changed = true // Ansible compares text with bytes
		return r.Set("xmlstring", after), nil
	}
	if r.Changed {
		return r, t.write(r, after)
	}
	return r, nil
}

func (t *task) write(r *module.Result, after string) error {
	if t.env.Check {
		return nil
	}
	if t.args.Bool("backup") {
		name, err := files.Backup(t.path)
		if err != nil {
			return fail("%s", err)
		}
		r.Set("backup_file", name)
	}
	if _, err := (files.Replacement{Path: files.RealPath(t.path), Environ: t.env.Environ}).Write(t.ctx, strings.NewReader(after)); err != nil {
		return fail("%s", err)
	}
	return nil
}
