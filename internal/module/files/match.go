package files

import (
	"path"
	"path/filepath"
	"slices"
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

// Glob lists the files that a pattern matches, as Python's glob does: a name that
// begins with a dot only if the pattern says so.
func Glob(pattern string) []string {
	found, err := filepath.Glob(strings.ReplaceAll(pattern, "[!", "[^"))
	if err != nil { // a pattern that is none matches nothing
		return nil
	}
	parts := strings.Split(filepath.Clean(pattern), "/")
	return slices.DeleteFunc(found, func(name string) bool {
		for i, part := range strings.Split(name, "/") {
			if strings.HasPrefix(part, ".") && i < len(parts) && !strings.HasPrefix(parts[i], ".") {
				return true
			}
		}
		return false
	})
}
