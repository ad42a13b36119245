package executor

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/executor/strategy"
	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vars"
)

// playRun is one batch of one play. Its fields belong to the goroutine that
// runs the loop in run; tasks get what they need when they are started.
type playRun struct {
	*Run
	play         *playbook.Play
	vars         *vars.Play
	name         string
	all          []string // names of all hosts of the play
	removed      map[string]bool
	strategyName string

	batch    []*inventory.Host
	runners  []*strategy.Runner
	byName   map[string]*strategy.Runner
	hosts    map[string]*inventory.Host
	handlers []*playbook.Task
	notified map[*playbook.Task]map[string]bool
	// roles tells which uses of roles a host has finished, and in which of them
	// at least one task ran.
	rolesDone    map[string]map[string]bool
	roleRan      map[string]map[string]bool
	names        map[*playbook.Task]string // as shown
	force        bool
	handlerNames map[*playbook.Task]string
	endPlay      bool // meta: end_play ends the later batches too
	stopped      bool // the play ends for everybody (any_errors_fatal, end_play)
	broke        bool // and the run with it
	maxFail      float64
	err          error

	files *varsFiles // nil without vars_files

	// ahead are tasks that run before their turn, and early is who runs them.
	ahead map[*strategy.Runner]map[*playbook.Task]*ahead
	early sync.WaitGroup

	// doomed is set when a failure under any_errors_fatal is on its way to end
	// the play; fatalHosts are the hosts that had it.
	doomed     bool
	fatalHosts []*strategy.Runner
}

// done is a task that has ended on a host.
type done struct {
	step   *step
	runner *strategy.Runner
	out    *outcome

	// what the debugger makes of it:
	told bool           // the result has been shown
	task *playbook.Task // as the user has changed it
	vars *value.Map     // variables that he has set
}

// step is a task on its way on some hosts.
type step struct {
	task     *playbook.Task
	hosts    []*strategy.Runner // those that run it
	others   []*strategy.Runner // run_once: those that it also counts for
	left     int
	once     bool
	outcomes map[*strategy.Runner]*outcome
	fatal    bool
}

// run plays the batch. broke tells that the run ends with it.
func (p *playRun) run(ctx context.Context, batch []*inventory.Host) (broke bool, err error) {
	if err := p.prepare(ctx, batch); err != nil {
		return false, err
	}
	next, err := strategy.ByName(p.strategyName, p.Forks)
	if err != nil {
		return false, at(p.play.Pos, err)
	}
	defer p.early.Wait()
	defer func() {
		for _, r := range p.byName {
			p.drop(r)
		}
	}()
	results := make(chan done)
	inFlight := 0
	for {
		if ctx.Err() == nil && !p.stopped && p.err == nil {
			for _, s := range next(p.runners) {
				n, err := p.begin(ctx, s, results)
				if err != nil {
					p.err = err
					break
				}
				inFlight += n
			}
		}
		p.noteFailed()
		if inFlight == 0 {
			if ctx.Err() != nil || p.err != nil || p.finished() {
				break
			}
			continue // only tasks of the executor itself ran
		}
		d := <-results
		inFlight--
		p.end(ctx, d)
		if err := p.files.failed(); err != nil && p.err == nil {
			p.err = err
		}
	}
	p.noteFailed()
	return p.broke, p.err
}

// pending reports whether a host has notified handlers that have not run.
func (p *playRun) pending(host string) bool {
	for _, hosts := range p.notified {
		if hosts[host] {
			return true
		}
	}
	return false
}

// noteFailed takes in the hosts whose failure was waiting for an always part.
func (p *playRun) noteFailed() {
	for _, r := range p.runners {
		if r.Cursor.Failed && !p.failed[r.Host] {
			p.failed[r.Host], p.removed[r.Host] = true, true
			p.refreshMagic()
		}
	}
}

// finished reports whether nobody has anything left to do.
func (p *playRun) finished() bool {
	if p.stopped {
		return true
	}
	for _, r := range p.runners {
		if r.Busy || r.Cursor.Next() != nil {
			return false
		}
	}
	return true
}

