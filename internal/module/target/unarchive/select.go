package unarchive

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
)

// choice decides which members are unpacked and under which names.
type choice struct {
	include, exclude []string
	strip            int
	used             map[string]bool // includes that matched something
}

func newChoice(args module.Args) (*choice, error) {
	c := &choice{include: args.Strings("include"), used: map[string]bool{}}
	for _, p := range args.Strings("exclude") {
		c.exclude = append(c.exclude, strings.TrimRight(p, "/"))
	}
	opts := args.Strings("extra_opts")
	for i := 0; i < len(opts); i++ {
		name, text, ok := strings.Cut(opts[i], "=")
		if name != "--strip-components" && name != "--strip" {
			return nil, fmt.Errorf("extra_opts %q is not supported for zip files", opts[i])
		}
		if !ok && i+1 < len(opts) {
			i++
			text = opts[i]
		}
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 0 {
			return nil, fmt.Errorf("extra_opts: %q is no number of components", text)
		}
		c.strip = n
	}
	return c, nil
}

// target returns where a member goes below dest; "" leaves it out.
func (c *choice) target(m *member) (string, error) {
	name := strings.TrimRight(m.name, "/")
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", fmt.Errorf("%s: member name contains '..'", m.name)
		}
	}
	name = path.Clean(name)
	if len(c.include) > 0 && !c.included(name, m.name) || c.excluded(name) {
		return "", nil
	}
	parts := strings.Split(name, "/")
	if len(parts) <= c.strip {
		return "", nil
	}
	return strings.Join(parts[c.strip:], "/"), nil
}

// included also looks at the name as it stands: that of a directory ends with a
// slash, and a star matches nothing as well.
func (c *choice) included(name, m string) bool {
	for _, want := range c.include {
		clean := path.Clean(want)
		if name == clean || strings.HasPrefix(name, clean+"/") || match(clean, name) || match(want, m) {
			c.used[want] = true
			return true
		}
	}
	return false
}

// missing is an include that matched nothing, "" if there is none.
func (c *choice) missing() string {
	for _, want := range c.include {
		if !c.used[want] {
			return want
		}
	}
	return ""
}

// excluded reports whether the name, something that it is in, or the end of
// either matches a pattern.
func (c *choice) excluded(name string) bool {
	parts := strings.Split(name, "/")
	for _, pattern := range c.exclude {
		for from := range parts {
			for to := from + 1; to <= len(parts); to++ {
				if match(pattern, strings.Join(parts[from:to], "/")) {
					return true
				}
			}
		}
	}
	return false
}

// match is a match where * goes across slashes.
func match(pattern, name string) bool {
	return files.MatchName(strings.ReplaceAll(pattern, "/", "\x01"), strings.ReplaceAll(name, "/", "\x01"))
}
