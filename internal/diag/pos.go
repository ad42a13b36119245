// Package diag describes what went wrong, for people: where (file, line,
// column, host, task), what, and what to do about it.
//
// It is a leaf: every other package may import it and it imports none of
// Tutti's. Loading gathers Problems and shows all of them at once; running
// returns the first Error.
package diag

import (
	"strconv"
	"strings"
)

// Pos is a place in a file. Line and Column count from 1; zero means unknown.
type Pos struct {
	File   string
	Line   int
	Column int
}

// IsValid reports whether the position names at least a file.
func (p Pos) IsValid() bool { return p.File != "" }

// String gives file:line:column, leaving out what is unknown.
func (p Pos) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(p.Line))
		if p.Column > 0 {
			b.WriteByte(':')
			b.WriteString(strconv.Itoa(p.Column))
		}
	}
	return b.String()
}
