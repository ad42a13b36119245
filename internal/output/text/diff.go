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

// compare pairs the lines of a and b as Python's difflib does, so that a diff
// reads as Ansible's: the longest run of lines that both have, then the longest
// ones before and after it, and so on.
func compare(a, b []string) []edit {
	m := matcher{a: a, b: b, at: map[string][]int{}}
	for j, line := range b {
		m.at[line] = append(m.at[line], j)
	}
	if len(b) >= manyLines {
		// Lines that are everywhere, such as empty ones, begin no run.
		for line, places := range m.at {
			if len(places) > len(b)/100+1 {
				delete(m.at, line)
			}
		}
	}
	m.pair(0, len(a), 0, len(b))
	return m.edits
}

// manyLines is from where on lines that are everywhere begin no run.
const manyLines = 200

type matcher struct {
	a, b  []string
	at    map[string][]int // where in b a line is
	edits []edit
}

// pair writes the edits between a part of a and a part of b.
func (m *matcher) pair(aLow, aHigh, bLow, bHigh int) {
	i, j, n := m.longest(aLow, aHigh, bLow, bHigh)
	if n == 0 {
		m.add('-', m.a[aLow:aHigh])
		m.add('+', m.b[bLow:bHigh])
		return
	}
	m.pair(aLow, i, bLow, j)
	m.add(' ', m.a[i:i+n])
	m.pair(i+n, aHigh, j+n, bHigh)
}

func (m *matcher) add(op byte, lines []string) {
	for _, l := range lines {
		m.edits = append(m.edits, edit{op, l})
	}
}

// longest finds the longest run of equal lines: of several the first in a, and
// then the first in b.
func (m *matcher) longest(aLow, aHigh, bLow, bHigh int) (bestA, bestB, best int) {
	bestA, bestB = aLow, bLow
	runs := map[int]int{} // how long the run is that ends at a place in b
	for i := aLow; i < aHigh; i++ {
		next := map[int]int{}
		for _, j := range m.at[m.a[i]] {
			if j < bLow {
				continue
			}
			if j >= bHigh {
				break
			}
			n := runs[j-1] + 1
			next[j] = n
			if n > best {
				bestA, bestB, best = i-n+1, j-n+1, n
			}
		}
		runs = next
	}
	for bestA > aLow && bestB > bLow && m.a[bestA-1] == m.b[bestB-1] {
		bestA, bestB, best = bestA-1, bestB-1, best+1
	}
	for bestA+best < aHigh && bestB+best < bHigh && m.a[bestA+best] == m.b[bestB+best] {
		best++
	}
	return bestA, bestB, best
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
