package template

import (
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

func versionTest(c *call) (any, error) {
	if err := c.need(0); err != nil {
		return nil, err
	}
	if err := c.need(1); err != nil {
		return nil, err
	}
	if c.a[3] != nil && c.a[4] != nil {
		return nil, filterErr("Cannot specify both 'strict' and 'version_type'")
	}
	if !Bool(c.a[0]) {
		return nil, filterErr("Input version value cannot be empty")
	}
	if !Bool(c.a[1]) {
		return nil, filterErr("Version parameter to compare against cannot be empty")
	}
	compare := compareLoose
	if c.bool(3) {
		compare = compareStrict
	} else if c.a[4] != nil {
		compare = map[string]func(a, b string) (int, error){
			"loose": compareLoose, "strict": compareStrict, "semver": compareSemver, "semantic": compareSemver, "pep440": comparePEP440,
		}[c.str(4)]
		if compare == nil {
			return nil, filterErr("Invalid version type (%s). Must be one of 'loose', 'strict', 'semver', 'semantic', 'pep440'", c.str(4))
		}
	}
	op, ok := map[string]string{
		"==": "==", "=": "==", "eq": "==", "<": "<", "lt": "<", "<=": "<=", "le": "<=", ">": ">", "gt": ">", ">=": ">=", "ge": ">=",
		"!=": "!=", "<>": "!=", "ne": "!=",
	}[c.str(2)]
	if !ok {
		return nil, filterErr("Invalid operator type (%s). Must be one of '==', '=', 'eq', '<', 'lt', '<=', 'le', '>', 'gt', '>=', 'ge', '!=', '<>', 'ne'", c.str(2))
	}
	n, err := compare(c.str(0), c.str(1))
	if err != nil {
		return nil, filterErr("Version comparison failed: %s", err)
	}
	return compareOp(c.f, op, n, 0)
}

// looseParts cuts a version into numbers and words.
func looseParts(s string) []any {
	var parts []any
	for s != "" {
		n := 0
		switch {
		case s[0] >= '0' && s[0] <= '9':
			for n < len(s) && s[n] >= '0' && s[n] <= '9' {
				n++
			}
			v, _ := parseInt(s[:n], 10)
			parts = append(parts, v)
		case s[0] >= 'a' && s[0] <= 'z':
			for n < len(s) && s[n] >= 'a' && s[n] <= 'z' {
				n++
			}
			parts = append(parts, s[:n])
		case s[0] == '.':
			n = 1
		default:
			for n < len(s) && s[n] != '.' && !(s[n] >= '0' && s[n] <= '9') && !(s[n] >= 'a' && s[n] <= 'z') {
				n++
			}
			parts = append(parts, s[:n])
		}
		s = s[n:]
	}
	return parts
}

func compareLoose(a, b string) (int, error) { return order("<", looseParts(a), looseParts(b)) }

func compareStrict(a, b string) (int, error) {
	parse := func(s string) ([]any, error) {
		fail := valueErr("invalid version number '%s'", s)
		core, pre := s, value.Tuple{"z", 0}
		if i := strings.IndexAny(s, "ab"); i >= 0 {
			n, ok := parseInt(s[i+1:], 10)
			if !ok {
				return nil, fail
			}
			core, pre = s[:i], value.Tuple{s[i : i+1], n}
		}
		nums := strings.Split(core, ".")
		if len(nums) < 2 || len(nums) > 3 {
			return nil, fail
		}
		out := make([]any, 3, 4)
		out[2] = 0
		for i, n := range nums {
			v, ok := parseInt(n, 10)
			if !ok {
				return nil, fail
			}
			out[i] = v
		}
		return append(out, pre), nil
	}
	x, err := parse(a)
	if err != nil {
		return 0, err
	}
	y, err := parse(b)
	if err != nil {
		return 0, err
	}
	return order("<", x, y)
}

func compareSemver(a, b string) (int, error) {
	parse := func(s string) (core []any, pre []string, err error) {
		fail := valueErr("invalid semantic version '%s'", s)
		s, _, _ = strings.Cut(s, "+")
		head, tail, hasPre := strings.Cut(s, "-")
		nums := strings.Split(head, ".")
		if len(nums) != 3 {
			return nil, nil, fail
		}
		for _, n := range nums {
			if n == "" || strings.Trim(n, "0123456789") != "" || len(n) > 1 && n[0] == '0' {
				return nil, nil, fail
			}
			v, _ := parseInt(n, 10)
			core = append(core, v)
		}
		if hasPre {
			pre = strings.Split(tail, ".")
			for _, p := range pre {
				if p == "" {
					return nil, nil, fail
				}
			}
		}
		return core, pre, nil
	}
	x, xp, err := parse(a)
	if err != nil {
		return 0, err
	}
	y, yp, err := parse(b)
	if err != nil {
		return 0, err
	}
	if n, err := order("<", x, y); n != 0 || err != nil {
		return n, err
	}
	switch {
	case xp == nil && yp == nil:
		return 0, nil
	case xp == nil:
		return 1, nil
	case yp == nil:
		return -1, nil
	}
	for i := range min(len(xp), len(yp)) {
		m, merr := strconv.Atoi(xp[i])
		n, nerr := strconv.Atoi(yp[i])
		c := strings.Compare(xp[i], yp[i])
		switch {
		case merr == nil && nerr == nil:
			c = compareNumbers(m, n)
		case merr == nil:
			c = -1
		case nerr == nil:
			c = 1
		}
		if c != 0 {
			return c, nil
		}
	}
	return compareNumbers(len(xp), len(yp)), nil
}
