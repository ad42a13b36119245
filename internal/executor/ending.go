package executor

import (
	"fmt"
	"strconv"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
)

// What ends a play for everybody: max_fail_percentage, any_errors_fatal, end_play.

// percentage is how many hosts of a batch may fail, in percent; negative if all.
func (p *playRun) percentage(c *template.Context) (float64, error) {
	raw := p.play.MaxFail
	if raw == nil {
		raw = p.MaxFailPercentage
	}
	if raw == nil {
		return -1, nil
	}
	v, err := p.Engine.Resolve(c, raw)
	if err != nil {
		return 0, err
	}
	if v == nil || v == template.Omit {
		return -1, nil
	}
	return percentage(v)
}

func percentage(v any) (float64, error) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case int:
		return float64(v), nil
	case float64:
		return v, nil
	case string:
		f, err := strconv.ParseFloat(trimPercent(v), 64)
		if err == nil {
			return f, nil
		}
	}
	return 0, fmt.Errorf("max_fail_percentage is %s: it must be a number", template.Repr(v))
}

func trimPercent(s string) string {
	if n := len(s); n > 0 && s[n-1] == '%' {
		return s[:n-1]
	}
	return s
}

// fatal reports whether a failure of the task ends the play for everybody. This is
// decided on what stands in the playbook, before anything is evaluated.
func (r *Run) fatal(t *playbook.Task) bool {
	return asWritten(t.Keywords, playbook.AnyErrorsFatal, r.AnyErrorsFatal) && !asWritten(t.Keywords, playbook.IgnoreErrors, false)
}

// endsAll begins the end of the play for everybody, as any_errors_fatal asks.
// Hosts that failed finish their rescue and always parts first; where a rescue
// takes the failure, the play goes on.
func (p *playRun) endsAll(s *step) {
	if !p.linear() {
		return // as the warning says: each host goes its own way
	}
	p.doomed = true
	for r, out := range s.outcomes {
		if out.failed || out.unreachable {
			p.fatalHosts = append(p.fatalHosts, r)
		}
	}
}

func (p *playRun) doom() {
	for _, r := range p.fatalHosts {
		if p.lost[r.Host] || r.Cursor.Failed {
			continue
		}
		if !r.Cursor.Failing() {
			if !r.Cursor.Rescuing() {
				p.doomed, p.fatalHosts = false, nil
			}
			return
		}
		if t := r.Cursor.Next(); t != nil && !t.Implicit {
			return
		}
	}
	for _, r := range p.runners {
		if !p.lost[r.Host] {
			p.failed[r.Host] = true
		}
	}
	p.stop()
}

// stop ends the play, and the run after it.
func (p *playRun) stop() {
	if !p.stopped {
		p.tell(event.NoHosts{Remaining: true})
	}
	p.broke, p.doomed = true, false
	if !p.force {
		p.stopped = true
		return
	}
	for _, r := range p.runners { // forced handlers come before the end
		r.Cursor.End()
		if p.pending(r.Host) && !p.lost[r.Host] {
			r.Cursor.Replace([]playbook.Item{p.flushTask()})
		}
	}
}
