package xml

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

// parser reads a document, whole and well-formed or not at all.
type parser struct {
	in     string
	at     int
	doc    *node
	open   *node // the innermost element that has not ended
	blanks bool  // keep text that only sets elements apart
	cdata  bool  // keep CDATA sections rather than turn them into text

	entities map[string]string // what the names stand for that the document declares
	grown    int               // how much text that has made
}

// syntaxError is what makes a document none.
type syntaxError struct {
	what         error
	line, column int
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("%s, line %d, column %d", e.what, e.line, e.column)
}

func (e *syntaxError) Unwrap() error { return e.what }

// named is an element as mistakes name it.
func (p *parser) named(n *node) string {
	return fmt.Sprintf("%s line %d", qualified(n.prefix, n.name), 1+strings.Count(p.in[:n.at], "\n"))
}

// wrong says where the parser has come to.
func (p *parser) wrong(what error) error {
	before := p.in[:p.at]
	return &syntaxError{what, 1 + strings.Count(before, "\n"), p.at - strings.LastIndexByte(before, '\n')}
}

var encodings = lazyregexp.New(`^<\?xml[^>]*?encoding\s*=\s*["']([^"']+)["']`)

func parse(data []byte, keepBlanks, keepCDATA bool) (doc *node, err error) {
	in := strings.TrimPrefix(string(data), "\ufeff")
	if m := encodings.FindStringSubmatch(in[:min(len(in), 200)]); m != nil {
		switch strings.ToLower(m[1]) {
		case "utf-8", "utf8", "us-ascii", "ascii":
		case "iso-8859-1", "latin1", "latin-1":
			runes := make([]rune, len(in))
			for i := range len(in) {
				runes[i] = rune(in[i])
			}
			in = string(runes)
		default:
			return nil, fmt.Errorf("documents in %s are not supported, only UTF-8 and ISO-8859-1", m[1])
		}
	}
	if !utf8.ValidString(in) {
		return nil, errors.New("Input is not proper UTF-8, indicate encoding !")
	}
	p := &parser{in: strings.ReplaceAll(strings.ReplaceAll(in, "\r\n", "\n"), "\r", "\n"), doc: &node{kind: document}, blanks: keepBlanks, cdata: keepCDATA}
	p.open = p.doc
	if p.in == "" {
		return nil, p.wrong(errors.New("Document is empty"))
	}
	for p.at < len(p.in) {
		if err := p.next(); err != nil {
			return nil, p.wrong(err)
		}
	}
	switch {
	case p.open != p.doc:
		return nil, p.wrong(fmt.Errorf("Premature end of data in tag %s", p.named(p.open)))
	case p.doc.root() == nil:
		return nil, p.wrong(errors.New("Start tag expected, '<' not found"))
	}
	return p.doc, nil
}

func (p *parser) rest() string { return p.in[p.at:] }

// until takes what is before end, and end.
func (p *parser) until(begin, end, what string) (string, error) {
	body, _, ok := strings.Cut(p.in[p.at+len(begin):], end)
	if !ok {
		return "", errors.New(what + " not terminated")
	}
	p.at += len(begin) + len(body) + len(end)
	return body, nil
}

func (p *parser) add(n *node) {
	n.parent = p.open
	p.open.children = append(p.open.children, n)
}

func (p *parser) next() error {
	switch s := p.rest(); {
	case strings.HasPrefix(s, "<!--"):
		body, err := p.until("<!--", "-->", "Comment")
		if err == nil {
			p.add(&node{kind: comment, data: body})
		}
		return err
	case strings.HasPrefix(s, "<![CDATA[") && p.open != p.doc:
		body, err := p.until("<![CDATA[", "]]>", "CData section")
		if err == nil && p.cdata {
			p.add(&node{kind: cdata, data: body})
		} else if err == nil {
			p.text(body)
		}
		return err
	case strings.HasPrefix(s, "<?"):
		body, err := p.until("<?", "?>", "PI")
		if err != nil {
			return err
		}
		target, data, _ := strings.Cut(body, " ")
		if i := strings.IndexAny(body, " \t\n"); i >= 0 {
			target, data = body[:i], strings.TrimLeft(body[i:], " \t\n")
		}
		if target != "xml" {
			p.add(&node{kind: instruction, name: target, data: data})
		} else if p.doc.children != nil {
			return errors.New("XML declaration allowed only at the start of the document")
		}
		return nil
	case strings.HasPrefix(s, "<!DOCTYPE") && p.open == p.doc:
		return p.doctype()
	case strings.HasPrefix(s, "</"):
		return p.end()
	case strings.HasPrefix(s, "<"):
		return p.start()
	}
	return p.characters()
}

func (p *parser) end() error {
	body, err := p.until("</", ">", "End tag")
	if err != nil {
		return err
	}
	name := strings.TrimRight(body, " \t\n")
	if p.open == p.doc {
		return errors.New("Extra content at the end of the document")
	}
	if want := qualified(p.open.prefix, p.open.name); name != want {
		return fmt.Errorf("Opening and ending tag mismatch: %s and %s", p.named(p.open), name)
	}
	p.open = p.open.parent
	return nil
}

func qualified(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + ":" + name
}

var (
	name  = lazyregexp.New(`^[\pL_:][\pL\pN\pM_:.·-]*`)
	names = lazyregexp.New(`^[\pL_][\pL\pN\pM_.·-]*$`)
)

func (p *parser) name() string {
	s := name.FindString(p.rest())
	p.at += len(s)
	return s
}

