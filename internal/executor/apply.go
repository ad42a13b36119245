package executor

import (
	"slices"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/value"
)

// apply makes an outcome take effect: variables, handlers, the inventory, the
// counts, and where the host goes next.
func (p *playRun) apply(d done) error {
	t, out, r := d.step.task, d.out, d.runner
	tr := &taskRun{playRun: p, task: t, host: p.hosts[r.Host], info: p.info(t, p.shownName(t, r.Host))}
	if err := p.takeEffect(d); err != nil {
		return err
	}
	for _, item := range out.items {
		if item.inventory() && !d.told {
			tr.tellItem(item, item.spent)
		}
	}
	ev := tr.event(out)
	count := p.counts(r.Host)
	ran := false
	switch {
	case out.unreachable && !out.failed:
		if out.ignored {
			count.OK++
			count.Ignored++
			p.advance(d)
		} else {
			p.loseHost(d)
			count.Unreachable++
		}
	case out.failed:
		ran = true
		if out.ignored {
			count.OK++
			count.Ignored++
			if out.changed {
				count.Changed++
			}
			p.advance(d)
		} else {
			ev.Rescued = r.Cursor.Rescuable() && !r.Cursor.InHandlers()
			p.failHost(d, count)
		}
	case out.skipped:
		count.Skipped++
		p.advance(d)
	default:
		ran = true
		count.OK++
		if out.changed {
			count.Changed++
		}
	}
	if ran && t.Role != nil {
		mark(p.roleRan, r.Host, t.Role.Key)
	}
	if !out.failed && !out.unreachable && !out.skipped {
		// A change of the inventory is told by changed_when or comes too late.
		late := out.inventory() && t.ChangedWhen == nil && out.items == nil
		if out.changed && !late {
			if err := p.notify(out.notify, r.Host, d.step); err != nil {
				return err
			}
		}
	}
	if ran && !out.failed {
		p.advance(d)
	}
	p.register(d)
	if t.Handler {
		delete(p.notified[t], r.Host)
	}
	if !d.told {
		p.tell(ev)
	}
	return nil
}

func (p *playRun) shownName(t *playbook.Task, host string) string {
	if n, ok := p.names[t]; ok {
		return n
	}
	return p.taskName(nil, t, host)
}

// advance moves the host on, and with run_once those that it stood for.
func (p *playRun) advance(d done) {
	d.runner.Cursor.Advance()
	for _, o := range d.step.others {
		o.Cursor.Advance()
	}
}

func (p *playRun) loseHost(d done) {
	p.lost[d.runner.Host] = true
	p.removed[d.runner.Host] = true
	d.runner.Cursor.End()
	p.drop(d.runner)
	for _, o := range d.step.others {
		o.Cursor.Advance()
	}
	if d.out.fatal || d.step.once {
		d.step.fatal = true
	}
	p.refreshMagic()
}

func (p *playRun) failHost(d done, count *event.Counts) {
	r := d.runner
	p.removed[r.Host] = !r.Cursor.Rescuable()
	switch {
	case r.Cursor.InHandlers():
		// Ansible counts a handler's failure as one even where a rescue goes on.
		count.Failed++
	case r.Cursor.Rescuable():
		count.Rescued++
		p.Vars.Tell(p.hosts[r.Host], value.MapOf("ansible_failed_task", p.failedTask(d.step.task), "ansible_failed_result", d.out.result))
	default:
		count.Failed++
	}
	if d.out.fatal || d.step.once {
		d.step.fatal = true
	}
	fail := func(c interface{ Fail() bool }, host string, failed func() bool) {
		c.Fail()
		if failed() {
			p.failed[host] = true
			p.removed[host] = true
		}
	}
	fail(r.Cursor, r.Host, func() bool { return r.Cursor.Failed })
	if d.step.once {
		// A task that stands for all hosts because the user says so fails for all;
		// one that always runs once (add_host) for its host alone.
		for _, o := range d.step.others {
			if runOnce(d.step.task) {
				fail(o.Cursor, o.Host, func() bool { return o.Cursor.Failed })
			} else {
				o.Cursor.Advance()
			}
		}
	}
	p.refreshMagic()
}

func (p *playRun) failedTask(t *playbook.Task) *value.Map {
	name, _ := value.Plain(t.Name).(string) // empty where the playbook gives none
	return value.MapOf("name", name, "action", t.Action, "args", value.Plain(t.Args), "register", nilIfEmpty(t.Register),
		"tags", value.Plain(slices.Clone(t.Tags)), "path", t.Pos.String())
}

func nilIfEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// forHosts are the hosts whose variables a result changes: with run_once, all of
// the batch, wherever in the play they are.
func (p *playRun) forHosts(d done) []*inventory.Host {
	out := []*inventory.Host{p.hosts[d.runner.Host]}
	if runOnce(d.step.task) {
		for _, o := range p.runners {
			if o != d.runner && !p.lost[o.Host] {
				out = append(out, p.hosts[o.Host])
			}
		}
	}
	return out
}

// runOnce reports whether the user asks for run_once.
func runOnce(t *playbook.Task) bool {
	v, ok := t.Get(playbook.RunOnce)
	return ok && v != false
}

func (p *playRun) register(d done) {
	name := d.step.task.Register
	if name == "" {
		return
	}
	clean := withoutInternal(d.out.result)
	clean.Delete("invocation")
	for _, h := range p.forHosts(d) {
		p.Vars.Tell(h, value.MapOf(name, clean))
	}
}

