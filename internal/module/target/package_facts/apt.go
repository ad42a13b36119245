package packagefacts

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/dpkg"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
)

// listApt reads dpkg's database; where a package comes from only apt knows.
func listApt(ctx context.Context, env *module.Env) ([]pkg, error) {
	if !haveApt(env) {
		return nil, errNotHere
	}
	db, err := dpkg.Read()
	if err != nil {
		return nil, err
	}
	var list []pkg
	var names []string
	for _, p := range db.Packages {
		if p.Status == "not-installed" || p.Status == "config-files" {
			continue
		}
		name := p.Name
		if p.Arch != "all" && p.Arch != db.Arch() {
			name += ":" + p.Arch
		}
		names = append(names, name)
		list = append(list, value.MapOf("name", name, "version", p.Version, "arch", p.Arch, "category", p.Section, "origin", ""))
	}
	origins, err := originsOf(ctx, env, names)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		name, _ := p.At("name").(string)
		p.Set("origin", origins[name])
	}
	slices.SortFunc(list, func(a, b pkg) int { return strings.Compare(value.Str(a.At("name")), value.Str(b.At("name"))) })
	return list, nil
}

// originsOf returns the origin of each installed package, "" where no
// repository that apt knows has that version.
func originsOf(ctx context.Context, env *module.Env, names []string) (map[string]string, error) {
	policy := func(names ...string) (string, error) {
		out, err := tool.Run(ctx, env, append([]string{"apt-cache", "policy"}, names...)...)
		if err == nil && out.RC != 0 {
			err = fmt.Errorf("apt-cache policy failed: %s", strings.TrimSpace(out.Stderr))
		}
		return out.Stdout, err
	}
	indexes, err := policy()
	if err != nil {
		return nil, err
	}
	if !strings.Contains(indexes, "o=") {
		return nil, nil // no repository says who it is
	}
	byIndex := parseIndexes(indexes)
	text, err := policy(names...)
	if err != nil {
		return nil, err
	}
	return parseOrigins(text, byIndex), nil
}

// parseIndexes reads the list of package files: where each is from.
func parseIndexes(text string) map[string]string {
	byIndex, index := map[string]string{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if priority, rest, ok := strings.Cut(line, " "); ok && strings.Trim(priority, "-0123456789") == "" {
			index = strings.TrimSpace(rest)
		} else if rest, ok := strings.CutPrefix(line, "release "); ok {
			for field := range strings.SplitSeq(rest, ",") {
				if o, ok := strings.CutPrefix(field, "o="); ok {
					byIndex[index] = o
				}
			}
		}
	}
	return byIndex
}

// parseOrigins reads the versions of packages and takes, of the installed one,
// the first place that has it.
func parseOrigins(text string, byIndex map[string]string) map[string]string {
	origins, name, installed := map[string]string{}, "", false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line != "" && line[0] != ' ':
			name = strings.TrimSuffix(line, ":")
		case strings.HasPrefix(line, " *** "):
			installed = true
			continue
		case installed:
			_, index, _ := strings.Cut(strings.TrimSpace(line), " ")
			origins[name] = byIndex[index]
		}
		installed = false
	}
	return origins
}
