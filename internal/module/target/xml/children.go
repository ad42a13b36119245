package xml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

func newElement(tag string) *node {
	n := &node{kind: element}
	n.uri, n.name = split(tag)
	n.prefix = n.declare(n.uri, false)
	return n
}

// nodes makes elements of the children that a task gives.
func (t *task) nodes(list []any) ([]*node, error) {
	var all []*node
	for _, c := range list {
		n, err := t.child(c, t.args.String("input_type"))
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

func (t *task) child(c any, kind string) (*node, error) {
	if kind == "xml" {
		doc, err := parse([]byte(value.Str(c)), true, false)
		if err != nil {
			if s, ok := errors.AsType[*syntaxError](err); ok {
				err = fmt.Errorf("%w (<string>, line %d)", err, s.line)
			}
			return nil, fail("Error while parsing child element: %s", err)
		}
		n := doc.root()
		n.parent = nil
		return n, nil
	}
	switch c := c.(type) {
	case string:
		return named(c)
	case *value.Map:
		if c.Len() != 1 {
			return nil, fail("Can only create children from hashes with one key")
		}
		for k, v := range c.All() {
			return t.described(value.Str(k), v)
		}
	}
	return nil, fail("Invalid child type: <class '%s'>. Children must be either strings or hashes.", value.TypeName(c))
}

func named(tag string) (*node, error) {
	if _, local := split(tag); !names.MatchString(local) {
		return nil, fail("Invalid tag name %s", value.Repr(tag))
	}
	return newElement(tag), nil
}

// described is an element with a text, or with attributes and children.
func (t *task) described(tag string, v any) (*node, error) {
	n, err := named(tag)
	if err != nil {
		return nil, err
	}
	m, ok := v.(*value.Map)
	if !ok {
		if v != nil {
			text, err := plain(v)
			if err != nil {
				return nil, err
			}
			n.setInner(text)
		}
		return n, nil
	}
	for k, v := range m.All() {
		if k == "_" {
			continue
		}
		text, err := plain(v)
		if err != nil {
			return nil, err
		}
		n.setAttr(value.Str(k), text)
	}
	children := m.At("_")
	if children == nil {
		return n, nil
	}
	list, ok := children.([]any)
	if !ok {
		return nil, fail("Invalid children type: <class '%s'>, must be list.", value.TypeName(children))
	}
	for _, c := range list {
		k, err := t.child(c, "yaml")
		if err != nil {
			return nil, err
		}
		n.append([]*node{k})
	}
	return n, nil
}

// plain is a value as text. Ansible takes text only, and so do we: what a number
// looks like in a document is for its author to say.
func plain(v any) (string, error) {
	if s, ok := v.(string); ok {
		return strings.ReplaceAll(s, "\r\n", "\n"), nil
	}
	return "", fail("Argument must be bytes or unicode, got '%s'", value.TypeName(v))
}
