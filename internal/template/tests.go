package template

import (
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"github.com/tutti-run/tutti/internal/value"
)

// is makes a test of a predicate that takes anything, even what is undefined.
func is(name string, fn func(v any) bool) *def {
	return define(name, "value", func(c *call) (any, error) { return fn(c.a[0]), nil })
}

// comparing makes a test of a comparison.
func comparing(name, op string) *def {
	return define(name, "a b", func(c *call) (any, error) { return compareOp(c.f, op, c.a[0], c.a[1]) })
}

// remainder makes a test of value % n.
func remainder(name string, n, want int) *def {
	return define(name, "value", func(c *call) (any, error) {
		v, err := binary(c.f.r.st, "%", c.a[0], n)
		return equal(v, want), err
	})
}

// coreTests are Jinja2's tests.
func coreTests() []*def {
	return []*def{
		is("defined", func(v any) bool { _, u := v.(*Undefined); return !u }),
		is("undefined", func(v any) bool { _, u := v.(*Undefined); return u }),
		is("none", func(v any) bool { return v == nil }),
		is("boolean", func(v any) bool { _, ok := v.(bool); return ok }),
		is("true", func(v any) bool { return v == true }),
		is("false", func(v any) bool { return v == false }),
		is("integer", func(v any) bool {
			_, isBool := v.(bool)
			_, ok := asBig(v)
			return ok && !isBool
		}),
		is("float", func(v any) bool { _, ok := v.(float64); return ok }),
		is("number", isNumber),
		is("string", func(v any) bool { _, ok := asStr(v); return ok }),
		is("mapping", func(v any) bool { return isMapping(v) }),
		is("sequence", func(v any) bool { return isSequence(v) || isMapping(v) || isSpan(v) }),
		is("callable", isCallable),
		is("escaped", func(v any) bool { _, ok := v.(Markup); return ok }),
		define("iterable", "value", func(c *call) (any, error) { return isIterable(c.a[0]), c.need(0) }),
		define("lower", "value", func(c *call) (any, error) {
			return hasCase(c.str(0), unicode.IsLower, unicode.IsUpper), c.need(0)
		}),
		define("upper", "value", func(c *call) (any, error) {
			return hasCase(c.str(0), unicode.IsUpper, unicode.IsLower), c.need(0)
		}),
		remainder("odd", 2, 1), remainder("even", 2, 0),
		define("divisibleby", "value num", func(c *call) (any, error) {
			v, err := binary(c.f.r.st, "%", c.a[0], c.a[1])
			return equal(v, 0), err
		}),
		comparing("==|eq|equalto", "=="), comparing("!=|ne", "!="), comparing(">|gt|greaterthan", ">"),
		comparing(">=|ge", ">="), comparing("<|lt|lessthan", "<"), comparing("<=|le", "<="), comparing("in", "in"),
		define("sameas", "value other", func(c *call) (any, error) { return same(c.a[0], c.a[1]), nil }),
		define("filter", "value", func(c *call) (any, error) {
			if c.f.r.st.e.filter(c.str(0)) == nil {
				return nil, noPlugin("filter", c.str(0), "")
			}
			return true, nil
		}),
		define("test", "value", func(c *call) (any, error) {
			if c.f.r.st.e.test(c.str(0)) == nil {
				return nil, noPlugin("test", c.str(0), "")
			}
			return true, nil
		}),
	}
}

func isMapping(v any) bool {
	switch v.(type) {
	case *value.Map, Mapping:
		return true
	}
	return false
}

func isSpan(v any) bool {
	_, ok := v.(span)
	return ok
}

// same is Python's `is`, for the values that it is asked about.
func same(a, b any) bool {
	switch x := a.(type) {
	case nil, bool, string, int, float64:
		return a == b
	case []any:
		y, ok := b.([]any)
		return ok && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	case value.Tuple:
		y, ok := b.(value.Tuple)
		return ok && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	case *value.Map, *List, *Undefined, *big.Int, *value.Set:
		return a == b
	}
	return equal(a, b)
}

