package xml

import (
	"errors"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
)

func (t *task) remove() (*module.Result, error) {
	hits, err := t.find(t.doc, t.xpath)
	if err != nil {
		return nil, fail("Couldn't delete xpath target: %s (%s)", t.xpath, err)
	}
	// Attributes keep their place until all are found.
	gone := map[*node][]string{}
	for _, h := range hits {
		switch {
		case h.attr >= 0:
			a := h.node.attrs[h.attr]
			gone[h.node] = append(gone[h.node], clark(a.uri, a.name))
		case !h.isElement() || h.node.parent == nil || h.node.parent.kind == document:
			return nil, fail("Couldn't delete xpath target: %s (neither an attribute nor an element in another)", t.xpath)
		default:
			h.node.remove()
		}
	}
	for n, tags := range gone {
		for _, tag := range tags {
			n.dropAttr(tag)
		}
	}
	return t.finish("", 0, nil)
}

func (n *node) dropAttr(tag string) {
	for i := range n.attrs {
		if clark(n.attrs[i].uri, n.attrs[i].name) == tag {
			n.attrs = append(n.attrs[:i], n.attrs[i+1:]...)
			return
		}
	}
}

func (t *task) setChildren() (*module.Result, error) {
	hits, err := t.find(t.doc, t.xpath)
	if err != nil {
		return nil, err
	}
	children, err := t.nodes(t.args.List("set_children"))
	if err != nil {
		return nil, err
	}
	want := make([]string, len(children))
	for i, c := range children {
		want[i] = c.alone()
	}
	for _, h := range hits {
		if !h.isElement() {
			return nil, fail("Xpath %s does not reference a node!", t.xpath)
		}
		old := h.node.parts()
		same := len(old) == len(children)
		for i := 0; same && i < len(old); i++ {
			same = old[i].alone() == want[i]
		}
		if same {
			continue
		}
		for _, o := range old {
			o.remove()
		}
		h.node.append(children)
	}
	return t.finish("", 0, nil)
}

// alone is an element as text, with the text that follows it and the namespaces
// that hold where it is.
func (n *node) alone() string {
	w := writer{ascii: true}
	c := n.clone()
	seen := map[string]bool{}
	for _, s := range c.spaces {
		seen[s.prefix] = true
	}
	for at := n.parent; at != nil; at = at.parent {
		for _, s := range at.spaces {
			if !seen[s.prefix] {
				seen[s.prefix] = true
				c.spaces = append(c.spaces, s)
			}
		}
	}
	w.node(c, 0, false)
	if n.parent != nil {
		for _, f := range n.parent.children[n.index()+1:] {
			if !f.isText() {
				break
			}
			w.node(f, 0, false)
		}
	}
	return w.String()
}

func (t *task) addChildren() (*module.Result, error) {
	hits, err := t.find(t.doc, t.xpath)
	if err != nil || len(hits) == 0 || !hits[0].isElement() {
		if err != nil {
			return nil, err
		}
		return t.finish("", 0, nil)
	}
	children, err := t.nodes(t.args.List("add_children"))
	if err != nil {
		return nil, err
	}
	before, after := t.args.Bool("insertbefore"), t.args.Bool("insertafter")
	if !before && !after {
		for _, h := range hits {
			h.node.append(children)
		}
		return t.finish("", 0, nil)
	}
	at := hits[0].node
	if after {
		at = hits[len(hits)-1].node
	}
	parent := hits[0].node.parent
	if at.parent == nil || at.parent.kind == document {
		return nil, fail("Xpath %s is the root, and nothing can be beside it", t.xpath)
	}
	i := at.index()
	if after {
		// Beyond the text that follows it, which belongs to it.
		for i++; i < len(at.parent.children) && at.parent.children[i].isText(); i++ {
			continue
		}
	}
	for n, c := range children {
		parent.insert(i+n, c)
	}
	return t.finish("", 0, nil)
}

