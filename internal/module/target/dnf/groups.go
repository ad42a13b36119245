package dnf

import (
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
)

// group is a group of packages, or an environment, which is one of groups.
type group struct {
	id, name               string
	environment, installed bool
}

// noGroup is what dnf says of a group that it does not know.
var noGroup = lazyregexp.New(`Module or Group '(.*)' is not (?:available|installed)\.`)

// groups are those that dnf shows.
func (t *task) groups() ([]group, *module.Result) {
	out, err := t.call("--quiet", "group", "list", "--ids")
	switch {
	case err != nil:
		return nil, t.fail("%s", err)
	case out.RC != 0:
		return nil, t.failed(out)
	}
	return parseGroups(out.Stdout), nil
}

// parseGroups reads dnf's list: below headings such as "Installed Environment
// Groups:", names with ids in brackets.
func parseGroups(text string) []group {
	list := []group{}
	environment, installed := false, false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasSuffix(line, ":") && !strings.HasPrefix(line, " ") {
			environment, installed = strings.Contains(line, "Environment"), strings.HasPrefix(line, "Installed")
			continue
		}
		name, id, ok := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line), ")"), " (")
		for strings.Contains(id, " (") { // there are brackets in the name
			var more string
			more, id, _ = strings.Cut(id, " (")
			name += " (" + more
		}
		if ok {
			list = append(list, group{id, name, environment, installed})
		}
	}
	return list
}

// groupOf finds a group by its id or name, in which case letters are alike, or by a
// pattern. One that is not shown is left to dnf, which may know it yet.
func groupOf(known []group, spec string) group {
	for _, environment := range []bool{false, true} {
		for _, g := range known {
			if g.environment == environment && (files.MatchName(spec, g.id) || files.MatchName(strings.ToLower(spec), strings.ToLower(g.name))) {
				return g
			}
		}
	}
	return group{id: spec, name: spec, installed: true}
}
