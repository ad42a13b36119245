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
			p.tell(event.TaskStart{Task: tr.info, Hosts: []string{r.Host}, Banner: p.linear()})
		}
		yes, err := p.metaCondition(ctx, tr, action)
		if err != nil {
			return at(t.Pos, err)
		}
		if !yes {
			reason := action + " conditional evaluated to False" + metaInstead(action, r.Host)
			p.tell(event.Result{Task: tr.info, Host: r.Host, Status: event.Skipped, Result: value.MapOf("msg", action, "skipped", true, "skip_reason", reason)})
			p.tell(event.Message{Verbosity: 2, Text: "META: " + reason})
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

// metaInstead says what a meta task whose condition is false leaves as it is.
func metaInstead(action, host string) string {
	switch action {
	case "flush_handlers":
		return ", not running handlers for " + host
	case "clear_facts":
		return ", not clearing facts and fact cache for " + host
	case "clear_host_errors":
		return ", not clearing host error state for " + host
	case "end_batch":
		return ", continuing current batch"
	case "end_play":
		return ", continuing play"
	case "end_host":
		return ", continuing execution for " + host
	}
	return ""
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
	for _, add := range p.Run.added {
		add(inv)
	}
	p.Inventory = inv
	p.Vars.Refresh(inv)
	for name := range p.hosts {
		if h := inv.LookupHost(name); h != nil {
			p.hosts[name] = h
		}
	}
	return p.chooseAgain(ctx)
}

// chooseAgain leaves only those of the batch in the play that the inventory, as it
// is now, has for it. One that comes back later goes on where it was.
func (p *playRun) chooseAgain(ctx context.Context) error {
	c := &template.Context{Ctx: ctx, Vars: p.vars.Scope(nil, nil), Env: p.env(nil, p.play)}
	hosts, err := p.Run.hosts(c, p.play)
	if err != nil {
		return err
	}
	p.all = hostNames(hosts)
	if hosts, err = p.inOrder(c, p.play, hosts); err != nil {
		return err
	}
	p.runners, p.batch = nil, nil
	for _, h := range hosts {
		if r := p.byName[h.Name]; r != nil {
			p.runners, p.batch = append(p.runners, r), append(p.batch, h)
		}
	}
	p.refreshMagic()
	return nil
}
