package inventory

import (
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

// readINI reads Ansible's INI format into inv.
func readINI(inv *Inventory, data []byte, path string) error {
	group, kind := "ungrouped", "hosts"
	type pending struct {
		pos  diag.Pos
		kind string
	}
	undeclared := map[string]pending{} // groups used by :vars or :children before their section
	declared := map[string]bool{"all": true, "ungrouped": true}
	var order []string
	for i, raw := range strings.Split(string(data), "\n") {
		pos := diag.Pos{File: path, Line: i + 1, Column: 1}
		line := strings.TrimSpace(raw)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		fail := func(hint, format string, args ...any) error {
			return &diag.Problem{Pos: pos, Msg: fmt.Sprintf(format, args...), Hint: hint}
		}
		if line[0] == '[' {
			end := strings.IndexByte(line, ']')
			if rest := ""; end > 0 {
				rest = strings.TrimSpace(line[end+1:])
				if rest == "" || rest[0] == '#' || rest[0] == ';' {
					name, k, hasKind := strings.Cut(line[1:end], ":")
					name = strings.TrimSpace(name)
					if !hasKind {
						k = "hosts"
					}
					if k != "hosts" && k != "children" && k != "vars" {
						return fail("", "Section [%s:%s] has unknown type: %s", name, k, k)
					}
					if name == "" {
						return fail("", "Invalid section entry: '%s'. Please make sure that there are no spaces in the section entry, and that there are no other invalid characters", line)
					}
					group, kind = name, k
					if k == "vars" && inv.LookupGroup(inv.safe(name)) == nil {
						undeclared[name] = pending{pos, k}
						order = append(order, name)
						inv.Group(name)
					} else {
						inv.Group(name)
					}
					if k != "vars" {
						declared[name] = true
					}
					continue
				}
			}
			if end < 0 || !strings.Contains(line[:end], ":") && strings.TrimSpace(line[end+1:]) != "" && !strings.ContainsAny(line[end+1:2+end], ".-:abcdefghijklmnopqrstuvwxyz") {
				return fail("a section is a name in brackets: [webservers]", "Invalid section entry: '%s'. Please make sure that there are no spaces in the section entry, and that there are no other invalid characters", line)
			}
		}
		switch kind {
		case "hosts":
			if err := iniHost(inv, inv.Group(group), line, pos); err != nil {
				return err
			}
		case "children":
			name := stripComment(line)
			if strings.ContainsAny(name, " \t=") {
				return fail("", "Expected group name, got: %s", line)
			}
			if inv.LookupGroup(inv.safe(name)) == nil {
				undeclared[name] = pending{pos, "children"}
				order = append(order, name)
			}
			if err := inv.link(inv.Group(group), inv.Group(name)); err != nil {
				return fail("", "%s", err)
			}
		case "vars":
			name, text, ok := strings.Cut(line, "=")
			if !ok {
				return fail("write name=value", "Expected key=value, got: %s", line)
			}
			inv.Group(group).setVar(strings.TrimSpace(name), iniValue(strings.TrimSpace(text), pos))
		}
	}
	for _, name := range order {
		if !declared[name] {
			p := undeclared[name]
			switch p.kind {
			case "vars":
				return &diag.Problem{Pos: p.pos, Msg: fmt.Sprintf("Section [%s:vars] not valid for undefined group: %s", name, name), Hint: "add a section [" + name + "]"}
			default:
				return &diag.Problem{Pos: p.pos, Msg: fmt.Sprintf("Section [...:children] includes undefined group: %s", name), Hint: "add a section [" + name + "]"}
			}
		}
	}
	return nil
}

func stripComment(line string) string {
	if i := strings.IndexByte(line, '#'); i >= 0 {
		line = line[:i]
	}
	return strings.TrimSpace(line)
}

// iniHost reads one line of a hosts section: a name, or a range, and variables.
func iniHost(inv *Inventory, g *Group, line string, pos diag.Pos) error {
	words, err := shellWords(line)
	if err != nil {
		return &diag.Problem{Pos: pos, Msg: fmt.Sprintf("Error parsing host definition '%s': %s", line, err)}
	}
	if len(words) == 0 {
		return nil
	}
	names, port, err := expandHost(words[0])
	if err != nil {
		return &diag.Problem{Pos: pos, Msg: err.Error()}
	}
	vars := value.NewMap(len(words))
	if port > 0 {
		vars.Set("ansible_port", port)
	}
	for _, w := range words[1:] {
		k, v, ok := strings.Cut(w, "=")
		if !ok {
			return &diag.Problem{Pos: pos, Msg: fmt.Sprintf("Expected key=value host variable assignment, got: %s", w), Hint: "quote values that hold spaces"}
		}
		vars.Set(k, iniValue(v, pos))
	}
	for _, name := range names {
		if strings.ContainsAny(name, "{}") && strings.Contains(name, "{{") {
			return &diag.Problem{Pos: pos, Msg: fmt.Sprintf("invalid host name: %s", name)}
		}
		h := inv.Host(name)
		inv.addHost(g, h)
		inv.update(h, vars)
	}
	return nil
}

// iniValue reads a value as a Python literal where it is one, as Ansible does,
// else as text. A # begins a comment only after a space, outside of quotes.
func iniValue(s string, pos diag.Pos) any {
	if v, ok := literal(s); ok {
		return value.MarkTemplates(v, pos)
	}
	return value.Text(s, pos)
}

// shellWords splits a line at spaces, honouring quotes and # comments, as
// Python's shlex does.
func shellWords(line string) ([]string, error) {
	var out []string
	var b strings.Builder
	inWord := false
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			} else if c == '\\' && quote == '"' && i+1 < len(line) && (line[i+1] == '"' || line[i+1] == '\\') {
				i++
				b.WriteByte(line[i])
			} else {
				b.WriteByte(c)
			}
		case c == '"' || c == '\'':
			quote, inWord = c, true
		case c == '\\' && i+1 < len(line):
			i++
			b.WriteByte(line[i])
			inWord = true
		case c == '#':
			// shlex ends the word here, wherever it stands
			i = len(line)
		case c == ' ' || c == '\t' || c == '\r':
			if inWord {
				out = append(out, b.String())
				b.Reset()
				inWord = false
			}
		default:
			b.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("No closing quotation")
	}
	if inWord {
		out = append(out, b.String())
	}
	return out, nil
}
