package inventory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

// readINI reads Ansible's INI format into inv.
func readINI(inv *Inventory, data []byte, path string) error {
	group, kind := "ungrouped", "hosts"
	waiting := map[string]*awaited{}
	var order []string // of all that were waited for
	for i, raw := range strings.Split(string(data), "\n") {
		pos := diag.Pos{File: path, Line: i + 1, Column: 1}
		line := strings.TrimSpace(raw)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		fail := func(hint, format string, args ...any) error {
			return &diag.Problem{Pos: pos, Msg: fmt.Sprintf(format, args...), Hint: hint}
		}
		wait := func(name string, parents ...string) {
			if w := waiting[name]; w != nil {
				w.parents = append(w.parents, parents...)
				return
			}
			waiting[name] = &awaited{pos, parents}
			order = append(order, name)
		}
		if m := iniSection.FindStringSubmatch(line); m != nil {
			if group, kind = inv.safe(m[1]), m[2]; kind == "" {
				kind = "hosts"
			}
			if kind != "hosts" && kind != "children" && kind != "vars" {
				return fail("", "Section [%s:%s] has unknown type: %s", m[1], kind, kind)
			}
			if inv.LookupGroup(group) == nil {
				if kind == "vars" { // this alone does not make a group
					wait(group)
				}
				inv.Group(group)
			}
			if kind != "vars" {
				if err := adopt(inv, group, waiting); err != nil {
					return fail("", "%s", err)
				}
			}
			continue
		}
		if line[0] == '[' && strings.HasSuffix(line, "]") {
			return fail("a section is a name in brackets: [webservers]", "Invalid section entry: '%s'. Please make sure that there are no spaces in the section entry, and that there are no other invalid characters", line)
		}
		switch kind {
		case "hosts":
			if err := iniHost(inv, inv.Group(group), line, pos); err != nil {
				return err
			}
		case "children":
			m := iniChild.FindStringSubmatch(line)
			if m == nil {
				return fail("", "Expected group name, got: %s", line)
			}
			if child := inv.LookupGroup(m[1]); child == nil {
				wait(m[1], group)
			} else if err := inv.link(inv.Group(group), child); err != nil {
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
		w := waiting[name]
		switch {
		case w == nil:
		case w.parents == nil:
			return &diag.Problem{Pos: w.pos, Msg: fmt.Sprintf("Section [%s:vars] not valid for undefined group: %s", name, name), Hint: "add a section [" + name + "]"}
		default:
			hint := "add a section [" + name + "]"
			if safe := validName(name); inv.LookupGroup(safe) != nil {
				hint = "its section is called " + safe + ", because characters that a group's name must not have are replaced"
			}
			return &diag.Problem{Pos: w.pos, Msg: fmt.Sprintf("Section [%s:children] includes undefined group: %s", w.parents[len(w.parents)-1], name), Hint: hint}
		}
	}
	return nil
}

// awaited is a group that was named before any section of its own: as a child of
// its parents, or, without parents, in a section of variables.
type awaited struct {
	pos     diag.Pos
	parents []string
}

// adopt puts a group whose section has come below those that waited for it. The
// order of a group's children is that of their own sections for this reason.
func adopt(inv *Inventory, group string, waiting map[string]*awaited) error {
	w := waiting[group]
	if w == nil {
		return nil
	}
	delete(waiting, group)
	for _, parent := range w.parents {
		if err := inv.link(inv.Group(parent), inv.Group(group)); err != nil {
			return err
		}
		if p := waiting[parent]; p != nil && p.parents != nil {
			if err := adopt(inv, parent, waiting); err != nil {
				return err
			}
		}
	}
	return nil
}

var (
	iniSection = lazyregexp.New(`^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$`)
	iniChild   = lazyregexp.New(`^([^:\]\s]+)\s*(?:#.*)?$`)
)

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
	if port == 0 && strings.HasSuffix(words[0], ":") {
		return &diag.Problem{Pos: pos, Msg: fmt.Sprintf("Invalid host pattern '%s' supplied, ending in ':' is not allowed, this character is reserved to provide a port.", words[0])}
	}
	if slices.Contains(names, "---") {
		return &diag.Problem{Pos: pos, Msg: "Invalid host pattern '---' supplied, '---' is normally a sign this is a YAML file."}
	}
	vars := value.NewMap(len(words))
	for _, w := range words[1:] {
		k, v, ok := strings.Cut(w, "=")
		if !ok {
			return &diag.Problem{Pos: pos, Msg: fmt.Sprintf("Expected key=value host variable assignment, got: %s", w), Hint: "quote values that hold spaces"}
		}
		vars.Set(k, iniValue(v, pos))
	}
	for _, name := range names {
		h := inv.hostAt(name, port)
		inv.addHost(g, h)
		inv.update(h, vars)
	}
	return nil
}

// iniValue reads a value as a Python literal where it is one, as Ansible does,
// else as text.
func iniValue(s string, pos diag.Pos) any {
	if v, err := value.ParseLiteral(s); err == nil {
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
