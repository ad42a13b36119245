// Package debconf is the module for the answers that Debian's packages ask for.
package debconf

import (
	"context"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module reads and sets answers in debconf's database.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.debconf",
		Summary: "Sets answers to the questions of Debian's packages.",
		Params: []module.Param{
			{Name: "name", Required: true, Aliases: []string{"pkg"}, Doc: "The package."},
			{Name: "question", Aliases: []string{"selection", "setting"}, Doc: "The question; without one the answers that are there are returned."},
			{Name: "vtype", Choices: []any{"boolean", "error", "multiselect", "note", "password", "seen", "select", "string", "text", "title"}, Doc: "Type of the answer."},
			{Name: "value", Aliases: []string{"answer"}, Doc: "The answer."},
			{Name: "unseen", Type: module.Bool, Default: false, Doc: "Let the question be asked all the same."},
		},
		Rules:   module.Rules{RequiredTogether: [][]string{{"question", "vtype", "value"}}},
		HintDoc: "HostExclusive(dpkg); FullyParallel in check mode or without a question",
		HintsFor: func(args module.Args, check bool) []parallel.Hint {
			if check || !args.Has("question") {
				return []parallel.Hint{parallel.Free()}
			}
			return []parallel.Hint{parallel.Host("dpkg")} // packages that are being configured hold the database
		},
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{
			{Name: "current", Type: module.Dict, When: "always", Doc: "The answers as they are now."},
			{Name: "previous", Type: module.Dict, When: "changed", Doc: "The answer as it was."},
		},
	},
	Run: run,
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	pkg, question, v := args.String("name"), args.String("question"), args.String("value")
	out, err := tool.Run(ctx, env, "debconf-show", pkg)
	switch {
	case err != nil:
		return module.Fail("%s", err)
	case out.RC != 0:
		return module.Fail("%s", out.Stderr)
	}
	answers := parse(out.Stdout)
	r := module.OK().Set("msg", "")
	old, known := answers.At(question).(string)
	written := v
	if args.String("vtype") == "boolean" {
		// The database has lower case, playbooks may have Python's words.
		written, old = strings.ToLower(v), strings.ToLower(old)
		if known {
			v = written
		}
	}
	if !args.Has("question") || known && old == written {
		return r.Set("current", answers)
	}
	r.Changed = true
	if !env.Check {
		argv := []string{"debconf-set-selections"}
		if args.Bool("unseen") {
			argv = append(argv, "-u")
		}
		line := strings.Join([]string{pkg, question, args.String("vtype"), written}, " ")
		out, err := tool.Cmd{Argv: argv, Stdin: line}.Run(ctx, env)
		switch {
		case err != nil:
			return module.Fail("%s", err)
		case out.RC != 0:
			return module.Fail("%s", out.Stderr)
		}
		r.Set("msg", out.Stdout)
	}
	// Ansible shows all that there was where the question is new.
	previous := answers
	if known {
		previous = value.MapOf(question, answers.At(question))
	} else {
		previous.Set(question, "")
	}
	r.Set("current", value.MapOf(question, v)).Set("previous", previous)
	diff := value.NewMap(2)
	if env.Diff {
		after := previous.Clone()
		after.Set(question, v)
		diff.Set("before", previous)
		diff.Set("after", after)
	}
	r.Diff = diff
	return r
}

// parse reads debconf-show: a line an answer, with a star if it was asked.
func parse(text string) *value.Map {
	m := value.NewMap(8)
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(line, ":"); ok {
			m.Set(strings.TrimSpace(strings.Trim(k, "*")), strings.TrimSpace(v))
		}
	}
	return m
}