// flag makes a test of an entry of a task's result.
func flag(names, key string, want bool) *def {
	first, _, _ := strings.Cut(names, "|")
	return define(names, "result", func(c *call) (any, error) {
		m, err := c.result(first, 0)
		if err != nil {
			return nil, err
		}
		v, _ := m.Get(key)
		if !want {
			return !Bool(v), nil
		}
		if v == nil {
			return false, nil
		}
		return v, nil
	})
}

// result is parameter i, which must be the result of a task.
func (c *call) result(test string, i int) (*value.Map, error) {
	if err := c.need(i); err != nil {
		return nil, err
	}
	m, ok := c.a[i].(*value.Map)
	if !ok {
		return nil, filterErr("The '%s' test expects a dictionary", test)
	}
	return m, nil
}

// asyncFlag makes the tests for results of async tasks.
func asyncFlag(key string) *def {
	return define(key, "result", func(c *call) (any, error) {
		m, err := c.result(key, 0)
		if err != nil {
			return nil, err
		}
		v, ok := m.Get(key)
		if !ok {
			c.f.r.st.c.warn("The '" + key + "' test expects an async task, but a non-async task was tested")
			return true, nil
		}
		return equal(v, 1), nil
	})
}

func onPath(names string, fn func(path string) bool) *def {
	return define(names, "path", func(c *call) (any, error) {
		s, err := c.needStr(0)
		if err != nil {
			return nil, err
		}
		return fn(s), nil
	})
}

func isMount(path string) bool {
	var a, b syscall.Stat_t
	if syscall.Lstat(path, &a) != nil || syscall.Lstat(filepath.Join(path, ".."), &b) != nil || a.Mode&syscall.S_IFMT == syscall.S_IFLNK {
		return false
	}
	return a.Dev != b.Dev || a.Ino == b.Ino
}

// ansibleTests are the tests of ansible.builtin.
func ansibleTests() []*def {
	return []*def{
		flag("failed|failure", "failed", true), flag("succeeded|success|successful", "failed", false),
		flag("unreachable", "unreachable", true), flag("reachable", "unreachable", false), flag("skipped|skip", "skipped", true),
		asyncFlag("started"), asyncFlag("finished"),
		define("changed|change", "result", func(c *call) (any, error) {
			m, err := c.result("changed", 0)
			if err != nil {
				return nil, err
			}
			if v, ok := m.Get("changed"); ok {
				return v, nil
			}
			l, _ := asList(m.At("results"))
			for _, r := range l {
				if r, ok := r.(*value.Map); ok && Bool(r.At("changed")) {
					return true, nil
				}
			}
			return false, nil
		}),
		define("match", "value pattern='' ignorecase=False multiline=False", regexTest("match")),
		define("search", "value pattern='' ignorecase=False multiline=False", regexTest("search")),
		define("regex", "value pattern='' ignorecase=False multiline=False match_type='search'", regexTest("")),
		define("version|version_compare", "value version operator='eq' strict=None version_type=None", versionTest),
		define("any", "iterable", func(c *call) (any, error) {
			l, err := c.list(0)
			for _, e := range l {
				if ok, err := truth(e); ok || err != nil {
					return ok, err
				}
			}
			return false, err
		}),
		define("all", "iterable", func(c *call) (any, error) {
			l, err := c.list(0)
			for _, e := range l {
				if ok, err := truth(e); !ok || err != nil {
					return ok, err
				}
			}
			return true, err
		}),
		define("truthy", "value convert_bool=False", truthyTest(true)),
		define("falsy", "value convert_bool=False", truthyTest(false)),
		define("vault_encrypted", "value", func(c *call) (any, error) {
			if err := c.need(0); err != nil {
				return nil, err
			}
			_, lazy := c.a[0].(value.Lazy)
			return lazy, nil
		}),
		define("contains", "seq value", func(c *call) (any, error) { return in(c.f, c.a[1], c.a[0]) }),
		define("subset|issubset", "a b", subset(false)), define("superset|issuperset", "a b", subset(true)),
		define("nan|isnan", "x", func(c *call) (any, error) {
			f, _ := c.a[0].(float64)
			return math.IsNaN(f), c.need(0)
		}),
		onPath("directory|is_dir", func(p string) bool { i, err := os.Stat(p); return err == nil && i.IsDir() }),
		onPath("file|is_file", func(p string) bool { i, err := os.Stat(p); return err == nil && i.Mode().IsRegular() }),
		onPath("link|is_link", func(p string) bool { i, err := os.Lstat(p); return err == nil && i.Mode()&os.ModeSymlink != 0 }),
		onPath("exists", func(p string) bool { _, err := os.Stat(p); return err == nil }),
		onPath("link_exists", func(p string) bool { _, err := os.Lstat(p); return err == nil }),
		onPath("abs|is_abs", func(p string) bool { return strings.HasPrefix(p, "/") }),
		onPath("mount|is_mount", isMount),
		define("same_file|is_same_file", "a b", func(c *call) (any, error) {
			a, err := os.Stat(c.str(0))
			if err != nil {
				return nil, err
			}
			b, err := os.Stat(c.str(1))
			if err != nil {
				return nil, err
			}
			return os.SameFile(a, b), nil
		}),
		define("uri", "value schemes=None", uriTest("uri")),
		define("url", "value schemes=None", uriTest("url")),
		define("urn", "value", uriTest("urn")),
	}
}

