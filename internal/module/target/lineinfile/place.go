package lineinfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/pyre"
)

// placing finds the place of the line and puts it there.
type placing struct {
	lines         []string
	line          string
	after, before string // insertafter, insertbefore; one of them is empty
	first         bool   // the first match counts, not the last

	at    int         // the line to replace, -1 if there is none
	exact bool        // the line is there already
	found bool        // regexp or search_string matched
	match *pyre.Match // of regexp
	near  int         // where insertafter or insertbefore point, -1 if nowhere
}

func (p *placing) locate(find func(string) (*pyre.Match, bool, error)) error {
	if find != nil {
		for i, line := range p.lines {
			m, is, err := find(line)
			if err != nil {
				return err
			}
			if is {
				p.at, p.match, p.found = i, m, true
				if p.first {
					break
				}
			}
		}
	}
	if p.found {
		return nil
	}
	var insert *pyre.Regexp
	pattern := ""
	switch {
	case p.after != "" && p.after != "EOF" && p.after != "BOF":
		pattern = p.after
	case p.before != "" && p.before != "BOF":
		pattern = p.before
	}
	if pattern != "" {
		var err error
		if insert, err = pyre.Compile(pattern, 0); err != nil {
			return fmt.Errorf("insertafter or insertbefore %q: %w", pattern, err)
		}
	}
	for i, line := range p.lines {
		if bare(line) == p.line {
			p.at, p.exact = i, true
			continue
		}
		if insert == nil {
			continue
		}
		m, err := insert.Search(line, 0)
		if err != nil {
			return err
		}
		if m != nil {
			if p.near = i; p.after != "" {
				p.near++
			}
			if p.first {
				break
			}
		}
	}
	return nil
}

// place changes the lines and says how; "" is not at all. line is what
// replaces a match, p.line what is inserted.
func (p *placing) place(line string, backrefs bool) string {
	switch {
	case p.at >= 0:
		if !strings.HasSuffix(line, "\n") {
			line += "\n"
		}
		if p.lines[p.at] == line {
			return ""
		}
		p.lines[p.at] = line
		return "line replaced"
	case backrefs:
		return "" // nothing matched, so there is nothing to fill the groups with
	case p.before == "BOF" || p.after == "BOF":
		return p.insert(0)
	case p.after == "EOF" || p.near < 0:
		p.endLastLine()
		return p.insert(len(p.lines))
	case p.after != "":
		// The line may already stand where it would be put.
		at := min(p.near, len(p.lines)-1)
		if bare(p.lines[at]) == p.line {
			return ""
		}
		if p.near == len(p.lines) {
			p.endLastLine()
		}
		return p.insert(p.near)
	}
	return p.insert(p.near)
}

func (p *placing) endLastLine() {
	if n := len(p.lines); n > 0 && !strings.HasSuffix(p.lines[n-1], "\n") && !strings.HasSuffix(p.lines[n-1], "\r") {
		p.lines[n-1] += "\n"
	}
}

func (p *placing) insert(at int) string {
	p.lines = slices.Insert(p.lines, at, p.line+"\n")
	return "line added"
}