// takeEffect carries out what control modules asked for.
func (p *playRun) takeEffect(d done) error {
	if d.out.failed && !d.out.looped || d.out.unreachable && !d.out.looped {
		if !d.out.ignored && len(d.out.effects) == 0 {
			return nil
		}
	}
	outs := d.out.items
	if outs == nil {
		outs = []*outcome{d.out}
	}
	inventoryChanged := false
	for _, out := range outs {
		for _, e := range out.effects {
			if err := p.effect(d, out, e, &inventoryChanged); err != nil {
				return err
			}
		}
	}
	if inventoryChanged {
		p.Vars.InventoryChanged()
	}
	return nil
}

func (p *playRun) effect(d done, out *outcome, e effect, inventoryChanged *bool) error {
	hosts := p.forHosts(d)
	switch v := e.Effect.(type) {
	case module.SetFacts:
		for _, h := range p.factHosts(d, out, hosts) {
			p.Vars.Set(h, v.Vars, e.foreign)
			if v.Cacheable {
				p.addFacts(h, v.Vars)
			}
		}
	case module.IncludeVars:
		for _, h := range p.factHosts(d, out, hosts) {
			p.Vars.Include(h, v.Vars)
		}
	case module.AddHost:
		vars := v.Vars
		if len(e.foreign) > 0 {
			p.Vars.Added(v.Name, vars)
		} else { // templates of somebody else are text
			vars = value.MarkTemplates(vars, d.step.task.Pos).(*value.Map)
		}
		changed := p.Inventory.AddHost(v.Name, v.Groups, vars)
		p.Run.added = append(p.Run.added, func(inv *inventory.Inventory) { inv.AddHost(v.Name, v.Groups, vars) })
		*inventoryChanged = true
		p.effectChanged(d, out, changed)
	case module.AddGroup:
		changed := p.Inventory.AddToGroup(p.hosts[d.runner.Host], v.Group, v.Parents)
		p.Run.added = append(p.Run.added, func(inv *inventory.Inventory) {
			if h := inv.LookupHost(d.runner.Host); h != nil {
				inv.AddToGroup(h, v.Group, v.Parents)
			}
		})
		*inventoryChanged = true
		p.effectChanged(d, out, changed)
	case module.SetStats:
		p.setStats(v, hosts)
	}
	if e.facts != nil {
		for _, h := range p.factHosts(d, out, hosts) {
			p.addFacts(h, e.facts)
		}
	}
	return nil
}

// effectChanged sets changed of a task whose change shows only when it takes
// effect (add_host, group_by).
func (p *playRun) effectChanged(d done, out *outcome, changed bool) {
	if len(d.step.task.ChangedWhen) > 0 {
		return
	}
	set := func(o *outcome, changed bool) {
		o.changed = changed
		o.result.Set("changed", changed)
	}
	set(out, changed)
	if out != d.out {
		results, _ := d.out.result.At("results").([]any)
		if i := slices.Index(d.out.items, out); i >= 0 && i < len(results) {
			results[i].(*value.Map).Set("changed", changed) // that of the loop has a copy
		}
		set(d.out, slices.ContainsFunc(d.out.items, func(o *outcome) bool { return o.changed }))
	}
}

// inventory reports whether the outcome changes the inventory: it is told only
// when it has taken effect, since only then it is known to have changed.
func (out *outcome) inventory() bool {
	return slices.ContainsFunc(out.effects, func(e effect) bool {
		switch e.Effect.(type) {
		case module.AddHost, module.AddGroup:
			return true
		}
		return false
	})
}

func (p *playRun) addFacts(h *inventory.Host, facts *value.Map) {
	p.Vars.AddFacts(h, facts)
	if p.Facts != nil {
		if err := p.Facts.Store(h.Name, p.Vars.Facts(h)); err != nil {
			p.warn("facts of " + h.Name + " could not be kept: " + err.Error())
		}
	}
}

// factHosts are the hosts that get the facts: with delegate_facts, the host
// that the task was delegated to.
func (p *playRun) factHosts(d done, out *outcome, hosts []*inventory.Host) []*inventory.Host {
	if out.delegate == nil {
		return hosts
	}
	v, ok := d.step.task.Get(playbook.DelegateFacts)
	if !ok {
		return hosts
	}
	tr := &taskRun{playRun: p, task: d.step.task, host: p.hosts[d.runner.Host]}
	if yes, err := p.flag(tr.context(nil, tr.scope()), v, false); err == nil && yes {
		return []*inventory.Host{out.delegate}
	}
	return hosts
}

func (p *playRun) setStats(s module.SetStats, hosts []*inventory.Host) {
	names := []string{"_run"}
	if s.PerHost {
		names = hostNames(hosts)
	}
	for _, n := range names {
		m := p.custom[n]
		if m == nil {
			m = value.NewMap(4)
			p.custom[n] = m
		}
		for k, v := range s.Data.All() {
			old, had := m.Get(k)
			if had && s.Aggregate {
				v = aggregate(old, v)
			}
			m.Set(k, v)
		}
	}
}

// aggregate adds what set_stats gives to what was there.
func aggregate(old, v any) any {
	switch o := old.(type) {
	case int:
		if n, ok := v.(int); ok {
			return o + n
		}
	case float64:
		if n, ok := v.(float64); ok {
			return o + n
		}
	case string:
		if s, ok := v.(string); ok {
			return o + s
		}
	case []any:
		if l, ok := v.([]any); ok {
			return append(slices.Clone(o), l...)
		}
	case *value.Map:
		if m, ok := v.(*value.Map); ok {
			out := o.Clone()
			for k, e := range m.All() {
				if have, ok := out.Get(k); ok {
					e = aggregate(have, e)
				}
				out.Set(k, e)
			}
			return out
		}
	}
	return v
}
