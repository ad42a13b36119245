package galaxy

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// Installer installs collections.
type Installer struct {
	Options
	// Path is where to; below it is the folder ansible_collections.
	Path string
	// Paths are the folders in which installed collections are looked for.
	Paths []string

	work     string // a folder for what is fetched
	found    map[string]*candidate
	order    []*candidate
	clones   map[string]string // repository and version -> folder
	required map[string][]string
}

// candidate is a collection that was found and may be installed.
type candidate struct {
	*Info
	dir     string // its folder, or
	members []member
	archive string
	depends bool // only because another needs it
}

// home is the folder that holds ansible_collections' namespaces.
func home(dir string) string {
	if filepath.Base(filepath.Clean(dir)) == "ansible_collections" {
		return dir
	}
	return filepath.Join(dir, "ansible_collections")
}

// Place is where a collection belongs.
func (in *Installer) place(i *Info) string { return filepath.Join(home(in.Path), i.Namespace, i.Name) }

// Install installs the collections and what they need.
func (in *Installer) Install(ctx context.Context, wanted []Collection) (err error) {
	in.Say("Starting galaxy collection install process")
	if err := os.MkdirAll(home(in.Path), 0o755); err != nil {
		return err
	}
	if in.work, err = os.MkdirTemp("", "tutti-galaxy-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(in.work)) }()
	in.found, in.clones, in.required = map[string]*candidate{}, map[string]string{}, map[string][]string{}
	if !in.Force && !in.ForceDeps && in.nothingToDo(wanted) {
		in.Say("Nothing to do. All requested collections are already installed. If you want to reinstall them, consider using `--force`.")
		return nil
	}
	in.Say("Process install dependency map")
	for _, w := range wanted {
		if err := in.resolve(ctx, w, ""); err != nil {
			return err
		}
	}
	if err := in.settle(); err != nil {
		return err
	}
	in.Say("Starting collection install process")
	for _, c := range in.order {
		if err := in.one(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// nothingToDo reports whether all that is wanted, as far as it has a version, is
// installed in the right place.
func (in *Installer) nothingToDo(wanted []Collection) bool {
	for _, w := range wanted {
		switch w.Kind {
		case fromGalaxy:
			if i := in.installed(w.Source); i == nil || !satisfies(i.Version, w.Version) {
				return false
			}
		case fromFile:
			c, err := openArchive(w.Source)
			if err != nil {
				return false
			}
			there, err := ReadInfo(in.place(c.Info))
			if err != nil || there.Version != c.Version {
				return false
			}
		default: // sources have no version to go by
			return false
		}
	}
	return true
}

// installed finds a collection where playbooks would.
func (in *Installer) installed(name string) *Info {
	ns, n, _ := strings.Cut(name, ".")
	for _, p := range slices.Concat([]string{in.Path}, in.Paths) {
		if i, err := ReadInfo(filepath.Join(home(p), ns, n)); err == nil {
			return i
		}
	}
	return nil
}

// resolve finds what is wanted, and what that needs. by names who wants it, ""
// is the user.
func (in *Installer) resolve(ctx context.Context, w Collection, by string) error {
	switch w.Kind {
	case fromGalaxy:
		who := "direct request"
		if by != "" {
			who = "dependency of " + by
		}
		v := w.Version
		if v == "" {
			v = "*"
		}
		in.required[w.Source] = append(in.required[w.Source], v+" ("+who+")")
		return nil
	case fromFile, fromURL:
		file := w.Source
		if w.Kind == fromURL {
			file = filepath.Join(in.work, fmt.Sprintf("%d-%s", len(in.order), path.Base(w.Source)))
			if err := download(ctx, in.Options, w.Source, file); err != nil {
				return err
			}
		}
		c, err := openArchive(file)
		if err != nil {
			return err
		}
		return in.add(ctx, c, w, by)
	case fromGit:
		dir, err := in.checkout(ctx, w)
		if err != nil {
			return err
		}
		return in.folder(ctx, filepath.Join(dir, w.Folder), w, by)
	}
	return in.folder(ctx, w.Source, w, by)
}

// checkout clones a repository, each version of it once.
func (in *Installer) checkout(ctx context.Context, w Collection) (string, error) {
	version := w.Version
	if version == "*" {
		version = ""
	}
	key := w.Source + "\x00" + version
	if dir, ok := in.clones[key]; ok {
		return dir, nil
	}
	dir := filepath.Join(in.work, fmt.Sprintf("repo%d", len(in.clones)))
	if err := clone(ctx, in.Options, "git", w.Source, version, dir); err != nil {
		return "", err
	}
	in.clones[key] = dir
	return dir, nil
}

// folder takes the collection in dir, or those in the folders below it.
func (in *Installer) folder(ctx context.Context, dir string, w Collection, by string) error {
	if isCollection(dir) {
		i, err := ReadInfo(dir)
		if err != nil {
			return err
		}
		return in.add(ctx, &candidate{Info: i, dir: dir}, w, by)
	}
	children, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("%s: %w", w.Source, err)
	}
	any := false
	for _, ch := range children {
		if d := filepath.Join(dir, ch.Name()); isDir(d) && isCollection(d) {
			any = true
			if err := in.folder(ctx, d, w, by); err != nil {
				return err
			}
		}
	}
	if !any {
		where := w.Source
		if w.Folder != "" {
			where += "#" + w.Folder
		}
		return fmt.Errorf("%s holds no collection: there is neither galaxy.yml nor MANIFEST.json, nor a folder that has one", where)
	}
	return nil
}

// add takes a candidate in, with what it depends on.
func (in *Installer) add(ctx context.Context, c *candidate, w Collection, by string) error {
	if old := in.found[c.FQCN()]; old != nil {
		if old.Version != c.Version {
			return fmt.Errorf("Failed to resolve the requested dependencies map. %s is wanted as %s and as %s", c.FQCN(), old.Version, c.Version)
		}
		old.depends = old.depends && by != ""
		return nil
	}
	c.depends = by != ""
	in.found[c.FQCN()] = c
	in.order = append(in.order, c)
	if in.NoDeps {
		return nil
	}
	for key, v := range c.Dependencies.Strings() {
		version := value.Str(v)
		dep, err := ParseCollection(key)
		if err != nil {
			return fmt.Errorf("%s depends on %s: %w", c, key, err)
		}
		if dep.Kind == fromGit {
			if dep.Version == "" && version != "*" {
				dep.Version = version
			}
		} else {
			dep.Version = version
		}
		if err := in.resolve(ctx, dep, c.String()); err != nil {
			return err
		}
	}
	return nil
}

// settle checks that what is known by name only is found or installed.
func (in *Installer) settle() error {
	var lines []string
	names := make([]string, 0, len(in.required))
	for n := range in.required {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, name := range names {
		var have *Info
		if c := in.found[name]; c != nil {
			have = c.Info
		} else {
			have = in.installed(name)
		}
		for _, r := range in.required[name] {
			wanted, _, _ := strings.Cut(r, " (")
			if have == nil || !satisfies(have.Version, wanted) {
				lines = append(lines, "* "+name+":"+r)
			}
		}
	}
	if lines != nil {
		return fmt.Errorf("Failed to resolve the requested dependencies map. Could not satisfy the following requirements:\n%s\n%w", strings.Join(lines, "\n"), errServer)
	}
	return nil
}

// one installs one collection.
func (in *Installer) one(ctx context.Context, c *candidate) error {
	to := in.place(c.Info)
	if c.dir == "" && !in.ForceDeps && (!in.Force || c.depends) {
		if there, err := ReadInfo(to); err == nil && there.Version == c.Version {
			in.Say(fmt.Sprintf("'%s' is already installed, skipping.", c))
			return nil
		}
	}
	in.Say(fmt.Sprintf("Installing '%s' to '%s'", c, to))
	err := replace(ctx, to, func(dir string) error {
		switch {
		case c.dir == "":
			return c.unpack(dir)
		case c.built:
			return c.copyBuilt(dir)
		}
		built, err := contentOf(c.dir, c.Info, in.Console)
		if err != nil {
			return err
		}
		return built.copyTo(dir)
	})
	if err != nil {
		return err
	}
	if c.dir != "" {
		in.Say(fmt.Sprintf("Created collection for %s at %s", c, to))
	}
	in.Say(fmt.Sprintf("%s was installed successfully", c))
	return nil
}

// openArchive reads a collection's archive.
func openArchive(file string) (*candidate, error) {
	members, err := readArchive(file)
	if err != nil {
		return nil, err
	}
	c := &candidate{members: members, archive: file}
	data := c.member("MANIFEST.json")
	if data == nil {
		return nil, fmt.Errorf("Collection at '%s' does not contain the required file MANIFEST.json.", file)
	}
	c.Info, err = parseManifest(data, file+": MANIFEST.json")
	return c, err
}

func (c *candidate) member(name string) []byte {
	for _, m := range c.members {
		if m.name == name && m.Typeflag == tar.TypeReg {
			return m.data
		}
	}
	return nil
}

// unpack writes what FILES.json lists, and only that, checking the sums.
func (c *candidate) unpack(dir string) error {
	list := c.member("FILES.json")
	files, err := readFiles(list)
	if err != nil {
		return fmt.Errorf("%s: FILES.json: %w", c.archive, err)
	}
	if err := c.checkFilesJSON(list); err != nil {
		return err
	}
	byName := map[string]member{}
	for _, m := range c.members {
		byName[m.name] = m
	}
	for _, name := range []string{"MANIFEST.json", "FILES.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), byName[name].data, 0o644); err != nil {
			return err
		}
	}
	in, err := os.OpenRoot(dir) // links, also one by way of another, lead nowhere else
	if err != nil {
		return err
	}
	defer in.Close()
	for _, f := range files {
		if f.Name == "." {
			continue
		}
		name := path.Clean(f.Name)
		if !under(name) {
			return fmt.Errorf("Cannot extract tar entry '%s' as it will be placed outside the collection directory", f.Name)
		}
		m, ok := byName[name]
		if !ok {
			return fmt.Errorf("Unable to extract '%s' from collection: it is not in the archive", f.Name)
		}
		if err := c.write(in, name, f, m); err != nil {
			return err
		}
	}
	return nil
}

func (c *candidate) write(in *os.Root, name string, f fileEntry, m member) error {
	if err := in.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	switch m.Typeflag {
	case tar.TypeDir:
		return in.MkdirAll(name, 0o755)
	case tar.TypeSymlink:
		if filepath.IsAbs(m.Linkname) || !under(path.Join(path.Dir(name), m.Linkname)) {
			return fmt.Errorf("Cannot extract symlink '%s' in collection: path points to location outside of collection '%s'", name, in.Name())
		}
		return in.Symlink(m.Linkname, name)
	case tar.TypeReg:
	default:
		return fmt.Errorf("Cannot extract '%s': it is neither file nor folder nor link", name)
	}
	if sum := sha256.Sum256(m.data); hex.EncodeToString(sum[:]) != f.Sum {
		return fmt.Errorf("Checksum mismatch for '%s' inside collection at '%s'", name, c.archive)
	}
	perm := os.FileMode(0o644)
	if m.Mode&0o100 != 0 {
		perm = 0o755
	}
	return in.WriteFile(name, m.data, perm)
}

// checkFilesJSON compares FILES.json with the sum that the manifest has.
func (c *candidate) checkFilesJSON(list []byte) error {
	want, err := filesSum(c.member("MANIFEST.json"))
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(list); hex.EncodeToString(sum[:]) != want {
		return fmt.Errorf("Checksum mismatch for 'FILES.json' inside collection at '%s'", c.archive)
	}
	return nil
}

// filesSum is the sum of FILES.json that a manifest has.
func filesSum(manifest []byte) (string, error) {
	v, err := value.ParseJSON(manifest)
	if err != nil {
		return "", err
	}
	m, _ := v.(*value.Map)
	f, _ := m.At("file_manifest_file").(*value.Map)
	if f == nil {
		return "", errors.New("MANIFEST.json does not tell the checksum of FILES.json")
	}
	return value.Str(f.At("chksum_sha256")), nil
}

// copyBuilt copies a folder that was built before: what its FILES.json lists.
func (c *candidate) copyBuilt(dir string) error {
	data, err := os.ReadFile(filepath.Join(c.dir, "FILES.json"))
	if err != nil {
		return err
	}
	files, err := readFiles(data)
	if err != nil {
		return fmt.Errorf("%s: FILES.json: %w", c.dir, err)
	}
	for _, name := range []string{"MANIFEST.json", "FILES.json"} {
		if err := copyFile(filepath.Join(c.dir, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for _, f := range files {
		name := path.Clean(f.Name)
		switch {
		case name == ".":
		case !under(name):
			return fmt.Errorf("FILES.json names '%s', which is outside the collection", f.Name)
		case f.Type == "dir":
			err = os.MkdirAll(filepath.Join(dir, name), 0o755)
		default:
			err = copyFile(filepath.Join(c.dir, name), filepath.Join(dir, name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
