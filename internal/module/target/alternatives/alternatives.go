// Package alternatives is the module for the links of update-alternatives.
package alternatives

import (
	"context"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module installs, chooses and removes alternatives.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.alternatives",
		Summary: "Keeps the links of update-alternatives.",
		Params: []module.Param{
			{Name: "name", Required: true, Doc: "Name of the link."},
			{Name: "path", Type: module.Path, Required: true, Doc: "The program that it shall lead to."},
			{Name: "link", Type: module.Path, Doc: "The link, for a name that is new."},
			{Name: "priority", Type: module.Int, Doc: "Priority of the alternative; 50 for a new one."},
			{Name: "state", Default: "selected", Choices: []any{"present", "selected", "absent", "auto"}, Doc: "Whether it is there, chosen, or left to priorities."},
			{Name: "subcommands", Type: module.List, Elements: module.Dict, Aliases: []string{"slaves"}, Doc: "Links that go along with it.", Options: []module.Param{
				{Name: "name", Required: true, Doc: "Name of the link."},
				{Name: "path", Type: module.Path, Required: true, Doc: "What it leads to."},
				{Name: "link", Type: module.Path, Required: true, Doc: "The link."},
			}},
		},
		Hints: []parallel.Hint{parallel.Host("alternatives")},
		Check: module.Full, Diff: module.Full,
	},
	Run: run,
}

// sub is a link that goes along with another.
type sub struct{ name, path, link string }

func (s sub) value() *value.Map { return value.MapOf("name", s.name, "path", s.path, "link", s.link) }

// alternative is one that is installed.
type alternative struct {
	priority int
	subs     []sub
}

// state is what update-alternatives says of a name.
type state struct {
	mode, path, link string
	all              map[string]alternative
}

// task is one run of the module.
type task struct {
	ctx           context.Context
	env           *module.Env
	args          module.Args
	name, path    string
	now           state
	before, after *value.Map
	msgs          []string
	r             *module.Result
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, name: args.String("name"), path: args.String("path"), before: value.NewMap(4), after: value.NewMap(4), r: module.OK()}
	out, err := tool.Run(ctx, env, "update-alternatives", "--display", t.name)
	if err != nil {
		return module.Fail("%s", err)
	}
	t.now.all = map[string]alternative{}
	wanted, given := t.subs()
	if out.RC == 0 {
		t.now = parse(out.Stdout, wanted)
	}
	t.describe()
	if failed := t.do(wanted, given); failed != nil {
		return failed
	}
	t.r.Diff = value.MapOf("before", t.before, "after", t.after)
	return t.r.Set("msg", strings.Join(t.msgs, " "))
}

// subs are the links that go along, as asked for.
func (t *task) subs() (list []sub, given bool) {
	for _, e := range t.args.List("subcommands") {
		if m, ok := e.(*value.Map); ok {
			list = append(list, sub{value.Str(m.At("name")), value.Str(m.At("path")), value.Str(m.At("link"))})
		}
	}
	return list, t.args.Has("subcommands")
}

// describe begins the diff.
func (t *task) describe() {
	if !t.env.Diff {
		return
	}
	have, ok := t.now.all[t.path]
	if !ok {
		if t.now.mode != "" {
			t.before.Set("state", "absent")
		}
		return
	}
	fill(t.before, t.path, have.priority, t.now.link, have.subs)
	if t.now.mode == "manual" && t.now.path != t.path {
		t.before.Set("state", "selected")
	}
}

func fill(m *value.Map, path string, priority int, link string, subs []sub) {
	m.Set("state", "present")
	m.Set("path", path)
	m.Set("priority", priority)
	m.Set("link", link)
	if len(subs) > 0 {
		list := make([]any, len(subs))
		for i, s := range subs {
			list[i] = s.value()
		}
		m.Set("subcommands", list)
	}
}

func same(a, b []sub) bool {
	in := func(s sub, list []sub) bool {
		for _, e := range list {
			if e == s {
				return true
			}
		}
		return false
	}
	for _, s := range a {
		if !in(s, b) {
			return false
		}
	}
	for _, s := range b {
		if !in(s, a) {
			return false
		}
	}
	return true
}

