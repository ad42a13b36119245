package template

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// look is one run of a lookup.
type look struct {
	f     *frame
	st    *state
	c     *Context
	name  string
	terms []any
	kw    *value.Map // its options
}

type lookupFunc func(l *look) ([]any, error)

// lookupTable lists the lookups of ansible.builtin.
func lookupTable() map[string]lookupFunc {
	return map[string]lookupFunc{
		"config": lookupConfig, "csvfile": lookupCSV, "dict": lookupDict, "env": lookupEnv, "file": lookupFile,
		"fileglob": lookupFileglob, "first_found": lookupFirstFound, "indexed_items": lookupIndexed, "ini": lookupINI,
		"inventory_hostnames": lookupHosts, "items": lookupItems, "lines": lookupLines, "list": lookupList,
		"nested": lookupNested, "password": lookupPassword, "pipe": lookupPipe, "random_choice": lookupRandomChoice,
		"sequence": lookupSequence, "subelements": lookupSubelements, "template": lookupTemplate, "together": lookupTogether,
		"unvault": lookupUnvault, "url": lookupURL, "vars": lookupVars, "varnames": lookupVarnames,
		"flattened": lookupFlattened, "community.general.flattened": lookupFlattened, "cartesian": lookupNested,
		"community.general.cartesian": lookupNested,
	}
}

// HasLookup reports whether there is a lookup called name.
func (e *Engine) HasLookup(name string) bool {
	_, ok := e.lookups[builtin(name)]
	return ok
}

// Lookup runs the lookup called name, as `with_<name>` does: the terms are
// resolved already.
func (e *Engine) Lookup(c *Context, name string, terms []any, kwargs *value.Map) ([]any, error) {
	st := newState(e, c)
	r := st.newRender(&compiled{}, asValue)
	out, err := r.root.runLookup(name, terms, kwargs)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i] = outward(out[i])
	}
	return out, nil
}

func (f *frame) runLookup(name string, terms []any, kw *value.Map) ([]any, error) {
	st := f.r.st
	fn, ok := st.e.lookups[builtin(name)]
	if !ok {
		return nil, &Error{Kind: "AnsibleError", Msg: "lookup plugin (" + name + ") not found"}
	}
	if st.restricted {
		return nil, &Error{Kind: "AnsibleError", Msg: "The lookup `" + name + "` was found, however lookups were disabled from templating"}
	}
	if err := st.step(); err != nil {
		return nil, err
	}
	// Options of the lookup are taken out of kw only after this.
	l := &look{f: f, st: st, c: st.c, name: builtin(name), terms: terms, kw: kw}
	out, err := fn(l)
	var te *Error
	if err != nil && !errors.As(err, &te) {
		err = lookupErr("%s", err)
	}
	return out, err
}

// lookupCall is the function lookup, or query if that is set.
func (f *frame) lookupCall(a *args, query bool) (any, error) {
	if len(a.pos) == 0 {
		return nil, typeErr("lookup() missing 1 required positional argument: 'name'")
	}
	name, ok := asStr(a.pos[0])
	if !ok {
		if u, ok := a.pos[0].(*Undefined); ok {
			return nil, u.fail()
		}
		return nil, typeErr("a lookup's name must be a string, not %s", TypeName(a.pos[0]))
	}
	kw := a.kwargs()
	take := func(k string, std any) any {
		v, ok := kw.Get(k)
		if !ok {
			return std
		}
		kw.Delete(k)
		return v
	}
	wantList := Bool(take("wantlist", false)) || query
	take("allow_unsafe", nil)
	onError := Str(take("errors", "strict"))
	terms := make([]any, len(a.pos)-1)
	for i, t := range a.pos[1:] {
		if err := failUndefined(t); err != nil {
			return nil, err
		}
		terms[i] = outward(freeze(t))
	}
	for k, v := range kw.All() {
		kw.Set(k, freeze(v))
	}
	out, err := f.runLookup(name, terms, kw)
	if err != nil {
		if _, known := f.r.st.e.lookups[builtin(name)]; !known || IsUndefined(err) || isKind(err, "LimitError") {
			return nil, err
		}
		switch onError {
		case "warn":
			f.r.st.c.warn("Lookup failed but the error is being ignored: " + err.Error())
		case "ignore":
		default:
			if isKind(err, "AnsibleLookupError", "AnsibleOptionsError") {
				return nil, err
			}
			return nil, &Error{Kind: "AnsibleError", Cause: err, Msg: "An unhandled exception occurred while running the lookup plugin '" +
				name + "'. Error was: " + err.Error()}
		}
		if wantList {
			return []any{}, nil
		}
		return nil, nil
	}
	if wantList || len(out) == 0 {
		if out == nil {
			out = []any{}
		}
		return out, nil
	}
	// Without wantlist, texts are joined; one of anything else stands alone.
	parts := make([]string, len(out))
	native := false
	for i, v := range out {
		s, ok := asStr(v)
		if !ok {
			if len(out) == 1 {
				return out[0], nil
			}
			return out, nil
		}
		if _, is := v.(nativeText); is && i == 0 {
			native = true
		}
		parts[i] = s
	}
	if native {
		return nativeText(strings.Join(parts, ",")), nil
	}
	return strings.Join(parts, ","), nil
}

