// Package strategy decides who goes next: which host runs which task. It is
// pure: no clock, no lock, no I/O, so that its tests are plain tables.
//
// A Cursor walks one host through the tree of a play and knows about blocks,
// rescue, always, included tasks and handlers. A Strategy looks at all cursors
// and says which steps may begin. Begin with Strategy.
package strategy

import (
	"slices"

	"github.com/tutti-run/tutti/internal/playbook"
)

// The parts of a block, in the order in which hosts in lockstep reach them.
const (
	inTasks = iota
	inRescue
	inAlways
)

// Cursor is one host's place in a play. The zero Cursor is done.
type Cursor struct {
	frames []frame
	// Failed is set when the host failed for good: no rescue took it.
	Failed bool
	// Skip, if set, tells which tasks are passed over without a word.
	Skip func(*playbook.Task) bool
	// LeftOut, if set, tells which tasks can never run, whatever comes before them:
	// those that tags leave out.
	LeftOut func(*playbook.Task) bool
}

// frame is one block that is being walked.
type frame struct {
	parts  [3][]playbook.Item
	seqs   []int // of an inserted frame: the order numbers of its items
	part   int
	index  int
	failed bool // a failure goes on to the parent after the always part
	// together marks a block whose tasks run together: a failure in it waits, as
	// late, until all of them have ended.
	together bool
	late     bool
	// handlers marks the frame of a handler flush: its tasks run only where
	// want says so, asked when the host gets there.
	want func(*playbook.Task) bool
}

// NewCursor returns a cursor at the beginning of items.
func NewCursor(items []playbook.Item) *Cursor {
	return &Cursor{frames: []frame{{parts: [3][]playbook.Item{items}}}}
}

// Key orders places in a play: hosts in lockstep run the smallest first.
type Key []int

// Compare orders keys; a shorter key that is the beginning of a longer one
// comes first.
func (k Key) Compare(o Key) int { return slices.Compare(k, o) }

// Next returns the host's next task without moving on; nil at the end.
func (c *Cursor) Next() *playbook.Task {
	for len(c.frames) > 0 {
		f := &c.frames[len(c.frames)-1]
		items := f.parts[f.part]
		if f.index >= len(items) {
			c.endOfPart(f)
			continue
		}
		switch it := items[f.index].(type) {
		case *playbook.Task:
			if f.want != nil && !f.want(it) || f.want == nil && c.Skip != nil && c.Skip(it) {
				f.index++
				continue
			}
			return it
		case *playbook.Block:
			c.frames = append(c.frames, frame{parts: [3][]playbook.Item{it.Items, c.unlessLeftOut(it.Rescue), it.Always}, together: it.Together})
		}
	}
	return nil
}

// unlessLeftOut returns the items, or nothing if all tasks in them are left out:
// a rescue part without a task rescues nobody.
func (c *Cursor) unlessLeftOut(items []playbook.Item) []playbook.Item {
	if c.LeftOut == nil || slices.ContainsFunc(items, c.canRun) {
		return items
	}
	return nil
}

func (c *Cursor) canRun(item playbook.Item) bool {
	switch it := item.(type) {
	case *playbook.Task:
		return !c.LeftOut(it)
	case *playbook.Block:
		return slices.ContainsFunc(slices.Concat(it.Items, it.Rescue, it.Always), c.canRun)
	}
	return false
}

// endOfPart moves from a part that is finished to the next, or to the parent.
func (c *Cursor) endOfPart(f *frame) {
	if f.late {
		f.late, f.together = false, false
		c.Fail()
		return
	}
	if f.part != inAlways && len(f.parts[inAlways]) > 0 {
		f.part, f.index = inAlways, 0
		return
	}
	failed := f.failed
	c.pop()
	if !failed {
		return
	}
	if n := len(c.frames); n > 0 && c.frames[n-1].together && c.frames[n-1].part == inTasks {
		c.frames[n-1].late = true // pop has stepped over the block
		return
	}
	c.Fail()
}

// pop leaves the innermost block and steps over it in its parent.
func (c *Cursor) pop() {
	c.frames = c.frames[:len(c.frames)-1]
	if n := len(c.frames); n > 0 {
		c.frames[n-1].index++
	}
}

