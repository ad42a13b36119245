package executor

import (
	"context"
	"sync"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/executor/strategy"
	"github.com/tutti-run/tutti/internal/playbook"
)

// ahead is a task that runs before its turn, since its block says that its
// tasks run together. When the host comes to it, its events are told and its
// outcome is taken in, as if it had run then.
type ahead struct {
	cancel context.CancelFunc
	ended  chan struct{} // closed when out is set
	out    *outcome

	mu   sync.Mutex // guards the following
	open bool       // its turn has come
	held []event.Event
	sink event.Sink
}

func (a *ahead) tell(e event.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open {
		a.sink(e)
		return
	}
	a.held = append(a.held, e)
}

// begin tells what was held back and lets the rest through.
func (a *ahead) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.held {
		a.sink(e)
	}
	a.open, a.held = true, nil
}

// tell tells an event when the task's turn has come.
func (t *taskRun) tell(e event.Event) {
	if t.ahead != nil {
		t.ahead.tell(e)
		return
	}
	t.Run.tell(e)
}

// runAhead starts the tasks that run together with t on a host, where the host
// comes to the first of them.
func (p *playRun) runAhead(ctx context.Context, r *strategy.Runner, t *playbook.Task) {
	together := r.Cursor.Together()
	if len(together) < 2 || p.Options.Step != nil {
		return
	}
	if p.ahead == nil {
		p.ahead = map[*strategy.Runner]map[*playbook.Task]*ahead{}
	}
	if p.ahead[r] == nil {
		p.ahead[r] = map[*playbook.Task]*ahead{}
	}
	for _, s := range together {
		if s == t || p.ahead[r][s] != nil || !p.mayRunAhead(s) {
			continue
		}
		run, cancel := context.WithCancel(ctx)
		a := &ahead{cancel: cancel, ended: make(chan struct{}), sink: p.Run.tell}
		p.ahead[r][s] = a
		tr := &taskRun{playRun: p, task: s, host: p.hosts[r.Host], info: p.info(s, p.taskName(ctx, s, r.Host)), inRescue: r.Cursor.Rescuing(), ahead: a}
		p.early.Go(func() {
			defer close(a.ended)
			a.out = tr.run(run)
		})
	}
}

// mayRunAhead leaves out what one host does for all: whose task it is shows
// only when its turn has come.
func (p *playRun) mayRunAhead(t *playbook.Task) bool {
	if t.Kind != playbook.ModuleTask {
		return false
	}
	if runOnce(t) {
		return false
	}
	spec := p.Modules.Spec(t.Module)
	return spec == nil || !spec.OncePerPlay
}

// turn is how a host's task is run now: by waiting for it, if it runs already.
func (p *playRun) turn(ctx context.Context, r *strategy.Runner, tr *taskRun) func() *outcome {
	if a := p.ahead[r][tr.task]; a != nil {
		delete(p.ahead[r], tr.task)
		return func() *outcome {
			a.begin()
			<-a.ended
			a.cancel()
			return a.out
		}
	}
	p.runAhead(ctx, r, tr.task)
	return func() *outcome { return tr.run(ctx) }
}

// drop ends what a host runs ahead and will not come to.
func (p *playRun) drop(r *strategy.Runner) {
	for t, a := range p.ahead[r] {
		a.cancel()
		delete(p.ahead[r], t)
	}
}