// option is an option of the lookup, or std.
func (l *look) option(name string, std any) any {
	if v, ok := l.kw.Get(name); ok {
		return v
	}
	return std
}

func (l *look) text(name, std string) string { return Str(l.option(name, std)) }

// flag is a boolean option.
func (l *look) flag(name string, std bool) bool {
	v := l.option(name, std)
	if b, ok := boolean(v); ok {
		return b
	}
	return Bool(v)
}

// word is a term that must be text.
func (l *look) word(term any) (string, error) {
	s, ok := asStr(term)
	if !ok {
		return "", lookupErr("%s: a term must be a string, not %s", l.name, TypeName(term))
	}
	return s, nil
}

// flat flattens lists in the terms by one level.
func flat(l []any) []any {
	out := []any{}
	for _, e := range l {
		if inner, ok := asList(e); ok {
			out = append(out, inner...)
		} else {
			out = append(out, e)
		}
	}
	return out
}

// find finds a file by the search path.
func (l *look) find(kind, name string) (string, error) {
	env := l.c.env()
	if strings.HasPrefix(name, "~") {
		home := os.Getenv("HOME")
		name = home + name[1:]
	}
	if env.FindFile != nil {
		return env.FindFile(kind, name)
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.BaseDir, name)
	}
	if _, err := os.Stat(path); err != nil {
		return "", lookupErr("could not locate file in lookup: %s", name)
	}
	return path, nil
}

func (l *look) read(path string) ([]byte, error) {
	if read := l.c.env().ReadFile; read != nil {
		return read(path)
	}
	return os.ReadFile(path)
}

// params cuts "key=value key2='a b' word" into options and the rest.
func params(text string) (rest string, opts *value.Map) {
	opts = value.NewMap(4)
	var words []string
	var cur strings.Builder
	quote, started := byte(0), false
	flush := func() {
		if started {
			words = append(words, cur.String())
			cur.Reset()
			started = false
		}
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
			cur.WriteByte(c)
		case c == '\'' || c == '"':
			quote, started = c, true
			cur.WriteByte(c)
		case c == ' ' || c == '\t' || c == '\n':
			flush()
		default:
			started = true
			cur.WriteByte(c)
		}
	}
	flush()
	var raw []string
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		if !ok || strings.ContainsAny(k, "'\"") {
			raw = append(raw, w)
			continue
		}
		opts.Set(strings.TrimSpace(k), unquote(v))
	}
	return strings.Join(raw, " "), opts
}

func unquote(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

func lookupDict(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		m, ok := t.(*value.Map)
		if !ok {
			if mp, isMapping := t.(Mapping); isMapping {
				var err error
				if m, err = mapOf(l.f, mp); err != nil {
					return nil, err
				}
			} else {
				return nil, lookupErr("with_dict expects a dict")
			}
		}
		out = append(out, pairs(m, "key", "value")...)
	}
	return out, nil
}

func pairs(m *value.Map, k, v string) []any {
	out := make([]any, 0, m.Len())
	for key, val := range m.All() {
		out = append(out, value.MapOf(k, key, v, val))
	}
	return out
}