// Together returns the tasks that run together with the one that Next returned,
// that one and those after it; nil if its block does not say so.
func (c *Cursor) Together() (out []*playbook.Task) {
	if len(c.frames) == 0 {
		return nil
	}
	f := c.frames[len(c.frames)-1]
	if !f.together || f.part != inTasks {
		return nil
	}
	for _, item := range f.parts[inTasks][f.index:] {
		if t, ok := item.(*playbook.Task); ok && (c.Skip == nil || !c.Skip(t)) {
			out = append(out, t)
		}
	}
	return out
}

// Key returns the place of the task that Next returned.
func (c *Cursor) Key() Key {
	k := make(Key, 0, 3*len(c.frames))
	for _, f := range c.frames {
		if f.seqs != nil {
			k = append(k, 1, f.part, f.seqs[min(f.index, len(f.seqs)-1)])
			continue
		}
		k = append(k, 0, f.part, f.index)
	}
	return k
}

// Advance moves past the task that Next returned.
func (c *Cursor) Advance() {
	if n := len(c.frames); n > 0 {
		c.frames[n-1].index++
	}
}

// Insert puts blocks after the task that Next returned and moves to them. seqs
// number the blocks among all that the same task brings to any host, so that
// hosts in lockstep agree on their order.
func (c *Cursor) Insert(blocks []*playbook.Block, seqs []int) {
	if len(blocks) == 0 {
		c.Advance()
		return
	}
	items := make([]playbook.Item, len(blocks))
	for i, b := range blocks {
		items[i] = b
	}
	c.frames = append(c.frames, frame{parts: [3][]playbook.Item{items}, seqs: seqs})
}

// Flush runs the handlers that want picks, in order, after the task that Next
// returned. want is asked as the host comes to each, so a handler may notify
// a later one.
func (c *Cursor) Flush(handlers []*playbook.Task, want func(*playbook.Task) bool) {
	items := make([]playbook.Item, len(handlers))
	for i, h := range handlers {
		items[i] = h
	}
	c.frames = append(c.frames, frame{parts: [3][]playbook.Item{items}, want: want})
}

// Fail tells that the task which Next returned has failed. The host goes on
// with the nearest rescue or always part, or is done. It reports whether a
// rescue part is now at work.
func (c *Cursor) Fail() (rescued bool) {
	for len(c.frames) > 0 {
		f := &c.frames[len(c.frames)-1]
		switch {
		case f.part == inTasks && f.together:
			f.late = true
			f.index++
			return c.Rescuable()
		case f.part == inTasks && len(f.parts[inRescue]) > 0:
			f.part, f.index = inRescue, 0
			return true
		case f.part != inAlways && len(f.parts[inAlways]) > 0:
			f.part, f.index, f.failed = inAlways, 0, true
			return c.Rescuing()
		}
		c.frames = c.frames[:len(c.frames)-1]
	}
	c.Failed = true
	return false
}

// Rescuing reports whether the host is inside a rescue part.
func (c *Cursor) Rescuing() bool {
	return slices.ContainsFunc(c.frames, func(f frame) bool { return f.part == inRescue })
}

// Failing reports whether the host has failed and only runs always parts on
// its way out.
func (c *Cursor) Failing() bool {
	return c.Failed || slices.ContainsFunc(c.frames, func(f frame) bool { return f.failed || f.late })
}

// InHandlers reports whether the host is running handlers.
func (c *Cursor) InHandlers() bool {
	return slices.ContainsFunc(c.frames, func(f frame) bool { return f.want != nil })
}

// ClearFailed forgets a failure that was going to be passed on (meta:
// clear_host_errors).
func (c *Cursor) ClearFailed() {
	c.Failed = false
	for i := range c.frames {
		c.frames[i].failed, c.frames[i].late = false, false
	}
}

// End leaves the play.
func (c *Cursor) End() { c.frames = nil }

// Replace makes items all that is left for the host (forced handlers).
func (c *Cursor) Replace(items []playbook.Item) {
	c.frames = []frame{{parts: [3][]playbook.Item{items}}}
}

// Rescuable reports whether a failure now would be taken by a rescue part.
func (c *Cursor) Rescuable() bool {
	return slices.ContainsFunc(c.frames, func(f frame) bool { return f.part == inTasks && len(f.parts[inRescue]) > 0 })
}
