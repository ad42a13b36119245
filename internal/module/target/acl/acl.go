// Package acl is the module for access control lists of files.
package acl

import (
	"context"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module sets, removes and shows entries.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.posix.acl",
		Summary: "Sets and shows access control lists of files.",
		Params: []module.Param{
			{Name: "path", Type: module.Path, Required: true, Aliases: []string{"name"}, Doc: "The file."},
			{Name: "state", Default: "query", Choices: []any{"absent", "present", "query"}, Doc: "Whether the entry shall be there; query only shows."},
			{Name: "entry", Doc: "The entry in one, as [d:]TYPE:NAME:PERMISSIONS."},
			{Name: "etype", Choices: []any{"group", "mask", "other", "user"}, Doc: "Whom the entry is about."},
			{Name: "entity", Default: "", Doc: "Which user or group."},
			{Name: "permissions", Doc: "What they may: r, w, x or X."},
			{Name: "default", Type: module.Bool, Default: false, Doc: "The entry is for what is made in the directory."},
			{Name: "recursive", Type: module.Bool, Default: false, Aliases: []string{"recurse"}, Doc: "Everything below as well."},
			{Name: "follow", Type: module.Bool, Default: true, Doc: "Follow links."},
			{Name: "recalculate_mask", Default: "default", Choices: []any{"default", "mask", "no_mask"}, Doc: "Whether the mask is worked out anew."},
			{Name: "use_nfsv4_acls", Type: module.Bool, Default: false, Doc: "Lists of NFS version 4."},
		},
		Hints: []parallel.Hint{parallel.Free()}, // setfacl changes one entry in one go
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{{Name: "acl", Type: module.List, When: "success", Doc: "The list as it is now."}},
	},
	Run: run,
}

// entry is whom a permission is about.
type entry struct {
	kind, name, permissions string
	forNew                  bool // a default entry
}

// task is one run of the module.
type task struct {
	ctx   context.Context
	env   *module.Env
	args  module.Args
	entry entry
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args}
	if problem := t.check(); problem != "" {
		return module.Fail("%s", problem)
	}
	r := module.OK().Set("msg", "current acl")
	state := args.String("state")
	if state != "query" {
		words, text := []string{"-m"}, t.text(state == "present")
		if state == "absent" {
			words[0] = "-x"
		}
		changed, failed := t.set(append(words, text), state == "present")
		if failed != nil {
			return failed
		}
		r.Changed = changed
		r.Set("msg", text+" is "+state)
	}
	argv := []string{"getfacl"}
	if t.entry.forNew {
		argv = append(argv, "-d")
	}
	acl, failed := t.call(append(append(argv, "--omit-header", "--absolute-names"), t.where()...)...)
	if failed != nil {
		return failed
	}
	return r.Set("acl", value.FromGo(acl))
}

// check tells what is wrong with the arguments, and fills in the entry.
func (t *task) check() string {
	a, state := t.args, t.args.String("state")
	t.entry = entry{a.String("etype"), a.String("entity"), a.String("permissions"), a.Bool("default")}
	text := a.String("entry")
	parts := strings.Count(text, ":")
	switch {
	case !files.Exists(a.String("path")):
		return "Path not found or not accessible."
	case state == "query" && a.Bool("recursive"):
		return "'recursive' MUST NOT be set when 'state=query'."
	case state == "query" && a.String("recalculate_mask") != "default":
		return "'recalculate_mask' MUST NOT be set to 'mask' or 'no_mask' when 'state=query'."
	case text == "" && state == "absent" && t.entry.permissions != "":
		return "'permissions' MUST NOT be set when 'state=absent'."
	case text == "" && state == "absent" && t.entry.name == "":
		return "'entity' MUST be set when 'state=absent'."
	case text == "" && state != "query" && t.entry.kind == "":
		return "'etype' MUST be set when 'state=" + state + "'."
	case text == "":
		return ""
	case t.entry.kind != "" || t.entry.name != "" || t.entry.permissions != "":
		return "'entry' MUST NOT be set when 'entity', 'etype' or 'permissions' are set."
	case state == "present" && parts != 2 && parts != 3:
		return "'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'."
	case state == "absent" && parts != 1 && parts != 2:
		return "'entry' MUST have 2 or 3 sections divided by ':' when 'state=absent'."
	case state == "query":
		return "'entry' MUST NOT be set when 'state=query'."
	}
	return t.split(text)
}

func (t *task) split(text string) string {
	f := strings.Split(text, ":")
	if strings.HasPrefix(strings.ToLower(text), "d") {
		t.entry.forNew, f = true, f[1:]
	}
	kinds := map[byte]string{'u': "user", 'g': "group", 'm': "mask", 'o': "other"}
	if len(f) < 2 || len(f) > 3 || f[0] == "" || kinds[strings.ToLower(f[0])[0]] == "" {
		return "the entry " + text + " is not TYPE:NAME:PERMISSIONS"
	}
	t.entry.kind, t.entry.name = kinds[strings.ToLower(f[0])[0]], f[1]
	if len(f) == 3 {
		t.entry.permissions = f[2]
	}
	return ""
}

// text is the entry as setfacl takes it.
func (t *task) text(present bool) string {
	e := t.entry
	switch {
	case t.args.Bool("use_nfsv4_acls") && present:
		return strings.Join([]string{e.kind, e.name, e.permissions, "allow"}, ":")
	case e.permissions != "" && present:
		return strings.Join([]string{e.kind, e.name, e.permissions}, ":")
	}
	return e.kind + ":" + e.name
}

// where are the options about files, and the file.
func (t *task) where() []string {
	var words []string
	if t.args.Bool("recursive") {
		words = append(words, "--recursive")
	}
	if !t.args.Bool("follow") {
		words = append(words, "--physical")
	}
	return append(words, t.args.String("path"))
}

// call runs one of the programs and returns its lines but for comments.
func (t *task) call(argv ...string) ([]string, *module.Result) {
	out, failed := tool.Checked(t.ctx, t.env, argv...)
	if failed != nil {
		return nil, failed
	}
	lines := []string{}
	for line := range strings.Lines(out.Stdout) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if n := len(lines); n > 0 && lines[n-1] == "" {
		lines = lines[:n-1]
	}
	return lines, nil
}

// set changes the list unless a trial shows that it would stay as it is.
func (t *task) set(words []string, strict bool) (bool, *module.Result) {
	argv := []string{"setfacl"}
	if t.entry.forNew {
		argv = append(argv, "-d")
	}
	argv = append(argv, words...)
	switch t.args.String("recalculate_mask") {
	case "mask":
		argv = append(argv, "--mask")
	case "no_mask":
		argv = append(argv, "--no-mask")
	}
	argv = append(argv, t.where()...)
	trial, failed := t.call(slices.Insert(slices.Clone(argv), 1, "--test")...)
	if failed != nil {
		return false, failed
	}
	same := !slices.ContainsFunc(trial, func(line string) bool { return !strings.HasSuffix(line, "*,*") })
	if same || t.env.Check {
		return !same, nil
	}
	if _, failed := t.call(argv...); failed != nil && strict {
		return false, failed
	}
	return true, nil
}
