package text

import (
	"fmt"
	"strings"
)

// edit is one line of a comparison: ' ', '-' or '+'.
type edit struct {
	op   byte
	text string
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		return lines[:len(lines)-1]
	}
	lines[len(lines)-1] += "\n\\ No newline at end of file\n"
	return lines
}

// compare finds a shortest way from a to b (Myers' algorithm), the parts that
// both share at the ends left out of the search.
func compare(a, b []string) []edit {
	var head, tail []edit
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, edit{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, edit{' ', a[len(a)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	out := append(head, shortest(a, b)...)
	for i := len(tail) - 1; i >= 0; i-- {
		out = append(out, tail[i])
	}
	return out
}

// maxEdits bounds the search; files that differ more are shown as replaced.
const maxEdits = 4000

func shortest(a, b []string) []edit {
	n, m := len(a), len(b)
	limit := min(n+m, maxEdits)
	v := make([]int, 2*limit+2)
	var trace [][]int
	for d := 0; d <= limit; d++ {
		trace = append(trace, append([]int(nil), v...))
		for k := -d; k <= d; k += 2 {
			var x int
			if k == -d || k != d && v[limit+k-1] < v[limit+k+1] {
				x = v[limit+k+1]
			} else {
				x = v[limit+k-1] + 1
			}
			y := x - k
			for x < n && y < m && a[x] == b[y] {
				x, y = x+1, y+1
			}
			v[limit+k] = x
			if x >= n && y >= m {
				return backtrack(a, b, trace, limit)
			}
		}
	}
	var out []edit
	for _, l := range a {
		out = append(out, edit{'-', l})
	}
	for _, l := range b {
		out = append(out, edit{'+', l})
	}
	return out
}

func backtrack(a, b []string, trace [][]int, limit int) []edit {
	x, y := len(a), len(b)
	var back []edit
	for d := len(trace) - 1; d >= 0; d-- {
		v, k := trace[d], x-y
		prev := k - 1
		if k == -d || k != d && v[limit+k-1] < v[limit+k+1] {
			prev = k + 1
		}
		px := v[limit+prev]
		py := px - prev
		for x > px && y > py && x > 0 && y > 0 {
			x, y = x-1, y-1
			back = append(back, edit{' ', a[x]})
		}
		if d == 0 {
			break
		}
		if x == px {
			y--
			back = append(back, edit{'+', b[y]})
		} else {
			x--
			back = append(back, edit{'-', a[x]})
		}
	}
	out := make([]edit, len(back))
	for i, e := range back {
		out[len(back)-1-i] = e
	}
	return removalsFirst(out)
}

// removalsFirst puts the removed lines of each change before the added ones.
func removalsFirst(edits []edit) []edit {
	out := edits[:0:0]
	for i := 0; i < len(edits); {
		if edits[i].op == ' ' {
			out = append(out, edits[i])
			i++
			continue
		}
		j := i
		for j < len(edits) && edits[j].op != ' ' {
			j++
		}
		for _, op := range []byte{'-', '+'} {
			for _, e := range edits[i:j] {
				if e.op == op {
					out = append(out, e)
				}
			}
		}
		i = j
	}
	return out
}

// unified gives the lines of a unified diff, nil if there is no difference.
func unified(before, after, from, to string, context int) []string {
	edits := compare(splitLines(before), splitLines(after))
	var out []string
	for i := 0; i < len(edits); {
		if edits[i].op == ' ' {
			i++
			continue
		}
		start := max(0, i-context)
		end, quiet := i, 0
		for j := i; j < len(edits); j++ {
			if edits[j].op != ' ' {
				end, quiet = j+1, 0
			} else if quiet++; quiet > 2*context {
				break
			}
		}
		stop := min(len(edits), end+context)
		if out == nil {
			out = append(out, "--- "+from+"\n", "+++ "+to+"\n")
		}
		out = append(out, hunk(edits, start, stop)...)
		i = stop
	}
	return out
}

func hunk(edits []edit, start, stop int) []string {
	lineA, lineB := 1, 1
	for _, e := range edits[:start] {
		if e.op != '+' {
			lineA++
		}
		if e.op != '-' {
			lineB++
		}
	}
	var countA, countB int
	var lines []string
	for _, e := range edits[start:stop] {
		if e.op != '+' {
			countA++
		}
		if e.op != '-' {
			countB++
		}
		lines = append(lines, string(e.op)+e.text)
	}
	return append([]string{fmt.Sprintf("@@ -%s +%s @@\n", span(lineA, countA), span(lineB, countB))}, lines...)
}

func span(line, count int) string {
	switch count {
	case 1:
		return fmt.Sprint(line)
	case 0:
		line--
	}
	return fmt.Sprintf("%d,%d", line, count)
}
