package unarchive

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
)

// choice decides which members are unpacked and under which names.
type choice struct {
	include, exclude []string
	strip            int
	zip              bool
	used             map[string]bool // includes that matched something
}

func newChoice(args module.Args, zip bool) (*choice, error) {
	c := &choice{zip: zip, include: args.Strings("include"), used: map[string]bool{}}
	for _, p := range args.Strings("exclude") {
		if !zip {
			p = strings.TrimRight(p, "/")
		}
		c.exclude = append(c.exclude, p)
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
	if !c.wants(m) {
		return "", nil
	}
	if c.strip == 0 {
		return name, nil
	}
	parts := strings.FieldsFunc(m.name, func(r rune) bool { return r == '/' }) // a leading dot counts
	return strings.Join(parts[min(c.strip, len(parts)):], "/"), nil
}

func (c *choice) wants(m *member) bool {
	name := path.Clean(strings.TrimRight(m.name, "/"))
	return (len(c.include) == 0 || c.included(m.name)) && !c.excluded(name, m.name)
}

// included takes names as tar does, with all that is in a folder of that name,
// or patterns for the whole name as unzip does, where a star matches slashes.
func (c *choice) included(name string) bool {
	found := false
	for _, want := range c.include {
		clean := strings.TrimRight(want, "/")
		if c.zip && match(want, name) || !c.zip && strings.HasPrefix(name+"/", clean+"/") {
			c.used[want] = true
			found = true
		}
	}
	return found
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
// either matches a pattern; unzip looks at the whole name alone.
func (c *choice) excluded(name, whole string) bool {
	if c.zip {
		return slices.ContainsFunc(c.exclude, func(p string) bool { return match(p, whole) })
	}
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
