package galaxy

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

//go:embed skeleton
var skeletons embed.FS

// Skeleton says how a new role or collection is made.
type Skeleton struct {
	Dir    string   // a folder to take as the example; "" is the one built in
	Ignore []string // regular expressions of what is not taken
	Force  bool
	// Render evaluates a template of the example.
	Render func(text string, vars *value.Map) (string, error)
}

// NewRole makes the folder of a new role below at.
func NewRole(at, name string, s Skeleton) error {
	dir := filepath.Join(at, name)
	if err := s.free(dir, "role"); err != nil {
		return err
	}
	vars := value.MapOf("role_name", name, "role_type", "default", "author", "your name", "description", "your role description",
		"company", "your company (optional)", "license", "license (GPL-2.0-or-later, MIT, etc)", "min_ansible_version", "2.1", "dependencies", []any{})
	return s.fill(dir, "role", []string{"files", "templates"}, vars)
}

// NewCollection makes the folder of a new collection below at.
func NewCollection(at, name string, s Skeleton) error {
	if err := CheckName(name); err != nil {
		return err
	}
	ns, n, _ := strings.Cut(name, ".")
	dir := filepath.Join(at, ns, n)
	if err := s.free(dir, "collection"); err != nil {
		return err
	}
	vars := value.MapOf("namespace", ns, "collection_name", n, "version", "1.0.0", "readme", "README.md", "author", "your name <example@domain.com>",
		"authors", []any{"your name <example@domain.com>"}, "description", "your collection description", "license", []any{"GPL-2.0-or-later"})
	return s.fill(dir, "collection", []string{"docs", "roles"}, vars)
}

// free makes sure that dir is empty or not there.
func (s Skeleton) free(dir, what string) error {
	switch {
	case s.Dir != "" && !isDir(s.Dir):
		return fmt.Errorf("- the skeleton path '%s' does not exist, cannot init %s", s.Dir, what)
	case isFile(dir):
		return fmt.Errorf("- the path %s already exists, but is a file - aborting", dir)
	case exists(dir) && !s.Force:
		return fmt.Errorf("- the directory %s already exists. You can use --force to re-initialize this directory,\nhowever it will reset any main.yml files that may have\nbeen modified there already.", dir)
	}
	// What is in it goes, not the folder: the user may stand in it.
	entries, _ := os.ReadDir(dir) // none, if there is no folder yet
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// fill copies the example; files that end in .j2 are templates, but for those
// in a folder of templates.
func (s Skeleton) fill(dir, what string, empty []string, vars *value.Map) error {
	var from fs.FS
	if s.Dir != "" {
		from, empty = os.DirFS(s.Dir), nil
	} else {
		var err error
		if from, err = fs.Sub(skeletons, "skeleton/"+what); err != nil {
			return err
		}
	}
	var ignore []*regexp.Regexp
	for _, p := range s.Ignore {
		re, err := regexp.Compile(p)
		if err != nil {
			return err
		}
		ignore = append(ignore, re)
	}
	for _, d := range append([]string{"."}, empty...) {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	return fs.WalkDir(from, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == "." {
			return err
		}
		if slices.ContainsFunc(ignore, func(re *regexp.Regexp) bool { return re.MatchString(p) }) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(dir, p), 0o755)
		}
		data, err := fs.ReadFile(from, p)
		if err != nil {
			return err
		}
		name := p
		inTemplates := slices.Contains(strings.Split(path.Dir(p), "/"), "templates")
		if strings.HasSuffix(p, ".j2") && !inTemplates {
			text, err := s.Render(string(data), vars)
			if err != nil {
				return fmt.Errorf("%s: %w", p, err)
			}
			name, data = strings.TrimSuffix(p, ".j2"), []byte(text)
		}
		to := filepath.Join(dir, name)
		return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, data, 0o644))
	})
}
