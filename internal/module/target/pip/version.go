package pip

import (
	"math/big"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

// A version as PEP 440 has it: 1!2.3rc1.post4.dev5+local.
var versionForm = lazyregexp.New(`^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d*))?` +
	`(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$`)

// key is a version as numbers that compare one after the other.
type key struct {
	epoch   *big.Int
	release []*big.Int
	// stage orders what comes before a release (dev, alpha, beta, rc), it, and
	// what comes after.
	stage, pre, post, dev *big.Int
	local                 string
}

func number(s string) *big.Int {
	n := new(big.Int)
	if s != "" {
		n.SetString(s, 10) // the form has digits only
	}
	return n
}

func parseVersion(s string) (key, bool) {
	m := versionForm.FindStringSubmatch(strings.ToLower(strings.TrimSpace(s)))
	if m == nil {
		return key{}, false
	}
	k := key{epoch: number(m[1]), stage: big.NewInt(4), pre: number(m[4]), post: big.NewInt(-1), dev: nil, local: m[10]}
	for part := range strings.SplitSeq(m[2], ".") {
		k.release = append(k.release, number(part))
	}
	switch m[3] {
	case "a", "alpha":
		k.stage = big.NewInt(1)
	case "b", "beta":
		k.stage = big.NewInt(2)
	case "c", "rc", "pre", "preview":
		k.stage = big.NewInt(3)
	}
	switch {
	case m[5] != "":
		k.post = number(m[5])
	case m[6] != "":
		k.post = number(m[7])
	}
	if m[8] != "" {
		k.dev = number(m[9])
		if m[3] == "" && k.post.Sign() < 0 {
			k.stage = big.NewInt(0) // 1.0.dev1 comes before 1.0a1
		}
	}
	return k, true
}

func (k key) compare(o key) int {
	if c := k.epoch.Cmp(o.epoch); c != 0 {
		return c
	}
	for i := range max(len(k.release), len(o.release)) {
		if c := at(k.release, i).Cmp(at(o.release, i)); c != 0 {
			return c
		}
	}
	for _, pair := range [][2]*big.Int{{k.stage, o.stage}, {k.pre, o.pre}, {k.post, o.post}} {
		if c := pair[0].Cmp(pair[1]); c != 0 {
			return c
		}
	}
	switch {
	case k.dev == nil && o.dev == nil:
	case k.dev == nil:
		return 1
	case o.dev == nil:
		return -1
	default:
		if c := k.dev.Cmp(o.dev); c != 0 {
			return c
		}
	}
	return strings.Compare(k.local, o.local)
}

func at(release []*big.Int, i int) *big.Int {
	if i < len(release) {
		return release[i]
	}
	return new(big.Int)
}

// satisfies tells whether a version is one that a condition such as >=1.2
// allows.
func satisfies(version, op, want string) bool {
	if op == "===" {
		return strings.EqualFold(version, want)
	}
	v, ok := parseVersion(version)
	if !ok {
		return false
	}
	prefix, star := strings.CutSuffix(want, ".*")
	w, ok := parseVersion(prefix)
	if !ok {
		return false
	}
	same := func(n int) bool {
		for i := range n {
			if at(v.release, i).Cmp(at(w.release, i)) != 0 {
				return false
			}
		}
		return v.epoch.Cmp(w.epoch) == 0
	}
	if w.local == "" {
		v.local = "" // a build of a version is that version
	}
	c := v.compare(w)
	switch op {
	case "==":
		return star && same(len(w.release)) || !star && c == 0
	case "!=":
		return star && !same(len(w.release)) || !star && c != 0
	case "~=":
		return c >= 0 && same(len(w.release)-1)
	case ">=":
		return c >= 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case "<":
		return c < 0
	}
	return false
}
