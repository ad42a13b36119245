package python

import (
	"archive/zip"
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
)

// archive packs a module with everything that it imports of Ansible and of
// collections. Standard library and installed packages are the target's.
func (r *Runner) archive(path string, name module.Name, source []byte) (entry string, data []byte, library string, err error) {
	b := &bundle{runner: r, files: map[string][]byte{}}
	entry = "ansible.modules." + strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".py"), "-", "_")
	if i := strings.Index(filepath.ToSlash(path), "/ansible_collections/"); i >= 0 {
		entry = dotted(path[i+1:])
	}
	// Modules beside the user's own may bring module_utils of their own.
	for dir := filepath.Dir(path); len(dir) > 1; dir = filepath.Dir(dir) {
		if own := filepath.Join(dir, "module_utils"); isDir(own) {
			b.utils = append(b.utils, own)
			break
		}
		if filepath.Base(dir) == "library" || len(b.utils) > 0 {
			if own := filepath.Join(filepath.Dir(dir), "module_utils"); isDir(own) {
				b.utils = append(b.utils, own)
			}
			break
		}
	}
	b.utils = append(b.utils, r.Utils...)
	b.files[strings.ReplaceAll(entry, ".", "/")+".py"] = source
	if err := b.scan(source, entry, false); err != nil {
		return "", nil, "", b.blame(err, name, entry)
	}
	// basic is what hands the arguments over.
	if err := b.need("ansible.module_utils.basic"); err != nil {
		return "", nil, "", err
	}
	if err := b.packages(); err != nil {
		return "", nil, "", b.blame(err, name, entry)
	}
	if library, err = b.library(); err != nil {
		return "", nil, "", err
	}
	data, err = b.zip()
	return entry, data, library, err
}

// missing is an import that there is no file for.
type missing struct {
	name   string
	looked []string
}

func (m *missing) Error() string {
	return "nothing is there for " + m.name
}

// blame says which module an error is about.
func (b *bundle) blame(err error, name module.Name, entry string) error {
	var m *missing
	if errors.As(err, &m) {
		return fmt.Errorf("Could not find imported module support code for %s.  Looked for (['%s'])", entry, strings.Join(m.looked, "', '"))
	}
	return fmt.Errorf("the module %s: %w", name, err)
}

