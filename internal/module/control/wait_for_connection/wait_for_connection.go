// Package waitforconnection is the module that waits until a target answers.
package waitforconnection

import (
	"context"
	"fmt"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/parallel"
)

// Module waits until the target answers on a new connection.
var Module = module.Control{
	Spec: module.Spec{
		Name: "ansible.builtin.wait_for_connection", Action: true,
		Summary: "Waits until the target answers on a new connection.",
		Params: []module.Param{
			{Name: "connect_timeout", Type: module.Int, Default: 5, Doc: "Seconds that one attempt may take."},
			{Name: "delay", Type: module.Int, Default: 0, Doc: "Seconds before the first attempt."},
			{Name: "sleep", Type: module.Int, Default: 1, Doc: "Seconds between attempts."},
			{Name: "timeout", Type: module.Int, Default: 600, Doc: "Seconds after which to give up."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Partial, Diff: module.None,
		Returns: []module.Return{{Name: "elapsed", Type: module.Int, When: "always", Doc: "Seconds that it took."}},
	},
	Plan: plan,
}

func plan(ctx context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	if c.Check() {
		return &module.Plan{Done: &module.Result{Skipped: true}}, nil
	}
	seconds := func(name string) time.Duration { return time.Duration(args.Int(name)) * time.Second }
	start := time.Now()
	if err := sleep(ctx, seconds("delay")); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(seconds("timeout"))
	err := fmt.Errorf("no attempt was made in %s", seconds("timeout"))
	for time.Now().Before(deadline) {
		if err = attempt(ctx, c, seconds("connect_timeout")); err == nil || ctx.Err() != nil {
			break
		}
		if sleep(ctx, seconds("sleep")) != nil {
			break
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r := module.OK()
	if err != nil {
		r = module.Fail("timed out waiting for ping module test: %s", err)
	}
	return &module.Plan{Done: r.Set("elapsed", int(time.Since(start).Seconds()))}, nil
}

func attempt(ctx context.Context, c module.Controller, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := c.Reset(ctx); err != nil {
		return err
	}
	return c.Ping(ctx)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
