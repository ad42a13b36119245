package template

import (
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

var pep440Pattern = lazyregexp.New(`^\s*v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d*))?` +
	`(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*$`)

// pep440Key gives a list that orders as the version does.
func pep440Key(s string) ([]any, error) {
	m := pep440Pattern.FindStringSubmatch(strings.ToLower(s))
	if m == nil {
		return nil, valueErr("Invalid version: '%s'", s)
	}
	num := func(t string) any {
		if t == "" {
			return 0
		}
		n, _ := parseInt(t, 10)
		return n
	}
	release := []any{}
	for _, n := range strings.Split(m[2], ".") {
		release = append(release, num(n))
	}
	for len(release) > 1 && equal(release[len(release)-1], 0) {
		release = release[:len(release)-1]
	}
	// Each part is a pair whose first half puts what is absent in its place.
	pre, post, dev, local := value.Tuple{1, 0}, value.Tuple{0, 0}, value.Tuple{1, 0}, value.Tuple{0}
	hasPost, hasDev := m[5] != "" || m[6] != "", m[8] != ""
	switch {
	case m[3] != "":
		rank := map[byte]int{'a': 0, 'b': 1, 'c': 2, 'r': 2, 'p': 2}[m[3][0]]
		pre = value.Tuple{0, rank, num(m[4])}
	case hasDev && !hasPost:
		pre = value.Tuple{-1, 0}
	}
	if hasPost {
		post = value.Tuple{1, num(m[5] + m[7])}
	}
	if hasDev {
		dev = value.Tuple{0, num(m[9])}
	}
	if m[10] != "" {
		local = value.Tuple{1}
		for _, p := range strings.FieldsFunc(m[10], func(r rune) bool { return strings.ContainsRune("-_.", r) }) {
			if n, ok := parseInt(p, 10); ok {
				local = append(local, value.Tuple{1, n, ""})
			} else {
				local = append(local, value.Tuple{0, 0, p})
			}
		}
	}
	return []any{num(m[1]), release, pre, post, dev, local}, nil
}

func comparePEP440(a, b string) (int, error) {
	x, err := pep440Key(a)
	if err != nil {
		return 0, err
	}
	y, err := pep440Key(b)
	if err != nil {
		return 0, err
	}
	return order("<", x, y)
}
