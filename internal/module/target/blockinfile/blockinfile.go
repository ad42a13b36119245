// Package blockinfile is the module that keeps a marked block of lines in a file.
package blockinfile

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/pyre"
	"github.com/tutti-run/tutti/parallel"
)

// Module keeps a marked block of lines in a file.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.blockinfile",
		Summary: "Keeps a block of lines, between two marker lines, in a file.",
		Params: files.EditParams(
			module.Param{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether the block shall be there."},
			module.Param{Name: "marker", Default: "# {mark} ANSIBLE MANAGED BLOCK", Doc: "The marker lines, {mark} standing for the word that differs."},
			module.Param{Name: "marker_begin", Default: "BEGIN", Doc: "The word of the first marker."},
			module.Param{Name: "marker_end", Default: "END", Doc: "The word of the last marker."},
			module.Param{Name: "block", Default: "", Aliases: []string{"content"}, Doc: "The lines; empty removes the block."},
			module.Param{Name: "insertafter", Doc: "Put a new block after the last line that matches, or at EOF."},
			module.Param{Name: "insertbefore", Doc: "Put a new block before the last line that matches, or at BOF."},
			module.Param{Name: "create", Type: module.Bool, Default: false, Doc: "Make the file if it is not there."},
		),
		Rules: module.Rules{MutuallyExclusive: [][]string{{"insertbefore", "insertafter"}}},
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
	present := args.String("state") == "present"
	switch {
	case !e.Exists && present && !args.Bool("create"), !e.Exists && !present && !args.Bool("create"):
		return module.Fail("Path %s does not exist !", e.Path).Set("rc", 257)
	case !e.Exists && !present:
		return module.OK().Set("msg", fmt.Sprintf("File %s not present", e.Path))
	}
	marker := func(word string) string {
		return strings.ReplaceAll(args.String("marker"), "{mark}", args.String(word)) + "\n"
	}
	begin, end := marker("marker_begin"), marker("marker_end")
	var block []string
	if text := args.String("block"); present && text != "" {
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		block = slices.Concat([]string{begin}, split(text), []string{end})
	}
	lines := split(string(e.Before))
	at, err := place(&lines, begin, end, string(e.Before), args)
	if err != nil {
		return module.Fail("%s", err)
	}
	if at > 0 && !strings.HasSuffix(lines[at-1], "\n") {
		lines[at-1] += "\n"
	}
	after := []byte(strings.Join(slices.Insert(lines, at, block...), ""))
	msg := ""
	r := module.OK()
	switch {
	case e.Exists && bytes.Equal(after, e.Before):
	case !e.Exists:
		msg = "File created"
	case block == nil:
		msg = "Block removed"
	default:
		msg = "Block inserted"
	}
	if msg != "" {
		r.Changed = true
		backup, err := e.Save(ctx, after)
		if err != nil {
			return files.Fail(err)
		}
		if backup != "" {
			r.Set("backup_file", backup)
		}
	}
	return e.Finish(r, after, msg)
}

// lineEnd is where Python's splitlines cuts bytes.
var lineEnd = lazyregexp.New(`\r\n|\n|\r`)

// split cuts text into lines that keep their ends.
func split(text string) []string {
	var out []string
	for text != "" {
		at := lineEnd.FindStringIndex(text)
		if at == nil {
			return append(out, text)
		}
		out = append(out, text[:at[1]])
		text = text[at[1]:]
	}
	return out
}

// place takes the old block out of lines and returns where the new one goes.
func place(lines *[]string, begin, end, text string, args module.Args) (int, error) {
	first, last := -1, -1
	for i, line := range *lines {
		if line == begin {
			first = i
		}
		if line == end {
			last = i
		}
	}
	if first >= 0 && last >= 0 {
		if first > last {
			first, last = last, first
		}
		*lines = slices.Delete(*lines, first, last+1)
		return first, nil
	}
	after, before := args.String("insertafter"), args.String("insertbefore")
	pattern, isAfter := after, true
	if !args.Given("insertafter") {
		pattern, isAfter = before, false
	}
	switch {
	case !args.Given("insertafter") && !args.Given("insertbefore"), isAfter && pattern == "EOF":
		return len(*lines), nil
	case !isAfter && pattern == "BOF":
		return 0, nil
	}
	re, err := pyre.Compile(pattern, 0)
	if err != nil {
		return 0, fmt.Errorf("insertafter or insertbefore %q: %w", pattern, err)
	}
	at := -1
	if multiline.MatchString(pattern) {
		m, err := re.Search(text, 0)
		if err != nil {
			return 0, err
		}
		if m != nil {
			from, to, _ := m.Span(0)
			if isAfter {
				from = to
			}
			at = strings.Count(text[:from], "\n")
		}
	} else {
		for i, line := range *lines {
			m, err := re.Search(line, 0)
			if err != nil {
				return 0, err
			}
			if m != nil {
				at = i
			}
		}
	}
	switch {
	case at < 0:
		return len(*lines), nil
	case isAfter:
		return min(at+1, len(*lines)), nil
	}
	return at, nil
}

// multiline finds the flag that makes a pattern match across lines.
var multiline = lazyregexp.New(`^\(\?[aiLsux]*m[aiLmsux]*\)`)
