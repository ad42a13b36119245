package template

import (
	"slices"
)

// communityFilters are a few filters of other collections that many playbooks
// use; Ansible's distribution ships them.
func communityFilters() []*def {
	return []*def{
		define("community.general.version_sort", "value reverse=False", func(c *call) (any, error) {
			l, err := c.list(0)
			if err != nil {
				return nil, err
			}
			out := append([]any{}, l...)
			slices.SortStableFunc(out, func(a, b any) int {
				switch {
				case versionLess(Str(a), Str(b)):
					return -1
				case versionLess(Str(b), Str(a)):
					return 1
				}
				return 0
			})
			if c.bool(1) {
				out = reversed(out)
			}
			return out, nil
		}),
		define("community.general.dict", "sequence", func(c *call) (any, error) { return dictOf(c.a[0]) }),
		define("json_query|community.general.json_query", "data expr", func(c *call) (any, error) {
			if err := failUndefined(c.a[0]); err != nil {
				return nil, err
			}
			expr, err := c.needStr(1)
			if err != nil {
				return nil, err
			}
			return jsonQuery(c.f, freeze(c.a[0]), expr)
		}),
	}
}
