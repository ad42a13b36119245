package template

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

// generalLookups are lookups of community.general.
func generalLookups() map[string]lookupFunc {
	return map[string]lookupFunc{
		"community.general.collection_version": lookupCollectionVersion, "community.general.dependent": lookupDependent,
		"community.general.filetree": lookupFiletree, "community.general.merge_variables": lookupMergeVariables,
		"community.general.random_string": lookupRandomString,
	}
}

// only refuses options that the lookup does not have.
func (l *look) only(names ...string) error {
	for k := range l.kw.Strings() {
		if !slices.Contains(names, k) {
			return lookupErr("%s: there is no option %s", l.name, k)
		}
	}
	return nil
}

// count is an option that is a number.
func (l *look) count(name string, std int) (int, error) {
	v := l.option(name, std)
	if s, ok := asStr(v); ok {
		v, _ = parseInt(s, 10)
	}
	n, err := asInt(v)
	if err != nil || n > 1<<20 {
		return 0, lookupErr("%s: %s must be a number, not %s", l.name, name, Repr(l.option(name, nil)))
	}
	return n, nil
}

// withItem are the variables of a scope and item.
type withItem struct {
	Scope
	item *value.Map
}

func (s withItem) Lookup(name string) (any, bool) {
	if name == "item" {
		return s.item, true
	}
	return s.Scope.Lookup(name)
}

func (s withItem) Names() []string { return append(s.Scope.Names(), "item") }

// stage is one term of the lookup dependent: a name, and what it goes through or
// the expression for that.
type stage struct {
	name   any
	expr   string
	values any
}

func lookupDependent(l *look) ([]any, error) {
	if err := l.only(); err != nil {
		return nil, err
	}
	var stages []stage
	for i, t := range l.terms {
		m, ok := t.(*value.Map)
		if !ok {
			return nil, lookupErr("Parameter %d must be a dictionary, got %s", i, TypeName(t))
		}
		if m.Len() != 1 {
			return nil, lookupErr("Parameter %d must be a one-element dictionary, got %d elements", i, m.Len())
		}
		s := stage{name: m.Keys()[0], values: m.Values()[0]}
		if slices.ContainsFunc(stages, func(o stage) bool { return equal(o.name, s.name) }) {
			return nil, lookupErr("The variable %s appears more than once", Repr(s.name))
		}
		if text, ok := asStr(s.values); ok {
			s.expr, s.values = text, nil
		} else if _, ok := asList(s.values); !ok && !isMapping(s.values) {
			return nil, lookupErr("Parameter %s (index %d) must have a value of type string, dictionary or list, got type %s", Repr(s.name), i, TypeName(s.values))
		}
		stages = append(stages, s)
	}
	out := []any{}
	if len(stages) == 0 {
		return out, nil
	}
	var next func(i int, item *value.Map) error
	next = func(i int, item *value.Map) error {
		if err := l.st.step(); err != nil {
			return err
		}
		if i == len(stages) {
			out = append(out, item)
			return nil
		}
		all, err := l.through(stages[i], item)
		if err != nil {
			return err
		}
		for _, e := range all {
			m := item.Clone()
			m.Set(stages[i].name, e)
			if err := next(i+1, m); err != nil {
				return err
			}
		}
		return nil
	}
	return out, next(0, value.NewMap(len(stages)))
}

// through is what one term goes through for the items chosen before.
func (l *look) through(s stage, item *value.Map) ([]any, error) {
	v := s.values
	if v == nil {
		c := *l.c
		c.Vars = withItem{l.c.Vars, item}
		st := newState(l.st.e, &c)
		st.depth, st.steps = l.st.depth, l.st.steps
		var err error
		v, err = st.inner(&value.Template{Source: "{{" + s.expr + "}}"})
		l.st.steps = st.steps
		if err != nil {
			return nil, lookupErr("Caught \"%s\" while evaluating %s with item == %s", err, Repr(s.name), Repr(item))
		}
		v = outward(v)
	}
	if m, ok := v.(Mapping); ok {
		full, err := mapOf(l.f, m)
		if err != nil {
			return nil, err
		}
		v = full
	}
	if m, ok := v.(*value.Map); ok {
		all := pairs(m, "key", "value")
		return all, sortValues(all, func(e any) (any, error) { return e.(*value.Map).At("key"), nil }, false)
	}
	if _, isText := asStr(v); !isText {
		if _, ok := asList(v); !ok {
			return nil, lookupErr("Did not obtain dictionary or list while evaluating %s with item == %s, but %s", Repr(s.name), Repr(item), TypeName(v))
		}
	}
	return items(v)
}

