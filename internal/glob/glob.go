// Package glob matches text against shell patterns of *, ? and [...], as
// Python's fnmatch does.
package glob

import (
	"regexp"
	"strings"
)

// Match reports whether the whole of text matches; * and ? match slashes too.
func Match(pattern, text string) bool {
	if pattern == text {
		return true
	}
	re, err := regexp.Compile("(?s)^" + Expr(pattern, ".") + "$")
	return err == nil && re.MatchString(text)
}

// Expr gives the regular expression of a pattern, without anchors. any is what
// ? and each character of * stand for: "." or "[^/]".
func Expr(pattern, any string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			b.WriteString(any + "*")
		case '?':
			b.WriteString(any)
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
			b.WriteString("[" + strings.ReplaceAll(strings.ReplaceAll(set, `\`, `\\`), `[`, `\[`) + "]")
			i += 2 + end
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	return b.String()
}
