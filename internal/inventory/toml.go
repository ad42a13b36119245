package inventory

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/value"
)

// parseTOML reads TOML 1.0. Dates and times stay text.
func parseTOML(data []byte, path string) (*value.Map, error) {
	p := &tomlParser{s: strings.ReplaceAll(string(data), "\r\n", "\n"), path: path, defined: map[*value.Map]bool{}, closed: map[*value.Map]bool{}}
	if !utf8.ValidString(p.s) {
		return nil, p.fail("the file is not UTF-8 text")
	}
	root := value.NewMap(8)
	table := root
	for {
		p.blank()
		if p.i >= len(p.s) {
			return root, nil
		}
		var err error
		if p.s[p.i] == '[' {
			table, err = p.header(root)
		} else {
			err = p.pair(table)
		}
		if err != nil {
			return nil, err
		}
		p.spaces()
		if p.i < len(p.s) && p.s[p.i] == '#' {
			p.comment()
		}
		if p.i < len(p.s) && p.s[p.i] != '\n' {
			return nil, p.fail("expected the end of the line, found %q", p.rest())
		}
	}
}

type tomlParser struct {
	s    string
	i    int
	path string
	// defined are the tables that have had their header; closed are those that
	// are complete as written: inline tables.
	defined, closed map[*value.Map]bool
}

func (p *tomlParser) fail(format string, args ...any) error {
	line := 1 + strings.Count(p.s[:min(p.i, len(p.s))], "\n")
	column := p.i - strings.LastIndexByte(p.s[:min(p.i, len(p.s))], '\n')
	return &diag.Problem{Pos: diag.Pos{File: p.path, Line: line, Column: column}, Msg: "TOML file is invalid: " + fmt.Sprintf(format, args...)}
}

func (p *tomlParser) rest() string {
	end := strings.IndexByte(p.s[p.i:], '\n')
	if end < 0 {
		end = len(p.s) - p.i
	}
	return p.s[p.i : p.i+min(end, 40)]
}

func (p *tomlParser) spaces() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\t') {
		p.i++
	}
}

func (p *tomlParser) comment() {
	for p.i < len(p.s) && p.s[p.i] != '\n' {
		p.i++
	}
}

// blank skips spaces, line ends and comments.
func (p *tomlParser) blank() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n':
			p.i++
		case '#':
			p.comment()
		default:
			return
		}
	}
}

func (p *tomlParser) accept(text string) bool {
	if strings.HasPrefix(p.s[p.i:], text) {
		p.i += len(text)
		return true
	}
	return false
}

// header reads [table] or [[array of tables]].
func (p *tomlParser) header(root *value.Map) (*value.Map, error) {
	array := p.accept("[[")
	end := "]]"
	if !array {
		p.i++
		end = "]"
	}
	keys, err := p.keys()
	if err != nil {
		return nil, err
	}
	p.spaces()
	if !p.accept(end) {
		return nil, p.fail("the table's name needs %q", end)
	}
	at, err := p.descend(root, keys[:len(keys)-1])
	if err != nil {
		return nil, err
	}
	last := keys[len(keys)-1]
	if array {
		t := value.NewMap(4)
		have, exists := at.Get(last)
		list, isList := have.([]any)
		if exists && !isList {
			return nil, p.fail("%s is no array of tables", last)
		}
		at.Set(last, append(list[:len(list):len(list)], t))
		return t, nil
	}
	t, err := p.descend(at, keys[len(keys)-1:])
	if err != nil {
		return nil, err
	}
	if p.defined[t] {
		return nil, p.fail("the table %s is defined twice", strings.Join(keys, "."))
	}
	p.defined[t] = true
	return t, nil
}

// descend finds the table below keys, making what is missing.
func (p *tomlParser) descend(t *value.Map, keys []string) (*value.Map, error) {
	for _, k := range keys {
		v, ok := t.Get(k)
		if !ok {
			next := value.NewMap(4)
			t.Set(k, next)
			t = next
			continue
		}
		if list, isList := v.([]any); isList && len(list) > 0 {
			v = list[len(list)-1]
		}
		next, isMap := v.(*value.Map)
		if !isMap {
			return nil, p.fail("%s is a value and can hold no others", k)
		}
		if p.closed[next] {
			return nil, p.fail("the inline table %s cannot be extended", k)
		}
		t = next
	}
	return t, nil
}

func (p *tomlParser) pair(t *value.Map) error {
	keys, err := p.keys()
	if err != nil {
		return err
	}
	p.spaces()
	if !p.accept("=") {
		return p.fail("expected '=' after the key %s", strings.Join(keys, "."))
	}
	p.spaces()
	v, err := p.value(0)
	if err != nil {
		return err
	}
	if t, err = p.descend(t, keys[:len(keys)-1]); err != nil {
		return err
	}
	last := keys[len(keys)-1]
	if t.Has(last) {
		return p.fail("the key %s is set twice", strings.Join(keys, "."))
	}
	t.Set(last, v)
	return nil
}

