package template

// named puts terms and options of a lookup under the names of its parameters.
// More terms than there are names are passed over.
func (l *look) named(required int, names ...string) (map[string]any, error) {
	got := map[string]any{}
	for i, t := range l.terms {
		if i < len(names) {
			got[names[i]] = t
		}
	}
	for k, v := range l.kw.All() {
		known := false
		for _, n := range names {
			known = known || n == k
		}
		if !known && k != "wantlist" {
			return nil, lookupErr("%s: there is no option %s", l.name, Str(k))
		}
		got[Str(k)] = v
	}
	for _, n := range names[:required] {
		if _, ok := got[n]; !ok {
			return nil, lookupErr("%s: '%s' is required", l.name, n)
		}
	}
	return got, nil
}

func lookupGetPath(l *look) ([]any, error) {
	got, err := l.named(2, "var", "path")
	if err != nil {
		return nil, err
	}
	v, err := getPath(l.f, l.name, got["var"], Str(got["path"]), false)
	if err != nil {
		return nil, err
	}
	return []any{v}, nil
}

func lookupToPaths(l *look) ([]any, error) {
	got, err := l.named(1, "var", "prepend")
	if err != nil {
		return nil, err
	}
	prepend := ""
	if p := got["prepend"]; p != nil {
		prepend = Str(p)
	}
	v, err := toPaths(l.f, l.name, got["var"], prepend, false)
	if err != nil {
		return nil, err
	}
	return []any{v}, nil
}

func lookupIndexOf(l *look) ([]any, error) {
	got, err := l.named(2, "data", "test", "value", "key", "fail_on_missing")
	if err != nil {
		return nil, err
	}
	data, ok := asList(got["data"])
	if !ok {
		return nil, lookupErr("%s: 'data' must be a list, not %s", l.name, TypeName(got["data"]))
	}
	q := indexQuery{name: l.name, test: Str(got["test"]), value: got["value"]}
	if k := got["key"]; k != nil {
		s := Str(k)
		q.key = &s
	}
	q.failOnMissing, _ = boolean(got["fail_on_missing"])
	return q.find(l.f, data)
}

// utilsLookups are the lookups of ansible.utils.
func utilsLookups() map[string]lookupFunc {
	return map[string]lookupFunc{
		"ansible.utils.get_path": lookupGetPath, "ansible.utils.index_of": lookupIndexOf, "ansible.utils.to_paths": lookupToPaths,
	}
}
