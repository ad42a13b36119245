// Package policy works out the hints of a call: those of the module's Spec,
// made stricter by what the task itself asks for (tutti_parallel).
//
// A hint is written as documents show it: FullyParallel, HostExclusive(dpkg),
// GlobalExclusive(etcd), RateLimited(ec2, 5/s) or RateLimited(ec2, 5/s, burst 3).
package policy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/parallel"
)

// Parse reads one hint.
func Parse(text string) (parallel.Hint, error) {
	name, rest, hasArgs := strings.Cut(strings.TrimSpace(text), "(")
	var args []string
	if hasArgs {
		body, ok := strings.CutSuffix(strings.TrimSpace(rest), ")")
		if !ok {
			return parallel.Hint{}, fmt.Errorf("the hint %q lacks its closing bracket", text)
		}
		for _, a := range strings.Split(body, ",") {
			args = append(args, strings.TrimSpace(a))
		}
		if len(args) == 1 && args[0] == "" {
			args = nil
		}
	}
	one := func() (string, error) {
		if len(args) > 1 {
			return "", fmt.Errorf("the hint %q takes at most one name", text)
		}
		if len(args) == 1 {
			return args[0], nil
		}
		return "", nil
	}
	switch strings.TrimSpace(name) {
	case "FullyParallel":
		if len(args) > 0 {
			return parallel.Hint{}, fmt.Errorf("the hint FullyParallel takes no name, got %q", text)
		}
		return parallel.Free(), nil
	case "HostExclusive":
		resource, err := one()
		return parallel.Host(resource), err
	case "GlobalExclusive":
		global, err := one()
		return parallel.Global(global), err
	case "RateLimited":
		return limited(text, args)
	}
	return parallel.Hint{}, fmt.Errorf("unknown hint %q: use FullyParallel, HostExclusive(resource), GlobalExclusive(name) or RateLimited(key, N/s)", text)
}

func limited(text string, args []string) (parallel.Hint, error) {
	if len(args) < 2 || len(args) > 3 || args[0] == "" {
		return parallel.Hint{}, fmt.Errorf("the hint %q needs a key and a rate: RateLimited(key, 5/s) or RateLimited(key, 5/s, burst 3)", text)
	}
	number, unit, _ := strings.Cut(args[1], "/")
	rate, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil {
		return parallel.Hint{}, fmt.Errorf("the rate in the hint %q is no number", text)
	}
	switch strings.TrimSpace(unit) {
	case "s", "":
	case "m", "min":
		rate /= 60
	case "h":
		rate /= 3600
	default:
		return parallel.Hint{}, fmt.Errorf("the rate in the hint %q must be per s, min or h", text)
	}
	burst := 1
	if len(args) == 3 {
		digits := strings.TrimSpace(strings.TrimPrefix(args[2], "burst"))
		if burst, err = strconv.Atoi(digits); err != nil {
			return parallel.Hint{}, fmt.Errorf("the burst in the hint %q is no number", text)
		}
	}
	h := parallel.Limited(args[0], rate, burst)
	if err := h.Validate(); err != nil {
		return parallel.Hint{}, fmt.Errorf("the hint %q: %w", text, err)
	}
	return h, nil
}

// ParseAll reads a hint or a list of hints, as a task's tutti_parallel gives
// them.
func ParseAll(v any) ([]parallel.Hint, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		h, err := Parse(v)
		if err != nil {
			return nil, err
		}
		return []parallel.Hint{h}, nil
	case []any:
		var out []parallel.Hint
		for _, e := range v {
			more, err := ParseAll(e)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
		return out, nil
	}
	return nil, fmt.Errorf("tutti_parallel must be a hint such as HostExclusive(dpkg), or a list of hints, not %v", v)
}

// Tighten adds more hints to those that are there. Nothing is taken away:
// asking for FullyParallel changes nothing.
func Tighten(hints, more []parallel.Hint) []parallel.Hint {
	var out []parallel.Hint
	for _, list := range [][]parallel.Hint{hints, more} {
		for _, h := range list {
			if h.Kind != parallel.FullyParallel {
				out = append(out, h)
			}
		}
	}
	if out == nil {
		return []parallel.Hint{parallel.Free()}
	}
	return out
}
