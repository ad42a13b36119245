package apt

import (
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/module/dpkg"
	"github.com/tutti-run/tutti/internal/module/files"
)

// request is one package that was asked for: name, name=version or
// name>=version.
type request struct {
	text, name, op, version string
}

func parseRequest(text string) request {
	q := request{text: text, name: text}
	if i := strings.IndexByte(text, '='); i > 0 {
		q.name, q.op, q.version = text[:i], "=", text[i+1:]
		if strings.HasSuffix(q.name, ">") {
			q.name, q.op = q.name[:i-1], ">="
		}
	}
	return q
}

// accepts tells whether a version is one that was asked for.
func (q request) accepts(version string) bool {
	switch q.op {
	case "=":
		return files.MatchName(strings.ReplaceAll(q.version, "/", "_"), version)
	case ">=":
		return dpkg.Compare(version, q.version) >= 0
	}
	return true
}

func (q request) wildcard() bool { return q.op == "=" && strings.ContainsAny(q.version, "*?[") }

// matching returns a request for each package that the pattern fits.
func (q request) matching(names []string) ([]request, error) {
	var out []request
	for _, name := range names {
		if files.MatchName(q.name, name) {
			out = append(out, request{text: name, name: name})
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("No package(s) matching '%s' available", q.name)
	}
	return out, nil
}
