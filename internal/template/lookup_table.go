package template

import (
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

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
			return nil, &Error{Kind: "AnsibleError", Msg: "csvfile: No such file or directory: " + err.Error()}
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
		found := opts.At("default")
		for _, row := range csvRows(string(data), []rune(delimiter)[0]) {
			if row[0] == key {
				col, ok := toInt(opts.At("col"), 10)
				n, isInt := col.(int)
				if !ok || !isInt {
					return nil, &Error{Kind: "AnsibleError", Msg: "csvfile: col must be a number, not " + Repr(opts.At("col"))}
				}
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
		content, err := decodeText(data, Str(opts.At("encoding")))
		if err != nil {
			return nil, err
		}
		ini, err := parseINI(content, sensitive, noValue || none)
		if dup, ok := err.(duplicateOption); ok {
			return nil, lookupErr("Duplicate option in '%s': %s", Str(opts.At("file")), dup)
		} else if err != nil {
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

// csvRows reads a table as Python's csv does: quotes matter only at the
// beginning of a field, and what follows a closing quote belongs to the field.
// Empty lines are passed over.
func csvRows(text string, delimiter rune) [][]string {
	const (
		begin = iota
		plain
		quoted
		closing
	)
	var rows [][]string
	var row []string
	var field strings.Builder
	state := begin
	end := func() {
		if row != nil || field.Len() > 0 || state != begin {
			row = append(row, field.String())
			rows = append(rows, row)
		}
		row, state = nil, begin
		field.Reset()
	}
	for _, c := range text {
		if state == closing {
			if state = plain; c == '"' {
				state = quoted
				field.WriteRune(c)
				continue
			}
		}
		switch {
		case state == quoted && c == '"':
			state = closing
		case state == quoted:
			field.WriteRune(c)
		case c == '\n' || c == '\r':
			end()
		case c == delimiter:
			row, state = append(row, field.String()), begin
			field.Reset()
		case state == begin && c == '"':
			state = quoted
		default:
			state = plain
			field.WriteRune(c)
		}
	}
	end()
	return rows
}
