package template

import (
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"time"
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
	for _, n := range names {
		for _, kind := range []string{"files", "templates", "vars"} {
			if filepath.IsAbs(n) || strings.HasPrefix(n, "~") {
				if path, err := l.find("", n); err == nil {
					return []any{path}, nil
				}
				break
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

// run runs a shell command and gives its output.
func (l *look) run(command string) ([]byte, error) {
	cmd := exec.CommandContext(l.c.ctx(), "/bin/sh", "-c", command)
	cmd.Dir = l.c.env().BaseDir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out, &Error{Kind: "AnsibleError", Msg: fmt.Sprintf("lookup_plugin.%s(%s) returned %d", l.name, command, exit.ExitCode())}
	}
	return out, err
}

func lookupPipe(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		command, err := l.word(t)
		if err != nil {
			return nil, err
		}
		data, err := l.run(command)
		if err != nil {
			return nil, err
		}
		out = append(out, strings.TrimRightFunc(string(data), unicode.IsSpace))
	}
	return out, nil
}

func lookupLines(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		command, err := l.word(t)
		if err != nil {
			return nil, err
		}
		data, err := l.run(command)
		if err != nil {
			return nil, err
		}
		out = append(out, splitLines(string(data), false)...)
	}
	return out, nil
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
		for _, d := range append([]string{filepath.Dir(path)}, l.searchDirs("templates")...) {
			o.SearchPath = append(o.SearchPath, d)
		}
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

func lookupCSV(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		term, err := l.word(t)
		if err != nil {
			return nil, err
		}
		key, inline := params(term)
		opts := value.MapOf("file", "ansible.csv", "delimiter", "TAB", "col", "1", "default", nil, "encoding", "utf-8")
		opts.Update(l.kw)
		for k, v := range inline.All() {
			if !opts.Has(k) {
				return nil, &Error{Kind: "AnsibleError", Msg: Str(k) + " is not a valid option"}
			}
			opts.Set(k, v)
		}
		if key == "" {
			return nil, &Error{Kind: "AnsibleError", Msg: "Search key is required but was not found"}
		}
		path, err := l.find("files", Str(opts.At("file")))
		if err != nil {
			return nil, err
		}
		data, err := l.read(path)
		if err != nil {
			return nil, err
		}
		delimiter := Str(opts.At("delimiter"))
		if delimiter == "TAB" || delimiter == `\t` {
			delimiter = "\t"
		}
		if r := []rune(delimiter); len(r) != 1 {
			return nil, &Error{Kind: "AnsibleError", Msg: "csvfile: the delimiter must be one character, not " + Repr(delimiter)}
		}
		col, ok := toInt(opts.At("col"), 10)
		n, isInt := col.(int)
		if !ok || !isInt {
			return nil, &Error{Kind: "AnsibleError", Msg: "csvfile: col must be a number, not " + Repr(opts.At("col"))}
		}
		r := csv.NewReader(bytes.NewReader(data))
		r.Comma, r.FieldsPerRecord, r.LazyQuotes = []rune(delimiter)[0], -1, true
		found := opts.At("default")
		for {
			row, err := r.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, &Error{Kind: "AnsibleError", Msg: "csvfile: " + err.Error()}
			}
			if row[0] == key {
				if n < 0 {
					n += len(row)
				}
				if n < 0 || n >= len(row) {
					return nil, &Error{Kind: "AnsibleError", Msg: "csvfile: list index out of range"}
				}
				found = row[n]
				break
			}
		}
		if list, ok := asList(found); ok {
			out = append(out, list...)
		} else if found != nil {
			out = append(out, found)
		}
	}
	return out, nil
}

