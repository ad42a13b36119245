package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/yaml"
)

// listing is what became of one project's playbooks: each is read and listed in
// four ways by both programs.
type listing struct {
	Name, Commit       string
	Books              int
	Equal, Of, Refused int
	Seconds, Ours      string
	Differs            []string
}

var summary = regexp.MustCompile(`(\d+) of (\d+) equal \((\d+) refused by both\); ansible ([\d.]+) s, ours ([\d.]+) s`)

func (r *run) listings(ctx context.Context, project string) (*listing, error) {
	name, path, ok := strings.Cut(project, "=")
	if !ok {
		name, path = filepath.Base(project), project
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	results, err := r.results("listings-" + name + ".json")
	if err != nil {
		return nil, err
	}
	if data, err := os.ReadFile(results); err == nil && r.reuse {
		l := &listing{}
		return l, json.Unmarshal(data, l)
	}
	books, err := playbooks(path)
	if err != nil {
		return nil, err
	}
	l := &listing{Name: name, Books: len(books)}
	if len(books) == 0 {
		return nil, fmt.Errorf("%s holds no playbooks", path)
	}
	if out, err := exec.CommandContext(ctx, "git", "-C", path, "rev-parse", "--short=12", "HEAD").Output(); err == nil {
		l.Commit = strings.TrimSpace(string(out))
	}
	env, clean, err := surroundings(path)
	if err != nil {
		return nil, err
	}
	defer clean()
	args := []string{filepath.Join(r.links, "ansible-playbook")}
	if inv := filepath.Join(path, "inventory", "local", "hosts.ini"); isFile(inv) {
		args = append(args, "-i", inv)
	}
	text, err := r.tool(ctx, env, "compare-listings", append(args, books...)...)
	if err != nil {
		return nil, err
	}
	m := summary.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("compare-listings gave no summary for %s: %s", path, text)
	}
	for _, n := range []struct {
		text string
		into *int
	}{{m[1], &l.Equal}, {m[2], &l.Of}, {m[3], &l.Refused}} {
		if _, err := fmt.Sscan(n.text, n.into); err != nil {
			return nil, err
		}
	}
	l.Seconds, l.Ours = m[4], m[5]
	for _, line := range strings.Split(text, "\n") {
		if line != "" && !summary.MatchString(line) {
			l.Differs = append(l.Differs, strings.ReplaceAll(line, path+"/", ""))
		}
	}
	data, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	return l, os.WriteFile(results, data, 0o644)
}

func isFile(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.Mode().IsRegular()
}

func isDir(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.IsDir()
}

// surroundings are the settings under which a project's playbooks can be read:
// its roles, modules and collections, and the collection that it is itself,
// beside those that the caller has set.
func surroundings(path string) (env []string, clean func(), err error) {
	var roles, library, collections []string
	var own string // the folder with the project's own galaxy.yml
	for _, top := range []string{path, filepath.Join(path, "ansible")} {
		for _, w := range []struct {
			folder string
			into   *[]string
		}{{"roles", &roles}, {"library", &library}, {"plugins/modules", &library}, {"collections", &collections}} {
			if dir := filepath.Join(top, w.folder); isDir(dir) {
				*w.into = append(*w.into, dir)
			}
		}
		if own == "" && isFile(filepath.Join(top, "galaxy.yml")) {
			own = top
		}
	}
	clean = func() {}
	if own != "" && len(collections) == 0 {
		dir, err := asCollection(own)
		if err != nil {
			return nil, clean, err
		}
		clean = func() { os.RemoveAll(dir) }
		collections = append(collections, dir)
	}
	for _, w := range []struct {
		name    string
		folders []string
	}{{"ANSIBLE_ROLES_PATH", roles}, {"ANSIBLE_LIBRARY", library}, {"ANSIBLE_COLLECTIONS_PATH", collections}} {
		if set := os.Getenv(w.name); set != "" {
			w.folders = append(w.folders, set)
		}
		if len(w.folders) > 0 {
			env = append(env, w.name+"="+strings.Join(w.folders, ":"))
		}
	}
	return env, clean, nil
}

// asCollection makes a folder of collections in which the folder at path is one.
func asCollection(path string) (string, error) {
	data, err := os.ReadFile(filepath.Join(path, "galaxy.yml"))
	if err != nil {
		return "", err
	}
	n, err := yaml.Parse(data, "galaxy.yml", yaml.Options{AsData: true})
	if err != nil {
		return "", err
	}
	ns, _ := n.Get("namespace").Text()
	name, _ := n.Get("name").Text()
	dir, err := os.MkdirTemp("", "tutti-compat-")
	if err != nil {
		return "", err
	}
	at := filepath.Join(dir, "ansible_collections", ns)
	if err := os.MkdirAll(at, 0o755); err != nil {
		return "", err
	}
	return dir, os.Symlink(path, filepath.Join(at, name))
}

// playbooks finds the playbooks below a folder: lists whose entries have hosts
// or import another.
func playbooks(dir string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "roles", "tasks", "handlers", "group_vars", "host_vars", "vars", "defaults", "collections"}, d.Name()) && p != dir {
			return fs.SkipDir
		}
		if ext := filepath.Ext(p); d.IsDir() || ext != ".yml" && ext != ".yaml" {
			return nil
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return nil
		}
		n, err := yaml.Parse(data, p, yaml.Options{AsData: true})
		if err != nil || n.Kind != yaml.List || len(n.Items) == 0 {
			return nil
		}
		for _, key := range []string{"hosts", "import_playbook", "ansible.builtin.import_playbook"} {
			if n.Items[0].Get(key) != nil {
				out = append(out, p)
				break
			}
		}
		return nil
	})
	return out, err
}
