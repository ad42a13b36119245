package template

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/value"
)

// Stream renders a template file as File does, of any size: a long text is read
// some statements at a time, and what it makes is written to w as it comes. In
// memory is what one statement needs, which for a block is all of its body.
//
// The text is read twice, since nothing in it may happen if there is a mistake
// at its end. w has got a part of the result when Stream fails.
func (e *Engine) Stream(c *Context, w io.Writer, src *io.SectionReader, o FileOptions) error {
	return e.stream(c, w, src, o, streamed, 256<<10)
}

// streamed is how many bytes a text has at least that is read in parts. A shorter
// one is parsed once for all hosts.
const streamed = 1 << 20

// stream is Stream for a text of long bytes or more, read size bytes at a time.
func (e *Engine) stream(c *Context, w io.Writer, src *io.SectionReader, o FileOptions, long int64, size int) error {
	head := make([]byte, min(src.Size(), streamed))
	if _, err := io.ReadFull(src, head); err != nil { // it has become shorter, perhaps
		return fmt.Errorf("cannot read %s: %w", o.Path, err)
	}
	text := string(head)
	st, rest, pos, err := e.open(c, text, o)
	if err != nil {
		return err
	}
	whole := &value.Template{Pos: pos}
	ends := 0
	var comp *compiled
	if src.Size() < long {
		whole.Source, ends = rest, newlines(rest)
		comp = e.text(rest, st.syn, false)
	} else {
		begin := int64(len(text) - len(rest))
		parts := &longText{e: e, ctx: c, syn: st.syn, size: size, src: io.NewSectionReader(src, begin, src.Size()-begin)}
		whole.Source = o.Path
		if comp, ends, err = parts.check(); err != nil {
			return err
		}
	}
	return st.renderTo(w, comp, whole, ends)
}

// renderTo writes what a parsed template makes to w. ends is how many newlines
// the template's text has at its end.
func (st *state) renderTo(w io.Writer, c *compiled, t *value.Template, ends int) error {
	if c.err != nil {
		wrong := syntaxAt(c, t.Pos)
		if ends > 0 { // the message has the text as it is, to its last newline
			wrong.Msg += "\n"
		}
		return wrong
	}
	if err := st.enter(t.Source); err != nil {
		return err
	}
	r := st.newRender(c, asText)
	o := output{st: st, mode: asText, w: w}
	err := r.exec(&o)
	st.depth--
	if err == nil {
		err = o.send("")
	}
	if err == nil && o.ends < ends {
		_, err = io.WriteString(w, strings.Repeat(st.syn.NewlineSequence, ends-o.ends))
	}
	return r.explain(err, t)
}

// longText is the text of a template that is not held in memory.
type longText struct {
	e   *Engine
	ctx *Context
	syn *Syntax
	src *io.SectionReader
	// size is how many bytes are read at a time.
	size int
}

// check parses the text without keeping it. It returns a template that reads it
// again when it is evaluated, and how many newlines are at the text's end.
func (t *longText) check() (*compiled, int, error) {
	c := &compiled{long: t, blocks: map[string]*blockStmt{}}
	s := t.scanner(c.blocks)
	s.passing = true
	for {
		_, mutates, err := s.next()
		c.mutates = c.mutates || mutates
		if bad, ok := err.(*syntaxError); ok {
			c.err, c.src = bad, s.around(bad.off)
			return c, 0, nil
		}
		if err == io.EOF {
			return c, s.ends, nil
		}
		if err != nil {
			return nil, 0, err
		}
	}
}

// exec evaluates the statements in their order.
func (t *longText) exec(f *frame, o *output) error {
	s := t.scanner(map[string]*blockStmt{})
	for {
		body, _, err := s.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = execAll(body, f, o)
		}
		if err != nil {
			return err
		}
	}
}

// place is where off stands, in a text that begins at base.
func (t *longText) place(off int, base diag.Pos) diag.Pos {
	lines, column := 0, 1
	t.until(off, func(text string) {
		lines += strings.Count(text, "\n")
		if i := strings.LastIndexByte(text, '\n'); i >= 0 {
			column = len(text) - i
		} else {
			column += len(text)
		}
	})
	if lines == 0 && base.Column > 0 {
		column += base.Column - 1
	}
	return diag.Pos{File: base.File, Line: max(base.Line, 1) + lines, Column: column}
}

// until reads the text once more, up to off, in pieces that are not cut within a
// character.
func (t *longText) until(off int, f func(text string)) {
	s := t.scanner(nil)
	s.passing = true
	for s.fill() == nil {
		if last := s.base+len(s.text) >= off || !s.more; last {
			f(s.text[s.context:min(len(s.text), max(off-s.base, s.context))])
			return
		}
		end := len(s.text)
		for i := end - 1; i >= max(s.context, end-utf8.UTFMax); i-- {
			if utf8.RuneStart(s.text[i]) {
				if !utf8.FullRuneInString(s.text[i:]) {
					end = i
				}
				break
			}
		}
		f(s.text[s.context:end])
		if end > s.context {
			s.advance(end)
		}
	}
}

func (t *longText) scanner(blocks map[string]*blockStmt) *scanner {
	s := &scanner{longText: t, in: io.NewSectionReader(t.src, 0, t.src.Size()), blocks: blocks, part: part{more: true}}
	s.before = func() (n int) {
		t.until(s.base+s.context, func(text string) { n += utf8.RuneCountInString(text) })
		return n
	}
	return s
}

// part is where a piece of text stands in the whole. The zero part is the whole.
type part struct {
	base    int  // where the piece begins, in bytes
	lines   int  // newlines before it
	context int  // bytes at its begin that were read before, and are only looked back at
	more    bool // the text goes on after the piece
	// before counts the characters before what comes after the context.
	before func() int
}