// prepare builds the hosts' cursors and the play's variables.
func (p *playRun) prepare(ctx context.Context, batch []*inventory.Host) error {
	p.byName, p.hosts = map[string]*strategy.Runner{}, map[string]*inventory.Host{}
	p.notified, p.names = map[*playbook.Task]map[string]bool{}, map[*playbook.Task]string{}
	p.rolesDone, p.roleRan = map[string]map[string]bool{}, map[string]map[string]bool{}
	p.addHandlers(p.play.Handlers)
	p.batch = batch
	c := &template.Context{Ctx: ctx, Vars: p.vars.Scope(nil, nil), Env: p.env(nil, p.play)}
	var err error
	if p.force, err = p.flag(c, p.play.ForceHandlers, p.ForceHandlers); err != nil {
		return at(p.play.Pos, err)
	}
	items, err := p.tree(c)
	if err != nil {
		return err
	}
	if err := p.checkTags(items); err != nil {
		return err
	}
	if !p.started && !p.startsIn(items) {
		items = nil // not even facts are gathered
	}
	for _, h := range batch {
		name := h.Name
		p.hosts[name] = h
		r := &strategy.Runner{Host: name, Cursor: strategy.NewCursor(items)}
		r.Cursor.Skip = func(t *playbook.Task) bool { return p.skip(name, t) }
		r.Cursor.LeftOut = p.leftOut
		if p.lost[name] || p.failed[name] {
			r.Cursor.End()
			p.removed[name] = true
		}
		p.runners = append(p.runners, r)
		p.byName[name] = r
	}
	p.refreshMagic()
	if p.maxFail, err = p.percentage(c); err != nil {
		return at(p.play.Pos, err)
	}
	if err := p.varsFiles(ctx); err != nil {
		return err
	}
	return nil
}

// tree is what every host of the play walks: fact gathering, the sections,
// and a flush of the handlers after each.
func (p *playRun) tree(c *template.Context) ([]playbook.Item, error) {
	var items []playbook.Item
	gather, err := p.gathers(c)
	if err != nil {
		return nil, at(p.play.Pos, err)
	}
	if gather {
		items = append(items, p.gatherTask())
	}
	section := func(blocks ...*playbook.Block) {
		var part []playbook.Item
		for _, b := range blocks {
			part = append(part, b)
		}
		if p.force && len(part) > 0 {
			// Forced handlers run however the section ends.
			items = append(items, &playbook.Block{Pos: p.play.Pos, Implicit: true, Keywords: &playbook.Keywords{}, Items: part, Always: []playbook.Item{p.flushTask()}})
			return
		}
		items = append(append(items, part...), p.flushTask())
	}
	section(p.play.PreTasks...)
	section(slices.Concat(p.play.RoleTasks, p.play.Tasks)...)
	section(p.play.PostTasks...)
	return items, nil
}

func (p *playRun) flushTask() *playbook.Task {
	k := &playbook.Keywords{Tags: []any{"always"}}
	return &playbook.Task{ID: p.Loader.NextID(), Pos: p.play.Pos, Kind: playbook.MetaTask, Action: "meta", Keywords: k, Own: k, Parent: k,
		Args: value.MapOf("_raw_params", "flush_handlers"), Implicit: true}
}

// refreshMagic works out which hosts are in play.
func (p *playRun) refreshMagic() {
	var in, batch, all []any
	for _, n := range p.all {
		all = append(all, n)
		if !p.removed[n] {
			in = append(in, n)
		}
	}
	for _, h := range p.batch {
		if !p.removed[h.Name] {
			batch = append(batch, h.Name)
		}
	}
	names, deps := []any{}, []any{}
	for _, r := range p.play.Roles {
		if r.Parent == nil {
			names = append(names, r.Name)
		} else {
			deps = append(deps, r.Name)
		}
	}
	union := append(slices.Clone(names), deps...)
	p.vars.SetMagic(value.MapOf("ansible_play_hosts_all", list(all), "ansible_play_hosts", list(in), "ansible_play_batch", list(batch), "play_hosts", list(batch),
		"ansible_play_name", p.name, "ansible_play_role_names", names, "role_names", names, "ansible_dependent_role_names", deps, "ansible_role_names", unique(union)))
}

func list(l []any) []any {
	if l == nil {
		return []any{}
	}
	return l
}

