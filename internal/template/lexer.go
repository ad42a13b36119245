package template

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Syntax is what marks up a template: the delimiters, and what happens to the
// white space around blocks.
type Syntax struct {
	BlockStart, BlockEnd       string // {% and %}
	VariableStart, VariableEnd string // {{ and }}
	CommentStart, CommentEnd   string // {# and #}
	TrimBlocks                 bool   // drop the newline after a block
	LstripBlocks               bool   // drop the white space before a block on its line
	KeepTrailingNewline        bool   // keep the last newline of the text
	NewlineSequence            string // what a newline in the text becomes
	LineStatement, LineComment string // what begins a line that is a statement, and a comment to the end of a line; "" for none
}

// DefaultSyntax is Ansible's.
var DefaultSyntax = Syntax{
	BlockStart: "{%", BlockEnd: "%}", VariableStart: "{{", VariableEnd: "}}", CommentStart: "{#", CommentEnd: "#}",
	TrimBlocks: true, NewlineSequence: "\n",
}

// kind is a kind of token. Operators are their own text.
type kind string

const (
	tData       kind = "data"
	tVarBegin   kind = "begin of print statement"
	tVarEnd     kind = "end of print statement"
	tBlockBegin kind = "begin of statement block"
	tBlockEnd   kind = "end of statement block"
	tLineEnd    kind = "end of line statement" // how inside ends, not a token
	tName       kind = "name"
	tString     kind = "string"
	tInt        kind = "integer"
	tFloat      kind = "float"
	tEOF        kind = "end of template"
)

type token struct {
	kind kind
	text string
	off  int // in the normalised text
}

// describe names a token for an error.
func (t token) describe() string {
	switch t.kind {
	case tName, tInt, tFloat, tString:
		return t.text
	}
	return string(t.kind)
}

// lexer cuts a template into tokens by Jinja2's rules.
type lexer struct {
	src    string
	syn    *Syntax
	pos    int
	tokens []token
	// part tells that src is only a part of the text, and where it stands there.
	part
	// literal keeps backslashes in strings inside {{ }} as they are, which is
	// what Ansible does for text from playbooks.
	literal bool
}

// normalise turns every kind of newline into \n and drops the last one.
func normalise(src string, syn *Syntax) string {
	src = unixLines(src)
	if !syn.KeepTrailingNewline {
		src = strings.TrimSuffix(src, "\n")
	}
	return src
}

func unixLines(src string) string {
	if strings.IndexByte(src, '\r') < 0 {
		return src
	}
	return strings.ReplaceAll(strings.ReplaceAll(src, "\r\n", "\n"), "\r", "\n")
}

func (l *lexer) fail(off int, format string, args ...any) error {
	return &syntaxError{off: l.base + off, msg: fmt.Sprintf(format, args...)}
}

// runs fails for something that has no end in the text.
func (l *lexer) runs(off int, format string, args ...any) error {
	l.pos = len(l.src)
	return l.fail(off, format, args...)
}

// unexpected fails for the character at off.
func (l *lexer) unexpected(off int) error {
	r, _ := utf8.DecodeRuneInString(l.src[off:])
	n := utf8.RuneCountInString(l.src[l.context:off])
	if l.before != nil {
		n += l.before()
	}
	return l.fail(off, "unexpected char %s at %d", Repr(string(r)), n)
}

// syntaxError is an error at a place in the normalised text.
type syntaxError struct {
	off int
	msg string
}

func (e *syntaxError) Error() string { return e.msg }

func (l *lexer) add(k kind, text string, off int) {
	if nl := l.syn.NewlineSequence; k == tData && nl != "\n" && nl != "" {
		text = strings.ReplaceAll(text, "\n", nl) // of the template's own text, not of values
	}
	l.tokens = append(l.tokens, token{k, text, l.base + off})
}

func (l *lexer) rest() string { return l.src[l.pos:] }

// run reads the whole text.
func (l *lexer) run() error {
	for {
		read, pos := len(l.tokens), l.pos
		done, err := l.next()
		if l.more && l.pos > len(l.src)-l.margin() {
			// What comes after src may change what this was.
			l.tokens, l.pos = l.tokens[:read], pos
			l.certain()
			l.add(tEOF, "", l.pos)
			return nil
		}
		if done || err != nil {
			return err
		}
	}
}

// next reads the text up to a marker, and what belongs to that one.
func (l *lexer) next() (done bool, err error) {
	lineStart := l.pos == 0 || l.src[l.pos-1] == '\n'
	at, what := l.nextMarker()
	text := l.src[l.pos:at]
	begin := l.pos
	if what == "" || what == "line" || what == "line comment" {
		if text != "" {
			l.add(tData, text, begin)
		}
		if what != "" {
			return false, l.line(at, what)
		}
		l.pos = len(l.src)
		l.add(tEOF, "", l.pos)
		return true, nil
	}
	l.pos = at + len(l.delimiter(what))
	sign := byte(0)
	if l.pos < len(l.src) && (l.src[l.pos] == '-' || l.src[l.pos] == '+') {
		sign = l.src[l.pos]
		l.pos++
	}
	text = l.strip(text, sign, what != "variable", lineStart)
	if text != "" {
		l.add(tData, text, begin)
	}
	switch {
	case what == "comment":
		return false, l.comment(at)
	case what == "variable":
		l.add(tVarBegin, "", at)
		return false, l.inside(tVarEnd)
	case l.rawBegin():
		return false, l.raw(at)
	}
	l.add(tBlockBegin, "", at)
	return false, l.inside(tBlockEnd)
}

