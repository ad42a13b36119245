package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/tutti-run/tutti/internal/galaxy"
	"github.com/tutti-run/tutti/internal/template/yamldump"
	"github.com/tutti-run/tutti/internal/value"
)

// collectionDirs are the folders of collections, those that the user names
// first, each once.
func (g *galaxyRun) collectionDirs() []string {
	var out []string
	for _, p := range absolutes(g.paths, g.config.List("COLLECTIONS_PATHS"), pythonCollections(g.config)) {
		if p = galaxy.Home(p); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

func (g *galaxyRun) listCollections(context.Context) error {
	name := ""
	if len(g.args) > 0 {
		name = g.args[0]
		if err := galaxy.CheckName(name); err != nil {
			return err
		}
	}
	warn := g.options().Warn
	for _, p := range absolutes(g.paths) {
		switch st, err := os.Stat(p); {
		case err != nil:
			warn(fmt.Sprintf("- the configured path %s does not exist.", p))
		case !st.IsDir():
			warn(fmt.Sprintf("- the configured path %s, exists, but it is not a directory.", p))
		case !isDirectory(galaxy.Home(p)):
			warn(fmt.Sprintf("- the configured path %s, exists, but it does not contain an 'ansible_collections' directory.", p))
		}
	}
	all := value.NewMap(4)
	usable := false
	for _, dir := range g.collectionDirs() {
		if !isDirectory(dir) {
			continue
		}
		usable = true
		list := galaxy.List(dir, name)
		if len(list) == 0 {
			continue
		}
		m := value.NewMap(len(list))
		for _, c := range list {
			m.Set(c.Name, value.MapOf("version", c.Version))
		}
		all.Set(dir, m)
	}
	switch {
	case !usable:
		return optionsError{errors.New("- None of the provided paths were usable. Please specify a valid path with --collections-path")}
	case name != "" && all.Len() == 0:
		return fmt.Errorf("unable to find %s in collection paths", name)
	}
	switch g.format {
	case "json":
		fmt.Fprintln(g.Out, string(value.JSON{Python: true}.Append(nil, all)))
	case "yaml":
		text, err := yamldump.Dump(all, yamldump.Options{})
		if err != nil {
			return err
		}
		fmt.Fprint(g.Out, text)
	default:
		for dir, m := range all.All() {
			g.table(value.Str(dir), m.(*value.Map))
		}
	}
	return nil
}

func isDirectory(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

func (g *galaxyRun) table(dir string, m *value.Map) {
	name, version := len("Collection"), len("Version")
	for k, v := range m.Strings() {
		name = max(name, len(k))
		version = max(version, len(value.Str(v.(*value.Map).At("version"))))
	}
	fmt.Fprintf(g.Out, "\n# %s\n%-*s %-*s\n%s %s\n", dir, name, "Collection", version, "Version", strings.Repeat("-", name), strings.Repeat("-", version))
	for k, v := range m.Strings() {
		fmt.Fprintf(g.Out, "%-*s %-*s\n", name, k, version, value.Str(v.(*value.Map).At("version")))
	}
}

func (g *galaxyRun) roles() *galaxy.Roles {
	r := &galaxy.Roles{Options: g.options(), Paths: absolutes(g.paths, g.config.List("DEFAULT_ROLES_PATH"))}
	if len(r.Paths) > 0 {
		r.Path = r.Paths[0]
	}
	if len(g.paths) > 0 {
		r.Path = absolute(g.paths[len(g.paths)-1])
	}
	return r
}

func (g *galaxyRun) installRoles(ctx context.Context) error {
	var wanted []galaxy.Role
	var collections []galaxy.Collection
	if g.file != "" {
		if ext := filepath.Ext(g.file); ext != ".yml" && ext != ".yaml" {
			return errors.New("Invalid role requirements file, it must end with a .yml or .yaml extension")
		}
		var err error
		if wanted, collections, err = galaxy.ReadRequirements(g.file); err != nil {
			return err
		}
	}
	for _, a := range g.args {
		r, err := galaxy.ParseRole(a)
		if err != nil {
			return err
		}
		wanted = append(wanted, r)
	}
	if wanted == nil && collections == nil {
		return errors.New("- you must specify a user/role name or a roles file")
	}
	if len(g.paths) > 0 && collections != nil {
		g.options().Warn("The requirements file '" + g.file + "' contains collections which will be ignored. To install these collections run 'ansible-galaxy collection install -r' or to install both at the same time run 'ansible-galaxy install -r' without a custom install path.")
		collections = nil
	}
	if wanted != nil {
		r := g.roles()
		if len(g.paths) > 0 {
			r.Paths = []string{r.Path} // a role elsewhere does not count
		}
		if err := r.Install(ctx, wanted); err != nil {
			return err
		}
	}
	if collections != nil {
		return g.collections(ctx, collections)
	}
	return nil
}

func (g *galaxyRun) initRole(context.Context) error {
	name := g.args[0]
	if err := galaxy.NewRole(absolute(g.initAt), name, g.skeleton("GALAXY_ROLE_SKELETON")); err != nil {
		return err
	}
	fmt.Fprintf(g.Out, "- Role %s was created successfully\n", name)
	return nil
}

func (g *galaxyRun) removeRoles(context.Context) error {
	r := g.roles()
	for _, name := range g.args {
		there, err := r.Remove(name)
		switch {
		case err != nil:
			return err
		case there:
			fmt.Fprintf(g.Out, "- successfully removed %s\n", name)
		default:
			fmt.Fprintf(g.Out, "- %s is not installed, skipping.\n", name)
		}
	}
	return nil
}

func (g *galaxyRun) listRoles(context.Context) error {
	r := g.roles()
	show := func(name, dir string) {
		version := galaxy.Version(dir)
		if version == "" {
			version = "(unknown version)"
		}
		fmt.Fprintf(g.Out, "- %s, %s\n", name, version)
	}
	if len(g.args) > 0 {
		name := g.args[0]
		for _, p := range r.Paths {
			if d := filepath.Join(p, name); isDirectory(d) {
				fmt.Fprintf(g.Out, "# %s\n", p)
				show(name, d)
				return nil
			}
		}
		fmt.Fprintf(g.Out, "- the role %s was not found\n", name)
		return nil
	}
	usable := false
	for _, p := range r.Paths {
		switch st, err := os.Stat(p); {
		case err != nil:
			g.options().Warn(fmt.Sprintf("- the configured path %s does not exist.", p))
			continue
		case !st.IsDir():
			g.options().Warn(fmt.Sprintf("- the configured path %s, exists, but it is not a directory.", p))
			continue
		}
		usable = true
		fmt.Fprintf(g.Out, "# %s\n", p)
		children, _ := os.ReadDir(p)
		for _, ch := range children {
			d := filepath.Join(p, ch.Name())
			if isFile(filepath.Join(d, "meta", "main.yml")) || isFile(filepath.Join(d, "meta", "main.yaml")) {
				show(ch.Name(), d)
			}
		}
	}
	if !usable {
		return optionsError{errors.New("- None of the provided paths were usable. Please specify a valid path with --roles-path")}
	}
	return nil
}

func (g *galaxyRun) roleInfo(context.Context) error {
	r := g.roles()
	for _, name := range g.args {
		dir := r.Find(name)
		if dir == "" {
			fmt.Fprintf(g.Out, "- the role %s was not found\n", name)
			continue
		}
		info := galaxy.Meta(dir).Clone()
		if inner, ok := info.At("galaxy_info").(*value.Map); ok && !info.Has("description") {
			info.Set("description", inner.At("description"))
			inner = inner.Clone()
			inner.Delete("description")
			info.Set("galaxy_info", inner)
		}
		note := galaxy.InstallInfo(dir)
		if d := note.At("install_date"); d != nil {
			info.Set("install_date", d)
			info.Set("installed_version", note.At("version"))
		}
		info.Set("path", dir)
		fmt.Fprintf(g.Out, "\nRole: %s\n\tdescription: %s\n", name, value.Str(info.At("description")))
		info.Delete("description")
		g.tree(info, 1)
	}
	return nil
}

// tree shows a dictionary, its keys in order, those below it indented.
func (g *galaxyRun) tree(m *value.Map, depth int) {
	keys := make([]string, 0, m.Len())
	for k := range m.Strings() {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if inner, ok := m.At(k).(*value.Map); ok {
			fmt.Fprintf(g.Out, "%s%s:\n", strings.Repeat("\t", depth), k)
			g.tree(inner, depth+1)
			continue
		}
		fmt.Fprintf(g.Out, "%s%s: %s\n", strings.Repeat("\t", depth), k, value.Str(m.At(k)))
	}
}
