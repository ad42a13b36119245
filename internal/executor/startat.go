package executor

import (
	"regexp"
	"strings"

	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/template"
	"github.com/tutti-run/tutti/internal/value"
)

// startsIn reports whether --start-at-task names one of these tasks, as far as
// they are known before the run.
func (p *playRun) startsIn(items []playbook.Item) bool {
	for _, it := range items {
		switch it := it.(type) {
		case *playbook.Block:
			if p.startsIn(it.Items) || p.startsIn(it.Always) {
				return true
			}
		case *playbook.Task:
			if (!it.Implicit || it.Module != "") && p.tagged(it) && p.startsHere(it) {
				return true
			}
		}
	}
	return false
}

// startsHere reports whether --start-at-task names the task: by its name, which
// may come with the role's or be the module's where it has none.
func (p *playRun) startsHere(t *playbook.Task) bool {
	name := template.Str(value.Plain(t.Name))
	full := name
	if t.Name == nil {
		name, full = "", t.Action
	}
	if t.Role != nil {
		full = t.Role.Name + " : " + full
	}
	return name != "" && shellMatch(p.StartAt, name) || shellMatch(p.StartAt, full)
}

// shellMatch matches text, slashes too, against a pattern of *, ? and [...].
func shellMatch(pattern, text string) bool {
	if pattern == text {
		return true
	}
	var b strings.Builder
	b.WriteString(`(?s)^`)
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			b.WriteString(`.*`)
		case '?':
			b.WriteString(`.`)
		case '[':
			end := strings.IndexByte(pattern[min(i+2, len(pattern)):], ']')
			if end < 0 {
				b.WriteString(`\[`)
				continue
			}
			set := pattern[i+1 : i+2+end]
			if rest, not := strings.CutPrefix(set, "!"); not {
				set = "^" + rest
			} else if strings.HasPrefix(set, "^") {
				set = `\` + set
			}
			b.WriteString("[" + strings.ReplaceAll(set, `[`, `\[`) + "]")
			i += 2 + end
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	re, err := regexp.Compile(b.String() + "$")
	return err == nil && re.MatchString(text)
}
