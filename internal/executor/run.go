package executor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/inventory"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// errStop ends the run after a play in which nobody is left.
var errStop = errors.New("no hosts left")

// Play plays the playbooks in order and tells the recap after each; where hosts
// failed in one, the next is not begun. The error is for what
// is wrong with the run itself, which then has no recap; failed hosts are in the
// Result.
func (r *Run) Play(ctx context.Context, books []*playbook.Playbook) (Result, error) {
	jobs, end := context.WithCancel(ctx)
	defer r.jobs.work.Wait()
	defer end()
	r.jobs.ctx = jobs
	for i, pb := range books {
		err := r.playbook(ctx, pb)
		if err != nil && !errors.Is(err, errStop) && ctx.Err() == nil {
			return Result{}, err
		}
		res := r.recap(ctx.Err() != nil)
		if last := i == len(books)-1; last || err != nil || res.Failed || res.Unreachable || res.Interrupted {
			if last && !r.started && !res.Interrupted {
				r.tell(event.Message{Kind: event.Error, Text: fmt.Sprintf("No matching task \"%s\" found. Note: --start-at-task can only follow static includes.", r.StartAt)})
			}
			return res, nil
		}
	}
	return r.recap(ctx.Err() != nil), nil
}

// recap tells what has become of the hosts so far.
func (r *Run) recap(interrupted bool) Result {
	hosts := map[string]event.Counts{}
	for h, c := range r.stats {
		hosts[h] = *c
	}
	r.tell(event.Recap{Hosts: hosts, Stats: r.custom, Waits: r.waits(), Interrupted: interrupted, Elapsed: time.Since(r.begin)})
	return Result{Failed: len(r.failed) > 0, Unreachable: len(r.lost) > 0, Interrupted: interrupted}
}

