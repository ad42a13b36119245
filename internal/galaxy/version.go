package galaxy

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

var semver = lazyregexp.New(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$`)

// validVersion reports whether v is a semantic version.
func validVersion(v string) bool { return semver.MatchString(v) }

// compareVersions orders semantic versions; others are ordered as text.
func compareVersions(a, b string) int {
	x, y := semver.FindStringSubmatch(a), semver.FindStringSubmatch(b)
	if x == nil || y == nil {
		return strings.Compare(a, b)
	}
	for i := 1; i <= 3; i++ {
		n, _ := strconv.Atoi(x[i])
		m, _ := strconv.Atoi(y[i])
		if c := cmp.Compare(n, m); c != 0 {
			return c
		}
	}
	switch {
	case x[4] == y[4]:
		return 0
	case x[4] == "": // a release is newer than what came before it
		return 1
	case y[4] == "":
		return -1
	}
	p, q := strings.Split(x[4], "."), strings.Split(y[4], ".")
	for i := 0; i < min(len(p), len(q)); i++ {
		n, err1 := strconv.Atoi(p[i])
		m, err2 := strconv.Atoi(q[i])
		var c int
		switch {
		case err1 == nil && err2 == nil:
			c = cmp.Compare(n, m)
		case err1 == nil:
			c = -1
		case err2 == nil:
			c = 1
		default:
			c = strings.Compare(p[i], q[i])
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(p), len(q))
}

// satisfies reports whether a version is in a range such as ">=1.0.0,<2.0.0".
func satisfies(version, wanted string) bool {
	for _, part := range strings.Split(wanted, ",") {
		part = strings.TrimSpace(part)
		if part == "" || part == "*" {
			continue
		}
		op := strings.TrimRight(part[:min(2, len(part))], "0123456789v. ")
		rest := strings.TrimSpace(part[len(op):])
		if rest == "*" {
			continue
		}
		c := compareVersions(version, rest)
		ok := false
		switch op {
		case "", "=", "==":
			ok = c == 0
		case "!=":
			ok = c != 0
		case ">=":
			ok = c >= 0
		case ">":
			ok = c > 0
		case "<=":
			ok = c <= 0
		case "<":
			ok = c < 0
		}
		if !ok {
			return false
		}
	}
	return true
}
