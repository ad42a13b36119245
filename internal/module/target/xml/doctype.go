package xml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

// doctype reads the declaration of a document's kind, and what entities it declares.
func (p *parser) doctype() error {
	depth, quote := 0, byte(0)
	for i := p.at + len("<!DOCTYPE"); i < len(p.in); i++ {
		switch c := p.in[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case strings.HasPrefix(p.in[i:], "<!--"):
			if n := strings.Index(p.in[i:], "-->"); n > 0 {
				i += n
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '>' && depth == 0:
			p.add(&node{kind: doctype, data: p.declarations(strings.TrimSpace(p.in[p.at+len("<!DOCTYPE") : i]))})
			p.at = i + 1
			return nil
		}
	}
	return errors.New("DOCTYPE improperly terminated")
}

var (
	declaration = lazyregexp.New(`^\s*(<!--(?s:.*?)-->|<\?(?s:.*?)\?>|<![A-Z]+(?:[^>"']|"[^"]*"|'[^']*')*>)`)
	entity      = lazyregexp.New(`^<!ENTITY\s+([^\s%]+)\s+(?:"([^"]*)"|'([^']*)')\s*>$`)
	wide        = lazyregexp.New(`\s+|"[^"]*"|'[^']*'`)
)

// declarations writes a declaration as the library that Ansible uses does, one of
// its parts a line, and keeps its entities. One with references to parameters stays.
func (p *parser) declarations(data string) string {
	head, rest, ok := strings.Cut(data, "[")
	if !ok || !strings.HasSuffix(rest, "]") || strings.ContainsAny(head, `<>`) {
		return narrow(data)
	}
	rest = strings.TrimSuffix(rest, "]")
	var b strings.Builder
	for strings.TrimSpace(rest) != "" {
		m := declaration.FindStringSubmatch(rest)
		if m == nil {
			return data
		}
		rest = rest[len(m[0]):]
		if !strings.HasPrefix(m[1], "<!") || strings.HasPrefix(m[1], "<!--") {
			b.WriteString(m[1])
			continue
		}
		if e := entity.FindStringSubmatch(m[1]); e != nil {
			if p.entities == nil {
				p.entities = map[string]string{}
			}
			if _, ok := p.entities[e[1]]; !ok { // the first one counts
				p.entities[e[1]] = e[2] + e[3]
			}
		}
		b.WriteString(narrow(m[1]) + "\n")
	}
	if head = narrow(strings.TrimSpace(head)); b.Len() > 0 {
		head += " [\n" + b.String() + "]"
	}
	return head
}

// narrow makes white space outside of quotes one blank, and quotes double ones.
func narrow(s string) string {
	return wide.ReplaceAllStringFunc(s, func(m string) string {
		if strings.TrimSpace(m) == "" {
			return " "
		}
		if m[0] == '\'' && !strings.Contains(m, `"`) {
			return `"` + m[1:len(m)-1] + `"`
		}
		return m
	})
}

// longest is how long a text may become by its entities.
const longest = 10 << 20

// entity is the text that a name stands for. One may stand for others, but not
// for itself.
func (p *parser) entity(name string, within []string) (string, error) {
	raw, ok := p.entities[name]
	if !ok {
		return "", fmt.Errorf("Entity '%s' not defined", name)
	}
	if strings.Contains(raw, "<") {
		return "", fmt.Errorf("Entity '%s' stands for elements, which is not supported", name)
	}
	for _, w := range within {
		if w == name {
			return "", errors.New("Detected an entity reference loop")
		}
	}
	s, err := p.unescape(raw, append(within, name))
	if err == nil {
		if p.grown += len(s); p.grown > longest {
			err = errors.New("entities make the document too long")
		}
	}
	return s, err
}
