package executor

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/vars"
)

// items evaluates the task's loop. looped is false for a task without one.
func (t *taskRun) items(c *template.Context) (items []any, looped bool, err error) {
	l := t.task.Loop
	if l == nil || l.Lookup == "" && l.Value == nil {
		return nil, false, nil
	}
	t.Run.resolve <- struct{}{}
	defer func() { <-t.Run.resolve }()
	if t.foreign = l.Lookup != ""; t.foreign {
		items, err = t.lookup(c, l)
		return items, true, err
	}
	in := *c
	if s, ok := c.Vars.(*vars.Scope); ok {
		seen := &vars.Foreign{Scope: s}
		defer func() { t.foreign = seen.Seen }()
		in.Vars = seen
	}
	v, err := t.Engine.Resolve(&in, l.Value)
	if err != nil {
		return nil, true, err
	}
	switch v := v.(type) {
	case []any:
		return v, true, nil
	case value.Tuple:
		return v, true, nil
	}
	return nil, true, fmt.Errorf("Invalid data passed to 'loop', it requires a list, got this instead: %s. Hint: If you passed a list/dict of just one element, try adding wantlist=True to your lookup invocation or use q/query instead of lookup.", template.Str(v))
}

// lookup evaluates with_<lookup>:.
func (t *taskRun) lookup(c *template.Context, l *playbook.Loop) ([]any, error) {
	if !t.Engine.HasLookup(l.Lookup) {
		return nil, fmt.Errorf("Unexpected failure in finding the lookup named '%s' in the available lookup plugins", l.Lookup)
	}
	strict := *c
	strict.Strict, c = true, &strict
	var terms []any
	if list, ok := l.Value.([]any); ok && l.Lookup == "first_found" {
		// Entries that are not defined are passed over.
		for _, e := range list {
			if v, err := t.Engine.Resolve(c, e); err == nil {
				terms = append(terms, v)
			}
		}
		return t.Engine.Lookup(c, l.Lookup, terms, value.NewMap(0))
	}
	v, err := t.Engine.Resolve(c, l.Value)
	if err != nil {
		return nil, err
	}
	return t.Engine.With(c, l.Lookup, v)
}

// control is loop_control, evaluated.
type control struct {
	loopVar, indexVar string
	pause             time.Duration
	extended, all     bool
	parallel          int
}

func (t *taskRun) control(c *template.Context) (control, error) {
	out := control{loopVar: "item", all: true}
	lc := t.task.Loop.Control
	var err error
	if out.loopVar, err = t.text(c, lc.LoopVar, "item"); err != nil {
		return out, err
	}
	if out.indexVar, err = t.text(c, lc.IndexVar, ""); err != nil {
		return out, err
	}
	if out.extended, err = t.flag(c, lc.Extended, false); err != nil {
		return out, err
	}
	if out.all, err = t.flag(c, lc.ExtendedAllItems, true); err != nil {
		return out, err
	}
	if lc.Pause != nil {
		v, err := t.Engine.Resolve(c, lc.Pause)
		if err != nil {
			return out, err
		}
		if v != nil && v != template.Omit {
			seconds, err := strconv.ParseFloat(template.Str(v), 64)
			if err != nil {
				return out, fmt.Errorf("the field 'pause' has an invalid value (%s), and could not be converted to an float", template.Str(v))
			}
			out.pause = time.Duration(seconds * float64(time.Second))
		}
	}
	out.parallel = 1
	if raw, ok := c.Vars.Lookup("tutti_loop_parallel"); ok {
		if out.parallel, err = t.number(c, raw, "tutti_loop_parallel"); err != nil {
			return out, err
		}
		out.parallel = max(1, out.parallel)
	}
	return out, nil
}