func (r *Run) playbook(ctx context.Context, pb *playbook.Playbook) error {
	r.tell(event.RunStart{RunID: r.RunID, Playbook: pb.Path, Plays: len(pb.Plays), Check: r.Check})
	for _, p := range pb.Plays {
		if ctx.Err() != nil {
			return nil
		}
		if err := r.play(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// play runs one play, batch by batch.
func (r *Run) play(ctx context.Context, p *playbook.Play) error {
	v := r.Vars.NewPlay(p)
	c := &template.Context{Ctx: ctx, Vars: v.Scope(nil, nil), Env: r.env(nil, p)}
	r.warnReserved(p)
	if err := r.prompt(ctx, c, v, p); err != nil {
		return err
	}
	hosts, err := r.hosts(c, p)
	if err != nil {
		return err
	}
	name := r.playName(c, p)
	if len(hosts) == 0 {
		r.tell(event.PlayStart{Name: name, Check: r.checks(p.Keywords), Pos: p.Pos})
		r.tell(event.NoHosts{})
		return nil
	}
	if err := r.checkPlay(c, p); err != nil {
		return err
	}
	strategyName, err := r.text(c, p.Strategy, r.Strategy)
	if err != nil {
		return at(p.Pos, err)
	}
	if own, ok := mitogen[strategyName]; ok {
		r.warn(fmt.Sprintf("the strategy %s is carried out as %s; nothing of Mitogen is used, nor needed", strategyName, own))
		strategyName = own
	}
	names := hostNames(hosts) // whatever their order in the play
	if hosts, err = r.inOrder(c, p, hosts); err != nil {
		return err
	}
	batches, err := r.batches(c, p, hosts)
	if err != nil {
		return at(p.Pos, err)
	}
	removed := map[string]bool{}
	for _, batch := range batches {
		before := len(r.failed) + len(r.lost)
		pr := &playRun{Run: r, play: p, vars: v, name: name, all: names, removed: removed, strategyName: strategyName}
		r.tell(event.PlayStart{Name: name, Strategy: strategyName, Hosts: hostNames(batch), Check: r.checks(p.Keywords), Pos: p.Pos})
		for _, h := range batch {
			r.Vars.InventoryVars(h)
		}
		if err := r.Vars.Err(); err != nil {
			return err // group_vars or host_vars that nobody can read
		}
		broke, err := pr.run(ctx, batch)
		if err != nil {
			return err
		}
		if ctx.Err() != nil || pr.endPlay {
			return nil
		}
		if broke || len(r.failed)+len(r.lost)-before >= len(batch) {
			return errStop
		}
	}
	return nil
}

func hostNames(hosts []*inventory.Host) []string {
	out := make([]string, len(hosts))
	for i, h := range hosts {
		out[i] = h.Name
	}
	return out
}

// at puts a position to an error that has none.
func at(pos diag.Pos, err error) error {
	var p *diag.Problem
	var ps diag.Problems
	if errors.As(err, &p) || errors.As(err, &ps) {
		return err
	}
	var te *template.Error
	if errors.As(err, &te) && te.Pos.IsValid() {
		return &diag.Problem{Pos: te.Pos, Msg: te.Msg}
	}
	return &diag.Problem{Pos: pos, Msg: err.Error(), General: true}
}

func (r *Run) playName(c *template.Context, p *playbook.Play) string {
	if name, err := r.text(c, p.Name, ""); err == nil && name != "" {
		return name
	}
	if name, ok := value.Plain(p.Name).(string); ok && name != "" {
		return name
	}
	hosts, err := r.Engine.Resolve(c, p.Hosts)
	if err != nil {
		hosts = value.Plain(p.Hosts)
	}
	if l, ok := hosts.([]any); ok {
		parts := make([]string, len(l))
		for i, e := range l {
			parts[i] = template.Str(e)
		}
		return strings.Join(parts, ",")
	}
	return template.Str(hosts)
}

// hosts resolves the play's pattern, the limit and the order.
func (r *Run) hosts(c *template.Context, p *playbook.Play) ([]*inventory.Host, error) {
	v, err := r.Engine.Resolve(c, p.Hosts)
	if err != nil {
		return nil, at(p.Pos, err)
	}
	var patterns []string
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			patterns = append(patterns, template.Str(e))
		}
	case string:
		patterns = []string{v}
	default:
		patterns = []string{template.Str(v)}
	}
	hosts, missing, err := r.Inventory.MatchAll(patterns)
	if err != nil {
		return nil, at(p.Pos, err)
	}
	if r.Mismatch != nil {
		if err := r.Mismatch(missing); err != nil {
			return nil, err
		}
	}
	if len(r.Subset) > 0 {
		limited, _, err := r.Limit()
		if err != nil {
			return nil, err
		}
		hosts = slices.DeleteFunc(slices.Clone(hosts), func(h *inventory.Host) bool { return !slices.Contains(limited, h) })
	}
	return hosts, nil
}

// Limit resolves --limit.
func (r *Run) Limit() (hosts []*inventory.Host, missing []string, err error) {
	return r.Inventory.MatchParts(r.Subset)
}

// inOrder puts hosts in the play's order.
func (r *Run) inOrder(c *template.Context, p *playbook.Play, hosts []*inventory.Host) ([]*inventory.Host, error) {
	order, err := r.text(c, p.Order, "inventory")
	if err != nil {
		return nil, at(p.Pos, err)
	}
	if hosts, err = ordered(slices.Clone(hosts), order); err != nil {
		return nil, &diag.Problem{Pos: p.Pos, Msg: err.Error(), Options: true}
	}
	return hosts, nil
}

func ordered(hosts []*inventory.Host, order string) ([]*inventory.Host, error) {
	byName := func(a, b *inventory.Host) int { return strings.Compare(a.Name, b.Name) }
	switch order {
	case "inventory", "":
	case "reverse_inventory":
		slices.Reverse(hosts)
	case "sorted":
		slices.SortFunc(hosts, byName)
	case "reverse_sorted":
		slices.SortFunc(hosts, byName)
		slices.Reverse(hosts)
	case "shuffle":
		rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	default:
		return nil, fmt.Errorf("Invalid 'order' specified for inventory hosts: %s", order)
	}
	return hosts, nil
}

// batches cuts the hosts as serial: says.
func (r *Run) batches(c *template.Context, p *playbook.Play, hosts []*inventory.Host) ([][]*inventory.Host, error) {
	var sizes []int
	for _, s := range p.Serial {
		v, err := r.Engine.Resolve(c, s)
		if err != nil {
			return nil, err
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, e := range list {
			n, err := batchSize(e, len(hosts))
			if err != nil {
				return nil, err
			}
			sizes = append(sizes, n)
		}
	}
	if len(sizes) == 0 {
		return [][]*inventory.Host{hosts}, nil
	}
	var out [][]*inventory.Host
	for i := 0; len(hosts) > 0; i++ {
		n := sizes[min(i, len(sizes)-1)]
		if n <= 0 || n > len(hosts) {
			n = len(hosts)
		}
		out = append(out, hosts[:n])
		hosts = hosts[n:]
	}
	return out, nil
}

// batchSize reads one entry of serial: a number or a percentage. 0 and less
// mean all.
func batchSize(v any, hosts int) (int, error) {
	if v == template.Omit {
		return 0, nil
	}
	switch v := v.(type) {
	case nil:
		return 0, nil
	case bool, int, float64:
		return whole(v)
	case string:
		if pct, ok := strings.CutSuffix(strings.TrimSpace(v), "%"); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(pct), 64)
			if err == nil {
				return max(1, int(f/100*float64(hosts))), nil
			}
		} else if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("serial is %s: it must be a number of hosts or a percentage such as 30%%", template.Repr(v))
}

// prompt asks for vars_prompt, except for what the command line gave.
func (r *Run) prompt(ctx context.Context, c *template.Context, v interface{ SetPrompted(*value.Map) }, p *playbook.Play) error {
	answers := value.NewMap(len(p.VarsPrompt))
	for _, q := range p.VarsPrompt {
		if r.Vars.Extra.Has(q.Name) {
			continue
		}
		answer, err := r.ask(ctx, c, q)
		if err != nil {
			return at(q.Pos, err)
		}
		answers.Set(q.Name, answer)
	}
	v.SetPrompted(answers)
	return nil
}

func (r *Run) ask(ctx context.Context, c *template.Context, q playbook.Prompt) (any, error) {
	text, err := r.text(c, q.Prompt, q.Name)
	if err != nil {
		return nil, err
	}
	def, err := r.Engine.Resolve(c, q.Default)
	if err != nil {
		return nil, err
	}
	line := text + ": "
	if q.Default != nil {
		line = fmt.Sprintf("%s [%s]: ", text, template.Str(def))
	}
	answer, err := r.answer(ctx, line, q)
	switch {
	case errors.Is(err, ErrNotInteractive):
		r.warn("Not prompting as we are not in interactive mode")
		if def == nil && q.Encrypt != "" {
			return nil, fmt.Errorf("there is nothing to encrypt for %s: nobody can be asked, and it has no default", q.Name)
		}
		answer = value.Repr(nil) // what Ansible makes of nothing
		if def != nil {
			answer = template.Str(def)
		}
	case err != nil:
		return nil, err
	case answer == "" && def != nil:
		answer = template.Str(def)
	}
	if q.Encrypt != "" {
		expr := fmt.Sprintf("_tutti_answer | password_hash(%s", strconv.Quote(q.Encrypt))
		if q.Salt != "" {
			expr += ", salt=" + strconv.Quote(q.Salt)
		}
		if q.SaltSize > 0 {
			expr += ", salt_size=" + strconv.Itoa(q.SaltSize)
		}
		inner := *c
		inner.Vars = template.Overlay(c.Vars, template.MapScope{"_tutti_answer": answer})
		return r.Engine.Expr(&inner, expr+")", q.Pos)
	}
	if !q.Unsafe {
		return value.Text(answer, q.Pos), nil
	}
	return answer, nil
}

// answer asks at the terminal, twice if the user has to confirm.
func (r *Run) answer(ctx context.Context, line string, q playbook.Prompt) (string, error) {
	if r.Prompt == nil {
		return "", ErrNotInteractive
	}
	for {
		answer, err := r.Prompt(ctx, line, !q.Private)
		if err != nil || !q.Confirm {
			return answer, err
		}
		again, err := r.Prompt(ctx, "confirm "+line, !q.Private)
		if err != nil {
			return "", err
		}
		if again == answer {
			return answer, nil
		}
		r.tell(event.Message{Text: "***** VALUES ENTERED DO NOT MATCH ****"})
	}
}

// ErrNotInteractive tells that there is no terminal to ask at.
var ErrNotInteractive = module.ErrNotInteractive

// text evaluates a keyword that is text.
func (r *Run) text(c *template.Context, v any, otherwise string) (string, error) {
	v, err := r.Engine.Resolve(c, v)
	if err != nil || v == nil || v == template.Omit {
		return otherwise, err
	}
	return template.Str(v), nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// mitogen are the strategies that a collection of this name adds to Ansible, to
// make it faster, and what each is besides that.
var mitogen = map[string]string{"mitogen": "linear", "mitogen_linear": "linear", "mitogen_free": "free", "mitogen_host_pinned": "host_pinned"}