func truthyTest(want bool) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		v := c.a[0]
		if c.bool(1) {
			if b, ok := boolean(v); ok {
				v = b
			}
		}
		ok, err := truth(v)
		return ok == want, err
	}
}

func subset(swap bool) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		a, err := setOf(c.a[0])
		if err != nil {
			return nil, err
		}
		b, err := setOf(c.a[1])
		if err != nil {
			return nil, err
		}
		if swap {
			a, b = b, a
		}
		return isSubset(a, b), nil
	}
}

func uriTest(kind string) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		s, ok := asStr(c.a[0])
		if !ok {
			return false, c.need(0)
		}
		scheme, netloc, _, _, _, ok := splitURL(s)
		if !ok {
			return false, nil
		}
		switch {
		case kind == "urn":
			return scheme == "urn", nil
		case len(c.a) > 1 && Bool(c.a[1]):
			if ok, err := in(c.f, scheme, c.a[1]); !ok || err != nil {
				return false, err
			}
		}
		return kind == "uri" || netloc != "" || scheme == "file", nil
	}
}

// boolean is Ansible's reading of a truth value: words such as yes and off.
func boolean(v any) (result, ok bool) {
	switch x := v.(type) {
	case bool:
		return x, true
	case int:
		return x == 1, x == 0 || x == 1
	case float64:
		return x == 1, x == 0 || x == 1
	}
	s, isText := asStr(v)
	if !isText {
		return false, false
	}
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "y", "yes", "on", "1", "true", "t", "1.0":
		return true, true
	case "n", "no", "off", "0", "false", "f", "0.0":
		return false, true
	}
	return false, false
}

// ToBool is the bool filter: yes, on, 1 and true are true, in any case; all
// else is false.
func ToBool(v any) bool {
	switch x := v.(type) {
	case bool:
		return x
	case int:
		return x == 1
	case float64:
		return x == 1
	}
	s, ok := asStr(v)
	if !ok {
		return false
	}
	switch strings.ToLower(s) {
	case "yes", "on", "1", "true":
		return true
	}
	return false
}

func regexTest(kind string) func(c *call) (any, error) {
	return func(c *call) (any, error) {
		if err := c.need(0); err != nil {
			return nil, err
		}
		how := kind
		if how == "" {
			how = c.str(4)
		}
		re, err := c.regex(1, c.bool(2), c.bool(3))
		if err != nil {
			return nil, err
		}
		m, err := re.Find(how, c.str(0))
		return m != nil, regexErr(err)
	}
}

// --- versions ---

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