func lookupMergeVariables(l *look) ([]any, error) {
	if err := l.only("pattern_type", "initial_value", "override"); err != nil {
		return nil, err
	}
	choice := func(option, env, std string, choices ...string) (string, error) {
		if get := l.c.env().Getenv; get != nil && get(env) != "" {
			std = get(env)
		}
		v := l.text(option, std)
		if !slices.Contains(choices, v) {
			return "", lookupErr("%s: %s must be one of %s, not %s", l.name, option, strings.Join(choices, ", "), v)
		}
		return v, nil
	}
	how, err := choice("pattern_type", "ANSIBLE_MERGE_VARIABLES_PATTERN_TYPE", "regex", "prefix", "suffix", "regex")
	if err != nil {
		return nil, err
	}
	override, err := choice("override", "ANSIBLE_MERGE_VARIABLES_OVERRIDE", "error", "error", "warn", "ignore")
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(slices.Values(l.c.Vars.Names()))
	out := []any{}
	for _, t := range l.terms {
		pattern, err := l.word(t)
		if err != nil {
			return nil, err
		}
		result := freeze(l.option("initial_value", nil))
		for _, name := range slices.Compact(slices.Clone(names)) {
			ok, err := l.nameMatches(name, pattern, how)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			v, _, err := l.st.variable(name)
			if err != nil {
				return nil, err
			}
			if result, err = l.mergeVariable(result, freeze(v), name, override); err != nil {
				return nil, err
			}
		}
		if result != nil && !isMapping(result) && !isList(result) {
			return nil, lookupErr("%s: only lists and dictionaries are merged, not %s", l.name, TypeName(result))
		}
		out = append(out, result)
	}
	return out, nil
}

func (l *look) nameMatches(name, pattern, how string) (bool, error) {
	switch how {
	case "prefix":
		return strings.HasPrefix(name, pattern), nil
	case "suffix":
		return strings.HasSuffix(name, pattern), nil
	}
	re, err := l.st.e.compileRegex(pattern, 0)
	if err != nil {
		return false, lookupErr("%s: %s: %s", l.name, pattern, err)
	}
	m, err := re.Search(name, 0)
	return m != nil, regexErr(err)
}

// mergeVariable is what was merged so far, with the variable called name.
func (l *look) mergeVariable(so, v any, name, override string) (any, error) {
	m, isMap := v.(*value.Map)
	if !isMap && !isList(v) {
		return nil, lookupErr("%s: only lists and dictionaries are merged, but %s is a %s", l.name, name, TypeName(v))
	}
	switch into := so.(type) {
	case nil:
		return v, nil
	case *value.Map:
		if isMap {
			return l.mergeInto(into, m, name, override)
		}
	case []any:
		if more, ok := asList(v); ok {
			return joined(into, more), nil
		}
	}
	return nil, lookupErr("%s: unable to merge %s, not all variables are of the same type", l.name, name)
}

