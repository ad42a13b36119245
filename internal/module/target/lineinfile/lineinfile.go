// Package lineinfile is the module that makes sure of one line of a file.
package lineinfile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/pyre"
	"github.com/tutti-run/tutti/parallel"
)

// Module makes sure that a line is, or is not, in a file.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.lineinfile",
		Summary: "Makes sure that a line is, or is not, in a file.",
		Params: files.EditParams(
			module.Param{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether the line shall be there."},
			module.Param{Name: "regexp", Aliases: []string{"regex"}, Doc: "Which line to replace, or which lines to remove."},
			module.Param{Name: "search_string", Doc: "Like regexp, but text to find as it is."},
			module.Param{Name: "line", Aliases: []string{"value"}, Doc: "The line."},
			module.Param{Name: "insertafter", Doc: "Put a new line after the last one that matches, or at EOF or BOF."},
			module.Param{Name: "insertbefore", Doc: "Put a new line before the last one that matches, or at BOF."},
			module.Param{Name: "backrefs", Type: module.Bool, Default: false, Doc: "Let \\1 in line stand for groups of regexp; without a match change nothing."},
			module.Param{Name: "create", Type: module.Bool, Default: false, Doc: "Make the file if it is not there."},
			module.Param{Name: "firstmatch", Type: module.Bool, Default: false, Doc: "Use the first line that matches, not the last."},
		),
		Rules: module.Rules{MutuallyExclusive: [][]string{{"insertbefore", "insertafter"}, {"regexp", "search_string"}, {"backrefs", "search_string"}}},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{
			{Name: "msg", When: "always", Doc: "What was done."},
			{Name: "backup", When: "always", Doc: "The old file, if it was kept."},
			{Name: "found", Type: module.Int, When: "state=absent", Doc: "How many lines were removed."},
		},
	},
	Run: run,
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	var warnings []string
	for name, what := range map[string]string{"regexp": "regular expression", "search_string": "search string"} {
		if args.Given(name) && args.String(name) == "" {
			w := fmt.Sprintf("The %s is an empty string, which will match every line in the file. "+
				"This may have unintended consequences, such as replacing the last line in the file rather than appending.", what)
			if name == "regexp" {
				w += " If this is desired, use '^' to match every line in the file and avoid this warning."
			}
			warnings = append(warnings, w)
		}
	}
	e, failed := files.Open(env, args)
	if failed != nil {
		return failed
	}
	defer e.Close()
	var r *module.Result
	switch {
	case args.String("state") == "absent":
		r = absent(ctx, e, args)
	case args.Bool("backrefs") && !args.Given("regexp"):
		r = module.Fail("regexp is required with backrefs=true")
	case !args.Given("line"):
		r = module.Fail("line is required with state=present")
	case !e.Exists && !args.Bool("create"):
		r = module.Fail("Destination %s does not exist !", e.Path).Set("rc", 257)
	default:
		r = present(ctx, e, args)
	}
	r.Warnings = append(r.Warnings, warnings...)
	return r
}

// split cuts text into lines that keep their newline.
func split(text []byte) []string { return slices.Collect(strings.Lines(string(text))) }

func bare(line string) string { return strings.TrimRight(line, "\r\n") }

// finder returns what decides whether a line is the one that was asked for.
func finder(args module.Args) (func(line string) (*pyre.Match, bool, error), *pyre.Regexp, error) {
	switch {
	case args.Given("regexp"):
		re, err := pyre.Compile(args.String("regexp"), 0)
		if err != nil {
			return nil, nil, fmt.Errorf("regexp %q: %w", args.String("regexp"), err)
		}
		return func(line string) (*pyre.Match, bool, error) {
			m, err := re.Search(line, 0)
			return m, m != nil, err
		}, re, nil
	case args.Given("search_string"):
		return func(line string) (*pyre.Match, bool, error) {
			return nil, strings.Contains(line, args.String("search_string")), nil
		}, nil, nil
	}
	return nil, nil, nil
}

func absent(ctx context.Context, e *files.Edit, args module.Args) *module.Result {
	find, _, err := finder(args)
	switch {
	case err != nil:
		return module.Fail("%s", err)
	case find == nil && !args.Given("line"):
		return module.Fail("one of line, search_string, or regexp is required with state=absent")
	case !e.Exists:
		return module.OK().Set("msg", "file not present")
	case find == nil:
		find = func(line string) (*pyre.Match, bool, error) { return nil, bare(line) == args.String("line"), nil }
	}
	var kept strings.Builder
	found := 0
	for _, line := range split(e.Before) {
		_, is, err := find(line)
		if err != nil {
			return module.Fail("%s", err)
		}
		if is {
			found++
		} else {
			kept.WriteString(line)
		}
	}
	msg := ""
	if found > 0 {
		msg = fmt.Sprintf("%d line(s) removed", found)
	}
	r := save(ctx, e, []byte(kept.String()), found > 0, msg)
	if !r.Failed {
		r.Set("found", found)
	}
	return r
}

func save(ctx context.Context, e *files.Edit, after []byte, changed bool, msg string) *module.Result {
	r := module.OK().Set("backup", "")
	if r.Changed = changed; changed {
		backup, err := e.Save(ctx, after)
		if err != nil {
			return files.Fail(err)
		}
		r.Set("backup", backup)
	}
	return e.Finish(r, after, msg)
}

func present(ctx context.Context, e *files.Edit, args module.Args) *module.Result {
	p := placing{lines: split(e.Before), line: args.String("line"), first: args.Bool("firstmatch"), at: -1, near: -1}
	p.after, p.before = args.String("insertafter"), args.String("insertbefore")
	if p.after == "" && p.before == "" {
		p.after = "EOF"
	}
	find, re, err := finder(args)
	if err == nil {
		err = p.locate(find)
	}
	if err != nil {
		return module.Fail("%s", err)
	}
	line := p.line
	if args.Bool("backrefs") && p.match != nil {
		parts, err := re.Template(p.line)
		if err != nil {
			return module.Fail("line %q: %s", p.line, err)
		}
		line = expand(p.match, parts)
	}
	msg := p.place(line, args.Bool("backrefs"))
	return save(ctx, e, []byte(strings.Join(p.lines, "")), msg != "", msg)
}

func expand(m *pyre.Match, parts []pyre.Part) string {
	var b strings.Builder
	for _, p := range parts {
		if p.Group < 0 {
			b.WriteString(p.Text)
		} else if text, ok := m.Group(p.Group); ok {
			b.WriteString(text)
		}
	}
	return b.String()
}
