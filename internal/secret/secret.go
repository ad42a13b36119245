// Package secret owns the texts that came out of vaults, and hides them in what is
// told to the user.
package secret

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

// Hidden stands where a secret was.
const Hidden = "********"

// Hide replaces every part of text that belongs to one of the secrets. Secrets may
// overlap, so that none shows its end behind another.
func Hide(text string, secrets []string) string {
	var spans [][2]int
	for _, s := range secrets {
		for from := 0; s != ""; {
			i := strings.Index(text[from:], s)
			if i < 0 {
				break
			}
			spans = append(spans, [2]int{from + i, from + i + len(s)})
			from += i + 1
		}
	}
	if spans == nil {
		return text
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	var b strings.Builder
	end := 0
	for i, s := range spans {
		if i == 0 || s[0] >= end {
			b.WriteString(text[end:s[0]])
			b.WriteString(Hidden)
		}
		end = max(end, s[1])
	}
	b.WriteString(text[end:])
	return b.String()
}

// Set are the secrets of a run. The zero Set is empty. It may be used by several
// goroutines.
type Set struct {
	some atomic.Bool // there are secrets

	mu    sync.RWMutex // guards the following
	texts []string     // to be hidden wherever they stand
	lines map[string]bool
}

// shortest is how many bytes a text has at least that is hidden: less would hide
// half of what there is to read.
const shortest = 4

// plain are values that vaulted files hold beside secrets, and that say nothing.
var plain = []string{"true", "false", "none", "null", "root", "localhost", "present", "absent"}

func says(text string) bool {
	return len(text) >= shortest && !slices.Contains(plain, strings.ToLower(text))
}

// Add makes text a secret. Each of its lines, if there are several, is one where it
// is all of a line.
func (s *Set) Add(text string) {
	text = strings.TrimSpace(text)
	if !says(text) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.texts, text) {
		return
	}
	s.some.Store(true)
	s.texts = append(s.texts, text)
	// Within JSON it may look different.
	if quoted, err := json.Marshal(text); err == nil && string(quoted[1:len(quoted)-1]) != text {
		s.texts = append(s.texts, string(quoted[1:len(quoted)-1]))
	}
	if !strings.Contains(text, "\n") {
		return
	}
	if s.lines == nil {
		s.lines = map[string]bool{}
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); says(line) {
			s.lines[line] = true
		}
	}
}

// digits is how long a number has to be at least: ports are none.
const digits = 6

// AddValues makes every text in v a secret, and every long number.
func (s *Set) AddValues(v any) {
	switch v := v.(type) {
	case nil, bool:
	case string:
		s.Add(v)
	case []any:
		for _, e := range v {
			s.AddValues(e)
		}
	case *value.Map:
		for _, e := range v.All() {
			s.AddValues(e)
		}
	case *value.Template:
		s.Add(v.Source)
	case value.Lazy: // decrypted, and told of, when it is used
	default:
		if text := value.Str(v); len(text) >= digits {
			s.Add(text)
		}
	}
}

var assignment = lazyregexp.New(`=\s*("[^"\n]*"|'[^'\n]*'|[^\s"']+)`)

// AddAssignments makes secrets of what stands behind equals signs, as in an inventory:
// a word, or all to the end of the line.
func (s *Set) AddAssignments(text string) {
	for line := range strings.Lines(text) {
		if _, v, ok := strings.Cut(line, "="); ok && !strings.Contains(v, "=") {
			s.Add(strings.Trim(strings.TrimSpace(v), `"'`))
		}
		for _, m := range assignment.FindAllStringSubmatch(line, -1) {
			s.Add(strings.Trim(m[1], `"'`))
		}
	}
}

// Text is text without the secrets.
func (s *Set) Text(text string) string {
	if !s.some.Load() {
		return text
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	text = Hide(text, s.texts)
	if len(s.lines) == 0 {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		if t := strings.TrimSpace(line); s.lines[t] {
			line = strings.Replace(line, t, Hidden, 1)
		}
		b.WriteString(line)
	}
	return b.String()
}

// Writer passes text on to w, without the secrets. Each piece that is written must
// be whole.
func (s *Set) Writer(w io.Writer) io.Writer { return writer{s, w} }

type writer struct {
	s *Set
	w io.Writer
}

func (w writer) Write(p []byte) (int, error) {
	if !w.s.some.Load() {
		return w.w.Write(p)
	}
	if _, err := io.WriteString(w.w, w.s.Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Value is v without the secrets, at any depth. What holds none may be v itself.
func (s *Set) Value(v any) any {
	if !s.some.Load() {
		return v
	}
	switch v := v.(type) {
	case nil, bool:
		return v
	case string:
		return s.Text(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = s.Value(e)
		}
		return out
	case *value.Map:
		out := value.NewMap(v.Len())
		for k, e := range v.All() {
			out.Set(s.Value(k), s.Value(e))
		}
		return out
	}
	if text := value.Str(v); s.Text(text) != text {
		return Hidden
	}
	return v
}

// result hides secrets in a result, but for the names of its entries.
func (s *Set) result(r *value.Map) *value.Map {
	if r == nil || !s.some.Load() {
		return r
	}
	out := value.NewMap(r.Len())
	for k, e := range r.All() {
		out.Set(k, s.Value(e))
	}
	return out
}

func (s *Set) task(t event.Task) event.Task {
	t.Name = s.Text(t.Name)
	t.Args = s.result(t.Args)
	return t
}

// Sink passes events on to another one, without the secrets. Names of hosts stay.
func (s *Set) Sink(next event.Sink) event.Sink {
	return func(e event.Event) { next(s.event(e)) }
}

func (s *Set) event(e event.Event) event.Event {
	if !s.some.Load() {
		return e
	}
	switch e := e.(type) {
	case event.RunStart:
		e.Arguments = slices.Clone(e.Arguments)
		for i, a := range e.Arguments {
			e.Arguments[i] = s.Text(a)
		}
		return e
	case event.PlayStart:
		e.Name = s.Text(e.Name)
		return e
	case event.TaskStart:
		e.Task = s.task(e.Task)
		return e
	case event.Result:
		e.Task, e.Label, e.Result = s.task(e.Task), s.Text(e.Label), s.result(e.Result)
		return e
	case event.Retry:
		e.Task, e.Result = s.task(e.Task), s.result(e.Result)
		return e
	case event.Included:
		e.File, e.Label = s.Text(e.File), s.Text(e.Label)
		return e
	case event.Notified:
		e.Handler = s.Text(e.Handler)
		return e
	case event.Message:
		e.Text = s.Text(e.Text)
		return e
	case event.Lock:
		e.Key, e.Owner, e.Holder = s.Text(e.Key), s.Text(e.Owner), s.Text(e.Holder)
		return e
	case event.Recap:
		stats := make(map[string]*value.Map, len(e.Stats))
		for host, m := range e.Stats {
			stats[host] = s.result(m)
		}
		e.Stats = stats
		return e
	}
	return e
}
