package executor

import (
	"context"
	"sync"
	"time"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// jobs are background jobs that nobody polls (poll: 0) and that hold locks. The
// lease of such a job is kept until the job has ended, or until the run has: on
// the target, the job itself holds the machine's locks.
type jobs struct {
	ctx  context.Context // the run's
	work sync.WaitGroup

	mu   sync.Mutex // guards the following
	byID map[string]chan struct{}
}

// How often a job is asked after, from eagerly to patiently.
const (
	firstAsk = 200 * time.Millisecond
	lastAsk  = time.Second
)

// keep holds on to the lease until the job has ended. It gives back the fork.
func (it *item) keep(r *resolved, lease parallel.Lease) {
	ctx := it.jobs.ctx
	lease.ReleaseSlots()
	ended := it.jobs.begin(r.job)
	target, status := it.target, statusOf(r, r.job, it.Verbosity)
	it.jobs.work.Go(func() {
		defer lease.Release()
		for ask := firstAsk; ; ask = min(2*ask, lastAsk) {
			select {
			case <-ended:
				return
			case <-ctx.Done():
				return
			case <-time.After(ask):
			}
			// A target that does not answer is asked again: the job may well run.
			if now, err := target.Do(ctx, status); err == nil && (truth(now.Get("finished")) || now.Failed) {
				return
			}
		}
	})
}

func statusOf(r *resolved, job string, verbosity int) *module.Call {
	return &module.Call{Module: "ansible.builtin.async_status", Args: value.MapOf("jid", job), Verbosity: verbosity, Environment: r.Environment}
}

func (j *jobs) begin(id string) <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.byID == nil {
		j.byID = map[string]chan struct{}{}
	}
	c := make(chan struct{})
	j.byID[id] = c
	return c
}

// ended tells that a task has seen the job's end.
func (j *jobs) ended(id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if c := j.byID[id]; c != nil {
		close(c)
		delete(j.byID, id)
	}
}

// poll waits for a background job to end, asking every poll seconds.
func (it *item) poll(ctx context.Context, r *resolved, started *module.Result) (*module.Result, error) {
	every, err := it.count(it.task.Poll, "poll", 15)
	if err != nil {
		return nil, err
	}
	if every <= 0 {
		r.job = template.Str(started.Get("ansible_job_id"))
		return started, nil
	}
	jid := template.Str(started.Get("ansible_job_id"))
	status := statusOf(r, jid, it.Verbosity)
	res := started
	for left := r.Async; left > 0; left -= every {
		if !sleep(ctx, time.Duration(every)*time.Second) {
			return nil, ctx.Err()
		}
		now, err := it.target.Do(ctx, status)
		if err != nil {
			return nil, err
		}
		res = now
		if truth(now.Get("finished")) || now.Failed {
			break
		}
		it.tell(event.AsyncPoll{Host: it.host.Name, JobID: jid, Started: 1})
	}
	if !truth(res.Get("finished")) && !res.Failed {
		last := res.ToMap()
		last.Delete("changed") // which nobody knows yet
		res = module.Fail("async task did not complete within the requested time - %ds", r.Async).Set("async_result", last)
	} else {
		_, _ = it.target.Do(ctx, &module.Call{Module: "ansible.builtin.async_status", Args: value.MapOf("jid", jid, "mode", "cleanup")})
	}
	it.tell(event.AsyncEnd{Host: it.host.Name, JobID: jid, Failed: res.Failed})
	return res, nil
}

func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case int:
		return v != 0
	}
	return false
}
