package aptrepository

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module/files"
)

// source is one line of a file of sources.
type source struct {
	valid, enabled bool
	text, comment  string
}

// parse reads a line. What is no source is kept as its text.
func parse(line string) source {
	s := source{enabled: true}
	line = strings.TrimSpace(line)
	if rest, ok := strings.CutPrefix(line, "#"); ok {
		s.enabled, line = false, rest
	}
	if i := strings.IndexByte(line, '#'); i > 0 {
		s.comment, line = strings.TrimSpace(line[i+1:]), line[:i]
	}
	s.text = strings.TrimSpace(line)
	if words := strings.Fields(s.text); len(words) > 0 && (words[0] == "deb" || words[0] == "deb-src") {
		s.valid, s.text = true, strings.Join(words, " ")
	}
	return s
}

func (s source) line() string {
	line := s.text
	if !s.enabled {
		line = "# " + line
	}
	if s.comment != "" {
		line += " # " + s.comment
	}
	return line + "\n"
}

// lists are all files of sources in one-line format, by path.
type lists struct {
	folder string // sources.list.d
	order  []string
	files  map[string][]source
	fresh  string // the file that gets a new source, if it was not there or may need its mode
}

// read reads the main file and the folder.
func read(main, folder string) (*lists, error) {
	l := &lists{folder: folder, files: map[string][]source{}}
	for _, path := range append([]string{main}, files.Glob(filepath.Join(folder, "*.list"))...) {
		data, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) && path == main {
			continue
		}
		if err != nil {
			return nil, err
		}
		var sources []source
		for line := range strings.Lines(string(data)) {
			sources = append(sources, parse(line))
		}
		l.put(path, sources)
	}
	return l, nil
}

func (l *lists) put(path string, sources []source) {
	if _, ok := l.files[path]; !ok {
		l.order = append(l.order, path)
	}
	l.files[path] = sources
}

// text is how a file shall be; "" where it shall not be.
func (l *lists) text(path string) string {
	var b strings.Builder
	for _, s := range l.files[path] {
		b.WriteString(s.line())
	}
	return b.String()
}

func (l *lists) has(text string) bool {
	for _, sources := range l.files {
		if slices.ContainsFunc(sources, func(s source) bool { return s.valid && s.enabled && s.text == text }) {
			return true
		}
	}
	return false
}

// add enables a source wherever it is, or puts it into a file.
func (l *lists) add(text, file string) {
	found := false
	for _, sources := range l.files {
		for i := range sources {
			if sources[i].valid && sources[i].text == text {
				sources[i].enabled, found = true, true
			}
		}
	}
	if found {
		return
	}
	if !strings.Contains(file, "/") {
		file = filepath.Join(l.folder, file)
	}
	l.fresh = file
	l.put(file, append(l.files[file], source{valid: true, enabled: true, text: text}))
}

func (l *lists) remove(text string) {
	for path, sources := range l.files {
		l.files[path] = slices.DeleteFunc(sources, func(s source) bool { return s.valid && s.enabled && s.text == text })
	}
}

var (
	options  = lazyregexp.New(`\[[^\]]+\]`)
	protocol = lazyregexp.New(`\w+://`)
	odd      = lazyregexp.New(`[^a-zA-Z0-9]`)
)

// suggest names a file after a source's address.
func suggest(text, filename string) string {
	if filename != "" {
		return filename + ".list"
	}
	text = protocol.ReplaceAllString(options.ReplaceAllString(text, ""), "")
	words := slices.DeleteFunc(strings.Fields(text), func(w string) bool { return w == "deb" || w == "deb-src" })
	if len(words) == 0 {
		return ".list"
	}
	place := words[0]
	if _, after, ok := strings.Cut(place, "@"); ok { // a password does not belong into a name
		place = after
	}
	return strings.Join(strings.Fields(odd.ReplaceAllString(place, " ")), "_") + ".list"
}
