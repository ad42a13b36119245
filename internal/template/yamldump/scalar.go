package yamldump

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// analysis is which ways of writing a text are possible.
type analysis struct {
	multiline, flowPlain, blockPlain, single, block bool
}

func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029
}

func isBlankOrEnd(s string) bool {
	if s == "" {
		return true
	}
	r, _ := utf8.DecodeRuneInString(s)
	return r == ' ' || r == '\t' || isBreak(r)
}

// printable is libyaml's idea of it: nothing above U+FFFF, no tab.
func printable(r rune, size int) bool {
	if r == utf8.RuneError && size == 1 {
		return false
	}
	return r == '\n' || r >= ' ' && r <= '~' || r >= 0xa0 && r <= 0xfffd && r != 0xfeff && (r < 0xd800 || r > 0xdfff)
}

func (e *emitter) analyze(s string) analysis {
	if s == "" {
		return analysis{blockPlain: true, single: true}
	}
	var blockMark, flowMark, breaks, odd bool
	var leadSpace, leadBreak, trailSpace, trailBreak, breakSpace, spaceBreak bool
	var prevSpace, prevBreak bool
	if strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") {
		blockMark, flowMark = true, true
	}
	preceded := true
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		followed := isBlankOrEnd(s[i+size:])
		first, last := i == 0, i+size == len(s)
		switch {
		case first && strings.ContainsRune("#,[]{}&*!|>'\"%@`", r):
			flowMark, blockMark = true, true
		case first && (r == '?' || r == ':'):
			flowMark = true
			blockMark = blockMark || followed
		case first && r == '-' && followed:
			flowMark, blockMark = true, true
		case first:
		case strings.ContainsRune(",?[]{}", r):
			flowMark = true
		case r == ':':
			flowMark = true
			blockMark = blockMark || followed
		case r == '#' && preceded:
			flowMark, blockMark = true, true
		}
		if !printable(r, size) || e.o.EscapeUnicode && r > '~' {
			odd = odd || !isBreak(r) || r > '~' && e.o.EscapeUnicode
			if r == '\r' || r == 0x85 {
				odd = true
			}
		}
		switch {
		case r == ' ':
			leadSpace = leadSpace || first
			trailSpace = trailSpace || last
			breakSpace = breakSpace || prevBreak
			prevSpace, prevBreak = true, false
		case isBreak(r):
			breaks = true
			leadBreak = leadBreak || first
			trailBreak = trailBreak || last
			spaceBreak = spaceBreak || prevSpace
			prevSpace, prevBreak = false, true
		default:
			prevSpace, prevBreak = false, false
		}
		preceded = isBlankOrEnd(s[i : i+size])
		i += size
	}
	a := analysis{multiline: breaks, flowPlain: true, blockPlain: true, single: true, block: true}
	if leadSpace || leadBreak || trailSpace || trailBreak || breaks {
		a.flowPlain, a.blockPlain = false, false
	}
	if trailSpace {
		a.block = false
	}
	if breakSpace {
		a.flowPlain, a.blockPlain, a.single = false, false, false
	}
	if spaceBreak || odd {
		a.flowPlain, a.blockPlain, a.single, a.block = false, false, false, false
	}
	a.flowPlain = a.flowPlain && !flowMark
	a.blockPlain = a.blockPlain && !blockMark
	return a
}

// scalar writes a text in the style that fits.
func (e *emitter) scalar(n *node) {
	a := e.analyze(n.text)
	style := n.quote
	if e.simpleKey && a.multiline {
		style = '"'
	}
	if style == 0 {
		allowed := a.blockPlain
		if e.flow > 0 {
			allowed = a.flowPlain
		}
		if !allowed || n.text == "" && (e.flow > 0 || e.simpleKey) || !n.plain {
			style = '\''
		}
	}
	if style == '\'' && !a.single || (style == '|' || style == '>') && (!a.block || e.flow > 0 || e.simpleKey) {
		style = '"'
	}
	switch style {
	case '\'':
		e.single(n.text)
	case '"':
		e.double(n.text)
	case '|', '>':
		e.literal(n.text, style)
	default:
		e.plain(n.text)
	}
}

