package apt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module/dpkg"
)

// policy is what apt would do with a package.
type policy struct {
	candidate string // "" if there is none
	versions  []string
	provided  bool // not a package itself, but others provide it
}

// policies asks apt about packages; those that it does not know are left out.
func (t *task) policies(names []string) (map[string]policy, error) {
	argv := []string{"apt-cache"}
	if release := t.args.String("default_release"); release != "" {
		argv = append(argv, "-o", "APT::Default-Release="+release)
	}
	out, err := t.tool(append(append(argv, "policy", "--"), names...)...)
	if err != nil {
		return nil, err
	}
	if out.RC != 0 {
		return nil, fmt.Errorf("apt-cache policy failed: %s", strings.TrimSpace(out.Stderr))
	}
	found := parsePolicies(out.Stdout)
	for _, name := range names {
		p, ok := found[name]
		if !ok || len(p.versions) > 0 {
			continue
		}
		if p.provided, err = t.provided(name); err != nil {
			return nil, err
		}
		if found[name] = p; !p.provided {
			delete(found, name)
		}
	}
	return found, nil
}

// parsePolicies reads the output of apt-cache policy.
func parsePolicies(text string) map[string]policy {
	found := map[string]policy{}
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		p := found[name]
		switch {
		case line != "" && line[0] != ' ':
			name = strings.TrimSuffix(line, ":")
			found[name] = policy{}
			continue
		case strings.HasPrefix(line, "  Candidate: "):
			if p.candidate = line[len("  Candidate: "):]; p.candidate == "(none)" {
				p.candidate = ""
			}
		case strings.HasPrefix(line, " *** ") || strings.HasPrefix(line, "     ") && line[5:6] != " ":
			if words := strings.Fields(line[5:]); len(words) > 0 {
				p.versions = append(p.versions, words[0])
			}
		}
		found[name] = p
	}
	return found
}

// provided tells whether other packages provide a name.
func (t *task) provided(name string) (bool, error) {
	out, err := t.tool("apt-cache", "showpkg", "--", name)
	if err != nil {
		return false, err
	}
	_, providers, _ := strings.Cut(out.Stdout, "Reverse Provides:")
	return strings.TrimSpace(providers) != "", nil
}

// best is the version that a request would install, "" if there is none.
func (p policy) best(q request) string {
	if q.op != "=" {
		return p.candidate // a pin is the user's will, also where another version would do
	}
	fits := slices.DeleteFunc(slices.Clone(p.versions), func(v string) bool { return !q.accepts(v) })
	if len(fits) == 0 {
		return ""
	}
	return slices.MaxFunc(fits, dpkg.Compare)
}