// library is the hash of what basic brings in: a folder of module_utils may hold
// another basic, or another of the files that it imports.
func (b *bundle) library() (string, error) {
	base := &bundle{runner: b.runner, utils: b.utils, files: map[string][]byte{}}
	if err := base.need("ansible.module_utils.basic"); err != nil {
		return "", err
	}
	if err := base.packages(); err != nil {
		return "", err
	}
	sum := sha1.New()
	for _, n := range slices.Sorted(maps.Keys(base.files)) {
		fmt.Fprintf(sum, "%s %d\n", n, len(base.files[n]))
		sum.Write(base.files[n])
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// bundle is the files of an archive.
type bundle struct {
	runner *Runner
	utils  []string
	files  map[string][]byte
}

var (
	fromForm   = lazyregexp.New(`(?m)^[ \t]*from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)`)
	importForm = lazyregexp.New(`(?m)^[ \t]*import[ \t]+([\w., \t]+)`)
	nameForm   = lazyregexp.New(`\w+(?:[ \t]+as[ \t]+\w+)?`)
)

// scan follows the imports in a file's text. pkg tells whether the file is a
// package's __init__.
func (b *bundle) scan(source []byte, name string, pkg bool) error {
	text := strings.ReplaceAll(string(source), "\\\n", " ")
	for _, m := range fromForm.FindAllStringSubmatch(text, -1) {
		from := absoluteName(m[1], name, pkg)
		if !ours(from) {
			continue
		}
		names := nameForm.FindAllString(m[2], -1)
		if err := b.need(from); err != nil && !strings.Contains(m[0], "\t") && !indented(m[0]) {
			var none *missing
			if errors.As(err, &none) && none.name == from && len(names) > 0 {
				first, _, _ := strings.Cut(names[0], " ")
				none.looked = []string{from + "." + first, from} // it may have been either
			}
			return err
		}
		for _, n := range names {
			n, _, _ = strings.Cut(n, " ")
			_ = b.need(from + "." + n) // a name in it, or a module below it
		}
	}
	for _, m := range importForm.FindAllStringSubmatch(text, -1) {
		for _, n := range strings.Split(m[1], ",") {
			n, _, _ = strings.Cut(strings.TrimSpace(n), " ")
			if !ours(n) {
				continue
			}
			if err := b.need(n); err != nil && !indented(m[0]) {
				return err
			}
		}
	}
	return nil
}

// indented imports stand in a function or a try: they may be missing.
func indented(line string) bool {
	line = strings.TrimLeft(line, "\n")
	return strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
}

func ours(name string) bool {
	return strings.HasPrefix(name, "ansible.module_utils") || strings.HasPrefix(name, "ansible_collections.")
}

// absoluteName resolves from . import x.
func absoluteName(from, name string, pkg bool) string {
	dots := len(from) - len(strings.TrimLeft(from, "."))
	if dots == 0 {
		return from
	}
	parts := strings.Split(name, ".")
	up := dots
	if pkg {
		up--
	}
	if up >= len(parts) {
		return ""
	}
	base := strings.Join(parts[:len(parts)-up], ".")
	if rest := from[dots:]; rest != "" {
		base += "." + rest
	}
	return base
}

// need adds what is imported under a name, a module or a package.
func (b *bundle) need(name string) error {
	if strings.HasPrefix(name, "ansible.module_utils.six.") {
		name = "ansible.module_utils.six" // it makes its own modules when it is imported
	}
	rel := strings.ReplaceAll(name, ".", "/")
	if _, ok := b.files[rel+".py"]; ok {
		return nil
	}
	if _, ok := b.files[rel+"/__init__.py"]; ok {
		return nil
	}
	for _, try := range []struct {
		file string
		pkg  bool
	}{{rel + ".py", false}, {rel + "/__init__.py", true}} {
		path := b.find(try.file)
		if path == "" {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		b.files[try.file] = source
		return b.scan(source, name, try.pkg)
	}
	if b.find(rel) != "" {
		return nil // a folder without __init__
	}
	return &missing{name: name, looked: []string{name}}
}

// find looks for a file or folder of the archive on this machine.
func (b *bundle) find(rel string) string {
	var candidates []string
	if rest, ok := strings.CutPrefix(rel, "ansible/module_utils"); ok {
		if rest != "" && rest != "/__init__.py" {
			for _, u := range b.utils {
				candidates = append(candidates, filepath.Join(u, rest))
			}
		}
		for _, a := range b.runner.Ansible {
			candidates = append(candidates, filepath.Join(a, "module_utils", rest))
		}
	} else {
		for _, c := range b.runner.Collections {
			candidates = append(candidates, filepath.Join(c, rel))
		}
	}
	for _, c := range candidates {
		if isFile(c) || isDir(c) && !strings.HasSuffix(rel, ".py") {
			return c
		}
	}
	return ""
}

// packages adds the __init__ files that make folders packages, with what they
// import in their turn.
func (b *bundle) packages() error {
	for {
		before := len(b.files)
		for _, p := range slices.Sorted(maps.Keys(b.files)) {
			for dir := filepath.Dir(p); dir != "."; dir = filepath.Dir(dir) {
				if err := b.pkg(dir); err != nil {
					return err
				}
			}
		}
		if len(b.files) == before {
			return nil
		}
	}
}

// pkg adds the __init__ of one folder.
func (b *bundle) pkg(dir string) error {
	init := dir + "/__init__.py"
	if _, ok := b.files[init]; ok {
		return nil
	}
	if dir == "ansible" {
		b.files[init] = []byte("__version__ = '2.14.18'\n__author__ = 'Ansible, Inc.'\n")
		return nil
	}
	b.files[init] = nil
	found := b.find(init)
	if found == "" {
		return nil
	}
	source, err := os.ReadFile(found)
	if err != nil {
		return err
	}
	b.files[init] = source
	return b.scan(source, strings.ReplaceAll(dir, "/", "."), true)
}

// zip writes the archive, the same bytes for the same files.
func (b *bundle) zip() ([]byte, error) {
	var names []string
	for n := range b.files {
		names = append(names, n)
	}
	sort.Strings(names)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, n := range names {
		f, err := w.CreateHeader(&zip.FileHeader{Name: n, Method: zip.Deflate})
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(b.files[n]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