func lookupINI(l *look) ([]any, error) {
	out := []any{}
	opts := value.MapOf("type", "ini", "file", "ansible.ini", "section", "global", "re", false, "encoding", "utf-8", "default", "",
		"case_sensitive", false, "allow_no_value", false, "allow_none", false)
	opts.Update(l.kw)
	for _, t := range l.terms {
		key, err := l.word(t)
		if err != nil {
			return nil, err
		}
		if strings.Contains(key, "=") || strings.Contains(strings.TrimSpace(key), " ") {
			rest, inline := params(key)
			for k, v := range inline.All() {
				if !opts.Has(k) {
					return nil, lookupErr("%s is not a valid option.", Str(k))
				}
				opts.Set(k, v)
			}
			if rest == "" {
				return nil, &Error{Kind: "AnsibleOptionsError", Msg: "No key to lookup was provided as first term with in string inline options: " + key}
			}
			key = rest
		}
		path, err := l.find("files", Str(opts.At("file")))
		if err != nil {
			return nil, err
		}
		data, err := l.read(path)
		if err != nil {
			return nil, err
		}
		section := Str(opts.At("section"))
		if Str(opts.At("type")) == "properties" {
			section = "java_properties"
			data = append([]byte("[java_properties]\n"), data...)
		}
		sensitive, _ := boolean(opts.At("case_sensitive"))
		noValue, _ := boolean(opts.At("allow_no_value"))
		none, _ := boolean(opts.At("allow_none"))
		ini, err := parseINI(string(data), sensitive, noValue || none)
		if err != nil {
			return nil, lookupErr("%s in %s", err, path)
		}
		values, ok := ini.sections[section]
		if !ok && section != "DEFAULT" {
			return nil, lookupErr("No section '%s' in %s", section, Str(opts.At("file")))
		}
		if re, _ := boolean(opts.At("re")); re {
			pattern, err := l.st.e.compileRegex(key, 0)
			if err != nil {
				return nil, regexErr(err)
			}
			for k, v := range ini.all(values).Strings() {
				if m, err := pattern.Match(k); err != nil {
					return nil, regexErr(err)
				} else if m != nil {
					out = append(out, v)
				}
			}
			continue
		}
		if !sensitive {
			key = strings.ToLower(key)
		}
		v, ok := ini.all(values).Get(key)
		if !ok {
			v = opts.At("default")
		} else if s, ok := v.(string); ok {
			if v, err = ini.interpolate(s, values, 0); err != nil {
				return nil, err
			}
		}
		if list, ok := asList(v); ok {
			out = append(out, list...)
		} else if v != nil {
			out = append(out, v)
		}
	}
	return out, nil
}

// iniFile is a file as Python's configparser reads it.
type iniFile struct {
	defaults *value.Map
	sections map[string]*value.Map
	fold     func(string) string
}

func (f *iniFile) all(section *value.Map) *value.Map {
	m := f.defaults.Clone()
	m.Update(section)
	return m
}

func parseINI(text string, sensitive, noValue bool) (*iniFile, error) {
	f := &iniFile{defaults: value.NewMap(0), sections: map[string]*value.Map{}, fold: strings.ToLower}
	if sensitive {
		f.fold = func(s string) string { return s }
	}
	var cur *value.Map
	last := ""
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';' {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			if cur != nil && last != "" {
				cur.Set(last, Str(cur.At(last))+"\n"+trimmed)
				continue
			}
		}
		if trimmed[0] == '[' && strings.Contains(trimmed, "]") {
			name := trimmed[1:strings.LastIndexByte(trimmed, ']')]
			last = ""
			if name == "DEFAULT" {
				cur = f.defaults
				continue
			}
			if f.sections[name] != nil {
				return nil, fmt.Errorf("section %q already exists (line %d)", name, n+1)
			}
			cur = value.NewMap(4)
			f.sections[name] = cur
			continue
		}
		if cur == nil {
			return nil, fmt.Errorf("line %d comes before the first section", n+1)
		}
		i := strings.IndexAny(trimmed, "=:")
		if i < 0 && !noValue {
			return nil, fmt.Errorf("line %d is neither a section nor an option: %q", n+1, trimmed)
		}
		var v any
		k := trimmed
		if i >= 0 {
			k, v = strings.TrimSpace(trimmed[:i]), strings.TrimSpace(trimmed[i+1:])
		}
		k = f.fold(k)
		if cur.Has(k) {
			return nil, fmt.Errorf("Duplicate option %q (line %d)", k, n+1)
		}
		cur.Set(k, v)
		last = k
	}
	return f, nil
}

