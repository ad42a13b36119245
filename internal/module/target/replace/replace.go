// Package replace is the module that replaces all matches in a file.
package replace

import (
	"context"
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/pyre"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module replaces all matches of a regular expression in a file.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.replace",
		Summary: "Replaces all matches of a regular expression in a file.",
		Params: files.EditParams(
			module.Param{Name: "regexp", Required: true, Doc: "What to replace; ^ and $ match at each line."},
			module.Param{Name: "replace", Default: "", Doc: "What to put there; \\1 stands for a group."},
			module.Param{Name: "after", Doc: "Only look after the match of this."},
			module.Param{Name: "before", Doc: "Only look before the match of this."},
			module.Param{Name: "encoding", Default: "utf-8", Doc: "Encoding of the file."},
		),
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{
			{Name: "msg", When: "always", Doc: "What was done."},
			{Name: "backup_file", When: "changed and if backup=yes", Doc: "The old file."},
		},
	},
	Run: run,
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	e, failed := files.Open(env, args)
	if failed != nil {
		return failed
	}
	defer e.Close()
	if !e.Exists {
		return module.Fail("Path %s does not exist !", e.Path).Set("rc", 257)
	}
	text, encode, err := decode(e.Before, args.String("encoding"))
	if err != nil {
		return module.Fail("%s", err)
	}
	from, to, pattern, err := section(text, args)
	if err != nil {
		return module.Fail("%s", err)
	}
	r := module.OK().Set("rc", 0)
	if from < 0 {
		return r.Set("msg", "Pattern for before/after params did not match the given file: "+pattern)
	}
	replaced, n, err := substitute(text[from:to], args)
	if err != nil {
		return module.Fail("%s", err)
	}
	msg := ""
	if n > 0 && replaced != text[from:to] {
		after := text[:from] + replaced + text[to:]
		msg = fmt.Sprintf("%d replacements made", n)
		r.Changed = true
		if env.Diff {
			r.Diff = value.MapOf("before_header", e.Path, "before", text, "after_header", e.Path, "after", after)
		}
		data, err := encode(after)
		if err != nil {
			return module.Fail("%s", err)
		}
		backup, err := e.Save(ctx, data)
		if err != nil {
			return files.Fail(err)
		}
		if backup != "" {
			r.Set("backup_file", backup)
		}
	}
	if _, failed := e.Attrs(r, nil, msg); failed != nil {
		return failed
	}
	return r
}

// section is the part of the text to work on; from is -1 if there is none.
func section(text string, args module.Args) (from, to int, pattern string, err error) {
	after, before := args.String("after"), args.String("before")
	switch {
	case after == "" && before == "":
		return 0, len(text), "", nil
	case before == "":
		pattern = after + "(?P<subsection>.*)"
	case after == "":
		pattern = "(?P<subsection>.*)" + before
	default:
		pattern = after + "(?P<subsection>.*?)" + before
	}
	re, err := pyre.Compile(pattern, pyre.DotAll)
	if err != nil {
		return 0, 0, "", fmt.Errorf("after or before %q: %w", pattern, err)
	}
	m, err := re.Search(text, 0)
	if m == nil || err != nil {
		return -1, -1, pattern, err
	}
	from, to, _ = m.Span(re.GroupIndex()["subsection"])
	return from, to, pattern, nil
}

// substitute replaces the matches in text and counts them.
func substitute(text string, args module.Args) (string, int, error) {
	re, err := pyre.Compile(args.String("regexp"), pyre.Multiline)
	if err != nil {
		return "", 0, fmt.Errorf("regexp %q: %w", args.String("regexp"), err)
	}
	parts, err := re.Template(args.String("replace"))
	if err != nil {
		return "", 0, fmt.Errorf("replace %q: %w", args.String("replace"), err)
	}
	matches, err := re.FindAll(text)
	if err != nil {
		return "", 0, err
	}
	var b strings.Builder
	at := 0
	for _, m := range matches {
		from, to, _ := m.Span(0)
		b.WriteString(text[at:from])
		for _, p := range parts {
			if p.Group < 0 {
				b.WriteString(p.Text)
			} else if t, ok := m.Group(p.Group); ok {
				b.WriteString(t)
			}
		}
		at = to
	}
	b.WriteString(text[at:])
	return b.String(), len(matches), nil
}

// decode reads a file's bytes as text, and returns what turns text back.
func decode(data []byte, encoding string) (string, func(string) ([]byte, error), error) {
	switch strings.ReplaceAll(strings.ToLower(encoding), "_", "-") {
	case "utf-8", "utf8", "ascii", "us-ascii":
		return string(data), func(s string) ([]byte, error) { return []byte(s), nil }, nil
	case "latin-1", "latin1", "iso-8859-1", "iso8859-1":
		runes := make([]rune, len(data))
		for i, c := range data {
			runes[i] = rune(c)
		}
		return string(runes), func(s string) ([]byte, error) {
			out := make([]byte, 0, len(s))
			for _, r := range s {
				if r > 0xff {
					return nil, fmt.Errorf("'%s' codec can't encode character %q", encoding, r)
				}
				out = append(out, byte(r))
			}
			return out, nil
		}, nil
	}
	return "", nil, fmt.Errorf("unknown encoding: %s (known are utf-8, latin-1 and ascii)", encoding)
}