func (t *task) set() (*module.Result, error) {
	text, ok := t.args.Any("value").(string)
	switch v := t.args.Any("value").(type) {
	case *value.Map, []any:
		return nil, fail("value must be a string, not %s", value.Repr(v))
	default:
		if !ok {
			text = value.Str(v)
		}
	}
	is, err := t.isElement(t.doc, t.xpath)
	if err == nil && !is {
		err = t.make(t.doc, t.xpath)
	}
	if err != nil {
		if errors.As(err, new(stop)) {
			return nil, err
		}
		missing := ""
		if len(t.doc.root().spaces) > 0 && !strings.Contains(t.xpath, ":") {
			missing = "XML document has namespace(s) defined, but no namespace prefix(es) used in xpath!\n"
		}
		return nil, fail("%sXpath %s causes a failure: %s\n  -- tree is %s", missing, t.xpath, err, bytesOf(t.doc.brief(true)))
	}
	hits, err := t.find(t.doc, t.xpath)
	if err != nil {
		return nil, err
	}
	if len(hits) == 0 || !hits[0].isElement() {
		return nil, fail("Xpath %s does not reference a node! tree is %s", t.xpath, bytesOf(t.doc.brief(true)))
	}
	tag := ""
	if t.args.Has("attribute") {
		if tag, err = t.clark(value.Str(t.args.Any("attribute"))); err != nil {
			return nil, err
		}
	}
	for _, h := range hits {
		switch {
		case tag != "":
			h.node.setAttr(tag, text)
		case h.node.inner() != text:
			h.node.setInner(text)
		}
	}
	return t.finish("", 0, nil)
}

// bytesOf is text as messages of Ansible show bytes.
func bytesOf(s string) string {
	q := value.Repr(s)
	return "b" + q
}

// clark replaces the prefix of a name.
func (t *task) clark(name string) (string, error) {
	prefix, local, ok := strings.Cut(name, ":")
	if !ok {
		return name, nil
	}
	uri, ok := t.spaces[prefix]
	if !ok {
		return "", fail("namespaces has no %s, which %s needs", prefix, name)
	}
	return clark(uri, local), nil
}

const ident = `([a-zA-Z-][a-zA-Z0-9_.-]*(?::[a-zA-Z-][a-zA-Z0-9_.-]*)?)`

// forms are the expressions whose last step can be made: an element, or one with
// a text; an attribute, or one with a value; an element with conditions; a text.
var (
	formElement   = lazyregexp.New(`^(.*)/` + ident + `(?:/text\(\)=('.*'|".*"))?$`)
	formAttribute = lazyregexp.New(`^(.*)/(@` + ident + `)(?:=('.*'|".*"))?$`)
	formCondition = lazyregexp.New(`^(.*)/` + ident + `\[(.*)\]$`)
	formText      = lazyregexp.New(`^(.*)/text\(\)=('.*'|".*")$`)
)

// make makes what an expression names, and what that is in.
func (t *task) make(at *node, expr string) error {
	expr = strings.TrimSpace(expr)
	var inner string
	var change func(in []*node) error
	quoted := func(s string) string {
		if s == "" {
			return ""
		}
		return s[1 : len(s)-1]
	}
	if m := formElement.FindStringSubmatch(expr); m != nil {
		inner, change = m[1], func(in []*node) error { return t.makeElement(in, m[2], quoted(m[3])) }
	} else if m := formAttribute.FindStringSubmatch(expr); m != nil {
		inner, change = m[1], func(in []*node) error {
			tag, err := t.clark(m[3])
			for _, n := range in {
				n.setAttr(tag, quoted(m[4]))
			}
			return err
		}
	} else if m := formCondition.FindStringSubmatch(expr); m != nil {
		inner, change = m[1], func(in []*node) error { return t.makeWith(in, m[2], strings.Split(m[3], " and ")) }
	} else if m := formText.FindStringSubmatch(expr); m != nil {
		inner, change = m[1], func(in []*node) error {
			for _, n := range in {
				if n.inner() != quoted(m[2]) {
					n.setInner(quoted(m[2]))
				}
			}
			return nil
		}
	} else {
		return fail("Can't process Xpath %s in order to spawn nodes! tree is %s", expr, bytesOf(at.brief(true)))
	}
	is, err := t.isElement(at, inner)
	if err == nil && !is {
		err = t.make(at, inner)
	}
	if err != nil {
		return err
	}
	hits, err := t.find(at, inner)
	if err != nil || len(hits) == 0 || !hits[0].isElement() {
		return err
	}
	in := make([]*node, 0, len(hits))
	for _, h := range hits {
		if h.attr < 0 && h.node.kind == element {
			in = append(in, h.node)
		}
	}
	return change(in)
}

// makeElement puts a new element at the end; of several places the last gets it.
func (t *task) makeElement(in []*node, name, text string) error {
	tag, err := t.clark(name)
	if err != nil {
		return err
	}
	n := newElement(tag)
	if text != "" {
		n.setInner(text)
	}
	for _, p := range in {
		p.append([]*node{n})
	}
	return nil
}

// makeWith makes an element for which conditions hold.
func (t *task) makeWith(in []*node, name string, conditions []string) error {
	tag, err := t.clark(name)
	if err != nil {
		return err
	}
	n := newElement(tag)
	for _, p := range in {
		p.append([]*node{n})
		for _, c := range conditions {
			if err := t.make(n, "./"+strings.TrimSpace(c)); err != nil {
				return err
			}
		}
	}
	return nil
}