func lookupEnv(l *look) ([]any, error) {
	get := l.c.env().Getenv
	if get == nil {
		get = os.Getenv
	}
	out := []any{}
	for _, t := range l.terms {
		name, err := l.word(t)
		if err != nil {
			return nil, err
		}
		fields := strings.Fields(name)
		if len(fields) == 0 {
			return nil, lookupErr("env: a variable's name is empty")
		}
		v := get(fields[0])
		if v == "" && l.kw.Has("default") {
			std := l.kw.At("default")
			if u, ok := std.(*Undefined); ok {
				return nil, &Error{Kind: "AnsibleUndefinedVariable", Undefined: true, Name: fields[0], Msg: u.msg}
			}
			out = append(out, std)
			continue
		}
		out = append(out, v)
	}
	return out, nil
}

func lookupIndexed(l *look) ([]any, error) {
	out := []any{}
	for i, e := range flat(l.terms) {
		out = append(out, value.Tuple{i, e})
	}
	return out, nil
}

func lookupItems(l *look) ([]any, error) { return flat(l.terms), nil }

func lookupList(l *look) ([]any, error) { return l.terms, nil }

func lookupFlattened(l *look) ([]any, error) { return flattenList(l.terms, -1, true), nil }

func lookupTogether(l *look) ([]any, error) {
	if len(l.terms) == 0 {
		return nil, lookupErr("with_together requires at least one element in each list")
	}
	var lists [][]any
	longest := 0
	for _, t := range l.terms {
		all, err := items(t)
		if err != nil {
			return nil, err
		}
		lists = append(lists, all)
		longest = max(longest, len(all))
	}
	out := make([]any, longest)
	for i := range out {
		row := make([]any, len(lists))
		for j, all := range lists {
			if i < len(all) {
				row[j] = all[i]
			}
		}
		out[i] = flattenOne(row)
	}
	return out, nil
}

// flattenOne flattens by one level, which keeps strings.
func flattenOne(l []any) []any {
	out := make([]any, 0, len(l))
	for _, e := range l {
		if inner, ok := asList(e); ok {
			out = append(out, inner...)
		} else {
			out = append(out, e)
		}
	}
	return out
}

func lookupNested(l *look) ([]any, error) {
	if len(l.terms) == 0 {
		return nil, lookupErr("with_nested requires at least one element in the nested list")
	}
	rows := [][]any{{}}
	for _, t := range l.terms {
		list, ok := asList(t)
		if !ok {
			list = []any{t}
		}
		if len(list) > 0 && len(rows) > maxRange/len(list) {
			return nil, limitErr("the combinations are more than %d", maxRange)
		}
		next := make([][]any, 0, len(rows)*len(list))
		for _, r := range rows {
			for _, e := range list {
				next = append(next, append(r[:len(r):len(r)], e))
			}
		}
		rows = next
	}
	out := make([]any, len(rows))
	for i, r := range rows {
		out[i] = flattenOne(r)
	}
	return out, nil
}

func lookupRandomChoice(l *look) ([]any, error) {
	terms := l.terms
	if len(terms) == 0 {
		return terms, nil
	}
	return []any{terms[newRandom(nil).below(len(terms))]}, nil
}

func lookupHosts(l *look) ([]any, error) {
	hosts := l.c.env().Hosts
	if hosts == nil {
		return nil, lookupErr("inventory_hostnames: there is no inventory here")
	}
	var patterns []string
	for _, t := range flat(l.terms) {
		patterns = append(patterns, Str(t))
	}
	names, err := hosts(strings.Join(patterns, ","))
	return anyStrings(names), err
}

func lookupConfig(l *look) ([]any, error) {
	missing := l.text("on_missing", "error")
	get := l.c.env().Config
	out := []any{}
	for _, t := range l.terms {
		name, ok := asStr(t)
		if !ok {
			return nil, &Error{Kind: "AnsibleOptionsError", Msg: "Invalid setting identifier, \"" + Str(t) + "\" is not a string, its a " + TypeName(t)}
		}
		var v any
		found := false
		if get != nil {
			v, found = get(name)
		}
		switch {
		case found:
			out = append(out, v)
		case missing == "warn":
			l.c.warn("Skipping, did not find setting " + name)
		case missing == "skip":
		default:
			return nil, lookupErr("Unable to find setting %s", name)
		}
	}
	return out, nil
}

