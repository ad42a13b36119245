package template

import (
	"fmt"
	"slices"
	"strings"
)

// maxNesting bounds how deep expressions and blocks may nest, so that hostile
// text cannot exhaust the stack.
const maxNesting = 200

// parser turns tokens into nodes.
type parser struct {
	e      *Engine
	src    string
	tokens []token
	i      int
	depth  int
	blocks map[string]*blockStmt
	// ends are the tags that the open blocks wait for, innermost last.
	ends    [][]string
	mutates bool
	loops   int
	// used are the names that the innermost macro or loop body mentions.
	used []map[string]bool
	// part is where src stands in the whole text.
	part
}

// bail carries a syntax error up to parse.
type bail struct{ err *syntaxError }

func (p *parser) fail(off int, format string, args ...any) {
	panic(bail{&syntaxError{off, fmt.Sprintf(format, args...)}})
}

// compile parses src. Errors are kept in the result.
func (e *Engine) compile(src string, syn *Syntax, literal bool) (c *compiled) {
	src = normalise(src, syn)
	c = &compiled{src: src}
	l := lexer{src: src, syn: syn, literal: literal}
	if err := l.run(); err != nil {
		// What comes before may be wrong too, and Jinja2 says that first.
		c.err = err.(*syntaxError)
		l.add(tEOF, "", c.err.off)
	}
	p := &parser{e: e, src: src, tokens: l.tokens, blocks: map[string]*blockStmt{}}
	defer func() {
		if r := recover(); r != nil {
			b, ok := r.(bail)
			if !ok {
				panic(r)
			}
			if c.err == nil || b.err.off < c.err.off {
				c.err = b.err
			}
		}
	}()
	body := p.body(nil)
	if c.err == nil {
		c.body, c.blocks, c.mutates = body, p.blocks, p.mutates
		c.single = singleName(c, syn)
	}
	return c
}

// singleName is the name if the whole text is "{{ name }}", with nothing but
// white space around it: not {{ (name) }}, not {{- name }}.
func singleName(c *compiled, syn *Syntax) string {
	inside, ok := strings.CutPrefix(c.src, syn.VariableStart)
	if !ok || len(c.body) != 1 {
		return ""
	}
	if inside, ok = strings.CutSuffix(inside, syn.VariableEnd); !ok {
		return ""
	}
	if s, ok := c.body[0].(*printStmt); ok {
		if n, ok := s.x.(*nameNode); ok && strings.TrimSpace(inside) == n.name {
			return n.name
		}
	}
	return ""
}

func (p *parser) cur() token { return p.tokens[p.i] }

func (p *parser) next() token {
	t := p.tokens[p.i]
	if p.i < len(p.tokens)-1 {
		p.i++
	}
	return t
}

func (p *parser) look() token { return p.tokens[min(p.i+1, len(p.tokens)-1)] }

func (p *parser) is(k kind) bool { return p.tokens[p.i].kind == k }

func (p *parser) isName(name string) bool {
	t := &p.tokens[p.i]
	return t.kind == tName && t.text == name
}

func (p *parser) skip(k kind) bool {
	if p.is(k) {
		p.next()
		return true
	}
	return false
}

func (p *parser) skipName(name string) bool {
	if p.isName(name) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(k kind) token {
	if t := p.cur(); t.kind != k {
		if t.kind == tEOF {
			p.fail(t.off, "unexpected end of template, expected '%s'.", k)
		}
		p.fail(t.off, "expected token '%s', got '%s'", k, t.describe())
	}
	return p.next()
}

func (p *parser) expectName(name string) {
	if !p.isName(name) {
		p.fail(p.cur().off, "expected token '%s', got '%s'", name, p.cur().describe())
	}
	p.next()
}

func (p *parser) line(off int) int {
	return 1 + p.lines + strings.Count(p.src[:min(off-p.base, len(p.src))], "\n")
}

// enter guards recursion; call the result when leaving.
func (p *parser) enter() {
	if p.depth++; p.depth > maxNesting {
		p.fail(p.cur().off, "nested too deeply")
	}
}
func (p *parser) leave() { p.depth-- }

func (p *parser) use(name string) {
	for _, m := range p.used {
		m[name] = true
	}
}

// body reads statements up to one of the end tags, which stays unread.
func (p *parser) body(ends []string) []stmt {
	p.enter()
	defer p.leave()
	if ends != nil {
		p.ends = append(p.ends, ends)
		defer func() { p.ends = p.ends[:len(p.ends)-1] }()
	}
	var out []stmt
	for {
		s, more := p.one(ends)
		if !more {
			return out
		}
		if s != nil {
			out = append(out, s)
		}
	}
}

// one reads one statement; more is false at one of the end tags, which stays
// unread, and at the text's end.
func (p *parser) one(ends []string) (s stmt, more bool) {
	t := p.next()
	switch t.kind {
	case tData:
		return &dataStmt{t.text}, true
	case tVarBegin:
		x := p.tuple(true, false, nil)
		p.expect(tVarEnd)
		return &printStmt{x, constant(x), t.off}, true
	case tBlockBegin:
		for _, e := range ends {
			if p.isName(e) {
				return nil, false
			}
		}
		s = p.statement()
		p.expect(tBlockEnd)
		return s, true
	}
	if ends != nil {
		p.unknownEnd("", t.off)
	}
	return nil, false
}

// unknownEnd fails for a tag that nobody knows, or for the text's end inside a block.
func (p *parser) unknownEnd(tag string, off int) {
	var msg string
	if tag == "" {
		msg = "Unexpected end of template."
	} else {
		msg = fmt.Sprintf("Encountered unknown tag '%s'.", tag)
	}
	if n := len(p.ends); n > 0 {
		tags := p.ends[n-1]
		end := slices.IndexFunc(tags, func(tag string) bool { return strings.HasPrefix(tag, "end") })
		msg += " Jinja was looking for the following tags: '" + strings.Join(tags, "' or '") + "'." +
			" The innermost block that needs to be closed is '" + strings.TrimPrefix(tags[end], "end") + "'."
	}
	p.fail(off, "%s", msg)
}

// endTag reads the end tag that body stopped at.
func (p *parser) endTag() string {
	return p.next().text
}
