package parallel_test

import (
	"context"
	"sync"
	"testing"

	"github.com/tutti-run/tutti/parallel"
	"github.com/tutti-run/tutti/parallel/audit"
	"github.com/tutti-run/tutti/parallel/paralleltest"
)

// inProcess is a Manager as a coordinator: the contract holds for it as well.
type inProcess struct {
	m *parallel.Manager

	mu    sync.Mutex // guards the following
	waits map[string]func(k parallel.Key, holder string)
}

func (c *inProcess) observe(e parallel.Event) {
	if e.Kind != parallel.Waiting {
		return
	}
	c.mu.Lock()
	waiting := c.waits[e.Owner]
	c.mu.Unlock()
	if k, ok := audit.ParseKey(e.Key); ok && waiting != nil {
		waiting(k, e.Holder)
	}
}

func (c *inProcess) Lock(ctx context.Context, keys []parallel.Key, owner string, waiting func(parallel.Key, string)) (parallel.Held, error) {
	c.mu.Lock()
	c.waits[owner] = waiting
	c.mu.Unlock()
	r := parallel.Request{Host: keys[0].Host, Owner: owner}
	for _, k := range keys {
		r.Hints = append(r.Hints, parallel.Hint{Kind: k.Kind, Name: k.Name})
	}
	lease, err := c.m.Acquire(ctx, r)
	return inProcessHeld{lease}, err
}

type inProcessHeld struct{ parallel.Lease }

func (inProcessHeld) Lost() <-chan struct{} { return nil }
func (h inProcessHeld) Unlock()             { h.Release() }

func TestManagerKeepsTheContract(t *testing.T) {
	c := &inProcess{waits: map[string]func(parallel.Key, string){}}
	c.m = parallel.New(parallel.Options{Observe: c.observe})
	paralleltest.Coordinators(t, func(*testing.T) parallel.Coordinator { return c })
}
