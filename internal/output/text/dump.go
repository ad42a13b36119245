package text

import (
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/event"
	"github.com/tutti-run/tutti/internal/value"
)

func isDebug(t event.Task) bool {
	return t.Action[strings.LastIndexByte(t.Action, '.')+1:] == "debug"
}

// clean leaves out of a debug task's result everything but its message.
func (p *Printer) clean(e event.Result) *value.Map {
	if !isDebug(e.Task) {
		return e.Result
	}
	out := value.NewMap(2)
	_, hasMsg := e.Result.Get("msg")
	for k, v := range e.Result.All() {
		switch k {
		case "msg", "exception", "warnings", "deprecations":
			out.Set(k, v)
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
	form := value.JSON{Python: true, SortKeys: true}
	if always || p.o.Verbosity > 2 || p.o.Pretty {
		form.Indent = 4
	}
	return string(form.Append(nil, short))
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
		lines := unified(diffText(m.At("before")), diffText(m.At("after")), from, to, p.o.DiffContext)
		for _, l := range lines {
			color := ""
			switch l[0] {
			case '+':
				color = colorDiffAdd
			case '-':
				color = colorDiffRemove
			case '@':
				color = colorDiffLines
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

func diffText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return string(value.JSON{Indent: 4, SortKeys: true}.Append(nil, v)) + "\n"
}

// Diff renders the diff of a result.
func (p *Printer) Diff(d any) string { return p.renderDiff(d) }
