package galaxy

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
)

// Roles installs and removes roles.
type Roles struct {
	Options
	// Path is where to; Paths are all folders of roles, Path among them.
	Path  string
	Paths []string
}

const installInfo = "meta/.galaxy_install_info"

// Find gives the folder of an installed role, "" if there is none.
func (r *Roles) Find(name string) string {
	for _, p := range append([]string{r.Path}, r.Paths...) {
		if d := filepath.Join(p, name); p != "" && isDir(d) {
			return d
		}
	}
	return ""
}

// Version is the version that an installed role was asked for, "" if it is not
// known.
func Version(dir string) string {
	m := readMap(filepath.Join(dir, installInfo))
	if v := m.At("version"); v != nil {
		return value.Str(v)
	}
	return ""
}

// readMap reads a YAML file that holds a dictionary; anything else is empty.
func readMap(file string) *value.Map {
	data, err := os.ReadFile(file)
	if err != nil {
		return value.NewMap(0)
	}
	n, err := yaml.Parse(data, file, yaml.Options{AsData: true})
	if err != nil {
		return value.NewMap(0)
	}
	m, _ := n.Value().(*value.Map)
	if m == nil {
		m = value.NewMap(0)
	}
	return m
}

// Install installs roles and those they depend on. A role that cannot be
// installed ends it, unless errors are to be ignored.
func (r *Roles) Install(ctx context.Context, wanted []Role) error {
	r.Say("Starting galaxy role install process")
	queue := append([]Role(nil), wanted...)
	for i := 0; i < len(queue); i++ {
		w := queue[i]
		if dir := r.Find(w.Name); dir != "" && !r.Force && (w.parent == "" || !r.ForceDeps) {
			have := Version(dir)
			if w.Version != "" && have != w.Version {
				r.Warn(fmt.Sprintf("- %s (%s) is already installed - use --force to change version to %s", w.Name, orUnspecified(have), w.Version))
			} else {
				r.Say(fmt.Sprintf("- %s is already installed, skipping.", named(w.Name, have)))
			}
			continue
		}
		dir, err := r.one(ctx, w)
		if err == nil {
			err = r.dependencies(w, dir, &queue)
		}
		if err != nil {
			r.Warn(fmt.Sprintf("- %s was NOT installed successfully: %s", w.Name, err))
			if !r.IgnoreErrs {
				return errors.New("- you can use --ignore-errors to skip failed roles and finish processing the list.")
			}
		}
	}
	return nil
}

func named(name, version string) string {
	if version == "" {
		return name
	}
	return name + " (" + version + ")"
}

func orUnspecified(version string) string {
	if version == "" {
		return "unspecified"
	}
	return version
}

// dependencies queues what an installed role needs.
func (r *Roles) dependencies(w Role, dir string, queue *[]Role) error {
	if r.NoDeps {
		return nil
	}
	deps, err := Dependencies(dir, w.Name)
	if err != nil {
		return err
	}
	for _, d := range deps {
		d.parent = w.Name
		known := false
		for _, q := range *queue {
			known = known || q.Name == d.Name
		}
		if known {
			continue
		}
		if at := r.Find(d.Name); at != "" && !r.ForceDeps {
			r.Say(fmt.Sprintf("- dependency %s is already installed, skipping.", named(d.Name, Version(at))))
			continue
		}
		r.Say(fmt.Sprintf("- adding dependency: %s", named(d.Name, d.Version)))
		*queue = append(*queue, d)
	}
	return nil
}

// Dependencies lists the roles that a role says it needs, in meta/main.yml and
// meta/requirements.yml.
func Dependencies(dir, name string) ([]Role, error) {
	var out []Role
	add := func(file string, n *yaml.Node) error {
		if n.IsNull() {
			return nil
		}
		if n.Kind != yaml.List {
			return fmt.Errorf("Expected role dependencies to be a list. Role %s has %s %s", name, file, value.Str(n.Value()))
		}
		for _, it := range n.Items {
			role, err := readRole(it)
			if err != nil {
				return err
			}
			// A bare name is a role of the same playbook, not one to be fetched.
			if role.SCM == "" && !strings.ContainsAny(role.Source, ".:/") {
				continue
			}
			out = append(out, role)
		}
		return nil
	}
	for _, base := range []string{"main", "requirements"} {
		for _, ext := range []string{".yml", ".yaml"} {
			file := filepath.Join(dir, "meta", base+ext)
			data, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			n, err := yaml.Parse(data, file, yaml.Options{AsData: true})
			if err != nil {
				return nil, err
			}
			what := "meta/" + base + ext
			if base == "main" {
				n, what = n.Get("dependencies"), what+" dependencies"
			}
			if err := add(what, n); err != nil {
				return nil, err
			}
			break
		}
	}
	return out, nil
}

