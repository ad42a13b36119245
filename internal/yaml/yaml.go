// Package yaml reads YAML as Ansible does: YAML 1.1's scalars (yes, 0644,
// 1:30), merge keys, duplicate keys that warn and of which the last wins, and
// the tags !vault and !unsafe. Every node knows its place.
//
// The scanner and parser are go.yaml.in/yaml; what a scalar means is decided
// here. Parse gives nodes, for readers that report positions; Load gives values.
package yaml

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	goyaml "go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

// Kind is a node's kind.
type Kind uint8

// The kinds of nodes.
const (
	Scalar Kind = iota + 1
	List
	Map
)

// Node is one piece of a document.
type Node struct {
	Kind  Kind
	Pos   diag.Pos
	Items []*Node // of a List
	Pairs []Pair  // of a Map, merge keys applied, duplicates resolved

	scalar any // of a Scalar: its value
	// Plain marks a scalar written without quotes.
	Plain bool
}

// Pair is one entry of a Map node.
type Pair struct {
	Key   *Node
	Value *Node
}

// Options says how to read.
type Options struct {
	// Vault turns the text of a !vault scalar into a value. Without it such a
	// scalar is a problem.
	Vault func(ciphertext string, pos diag.Pos) (any, error)
	// Problems receives warnings (duplicate keys). It may be nil.
	Problems *diag.Problems
	// AsData leaves text with markers a plain string.
	AsData bool
}

// Load reads one document and returns its value, nil for an empty one.
func Load(data []byte, file string) (any, error) {
	n, err := Parse(data, file, Options{})
	if err != nil {
		return nil, err
	}
	return n.Value(), nil
}

// Parse reads one document. An empty document gives a Scalar node of nil. The
// error is a *diag.Problem with the place of what was wrong.
func Parse(data []byte, file string, o Options) (*Node, error) {
	docs, err := ParseAll(data, file, o)
	if err != nil {
		return nil, err
	}
	switch len(docs) {
	case 0:
		return &Node{Kind: Scalar, Pos: diag.Pos{File: file, Line: 1, Column: 1}}, nil
	case 1:
		return docs[0], nil
	}
	return nil, &diag.Problem{Pos: docs[1].Pos, Msg: "expected a single document in the stream, but found another one",
		Hint: "remove the second '---'"}
}

// ParseAll reads every document of a stream.
func ParseAll(data []byte, file string, o Options) ([]*Node, error) {
	if i := invalidUTF8(data); i >= 0 {
		return nil, &diag.Problem{Pos: position(data, i, file), Msg: fmt.Sprintf("byte 0x%02x is not valid UTF-8", data[i]),
			Hint: "save the file as UTF-8"}
	}
	if i := controlCharacter(data); i >= 0 {
		return nil, &diag.Problem{Pos: position(data, i, file), Msg: fmt.Sprintf("control characters are not allowed: byte 0x%02x", data[i]),
			Hint: "remove it, or write it as an escape in double quotes"}
	}
	loader, err := goyaml.NewLoader(strings.NewReader(string(data)))
	if err != nil {
		return nil, problem(err, file, data)
	}
	var out []*Node
	for {
		var doc goyaml.Node
		err := load(loader, &doc)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, problem(err, file, data)
		}
		b := builder{file: file, options: o, aliases: map[*goyaml.Node]int{}}
		if len(doc.Content) == 0 {
			continue
		}
		n, err := b.node(doc.Content[0], 0)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
}

// load guards against a panic of the parser on hostile input.
func load(l *goyaml.Loader, doc *goyaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the document cannot be parsed: %v", p)
		}
	}()
	return l.Load(doc)
}

func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// controlCharacter finds a byte that YAML does not allow anywhere.
func controlCharacter(data []byte) int {
	return slices.IndexFunc(data, func(b byte) bool { return b < ' ' && b != '\t' && b != '\n' && b != '\r' || b == 0x7f })
}

func position(data []byte, offset int, file string) diag.Pos {
	before := string(data[:offset])
	return diag.Pos{File: file, Line: 1 + strings.Count(before, "\n"), Column: len(before) - strings.LastIndexByte(before, '\n')}
}

