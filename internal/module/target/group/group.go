// Package group is the module that manages groups of users.
package group

import (
	"context"
	"fmt"
	"strconv"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/accounts"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module makes sure that a group is there, or is not.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.group",
		Summary: "Makes sure that a group is there, or is not.",
		Params: []module.Param{
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether the group shall be there."},
			{Name: "name", Required: true, Doc: "The group's name."},
			{Name: "gid", Type: module.Int, Doc: "Its number."},
			{Name: "system", Type: module.Bool, Default: false, Doc: "Take a number from the range of system groups."},
			{Name: "local", Type: module.Bool, Default: false, Doc: "Use the programs for local groups where groups come from a directory service."},
			{Name: "non_unique", Type: module.Bool, Default: false, Doc: "Allow a number that another group has."},
		},
		Rules: module.Rules{RequiredIf: []module.RequiredIf{{Param: "non_unique", Value: true, Needs: []string{"gid"}}}},
		// The shadow programs lock the files themselves, but give up after some
		// seconds instead of waiting.
		Hints: []parallel.Hint{parallel.Host("accounts")},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "gid", Type: module.Int, When: "state=present", Doc: "The group's number."},
			{Name: "name", When: "always", Doc: "The group's name."},
			{Name: "state", When: "always", Doc: "What was asked for."},
			{Name: "system", Type: module.Bool, When: "state=present", Doc: "Whether a system group was asked for."},
		},
	},
	Run: run,
}

type task struct {
	ctx    context.Context
	env    *module.Env
	args   module.Args
	db     accounts.DB
	name   string
	notice []string
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, db: accounts.Open(ctx, env), name: args.String("name")}
	r := t.run()
	r.Warnings = append(r.Warnings, t.notice...)
	return r
}

func (t *task) run() *module.Result {
	have := t.find()
	present := t.args.String("state") == "present"
	argv, err := t.command(have, present)
	if err != nil {
		return module.Fail("%s", err)
	}
	r := module.OK()
	if t.env.Check && argv != nil && (have == nil || !present) {
		r.Changed = true
		return r
	}
	r.Set("name", t.name).Set("state", t.args.String("state"))
	if argv != nil {
		r.Changed = true
		if !t.env.Check {
			out, err := tool.Run(t.ctx, t.env, argv...)
			if err != nil {
				return module.Fail("%s", err)
			}
			if out.RC != 0 {
				return module.Fail("%s", out.Stderr).Set("name", t.name)
			}
			out.Describe(r)
		}
	}
	have = t.find()
	if have != nil {
		r.Set("system", t.args.Bool("system")).Set("gid", have.GID)
	}
	return r
}

// find looks the group up where this task may look.
func (t *task) find() *accounts.Group {
	if !t.args.Bool("local") {
		return t.db.Group(t.name)
	}
	g := t.db.LocalGroup(t.name)
	if g == nil {
		t.notice = append(t.notice, "'local: true' specified and group was not found in /etc/group. "+
			"The local group may already exist if the local group database exists somewhere other than /etc/group.")
	}
	return g
}

// command is what has to run, nil if the group is as it shall be.
func (t *task) command(have *accounts.Group, present bool) ([]string, error) {
	local := t.args.Bool("local")
	name := func(base string) string {
		if local {
			return "l" + base
		}
		return base
	}
	var argv []string
	switch {
	case !present && have == nil:
		return nil, nil
	case !present:
		return []string{name("groupdel"), t.name}, nil
	case have == nil:
		argv = []string{name("groupadd")}
	case t.args.Has("gid") && have.GID != t.args.Int("gid"):
		argv = []string{name("groupmod")}
	default:
		return nil, nil
	}
	if t.args.Has("gid") {
		gid := t.args.Int("gid")
		for _, g := range t.db.Groups() {
			if local && gid != 0 && g.GID == gid && g.Name != t.name {
				return nil, fmt.Errorf("GID '%d' already exists with group '%s'", gid, g.Name)
			}
		}
		if argv = append(argv, "-g", strconv.Itoa(gid)); t.args.Bool("non_unique") {
			argv = append(argv, "-o")
		}
	}
	if have == nil && t.args.Bool("system") {
		argv = append(argv, "-r")
	}
	return append(argv, t.name), nil
}
