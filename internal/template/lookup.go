package template

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
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

// lookupTable lists the lookups of ansible.builtin, and those of collections that
// are native.
func lookupTable() map[string]lookupFunc {
	m := map[string]lookupFunc{
		"config": lookupConfig, "csvfile": lookupCSV, "dict": lookupDict, "env": lookupEnv, "file": lookupFile,
		"fileglob": lookupFileglob, "first_found": lookupFirstFound, "indexed_items": lookupIndexed, "ini": lookupINI,
		"inventory_hostnames": lookupHosts, "items": lookupItems, "lines": lookupLines, "list": lookupList,
		"nested": lookupNested, "password": lookupPassword, "pipe": lookupPipe, "random_choice": lookupRandomChoice,
		"sequence": lookupSequence, "subelements": lookupSubelements, "template": lookupTemplate, "together": lookupTogether,
		"unvault": lookupUnvault, "url": lookupURL, "vars": lookupVars, "varnames": lookupVarnames,
		"flattened": lookupFlattened, "community.general.flattened": lookupFlattened, "cartesian": lookupNested,
		"community.general.cartesian": lookupNested,
	}
	maps.Copy(m, utilsLookups())
	maps.Copy(m, generalLookups())
	return m
}

// Lookups lists the names of all lookups.
func (e *Engine) Lookups() []string { return slices.Sorted(maps.Keys(e.lookups)) }

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

// With runs the lookup of `with_<name>` for what the keyword holds, resolved:
// text and other single values are one term. A dict is a term of with_dict,
// gives its keys to lookups that flatten, and is an error for others.
func (e *Engine) With(c *Context, name string, terms any) ([]any, error) {
	var list []any
	switch v := terms.(type) {
	case *value.Map:
		switch builtin(name) {
		case "dict", "first_found":
			list = []any{v}
		case "items", "flattened", "file", "fileglob", "env", "pipe", "lines", "inventory_hostnames":
			list = v.Keys()
		default:
			return nil, &Error{Kind: "AnsibleError", Msg: "with_" + builtin(name) + " expects a list"}
		}
	default:
		if l, ok := asList(terms); ok {
			list = append([]any{}, l...)
		} else {
			list = []any{terms}
		}
	}
	return e.Lookup(c, name, list, nil)
}

func (f *frame) runLookup(name string, terms []any, kw *value.Map) ([]any, error) {
	st := f.r.st
	fn, ok := st.e.lookups[builtin(name)]
	if !ok {
		return nil, &Error{Kind: "AnsibleError", Msg: "lookup plugin (" + name + ") not found" + notPython}
	}
	if st.restricted || st.noLookups {
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
	f.r.st.lookups++
	out, err := f.runLookup(name, terms, kw)
	for i, v := range out {
		out[i] = unsafeText(v)
	}
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
		return lookupText(strings.Join(parts, ",")), nil
	}
	return value.UnsafeText(strings.Join(parts, ",")), nil
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

// missingFile are the words of lookups that say themselves that a file is missing.
var missingFile = map[string]string{
	"file":     "could not locate file in lookup: %s",
	"template": "the template file %s could not be found for the lookup",
	"unvault":  "Unable to find file matching \"%s\" ",
}

// find finds a file by the search path.
func (l *look) find(kind, name string) (string, error) {
	env := l.c.env()
	if strings.HasPrefix(name, "~") {
		home := os.Getenv("HOME")
		name = home + name[1:]
	}
	if env.FindFile != nil {
		path, err := env.FindFile(kind, name)
		if text := missingFile[l.name]; err != nil && text != "" {
			_, places, _ := strings.Cut(err.Error(), "\nSearched in:")
			if places, _, _ = strings.Cut(places, " on the Ansible Controller."); places != "" {
				text += "\nSearched in:%s"
				return "", lookupErr(text, name, places)
			}
			return "", lookupErr(text, name)
		}
		return path, err
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
