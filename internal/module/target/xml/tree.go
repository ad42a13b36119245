package xml

import (
	"fmt"
	"slices"
	"strings"
)

// kind is what a node of a document is.
type kind int

const (
	document kind = iota
	element
	text
	cdata
	comment
	instruction
	doctype
)

// node is a document or a part of one.
type node struct {
	kind         kind
	prefix, name string // of an element; name is an instruction's target
	uri          string // of its namespace
	data         string // of all that is no element; of a doctype all that is in it
	spaces       []space
	attrs        []attr
	at           int  // where the parser found it
	mixed        bool // the parser found text in it, so that white space there is text

	parent   *node
	children []*node
}

// space declares a namespace.
type space struct{ prefix, uri string }

type attr struct{ prefix, name, uri, value string }

const xmlURI = "http://www.w3.org/XML/1998/namespace"

// isText reports whether it is text, in whichever clothes.
func (n *node) isText() bool { return n.kind == text || n.kind == cdata }

// tag is the name as Ansible shows it.
func (n *node) tag() string {
	switch n.kind {
	case comment, instruction:
		return "<!---->"
	}
	return clark(n.uri, n.name)
}

func clark(uri, name string) string {
	if uri == "" {
		return name
	}
	return "{" + uri + "}" + name
}

// split takes such a name apart.
func split(tag string) (uri, name string) {
	if rest, ok := strings.CutPrefix(tag, "{"); ok {
		if uri, name, ok := strings.Cut(rest, "}"); ok {
			return uri, name
		}
	}
	return "", tag
}

func (n *node) root() *node {
	for _, c := range n.children {
		if c.kind == element {
			return c
		}
	}
	return nil
}

func (n *node) top() *node {
	for n.parent != nil {
		n = n.parent
	}
	return n
}

func (n *node) index() int { return slices.Index(n.parent.children, n) }

// inner is the text before the first child; no text at all is nil. Of what is no
// element it is all there is.
func (n *node) inner() any {
	if n.kind != element {
		return n.data
	}
	var found bool
	var b strings.Builder
	for _, c := range n.children {
		if !c.isText() {
			break
		}
		found = true
		b.WriteString(c.data)
	}
	if !found {
		return nil
	}
	return b.String()
}

func (n *node) setInner(s string) {
	if n.kind != element {
		n.data = s
		return
	}
	for len(n.children) > 0 && n.children[0].isText() {
		n.children = n.children[1:]
	}
	n.children = slices.Insert(n.children, 0, &node{kind: text, data: s, parent: n})
}

// parts are the children that are no text.
func (n *node) parts() []*node {
	return slices.DeleteFunc(slices.Clone(n.children), (*node).isText)
}

// remove takes a node out of its parent, with the text that follows it.
func (n *node) remove() {
	p, i := n.parent, 0
	if p == nil {
		return
	}
	i = n.index()
	end := i + 1
	if p.kind == element {
		for end < len(p.children) && p.children[end].isText() {
			end++
		}
	}
	p.children = slices.Delete(p.children, i, end)
	n.parent = nil
}

// insert moves a node to be child i of p.
func (p *node) insert(i int, n *node) {
	if n.parent != nil {
		n.remove()
	}
	n.parent = p
	p.children = slices.Insert(p.children, min(i, len(p.children)), n)
	n.settle()
}

func (p *node) append(list []*node) {
	for _, n := range list {
		p.insert(len(p.children), n)
	}
}

// declared finds the prefix that stands for a namespace at a node. An attribute
// needs one that is not empty.
func (n *node) declared(uri string, forAttr bool) (string, bool) {
	if uri == xmlURI {
		return "xml", true
	}
	hidden := map[string]bool{}
	fallback := false
	for at := n; at != nil; at = at.parent {
		for _, s := range at.spaces {
			switch {
			case hidden[s.prefix]:
			case s.uri != uri:
			case s.prefix != "":
				return s.prefix, true
			case !forAttr:
				fallback = true
			}
		}
		for _, s := range at.spaces {
			hidden[s.prefix] = true
		}
	}
	return "", fallback
}