// keys reads a.b."c d".
func (p *tomlParser) keys() ([]string, error) {
	var out []string
	for {
		p.spaces()
		var k string
		if p.i < len(p.s) && (p.s[p.i] == '"' || p.s[p.i] == '\'') {
			text, err := p.line(p.s[p.i])
			if err != nil {
				return nil, err
			}
			k = text
		} else {
			start := p.i
			for p.i < len(p.s) && isBareKey(p.s[p.i]) {
				p.i++
			}
			if k = p.s[start:p.i]; k == "" {
				return nil, p.fail("expected a key, found %q", p.rest())
			}
		}
		out = append(out, k)
		p.spaces()
		if !p.accept(".") {
			return out, nil
		}
	}
}

func isBareKey(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

func (p *tomlParser) value(depth int) (any, error) {
	if depth > 100 {
		return nil, p.fail("values are nested too deeply")
	}
	if p.i >= len(p.s) {
		return nil, p.fail("a value is missing")
	}
	switch c := p.s[p.i]; {
	case strings.HasPrefix(p.s[p.i:], `"""`), strings.HasPrefix(p.s[p.i:], "'''"):
		return p.lines(c)
	case c == '"' || c == '\'':
		return p.line(c)
	case c == '[':
		return p.array(depth)
	case c == '{':
		return p.inline(depth)
	}
	start := p.i
	for p.i < len(p.s) && strings.IndexByte(" \t\n,]}#", p.s[p.i]) < 0 {
		p.i++
	}
	word := p.s[start:p.i]
	// A date and its time may stand apart.
	if tomlDate.MatchString(word) && len(word) == 10 && p.i+9 <= len(p.s) && p.s[p.i] == ' ' && p.s[p.i+3] == ':' {
		p.i++
		for p.i < len(p.s) && strings.IndexByte(" \t\n,]}#", p.s[p.i]) < 0 {
			p.i++
		}
		word = p.s[start:p.i]
	}
	v, ok := tomlWord(word)
	if !ok {
		p.i = start
		return nil, p.fail("%q is no value; text needs quotes", word)
	}
	return v, nil
}

var (
	tomlDate  = lazyregexp.New(`^(\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?|\d\d:\d\d:\d\d(\.\d+)?)$`)
	tomlInt   = lazyregexp.New(`^([+-]?(0|[1-9](_?\d)*)|0x[\da-fA-F](_?[\da-fA-F])*|0o[0-7](_?[0-7])*|0b[01](_?[01])*)$`)
	tomlFloat = lazyregexp.New(`^[+-]?(0|[1-9](_?\d)*)(\.\d(_?\d)*)?([eE][+-]?\d(_?\d)*)?$`)
)

// tomlWord reads what needs no quotes.
func tomlWord(w string) (any, bool) {
	switch w {
	case "true":
		return true, true
	case "false":
		return false, true
	case "inf", "+inf":
		return math.Inf(1), true
	case "-inf":
		return math.Inf(-1), true
	case "nan", "+nan", "-nan":
		return math.NaN(), true
	}
	switch {
	case tomlInt.MatchString(w):
		n, ok := new(big.Int).SetString(w, 0)
		if !ok { // underscores are for prefixed numbers only
			n, ok = new(big.Int).SetString(strings.ReplaceAll(w, "_", ""), 10)
		}
		return value.Int(n), ok
	case tomlFloat.MatchString(w):
		f, err := strconv.ParseFloat(strings.ReplaceAll(w, "_", ""), 64)
		return f, err == nil
	case tomlDate.MatchString(w):
		return w, true
	}
	return nil, false
}

func (p *tomlParser) array(depth int) (any, error) {
	p.i++
	out := []any{}
	for {
		p.blank()
		if p.accept("]") {
			return out, nil
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		p.blank()
		if !p.accept(",") && (p.i >= len(p.s) || p.s[p.i] != ']') {
			return nil, p.fail("expected ',' or ']' in the array, found %q", p.rest())
		}
	}
}

func (p *tomlParser) inline(depth int) (any, error) {
	p.i++
	t := value.NewMap(4)
	defer func() { p.closed[t] = true }()
	p.spaces()
	if p.accept("}") {
		return t, nil
	}
	for {
		p.spaces()
		if depth > 100 {
			return nil, p.fail("values are nested too deeply")
		}
		if err := p.nested(t, depth); err != nil {
			return nil, err
		}
		p.spaces()
		switch {
		case p.accept("}"):
			return t, nil
		case p.accept(","):
		default:
			return nil, p.fail("expected ',' or '}' in the inline table, found %q", p.rest())
		}
	}
}

// nested reads a pair of an inline table.
func (p *tomlParser) nested(t *value.Map, depth int) error {
	keys, err := p.keys()
	if err != nil {
		return err
	}
	if !p.accept("=") {
		return p.fail("expected '=' after the key %s", strings.Join(keys, "."))
	}
	p.spaces()
	v, err := p.value(depth + 1)
	if err != nil {
		return err
	}
	if t, err = p.descend(t, keys[:len(keys)-1]); err != nil {
		return err
	}
	t.Set(keys[len(keys)-1], v)
	return nil
}

// line reads text in single quotes, as it is, or in double quotes.
func (p *tomlParser) line(quote byte) (string, error) {
	p.i++
	var b strings.Builder
	for p.i < len(p.s) && p.s[p.i] != '\n' {
		c := p.s[p.i]
		p.i++
		switch {
		case c == quote:
			return b.String(), nil
		case c == '\\' && quote == '"':
			if err := p.escape(&b); err != nil {
				return "", err
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", p.fail("the text has no closing quote")
}

// lines reads text in three quotes.
func (p *tomlParser) lines(quote byte) (any, error) {
	end := strings.Repeat(string(quote), 3)
	p.i += 3
	p.accept("\n")
	var b strings.Builder
	for p.i < len(p.s) {
		if strings.HasPrefix(p.s[p.i:], end) {
			p.i += 3
			for range 2 { // quotes right before the end belong to the text
				if p.i < len(p.s) && p.s[p.i] == quote {
					b.WriteByte(quote)
					p.i++
				}
			}
			return b.String(), nil
		}
		c := p.s[p.i]
		p.i++
		if c != '\\' || quote == '\'' {
			b.WriteByte(c)
			continue
		}
		if rest := strings.TrimLeft(p.s[p.i:], " \t"); strings.HasPrefix(rest, "\n") {
			for p.i < len(p.s) && strings.IndexByte(" \t\n", p.s[p.i]) >= 0 {
				p.i++
			}
			continue
		}
		if err := p.escape(&b); err != nil {
			return nil, err
		}
	}
	return nil, p.fail("the text has no closing quotes")
}

func (p *tomlParser) escape(b *strings.Builder) error {
	if p.i >= len(p.s) {
		return p.fail("the text has no closing quote")
	}
	c := p.s[p.i]
	p.i++
	const from, to = `btnfr"\e`, "\b\t\n\f\r\"\\\x1b"
	if n := strings.IndexByte(from, c); n >= 0 {
		b.WriteByte(to[n])
		return nil
	}
	width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	if width == 0 || p.i+width > len(p.s) {
		return p.fail("\\%c is no escape", c)
	}
	n, err := strconv.ParseUint(p.s[p.i:p.i+width], 16, 32)
	if err != nil || n > utf8.MaxRune || n >= 0xd800 && n < 0xe000 {
		return p.fail("\\%c%s is no character", c, p.s[p.i:p.i+width])
	}
	p.i += width
	b.WriteRune(rune(n))
	return nil
}

// readTOML reads Ansible's TOML format into inv.
func readTOML(inv *Inventory, data []byte, path string, o Options) error {
	root, err := parseTOML(data, path)
	if err != nil {
		return err
	}
	pos := diag.Pos{File: path, Line: 1, Column: 1}
	fail := func(format string, args ...any) error {
		return &diag.Problem{Pos: pos, Msg: fmt.Sprintf(format, args...)}
	}
	switch {
	case root.Len() == 0:
		return fail("Parsed empty TOML file")
	case root.Has("plugin"):
		return fail("Plugin configuration TOML file, not TOML inventory")
	}
	for name, v := range root.Strings() {
		m, ok := v.(*value.Map)
		if !ok {
			o.Warn(fmt.Sprintf("Skipping '%s' as this is not a valid group definition", name))
			continue
		}
		g := inv.Group(name)
		for key, part := range m.Strings() {
			table, isTable := part.(*value.Map)
			switch key {
			case "vars":
				if !isTable {
					return fail("Invalid \"vars\" entry for %q group, requires a dict, found %s instead.", name, value.TypeName(part))
				}
				for k, v := range table.Strings() {
					g.setVar(k, value.MarkTemplates(v, pos))
				}
			case "children":
				list, ok := part.([]any)
				if !ok {
					return fail("Invalid \"children\" entry for %q group, requires a list, found %s instead.", name, value.TypeName(part))
				}
				for _, c := range list {
					if err := inv.link(g, inv.Group(value.Str(c))); err != nil {
						return fail("%s", err)
					}
				}
			case "hosts":
				if !isTable {
					return fail("Invalid \"hosts\" entry for %q group, requires a dict, found %s instead.", name, value.TypeName(part))
				}
				for pattern, vars := range table.Strings() {
					names, port, err := expandHost(pattern)
					if err != nil {
						return fail("%s", err)
					}
					for _, n := range names {
						h := inv.hostAt(n, port)
						inv.addHost(g, h)
						if m, ok := vars.(*value.Map); ok {
							inv.update(h, value.MarkTemplates(m, pos).(*value.Map))
						}
					}
				}
			default:
				o.Warn(fmt.Sprintf("Skipping unexpected key %q in group %q, only \"vars\", \"children\" and \"hosts\" are valid", key, name))
			}
		}
	}
	return nil
}
