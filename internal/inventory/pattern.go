package inventory

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/glob"
	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/pyre"
)

// Match resolves a host pattern: names, groups, wildcards, ~regular
// expressions, :&intersections, :!exclusions and [slices]. missing lists the
// parts that match nothing, which is worth a warning but no error.
func (inv *Inventory) Match(pattern string) (hosts []*Host, missing []string, err error) {
	return inv.MatchAll([]string{pattern})
}

// MatchAll is Match for a list of patterns, as `hosts:` may be.
func (inv *Inventory) MatchAll(patterns []string) (hosts []*Host, missing []string, err error) {
	var parts []string
	for _, p := range patterns {
		parts = append(parts, SplitPattern(p)...)
	}
	return inv.MatchParts(parts)
}

// MatchParts is Match for a pattern that is split already.
func (inv *Inventory) MatchParts(parts []string) (hosts []*Host, missing []string, err error) {
	var plain, and, not []string
	for _, part := range parts {
		switch {
		case part == "":
		case part[0] == '!':
			not = append(not, part[1:])
		case part[0] == '&':
			and = append(and, part[1:])
		default:
			plain = append(plain, part)
		}
	}
	if len(plain) == 0 { // only empty parts mean everybody too
		plain = []string{"all"}
	}
	seen := map[*Host]bool{}
	for _, p := range plain {
		found, ok, err := inv.matchOne(p)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			missing = append(missing, p)
		}
		for _, h := range found {
			if !seen[h] {
				seen[h] = true
				hosts = append(hosts, h)
			}
		}
	}
	for _, p := range and {
		found, ok, err := inv.matchOne(p)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			missing = append(missing, p)
		}
		hosts = slices.DeleteFunc(hosts, func(h *Host) bool { return !slices.Contains(found, h) })
	}
	for _, p := range not {
		found, ok, err := inv.matchOne(p)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			missing = append(missing, p)
		}
		hosts = slices.DeleteFunc(hosts, func(h *Host) bool { return slices.Contains(found, h) })
	}
	return hosts, missing, nil
}

// SplitPattern splits a pattern at commas. Without any, what could be a host's
// name with a port stays whole, and all else is split at the old-style colons and
// spaces that are not in brackets.
func SplitPattern(p string) []string {
	var parts []string
	if strings.Contains(p, ",") {
		parts = strings.Split(p, ",")
	} else if host, _ := splitPort(p); host != p || isHostName(p) {
		parts = []string{p}
	} else {
		parts = patternPart.FindAllString(p, -1)
	}
	var out []string
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

var (
	patternPart = lazyregexp.New(`(?:[^\s:\[\]]|\[[^\]]*\])+`)
	sliceForm   = lazyregexp.New(`^(.+)\[(?:(-?[0-9]+)|([0-9]+)([:-])([0-9]*))\]$`)
)

// matchOne resolves one part of a pattern.
func (inv *Inventory) matchOne(p string) ([]*Host, bool, error) {
	base, cut := inv.splitSlice(p)
	hosts, ok, err := inv.enumerate(base)
	if err != nil || cut == nil || len(hosts) == 0 {
		return hosts, ok, err
	}
	return cut(hosts), ok, nil
}

// splitSlice takes the [n], [n:] or [n:m] off a pattern.
func (inv *Inventory) splitSlice(p string) (string, func([]*Host) []*Host) {
	m := sliceForm.FindStringSubmatch(p)
	if m == nil || strings.HasPrefix(p, "~") {
		return p, nil
	}
	if m[4] == "-" && inv.warn != nil {
		inv.warn("Use [x:y] inclusive subscripts instead of [x-y] which has been removed")
	}
	one := func(index string) func([]*Host) []*Host {
		i, _ := strconv.Atoi(index)
		return func(h []*Host) []*Host {
			at := i
			if at < 0 {
				at += len(h)
			}
			if at < 0 || at >= len(h) {
				return nil
			}
			return h[at : at+1]
		}
	}
	if m[2] != "" {
		return m[1], one(m[2])
	}
	if end, _ := strconv.Atoi(m[5]); m[5] != "" && end == 0 {
		return m[1], one(m[3]) // [n:0] is the host n, whatever n is
	}
	return m[1], func(h []*Host) []*Host {
		from, _ := strconv.Atoi(m[3])
		to := len(h)
		if m[5] != "" {
			end, _ := strconv.Atoi(m[5])
			to = min(to, end+1)
		}
		if from >= to {
			return nil
		}
		return h[from:to]
	}
}

// enumerate lists the hosts of a name, group, wildcard or regular expression.
func (inv *Inventory) enumerate(p string) ([]*Host, bool, error) {
	var matches func(string) bool
	switch {
	case strings.HasPrefix(p, "~"):
		re, err := pyre.Compile(p[1:], 0)
		if err != nil {
			return nil, false, fmt.Errorf("Invalid host list pattern: %s: %w", p[1:], err)
		}
		matches = func(name string) bool { m, err := re.Match(name); return m != nil && err == nil }
	case strings.ContainsAny(p, "*?["):
		matches = func(string) bool { return false }
		if re, err := regexp.Compile("(?s)^" + glob.Expr(p, ".") + "$"); err == nil { // [z-a] has no character
			matches = re.MatchString
		}
	case p == "all" || p == "*":
		return inv.Hosts(), true, nil
	default:
		if g := inv.groups[p]; g != nil {
			return inv.HostsOf(g), true, nil
		}
		if h := inv.LookupHost(p); h != nil {
			return []*Host{h}, true, nil
		}
		return nil, false, nil
	}
	if p == "*" {
		return inv.Hosts(), true, nil
	}
	var out []*Host
	seen := map[*Host]bool{}
	found := false
	add := func(h *Host) {
		if !seen[h] {
			seen[h] = true
			out = append(out, h)
		}
	}
	for _, g := range inv.gorder {
		if matches(g.Name) {
			found = true
			for _, h := range inv.HostsOf(g) {
				add(h)
			}
		}
	}
	if !found || strings.HasPrefix(p, "~") || strings.ContainsAny(p, "*?[") {
		for _, h := range inv.order {
			if matches(h.Name) {
				found = true
				add(h)
			}
		}
	}
	return out, found, nil
}
