package xml

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/antchfx/xpath"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

// navigator walks a tree for an XPath expression.
type navigator struct {
	node *node
	attr int // of node, -1 for the node itself
	at   int // among its parent's children, -1 if not known
}

// hit is what an expression found: an element, another node, or an attribute of it.
type hit struct {
	node *node
	attr int
}

func (h hit) isElement() bool { return h.attr < 0 && !h.node.isText() }

// find evaluates an expression at a node, for a document at its root. What it finds
// is in the order of the document; what is no set of nodes is one value.
func find(at *node, expr string, spaces map[string]string) (hits []hit, scalar any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	compiled, err := compile(expr, spaces)
	if err != nil {
		return nil, nil, err
	}
	if at.kind == document {
		at = at.root()
	}
	switch v := compiled.Evaluate(&navigator{at, -1, -1}).(type) {
	case *xpath.NodeIterator:
		for v.MoveNext() {
			n := v.Current().(*navigator)
			if h := (hit{n.node, n.attr}); h.node.kind != document && !slices.Contains(hits, h) {
				hits = append(hits, h)
			}
		}
		if len(hits) > 1 {
			places := map[*node]int{}
			at.top().number(places)
			slices.SortStableFunc(hits, func(a, b hit) int {
				return cmp.Or(places[a.node]-places[b.node], a.attr-b.attr)
			})
		}
		return hits, nil, nil
	default:
		return nil, v, nil
	}
}

// number tells in which order nodes are in the document.
func (n *node) number(places map[*node]int) {
	places[n] = len(places)
	for _, c := range n.children {
		c.number(places)
	}
}

// compile reads an expression. What is wrong with it is worded as libxml2 does.
func compile(expr string, spaces map[string]string) (compiled *xpath.Expr, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
		if err == nil {
			return
		}
		switch text := err.Error(); {
		case strings.HasPrefix(text, "prefix ") && strings.HasSuffix(text, " not defined."):
			err = errPrefix
		case strings.Contains(text, "unclosed string"):
			err = errors.New("Unfinished literal")
		case strings.Contains(text, "undeclared variable") && strings.Contains(expr, "$"):
			err = errors.New("Undefined variable")
		case strings.Contains(text, "has an invalid token") && strings.Count(expr, "[") > strings.Count(expr, "]"):
			err = errors.New("Invalid predicate")
		case strings.Contains(text, "not yet support"):
		default:
			err = errors.New("Invalid expression")
		}
	}()
	if instructions.MatchString(quotes.ReplaceAllString(expr, "")) {
		return nil, errors.New("not yet supported: processing-instruction()") // the library would find all elements
	}
	return xpath.CompileWithNS(expr, spaces)
}

var (
	quotes       = lazyregexp.New(`"[^"]*"|'[^']*'`)
	instructions = lazyregexp.New(`processing-instruction\s*\(`)
)

var errPrefix = errors.New("Undefined namespace prefix")

func (n *navigator) NodeType() xpath.NodeType {
	switch {
	case n.attr >= 0:
		return xpath.AttributeNode
	case n.node.kind == document:
		return xpath.RootNode
	case n.node.isText():
		return xpath.TextNode
	case n.node.kind == element:
		return xpath.ElementNode
	}
	if n.node.kind == comment {
		return xpath.CommentNode
	}
	return instructionNode
}

// instructionNode is a type of node that the library does not know: only node()
// finds such.
const instructionNode xpath.NodeType = -1

func (n *navigator) LocalName() string {
	if n.attr >= 0 {
		return n.node.attrs[n.attr].name
	}
	return n.node.name
}

// Prefix is never empty for a name in a namespace: an expression's name without a
// prefix means one in none.
func (n *navigator) Prefix() string {
	if n.attr >= 0 {
		return n.node.attrs[n.attr].prefix
	}
	if n.node.prefix == "" && n.node.uri != "" {
		return "{" + n.node.uri + "}"
	}
	return n.node.prefix
}

// NamespaceURL is asked for by the library where an expression has a prefix.
func (n *navigator) NamespaceURL() string {
	if n.attr >= 0 {
		return n.node.attrs[n.attr].uri
	}
	return n.node.uri
}

func (n *navigator) Value() string {
	if n.attr >= 0 {
		return n.node.attrs[n.attr].value
	}
	if n.node.kind != element && n.node.kind != document {
		return n.node.data
	}
	var b strings.Builder
	n.node.all(&b)
	return b.String()
}

func (n *node) all(b *strings.Builder) {
	for _, c := range n.children {
		if c.isText() {
			b.WriteString(c.data)
		} else if c.kind == element {
			c.all(b)
		}
	}
}

func (n *navigator) Copy() xpath.NodeNavigator { c := *n; return &c }

func (n *navigator) MoveToRoot() { *n = navigator{n.node.top(), -1, 0} }

func (n *navigator) MoveToParent() bool {
	switch {
	case n.attr >= 0:
		n.attr = -1
	case n.node.parent == nil:
		return false
	default:
		*n = navigator{n.node.parent, -1, -1}
	}
	return true
}

func (n *navigator) MoveToNextAttribute() bool {
	if n.node.kind != element || n.attr+1 >= len(n.node.attrs) {
		return false
	}
	n.attr++
	return true
}

func (n *navigator) MoveToChild() bool {
	return n.attr < 0 && n.to(n.node, 0, 1)
}

// to goes to the first child of a parent from a place on that expressions see.
func (n *navigator) to(parent *node, at, step int) bool {
	for ; at >= 0 && at < len(parent.children); at += step {
		if c := parent.children[at]; c.kind != doctype {
			*n = navigator{c, -1, at}
			return true
		}
	}
	return false
}

// place is where among its parent's children the node is.
func (n *navigator) place() int {
	if n.at < 0 {
		n.at = n.node.index()
	}
	return n.at
}

func (n *navigator) among() bool { return n.attr < 0 && n.node.parent != nil }

func (n *navigator) MoveToFirst() bool {
	return n.among() && n.place() > 0 && n.to(n.node.parent, 0, 1)
}

func (n *navigator) MoveToNext() bool {
	return n.among() && n.to(n.node.parent, n.place()+1, 1)
}

func (n *navigator) MoveToPrevious() bool {
	return n.among() && n.to(n.node.parent, n.place()-1, -1)
}

func (n *navigator) MoveTo(o xpath.NodeNavigator) bool {
	other, ok := o.(*navigator)
	if ok {
		*n = *other
	}
	return ok
}
