package xml

import (
	"strconv"
	"strings"
)

// writer writes trees as Ansible's library does: where nothing was changed, a
// document that it wrote itself stays as it is byte for byte.
type writer struct {
	strings.Builder
	pretty bool
	ascii  bool // write other characters as references
}

// file is a document as it is written to a file.
func (n *node) file(pretty bool) string {
	w := writer{pretty: pretty}
	w.WriteString("<?xml version='1.0' encoding='UTF-8'?>\n")
	w.document(n)
	return w.String()
}

// brief is a document, or an element, as messages show it.
func (n *node) brief(pretty bool) string {
	w := writer{pretty: pretty, ascii: true}
	if n.kind == element {
		n = &node{children: []*node{n}}
	}
	w.document(n)
	return w.String()
}

func (w *writer) document(doc *node) {
	ended := false
	for _, c := range doc.children {
		switch {
		case c.kind == doctype:
			w.WriteString("<!DOCTYPE " + c.data + ">\n")
			continue
		case ended && w.pretty:
			w.WriteString("\n")
		}
		w.node(c, 0, w.pretty)
		if c.kind == element {
			ended = true
		} else if !ended && w.pretty {
			w.WriteString("\n")
		}
	}
	if w.pretty {
		w.WriteString("\n")
	}
}

func (w *writer) node(n *node, depth int, pretty bool) {
	switch n.kind {
	case text:
		w.WriteString(w.escape(n.data, false))
		return
	case cdata:
		w.WriteString("<![CDATA[" + n.data + "]]>")
		return
	case comment:
		w.WriteString("<!--" + n.data + "-->")
		return
	case instruction:
		w.WriteString("<?" + n.name)
		if n.data != "" {
			w.WriteString(" " + n.data)
		}
		w.WriteString("?>")
		return
	}
	tag := qualified(n.prefix, n.name)
	w.WriteString("<" + tag)
	for _, s := range n.spaces {
		key := "xmlns"
		if s.prefix != "" {
			key += ":" + s.prefix
		}
		w.WriteString(" " + key + `="` + w.escape(s.uri, true) + `"`)
	}
	for _, a := range n.attrs {
		w.WriteString(" " + qualified(a.prefix, a.name) + `="` + w.escape(a.value, true) + `"`)
	}
	if len(n.children) == 0 {
		w.WriteString("/>")
		return
	}
	w.WriteString(">")
	for _, c := range n.children {
		pretty = pretty && !c.isText() // text would not be the same
	}
	for _, c := range n.children {
		w.indent(depth+1, pretty)
		w.node(c, depth+1, pretty)
	}
	w.indent(depth, pretty)
	w.WriteString("</" + tag + ">")
}

func (w *writer) indent(depth int, pretty bool) {
	if pretty {
		w.WriteString("\n" + strings.Repeat("  ", depth))
	}
}

var (
	inText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;")
	inAttr = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\n", "&#10;", "\t", "&#9;", "\r", "&#13;")
)

func (w *writer) escape(s string, attr bool) string {
	if attr {
		s = inAttr.Replace(s)
	} else {
		s = inText.Replace(s)
	}
	if !w.ascii {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			b.WriteString("&#" + strconv.Itoa(int(r)) + ";")
		}
	}
	return b.String()
}

// essence is what of a document counts as changed: neither white space between
// elements does, nor how text is written, nor what is around the root.
func (n *node) essence() string {
	w := writer{}
	w.node(n.root(), 0, false)
	again, err := parse([]byte(w.String()), false, false)
	if err != nil {
		return w.String()
	}
	w = writer{}
	w.node(again.root(), 0, false)
	return w.String()
}
