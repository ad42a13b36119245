package template

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/textwrap"
	"github.com/tutti-run/tutti/internal/value"
)

// textFilters are Ansible's filters for text.
func textFilters() []*def {
	return []*def{
		define("quote", "a", func(c *call) (any, error) {
			if c.a[0] == nil {
				return "''", nil
			}
			return shellQuote(c.str(0)), c.need(0)
		}),
		define("comment", "text style='plain' **kw", commentFilter),
	}
}

func shellQuote(s string) string {
	if s == "" {
		return "''"
	}
	if strings.IndexFunc(s, func(r rune) bool {
		return !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./-", r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

func commentFilter(c *call) (any, error) {
	text, err := c.needStr(0)
	if err != nil {
		return nil, err
	}
	style := map[string][3]string{ // beginning, decoration, end
		"plain": {"", "# ", ""}, "erlang": {"", "% ", ""}, "c": {"", "// ", ""},
		"cblock": {"/*", " * ", " */"}, "xml": {"<!--", " - ", "-->"},
	}
	s, ok := style[c.str(1)]
	if !ok {
		return nil, keyError(c.str(1))
	}
	opt := func(name, std string) string {
		if v, ok := c.kw.Get(name); ok {
			return Str(v)
		}
		return std
	}
	count := func(name string) (int, error) {
		v, ok := c.kw.Get(name)
		if !ok {
			return 1, nil
		}
		n, ok := toInt(v, 10)
		i, small := n.(int)
		if !ok || !small || i > 1<<16 {
			return 0, valueErr("invalid %s: %s", name, Repr(v))
		}
		return max(i, 0), nil
	}
	newline, decoration := opt("newline", "\n"), opt("decoration", s[1])
	edge := strings.TrimRightFunc(decoration, unicode.IsSpace)
	prefix, postfix := opt("prefix", edge), opt("postfix", edge)
	before, err := count("prefix_count")
	if err != nil {
		return nil, err
	}
	after, err := count("postfix_count")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	if begin := opt("beginning", s[0]); begin != "" {
		b.WriteString(begin + newline)
	}
	switch prefix {
	case "":
	case newline:
		b.WriteString(strings.Repeat(newline, before))
	default:
		b.WriteString(strings.Repeat(prefix+newline, before))
	}
	body := decoration + strings.ReplaceAll(text, newline, newline+decoration)
	b.WriteString(strings.ReplaceAll(body, decoration+newline, edge+newline))
	b.WriteString(strings.Repeat(newline+postfix, after))
	if end := opt("end", s[2]); end != "" {
		b.WriteString(newline + end)
	}
	return b.String(), c.room(b.Len())
}

// wordwrapFilter wraps each line by itself, as Jinja2 does.
func wordwrapFilter(c *call) (any, error) {
	if _, err := c.needStr(0); err != nil {
		return nil, err
	}
	width, err := c.int(1)
	if err != nil {
		return nil, err
	}
	if width <= 0 {
		return nil, valueErr("invalid width %d (must be > 0)", width)
	}
	newline := "\n"
	if c.a[3] != nil {
		newline = c.str(3)
	}
	var out []string
	for _, line := range splitLines(c.str(0), false) {
		lines := textwrap.Lines(line.(string), width, c.bool(2), c.bool(4))
		if len(lines) == 0 {
			lines = []string{""}
		}
		out = append(out, lines...)
	}
	if len(newline) > 0 && len(out) > c.f.r.st.e.limits.Output/len(newline) {
		return nil, c.room(-1)
	}
	return strings.Join(out, newline), nil
}

var (
	urlPattern   = lazyregexp.New(`^(?:https?://|www\.)(?:[\w%.-]*[\w%]|\[[\da-fA-F:]+\])(?::\d{1,5})?(?:[/?#]\S*)?$`)
	bareHost     = lazyregexp.New(`(?i)^[a-z0-9][a-z0-9.-]*\.(?:com|net|int|edu|gov|org|info|mil)(?:[/:?#]\S*)?$`)
	emailPattern = lazyregexp.New(`^\S+@\w[\w.-]*\.\w+$`)
)

func urlizeFilter(c *call) (any, error) {
	if err := c.need(0); err != nil {
		return nil, err
	}
	limit := -1
	if c.a[1] != nil {
		var err error
		if limit, err = c.int(1); err != nil {
			return nil, err
		}
	}
	rels := strings.Fields(c.str(4))
	if c.a[4] == nil {
		rels = nil
	}
	if c.bool(2) {
		rels = append(rels, "nofollow")
	}
	rels = append(rels, "noopener")
	slices.Sort(rels)
	attrs := ` rel="` + escapeHTML(strings.Join(slices.Compact(rels), " ")) + `"`
	if c.a[3] != nil {
		attrs += ` target="` + escapeHTML(c.str(3)) + `"`
	}
	shorten := func(s string) string {
		if r := []rune(s); limit >= 0 && len(r) > limit {
			return string(r[:limit]) + "..."
		}
		return s
	}
	words := textwrap.Words(escapeHTML(c.str(0)))
	for i, w := range words {
		head := w[:len(w)-len(strings.TrimLeft(w, "(<"))]
		middle := w[len(head):]
		tail := middle[len(strings.TrimRight(middle, ".,:;!?)>\n")):]
		middle = middle[:len(middle)-len(tail)]
		switch {
		case strings.HasPrefix(middle, "https://") || strings.HasPrefix(middle, "http://"):
			if urlPattern.MatchString(middle) {
				words[i] = head + `<a href="` + middle + `"` + attrs + ">" + shorten(middle) + "</a>" + tail
			}
		case urlPattern.MatchString(middle), bareHost.MatchString(middle):
			words[i] = head + `<a href="https://` + middle + `"` + attrs + ">" + shorten(middle) + "</a>" + tail
		case strings.HasPrefix(middle, "mailto:") && emailPattern.MatchString(middle[len("mailto:"):]):
			words[i] = head + `<a href="` + middle + `">` + middle[len("mailto:"):] + "</a>" + tail
		case emailPattern.MatchString(middle) && !strings.HasPrefix(middle, "www.") && !strings.Contains(middle, ":"):
			words[i] = head + `<a href="mailto:` + middle + `">` + middle + "</a>" + tail
		}
	}
	return strings.Join(words, ""), nil
}

// pretty is Python's pprint.pformat with its width of 80.
func pretty(v any) string {
	var b strings.Builder
	prettyTo(&b, v, 0, 0)
	return b.String()
}

const prettyWidth = 80

// prettyTo writes v, which begins at column indent; after is how much room
// the brackets around it need behind it.
func prettyTo(b *strings.Builder, v any, indent, after int) {
	text := prettyRepr(v)
	if utf8.RuneCountInString(text) <= prettyWidth-indent-after {
		b.WriteString(text)
		return
	}
	pad := "\n" + strings.Repeat(" ", indent+1)
	switch v := v.(type) {
	case *value.Map:
		keys := sortedForPrint(v.Keys())
		b.WriteByte('{')
		for i, k := range keys {
			if i > 0 {
				b.WriteString("," + pad)
			}
			name := prettyRepr(k)
			b.WriteString(name + ": ")
			room := 1
			if i == len(keys)-1 {
				room = after + 1
			}
			prettyTo(b, v.At(k), indent+utf8.RuneCountInString(name)+3, room)
		}
		b.WriteByte('}')
		return
	case string:
		prettyText(b, v, indent, after)
		return
	}
	l, ok := asList(v)
	if !ok {
		b.WriteString(text)
		return
	}
	open, end := "[", "]"
	if _, isTuple := v.(value.Tuple); isTuple {
		open, end = "(", ")"
		if len(l) == 1 {
			end = ",)"
		}
	}
	b.WriteString(open)
	for i, e := range l {
		if i > 0 {
			b.WriteString("," + pad)
		}
		room := 1
		if i == len(l)-1 {
			room = after + len(end)
		}
		prettyTo(b, e, indent+1, room)
	}
	b.WriteString(end)
}

// prettyText writes a long string in pieces, one a line.
func prettyText(b *strings.Builder, s string, indent, after int) {
	var chunks []string
	width := prettyWidth - indent
	lines := splitLines(s, true)
	parens := indent == 0
	if parens {
		indent++
		after++
		width--
	}
	for i, line := range lines {
		rep := Repr(line)
		room := width
		if i == len(lines)-1 {
			room -= after
		}
		if utf8.RuneCountInString(rep) <= room {
			chunks = append(chunks, rep)
			continue
		}
		parts := regexp.MustCompile(`\S*\s*`).FindAllString(line.(string), -1)
		cur := ""
		for j, part := range parts {
			if part == "" {
				continue
			}
			room := width
			if j == len(parts)-1 && i == len(lines)-1 {
				room -= after
			}
			if cur != "" && utf8.RuneCountInString(Repr(cur+part)) > room {
				chunks = append(chunks, Repr(cur))
				cur = part
			} else {
				cur += part
			}
		}
		if cur != "" {
			chunks = append(chunks, Repr(cur))
		}
	}
	if len(chunks) == 1 {
		b.WriteString(Repr(s))
		return
	}
	if parens {
		b.WriteByte('(')
	}
	b.WriteString(strings.Join(chunks, "\n"+strings.Repeat(" ", indent)))
	if parens {
		b.WriteByte(')')
	}
}

// prettyRepr is repr with the keys of dicts sorted.
func prettyRepr(v any) string {
	switch v := v.(type) {
	case *value.Map:
		keys := sortedForPrint(v.Keys())
		parts := make([]string, len(keys))
		for i, k := range keys {
			parts[i] = prettyRepr(k) + ": " + prettyRepr(v.At(k))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any, *List, value.Tuple:
		l, _ := asList(v)
		parts := make([]string, len(l))
		for i, e := range l {
			parts[i] = prettyRepr(e)
		}
		text := strings.Join(parts, ", ")
		if _, isTuple := v.(value.Tuple); !isTuple {
			return "[" + text + "]"
		}
		if len(l) == 1 {
			text += ","
		}
		return "(" + text + ")"
	}
	return Repr(v)
}

// sortedForPrint sorts keys, those of different types by their type's name.
func sortedForPrint(keys []any) []any {
	slices.SortStableFunc(keys, func(a, b any) int {
		if n, err := order("<", a, b); err == nil && n != 2 {
			return n
		}
		return strings.Compare(TypeName(a), TypeName(b))
	})
	return keys
}

func hexText(b []byte) string { return fmt.Sprintf("%x", b) }

// version_sort's order: numbers count as numbers.
func versionLess(a, b string) bool {
	n, err := compareLoose(a, b)
	return err == nil && n < 0
}