// loop runs the task for each item and sums the results up.
func (t *taskRun) loop(ctx context.Context, whole *item, items []any) *outcome {
	lc, err := t.control(whole.c)
	if err != nil {
		return whole.broken(err)
	}
	if _, used := whole.scope.Lookup(lc.loopVar); used && len(items) > 0 {
		t.warn(fmt.Sprintf("TASK: %s: The loop variable '%s' is already in use. You should set the `loop_var` value in the `loop_control` option for the task to something else to avoid variable collisions and unexpected behavior.", t.info.Name, lc.loopVar))
	}
	if len(items) == 0 {
		return whole.finish(&outcome{skipped: true, finished: true, result: value.MapOf("changed", false, "skipped", true, "skipped_reason", "No items in the list", "results", []any{})})
	}
	outs := make([]*outcome, len(items))
	if lc.parallel > 1 && len(items) > 1 {
		t.loopTogether(ctx, whole, items, lc, outs)
	} else {
		learned := value.NewMap(0)
		for i := range items {
			if i > 0 && lc.pause > 0 {
				if !sleep(ctx, lc.pause) {
					break
				}
			}
			if ctx.Err() != nil {
				break
			}
			it := t.item(ctx, whole, items, i, lc, learned)
			outs[i] = it.attempts(ctx)
			if outs[i].unresolved {
				// What the task says makes no sense: it has failed as a whole, and
				// the rest of the items is not tried.
				outs[i].label = ""
				return outs[i]
			}
			t.endItem(it, outs[i], items, i, lc)
			// Later items see what earlier ones registered or set.
			if t.task.Register != "" {
				learned.Set(t.task.Register, outs[i].result)
			}
			for _, e := range outs[i].effects {
				t.learn(learned, e)
			}
			whole.addSpent(it)
		}
	}
	return t.sumUp(whole, outs)
}

func (it *item) addSpent(o *item) {
	it.spent.Wait += o.spent.Wait
	it.spent.Run += o.spent.Run
}

// item makes the pass for one item.
func (t *taskRun) item(ctx context.Context, whole *item, items []any, i int, lc control, learned *value.Map) *item {
	v := value.MapOf("ansible_loop_var", lc.loopVar, lc.loopVar, items[i])
	if lc.indexVar != "" {
		v.Set("ansible_index_var", lc.indexVar)
		v.Set(lc.indexVar, i)
	}
	if lc.extended {
		n := len(items)
		x := value.MapOf("index", i+1, "index0", i, "first", i == 0, "last", i == n-1, "length", n, "revindex", n-i, "revindex0", n-i-1)
		if lc.all {
			x.Set("allitems", items)
		}
		if i+1 < n {
			x.Set("nextitem", items[i+1])
		}
		if i > 0 {
			x.Set("previtem", items[i-1])
		}
		v.Set("ansible_loop", x)
	}
	it := &item{taskRun: t, place: i + 1, loopVar: lc.loopVar}
	it.scope = whole.scope.With(learned.Clone()).With(v).Over(it.connectionDefault)
	if t.task.Loop.Lookup != "" {
		it.data = lc.loopVar
	}
	it.c = it.context(ctx, it.scope)
	it.noLog = t.flagOr(it.c, playbook.NoLog, t.Run.NoLog)
	return it
}

// endItem notes the item in its result and tells it.
func (t *taskRun) endItem(it *item, out *outcome, items []any, i int, lc control) {
	it.label = ""
	out.result.Set(lc.loopVar, items[i])
	out.result.Set("ansible_loop_var", lc.loopVar)
	if lc.indexVar != "" {
		out.result.Set(lc.indexVar, i)
		out.result.Set("ansible_index_var", lc.indexVar)
	}
	if x, ok := it.scope.Lookup("ansible_loop"); ok && lc.extended {
		out.result.Set("ansible_loop", x)
	}
	label := any(items[i])
	if t.task.Loop.Label != nil {
		v, err := t.Engine.Resolve(it.c, t.task.Loop.Label)
		if err != nil {
			out.failed = true
			out.result.Set("failed", true)
			out.result.Set("msg", "Failed to template loop_control.label: "+err.Error())
		} else {
			label = v
		}
	}
	out.label = template.Str(label)
	if out.noLog {
		out.label = "None"
	}
	if out.include == nil || out.skipped || out.failed {
		if !out.inventory() {
			t.tellItem(out, it.spent)
		}
	}
}

func (t *taskRun) tellItem(out *outcome, spent event.Spent) {
	r := t.event(out)
	r.Item, r.Label = true, out.label
	r.Spent = spent
	t.tell(r)
}

