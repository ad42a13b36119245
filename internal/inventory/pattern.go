package inventory

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

// Match resolves a host pattern: names, groups, wildcards, ~regular
// expressions, :&intersections, :!exclusions and [slices]. missing lists the
// parts that match nothing, which is worth a warning but no error.
func (inv *Inventory) Match(pattern string) (hosts []*Host, missing []string, err error) {
	return inv.MatchAll([]string{pattern})
}

// MatchAll is Match for a list of patterns, as `hosts:` may be.
func (inv *Inventory) MatchAll(patterns []string) (hosts []*Host, missing []string, err error) {
	var plain, and, not []string
	for _, p := range patterns {
		for _, part := range splitPattern(p) {
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
		found, _, err := inv.matchOne(p)
		if err != nil {
			return nil, nil, err
		}
		hosts = slices.DeleteFunc(hosts, func(h *Host) bool { return !slices.Contains(found, h) })
	}
	for _, p := range not {
		found, _, err := inv.matchOne(p)
		if err != nil {
			return nil, nil, err
		}
		hosts = slices.DeleteFunc(hosts, func(h *Host) bool { return slices.Contains(found, h) })
	}
	return hosts, missing, nil
}

// splitPattern splits at commas, or at the old-style colons that are not part
// of a slice, a range or an IPv6 address.
func splitPattern(p string) []string {
	p = strings.TrimSpace(p)
	if strings.Contains(p, ",") {
		var out []string
		for _, part := range strings.Split(p, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
		return out
	}
	if strings.Count(p, ":") > 1 && isIPv6(p) {
		return []string{p}
	}
	var out []string
	depth, start := 0, 0
	part := func(end int) {
		if end > start {
			out = append(out, p[start:end])
		}
		start = end + 1
	}
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ':', ' ', '\t', '\n': // the space is a habit of old that Ansible still bears with
			if depth <= 0 {
				part(i)
			}
		}
	}
	part(len(p))
	return out
}

var ipv6Form = lazyregexp.New(`^[0-9a-fA-F:.]*::?[0-9a-fA-F:.]*$`)

func isIPv6(s string) bool { return ipv6Form.MatchString(s) && strings.Count(s, ":") >= 2 }

var sliceForm = lazyregexp.New(`^(.+)\[(-?\d+)(?:([:-])(-?\d*))?\]$|^(.+)\[:(-?\d+)\]$`)

// matchOne resolves one part of a pattern.
func (inv *Inventory) matchOne(p string) ([]*Host, bool, error) {
	base, cut, err := splitSlice(p)
	if err != nil {
		return nil, false, err
	}
	hosts, ok, err := inv.enumerate(base)
	if err != nil || cut == nil || len(hosts) == 0 {
		return hosts, ok, err
	}
	return cut(hosts), ok, nil
}

func splitSlice(p string) (string, func([]*Host) []*Host, error) {
	if strings.HasPrefix(p, "~") {
		return p, nil, nil
	}
	m := sliceForm.FindStringSubmatch(p)
	if m == nil {
		return p, nil, nil
	}
	bound := func(n, length int) int {
		if n < 0 {
			n += length
		}
		return max(0, min(n, length))
	}
	if m[5] != "" {
		end, _ := strconv.Atoi(m[6])
		return m[5], func(h []*Host) []*Host { return h[:min(len(h), bound(end, len(h)-1)+1)] }, nil
	}
	begin, _ := strconv.Atoi(m[2])
	if m[3] == "" {
		return m[1], func(h []*Host) []*Host {
			i := begin
			if i < 0 {
				i += len(h)
			}
			if i < 0 || i >= len(h) {
				return nil
			}
			return h[i : i+1]
		}, nil
	}
	return m[1], func(h []*Host) []*Host {
		end := len(h) - 1
		if m[4] != "" {
			end, _ = strconv.Atoi(m[4])
			if end < 0 {
				end += len(h)
			}
		}
		from, to := bound(begin, len(h)), min(end+1, len(h))
		if from >= to {
			return nil
		}
		return h[from:to]
	}, nil
}

// enumerate lists the hosts of a name, group, wildcard or regular expression.
func (inv *Inventory) enumerate(p string) ([]*Host, bool, error) {
	var matches func(string) bool
	switch {
	case strings.HasPrefix(p, "~"):
		re, err := regexp.Compile(`^(?:` + p[1:] + `)`)
		if err != nil {
			return nil, false, fmt.Errorf("Invalid host list pattern: %s: %w", p[1:], err)
		}
		matches = re.MatchString
	case strings.ContainsAny(p, "*?["):
		if _, err := path.Match(p, ""); err != nil {
			return nil, false, fmt.Errorf("Invalid host list pattern: %s: %w", p, err)
		}
		matches = func(name string) bool { ok, _ := path.Match(p, name); return ok }
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