func lookupVars(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		name, ok := asStr(t)
		if !ok {
			return nil, lookupErr("Invalid setting identifier, \"%s\" is not a string, its a %s", Str(t), TypeName(t))
		}
		v, found, err := l.st.variable(name)
		if err != nil {
			return nil, err
		}
		if !found {
			if hv, ok := l.hostVar(name); ok {
				v, found = hv, true
			}
		}
		if u, ok := v.(*Undefined); ok {
			return nil, u.fail()
		}
		switch std, has := l.kw.Get("default"); {
		case found:
			out = append(out, v)
		case has:
			out = append(out, std)
		default:
			return nil, &Error{Kind: "AnsibleUndefinedVariable", Undefined: true, Name: name, Msg: "No variable found with this name: " + name}
		}
	}
	return out, nil
}

// hostVar looks a variable up among the host's own.
func (l *look) hostVar(name string) (any, bool) {
	host, _, _ := l.st.variable("inventory_hostname")
	all, ok := l.st.c.Vars.Lookup("hostvars")
	if !ok || host == nil {
		return nil, false
	}
	vars, err := l.f.item(all, host)
	if err != nil {
		return nil, false
	}
	v, err := l.f.item(vars, name)
	if _, undefined := v.(*Undefined); undefined || err != nil {
		return nil, false
	}
	return v, true
}

func lookupVarnames(l *look) ([]any, error) {
	out := []any{}
	names := l.st.c.Vars.Names()
	for _, t := range l.terms {
		pattern, ok := asStr(t)
		if !ok {
			return nil, lookupErr("Invalid setting identifier, \"%s\" is not a string, it's a %s", Str(t), TypeName(t))
		}
		re, err := l.st.e.compileRegex(pattern, 0)
		if err != nil {
			return nil, lookupErr("Unable to use \"%s\" as a search parameter: %s", pattern, err)
		}
		for _, n := range names {
			m, err := re.Search(n, 0)
			if err != nil {
				return nil, regexErr(err)
			}
			if m != nil {
				out = append(out, n)
			}
		}
	}
	return out, nil
}

func lookupSubelements(l *look) ([]any, error) {
	terms := l.terms
	if len(terms) < 2 || len(terms) > 3 {
		return nil, &Error{Kind: "AnsibleError", Msg: "subelements lookup expects a list of two or three items, first a dict or a list, second a string pointing to the subkey"}
	}
	key, ok := asStr(terms[1])
	if !ok {
		return nil, &Error{Kind: "AnsibleError", Msg: "subelements lookup expects a list of two or three items, the second a string pointing to the subkey"}
	}
	skip := false
	if len(terms) == 3 {
		flags, ok := terms[2].(*value.Map)
		if !ok {
			return nil, &Error{Kind: "AnsibleError", Msg: "the optional third item must be a dict with flags skip_missing"}
		}
		skip, _ = boolean(flags.At("skip_missing"))
	}
	return subelements(l.f, terms[0], key, skip, true)
}

// subelements pairs each element with each entry of its list called path.
func subelements(f *frame, v any, path string, skip, lookup bool) ([]any, error) {
	var all []any
	if m, ok := v.(*value.Map); ok {
		if skipped, _ := m.Get("skipped"); lookup && Bool(skipped) {
			return []any{}, nil
		}
		all = m.Values()
	} else if l, ok := asList(v); ok {
		all = l
	} else {
		return nil, filterErr("obj must be a list of dicts or a nested dict")
	}
	out := []any{}
	for _, e := range all {
		m, ok := e.(*value.Map)
		if !ok {
			return nil, filterErr("subelements expects dictionaries, got '%s'", Str(e))
		}
		if lookup && Bool(m.At("skipped")) {
			continue
		}
		var cur any = m
		missing := false
		for _, part := range strings.Split(path, ".") {
			cm, ok := cur.(*value.Map)
			if !ok {
				return nil, filterErr("the key %s should point to a dictionary, got '%s'", part, Str(cur))
			}
			next, ok := cm.Get(part)
			if !ok {
				if !skip {
					return nil, filterErr("could not find '%s' key in iterated item '%s'", part, Repr(m))
				}
				missing = true
				break
			}
			cur = next
		}
		if missing {
			continue
		}
		list, ok := asList(cur)
		if !ok {
			return nil, filterErr("the key %s should point to a list, got '%s'", path, Str(cur))
		}
		for _, s := range list {
			out = append(out, value.Tuple{m, s})
		}
	}
	return out, nil
}
