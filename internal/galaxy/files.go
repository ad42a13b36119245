package galaxy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/glob"
	"github.com/tutti-run/tutti/internal/value"
)

// entry is a file or folder that belongs to a collection.
type entry struct {
	name string // relative, with slashes
	dir  bool
	sum  string
}

// neverDirs are folders of version control and caches.
var neverDirs = []string{"CVS", ".bzr", ".hg", ".git", ".svn", "__pycache__", ".tox"}

// files lists what belongs into the collection built from dir, in the order of
// names, with the sums of files.
func (i *Info) files(dir string, c Console) ([]entry, error) {
	var list []entry
	var err error
	if m := i.data.At("manifest"); m != nil {
		list, err = directives(dir, i, m)
	} else {
		list, err = i.walk(dir, "", c)
	}
	if err != nil {
		return nil, err
	}
	for n := range list {
		if list[n].dir {
			continue
		}
		if list[n].sum, err = sumOf(filepath.Join(dir, list[n].name)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// walk takes everything but what build_ignore and habit leave out.
func (i *Info) walk(dir, rel string, c Console) ([]entry, error) {
	ignore := []string{"MANIFEST.json", "FILES.json", "galaxy.yml", "galaxy.yaml", ".git", "*.pyc", "*.retry", "tests/output", i.Namespace + "-" + i.Name + "-*.tar.gz"}
	for _, p := range i.data.At("build_ignore").([]any) {
		ignore = append(ignore, value.Str(p))
	}
	children, err := os.ReadDir(filepath.Join(dir, rel))
	if err != nil {
		return nil, err
	}
	var out []entry
	for _, ch := range children {
		name := path.Join(rel, ch.Name())
		full := filepath.Join(dir, name)
		if slices.ContainsFunc(ignore, func(p string) bool { return glob.Match(p, name) }) {
			continue
		}
		if !isDir(full) {
			out = append(out, entry{name: name})
			continue
		}
		if slices.Contains(neverDirs, ch.Name()) {
			continue
		}
		link := ch.Type()&os.ModeSymlink != 0
		if link && !inside(dir, full) {
			c.Warn(fmt.Sprintf("Skipping '%s' as it is a symbolic link to a directory outside the collection", full))
			continue
		}
		out = append(out, entry{name: name, dir: true})
		if link {
			continue
		}
		below, err := i.walk(dir, name, c)
		if err != nil {
			return nil, err
		}
		out = append(out, below...)
	}
	return out, nil
}

// inside reports whether what path leads to lies below dir.
func inside(dir, path string) bool {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return false
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return false
	}
	if real, err = filepath.Abs(real); err != nil {
		return false
	}
	return real == dir || strings.HasPrefix(real, dir+"/")
}

// defaultDirectives are what a manifest begins with unless it says otherwise.
func defaultDirectives() []string {
	out := []string{
		"include meta/*.yml", "include *.txt *.md *.rst COPYING LICENSE", "recursive-include tests **",
		"recursive-include docs **.rst **.yml **.yaml **.json **.j2 **.txt", "recursive-include roles **.yml **.yaml **.json **.j2",
		"recursive-include playbooks **.yml **.yaml **.json", "recursive-include changelogs **.yml **.yaml", "recursive-include plugins */**.py",
	}
	for _, kind := range []string{"become", "cache", "callback", "cliconf", "connection", "filter", "httpapi", "inventory", "lookup", "netconf", "shell", "strategy", "test", "vars"} {
		out = append(out, "recursive-include plugins/"+kind+" **.yml **.yaml")
	}
	return append(out, "recursive-include plugins/modules **.ps1 **.yml **.yaml", "recursive-include plugins/module_utils **.ps1 **.psm1 **.cs")
}

// directives carries out the commands of a manifest, in the manner of MANIFEST.in.
func directives(dir string, i *Info, control any) ([]entry, error) {
	m, ok := control.(*value.Map)
	if !ok {
		return nil, errors.New(`"manifest" must be a dictionary`)
	}
	var own []string
	switch l := m.At("directives").(type) {
	case nil:
	case []any:
		for _, d := range l {
			own = append(own, value.Str(d))
		}
	default:
		return nil, fmt.Errorf(`"manifest.directives" must be a list, got: %s`, value.TypeName(l))
	}
	omit, isBool := m.At("omit_default_directives").(bool)
	if !isBool && m.At("omit_default_directives") != nil {
		return nil, fmt.Errorf(`"manifest.omit_default_directives" is expected to be a boolean, got: %s`, value.TypeName(m.At("omit_default_directives")))
	}
	if omit && own == nil {
		return nil, errors.New(`"manifest.omit_default_directives" was set to True, but no directives were defined in "manifest.directives". This would produce an empty collection artifact.`)
	}
	all := own
	if !omit {
		all = slices.Concat(defaultDirectives(), own, []string{
			"exclude galaxy.yml galaxy.yaml MANIFEST.json FILES.json " + i.Namespace + "-" + i.Name + "-*.tar.gz",
			"recursive-exclude tests/output **", "global-exclude /.* /__pycache__"})
	}
	there, err := everything(dir, "")
	if err != nil {
		return nil, err
	}
	chosen := map[string]bool{}
	for _, d := range all {
		if err := direct(d, there, chosen); err != nil {
			return nil, fmt.Errorf("Invalid manifest directive: %w", err)
		}
	}
	return withDirs(chosen), nil
}

// everything lists the files below a folder.
func everything(dir, rel string) ([]string, error) {
	children, err := os.ReadDir(filepath.Join(dir, rel))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, ch := range children {
		name := path.Join(rel, ch.Name())
		if !ch.IsDir() {
			if !isDir(filepath.Join(dir, name)) {
				out = append(out, name)
			}
			continue
		}
		below, err := everything(dir, name)
		if err != nil {
			return nil, err
		}
		out = append(out, below...)
	}
	return out, nil
}

// direct carries out one command: it adds to the chosen files or takes away.
func direct(command string, there []string, chosen map[string]bool) error {
	words := strings.Fields(command)
	if len(words) < 2 {
		return fmt.Errorf("%q expects patterns", command)
	}
	action, patterns := words[0], words[1:]
	folder := ""
	if strings.HasPrefix(action, "recursive-") {
		if folder, patterns = patterns[0], patterns[1:]; len(patterns) == 0 {
			return fmt.Errorf("%q expects a folder and patterns", command)
		}
	}
	expr := func(p string) string { return glob.Expr(p, "[^/]") }
	for _, p := range patterns {
		var re string
		switch action {
		case "include", "exclude":
			re = "^/" + expr(p) + "$"
		case "global-include", "global-exclude":
			re = expr(p) + "$"
		case "recursive-include", "recursive-exclude":
			re = "^/" + expr(strings.Trim(folder, "/")) + "/.*" + expr(p) + "$"
		case "graft", "prune":
			re = "^/" + expr(strings.Trim(p, "/")) + "/"
		default:
			return fmt.Errorf("unknown action %q", action)
		}
		match, err := regexp.Compile("(?s)" + re)
		if err != nil {
			return fmt.Errorf("%q: %w", p, err)
		}
		add := strings.HasSuffix(action, "include") || action == "graft"
		for _, f := range there {
			if !match.MatchString("/" + f) {
				continue
			}
			if add {
				chosen[f] = true
			} else {
				delete(chosen, f)
			}
		}
	}
	return nil
}

// withDirs lists the chosen files and the folders they are in.
func withDirs(chosen map[string]bool) []entry {
	dirs := map[string]bool{}
	var out []entry
	for f := range chosen {
		out = append(out, entry{name: f})
		for d := path.Dir(f); d != "." && !dirs[d]; d = path.Dir(d) {
			dirs[d] = true
			out = append(out, entry{name: d, dir: true})
		}
	}
	slices.SortFunc(out, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return out
}
