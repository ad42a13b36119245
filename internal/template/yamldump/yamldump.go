// Package yamldump writes values as YAML, byte for byte as Python programs do
// that use PyYAML with libyaml (YAML 1.1: what would read as a number, a date
// or a truth value is quoted). Begin with Dump.
package yamldump

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

// Style says when lists and dicts are written on one line, in brackets.
type Style uint8

// The styles. Auto uses brackets for what holds scalars only.
const (
	Auto Style = iota
	Block
	Flow
)

// Options say how to write. The zero Options are PyYAML's defaults.
type Options struct {
	Style         Style
	Indent        int  // spaces a level; 2 unless it is 2 to 9
	Width         int  // of a line, in columns; 80 unless it is more than twice the indent
	KeepOrder     bool // of dicts, instead of sorting their keys
	EscapeUnicode bool // everything that is not ASCII
	ExplicitStart bool // ---
	ExplicitEnd   bool // ...
	BlockLines    bool // | for strings of several lines, if no Quote is set
	Quote         byte // ' or " or | or > for every string; 0: as needed
	// Other turns a value of a kind that this package does not know into one
	// that it does.
	Other func(v any) (any, error)
}

// Dump writes v as one document.
func Dump(v any, o Options) (string, error) {
	if o.Indent < 2 || o.Indent > 9 {
		o.Indent = 2
	}
	if o.Width <= 2*o.Indent {
		o.Width = 80
	}
	n, err := represent(v, &o, 0)
	if err != nil {
		return "", err
	}
	e := &emitter{o: o, indent: -1, whitespace: true, indention: true}
	if o.ExplicitStart {
		e.writeIndent()
		e.indicator("---", true, false, false)
	}
	e.node(n, false, false)
	e.writeIndent()
	if o.ExplicitEnd {
		e.indicator("...", true, false, false)
		e.writeIndent()
	}
	return e.b.String(), nil
}

// node is what is written: a scalar, a list or a dict.
type node struct {
	kind   byte // s l m
	text   string
	tag    string // written before it, if any
	plain  bool   // the text may stand without quotes
	quote  byte
	flow   bool
	items  []*node // of a dict: keys and values in turn
	nested bool    // holds something else than scalars
}

const maxDepth = 500

// Text that reads as something else than text when it is not quoted.
var special = lazyregexp.New(`^(?:` +
	`yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF` +
	`|[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?` +
	`|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)` +
	`|[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+` +
	`|<<|=|~|null|Null|NULL|` +
	`|\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?` +
	`)$`)

func str(s string, o *Options) *node {
	quote := o.Quote
	if o.BlockLines && quote == 0 && strings.ContainsAny(s, "\n\u0085\u2028\u2029") {
		quote = '|'
	}
	return &node{kind: 's', text: s, plain: !special.MatchString(s), quote: quote}
}

func scalar(s string) *node { return &node{kind: 's', text: s, plain: true} }

// literal is what is no text; in quotes, it has a tag that says so.
func literal(s string, o *Options) *node {
	n := scalar(s)
	if o.Quote != 0 {
		n.quote, n.tag = o.Quote, "!"
	}
	return n
}

// represent turns v into nodes.
func represent(v any, o *Options, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the value is nested more than %d levels deep", maxDepth)
	}
	switch v := v.(type) {
	case nil:
		return literal("null", o), nil
	case bool:
		return literal(map[bool]string{true: "true", false: "false"}[v], o), nil
	case int, *big.Int:
		return literal(value.Repr(v), o), nil
	case float64:
		return literal(float(v), o), nil
	case string:
		return str(v, o), nil
	case *value.Template:
		return str(v.Source, o), nil
	case value.Tuple:
		return list(v, o, depth)
	case []any:
		return list(v, o, depth)
	case *value.Map:
		return dict(v, o, depth)
	case *value.Set:
		n := &node{kind: 'm', tag: "!!set", flow: o.Style == Flow || o.Style == Auto}
		for _, e := range v.JSONValue().([]any) {
			k, err := represent(e, o, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, k, scalar("null"))
		}
		return n, nil
	case []byte:
		return &node{kind: 's', tag: "!!binary", text: base64Lines(v), quote: '|'}, nil
	}
	if o.Other != nil {
		known, err := o.Other(v)
		if err != nil {
			return nil, err
		}
		return represent(known, o, depth+1)
	}
	return nil, fmt.Errorf("cannot represent an object of type %s", value.TypeName(v))
}

func base64Lines(b []byte) string {
	s := base64.StdEncoding.EncodeToString(b)
	var out strings.Builder
	for len(s) > 76 {
		out.WriteString(s[:76] + "\n")
		s = s[76:]
	}
	return out.String() + s + "\n"
}

func float(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	s := value.FormatFloat(f)
	if !strings.Contains(s, ".") {
		s = strings.Replace(s, "e", ".0e", 1)
	}
	return s
}

func list(l []any, o *Options, depth int) (*node, error) {
	n := &node{kind: 'l'}
	for _, e := range l {
		x, err := represent(e, o, depth+1)
		if err != nil {
			return nil, err
		}
		n.add(x)
	}
	n.choose(o)
	return n, nil
}

func (n *node) add(x *node) {
	n.items = append(n.items, x)
	n.nested = n.nested || x.kind != 's' || x.quote != 0
}

func (n *node) choose(o *Options) { n.flow = o.Style == Flow || o.Style == Auto && !n.nested }