// change runs update-alternatives unless in check mode.
func (t *task) change(msg string, words ...string) *module.Result {
	t.r.Changed = true
	t.msgs = append(t.msgs, msg)
	if t.env.Check {
		return nil
	}
	_, failed := tool.Checked(t.ctx, t.env, append([]string{"update-alternatives"}, words...)...)
	return failed
}

func (t *task) do(wanted []sub, given bool) *module.Result {
	have, ok := t.now.all[t.path]
	want := t.args.String("state")
	if want == "absent" {
		if !ok {
			return nil
		}
		if t.env.Diff {
			t.after.Set("state", "absent")
		}
		return t.change("Remove alternative '"+t.path+"' from '"+t.name+"'.", "--remove", t.name, t.path)
	}
	if !ok || t.args.Has("priority") && have.priority != t.args.Int("priority") || given && !same(wanted, have.subs) {
		if failed := t.install(have, ok, wanted, given); failed != nil {
			return failed
		}
	}
	switch {
	case want == "selected" && t.now.path != t.path:
		if t.env.Diff {
			t.after.Set("state", "selected")
		}
		return t.change("Set alternative '"+t.path+"' for '"+t.name+"'.", "--set", t.name, t.path)
	case want == "auto" && t.now.mode == "manual":
		if t.env.Diff {
			t.after.Set("state", "present")
		}
		return t.change("Set alternative to auto for '"+t.name+"'.", "--auto", t.name)
	}
	return nil
}

func (t *task) install(have alternative, ok bool, wanted []sub, given bool) *module.Result {
	link := t.args.String("link")
	if link == "" {
		link = t.now.link
	}
	priority := 50
	switch {
	case t.args.Has("priority"):
		priority = t.args.Int("priority")
	case ok:
		priority = have.priority
	}
	switch {
	case !files.Exists(t.path):
		return module.Fail("Specified path %s does not exist", t.path)
	case link == "":
		return module.Fail("Needed to install the alternative, but unable to do so as we are missing the link")
	}
	words := []string{"--install", link, t.name, t.path, strconv.Itoa(priority)}
	if !given {
		wanted = have.subs
	} else {
		for _, s := range wanted {
			words = append(words, "--slave", s.link, s.name, s.path)
		}
	}
	if t.env.Diff {
		fill(t.after, t.path, priority, link, wanted)
	}
	return t.change("Install alternative '"+t.path+"' for '"+t.name+"'.", words...)
}

var (
	modeLine  = lazyregexp.New(`(?m)\s-\s(?:status\sis\s)?(\w*)(?:\smode|.)$`)
	pathLine  = lazyregexp.New(`(?m)^\s*link currently points to (.*)$`)
	linkLine  = lazyregexp.New(`(?m)^\s*link \w+ is (.*)$`)
	slaveLink = lazyregexp.New(`(?m)^\s*(?:slave|follower) (\S+) is (.*)$`)
	entryLine = lazyregexp.New(`(?m)^(/.*)\s-\s(?:family\s\S+\s)?priority\s(\d+)((?:\s+(?:slave|follower).*)*)`)
	slavePath = lazyregexp.New(`(?m)^\s+(?:slave|follower) (.*): (.*)$`)
)

// parse reads update-alternatives --display. Where it does not say what links
// go along, those that are wanted tell.
func parse(text string, wanted []sub) state {
	s := state{all: map[string]alternative{}}
	first := func(re *lazyregexp.Regexp) string {
		if m := re.FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
	if s.mode = first(modeLine); s.mode == "" {
		return s
	}
	s.path, s.link = first(pathLine), first(linkLine)
	links := map[string]string{}
	for _, m := range slaveLink.FindAllStringSubmatch(text, -1) {
		links[m[1]] = m[2]
	}
	if len(links) == 0 {
		for _, w := range wanted {
			links[w.name] = w.link
		}
	}
	for _, m := range entryLine.FindAllStringSubmatch(text, -1) {
		a := alternative{}
		a.priority, _ = strconv.Atoi(m[2]) // the pattern has digits only
		for _, f := range slavePath.FindAllStringSubmatch(m[3], -1) {
			if f[2] != "(null)" {
				a.subs = append(a.subs, sub{f[1], f[2], links[f[1]]})
			}
		}
		s.all[m[1]] = a
	}
	return s
}
