package executor

import (
	"context"
	"fmt"
	"slices"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/executor/strategy"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// meta carries out a meta task for the hosts that have come to it.
func (p *playRun) meta(ctx context.Context, t *playbook.Task, runners []*strategy.Runner) error {
	first := &taskRun{playRun: p, task: t, host: p.hosts[runners[0].Host]}
	action, err := p.Engine.ResolveString(first.context(ctx, first.scope()), t.Args.At("_raw_params"))
	if err != nil {
		return at(t.Pos, err)
	}
	perHost := slices.Contains([]string{"noop", "flush_handlers", "end_host", "reset_connection"}, action)
	for _, r := range runners {
		tr := &taskRun{playRun: p, task: t, host: p.hosts[r.Host], info: p.info(t, p.taskName(ctx, t, r.Host))}
		if !t.Implicit {
			p.tell(event.TaskStart{Task: tr.info, Hosts: []string{r.Host}, Banner: true})
		}
		yes, err := p.metaCondition(ctx, tr, action)
		if err != nil {
			return at(t.Pos, err)
		}
		if !yes {
			p.tell(event.Result{Task: tr.info, Host: r.Host, Status: event.Skipped, Result: value.MapOf("msg", action, "skipped", true, "skip_reason", action+" conditional evaluated to False")})
			r.Cursor.Advance()
			if !perHost {
				p.advanceRest(runners, r)
				return nil
			}
			continue
		}
		if err := p.metaOne(ctx, tr, action, r); err != nil {
			return err
		}
		if !t.Implicit {
			p.tell(event.Message{Verbosity: 2, Text: "META: " + metaText(action, r.Host)})
		}
		if t.Handler {
			delete(p.notified[t], r.Host)
		}
		if !perHost {
			p.advanceRest(runners, r)
			return nil
		}
	}
	return nil
}

// metaText says what a meta task did.
func metaText(action, host string) string {
	switch action {
	case "flush_handlers":
		return "triggered running handlers for " + host
	case "refresh_inventory":
		return "inventory successfully refreshed"
	case "clear_facts":
		return "facts cleared"
	case "clear_host_errors":
		return "cleared host errors"
	case "end_batch":
		return "ending batch"
	case "end_play":
		return "ending play"
	case "end_host":
		return "ending play for " + host
	case "reset_connection":
		return "reset connection"
	}
	return action
}

func (p *playRun) advanceRest(runners []*strategy.Runner, done *strategy.Runner) {
	for _, r := range runners {
		if r != done && r.Cursor.Next() != nil {
			r.Cursor.Advance()
		}
	}
}

func (p *playRun) metaCondition(ctx context.Context, tr *taskRun, action string) (bool, error) {
	if len(tr.task.When) == 0 {
		return true, nil
	}
	switch action {
	case "noop", "refresh_inventory", "reset_connection":
		p.warn(action + " task does not support when conditional")
		return true, nil
	}
	c := tr.context(ctx, tr.scope())
	for _, cond := range tr.task.When {
		ok, err := p.Engine.Condition(c, cond.Expr)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (p *playRun) metaOne(ctx context.Context, tr *taskRun, action string, r *strategy.Runner) error {
	switch action {
	case "noop":
		r.Cursor.Advance()
	case "flush_handlers":
		if r.Cursor.InHandlers() {
			return at(tr.task.Pos, fmt.Errorf("flush_handlers cannot be used as a handler"))
		}
		p.flushInto(r)
	case "refresh_inventory":
		r.Cursor.Advance()
		return p.refreshInventory(ctx)
	case "clear_facts":
		for _, h := range p.batch {
			p.Vars.ClearFacts(h)
			if p.Facts != nil {
				if err := p.Facts.Clear(h.Name); err != nil {
					p.warn("cached facts of " + h.Name + " could not be removed: " + err.Error())
				}
			}
		}
		r.Cursor.Advance()
	case "clear_host_errors":
		for _, o := range p.runners {
			delete(p.failed, o.Host)
			delete(p.lost, o.Host)
			delete(p.removed, o.Host)
			o.Cursor.ClearFailed()
		}
		p.doomed, p.fatalHosts = false, nil
		p.refreshMagic()
		r.Cursor.Advance()
	case "end_play", "end_batch":
		for _, o := range p.runners {
			if !p.lost[o.Host] {
				o.Cursor.End()
			}
		}
		p.endPlay = p.endPlay || action == "end_play"
	case "end_host":
		r.Cursor.End()
		p.removed[r.Host] = true
		p.refreshMagic()
	case "reset_connection":
		it := &item{taskRun: tr, scope: tr.scope()}
		it.c = tr.context(ctx, it.scope)
		target, err := it.connect()
		if err == nil {
			err = target.Reset(ctx)
		}
		if err != nil {
			p.warn("reset_connection: " + err.Error())
		}
		r.Cursor.Advance()
	case "role_complete":
		r.Cursor.Advance()
	default:
		return at(tr.task.Pos, fmt.Errorf("invalid meta action requested: %s", action))
	}
	return nil
}

func (p *playRun) refreshInventory(ctx context.Context) error {
	if p.Refresh == nil {
		return nil
	}
	inv, err := p.Refresh(ctx)
	if err != nil {
		return err
	}
	p.Inventory = inv
	p.Vars.Refresh(inv)
	for name := range p.hosts {
		if h := inv.LookupHost(name); h != nil {
			p.hosts[name] = h
		}
	}
	return nil
}

// varsFiles reads vars_files: of each entry the first file that exists.
func (p *playRun) varsFiles(c *template.Context) error {
	var files []*value.Map
	for _, entry := range p.play.VarsFiles {
		candidates, ok := entry.([]any)
		if !ok {
			candidates = []any{entry}
		}
		m, err := p.firstVarsFile(c, candidates)
		if err != nil {
			return at(p.play.Pos, err)
		}
		if m != nil {
			files = append(files, m)
			p.vars.SetFiles(files)
		}
	}
	return nil
}

func (p *playRun) firstVarsFile(c *template.Context, candidates []any) (*value.Map, error) {
	env := p.env(nil, p.play)
	var missing error
	for _, raw := range candidates {
		v, err := p.Engine.Resolve(c, raw)
		if err != nil && len(p.batch) > 0 {
			// The name may depend on the host; the first host's variables decide.
			inner := *c
			inner.Vars = p.vars.Scope(p.batch[0], nil)
			v, err = p.Engine.Resolve(&inner, raw)
		}
		if err != nil {
			p.tell(event.Message{Verbosity: 3, Text: fmt.Sprintf("skipping vars_file '%s' due to an undefined variable", template.Str(value.Plain(raw)))})
			return nil, nil
		}
		name, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("Invalid vars_files entry found: %s\nvars_files entries should be either a string type or a list of string types after template expansion", template.Repr(v))
		}
		path, err := env.FindFile("vars", name)
		if err != nil {
			missing = fmt.Errorf("vars file %s was not found", template.Str(value.Plain(raw)))
			continue
		}
		data, err := p.LoadVars(path)
		if err != nil {
			return nil, err
		}
		switch m := data.(type) {
		case nil:
			return value.NewMap(0), nil
		case *value.Map:
			return m, nil
		case []any: // of dictionaries, the last of which counts most
			all := value.NewMap(8)
			for _, e := range m {
				if e, ok := e.(*value.Map); ok {
					all.Update(e)
					continue
				}
				return nil, fmt.Errorf("%s: a file of variables must hold a dictionary, or a list of them", path)
			}
			return all, nil
		}
		return nil, fmt.Errorf("%s: a file of variables must hold a dictionary, or a list of them", path)
	}
	return nil, missing
}