// scanner reads a long text from its begin to its end.
type scanner struct {
	*longText
	in     io.Reader
	blocks map[string]*blockStmt
	tokens []token
	text   string // normalised: what was read and not parsed yet
	part
	// passing tells that nobody keeps the statements, but for blocks: then text lies
	// in one of two buffers, which are used in turn while there are no blocks.
	passing    bool
	buf, spare []byte
	cr         bool // a carriage return was read whose newline may follow
	ends       int  // newlines at the end of what was read
}

// next parses the statements that are whole in what has been read, and reads on
// until there are some. It returns io.EOF at the end, and a *syntaxError.
func (s *scanner) next() (body []stmt, mutates bool, err error) {
	for {
		if err := s.ctx.ctx().Err(); err != nil {
			return nil, false, err
		}
		if len(s.text) > s.e.limits.Output {
			return nil, false, limitErr("a statement of the template has more than %d bytes", s.e.limits.Output)
		}
		if s.more {
			if err := s.fill(); err != nil {
				return nil, false, err
			}
		}
		p, err := s.parse()
		if err != nil {
			return nil, false, err
		}
		end := p.cur().off - s.base
		if end > s.context {
			s.advance(end)
			return p.done, p.mutates, nil
		}
		if !s.more {
			return nil, false, io.EOF
		}
	}
}

// prefix is a parser for as many statements as there are in a piece of text.
type prefix struct {
	*parser
	done []stmt
}

// parse reads statements, and stops before one of which the end is not there yet.
func (s *scanner) parse() (p prefix, err error) {
	l := lexer{src: s.text, syn: s.syn, pos: s.context, part: s.part, tokens: s.tokens[:0]}
	wrong, _ := l.run().(*syntaxError)
	if wrong != nil {
		l.add(tEOF, "", wrong.off-l.base)
	}
	s.tokens = l.tokens
	p.parser = &parser{e: s.e, src: s.text, tokens: l.tokens, blocks: s.blocks, part: s.part}
	begin := 0
	defer func() {
		if r := recover(); r != nil {
			b, ok := r.(bail)
			if !ok {
				panic(r)
			}
			if wrong == nil && s.more && p.is(tEOF) {
				p.i = begin // once more, with the rest
				from := p.cur().off
				maps.DeleteFunc(s.blocks, func(_ string, b *blockStmt) bool { return b.off >= from })
				return
			}
			if wrong == nil || b.err.off < wrong.off {
				wrong = b.err
			}
		}
		if wrong != nil {
			err = wrong
		}
	}()
	for more := true; more; {
		var st stmt
		begin = p.i
		if st, more = p.one(nil); st != nil {
			p.done = append(p.done, st)
		}
	}
	return p, nil
}

// advance forgets the text up to end.
func (s *scanner) advance(end int) {
	s.lines += strings.Count(s.text[:end-1], "\n")
	s.base += end - 1
	s.text, s.context = s.text[end-1:], 1
}

// fill reads as much again as is there already, and no less than size.
func (s *scanner) fill() error {
	if !s.passing || len(s.blocks) > 0 {
		s.buf, s.spare = nil, nil
	}
	s.buf, s.spare = s.spare, s.buf
	most := len(s.text) + 1 + max(s.size, len(s.text))
	if cap(s.buf) < most {
		s.buf = make([]byte, 0, most)
	}
	b := append(s.buf[:0], s.text...)
	if s.cr {
		b = append(b, '\r')
	}
	n, err := io.ReadFull(s.in, b[len(b):most])
	if s.more = err == nil; !s.more && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	read := b[len(b) : len(b)+n]
	b = b[:len(b)+n]
	if trimmed := len(bytes.TrimRight(read, "\n")); trimmed > 0 {
		s.ends = n - trimmed
	} else {
		s.ends += n
	}
	if s.cr = s.more && bytes.HasSuffix(b, []byte{'\r'}); s.cr {
		b = b[:len(b)-1]
	}
	s.text = unixLines(unsafe.String(unsafe.SliceData(b), len(b))) // nobody writes to b while there is need of it
	if !s.more && !s.syn.KeepTrailingNewline {
		if cut, ok := strings.CutSuffix(s.text[s.context:], "\n"); ok {
			s.text = s.text[:s.context+len(cut)]
		}
	}
	return nil
}

// around is the line of the text at off, for the user to recognise.
func (s *scanner) around(off int) string {
	off = min(max(off-s.base, 0), len(s.text))
	begin := strings.LastIndexByte(s.text[:off], '\n') + 1
	line, _, _ := strings.Cut(s.text[begin:], "\n")
	return line
}

// certain reads the data at pos that stays the same whatever comes after src.
// White space before a marker may belong to it.
func (l *lexer) certain() {
	at, _ := l.nextMarker()
	at = max(min(at, len(l.src)-l.margin()), l.pos)
	for at > l.pos && !utf8.RuneStart(l.src[at]) {
		at--
	}
	text := strings.TrimRightFunc(l.src[l.pos:at], unicode.IsSpace)
	if l.syn.LineStatement != "" || l.syn.LineComment != "" {
		text = text[:strings.LastIndexByte(text, '\n')+1]
	}
	if text != "" {
		l.add(tData, text, l.pos)
		l.pos += len(text)
	}
}

// margin is how many bytes before the end of src may become a part of a marker,
// with its sign and newline.
func (l *lexer) margin() int {
	n := 0
	for _, m := range [...]string{l.syn.BlockStart, l.syn.BlockEnd, l.syn.VariableStart, l.syn.VariableEnd, l.syn.CommentStart,
		l.syn.CommentEnd, l.syn.LineStatement, l.syn.LineComment} {
		n = max(n, len(m))
	}
	return n + utf8.UTFMax
}
