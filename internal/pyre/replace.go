package pyre

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// each calls fn, until it says false, for the matches in s, from left to right,
// as re.sub and re.findall find them: at most limit of them if limit is not 0.
func (r *Regexp) each(s string, limit int, fn func(*Match) bool) error {
	pos, last := 0, -1 // last: where the match before was, if it was empty
	for n := 0; pos <= len(s) && (limit == 0 || n < limit); {
		m, err := r.Search(s, pos)
		if m == nil || err != nil {
			return err
		}
		b, e, _ := m.Span(0)
		if b == e && b == last {
			// The same empty match again does not count, but a longer one that
			// begins here would.
			if m, err = r.notEmpty(s, b); err != nil {
				return err
			}
			if m == nil {
				_, size := utf8.DecodeRuneInString(s[b:])
				pos = b + max(size, 1)
				continue
			}
			b, e, _ = m.Span(0)
		}
		if !fn(m) {
			return nil
		}
		n++
		last, pos = -1, e
		if b == e {
			last = e
		}
	}
	return nil
}

// notEmpty matches at pos something that is not empty.
func (r *Regexp) notEmpty(s string, pos int) (*Match, error) {
	m := &matcher{s: s, spans: make([]int, 2*(r.groups+1))}
	for i := range m.spans {
		m.spans[i] = -1
	}
	end := -1
	if m.run(&r.root, pos, func(p int) bool { end = p; return p != pos }) && m.err == nil {
		m.spans[0], m.spans[1] = pos, end
		return &Match{s, m.spans}, nil
	}
	return nil, m.err
}

// maxMatches is how many matches FindAll gathers.
const maxMatches = 2_000_000

// FindAll returns all matches in s, or ErrTooMuch if there are millions of them.
func (r *Regexp) FindAll(s string) ([]*Match, error) {
	var out []*Match
	err := r.each(s, 0, func(m *Match) bool { out = append(out, m); return len(out) <= maxMatches })
	if err == nil && len(out) > maxMatches {
		err = ErrTooMuch
	}
	return out, err
}

// Sub replaces the matches in s (at most count, all if 0) by the text of
// repl, in which \1, \g<1> and \g<name> stand for groups.
func (r *Regexp) Sub(repl, s string, count int) (string, error) {
	return r.SubMost(repl, s, count, math.MaxInt)
}

// ErrTooMuch is the error of a result that is too long.
var ErrTooMuch = errors.New("the regular expression matches too often, or its replacements are too long")

// SubMost is Sub that fails with ErrTooMuch rather than make more than most bytes.
func (r *Regexp) SubMost(repl, s string, count, most int) (string, error) {
	parts, err := r.Template(repl)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	at := 0
	over := false
	write := func(t string) {
		if over = over || len(t) > most-b.Len(); !over {
			b.WriteString(t)
		}
	}
	err = r.each(s, count, func(m *Match) bool {
		begin, end, _ := m.Span(0)
		write(s[at:begin])
		for _, p := range parts {
			if p.Group < 0 {
				write(p.Text)
			} else if t, ok := m.Group(p.Group); ok {
				write(t)
			}
		}
		at = end
		return !over
	})
	write(s[at:])
	if over && err == nil {
		err = ErrTooMuch
	}
	return b.String(), err
}

// Part is a piece of a replacement: text, or a group if Group is not negative.
type Part struct {
	Text  string
	Group int
}

// Template parses a replacement text.
func (r *Regexp) Template(repl string) ([]Part, error) {
	var parts []Part
	var text strings.Builder
	group := func(g int) {
		if text.Len() > 0 {
			parts = append(parts, Part{text.String(), -1})
			text.Reset()
		}
		parts = append(parts, Part{"", g})
	}
	for i := 0; i < len(repl); {
		if repl[i] != '\\' {
			text.WriteByte(repl[i])
			i++
			continue
		}
		at := i
		i++
		if i >= len(repl) {
			return nil, &Error{"bad escape (end of pattern)", at}
		}
		c := repl[i]
		i++
		switch {
		case c == 'g':
			name, rest, ok := strings.Cut(strings.TrimPrefix(repl[i:], "<"), ">")
			if !strings.HasPrefix(repl[i:], "<") {
				return nil, &Error{"missing <", i}
			}
			if !ok {
				return nil, &Error{"missing >, unterminated name", i + 1}
			}
			g, err := strconv.Atoi(name)
			if err != nil {
				var known bool
				if g, known = r.names[name]; !known {
					return nil, &Error{"unknown group name '" + name + "'", i + 1}
				}
			}
			if g < 0 || g > r.groups {
				return nil, &Error{"invalid group reference " + name, i + 1}
			}
			group(g)
			i = len(repl) - len(rest)
		case c == '0' || c >= '1' && c <= '3' && octal(repl, i, 2):
			v := rune(c - '0')
			for k := 0; k < 2 && i < len(repl) && repl[i] >= '0' && repl[i] <= '7'; k++ {
				v = v*8 + rune(repl[i]-'0')
				i++
			}
			text.WriteRune(v)
		case c >= '1' && c <= '9':
			g := int(c - '0')
			if i < len(repl) && repl[i] >= '0' && repl[i] <= '9' {
				g = g*10 + int(repl[i]-'0')
				i++
			}
			if g > r.groups {
				return nil, &Error{"invalid group reference " + strconv.Itoa(g), at + 1}
			}
			group(g)
		default:
			if e, ok := simpleEscapes[rune(c)]; ok {
				text.WriteRune(e)
				break
			}
			if c|0x20 >= 'a' && c|0x20 <= 'z' {
				return nil, &Error{"bad escape \\" + string(rune(c)), at}
			}
			text.WriteByte('\\')
			text.WriteByte(c)
		}
	}
	if text.Len() > 0 {
		parts = append(parts, Part{text.String(), -1})
	}
	return parts, nil
}

func octal(s string, i, n int) bool {
	if i+n > len(s) {
		return false
	}
	for _, c := range s[i : i+n] {
		if c < '0' || c > '7' {
			return false
		}
	}
	return true
}

// Split cuts s at the matches (at most limit, all if 0). The groups of each
// match stand between the pieces, nil where one took no part.
func (r *Regexp) Split(s string, limit int) ([]any, error) {
	var out []any
	at := 0
	err := r.each(s, limit, func(m *Match) bool {
		b, e, _ := m.Span(0)
		out = append(out, s[at:b])
		for g := 1; g <= r.groups; g++ {
			if t, ok := m.Group(g); ok {
				out = append(out, t)
			} else {
				out = append(out, nil)
			}
		}
		at = e
		return true
	})
	return append(out, s[at:]), err
}

// Escape returns a pattern that matches exactly s, written as re.escape does.
func Escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