// sumUp makes the result of the whole loop.
func (t *taskRun) sumUp(whole *item, outs []*outcome) *outcome {
	sum := &outcome{skipped: true, finished: true, noLog: whole.noLog}
	results := []any{}
	var warnings, deprecations []any
	allIgnored := true
	for _, out := range outs {
		if out == nil { // the run was stopped
			sum.finished = false
			continue
		}
		sum.items = append(sum.items, out)
		results = append(results, withoutInternal(out.result))
		sum.changed = sum.changed || out.changed
		sum.skipped = sum.skipped && out.skipped
		sum.noLog = sum.noLog || out.noLog
		sum.diff = sum.diff || out.diff
		sum.fatal = sum.fatal || out.fatal
		sum.finished = sum.finished && out.finished
		sum.unreachable = sum.unreachable || out.unreachable
		if out.failed || out.unreachable {
			sum.failed = sum.failed || out.failed
			allIgnored = allIgnored && out.ignored
		}
		sum.delegated, sum.delegate = out.delegated, out.delegate
		sum.notify = append(sum.notify, out.notify...)
		sum.effects = append(sum.effects, out.effects...)
		sum.include = append(sum.include, out.include...)
		if w, ok := out.result.At("warnings").([]any); ok {
			warnings = append(warnings, w...)
			out.result.Delete("warnings")
		}
		if d, ok := out.result.At("deprecations").([]any); ok {
			deprecations = append(deprecations, d...)
			out.result.Delete("deprecations")
		}
	}
	m := value.MapOf("results", results, "skipped", sum.skipped)
	if warnings != nil {
		m.Set("warnings", warnings)
	}
	if deprecations != nil {
		m.Set("deprecations", deprecations)
	}
	m.Set("changed", sum.changed)
	switch {
	case sum.failed:
		m.Set("failed", true)
		m.Set("msg", "One or more items failed")
	case sum.skipped:
		m.Set("msg", "All items skipped")
	default:
		m.Set("msg", "All items completed")
	}
	if sum.unreachable && !sum.failed {
		m.Set("unreachable", true)
		m.Set("msg", "Data could not be sent to the remote host for every item: it became unreachable")
	}
	sum.ignored = (sum.failed || sum.unreachable) && allIgnored
	sum.result = m
	return sum
}

// sleep waits, unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempts is once, or as often as until: asks. Whether the task runs, and with
// which arguments, is settled before the first.
func (it *item) attempts(ctx context.Context) *outcome {
	t := it.task
	if skip := it.condition(); skip != nil {
		return skip
	}
	if t.Until == nil {
		return it.once(ctx)
	}
	retries, err := it.count(t.Retries, "retries", 3)
	if err != nil {
		return it.broken(err)
	}
	seconds, err := it.count(t.Delay, "delay", 5)
	if err != nil {
		return it.broken(err)
	}
	delay := time.Duration(seconds) * time.Second
	if delay < 0 {
		delay = time.Second
	}
	tries := max(0, retries) + 1
	var scope *vars.Scope
	for n := 1; ; n++ {
		if tries > 1 {
			it.attempt = n
		}
		out := it.once(ctx)
		if scope == nil {
			scope = it.scope // where it runs is settled now, too
		}
		if out.unresolved || !out.finished || out.result == nil || out.include != nil || out.unreachable {
			return out
		}
		out.result.Set("attempts", n)
		if tries == 1 {
			return out
		}
		// The condition sees this attempt, and so does the next one.
		it.scope = scope.With(it.seen(out))
		it.c = it.context(it.c.Ctx, it.scope)
		ok, err := it.until()
		if err != nil {
			return it.broken(err)
		}
		if ok {
			return out
		}
		if n == tries {
			out.failed = out.result.At("failed_when_result") != false // which has the last word
			out.result.Set("attempts", tries-1)
			out.result.Set("failed", true)
			return it.finish(out)
		}
		out.result.Set("retries", tries)
		shown := it.shown(out)
		info := it.info
		if name := template.Str(value.Plain(t.Name)); t.Role != nil && name != "" {
			info.Name = strings.TrimPrefix(info.Name, t.Role.Name+" : ")
		}
		it.tell(event.Retry{Task: info, Host: it.host.Name, Left: tries - n, Result: shown, Verbose: verbose(out)})
		// Between attempts nothing is held: no lease, no slot.
		if !sleep(ctx, delay) {
			out.finished = false
			return out
		}
	}
}

// until evaluates the until: condition.
func (it *item) until() (bool, error) {
	for _, cond := range it.task.Until {
		ok, err := it.Engine.Condition(it.c, cond.Expr)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}
