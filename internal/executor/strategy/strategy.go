package strategy

import (
	"fmt"

	"github.com/tutti-run/tutti/internal/playbook"
)

// Runner is a host on its way through a play.
type Runner struct {
	Host   string
	Cursor *Cursor
	Busy   bool // a task of the host is running
}

// Step is a task with the hosts that begin it now.
type Step struct {
	Task  *playbook.Task
	Hosts []*Runner
}

// Strategy says which steps may begin now. It is called again whenever a
// host's task has ended; an answer without steps while nobody is busy ends the
// play.
type Strategy func(runners []*Runner) []Step

// ByName returns the strategy of that name.
func ByName(name string, forks int) (Strategy, error) {
	switch name {
	case "linear", "ansible.builtin.linear", "debug", "ansible.builtin.debug": // which stops after failures
		return Linear, nil
	case "free", "ansible.builtin.free":
		return Free, nil
	case "host_pinned", "ansible.builtin.host_pinned":
		return HostPinned(forks), nil
	}
	return nil, fmt.Errorf("Invalid play strategy specified: %s; use linear, free or host_pinned", name)
}

// Linear keeps the hosts in lockstep: a task begins when all hosts have
// finished the one before.
func Linear(runners []*Runner) []Step {
	var step Step
	var least Key
	for _, r := range runners {
		if r.Busy {
			return nil
		}
		t := r.Cursor.Next()
		if t == nil {
			continue
		}
		k := r.Cursor.Key()
		order := -1
		if step.Task != nil {
			order = k.Compare(least)
		}
		switch {
		case order < 0:
			step, least = Step{Task: t, Hosts: []*Runner{r}}, k
		case order == 0 && t == step.Task:
			step.Hosts = append(step.Hosts, r)
		}
	}
	if step.Task == nil {
		return nil
	}
	return []Step{step}
}

// Free lets each host go through the play as fast as it can.
func Free(runners []*Runner) []Step {
	var steps []Step
	for _, r := range runners {
		if r.Busy {
			continue
		}
		if t := r.Cursor.Next(); t != nil {
			steps = append(steps, Step{Task: t, Hosts: []*Runner{r}})
		}
	}
	return steps
}

// HostPinned is Free with at most limit hosts under way: a host that has begun
// is finished before another begins.
func HostPinned(limit int) Strategy {
	begun := map[*Runner]bool{}
	return func(runners []*Runner) []Step {
		active := 0
		for _, r := range runners {
			if begun[r] && (r.Busy || r.Cursor.Next() != nil) {
				active++
			}
		}
		var steps []Step
		for _, r := range runners {
			if r.Busy {
				continue
			}
			t := r.Cursor.Next()
			if t == nil || !begun[r] && active >= limit {
				continue
			}
			if !begun[r] {
				begun[r] = true
				active++
			}
			steps = append(steps, Step{Task: t, Hosts: []*Runner{r}})
		}
		return steps
	}
}
