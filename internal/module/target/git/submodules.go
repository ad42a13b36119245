package git

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
)

// submodules brings submodules to what the checkout wants of them, and reports
// whether any was not there yet.
func (t *task) submodules() (changed bool, failed *module.Result) {
	if changed, failed = t.stale(); failed != nil || !changed {
		return false, failed
	}
	if _, failed := t.must("submodule", "sync"); failed != nil {
		return false, failed
	}
	words := []string{"submodule", "update", "--init", "--recursive"}
	if t.args.Bool("track_submodules") {
		words = append(words, "--remote")
	}
	if t.args.Bool("force") {
		words = append(words, "--force")
	}
	out, err := t.git(words...)
	switch {
	case err != nil:
		return false, module.Fail("%s", err)
	case out.RC != 0:
		return false, module.Fail("Failed to init/update submodules: %s", out.Stdout+out.Stderr)
	}
	return true, nil
}

// stale tells whether a submodule is missing or not at the commit wanted.
func (t *task) stale() (bool, *module.Result) {
	data, err := os.ReadFile(filepath.Join(t.dest, ".gitmodules"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, module.Fail("%s", err)
	}
	for line := range strings.Lines(string(data)) {
		if k, path, ok := strings.Cut(line, "="); ok && strings.TrimSpace(k) == "path" &&
			!files.Exists(filepath.Join(t.dest, strings.TrimSpace(path), ".git")) {
			return true, nil
		}
	}
	begin, failed := t.submoduleCommits("HEAD")
	if failed != nil {
		return false, failed
	}
	if _, failed := t.must("submodule", "foreach", "git fetch"); failed != nil {
		return false, failed
	}
	if t.args.Bool("track_submodules") {
		end, failed := t.submoduleCommits(t.remote + "/master")
		return !maps.Equal(begin, end), failed
	}
	out, failed := t.must("submodule", "status")
	if failed != nil {
		return false, failed
	}
	for line := range strings.Lines(out.Stdout) {
		if line[0] != ' ' {
			return true, nil
		}
	}
	return false, nil
}

// submoduleCommits is the commit that a version means in each submodule.
func (t *task) submoduleCommits(version string) (map[string]string, *module.Result) {
	out, err := t.git("submodule", "foreach", "git rev-parse "+files.Quote(version))
	switch {
	case err != nil:
		return nil, module.Fail("%s", err)
	case out.RC != 0:
		return nil, out.Fail("Unable to determine hashes of submodules")
	}
	commits, name := map[string]string{}, ""
	for line := range strings.Lines(out.Stdout) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "Entering '"); ok {
			name = strings.TrimSuffix(rest, "'")
		} else if name != "" {
			commits[name] = line
		}
	}
	return commits, nil
}
