package template

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// The filters for XML keep what attributes and elements hold as the library
// xmltodict does: @name is an attribute, #text the text beside others, a name
// that comes again a list.

func fromXMLFilter(c *call) (any, error) {
	s, err := c.textArg(0)
	if err != nil {
		return nil, err
	}
	if err := c.xmlEngine(1); err != nil {
		return nil, err
	}
	v, err := parseXML(s)
	if err != nil {
		return nil, filterErr("Error when using plugin '%s': Input Xml is not valid: %s", c.short(), err)
	}
	return string(value.JSON{Python: true, ASCII: true}.Append(nil, v)), nil
}

func (c *call) xmlEngine(i int) error {
	engine, err := c.textArg(i)
	if err == nil && engine != "xmltodict" {
		err = filterErr("Error when using plugin '%s': engine: %s is not supported", c.short(), engine)
	}
	return err
}

// xmlElement is an element while it is read.
type xmlElement struct {
	name string
	m    *value.Map // of attributes and elements, nil for none
	text strings.Builder
}

func xmlName(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

func parseXML(s string) (any, error) {
	d := xml.NewDecoder(strings.NewReader(s))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	open := []*xmlElement{{}}
	for {
		start := d.InputOffset()
		t, err := d.RawToken()
		if _, ok := t.(xml.StartElement); ok {
			t, err = plainTag(s[start:d.InputOffset()], t)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		top := open[len(open)-1]
		switch t := t.(type) {
		case xml.StartElement:
			if len(open) == 1 && top.m != nil {
				return nil, errors.New("there is more than one root element")
			}
			if len(open) > maxNesting {
				return nil, errors.New("nested too deeply")
			}
			e := &xmlElement{name: xmlName(t.Name)}
			for _, a := range t.Attr {
				if e.m == nil {
					e.m = value.NewMap(len(t.Attr))
				}
				name := "@" + xmlName(a.Name)
				if e.m.Has(name) {
					return nil, errors.New("an attribute comes twice: " + name[1:])
				}
				e.m.Set(name, a.Value)
			}
			open = append(open, e)
		case xml.EndElement:
			if len(open) == 1 || top.name != xmlName(t.Name) {
				return nil, errors.New("the end of " + xmlName(t.Name) + " does not match")
			}
			open = open[:len(open)-1]
			open[len(open)-1].push(top.name, top.value())
		case xml.CharData:
			if len(open) == 1 && strings.TrimFunc(string(t), isPySpace) != "" {
				return nil, errors.New("there is text outside of the root element")
			}
			top.text.Write(t)
		}
	}
	if len(open) > 1 {
		return nil, errors.New("the end of " + open[len(open)-1].name + " is missing")
	}
	if open[0].m == nil {
		return nil, errors.New("no element found")
	}
	return open[0].m, nil
}

// plainTag is a tag again, with spaces for the other white space in it: so XML
// reads what is written in attributes, but not what references there stand for.
func plainTag(tag string, t xml.Token) (xml.Token, error) {
	if !strings.ContainsAny(tag, "\n\t\r") {
		return t, nil
	}
	tag = strings.NewReplacer("\r\n", " ", "\n", " ", "\t", " ", "\r", " ").Replace(tag)
	return xml.NewDecoder(strings.NewReader(tag)).RawToken()
}

// push adds an element to those of e.
func (e *xmlElement) push(name string, v any) {
	if e.m == nil {
		e.m = value.NewMap(4)
	}
	old, ok := e.m.Get(name)
	if !ok {
		e.m.Set(name, v)
		return
	}
	if l, isL := old.([]any); isL {
		e.m.Set(name, append(l, v))
		return
	}
	e.m.Set(name, []any{old, v})
}

// value is what e is once it is read.
func (e *xmlElement) value() any {
	text := strings.TrimFunc(e.text.String(), isPySpace)
	switch {
	case e.m == nil && text == "":
		return nil
	case e.m == nil:
		return text
	case text != "":
		e.push("#text", text)
	}
	return e.m
}

func toXMLFilter(c *call) (any, error) {
	if err := c.need(0); err != nil {
		return nil, err
	}
	data := freeze(c.a[0])
	if s, isText := asStr(data); isText {
		data, _ = value.ParseJSON([]byte(s))
	}
	m, ok := data.(*value.Map)
	if !ok {
		return nil, typeErr("%s: argument 'data' must be a dictionary, not %s", c.short(), TypeName(c.a[0]))
	}
	if err := c.xmlEngine(1); err != nil {
		return nil, err
	}
	indent, err := c.choiceArg(2, "tabs", "spaces")
	if err != nil {
		return nil, err
	}
	width, err := c.intArg(3)
	if err != nil {
		return nil, err
	}
	full, err := c.boolArg(4, true)
	if err != nil {
		return nil, err
	}
	w := xmlWriter{indent: "\t", room: c.room}
	if indent == "spaces" && width != nil {
		n := int(max(0, width.Int64()))
		if err := c.room(n); err != nil {
			return nil, err
		}
		w.indent = strings.Repeat(" ", n)
	}
	if full {
		if m.Len() != 1 {
			return nil, filterErr("Error when using plugin '%s': a document has one root element, not %d", c.short(), m.Len())
		}
		w.b.WriteString("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n")
	}
	for k, v := range m.All() {
		if l, isL := v.([]any); isL && full && len(l) > 1 {
			return nil, filterErr("Error when using plugin '%s': a document has one root element, not %d", c.short(), len(l))
		}
		if err := w.element(k, v, 0); err != nil {
			return nil, filterErr("Error when using plugin '%s': %s", c.short(), err)
		}
	}
	return w.b.String(), nil
}

type xmlWriter struct {
	b      strings.Builder
	indent string
	room   func(int) error
}

var (
	xmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	xmlAttr = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\n", "&#10;", "\r", "&#13;", "\t", "&#9;")
)

func xmlQuote(s string) string {
	s = xmlAttr.Replace(s)
	switch {
	case !strings.Contains(s, `"`):
		return `"` + s + `"`
	case !strings.Contains(s, "'"):
		return "'" + s + "'"
	}
	return `"` + strings.ReplaceAll(s, `"`, "&quot;") + `"`
}

// element writes an element for v, or one for each element of a list.
func (w *xmlWriter) element(key, v any, depth int) error {
	if l, ok := asList(v); ok {
		for _, e := range l {
			if err := w.one(key, e, depth); err != nil {
				return err
			}
		}
		return nil
	}
	return w.one(key, v, depth)
}

func (w *xmlWriter) one(key, v any, depth int) error {
	name, ok := asStr(key)
	if !ok {
		return typeErr("the name %s is no text", Repr(key))
	}
	if err := w.room(w.b.Len()); err != nil {
		return err
	}
	pad := strings.Repeat(w.indent, depth)
	w.b.WriteString(pad + "<" + name)
	var text any
	var names, values []any
	m, isMap := v.(*value.Map)
	if !isMap {
		m = value.NewMap(0)
		if text = v; v != nil {
			text = xmlScalar(v)
		}
	}
	for k, e := range m.All() {
		s, ok := asStr(k)
		switch {
		case !ok:
			return typeErr("the name %s is no text", Repr(k))
		case s == "#text":
			text = e
			if _, isText := asStr(e); e != nil && !isText {
				return typeErr("#text of %s is no text", name)
			}
		case strings.HasPrefix(s, "@"):
			w.b.WriteString(" " + s[1:] + "=" + xmlQuote(Str(e)))
		default:
			names, values = append(names, k), append(values, e)
		}
	}
	w.b.WriteString(">")
	if len(names) > 0 {
		w.b.WriteString("\n")
	}
	for i := range names {
		if err := w.element(names[i], values[i], depth+1); err != nil {
			return err
		}
	}
	if text != nil {
		w.b.WriteString(xmlText.Replace(Str(text)))
	}
	if len(names) > 0 {
		w.b.WriteString(pad)
	}
	w.b.WriteString("</" + name + ">")
	if depth > 0 {
		w.b.WriteString("\n")
	}
	return nil
}

// xmlScalar is a value as the text of an element.
func xmlScalar(v any) string {
	if b, ok := v.(bool); ok {
		return strings.ToLower(Str(b))
	}
	return Str(v)
}