// one installs one role and gives its folder.
func (r *Roles) one(ctx context.Context, w Role) (dir string, err error) {
	work, err := os.MkdirTemp("", "tutti-galaxy-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	to := filepath.Join(r.Path, w.Name)
	switch {
	case w.SCM != "":
		src := filepath.Join(work, "role")
		if err := clone(ctx, r.Options, w.SCM, w.Source, w.Version, src); err != nil {
			return "", err
		}
		if err := errors.Join(os.RemoveAll(filepath.Join(src, ".git")), os.RemoveAll(filepath.Join(src, ".hg"))); err != nil {
			return "", err
		}
		return to, r.put(ctx, w, to, func(dir string) error { return copyRole(src, dir) })
	case isDir(w.Source):
		return to, r.put(ctx, w, to, func(dir string) error { return copyRole(w.Source, dir) })
	}
	archive := w.Source
	if strings.Contains(w.Source, "://") {
		archive = filepath.Join(work, "role.tar")
		r.Say("- downloading role from " + w.Source)
		if rest, ok := strings.CutPrefix(w.Source, "file://"); ok {
			archive = rest
		} else if err := download(ctx, r.Options, w.Source, archive); err != nil {
			return "", err
		}
	}
	if !isFile(archive) {
		return "", fmt.Errorf("%s: %w", w.Source, errServer)
	}
	members, err := readArchive(archive)
	if err != nil {
		return "", err
	}
	return to, r.put(ctx, w, to, func(dir string) error { return unpackRole(members, dir) })
}

// put fills a new folder of a role and puts it in its place.
func (r *Roles) put(ctx context.Context, w Role, to string, fill func(dir string) error) error {
	r.Say(fmt.Sprintf("- extracting %s to %s", w.Name, to))
	err := replace(ctx, to, func(dir string) error {
		if err := fill(dir); err != nil {
			return err
		}
		if !isFile(filepath.Join(dir, "meta/main.yml")) && !isFile(filepath.Join(dir, "meta/main.yaml")) {
			return errors.New("this role does not appear to have a meta/main.yml file.")
		}
		if !r.NoDeps { // what cannot be read is found before the role is in place
			if _, err := Dependencies(dir, w.Name); err != nil {
				return err
			}
		}
		info := fmt.Sprintf("install_date: %s\nversion: %s\n", time.Now().Format("Mon Jan _2 15:04:05 2006"), yamlText(w.Version))
		return os.WriteFile(filepath.Join(dir, installInfo), []byte(info), 0o644)
	})
	if err == nil {
		r.Say(fmt.Sprintf("- %s was installed successfully", named(w.Name, w.Version)))
	}
	return err
}

func yamlText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// unpackRole writes the role that an archive holds: what lies beside its meta
// folder. Nothing may lead out of the role.
func unpackRole(members []member, dir string) error {
	root, found := "", false
	for _, m := range members {
		if base := path.Base(m.name); (base == "main.yml" || base == "main.yaml") && path.Base(path.Dir(m.name)) == "meta" {
			if r := path.Dir(path.Dir(m.name)); !found || len(r) < len(root) {
				root, found = r, true
			}
		}
	}
	if !found {
		return errors.New("this role does not appear to have a meta/main.yml file.")
	}
	in, err := os.OpenRoot(dir) // links, also one by way of another, lead nowhere else
	if err != nil {
		return err
	}
	defer in.Close()
	for _, m := range members {
		name, ok := m.name, root == "."
		if !ok {
			name, ok = strings.CutPrefix(m.name, root+"/")
		}
		if !ok || name == "" || name == "." {
			continue
		}
		if err := writeMember(in, root, name, m); err != nil {
			return err
		}
	}
	return nil
}

func writeMember(in *os.Root, root, name string, m member) error {
	if m.Typeflag != tar.TypeDir {
		if err := in.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
	}
	switch m.Typeflag {
	case tar.TypeDir:
		return in.MkdirAll(path.Clean(name), 0o755)
	case tar.TypeSymlink:
		target := m.Linkname
		if filepath.IsAbs(target) { // one into the archive's own root stays
			rel, err := filepath.Rel("/"+path.Join(root, path.Dir(name)), target)
			if err != nil {
				return err
			}
			target = rel
		}
		if !under(path.Join(path.Dir(name), target)) {
			return fmt.Errorf("the link %s leads to %s, which is not a subpath of the role", name, m.Linkname)
		}
		return in.Symlink(target, name)
	case tar.TypeReg:
		perm := os.FileMode(m.Mode).Perm() &^ 0o022
		if st, err := in.Lstat(name); err == nil && st.Mode()&os.ModeSymlink != 0 {
			return fmt.Errorf("the archive holds %s twice, first as a link", name)
		}
		return in.WriteFile(name, m.data, perm|0o600)
	}
	return nil
}

// copyRole copies the files of a role's folder.
func copyRole(from, to string) error {
	return filepath.WalkDir(from, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil || rel == "." {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case d.Type()&os.ModeSymlink != 0:
			link, err := os.Readlink(p)
			if err != nil {
				return err
			}
			if filepath.IsAbs(link) || !under(path.Join(path.Dir(filepath.ToSlash(rel)), link)) {
				return fmt.Errorf("the link %s leads to %s, which is not a subpath of the role", rel, link)
			}
			return os.Symlink(link, target)
		}
		return copyFile(p, target)
	})
}

// Remove removes an installed role. It reports whether there was one.
func (r *Roles) Remove(name string) (bool, error) {
	if name == "" || name != filepath.Base(name) {
		return false, fmt.Errorf("'%s' is no name of a role", name)
	}
	dir := r.Find(name)
	if dir == "" {
		return false, nil
	}
	if !isFile(filepath.Join(dir, "meta/main.yml")) && !isFile(filepath.Join(dir, "meta/main.yaml")) {
		return false, fmt.Errorf("failed to remove role %s: the directory %s does not look like a role.", name, dir)
	}
	return true, os.RemoveAll(dir)
}

// Meta is what a role's meta/main.yml says.
func Meta(dir string) *value.Map {
	for _, n := range []string{"meta/main.yml", "meta/main.yaml"} {
		if p := filepath.Join(dir, n); isFile(p) {
			return readMap(p)
		}
	}
	return value.NewMap(0)
}

// InstallInfo is what was noted when a role was installed.
func InstallInfo(dir string) *value.Map { return readMap(filepath.Join(dir, installInfo)) }