// problem turns the parser's error into ours, with a hint for the mistakes
// that people make most.
func problem(err error, file string, data []byte) error {
	p := &diag.Problem{Pos: diag.Pos{File: file}, Msg: err.Error()}
	var le *goyaml.LoadError
	if !errors.As(err, &le) {
		return p
	}
	p.Pos.Line, p.Pos.Column = int(le.Mark.Line), int(le.Mark.Column)
	p.Msg = le.Message
	if le.ContextMsg != "" {
		p.Msg = le.Message + " " + le.ContextMsg
	}
	if text := strings.TrimSpace(string(data)); strings.HasSuffix(file, ".json") || strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		if _, err := value.ParseJSON(data); err != nil {
			p.Msg = "this reads neither as JSON nor as YAML.\nJSON: " + err.Error() + "\nYAML: " + p.Msg
		}
	}
	lines := strings.Split(string(data), "\n")
	line := ""
	if p.Pos.Line >= 1 && p.Pos.Line <= len(lines) {
		line = lines[p.Pos.Line-1]
	}
	switch {
	case strings.Contains(line, "\t") && strings.TrimLeft(line, " \t") != strings.TrimLeft(line, " "), strings.Contains(p.Msg, "tab"):
		p.Hint = "indent with spaces: YAML does not allow tabs"
		if i := strings.IndexByte(line, '\t'); i >= 0 {
			p.Pos.Column = i + 1
		}
	case strings.Contains(line, ": {{") || strings.Contains(line, ":{{"):
		p.Hint = `a value that starts with {{ needs quotes: "{{ foo }}"`
	case strings.Contains(p.Msg, "mapping values are not allowed"):
		p.Hint = "a value that holds ': ' needs quotes, or the indentation is off"
	case strings.Contains(p.Msg, "did not find expected key") || strings.Contains(p.Msg, "did not find expected '-'"):
		p.Hint = "the indentation of this line does not match the lines above, or a quote is not closed"
	case strings.Contains(p.Msg, "quoted scalar"):
		p.Hint = "a quote is opened and not closed"
	case strings.Contains(p.Msg, "cannot start any token"):
		p.Hint = "quote values that begin with @, ` or %"
	}
	return p
}

// Value returns the node as a value: text with markers is a *value.Template.
func (n *Node) Value() any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case List:
		out := make([]any, len(n.Items))
		for i, it := range n.Items {
			out[i] = it.Value()
		}
		return out
	case Map:
		m := value.NewMap(len(n.Pairs))
		for _, p := range n.Pairs {
			k := p.Key.Value()
			if t, ok := k.(*value.Template); ok {
				k = t.Source // Ansible does not evaluate keys
			}
			m.Set(k, p.Value.Value())
		}
		return m
	}
	return n.scalar
}

// Text returns a scalar as text: numbers and booleans as Python prints them,
// templates as their source. ok is false for lists, maps and null.
func (n *Node) Text() (text string, ok bool) {
	if n == nil || n.Kind != Scalar || n.scalar == nil {
		return "", false
	}
	switch v := n.scalar.(type) {
	case string:
		return v, true
	case *value.Template:
		return v.Source, true
	case bool:
		if v {
			return "True", true
		}
		return "False", true
	case float64:
		return value.FormatFloat(v), true
	}
	return fmt.Sprint(n.scalar), true
}

// IsNull reports whether the node is absent or null.
func (n *Node) IsNull() bool { return n == nil || n.Kind == Scalar && n.scalar == nil }

// Get returns the value node of a key of a Map node, nil if there is none.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, p := range n.Pairs {
		if s, ok := p.Key.Text(); ok && s == key {
			return p.Value
		}
	}
	return nil
}

// Describe names the node's kind for messages.
func (n *Node) Describe() string {
	switch {
	case n.IsNull():
		return "nothing"
	case n.Kind == List:
		return "a list"
	case n.Kind == Map:
		return "a mapping"
	}
	switch n.scalar.(type) {
	case bool:
		return "a boolean"
	case int:
		return "an integer"
	case float64:
		return "a number"
	}
	return "a string"
}

// NewText returns a Scalar node that holds the user's text s.
func NewText(s string, pos diag.Pos) *Node {
	return &Node{Kind: Scalar, Pos: pos, scalar: value.Text(s, pos)}
}
