package pip

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

// requirement is one package that was asked for: a name with conditions on its
// version, or anything else that pip takes (a path, an address).
type requirement struct {
	text  string // as pip gets it
	name  string // in the form that all ways to write a name share; "" for no name
	specs [][2]string
}

var (
	requirementForm = lazyregexp.New(`^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?\s*\(?\s*((?:(?:===|==|~=|!=|<=|>=|<|>)\s*[^\s,;()]+\s*,?\s*)*)\)?\s*(;.*)?$`)
	specForm        = lazyregexp.New(`(===|==|~=|!=|<=|>=|<|>)\s*([^\s,;()]+)`)
	separators      = lazyregexp.New(`[-_.]+`)
)

func canonical(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

// parse reads a name, with the version that was given apart from it.
func parse(text, version string) requirement {
	if version = strings.TrimSpace(version); version != "" {
		if version[0] >= '0' && version[0] <= '9' {
			version = "==" + version
		}
		text += version
	}
	m := requirementForm.FindStringSubmatch(text)
	if m == nil {
		return requirement{text: text}
	}
	r := requirement{name: canonical(m[1])}
	var specs []string
	for _, s := range specForm.FindAllStringSubmatch(m[3], -1) {
		r.specs = append(r.specs, [2]string{s[1], s[2]})
		specs = append(specs, s[1]+s[2])
	}
	slices.Sort(specs)
	extras := strings.ReplaceAll(m[2], " ", "")
	r.text = m[1] + extras + strings.Join(specs, ",")
	if m[4] != "" {
		r.text += "; " + strings.TrimSpace(m[4][1:])
	}
	return r
}

// accepts tells whether an installed version is one that was asked for.
func (r requirement) accepts(version string) bool {
	for _, s := range r.specs {
		if !satisfies(version, s[0], s[1]) {
			return false
		}
	}
	return true
}

var condition = []string{">=", "<=", ">", "<", "==", "!=", "~="}

// join puts conditions back to the name that they belong to: a list in a
// playbook may have been parted at every comma.
func join(names []string) []string {
	var out []string
	brackets := false
	for _, n := range names {
		for part := range strings.SplitSeq(n, ",") {
			continued := slices.ContainsFunc(condition, func(op string) bool { return strings.HasPrefix(strings.TrimLeft(part, " "), op) })
			if len(out) > 0 && (continued || brackets) {
				out[len(out)-1] += "," + part
			} else {
				out = append(out, part)
			}
			if strings.Contains(part, "[") {
				brackets = true
			}
			if strings.Contains(part, "]") {
				brackets = false
			}
		}
	}
	return out
}