// interpolate replaces %(name)s by other options.
func (f *iniFile) interpolate(s string, section *value.Map, depth int) (string, error) {
	if depth > 10 {
		return "", lookupErr("the value is nested too deeply: %s", s)
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		switch {
		case strings.HasPrefix(s, "%"):
			b.WriteByte('%')
			s = s[1:]
		case strings.HasPrefix(s, "("):
			name, rest, ok := strings.Cut(s[1:], ")s")
			v, known := f.all(section).Get(f.fold(name))
			if !ok || !known {
				return "", lookupErr("Bad value substitution: %%(%s)s", name)
			}
			text, err := f.interpolate(Str(v), section, depth+1)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			s = rest
		default:
			return "", lookupErr("'%%' must be followed by '%%' or '(', found: '%%%s'", s)
		}
	}
}

func lookupURL(l *look) ([]any, error) {
	out := []any{}
	seconds, ok := toFloat(l.option("timeout", 10))
	if !ok {
		return nil, lookupErr("url: timeout must be a number")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if !l.flag("validate_certs", true) {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the user asked for it
	}
	if !l.flag("use_proxy", true) {
		transport.Proxy = nil
	}
	client := &http.Client{Timeout: time.Duration(seconds * float64(time.Second)), Transport: transport}
	defer client.CloseIdleConnections()
	for _, t := range l.terms {
		address, err := l.word(t)
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequestWithContext(l.c.ctx(), http.MethodGet, address, nil)
		if err != nil {
			return nil, lookupErr("Received HTTP error for %s : %s", address, err)
		}
		req.Header.Set("User-Agent", l.text("http_agent", "ansible-httpget"))
		if m, ok := l.option("headers", nil).(*value.Map); ok {
			for k, v := range m.All() {
				req.Header.Set(Str(k), Str(v))
			}
		}
		if u := l.option("username", nil); u != nil {
			req.SetBasicAuth(Str(u), l.text("password", ""))
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, lookupErr("Failed lookup url for %s : %s", address, err)
		}
		data, err := io.ReadAll(io.LimitReader(resp.Body, int64(l.st.e.limits.Output)+1))
		resp.Body.Close()
		switch {
		case err != nil:
			return nil, lookupErr("Failed lookup url for %s : %s", address, err)
		case resp.StatusCode >= 400:
			return nil, lookupErr("Received HTTP error for %s : HTTP Error %s", address, resp.Status)
		}
		if err := l.st.room(len(data)); err != nil {
			return nil, err
		}
		if l.flag("split_lines", true) {
			out = append(out, splitLines(string(data), false)...)
		} else {
			out = append(out, string(data))
		}
	}
	return out, nil
}

const (
	lowercase   = "abcdefghijklmnopqrstuvwxyz"
	uppercase   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digitChars  = "0123456789"
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
)

var charClasses = map[string]string{
	"ascii_letters": lowercase + uppercase, "ascii_lowercase": lowercase, "ascii_uppercase": uppercase, "digits": digitChars,
	"hexdigits": digitChars + "abcdefABCDEF", "octdigits": "01234567", "punctuation": punctuation, "whitespace": " \t\n\r\v\f",
	"printable": digitChars + lowercase + uppercase + punctuation + " \t\n\r\v\f",
}

func lookupPassword(l *look) ([]any, error) {
	out := []any{}
	for _, t := range l.terms {
		term, err := l.word(t)
		if err != nil {
			return nil, err
		}
		p, err := l.password(term)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// password reads or makes the password that a term describes: a path and
// options after it.
func (l *look) password(term string) (any, error) {
	name, tail, _ := strings.Cut(term, " ")
	rest, inline := params(tail)
	if rest != "" {
		name = strings.TrimSpace(name + " " + rest)
	}
	opts := value.MapOf("length", 20, "encrypt", nil, "chars", nil, "ident", nil, "seed", nil)
	opts.Update(l.kw)
	for k, v := range inline.All() {
		if !opts.Has(k) {
			return nil, &Error{Kind: "AnsibleError", Msg: "Unrecognized parameter(s) given to password lookup: " + Str(k)}
		}
		opts.Set(k, v)
	}
	path := name
	if strings.HasPrefix(path, "~/") {
		path = filepath.Join(os.Getenv("HOME"), path[2:])
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.c.env().BaseDir, path)
	}
	length, ok := toInt(opts.At("length"), 10)
	n, isInt := length.(int)
	if !ok || !isInt || n < 0 || n > 1<<20 {
		return nil, &Error{Kind: "AnsibleError", Msg: "password: length must be a number of characters, not " + Repr(opts.At("length"))}
	}
	chars := passwordChars(opts.At("chars"))
	unlock, err := lockPassword(l, path)
	if err != nil {
		return nil, err
	}
	defer unlock()
	random := newRandom(opts.At("seed"))
	content, err := "", error(nil)
	exists := false
	if path != "/dev/null" {
		var data []byte
		data, err = os.ReadFile(path)
		switch {
		case err == nil:
			content, exists = strings.TrimRightFunc(string(data), unicode.IsSpace), true
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	plain, salt, ident := splitPassword(content)
	write := false
	if !exists {
		plain, salt, write = random.text(chars, n), "", true
	}
	encrypt := opts.At("encrypt")
	scheme := Str(encrypt)
	if encrypt != nil && salt == "" {
		salt, write = newRandom(nil).text(saltChars, saltLength(scheme)), true
		ident = ""
	}
	if ident == "" && opts.At("ident") != nil {
		ident = Str(opts.At("ident"))
	}
	if ident == "" && strings.HasPrefix(scheme, "bcrypt") {
		ident = "2b"
	}
	if write && path != "/dev/null" {
		text := plain
		if encrypt != nil {
			text += " salt=" + salt
			if ident != "" {
				text += " ident=" + ident
			}
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	if encrypt == nil {
		return plain, nil
	}
	return cryptPassword(plain, scheme, salt, 0, ident)
}

// lockPassword keeps two runs from making one password at the same time. The
// lock is a file that holds for Ansible, too.
func lockPassword(l *look, path string) (func(), error) {
	if path == "/dev/null" {
		return func() {}, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	lock := filepath.Join(filepath.Dir(path), fmt.Sprintf("%x.ansible_lockfile", sha1.Sum([]byte(path))))
	deadline := time.Now().Add(7 * time.Second)
	for {
		f, err := os.OpenFile(lock, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			f.Close()
			return func() { os.Remove(lock) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, &Error{Kind: "AnsibleError", Msg: "the password file " + path + " has been locked for 7 seconds; if nobody is using it, remove " + lock}
		}
		select {
		case <-l.c.ctx().Done():
			return nil, l.c.ctx().Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// splitPassword takes a password file apart: password, salt, ident.
func splitPassword(s string) (plain, salt, ident string) {
	i := strings.LastIndex(s, " salt=")
	if i < 0 {
		return s, "", ""
	}
	plain, salt = s[:i], s[i+len(" salt="):]
	if j := strings.LastIndex(salt, " ident="); j >= 0 {
		salt, ident = salt[:j], salt[j+len(" ident="):]
	}
	return plain, salt, ident
}

// passwordChars works out the characters that a password may hold.
func passwordChars(v any) string {
	var classes []string
	if l, ok := asList(v); ok {
		for _, e := range l {
			classes = append(classes, Str(e))
		}
	} else if s, ok := asStr(v); ok && s != "" {
		if strings.Contains(s, ",,") {
			classes = append(classes, ",")
		}
		for _, c := range strings.Split(strings.ReplaceAll(s, ",,", ","), ",") {
			if c != "" {
				classes = append(classes, c)
			}
		}
	}
	if classes == nil {
		classes = []string{"ascii_letters", "digits", ".,:-_"}
	}
	var b strings.Builder
	for _, c := range classes {
		if set, ok := charClasses[c]; ok {
			c = set
		}
		b.WriteString(c)
	}
	return strings.NewReplacer(`"`, "", "'", "").Replace(b.String())
}
