package executor

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/tutti-run/tutti/internal/value"
)

// loopTogether runs the items of a loop at the same time, up to
// tutti_loop_parallel of them. Results, what they register and the order in
// which they are told are as if they had run one after the other; an item does
// not see what the others registered.
func (t *taskRun) loopTogether(ctx context.Context, whole *item, items []any, lc control, outs []*outcome) {
	passes := make([]*item, len(items))
	ended := make([]chan struct{}, len(items))
	var g errgroup.Group
	g.SetLimit(lc.parallel + 1)
	nothing := value.NewMap(0)
	for i := range items {
		ended[i] = make(chan struct{})
	}
	g.Go(func() error { // tells in order, as they come to be due
		for i := range items {
			<-ended[i]
			if outs[i] != nil {
				t.endItem(passes[i], outs[i], items, i, lc)
				whole.addSpent(passes[i])
			}
		}
		return nil
	})
	for i := range items {
		g.Go(func() error {
			defer close(ended[i])
			if ctx.Err() != nil {
				return nil
			}
			passes[i] = t.item(ctx, whole, items, i, lc, nothing)
			outs[i] = passes[i].attempts(ctx)
			return nil
		})
	}
	_ = g.Wait() // nothing in it returns an error
}
