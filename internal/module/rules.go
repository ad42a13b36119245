package module

import (
	"maps"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// present counts the names that have a value.
func present(names []string, values *value.Map) int {
	n := 0
	for _, name := range names {
		if values.At(name) != nil {
			n++
		}
	}
	return n
}

// exclusive runs before defaults are filled in: only what was given excludes,
// even if null was given, as with Ansible.
func (p *parser) exclusive(rules Rules, values *value.Map, context []string) {
	var bad []string
	for _, names := range rules.MutuallyExclusive {
		given := 0
		for _, name := range names {
			if values.Has(name) {
				given++
			}
		}
		if given > 1 {
			bad = append(bad, strings.Join(names, "|"))
		}
	}
	if len(bad) > 0 {
		p.fail(context, "parameters are mutually exclusive: %s", strings.Join(bad, ", "))
	}
}

func (p *parser) rules(rules Rules, values *value.Map, context []string) {
	for _, names := range rules.RequiredTogether {
		if n := present(names, values); n > 0 && n < len(names) {
			p.fail(context, "parameters are required together: %s", strings.Join(names, ", "))
		}
	}
	for _, names := range rules.RequiredOneOf {
		if present(names, values) == 0 {
			p.fail(context, "one of the following is required: %s", strings.Join(names, ", "))
		}
	}
	for _, r := range rules.RequiredIf {
		p.requiredIf(r, values, context)
	}
	for _, name := range slices.Sorted(maps.Keys(rules.RequiredBy)) {
		if values.At(name) == nil {
			continue
		}
		if missing := absent(rules.RequiredBy[name], values); len(missing) > 0 {
			p.fail(context, "missing parameter(s) required by '%s': %s", name, strings.Join(missing, ", "))
			return
		}
	}
}

func absent(names []string, values *value.Map) []string {
	var missing []string
	for _, name := range names {
		if values.At(name) == nil {
			missing = append(missing, name)
		}
	}
	return missing
}

func (p *parser) requiredIf(r RequiredIf, values *value.Map, context []string) {
	if v, ok := values.Get(r.Param); !ok || !same(v, r.Value) {
		return
	}
	missing, kind := absent(r.Needs, values), "all"
	if r.Any {
		kind = "any"
		if len(missing) < len(r.Needs) {
			return
		}
	}
	if len(missing) > 0 {
		p.fail(context, "%s is %s but %s of the following are missing: %s",
			r.Param, value.Str(r.Value), kind, strings.Join(missing, ", "))
	}
}
