package yaml

import (
	"encoding/base64"
	"fmt"
	"strings"

	goyaml "go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

// Limits against documents that grow when read (aliases of aliases) or that
// would exhaust the stack.
const (
	maxNodes = 5_000_000
	maxDepth = 1000
)

const (
	styleTagged = goyaml.TaggedStyle
	styleQuoted = goyaml.DoubleQuotedStyle | goyaml.SingleQuotedStyle | goyaml.LiteralStyle | goyaml.FoldedStyle
)

// builder turns the parser's nodes into ours.
type builder struct {
	file    string
	options Options
	count   int
	aliases map[*goyaml.Node]int // those being expanded now
	unsafe  int                  // how many !unsafe tags enclose us
	written value.Written
}

func (b *builder) pos(n *goyaml.Node) diag.Pos {
	return diag.Pos{File: b.file, Line: n.Line, Column: n.Column}
}

func (b *builder) fail(n *goyaml.Node, hint, format string, args ...any) error {
	return &diag.Problem{Pos: b.pos(n), Msg: fmt.Sprintf(format, args...), Hint: hint}
}

func (b *builder) node(n *goyaml.Node, depth int) (*Node, error) {
	if b.count++; b.count > maxNodes {
		return nil, b.fail(n, "", "the document is too large once its aliases are expanded")
	}
	if depth > maxDepth {
		return nil, b.fail(n, "", "the document is nested too deeply")
	}
	tag := ""
	if n.Style&styleTagged != 0 {
		tag = n.Tag
	}
	if tag == "!unsafe" {
		b.unsafe++
		defer func() { b.unsafe-- }()
	}
	switch n.Kind {
	case goyaml.AliasNode:
		if b.aliases[n.Alias] > 0 {
			return nil, b.fail(n, "", "the alias *%s refers to itself", n.Value)
		}
		b.aliases[n.Alias]++
		defer func() { b.aliases[n.Alias]-- }()
		return b.node(n.Alias, depth+1)
	case goyaml.SequenceNode:
		out := &Node{Kind: List, Pos: b.pos(n), Items: make([]*Node, 0, len(n.Content))}
		for _, c := range n.Content {
			item, err := b.node(c, depth+1)
			if err != nil {
				return nil, err
			}
			out.Items = append(out.Items, item)
		}
		return out, nil
	case goyaml.MappingNode:
		return b.mapping(n, depth)
	}
	return b.scalar(n, tag)
}

func (b *builder) mapping(n *goyaml.Node, depth int) (*Node, error) {
	out := &Node{Kind: Map, Pos: b.pos(n), Pairs: make([]Pair, 0, len(n.Content)/2)}
	own := map[any]int{}
	var merges []*goyaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind == goyaml.ScalarNode && k.Value == "<<" && k.Style&styleQuoted == 0 {
			merges = append(merges, n.Content[i+1])
			continue
		}
		key, err := b.node(k, depth+1)
		if err != nil {
			return nil, err
		}
		if key.Kind != Scalar {
			return nil, b.fail(k, `a value that starts with {{ needs quotes: "{{ foo }}"`, "%s cannot be the key of a mapping", key.Describe())
		}
		v, err := b.node(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		id := keyID(key)
		if at, dup := own[id]; dup {
			text, _ := key.Text()
			if b.options.Problems != nil {
				b.options.Problems.Warn(key.Pos, "", duplicateKey+" (%s). Using last defined value only.", text)
			}
			out.Pairs[at].Value = v
			continue
		}
		own[id] = len(out.Pairs)
		out.Pairs = append(out.Pairs, Pair{Key: key, Value: v})
	}
	if len(merges) == 0 {
		return out, nil
	}
	return out, b.merge(out, own, merges, depth)
}

func keyID(k *Node) any {
	switch v := k.scalar.(type) {
	case *value.Template:
		return v.Source
	case string, int, bool, float64, nil:
		return v
	}
	return fmt.Sprint(k.scalar)
}

// merge puts the entries of merged mappings in front, as PyYAML does: the
// mapping's own keys win, then earlier mappings of a list.
func (b *builder) merge(out *Node, own map[any]int, merges []*goyaml.Node, depth int) error {
	var merged []Pair
	seen := map[any]bool{}
	add := func(m *Node, at *goyaml.Node) error {
		if m.Kind != Map {
			return b.fail(at, "", "expected a mapping, or a list of mappings, to merge, but found %s", m.Describe())
		}
		for _, p := range m.Pairs {
			id := keyID(p.Key)
			if _, mine := own[id]; mine || seen[id] {
				continue
			}
			seen[id] = true
			merged = append(merged, p)
		}
		return nil
	}
	for _, m := range merges {
		n, err := b.node(m, depth+1)
		if err != nil {
			return err
		}
		if n.Kind != List {
			if err := add(n, m); err != nil {
				return err
			}
			continue
		}
		for _, it := range n.Items {
			if err := add(it, m); err != nil {
				return err
			}
		}
	}
	out.Pairs = append(merged, out.Pairs...)
	return nil
}

func (b *builder) scalar(n *goyaml.Node, tag string) (*Node, error) {
	out := &Node{Kind: Scalar, Pos: b.pos(n), Plain: n.Style&styleQuoted == 0}
	text := n.Value
	switch tag {
	case "", "!":
		if out.Plain && tag == "" {
			out.scalar = b.text(resolve(text), out.Pos)
		} else {
			out.scalar = b.text(text, out.Pos)
		}
	case "!!str", "tag:yaml.org,2002:str":
		out.scalar = b.text(text, out.Pos)
	case "!unsafe":
		out.scalar = b.text(text, out.Pos)
	case "!vault", "!vault-encrypted":
		if b.options.Vault == nil {
			return nil, b.fail(n, "", "a vaulted value cannot be used here")
		}
		v, err := b.options.Vault(text, out.Pos)
		if err != nil {
			return nil, &diag.Problem{Pos: out.Pos, Msg: err.Error()}
		}
		out.scalar = v
	case "!!binary", "tag:yaml.org,2002:binary":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil {
			return nil, b.fail(n, "", "failed to decode base64 data: %v", err)
		}
		out.scalar = string(data)
	case "!!int", "!!float", "!!bool", "!!null", "!!timestamp":
		v := resolve(text)
		if !matchesTag(tag, v) {
			return nil, b.fail(n, "", "%q is not a valid %s", text, strings.TrimPrefix(tag, "!!"))
		}
		if i, ok := v.(int); ok && tag == "!!float" {
			v = float64(i)
		}
		out.scalar = v
	default:
		return nil, b.fail(n, "the tags that Ansible knows are !vault and !unsafe", "could not determine a constructor for the tag %q", tag)
	}
	return out, nil
}

func matchesTag(tag string, v any) bool {
	switch v.(type) {
	case nil:
		return tag == "!!null"
	case bool:
		return tag == "!!bool"
	case float64:
		return tag == "!!float"
	case string:
		return tag == "!!timestamp"
	}
	return tag == "!!int" || tag == "!!float"
}

func (b *builder) text(v any, pos diag.Pos) any {
	s, ok := v.(string)
	switch {
	case !ok || b.options.AsData:
		return v
	case b.unsafe > 0:
		return b.written.KeepUnsafe(s)
	case value.HasMarkers(s):
		return &value.Template{Source: s, Pos: pos}
	}
	return b.written.Keep(s)
}

const duplicateKey = "found a duplicate dict key"

// IsDuplicateKey reports whether a warning is about a key that a dict has twice.
func IsDuplicateKey(p *diag.Problem) bool { return strings.HasPrefix(p.Msg, duplicateKey) }
