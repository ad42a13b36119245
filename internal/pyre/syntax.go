package pyre

import (
	"fmt"
)

// Flags change how a pattern matches, as re's flags of the same names.
type Flags uint8

const (
	IgnoreCase Flags = 1 << iota
	Multiline        // ^ and $ match at each line
	DotAll           // . matches a newline
	Verbose          // white space and comments in the pattern do not count
	ASCII            // \w, \d, \s are ASCII only
)

// Error is a mistake in a pattern.
type Error struct {
	Msg string
	Pos int // character in the pattern, from 0
}

func (e *Error) Error() string { return fmt.Sprintf("%s at position %d", e.Msg, e.Pos) }

// Regexp is a compiled pattern.
type Regexp struct {
	root   node
	groups int
	names  map[string]int
	source string
	// first is a literal that every match begins with, or "".
	first string
}

// NumGroups is the number of groups in the pattern.
func (r *Regexp) NumGroups() int { return r.groups }

// GroupIndex gives the number of each named group.
func (r *Regexp) GroupIndex() map[string]int { return r.names }

type nodeKind uint8

const (
	nEmpty nodeKind = iota
	nChar
	nAny
	nSet
	nSeq
	nAlt
	nRepeat
	nGroup
	nBackref
	nLook
	nCond
	nAtomic
	nBegin // ^ without multiline, \A
	nLineBegin
	nEnd // $ without multiline
	nLineEnd
	nTextEnd  // \Z
	nWordB    // \b
	nNotWordB // \B
)

type node struct {
	kind     nodeKind
	r        rune
	flags    Flags
	set      *charSet
	subs     []node
	min, max int // repeat; max < 0: no end
	lazy     bool
	atomic   bool
	group    int  // number of a group, reference or condition
	negate   bool // of a look-around
	behind   bool
	width    int // of a look-behind, in characters
}
