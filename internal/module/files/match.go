package files

import (
	"path"
	"strings"
)

// MatchName reports whether a file's name matches a pattern of *, ? and [...],
// as Python's fnmatch does: there is no escaping, and a bracket without its end
// stands for itself. The name holds no slash.
func MatchName(pattern, name string) bool {
	pattern = strings.ReplaceAll(pattern, `\`, `\\`)
	pattern = strings.ReplaceAll(pattern, "[!", "[^")
	ok, err := path.Match(pattern, name)
	if err != nil {
		ok, err = path.Match(strings.ReplaceAll(pattern, "[", `\[`), name)
	}
	return err == nil && ok
}
