package template

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/value"
)

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
			switch c.a[0].(type) {
			case value.Lazy, vaulted:
				return true, nil
			}
			return false, nil
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
			_, undefined := c.a[0].(*Undefined)
			return kind == "uri" && !undefined && !Bool(c.a[0]) && (len(c.a) < 2 || !Bool(c.a[1])), nil
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
