package cli

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/tutti-run/tutti/internal/executor"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// listBooks prints what --list-hosts, --list-tasks and --list-tags ask for, as
// ansible-playbook does.
func (ses *session) listBooks(_ context.Context, books []*playbook.Playbook, names []string, o *playOptions) error {
	for i, pb := range books {
		fmt.Fprintf(ses.Out, "\nplaybook: %s\n", names[i])
		if o.syntaxCheck && !o.listHosts && !o.listTasks && !o.listTags {
			continue
		}
		for n, p := range pb.Plays {
			if err := ses.listPlay(n+1, p, o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (ses *session) listPlay(number int, p *playbook.Play, o *playOptions) error {
	v := ses.vars.NewPlay(p)
	c := &template.Context{Vars: v.Scope(nil, nil), Env: ses.env()}
	hosts, err := ses.engine.Resolve(c, p.Hosts)
	if err != nil {
		hosts = value.Plain(p.Hosts)
	}
	var patterns []string
	if l, ok := hosts.([]any); ok {
		for _, e := range l {
			patterns = append(patterns, template.Str(e))
		}
	} else {
		patterns = []string{template.Str(hosts)}
	}
	name := template.Str(value.Plain(p.Name))
	if resolved, err := ses.engine.ResolveString(c, p.Name); err == nil {
		name = resolved
	}
	if name == "" {
		name = strings.Join(patterns, ",")
	}
	tags := ses.tagNames(c, p.Keywords.Tags)
	fmt.Fprintf(ses.Out, "\n  play #%d (%s): %s\tTAGS: [%s]\n", number, strings.Join(patterns, ","), name, strings.Join(tags, ","))
	if o.listHosts {
		if err := ses.listHosts(patterns); err != nil {
			return err
		}
	}
	if o.listTasks || o.listTags {
		l := &lister{session: ses, c: c, play: tags, all: map[string]bool{}}
		if o.listTasks {
			fmt.Fprintln(ses.Out, "    tasks:")
		}
		for _, part := range [][]*playbook.Block{p.PreTasks, p.RoleTasks, p.Tasks, p.PostTasks} {
			for _, b := range part {
				l.items(b.Items, o.listTasks)
			}
		}
		if o.listTags {
			fmt.Fprintf(ses.Out, "      TASK TAGS: [%s]\n", strings.Join(l.union(l.met()), ", "))
		}
	}
	return nil
}

func (ses *session) listHosts(patterns []string) error {
	hosts, _, err := ses.inventory.MatchAll(patterns)
	if err != nil {
		return err
	}
	if len(ses.subset) > 0 {
		limited, _, err := ses.inventory.MatchParts(ses.subset)
		if err != nil {
			return err
		}
		kept := hosts[:0:0]
		for _, h := range hosts {
			if slices.Contains(limited, h) {
				kept = append(kept, h)
			}
		}
		hosts = kept
	}
	quoted := make([]string, len(patterns))
	for i, p := range patterns {
		quoted[i] = value.Repr(p)
	}
	fmt.Fprintf(ses.Out, "    pattern: [%s]\n    hosts (%d):\n", strings.Join(quoted, ", "), len(hosts))
	for _, h := range hosts {
		fmt.Fprintf(ses.Out, "      %s\n", h.Name)
	}
	return nil
}

func (ses *session) tagNames(c *template.Context, tags []any) []string {
	seen := map[string]bool{}
	out := []string{}
	add := func(t string) {
		if t = strings.TrimSpace(t); t != "" && !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	for _, t := range tags {
		v, err := ses.engine.Resolve(c, t)
		if err != nil {
			v = value.Plain(t)
		}
		if l, ok := v.([]any); ok {
			for _, e := range l {
				add(template.Str(e))
			}
			continue
		}
		add(template.Str(v))
	}
	return out
}

// lister walks the tasks of a play that the tags let through.
type lister struct {
	*session
	c    *template.Context
	play []string
	all  map[string]bool
}

func (l *lister) items(items []playbook.Item, show bool) {
	for _, it := range items {
		switch it := it.(type) {
		case *playbook.Block:
			l.items(it.Items, show)
		case *playbook.Task:
			l.task(it, show)
		}
	}
}

func (l *lister) task(t *playbook.Task, show bool) {
	if t.Implicit && (t.Kind == playbook.MetaTask || t.Kind == playbook.RoleComplete) {
		return
	}
	own := l.tagNames(l.c, t.Tags)
	if !executor.Tagged(own, l.tags, l.skipTags) {
		return
	}
	for _, tag := range own {
		l.all[tag] = true
	}
	if !show {
		return
	}
	name := t.Action
	if text := template.Str(value.Plain(t.Name)); t.Name != nil && text != "" {
		name = text
		if t.Role != nil && t.Kind != playbook.IncludeRole {
			name = t.Role.Name + " : " + text
		}
	}
	fmt.Fprintf(l.Out, "      %s\tTAGS: [%s]\n", name, strings.Join(l.union(own), ", "))
}

// met lists the tags of all tasks walked so far.
func (l *lister) met() []string {
	out := make([]string, 0, len(l.all))
	for t := range l.all {
		out = append(out, t)
	}
	return out
}

// union is the play's tags with more, sorted.
func (l *lister) union(more []string) []string {
	seen := map[string]bool{}
	for _, t := range l.play {
		seen[t] = true
	}
	for _, t := range more {
		seen[t] = true
	}
	out := make([]string, 0, len(seen))
	for t := range seen {
		out = append(out, t)
	}
	sort.Strings(out)
	return out
}
