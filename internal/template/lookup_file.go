package template

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode"

	"github.com/tutti-run/tutti/internal/value"
)

func lookupFile(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		name, err := l.word(t)
		if err != nil {
			return nil, err
		}
		path, err := l.find("files", name)
		if err != nil {
			return nil, err
		}
		data, err := l.read(path)
		if err != nil {
			return nil, err
		}
		s := string(data)
		if l.flag("lstrip", false) {
			s = strings.TrimLeftFunc(s, unicode.IsSpace)
		}
		if l.flag("rstrip", true) {
			s = strings.TrimRightFunc(s, unicode.IsSpace)
		}
		out = append(out, s)
	}
	return out, nil
}

func lookupUnvault(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		name, err := l.word(t)
		if err != nil {
			return nil, err
		}
		path, err := l.find("files", name)
		if err != nil {
			return nil, lookupErr("Unable to find file matching \"%s\"", name)
		}
		data, err := l.read(path)
		if err != nil {
			return nil, err
		}
		out = append(out, string(data))
	}
	return out, nil
}

// searchDirs are the folders with the sub-folder kind first, as for FindFile.
func (l *look) searchDirs(kind string) []string {
	env := l.c.env()
	dirs := []string{env.BaseDir}
	if env.SearchDirs != nil {
		dirs = env.SearchDirs()
	}
	var out []string
	for _, d := range dirs {
		if kind != "" {
			out = append(out, filepath.Join(d, kind))
		}
		out = append(out, d)
	}
	return out
}

func lookupFileglob(l *look) ([]any, error) {
	out := []any{}
	for _, t := range flat(l.terms) {
		pattern, err := l.word(t)
		if err != nil {
			return nil, err
		}
		dir, base := filepath.Split(pattern)
		var dirs []string
		switch {
		case filepath.IsAbs(dir):
			dirs = []string{dir}
		default:
			for _, d := range l.searchDirs("files") {
				dirs = append(dirs, filepath.Join(d, dir))
			}
		}
		for _, d := range dirs {
			found, err := filepath.Glob(filepath.Join(d, base))
			if err != nil {
				return nil, lookupErr("fileglob: bad pattern %s: %s", pattern, err)
			}
			var files []string
			for _, f := range found {
				if i, err := os.Stat(f); err == nil && i.Mode().IsRegular() && (base[0] == '.' || filepath.Base(f)[0] != '.') {
					files = append(files, f)
				}
			}
			if len(files) > 0 {
				sort.Strings(files)
				out = append(out, anyStrings(files)...)
				break
			}
		}
	}
	return out, nil
}

// splitNames cuts text at any of the separators; a list is taken as it is.
func splitNames(v any, separators string) []string {
	var out []string
	if s, ok := asStr(v); ok {
		for _, p := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
			out = append(out, strings.TrimSpace(p))
		}
		return out
	}
	l, _ := asList(v)
	for _, e := range l {
		out = append(out, splitNames(e, separators)...)
	}
	return out
}

// firstFoundNames lists the files to look for. A term is a name, a dict of
// files, paths and skip, or a list of those.
func (l *look) firstFoundNames(terms []any) (names []string, skip bool, err error) {
	for _, t := range terms {
		opts := l.kw
		name := ""
		switch t := t.(type) {
		case *value.Map:
			opts = t
		default:
			if list, ok := asList(t); ok {
				more, s, err := l.firstFoundNames(list)
				if err != nil {
					return nil, false, err
				}
				names, skip = append(names, more...), s
				continue
			}
			var ok bool
			if name, ok = asStr(t); !ok {
				return nil, false, lookupErr("Invalid term supplied, can handle string, mapping or list of strings but got: %s for %s", TypeName(t), Str(t))
			}
		}
		skip = false
		if v, ok := opts.Get("skip"); ok {
			skip, _ = boolean(v)
		}
		files, paths := splitNames(opts.At("files"), ",;"), splitNames(opts.At("paths"), ",:;")
		switch {
		case len(paths) > 0:
			for _, p := range paths {
				for _, f := range files {
					names = append(names, filepath.Join(p, f))
				}
			}
		case len(files) > 0:
			names = files
		case name != "":
			names = append(names, name)
		}
	}
	return names, skip, nil
}

func lookupFirstFound(l *look) ([]any, error) {
	names, skip, err := l.firstFoundNames(l.terms)
	if err != nil {
		return nil, err
	}
	// As a lookup it looks beside files only; as a loop (with_first_found) of a
	// task about templates or variables, beside those. So files come first.
	for _, kind := range []string{"files", "templates", "vars"} {
		for _, n := range names {
			if filepath.IsAbs(n) || strings.HasPrefix(n, "~") {
				if path, err := l.find("", n); err == nil {
					return []any{path}, nil
				}
				continue
			}
			for _, d := range l.searchDirs(kind) {
				path := filepath.Join(d, n)
				if _, err := os.Stat(path); err == nil {
					return []any{path}, nil
				}
			}
		}
	}
	if skip {
		return []any{}, nil
	}
	return nil, lookupErr("No file was found when using first_found. It looked for: %s", strings.Join(names, ", "))
}

func lookupTemplate(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		name, err := l.word(t)
		if err != nil {
			return nil, err
		}
		path, err := l.find("templates", name)
		if err != nil {
			return nil, &Error{Kind: "AnsibleError", Cause: err, Msg: "the template file " + name + " could not be found for the lookup"}
		}
		data, err := l.read(path)
		if err != nil {
			return nil, err
		}
		o := FileOptions{Path: path, Value: l.flag("convert_data", true)}
		o.Syntax.VariableStart, o.Syntax.VariableEnd = l.text("variable_start_string", ""), l.text("variable_end_string", "")
		o.Syntax.CommentStart, o.Syntax.CommentEnd = l.text("comment_start_string", ""), l.text("comment_end_string", "")
		o.SearchPath = append([]string{filepath.Dir(path)}, l.searchDirs("templates")...)
		vars := MapScope{"template_path": path, "template_fullpath": path, "ansible_managed": l.managed()}
		if m, ok := l.option("template_vars", nil).(*value.Map); ok {
			for k, v := range m.Strings() {
				vars[k] = v
			}
		}
		o.Vars = vars
		v, err := l.st.e.file(l.c, string(data), o)
		if err != nil {
			return nil, err
		}
		if !o.Value || !l.flag("jinja2_native", false) && l.st.e.opt.Native {
			v = nativeText(Str(v))
		}
		out = append(out, v)
	}
	return out, nil
}

// managed is the text of ansible_managed.
func (l *look) managed() any {
	if v, ok := l.c.Vars.Lookup("ansible_managed"); ok {
		return v
	}
	if get := l.c.env().Config; get != nil {
		if v, ok := get("DEFAULT_MANAGED_STR"); ok {
			return v
		}
	}
	return "Ansible managed"
}
