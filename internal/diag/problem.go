package diag

import (
	"fmt"
	"os"
	"sort"
	"strings"
)

// Problem is something wrong in what the user wrote, found while loading.
type Problem struct {
	Pos  Pos
	Msg  string // what was wrong
	Hint string // the likely fix, if there is one
	// Template marks a mistake inside a template: it fails the task that uses it,
	// and stops the run beforehand only where nothing expects that.
	Template bool
	// Warning marks a problem that does not stop the run.
	Warning bool
	// Deprecated marks a warning of what will be gone one day.
	Deprecated bool
	// General marks what Ansible counts not among what cannot be parsed, but among
	// all other errors, which have another exit code.
	General bool
	// Options marks what can be parsed and is not among the choices, which has an
	// exit code of its own, too.
	Options bool
}

// Error gives the problem on one line.
func (p *Problem) Error() string {
	s := p.Msg
	if p.Pos.IsValid() {
		s = p.Pos.String() + ": " + s
	}
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// Problems is all that was wrong, in order of position. As an error it holds
// at least one Problem that is not a warning.
type Problems []*Problem

// Add appends a problem.
func (ps *Problems) Add(pos Pos, hint, format string, args ...any) {
	*ps = append(*ps, &Problem{Pos: pos, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// AddGeneral is Add for problems that are General.
func (ps *Problems) AddGeneral(pos Pos, hint, format string, args ...any) {
	*ps = append(*ps, &Problem{Pos: pos, Msg: fmt.Sprintf(format, args...), Hint: hint, General: true})
}

// Warn appends a warning.
func (ps *Problems) Warn(pos Pos, hint, format string, args ...any) {
	*ps = append(*ps, &Problem{Pos: pos, Msg: fmt.Sprintf(format, args...), Hint: hint, Warning: true})
}

// Append takes over the problems in err: a *Problem, Problems, or any error.
func (ps *Problems) Append(pos Pos, err error) {
	switch err := err.(type) {
	case nil:
	case *Problem:
		*ps = append(*ps, err)
	case Problems:
		*ps = append(*ps, err...)
	default:
		*ps = append(*ps, &Problem{Pos: pos, Msg: err.Error()})
	}
}

// Err returns the problems that are not warnings, nil if there are none.
func (ps Problems) Err() error {
	var bad Problems
	seen := map[string]bool{}
	for _, p := range ps {
		if !p.Warning && !seen[p.Error()] {
			seen[p.Error()] = true
			bad = append(bad, p)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	sort.SliceStable(bad, func(i, j int) bool {
		a, b := bad[i].Pos, bad[j].Pos
		if a.File != b.File {
			return false // files stay in the order in which they were read
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
	return bad
}

// Error lists the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Excerpt shows the place in its file: the line with its neighbours and a caret
// below the column. It is empty where the file cannot be read or is vaulted.
func Excerpt(pos Pos) string {
	if pos.File == "" || pos.Line < 1 {
		return ""
	}
	data, err := os.ReadFile(pos.File)
	if err != nil || strings.HasPrefix(string(data), "$ANSIBLE_VAULT") {
		return ""
	}
	lines := strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	if pos.Line > len(lines) {
		return ""
	}
	var b strings.Builder
	width := len(fmt.Sprint(pos.Line + 1))
	for n := max(1, pos.Line-1); n <= min(len(lines), pos.Line+1); n++ {
		fmt.Fprintf(&b, "  %*d | %s\n", width, n, strings.ReplaceAll(lines[n-1], "\t", "→"))
		if n == pos.Line && pos.Column > 0 {
			fmt.Fprintf(&b, "  %*s | %s^ here\n", width, "", strings.Repeat(" ", pos.Column-1))
		}
	}
	return b.String()
}

// Nearest returns the candidate closest to name by edit distance, "" if none
// is close enough to be meant.
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", 1+max(1, len(name)/3)
	for _, c := range candidates {
		// At the same distance the longer one is meant: people leave letters out
		// more often than they put others in.
		if d := distance(name, c, bestDistance+1); d < bestDistance || d == bestDistance && best != "" && len(c) > len(best) {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance is the optimal string alignment distance, cut off at limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
