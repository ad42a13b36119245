// Package textwrap cuts text into lines as Python's module of that name does, so
// that a message is broken where people know it to be.
package textwrap

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/lazyregexp"
)

// Message cuts a message into lines of at most width characters, whatever lines
// it had.
func Message(text string, width int) string {
	spaces := func(r rune) rune {
		if r < utf8.RuneSelf && unicode.IsSpace(r) {
			return ' '
		}
		return r
	}
	return strings.Join(Lines(strings.Map(spaces, expandTabs(text)), width, true, true), "\n")
}

// expandTabs puts blanks up to the next multiple of eight in the place of tabs.
func expandTabs(s string) string {
	if !strings.Contains(s, "\t") {
		return s
	}
	var b strings.Builder
	column := 0
	for _, r := range s {
		switch r {
		case '\t':
			n := 8 - column%8
			b.WriteString(strings.Repeat(" ", n))
			column += n
			continue
		case '\n', '\r':
			column = -1
		}
		b.WriteRune(r)
		column++
	}
	return b.String()
}

var (
	chunkSpaces  = lazyregexp.New(`[\t\n\v\f\r ]+|[^\t\n\v\f\r ]+`)
	hyphenPieces = lazyregexp.New(`[^-]*[\pL\pN_]-+|--+|[^-]+|-`)
)

// Words are the words of s and what is between them, in turn.
func Words(s string) []string { return chunkSpaces.FindAllString(s, -1) }

// Lines cuts a line into lines of at most width characters, at white space and,
// if onHyphens says so, after hyphens. It keeps white space inside lines. A word
// that is longer is cut if breakLong says so.
func Lines(s string, width int, breakLong, onHyphens bool) []string {
	var chunks []string
	for _, w := range Words(s) {
		if !onHyphens || !strings.Contains(w, "-") || unicode.IsSpace(rune(w[0])) {
			chunks = append(chunks, w)
			continue
		}
		pieces := hyphenPieces.FindAllString(w, -1)
		for i := 0; i < len(pieces); i++ {
			p := pieces[i]
			// A hyphen only breaks between letters.
			for i+1 < len(pieces) && !breaksAfter(p, pieces[i+1]) {
				i++
				p += pieces[i]
			}
			chunks = append(chunks, p)
		}
	}
	var lines []string
	blank := func(t string) bool { return strings.TrimSpace(t) == "" }
	for len(chunks) > 0 {
		if len(lines) > 0 && blank(chunks[0]) {
			chunks = chunks[1:]
			continue
		}
		line, n := "", 0
		for len(chunks) > 0 {
			l, fits := runesWithin(chunks[0], width-n)
			if !fits {
				break
			}
			line += chunks[0]
			n += l
			chunks = chunks[1:]
		}
		if len(chunks) == 0 {
			// nothing is left to cut
		} else if _, fits := runesWithin(chunks[0], width); !fits {
			switch room := width - n; {
			case breakLong && room > 0:
				cut := 0
				for range room {
					_, size := utf8.DecodeRuneInString(chunks[0][cut:])
					cut += size
				}
				line += chunks[0][:cut]
				chunks[0] = chunks[0][cut:]
			case line == "":
				line = chunks[0]
				chunks = chunks[1:]
			}
		}
		if trimmed := strings.TrimRightFunc(line, unicode.IsSpace); trimmed != "" || line == "" {
			lines = append(lines, trimmed)
		}
	}
	return lines
}

// runesWithin counts the characters of s, no further than most of them.
func runesWithin(s string, most int) (n int, fits bool) {
	if len(s) <= most {
		return utf8.RuneCountInString(s), true
	}
	for range s {
		if n++; n > most {
			return n, false
		}
	}
	return n, true
}

func breaksAfter(a, b string) bool {
	if !strings.HasSuffix(a, "-") {
		return strings.HasPrefix(b, "--")
	}
	if strings.HasSuffix(a, "--") {
		return true
	}
	r, _ := utf8.DecodeRuneInString(b)
	before := []rune(strings.TrimRight(a, "-"))
	return unicode.IsLetter(r) && len(before) >= 1 && unicode.IsLetter(before[len(before)-1])
}