func (e *emitter) plain(s string) {
	if !e.whitespace && (s != "" || e.flow > 0) {
		e.put(" ")
	}
	spaces := false
	for i := 0; i < len(s); {
		_, size := utf8.DecodeRuneInString(s[i:])
		if s[i] == ' ' {
			if !e.simpleKey && !spaces && e.column > e.o.Width && !strings.HasPrefix(s[i+1:], " ") {
				e.writeIndent()
			} else {
				e.put(" ")
			}
			spaces = true
		} else {
			e.put(s[i : i+size])
			e.indention, spaces = false, false
		}
		i += size
	}
	e.whitespace, e.indention = false, false
}

func (e *emitter) single(s string) {
	e.indicator("'", true, false, false)
	spaces, breaks := false, false
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == ' ':
			if !e.simpleKey && !spaces && e.column > e.o.Width && i != 0 && i != len(s)-1 && !strings.HasPrefix(s[i+1:], " ") {
				e.writeIndent()
			} else {
				e.put(" ")
			}
			spaces = true
		case isBreak(r):
			if !breaks && r == '\n' {
				e.lineBreak()
			}
			e.lineBreak()
			e.indention, breaks = true, true
		default:
			if breaks {
				e.writeIndent()
			}
			if r == '\'' {
				e.put("'")
			}
			e.put(s[i : i+size])
			e.indention, spaces, breaks = false, false, false
		}
		i += size
	}
	if breaks {
		e.writeIndent()
	}
	e.indicator("'", false, false, false)
	e.whitespace, e.indention = false, false
}

var escapes = map[rune]string{
	0: "0", 7: "a", 8: "b", 9: "t", '\n': "n", 11: "v", 12: "f", '\r': "r", 0x1b: "e", '"': `"`, '\\': `\`,
	0x85: "N", 0xa0: "_", 0x2028: "L", 0x2029: "P",
}

func (e *emitter) double(s string) {
	e.indicator(`"`, true, false, false)
	spaces := false
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case !printable(r, size) || e.o.EscapeUnicode && r > '~' || isBreak(r) || r == '"' || r == '\\':
			if r == utf8.RuneError && size == 1 {
				r = 0xdc00 + rune(s[i])
			}
			switch esc, ok := escapes[r]; {
			case ok:
				e.put(`\` + esc)
			case r <= 0xff:
				e.put(fmt.Sprintf(`\x%02X`, r))
			case r <= 0xffff:
				e.put(fmt.Sprintf(`\u%04X`, r))
			default:
				e.put(fmt.Sprintf(`\U%08X`, r))
			}
			spaces = false
		case r == ' ':
			if !e.simpleKey && !spaces && e.column > e.o.Width && i != 0 && i != len(s)-1 {
				e.writeIndent()
				if strings.HasPrefix(s[i+1:], " ") {
					e.put(`\`)
				}
			} else {
				e.put(" ")
			}
			spaces = true
		default:
			e.put(s[i : i+size])
			spaces = false
		}
		i += size
	}
	e.indicator(`"`, false, false, false)
	e.whitespace, e.indention = false, false
}

// literal writes a block scalar.
func (e *emitter) literal(s string, style byte) {
	e.indicator(string(style), true, false, false)
	if s[0] == ' ' || s[0] == '\n' {
		e.put(fmt.Sprint(e.o.Indent))
	}
	switch {
	case !strings.HasSuffix(s, "\n"):
		e.put("-")
	case strings.HasSuffix(s, "\n\n") || s == "\n":
		e.put("+")
	}
	for _, line := range strings.Split(strings.TrimSuffix(s, "\n"), "\n") {
		e.lineBreak()
		if line != "" {
			e.put(strings.Repeat(" ", max(e.indent, 0)) + line)
		}
		if style == '>' && line != "" {
			e.lineBreak() // a folded break is an empty line
		}
	}
	e.whitespace, e.indention = false, false
}
