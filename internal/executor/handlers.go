package executor

import (
	"context"
	"slices"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/executor/strategy"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// notify marks the handlers of these names for a host: the last one defined
// with that name, and all that listen to it.
func (p *playRun) notify(names []string, host string, s *step) error {
	for _, name := range names {
		found := false
		if h := p.handlerNamed(name); h != nil {
			found = true
			p.notifyOne(h, host)
		}
		for _, h := range p.handlers {
			if slices.Contains(p.listens(h), name) {
				found = true
				p.notifyOne(h, host)
			}
		}
		if found {
			continue
		}
		msg := "The requested handler '" + name + "' was not found in either the main handlers list nor in the listening handlers list"
		if p.ErrorOnMissingHandler {
			return &diag.Problem{Pos: s.task.Pos, Msg: msg, Hint: p.nearestHandler(name), General: true}
		}
		p.warn(msg)
	}
	return nil
}

// addHandlers adds handlers to the play's. A role that is used again in the same
// way has the same handlers as before, so that they run once; but they count as
// the last ones now.
func (p *playRun) addHandlers(more []*playbook.Task) {
	for len(more) > 0 {
		n := 1
		for n < len(more) && more[n].Role == more[0].Role {
			n++
		}
		add := more[:n]
		if role := more[0].Role; role != nil {
			same := func(h *playbook.Task) bool { return h.Role != nil && h.Role.Key == role.Key }
			if first := slices.IndexFunc(p.handlers, same); first >= 0 {
				add = p.again(first)
			}
		}
		p.handlers = slices.Concat(p.handlers, add)
		more = more[n:]
	}
}

// again gives the handlers of the role whose first one is at first, to be added
// once more: nothing if they are the last ones already. They are in the list
// twice at most, where they were first and where they count, however often the
// role is used: each host includes it on its own.
func (p *playRun) again(first int) []*playbook.Task {
	end := first + 1
	for end < len(p.handlers) && p.handlers[end].Role == p.handlers[first].Role && p.handlers[end] != p.handlers[first] {
		end++
	}
	group := p.handlers[first:end]
	for i := len(p.handlers) - len(group); i > first; i-- {
		if p.handlers[i] != group[0] {
			continue
		}
		if i+len(group) == len(p.handlers) {
			return nil
		}
		p.handlers = slices.Concat(p.handlers[:i], p.handlers[i+len(group):])
		break
	}
	if end == len(p.handlers) {
		return nil
	}
	return group
}

func (p *playRun) notifyOne(h *playbook.Task, host string) {
	if p.notified[h] == nil {
		p.notified[h] = map[string]bool{}
	}
	if !p.notified[h][host] {
		p.notified[h][host] = true
		p.tell(event.Notified{Handler: p.handlerName(h), Host: host})
	}
}

func (p *playRun) handlerNamed(name string) *playbook.Task {
	for _, h := range p.byPrecedence() {
		own := p.handlerName(h)
		if own == "" {
			continue
		}
		if own == name {
			return h
		}
		if h.Role != nil {
			short := h.Role.Name[lastDot(h.Role.Name)+1:]
			if name == h.Role.Name+" : "+own || name == short+" : "+own {
				return h
			}
		}
	}
	return nil
}

// byPrecedence lists the handlers so that the one that counts comes first:
// roles that were included or imported, the last first, then the play, then its
// roles, the last first; and within each in the order in which they are written.
func (p *playRun) byPrecedence() []*playbook.Task {
	out := make([]*playbook.Task, 0, len(p.handlers))
	for end := len(p.handlers); end > 0; {
		begin := end - 1
		for begin > 0 && p.handlers[begin-1].Role == p.handlers[end-1].Role {
			begin--
		}
		out = append(out, p.handlers[begin:end]...)
		end = begin
	}
	return out
}

func lastDot(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '.' {
			return i
		}
	}
	return -1
}

// handlerName is a handler's name with templates evaluated, without its role;
// "" if it cannot be evaluated.
func (p *playRun) handlerName(h *playbook.Task) string {
	if n, ok := p.handlerNames[h]; ok {
		return n
	}
	var name string
	switch v := h.Name.(type) {
	case nil:
	case *value.Template:
		c := &template.Context{Ctx: context.Background(), Vars: p.vars.Scope(nil, h), Env: p.env(h, p.play)}
		text, err := p.Engine.ResolveString(c, v)
		if err != nil {
			if h.Listen == nil {
				p.warn("Handler '" + v.Source + "' is unusable because it has no listen topics and the name could not be templated (host-specific variables are not supported in handler names). The error: " + err.Error())
			}
			return ""
		}
		name = text
	default:
		name = template.Str(v)
	}
	if p.handlerNames == nil {
		p.handlerNames = map[*playbook.Task]string{}
	}
	p.handlerNames[h] = name
	return name
}

func (p *playRun) listens(h *playbook.Task) []string {
	var out []string
	for _, l := range h.Listen {
		out = append(out, template.Str(value.Plain(l))) // topics are not evaluated
	}
	return out
}

func (p *playRun) nearestHandler(name string) string {
	var names []string
	for _, h := range p.handlers {
		names = append(names, p.handlerName(h))
		names = append(names, p.listens(h)...)
	}
	if near := diag.Nearest(name, names); near != "" {
		return "did you mean '" + near + "'?"
	}
	return ""
}

// flushInto sends a host through the handlers it has notified.
func (p *playRun) flushInto(r *strategy.Runner) {
	host := r.Host
	r.Cursor.Flush(p.handlers, func(h *playbook.Task) bool { return p.notified[h][host] })
}
