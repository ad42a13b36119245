package template

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// keyMatch makes a test of a dict's keys against a pattern, as a filter's
// matching_parameter says. The default is that they are equal.
func (c *call) keyMatch(how string) func(key any, pattern string) (bool, error) {
	return func(key any, pattern string) (bool, error) {
		k, isText := asStr(key)
		switch how {
		case "starts_with", "ends_with", "regex":
			if !isText {
				return false, typeErr("%s: the key %s is no text", c.short(), Repr(key))
			}
		}
		switch how {
		case "starts_with":
			return strings.HasPrefix(k, pattern), nil
		case "ends_with":
			return strings.HasSuffix(k, pattern), nil
		case "regex":
			re, err := c.f.r.st.e.compileRegex(pattern, 0)
			if err != nil {
				return false, err
			}
			m, err := re.Find("match", k)
			return m != nil, regexErr(err)
		}
		return isText && k == pattern, nil
	}
}

// nestedKeys reads the arguments that the filters for keys at any depth share.
func (c *call) nestedKeys() (data any, match func(any, string) (bool, error), err error) {
	if err := c.need(0); err != nil {
		return nil, nil, err
	}
	data = freeze(c.a[0])
	if m, ok := data.(Mapping); ok {
		if data, err = mapOf(c.f, m); err != nil {
			return nil, nil, err
		}
	}
	switch data.(type) {
	case []any, *value.Map:
	default:
		return nil, nil, filterErr("%s: the input must be a list or a dictionary, not %s", c.short(), TypeName(data))
	}
	how, err := c.choiceArg(2, "starts_with", "ends_with", "regex")
	return data, c.keyMatch(how), err
}

func keepKeysFilter(c *call) (any, error) {
	data, match, err := c.nestedKeys()
	if err != nil {
		return nil, err
	}
	targets, err := c.textsArg(1)
	if err != nil {
		return nil, err
	}
	return keepKeys(data, targets, match)
}

// keepKeys keeps the entries of dicts at any depth whose key matches, and what
// leads to them.
func keepKeys(v any, targets []string, match func(any, string) (bool, error)) (any, error) {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			var err error
			if out[i], err = keepKeys(e, targets, match); err != nil {
				return nil, err
			}
		}
		return out, nil
	case *value.Map:
		out := value.NewMap(v.Len())
		for k, e := range v.All() {
			kept, keep, err := keepEntry(k, e, targets, match)
			if err != nil {
				return nil, err
			}
			if keep {
				out.Set(k, kept)
			}
		}
		return out, nil
	}
	return v, nil
}

// keepEntry is what stays of one entry, if anything does: of lists and dicts it is
// what lies in them that counts.
func keepEntry(k, e any, targets []string, match func(any, string) (bool, error)) (any, bool, error) {
	if _, isMap := e.(*value.Map); !isMap && !isList(e) {
		for _, t := range targets {
			if ok, err := match(k, t); ok || err != nil {
				return e, ok, err
			}
		}
		return nil, false, nil
	}
	kept, err := keepKeys(e, targets, match)
	if err != nil || len(targets) == 0 {
		return nil, false, err
	}
	l, ok := kept.([]any)
	if !ok {
		return kept, Bool(kept), nil
	}
	l = slices.DeleteFunc(l, func(e any) bool { return isEmptyBox(e) })
	texts := func(e any) bool { _, ok := asStr(e); return !ok }
	return l, slices.ContainsFunc(l, texts), nil
}

func isEmptyBox(v any) bool {
	_, isMap := v.(*value.Map)
	return (isMap || isList(v)) && !Bool(v)
}

func removeKeysFilter(c *call) (any, error) {
	data, match, err := c.nestedKeys()
	if err != nil {
		return nil, err
	}
	targets, err := c.textsArg(1)
	if err != nil {
		return nil, err
	}
	return removeKeys(data, targets, match)
}

// removeKeys leaves out entries at any depth whose key matches, and elements of
// lists that are false once that is done.
func removeKeys(v any, targets []string, match func(any, string) (bool, error)) (any, error) {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, e := range v {
			left, err := removeKeys(e, targets, match)
			if err != nil {
				return nil, err
			}
			// A list that loses its elements only now is kept.
			if m, isMap := e.(*value.Map); Bool(e) && (!isMap || m.Len() == 0 || Bool(left)) {
				out = append(out, left)
			}
		}
		return out, nil
	case *value.Map:
		out := value.NewMap(v.Len())
	next:
		for k, e := range v.All() {
			for _, t := range targets {
				ok, err := match(k, t)
				if err != nil {
					return nil, err
				}
				if ok {
					continue next
				}
			}
			left, err := removeKeys(e, targets, match)
			if err != nil {
				return nil, err
			}
			out.Set(k, left)
		}
		return out, nil
	}
	return v, nil
}

// renaming is one of the targets of replace_keys.
type renaming struct {
	before string
	after  any
}

func (c *call) renamings(i int) ([]renaming, error) {
	maps, err := c.mapsArg(i)
	if err != nil {
		return nil, err
	}
	var out []renaming
	for _, m := range maps {
		for k := range m.Strings() {
			if k != "before" && k != "after" {
				return nil, valueErr("%s: a target has before and after, not %s", c.short(), k)
			}
		}
		before := m.At("before")
		if before == nil {
			return nil, valueErr("%s: a target lacks 'before'", c.short())
		}
		after := m.At("after")
		if after != nil {
			after = Str(after)
		}
		out = append(out, renaming{Str(before), after})
	}
	return out, nil
}

func replaceKeysFilter(c *call) (any, error) {
	data, match, err := c.nestedKeys()
	if err != nil {
		return nil, err
	}
	targets, err := c.renamings(1)
	if err != nil {
		return nil, err
	}
	return replaceKeys(data, targets, match)
}

func replaceKeys(v any, targets []renaming, match func(any, string) (bool, error)) (any, error) {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			var err error
			if out[i], err = replaceKeys(e, targets, match); err != nil {
				return nil, err
			}
		}
		return out, nil
	case *value.Map:
		out := v.Clone()
		for _, t := range targets {
			for _, k := range slices.Clone(out.Keys()) {
				ok, err := match(k, t.before)
				if err != nil {
					return nil, err
				}
				if ok {
					e := out.At(k)
					out.Delete(k)
					out.Set(t.after, e)
				}
			}
		}
		for _, k := range slices.Clone(out.Keys()) {
			e, err := replaceKeys(out.At(k), targets, match)
			if err != nil {
				return nil, err
			}
			out.Set(k, e)
		}
		return out, nil
	}
	return v, nil
}
