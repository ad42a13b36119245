package text

import (
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/template/yamldump"
	"github.com/tutti-run/tutti/internal/value"
)

func isDebug(t event.Task) bool {
	return t.Action[strings.LastIndexByte(t.Action, '.')+1:] == "debug"
}

// Clean leaves out of a debug task's result everything but its message.
func Clean(e event.Result) *value.Map {
	if !isDebug(e.Task) {
		return e.Result
	}
	out := value.NewMap(2)
	_, hasMsg := e.Result.Get("msg")
	for k, v := range e.Result.All() {
		switch k {
		case "msg", "exception", "warnings", "deprecations", "error_at":
			out.Set(k, v)
		case "changed_when_result", "failed_when_result":
			if _, isText := v.(string); isText || !hasMsg { // what was wrong with the condition
				out.Set(k, v)
			}
		case "changed", "failed", "skipped", "invocation", "skip_reason":
		default:
			if !hasMsg {
				out.Set(k, v)
			}
		}
	}
	return out
}

// dump writes a result as JSON, as Ansible prints it.
func (p *Printer) dump(m *value.Map, always bool) string {
	short := value.NewMap(m.Len())
	for k, v := range m.All() {
		switch {
		case p.o.Verbosity < 3 && (k == "invocation" || k == "diff"):
		case k == "exception" || k == "failed" || k == "skipped":
		case k == "warnings" || k == "deprecations":
		default:
			short.Set(k, v)
		}
	}
	if p.o.Streams {
		return p.streams(short)
	}
	indent := 0
	if (always || p.o.Verbosity > 2 || p.o.Pretty || p.o.YAML) && !p.o.Compact {
		indent = 4
	}
	switch {
	case p.o.YAMLCallback:
		return p.yamlCallback(short)
	case p.o.YAML:
		return p.yaml(short, indent)
	}
	return string(value.JSON{Python: true, SortKeys: true, Indent: indent}.Append(nil, short))
}

// streams writes a result as JSON and then its texts as they are.
func (p *Printer) streams(m *value.Map) string {
	after := ""
	for _, name := range []string{"stdout", "stderr", "msg", "module_stdout", "module_stderr"} {
		if v := m.At(name); v != nil && v != "" {
			after += "\n\n" + strings.ToUpper(name) + ":\n\n" + value.Str(v) + "\n"
		}
		m.Delete(name)
		m.Delete(name + "_lines")
	}
	return string(value.JSON{Python: true, SortKeys: true, Indent: 4}.Append(nil, m)) + strings.TrimSuffix(after, "\n")
}

// yaml writes a result as YAML below its heading.
func (p *Printer) yaml(m *value.Map, indent int) string {
	var v any = m
	if !p.o.Compact {
		// For people: lines are easier to read as lines than in quotes.
		omitLines(m)
		v = readable(m)
	}
	text, err := yamldump.Dump(v, yamldump.Options{Style: yamldump.Block, Indent: indent, BlockLines: true})
	if err != nil { // a value of a kind that only JSON has a form for
		return string(value.JSON{Python: true, SortKeys: true, Indent: indent}.Append(nil, m))
	}
	margin := strings.Repeat(" ", 4)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, l := range lines {
		if strings.TrimSpace(l) != "" {
			lines[i] = margin + l
		}
	}
	return "\n" + strings.Join(lines, "\n")
}

// omitLines leaves out the lines of what is there as a text.
func omitLines(m *value.Map) {
	for _, name := range []string{"stdout", "stderr"} {
		if m.Has(name) && m.Has(name+"_lines") {
			m.Set(name+"_lines", "<omitted>")
		}
	}
}

// yamlCallback writes a result as YAML, with what came of it in the heading.
func (p *Printer) yamlCallback(m *value.Map) string {
	head := ""
	if changed, ok := m.Get("changed"); ok {
		head = "changed=" + strings.ToLower(value.Str(changed)) + " "
		m.Delete("changed")
	}
	if m.Len() == 0 {
		return strings.TrimRight(head, " ")
	}
	omitLines(m)
	text, err := yamldump.Dump(readable(m), yamldump.Options{Style: yamldump.Block, Width: 1000, BlockLines: true})
	if err != nil { // a value of a kind that only JSON has a form for
		return head + string(value.JSON{Python: true, SortKeys: true}.Append(nil, m))
	}
	return strings.TrimRight(head+"\n  "+strings.ReplaceAll(text, "\n", "\n  "), " \n")
}