// mergeInto is a dict with the entries of another over it, at every depth.
func (l *look) mergeInto(into, m *value.Map, path, override string) (*value.Map, error) {
	out := into.Clone()
	for k, v := range m.All() {
		old, has := out.Get(k)
		if inner, ok := v.(*value.Map); ok {
			at, isMap := old.(*value.Map)
			if !has {
				at, isMap = value.NewMap(inner.Len()), true
			}
			if !isMap {
				return nil, lookupErr("%s: %s.%s is a dictionary, but was a %s", l.name, path, Str(k), TypeName(old))
			}
			merged, err := l.mergeInto(at, inner, path+"."+Str(k), override)
			if err != nil {
				return nil, err
			}
			out.Set(k, merged)
			continue
		}
		if more, ok := asList(v); ok && has {
			l0, isL := asList(old)
			if !isL {
				return nil, lookupErr("%s: %s.%s is a list, but was a %s", l.name, path, Str(k), TypeName(old))
			}
			out.Set(k, joined(l0, more))
			continue
		}
		if has && !equal(old, v) && override != "ignore" {
			msg := "The key '" + Str(k) + "' with value '" + Str(old) + "' will be overwritten with value '" + Str(v) + "' from '" + path + "." + Str(k) + "'"
			if override == "error" {
				return nil, lookupErr("%s: %s", l.name, msg)
			}
			l.c.warn(msg)
		}
		out.Set(k, v)
	}
	return out, nil
}

func lookupRandomString(l *look) ([]any, error) {
	if err := l.only("length", "upper", "lower", "numbers", "special", "min_numeric", "min_upper", "min_lower", "min_special",
		"override_special", "override_all", "base64"); err != nil {
		return nil, err
	}
	length, err := l.count("length", 8)
	if err != nil {
		return nil, err
	}
	r := newRandom(nil)
	chars, text := "", ""
	if all := l.option("override_all", nil); Bool(all) {
		chars = Str(all)
	} else {
		special := punctuation
		if s := l.option("override_special", nil); Bool(s) {
			special = Str(s)
		}
		for _, class := range [...]struct{ name, least, chars string }{
			{"upper", "min_upper", uppercase}, {"lower", "min_lower", lowercase}, {"numbers", "min_numeric", digitChars}, {"special", "min_special", special},
		} {
			if l.flag(class.name, true) {
				chars += class.chars
			}
			n, err := l.count(class.least, 0)
			if err != nil {
				return nil, err
			}
			text += r.text(class.chars, max(0, n))
		}
	}
	if chars == "" {
		return nil, lookupErr("%s: Available characters cannot be None, please change constraints", l.name)
	}
	runes := []rune(text)
	runes = append(runes, []rune(r.text(chars, max(0, length-len(runes))))...)
	for i := len(runes) - 1; i > 0; i-- {
		j := r.below(i + 1)
		runes[i], runes[j] = runes[j], runes[i]
	}
	if l.flag("base64", false) {
		return []any{base64.StdEncoding.EncodeToString([]byte(string(runes)))}, nil
	}
	return []any{string(runes)}, nil
}

var collectionName = lazyregexp.New(`^[A-Za-z0-9_]+\.[A-Za-z0-9_]+$`)

func lookupCollectionVersion(l *look) ([]any, error) {
	if err := l.only("result_not_found", "result_no_version"); err != nil {
		return nil, err
	}
	unknown := l.option("result_no_version", "*")
	out := []any{}
	for _, t := range l.terms {
		name, err := l.word(t)
		if err != nil {
			return nil, err
		}
		if !collectionName.MatchString(name) {
			return nil, lookupErr("\"%s\" is not a FQCN", name)
		}
		dir := ""
		if find := l.c.env().Collection; find != nil {
			dir = find(name)
		}
		if name == "ansible.builtin" {
			out = append(out, unknown)
			continue
		}
		if dir == "" {
			out = append(out, l.option("result_not_found", nil))
			continue
		}
		v, err := collectionVersion(dir)
		if err != nil {
			return nil, lookupErr("Error while loading metadata for %s: %s", name, err)
		}
		if v == nil {
			v = unknown
		}
		out = append(out, v)
	}
	return out, nil
}

// collectionVersion reads the version of an installed collection, or of one in
// the works, which need not have one.
func collectionVersion(dir string) (any, error) {
	data, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if err == nil {
		var m struct {
			Info struct{ Version string } `json:"collection_info"`
		}
		err = json.Unmarshal(data, &m)
		return m.Info.Version, err
	}
	for _, name := range [...]string{"galaxy.yml", "galaxy.yaml"} {
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if data, err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			continue
		}
		v, err := loadYAML(string(data))
		m, ok := v.(*value.Map)
		if version := m.At("version"); ok && Bool(version) {
			return version, err
		}
		return nil, err
	}
	return nil, nil
}
