package executor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/parallel"
)

// here settles where a module's work on the controller runs: whatever host the
// task is for, its machine is this one.
func (it *item) here(r *resolved) error {
	if r.Async > 0 {
		every, err := it.count(it.task.Poll, "poll", 15)
		if err != nil {
			return err
		}
		if every <= 0 {
			return fmt.Errorf("%s runs on the controller and cannot outlive its task: async needs a poll above 0 here", r.Module)
		}
	}
	it.target = it.Targets.Target(Connection{Kind: "local", RemoteTmp: it.Connection.RemoteTmp})
	return nil
}

// work does a module's work on the controller. With async it is bounded in
// time as the background job would be.
func (it *item) work(ctx context.Context, r *resolved) (*module.Result, error) {
	run := ctx
	if r.Async > 0 {
		var cancel context.CancelFunc
		run, cancel = context.WithTimeoutCause(ctx, time.Duration(r.Async)*time.Second, errAsync)
		defer cancel()
	}
	res, err := r.work.Do(run, pacer{it})
	switch {
	case err != nil && (ctx.Err() != nil || errors.Is(err, module.ErrAgain)):
		return nil, err
	case errors.Is(context.Cause(run), errAsync) && (err != nil || res.Failed):
		res = module.Fail("async task did not complete within the requested time - %ds", r.Async)
	case err != nil:
		res = module.Fail("%s", err)
	}
	return it.conclude(r, res), nil
}

var errAsync = errors.New("the time for the task has passed")

// scrubbed is an error without secrets.
func (it *item) scrubbed(err error) error {
	if text, clean := err.Error(), scrub(err.Error(), it.secret).(string); clean != text {
		return errors.New(clean)
	}
	return err
}

// pacer takes tokens from the run's manager in the name of a task.
type pacer struct{ it *item }

// Token implements module.Pacer.
func (p pacer) Token(ctx context.Context, h parallel.Hint) error {
	if h.Kind != parallel.RateLimited {
		return fmt.Errorf("%s is no rate: only tokens can be taken while a task works", h)
	}
	lease, err := p.it.Locks.Acquire(ctx, parallel.Request{Hints: []parallel.Hint{h}, Owner: p.it.owner()})
	lease.Release() // a token is spent, there is nothing to hold
	return err
}

// Throttled implements module.Pacer.
func (p pacer) Throttled(key string) { p.it.Locks.Throttled(key) }
