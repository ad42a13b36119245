package inifile

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

// file is one edit of a file's text.
type file struct {
	section, option string
	values          []string // those that are not in the file yet
	exclusive       bool
	bare            bool   // settings without values are allowed
	assign          string // what stands between name and value

	lines   []string // of the section
	done    []bool   // of those, which hold what they shall
	changed bool
	msg     string
}

// edit returns the text as it shall be.
func (f *file) edit(text string, present bool) string {
	lines := slices.Collect(strings.Lines(text))
	if len(lines) == 0 {
		lines = []string{"\n"}
	}
	if last := &lines[len(lines)-1]; !strings.HasSuffix(*last, "\n") {
		*last += "\n"
		f.changed = true
	}
	begin, end, found := f.find(lines)
	f.lines = slices.Clone(lines[begin:end])
	f.done = make([]bool, len(f.lines))
	if present {
		f.set()
	} else {
		f.unset()
	}
	out := slices.Concat(lines[:begin], f.lines, lines[end:])
	if present && !found {
		out = append(out, f.fresh()...)
	}
	return strings.Join(out, "")
}

// find returns the section's lines, its heading included; the section without a
// name ends at the first heading.
func (f *file) find(lines []string) (begin, end int, found bool) {
	if f.section != "" {
		begin = slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "["+f.section+"]") })
		if begin < 0 {
			return 0, 0, false
		}
		end = begin + 1
	}
	for end < len(lines) && !strings.HasPrefix(lines[end], "[") {
		end++
	}
	return begin, end, true
}

func (f *file) line(v string) string { return f.option + f.assign + v + "\n" }

// match tells whether a line sets the option, perhaps commented out, and the
// value.
func (f *file) match(line string, comments bool) (v string, ok bool) {
	if comments && line != "" && (line[0] == '#' || line[0] == ';') {
		line = line[1:]
	}
	rest, ok := strings.CutPrefix(strings.TrimLeft(strings.TrimRight(line, "\n"), " \t"), f.option)
	if !ok || f.option == "" {
		return "", false
	}
	if rest = strings.TrimLeft(rest, " \t"); rest == "" {
		return "", true
	}
	if rest, ok = strings.CutPrefix(rest, "="); !ok {
		return "", false
	}
	return strings.TrimLeft(rest, " \t"), true
}

func (f *file) replace(i int, line string) {
	if f.lines[i] != line {
		f.changed, f.msg = true, "option changed"
	}
	f.lines[i], f.done[i] = line, true
}

// set puts the values in: first where they are already, then over other values
// of the option, and what is left at the end of the section.
func (f *file) set() {
	noValue := false
	for i, l := range f.lines {
		have, ok := f.match(l, true)
		at := slices.Index(f.values, have)
		switch {
		case !ok:
		case at >= 0 && have == "" && f.bare:
			f.replace(i, f.option+"\n")
			noValue = true
			f.values = slices.Delete(f.values, at, at+1)
		case at >= 0:
			f.replace(i, f.line(have))
			f.values = slices.Delete(f.values, at, at+1)
		case len(f.values) == 0 && f.bare && !noValue:
			f.replace(i, f.option+"\n")
			noValue = true
		}
		if noValue && len(f.values) == 0 {
			break
		}
	}
	if f.exclusive && !f.bare {
		f.override()
	}
	f.append(noValue)
}

// override writes values over others of the option, and removes those left.
func (f *file) override() {
	for i := 0; i < len(f.lines) && len(f.values) > 0; i++ {
		if _, ok := f.match(f.lines[i], true); ok && !f.done[i] {
			f.replace(i, f.line(f.values[0]))
			f.values = f.values[1:]
		}
	}
	for i := len(f.lines) - 1; i >= 0; i-- {
		if _, ok := f.match(f.lines[i], true); ok && !f.done[i] {
			f.lines, f.done = slices.Delete(f.lines, i, i+1), slices.Delete(f.done, i, i+1)
			f.changed, f.msg = true, "option changed"
		}
	}
}

var empty = lazyregexp.New(`^[ \t]*([#;].*)?$`)

// append adds what is missing behind the section's last line that says anything.
func (f *file) append(noValue bool) {
	at := len(f.lines)
	for at > 0 && empty.MatchString(strings.TrimRight(f.lines[at-1], "\n")) {
		at--
	}
	if at == 0 && f.section != "" || f.option == "" {
		return
	}
	var fresh []string
	for _, v := range f.values {
		fresh = append(fresh, f.line(v))
	}
	if len(f.values) == 0 && f.bare && !noValue {
		fresh = []string{f.option + "\n"}
	}
	if len(fresh) > 0 {
		f.lines = slices.Insert(f.lines, at, fresh...)
		f.changed, f.msg = true, "option added"
	}
}

// unset removes the option, some of its values, or the section.
func (f *file) unset() {
	n := len(f.lines)
	msg := "option changed"
	switch {
	case f.option == "":
		f.lines, msg = nil, "section removed"
	case f.exclusive || len(f.values) > 0:
		f.lines = slices.DeleteFunc(f.lines, func(l string) bool {
			have, ok := f.match(l, false)
			return ok && (f.exclusive || contains(f.values, have))
		})
	}
	if len(f.lines) != n {
		f.changed, f.msg = true, msg
	}
}

// fresh is the section where the file does not have it yet.
func (f *file) fresh() []string {
	f.changed, f.msg = true, "section and option added"
	out := []string{"[" + f.section + "]\n"}
	switch {
	case f.option != "" && len(f.values) > 0:
		for _, v := range f.values {
			out = append(out, f.line(v))
		}
	case f.option != "" && f.bare:
		out = append(out, f.option+"\n")
	default:
		f.msg = "only section added"
	}
	return out
}