// declare makes sure that a namespace has a prefix at a node.
func (n *node) declare(uri string, forAttr bool) string {
	if uri == "" {
		return ""
	}
	prefix, ok := n.declared(uri, forAttr)
	for i := 0; !ok; i++ {
		prefix = fmt.Sprintf("ns%d", i)
		if ok = n.lookup(prefix) == ""; ok {
			n.spaces = append(n.spaces, space{prefix, uri})
		}
	}
	return prefix
}

// lookup gives the namespace that a prefix stands for at a node.
func (n *node) lookup(prefix string) string {
	if prefix == "xml" {
		return xmlURI
	}
	for at := n; at != nil; at = at.parent {
		for _, s := range at.spaces {
			if s.prefix == prefix {
				return s.uri
			}
		}
	}
	return ""
}

// settle drops the declarations that a node's new place makes superfluous, and
// gives it and what is in it prefixes that hold there.
func (n *node) settle() {
	if n.kind != element {
		return
	}
	n.spaces = slices.DeleteFunc(n.spaces, func(s space) bool {
		_, ok := n.parent.declared(s.uri, false)
		return ok
	})
	n.respell()
}

func (n *node) respell() {
	if n.kind != element {
		return
	}
	if n.uri != "" && n.lookup(n.prefix) != n.uri {
		n.prefix = n.declare(n.uri, false)
	}
	for i := range n.attrs {
		if a := &n.attrs[i]; a.uri != "" && n.lookup(a.prefix) != a.uri {
			a.prefix = n.declare(a.uri, true)
		}
	}
	for _, c := range n.children {
		c.respell()
	}
}

func (n *node) attr(tag string) *attr {
	uri, name := split(tag)
	for i := range n.attrs {
		if n.attrs[i].uri == uri && n.attrs[i].name == name {
			return &n.attrs[i]
		}
	}
	return nil
}

func (n *node) setAttr(tag, value string) {
	if a := n.attr(tag); a != nil {
		a.value = value
		return
	}
	uri, name := split(tag)
	n.attrs = append(n.attrs, attr{n.declare(uri, true), name, uri, value})
}

// clone copies a tree.
func (n *node) clone() *node {
	c := *n
	c.parent, c.children = nil, nil
	c.spaces, c.attrs = slices.Clone(n.spaces), slices.Clone(n.attrs)
	for _, child := range n.children {
		k := child.clone()
		k.parent = &c
		c.children = append(c.children, k)
	}
	return &c
}

// path is the XPath of an element.
func (n *node) path() string {
	var steps []string
	for at := n; at != nil && at.kind != document; at = at.parent {
		steps = append(steps, at.step())
	}
	slices.Reverse(steps)
	return "/" + strings.Join(steps, "/")
}

func (n *node) step() string {
	name := n.name
	same := func(o *node) bool { return o.kind == element && o.name == n.name && o.prefix == n.prefix }
	switch {
	case n.kind == comment:
		name, same = "comment()", func(o *node) bool { return o.kind == comment }
	case n.kind == instruction:
		name, same = "processing-instruction('"+n.name+"')", func(o *node) bool { return o.kind == instruction && o.name == n.name }
	case n.isText():
		name, same = "text()", (*node).isText
	case n.uri != "" && n.prefix == "":
		name, same = "*", func(o *node) bool { return o.kind == element }
	case n.prefix != "":
		name = n.prefix + ":" + name
	}
	at, of := 0, 0
	if n.parent != nil {
		for _, o := range n.parent.children {
			if same(o) {
				if of++; o == n {
					at = of
				}
			}
		}
	}
	if of > 1 {
		return fmt.Sprintf("%s[%d]", name, at)
	}
	return name
}
