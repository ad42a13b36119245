package executor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/executor/strategy"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// include is one file or role that a host asks for.
type include struct {
	name  string     // as asked for, evaluated
	args  *value.Map // of include_role, evaluated
	vars  *value.Map // the loop's variables
	label string
}

// key is the same for hosts that may share what is read.
func (i *include) key() string {
	return string(value.JSON{SortKeys: true}.Append(nil, []any{i.name, i.args, i.vars}))
}

// resolveInclude evaluates what an include asks for.
func (it *item) resolveInclude() (*module.Result, error) {
	inc := &include{vars: value.NewMap(0), label: it.label}
	if v, ok := it.scope.Lookup("ansible_loop_var"); ok && it.task.Loop != nil {
		for _, n := range []string{"ansible_loop_var", template.Str(v), "ansible_index_var", "ansible_loop"} {
			if e, ok := it.scope.Lookup(n); ok {
				inc.vars.Set(n, e)
			}
		}
		if n, ok := it.scope.Lookup("ansible_index_var"); ok {
			if e, ok := it.scope.Lookup(template.Str(n)); ok {
				inc.vars.Set(n, e)
			}
		}
	}
	if it.taskRun.foreign { // what is included must not take the item for the user's
		inc.vars = value.Unsafe(inc.vars).(*value.Map)
	}
	args := value.NewMap(4)
	for k, raw := range it.task.Args.Strings() {
		if k == "apply" {
			continue
		}
		v, err := it.Engine.Resolve(it.c, raw)
		if err != nil {
			return nil, err
		}
		if v != template.Omit {
			args.Set(k, v)
		}
	}
	res := module.OK()
	if it.task.Kind == playbook.IncludeTasks {
		name := strings.TrimSpace(template.Str(args.At("_raw_params")))
		if args.At("_raw_params") == nil || name == "" {
			return module.Fail("No include file was specified to the include"), nil
		}
		inc.name = name
	} else {
		inc.name, inc.args = template.Str(args.At("name")), args
	}
	said := value.Plain(it.task.Args).(*value.Map).Clone() // as written
	said.Delete("_raw_params")
	res.Set("include_args", said)
	return res.Set("include", []*include{inc}), nil
}

// group is one thing to bring in, and for whom.
type group struct {
	*include
	runners []*strategy.Runner
	seq     int
	blocks  []*playbook.Block
}

// include brings in what the hosts of a step asked for. Hosts that ask for the
// same share one reading of it.
func (p *playRun) include(ctx context.Context, s *step) error {
	var groups []*group
	byKey := map[string]*group{}
	asked := false
	for _, r := range s.hosts {
		out := s.outcomes[r]
		if out == nil || out.include == nil {
			continue
		}
		asked = true
		if out.failed || out.unreachable {
			// one of the items failed: the rest is not brought in
			if err := p.apply(done{step: s, runner: r, out: out}); err != nil {
				return err
			}
			continue
		}
		times := map[string]int{}
		for _, inc := range out.include {
			k := inc.key()
			times[k]++ // a loop may bring in the same more than once
			k += "\x00" + itoa(times[k])
			g := byKey[k]
			if g == nil {
				g = &group{include: inc, seq: len(groups)}
				byKey[k] = g
				groups = append(groups, g)
			}
			g.runners = append(g.runners, r)
		}
	}
	if !asked {
		return nil
	}
	failed := map[*strategy.Runner]bool{}
	for _, g := range groups {
		if err := p.bringIn(ctx, s, g, failed); err != nil {
			return err
		}
	}
	for _, r := range s.hosts {
		out := s.outcomes[r]
		if out == nil || out.include == nil || out.failed || out.unreachable || failed[r] {
			continue
		}
		var blocks []*playbook.Block
		var seqs []int
		for _, g := range groups {
			if !slices.Contains(g.runners, r) {
				continue
			}
			for i, b := range g.blocks {
				blocks = append(blocks, b)
				seqs = append(seqs, g.seq*1000+i)
			}
		}
		if s.task.Handler {
			delete(p.notified[s.task], r.Host)
		}
		p.register(done{step: s, runner: r, out: out})
		r.Cursor.Insert(blocks, seqs)
		for _, o := range s.others { // run_once: they go on without it
			o.Cursor.Advance()
		}
	}
	return nil
}

// bringIn reads one file or role and tells about it.
func (p *playRun) bringIn(ctx context.Context, s *step, g *group, failed map[*strategy.Runner]bool) error {
	hosts := make([]string, len(g.runners))
	for i, r := range g.runners {
		hosts[i] = r.Host
	}
	fail := func(err error) error {
		var ps diag.Problems
		if errors.As(err, &ps) {
			return err // the file itself is wrong: that is a mistake of the playbook
		}
		for _, r := range g.runners {
			// A file that is missing counts for each that asks for it, whether or
			// not a rescue part takes over; a role that is missing does not.
			if s.task.Kind == playbook.IncludeTasks {
				p.counts(r.Host).Failed++
			}
			if failed[r] {
				continue
			}
			failed[r] = true
			out := failure(err.Error())
			out.result = value.MapOf("reason", err.Error()+placeText(s.task.Pos))
			out.ignored = false
			tr := &taskRun{playRun: p, task: s.task, host: p.hosts[r.Host], info: p.info(s.task, p.shownName(s.task, r.Host))}
			p.tell(tr.event(out))
			if p.fatal(s.task) {
				s.fatal = true
				s.outcomes[r] = out
			}
			r.Cursor.Fail()
			p.removed[r.Host] = true
		}
		return nil
	}
	if s.task.Kind == playbook.IncludeRole {
		role, err := p.Loader.IncludedRole(s.task, g.args, p.play, g.vars)
		if err != nil {
			var ps diag.Problems
			if errors.As(err, &ps) && len(ps) == 1 && strings.Contains(ps[0].Msg, "was not found in") {
				p.tell(event.Message{Kind: event.Warning, Text: ps[0].Error()})
				return fail(errors.New(ps[0].Msg))
			}
			return err
		}
		p.addHandlers(role.AllHandlers())
		if role.Public {
			for _, r := range role.WithDependencies() {
				p.vars.AddRole(r)
			}
		}
		g.blocks = role.Compile()
		return nil
	}
	path, tried := playbook.FindTaskFile(g.name, s.task.Dir, s.task.Role, s.task.Handler, p.play)
	if path == "" {
		where := g.name
		if len(tried) > 0 {
			where = tried[0]
		}
		return fail(fmt.Errorf("Could not find or access '%s' on the Ansible Controller.", where))
	}
	block, err := p.Loader.Tasks(s.task, path, p.play, g.vars)
	if err != nil {
		return fail(err)
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	for _, r := range g.runners {
		p.counts(r.Host).OK++
	}
	g.blocks = []*playbook.Block{block}
	p.addHandlers(block.Handlers)
	p.tell(event.Included{File: path, Hosts: hosts, Label: g.includeLabel()})
	return nil
}

func (g *group) includeLabel() string {
	v, ok := g.vars.Get("ansible_loop_var")
	if !ok {
		return ""
	}
	if g.label != "" {
		return g.label
	}
	return template.Str(g.vars.At(template.Str(v)))
}