// strip applies white space control to the text before a marker.
func (l *lexer) strip(text string, sign byte, block, lineStart bool) string {
	if sign == '-' {
		return strings.TrimRightFunc(text, unicode.IsSpace)
	}
	if sign == '+' || !l.syn.LstripBlocks || !block {
		return text
	}
	cut := strings.LastIndexByte(text, '\n') + 1
	if (cut > 0 || lineStart) && strings.TrimSpace(text[cut:]) == "" {
		return text[:cut]
	}
	return text
}

func (l *lexer) delimiter(what string) string {
	switch what {
	case "comment":
		return l.syn.CommentStart
	case "variable":
		return l.syn.VariableStart
	}
	return l.syn.BlockStart
}

// nextMarker finds the first marker from pos on. Where two start at the same
// place the longer one wins.
func (l *lexer) nextMarker() (int, string) {
	rest := l.rest()
	best, what, size := len(rest), "", 0
	for _, w := range [...]string{"variable", "comment", "block"} {
		d := l.delimiter(w)
		if i := strings.Index(rest[:min(len(rest), best+len(d))], d); i >= 0 && (i < best || i == best && len(d) > size) {
			best, what, size = i, w, len(d)
		}
	}
	if at, found := l.nextLine(best, what == ""); found != "" {
		return l.pos + at, found
	}
	return l.pos + best, what
}

// nextLine finds a line statement or comment that begins before limit.
func (l *lexer) nextLine(limit int, open bool) (int, string) {
	if l.syn.LineStatement == "" && l.syn.LineComment == "" {
		return 0, ""
	}
	rest := l.rest()
	blank := func(c byte) bool { return c == ' ' || c == '\t' || c == '\v' }
	for i := 0; i < limit || open && i <= limit; i++ {
		lineBegin := l.pos+i == 0 || l.src[l.pos+i-1] == '\n'
		j := i
		for j < len(rest) && blank(rest[j]) {
			j++
		}
		if p := l.syn.LineStatement; p != "" && lineBegin && strings.HasPrefix(rest[j:], p) {
			return i, "line"
		}
		afterText := i > 0 && !unicode.IsSpace(rune(rest[i-1]))
		if p := l.syn.LineComment; p != "" && (lineBegin || afterText) && strings.HasPrefix(rest[j:], p) {
			return i, "line comment"
		}
	}
	return 0, ""
}

// line reads a line statement or comment that begins at at.
func (l *lexer) line(at int, what string) error {
	l.pos = at
	for l.pos < len(l.src) && strings.IndexByte(" \t\v", l.src[l.pos]) >= 0 {
		l.pos++
	}
	if what == "line comment" {
		if i := strings.IndexByte(l.rest(), '\n'); i >= 0 {
			l.pos += i
		} else {
			l.pos = len(l.src)
		}
		return nil
	}
	l.pos += len(l.syn.LineStatement)
	l.add(tBlockBegin, "", at)
	return l.inside(tLineEnd)
}

// closing reads the end of a block or comment at pos, with its sign and the
// newline that goes with it.
func (l *lexer) closing(end string) bool {
	rest := l.rest()
	switch {
	case strings.HasPrefix(rest, "+"+end):
		l.pos += 1 + len(end)
	case strings.HasPrefix(rest, "-"+end):
		l.pos += 1 + len(end)
		l.skipSpace()
	case strings.HasPrefix(rest, end):
		l.pos += len(end)
		if l.syn.TrimBlocks && strings.HasPrefix(l.rest(), "\n") {
			l.pos++
		}
	default:
		return false
	}
	return true
}

func (l *lexer) skipSpace() {
	l.pos = len(l.src) - len(strings.TrimLeftFunc(l.rest(), unicode.IsSpace))
}

func (l *lexer) comment(at int) error {
	if !l.more && l.pos == len(l.src) {
		return nil // one that has nothing in it may stay open at the very end
	}
	for ; l.pos < len(l.src); l.pos++ {
		if l.closing(l.syn.CommentEnd) {
			return nil
		}
	}
	return l.runs(at, "Missing end of comment tag")
}

// rawBegin reads `raw %}` after a block start, if that is what stands there.
func (l *lexer) rawBegin() bool {
	save := l.pos
	l.skipSpace()
	if strings.HasPrefix(l.rest(), "raw") {
		l.pos += len("raw")
		l.skipSpace()
		end := l.syn.BlockEnd
		switch {
		case strings.HasPrefix(l.rest(), "-"+end):
			l.pos += 1 + len(end)
			l.skipSpace()
			return true
		case strings.HasPrefix(l.rest(), end):
			l.pos += len(end)
			return true
		}
	}
	l.pos = save
	return false
}

func (l *lexer) raw(at int) error {
	begin := l.pos
	for {
		i := strings.Index(l.rest(), l.syn.BlockStart)
		if i < 0 {
			return l.runs(at, "Missing end of raw directive")
		}
		stop := l.pos + i
		l.pos = stop + len(l.syn.BlockStart)
		sign := byte(0)
		if r := l.rest(); r != "" && (r[0] == '-' || r[0] == '+') {
			sign = r[0]
			l.pos++
		}
		l.skipSpace()
		if !strings.HasPrefix(l.rest(), "endraw") {
			continue
		}
		l.pos += len("endraw")
		l.skipSpace()
		if l.closing(l.syn.BlockEnd) {
			if text := l.strip(l.src[begin:stop], sign, true, strings.HasSuffix(l.src[:begin], "\n")); text != "" {
				l.add(tData, text, begin)
			}
			return nil
		}
	}
}