func unique(l []any) []any {
	out := []any{}
	for _, e := range l {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

// skip passes over tasks that tags leave out, that belong to a role the host
// has finished already, or that come before --start-at-task.
func (p *playRun) skip(host string, t *playbook.Task) bool {
	if t.Role != nil && !t.Handler && t.Kind != playbook.RoleComplete && !t.Role.AllowDuplicates && p.rolesDone[host][t.Role.Key] {
		return true
	}
	if t.Kind == playbook.RoleComplete && p.rolesDone[host][t.Role.Key] && !t.Role.AllowDuplicates {
		return true
	}
	if t.Implicit && t.Module != "" && p.Gathering == "smart" && p.Vars.Facts(p.hosts[host]).Has("module_setup") {
		return true // the host's facts are known already
	}
	if !p.started && !t.Implicit {
		if !p.startsHere(t) {
			return true
		}
		p.Run.started = true
	}
	return p.leftOut(t)
}

// leftOut reports whether the tags of the command line leave a task out; what
// the play itself brings in has none, but for the gathering of facts.
func (p *playRun) leftOut(t *playbook.Task) bool {
	return (!t.Implicit || t.Module != "") && !p.tagged(t)
}

// begin starts a step. It returns how many results will come.
func (p *playRun) begin(ctx context.Context, s strategy.Step, results chan<- done) (int, error) {
	t := s.Task
	switch t.Kind {
	case playbook.MetaTask:
		return 0, p.meta(ctx, t, s.Hosts)
	case playbook.RoleComplete:
		for _, r := range s.Hosts {
			if p.roleRan[r.Host][t.Role.Key] {
				mark(p.rolesDone, r.Host, t.Role.Key)
			}
			r.Cursor.Advance()
		}
		return 0, nil
	}
	st := &step{task: t, hosts: s.Hosts, outcomes: map[*strategy.Runner]*outcome{}}
	once, err := p.once(ctx, t, s.Hosts[0].Host)
	if err != nil {
		return 0, err
	}
	linear := p.linear()
	if !linear {
		if err := p.checkFree(t, once); err != nil {
			return 0, err
		}
	}
	if once && len(s.Hosts) > 0 && linear {
		st.once = true
		st.hosts, st.others = s.Hosts[:1], s.Hosts[1:]
	}
	name := p.taskName(ctx, t, s.Hosts[0].Host)
	info := p.info(t, name)
	if !t.Implicit || t.Module != "" {
		hosts := make([]string, len(st.hosts))
		for i, r := range st.hosts {
			hosts[i] = r.Host
		}
		p.tell(event.TaskStart{Task: info, Hosts: hosts, Banner: linear})
	}
	for _, r := range st.hosts {
		if err := p.foreseeable(ctx, t, r.Host); err != nil {
			return 0, err
		}
	}
	for _, r := range st.others {
		r.Busy = true
	}
	started := 0
	var turn chan struct{}
	for _, r := range st.hosts {
		r.Busy = true
		if p.Options.Step != nil {
			run, ask := p.Options.Step(name, r.Host)
			if !ask {
				p.Options.Step = nil
			}
			if !run {
				r.Busy = false
				r.Cursor.Advance()
				continue
			}
		}
		tr := &taskRun{playRun: p, task: t, host: p.hosts[r.Host], info: info, inRescue: r.Cursor.Rescuing()}
		carryOut := p.turn(ctx, r, tr)
		started++
		// With one fork hosts follow one another in their order, which people
		// rely on; with more, whoever is ready first goes first.
		before, after := turn, make(chan struct{})
		turn = after
		go func() { // waited for in run: each sends exactly one result
			if before != nil && p.Forks == 1 {
				<-before
			}
			out := carryOut()
			close(after)
			results <- done{step: st, runner: r, out: out}
		}()
	}
	st.left = started
	return started, nil
}

// checkFree tells of keywords that mean nothing where every host goes its way,
// and refuses modules that one host runs for all.
func (p *playRun) checkFree(t *playbook.Task, once bool) error {
	if spec := p.Modules.Spec(t.Module); spec != nil && spec.OncePerPlay {
		return at(t.Pos, fmt.Errorf("The '%s' module bypasses the host loop, which is currently not supported in the free strategy and would instead execute for every host in the inventory list.", t.Action))
	}
	if once {
		p.warn("Using run_once with the free strategy is not currently supported. This task will still be executed for every host in the inventory list.")
	}
	if v, ok := t.Get(playbook.AnyErrorsFatal); ok && v != false {
		p.warn("Using any_errors_fatal with the free strategy is not supported, as tasks are executed independently on each host")
	}
	return nil
}

// linear reports whether the hosts go through the tasks side by side.
func (p *playRun) linear() bool {
	name := strings.TrimPrefix(p.strategyName, "ansible.builtin.")
	return name == "linear" || name == "debug"
}

func mark(m map[string]map[string]bool, host, key string) {
	if m[host] == nil {
		m[host] = map[string]bool{}
	}
	m[host][key] = true
}

// end takes in the result of a task on one host.
func (p *playRun) end(ctx context.Context, d done) {
	d.step.left--
	d.step.outcomes[d.runner] = d.out
	if d.out.canceled {
		d.runner.Busy = false
		return
	}
	if err := p.debug(ctx, &d); err != nil {
		d.runner.Busy = false
		if p.err == nil {
			p.err = err
		}
		return
	}
	if d.out.include == nil {
		if err := p.apply(d); err != nil && p.err == nil {
			p.err = err
		}
	}
	if d.step.left > 0 {
		if d.out.include == nil {
			d.runner.Busy = false
		}
		return
	}
	p.endStep(ctx, d.step)
}

// endStep closes a step that has ended on all its hosts.
func (p *playRun) endStep(ctx context.Context, s *step) {
	if err := p.include(ctx, s); err != nil && p.err == nil {
		p.err = err
	}
	for _, r := range slices.Concat(s.hosts, s.others) {
		r.Busy = false
	}
	if s.fatal {
		p.endsAll(s)
	}
	if p.maxFail >= 0 && len(p.batch) > 0 {
		failed := 0
		for _, h := range p.batch {
			if p.failed[h.Name] || p.lost[h.Name] {
				failed++
			}
		}
		if float64(failed) > math.Floor(p.maxFail/100*float64(len(p.batch))*1e6)/1e6 {
			p.stop()
		}
	}
	if p.doomed && !p.stopped {
		p.doom()
	}
}