func dict(m *value.Map, o *Options, depth int) (*node, error) {
	n := &node{kind: 'm'}
	keys := m.Keys()
	if !o.KeepOrder && sortable(keys) {
		slices.SortStableFunc(keys, compare)
	}
	for _, k := range keys {
		kn, err := represent(k, o, depth+1)
		if err != nil {
			return nil, err
		}
		vn, err := represent(m.At(k), o, depth+1)
		if err != nil {
			return nil, err
		}
		n.add(kn)
		n.add(vn)
	}
	n.choose(o)
	return n, nil
}

// sortable reports whether Python could sort the keys: all text or all numbers.
func sortable(keys []any) bool {
	text, numbers := 0, 0
	for _, k := range keys {
		switch k.(type) {
		case string:
			text++
		case int, float64, bool, *big.Int:
			numbers++
		}
	}
	return text == len(keys) || numbers == len(keys)
}

func compare(a, b any) int {
	if s, ok := a.(string); ok {
		return strings.Compare(s, b.(string))
	}
	return number(a).Cmp(number(b))
}

func number(v any) *big.Float {
	switch v := v.(type) {
	case bool:
		if v {
			return big.NewFloat(1)
		}
	case int:
		return new(big.Float).SetInt64(int64(v))
	case *big.Int:
		return new(big.Float).SetInt(v)
	case float64:
		if !math.IsNaN(v) {
			return big.NewFloat(v)
		}
	}
	return new(big.Float)
}

// emitter writes nodes and keeps track of where it is.
type emitter struct {
	o          Options
	b          bytes.Buffer
	column     int
	indent     int // -1 at the root
	whitespace bool
	indention  bool // only white space and indicators so far in this line
	flow       int  // brackets around
	mapping    bool // inside a dict, not a list
	simpleKey  bool
}

func (e *emitter) put(s string) {
	e.b.WriteString(s)
	e.column += len([]rune(s))
}

func (e *emitter) lineBreak() {
	e.b.WriteByte('\n')
	e.column = 0
}

func (e *emitter) writeIndent() {
	indent := max(e.indent, 0)
	if !e.indention || e.column > indent || e.column == indent && !e.whitespace {
		e.lineBreak()
	}
	for e.column < indent {
		e.put(" ")
	}
	e.whitespace, e.indention = true, true
}

func (e *emitter) indicator(s string, needSpace, isSpace, isIndention bool) {
	if needSpace && !e.whitespace {
		e.put(" ")
	}
	e.put(s)
	e.whitespace = isSpace
	e.indention = e.indention && isIndention
}

// deeper makes the indent of what is inside; call the result when leaving.
func (e *emitter) deeper(flow, indentless bool) func() {
	old := e.indent
	switch {
	case e.indent < 0 && flow:
		e.indent = e.o.Indent
	case e.indent < 0:
		e.indent = 0
	case !indentless:
		e.indent += e.o.Indent
	}
	return func() { e.indent = old }
}

func (e *emitter) node(n *node, mapping, simpleKey bool) {
	e.mapping, e.simpleKey = mapping, simpleKey
	if n.tag != "" {
		e.indicator(n.tag, true, false, false)
	}
	inBrackets := e.flow > 0 || n.flow || len(n.items) == 0
	switch {
	case n.kind == 's':
		leave := e.deeper(true, false)
		e.scalar(n)
		leave()
	case inBrackets:
		e.brackets(n)
	case n.kind == 'l':
		leave := e.deeper(false, e.mapping && !e.indention)
		for _, x := range n.items {
			e.writeIndent()
			e.indicator("-", true, false, true)
			e.node(x, false, false)
		}
		leave()
	default:
		leave := e.deeper(false, false)
		for i := 0; i < len(n.items); i += 2 {
			e.writeIndent()
			k := n.items[i]
			if isSimple(k) {
				e.node(k, true, true)
				e.indicator(":", false, false, false)
			} else {
				e.indicator("?", true, false, true)
				e.node(k, true, false)
				e.writeIndent()
				e.indicator(":", true, false, true)
			}
			e.node(n.items[i+1], true, false)
		}
		leave()
	}
}

// isSimple reports whether a key may stand before its colon on one line.
func isSimple(k *node) bool {
	if k.kind != 's' {
		return len(k.items) == 0
	}
	return len(k.text)+len(k.tag) <= 128 && !strings.ContainsAny(k.text, "\n\r\u0085\u2028\u2029")
}

func (e *emitter) brackets(n *node) {
	open, end := "[", "]"
	if n.kind == 'm' {
		open, end = "{", "}"
	}
	e.indicator(open, true, true, false)
	leave := e.deeper(true, false)
	e.flow++
	for i := 0; i < len(n.items); i++ {
		if i > 0 {
			e.indicator(",", false, false, false)
		}
		if e.column > e.o.Width {
			e.writeIndent()
		}
		if n.kind == 'l' {
			e.node(n.items[i], false, false)
			continue
		}
		if k := n.items[i]; isSimple(k) {
			e.node(k, true, true)
			e.indicator(":", false, false, false)
		} else {
			e.indicator("?", true, false, false)
			e.node(k, true, false)
			if e.column > e.o.Width {
				e.writeIndent()
			}
			e.indicator(":", true, false, false)
		}
		i++
		e.node(n.items[i], true, false)
	}
	e.flow--
	leave()
	e.indicator(end, false, false, false)
}