// readable drops from texts of several lines what keeps YAML from showing them
// as lines: spaces at their ends, tabs, and control characters.
func readable(v any) any {
	switch v := v.(type) {
	case string:
		if !strings.ContainsAny(v, "\n\u0085\u2028\u2029") {
			return v
		}
		lines := strings.Split(strings.TrimRight(v, " \t\r\n\f\v"), "\n")
		for i, l := range lines {
			lines[i] = strings.TrimRight(strings.Map(visible, expandTabs(l)), " ")
		}
		return strings.Join(lines, "\n")
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = readable(e)
		}
		return out
	case *value.Map:
		out := value.NewMap(v.Len())
		for k, e := range v.All() {
			out.Set(k, readable(e))
		}
		return out
	}
	return v
}

// visible leaves out what YAML has to escape.
func visible(r rune) rune {
	if r == '\n' || r >= 32 && r <= 126 || r == 0x85 || r >= 160 && r != 0xfeff && r != 0xfffd && (r < 0xfffe || r > 0xffff) {
		return r
	}
	return -1
}

// expandTabs puts spaces up to the next column that 8 divides.
func expandTabs(line string) string {
	if !strings.Contains(line, "\t") {
		return line
	}
	var b strings.Builder
	column := 0
	for _, r := range line {
		if r != '\t' {
			b.WriteRune(r)
			column++
			continue
		}
		n := 8 - column%8
		b.WriteString(strings.Repeat(" ", n))
		column += n
	}
	return b.String()
}

// renderDiff shows before and after as a unified diff.
func (p *Printer) renderDiff(d any) string {
	list, ok := d.([]any)
	if !ok {
		list = []any{d}
	}
	var b strings.Builder
	for _, e := range list {
		m, ok := e.(*value.Map)
		if !ok {
			continue
		}
		p.oneDiff(&b, m)
	}
	return b.String()
}

func (p *Printer) oneDiff(b *strings.Builder, m *value.Map) {
	if truthy(m.At("dst_binary")) {
		b.WriteString("diff skipped: destination file appears to be binary\n")
	}
	if truthy(m.At("src_binary")) {
		b.WriteString("diff skipped: source file appears to be binary\n")
	}
	if v := m.At("dst_larger"); truthy(v) {
		fmt.Fprintf(b, "diff skipped: destination file size is greater than %v\n", v)
	}
	if v := m.At("src_larger"); truthy(v) {
		fmt.Fprintf(b, "diff skipped: source file size is greater than %v\n", v)
	}
	if m.Has("before") && m.Has("after") {
		from, to := "before", "after"
		if h, ok := m.At("before_header").(string); ok && h != "" {
			from += ": " + h
		}
		if h, ok := m.At("after_header").(string); ok && h != "" {
			to += ": " + h
		}
		lines := unified(p.diffText(m.At("before")), p.diffText(m.At("after")), from, to, p.o.DiffContext)
		for _, l := range lines {
			color := ""
			switch l[0] {
			case '+':
				color = p.o.Colors.DiffAdd
			case '-':
				color = p.o.Colors.DiffRemove
			case '@':
				color = p.o.Colors.DiffLines
			}
			b.WriteString(p.paint(strings.TrimSuffix(l, "\n"), color) + "\n")
		}
		if len(lines) > 0 {
			b.WriteByte('\n')
		}
	}
	if s, ok := m.At("prepared").(string); ok {
		b.WriteString(s)
	}
}

func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int:
		return v != 0
	case string:
		return v != ""
	}
	return true
}

func (p *Printer) diffText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	o := yamldump.Options{Style: yamldump.Block, Indent: 4, BlockLines: true}
	switch {
	case p.o.YAMLCallback:
		if text, err := yamldump.Dump(v, yamldump.Options{Style: yamldump.Block, Width: 1000}); err == nil {
			return text
		}
	case p.o.YAML:
		if text, err := yamldump.Dump(readable(v), o); err == nil {
			return "    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ") + "\n\n"
		}
	}
	return string(value.JSON{Indent: 4, SortKeys: true}.Append(nil, v)) + "\n"
}

// Diff renders the diff of a result.
func (p *Printer) Diff(d any) string { return p.renderDiff(d) }
