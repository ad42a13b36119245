package dnf

import (
	"fmt"
	"strings"
)

// change is one line of the table that dnf writes of what it is about to do.
type change struct {
	group               string // the heading that it stands under
	name, arch, version string // with the epoch, if there is one
}

// parseTable reads the table: headings end with a colon, the packages below them
// are indented by one blank, and where lines are broken, the rest by more.
func parseTable(text string) []change {
	_, text, found := strings.Cut(text, "\n====")
	if !found {
		return nil
	}
	var changes []change
	var words []string
	group := ""
	flush := func() {
		// What is left out is no change, nor is what dnf notes about groups unless it
		// forgets one.
		switch {
		case group == "" || strings.HasPrefix(group, "Skipping"):
		case strings.HasSuffix(group, "Groups"):
			if strings.HasPrefix(group, "Removing") && len(words) > 0 {
				changes = append(changes, change{group: group, name: strings.Join(words, " ")})
			}
		case len(words) >= 3:
			changes = append(changes, change{group, words[0], words[1], words[2]})
		}
		words = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "Transaction Summary"):
			flush()
			return changes
		case strings.HasPrefix(line, "     replacing"): // what goes for another
		case strings.HasPrefix(line, "  "):
			words = append(words, strings.Fields(line)...)
		case strings.HasPrefix(line, " "):
			flush()
			words = strings.Fields(line)
		case strings.HasPrefix(line, "("): // a hint goes on with the heading
		case strings.HasSuffix(line, ":"):
			flush()
			group = strings.TrimSuffix(line, ":")
		}
	}
	flush()
	return changes
}

func (c change) String() string { return fmt.Sprintf("%s-%s.%s", c.name, c.version, c.arch) }

// lines say what becomes of the package, as results have it.
func (c change) lines(installed *packages, downloadOnly bool) []any {
	verb := "Installed: "
	if downloadOnly {
		verb = "Downloaded: "
	}
	switch {
	case strings.HasSuffix(c.group, "Groups"):
		return nil
	case strings.HasPrefix(c.group, "Removing"):
		return []any{"Removed: " + c.String()}
	case strings.HasPrefix(c.group, "Upgrading"), strings.HasPrefix(c.group, "Updating"), strings.HasPrefix(c.group, "Downgrading"):
		lines := []any{verb + c.String()}
		for _, p := range installed.named(c.name) {
			if p.arch == c.arch || p.arch == "noarch" || c.arch == "noarch" {
				lines = append(lines, "Removed: "+p.String())
			}
		}
		return lines
	}
	return []any{verb + c.String()}
}