func (p *parser) skip() bool {
	before := p.at
	p.at = len(p.in) - len(strings.TrimLeft(p.rest(), " \t\n"))
	return p.at > before
}

func (p *parser) start() error {
	if p.open == p.doc && p.doc.root() != nil {
		return errors.New("Extra content at the end of the document")
	}
	p.at++
	tag := p.name()
	if tag == "" {
		return errors.New("StartTag: invalid element name")
	}
	n := &node{kind: element, name: tag, at: p.at}
	p.add(n)
	for {
		spaced := p.skip()
		switch s := p.rest(); {
		case strings.HasPrefix(s, "/>"):
			p.at += 2
			return n.resolve()
		case strings.HasPrefix(s, ">"):
			p.at++
			p.open = n
			return n.resolve()
		case !spaced:
			return errors.New("attributes construct error")
		}
		if err := p.attribute(n); err != nil {
			return err
		}
	}
}

func (p *parser) attribute(n *node) error {
	key := p.name()
	if key == "" {
		return fmt.Errorf("Couldn't find end of Start Tag %s", p.named(n))
	}
	p.skip()
	if !strings.HasPrefix(p.rest(), "=") {
		return fmt.Errorf("Specification mandates value for attribute %s", key)
	}
	p.at++
	p.skip()
	quote := p.rest()[:min(1, len(p.rest()))]
	if quote != `"` && quote != "'" {
		return errors.New("AttValue: \" or ' expected")
	}
	raw, err := p.until(quote, quote, "AttValue")
	if err != nil {
		return err
	}
	if strings.Contains(raw, "<") {
		return fmt.Errorf("Unescaped '<' not allowed in attributes values")
	}
	value, err := p.unescape(strings.NewReplacer("\t", " ", "\n", " ").Replace(raw), nil)
	if err != nil {
		return err
	}
	switch prefix, local, ok := strings.Cut(key, ":"); {
	case key == "xmlns":
		n.spaces = append(n.spaces, space{"", value})
	case ok && prefix == "xmlns":
		n.spaces = append(n.spaces, space{local, value})
	default:
		for _, a := range n.attrs {
			if a.name == key {
				return fmt.Errorf("Attribute %s redefined", key)
			}
		}
		n.attrs = append(n.attrs, attr{name: key, value: value})
	}
	return nil
}

// resolve finds the namespaces of an element's names.
func (n *node) resolve() error {
	if prefix, local, ok := strings.Cut(n.name, ":"); ok {
		if n.prefix, n.name, n.uri = prefix, local, n.lookup(prefix); n.uri == "" {
			return fmt.Errorf("Namespace prefix %s on %s is not defined", prefix, local)
		}
	} else {
		n.uri = n.lookup("")
	}
	for i := range n.attrs {
		a := &n.attrs[i]
		if prefix, local, ok := strings.Cut(a.name, ":"); ok {
			if a.prefix, a.name, a.uri = prefix, local, n.lookup(prefix); a.uri == "" {
				return fmt.Errorf("Namespace prefix %s for %s on %s is not defined", prefix, local, n.name)
			}
		}
	}
	return nil
}

func (p *parser) characters() error {
	raw, _, _ := strings.Cut(p.rest(), "<")
	if p.open == p.doc {
		if strings.TrimSpace(raw) == "" {
			p.at += len(raw)
			return nil
		}
		if p.doc.root() == nil {
			return errors.New("Start tag expected, '<' not found")
		}
		return errors.New("Extra content at the end of the document")
	}
	s, err := p.unescape(raw, nil)
	if err != nil {
		return err
	}
	p.at += len(raw)
	if !p.blanks && strings.Trim(raw, " \t\n") == "" && p.blank() {
		return nil
	}
	p.open.mixed = true
	p.text(s)
	return nil
}

// blank reports whether white space at this place only sets elements apart.
func (p *parser) blank() bool {
	in := p.open.children
	if p.open.mixed {
		return false
	}
	if len(in) == 0 {
		return !strings.HasPrefix(p.rest(), "</")
	}
	return !in[len(in)-1].isText() && !in[0].isText()
}

func (p *parser) text(s string) {
	if in := p.open.children; len(in) > 0 && in[len(in)-1].kind == text {
		in[len(in)-1].data += s
		return
	}
	p.add(&node{kind: text, data: s})
}

var known = map[string]string{"lt": "<", "gt": ">", "amp": "&", "quot": `"`, "apos": "'"}

// unescape replaces the references in a text, which may be what entities stand for.
func (p *parser) unescape(s string, within []string) (string, error) {
	before, rest, ok := strings.Cut(s, "&")
	if !ok {
		return s, nil
	}
	var b strings.Builder
	for ok {
		b.WriteString(before)
		name, after, ended := strings.Cut(rest, ";")
		if !ended {
			return "", errors.New("EntityRef: expecting ';'")
		}
		number, isNumber := strings.CutPrefix(name, "#")
		switch {
		case isNumber:
			base := 10
			if hex, ok := strings.CutPrefix(number, "x"); ok {
				number, base = hex, 16
			}
			n, err := strconv.ParseUint(number, base, 32)
			if err != nil || n == 0 || n > utf8.MaxRune {
				return "", fmt.Errorf("xmlParseCharRef: invalid xmlChar value %s", name)
			}
			b.WriteRune(rune(n))
		case known[name] != "":
			b.WriteString(known[name])
		default:
			text, err := p.entity(name, within)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
		}
		before, rest, ok = strings.Cut(after, "&")
	}
	b.WriteString(before)
	return b.String(), nil
}
