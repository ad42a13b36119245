package galaxy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Installed is a collection in one of the folders.
type Installed struct {
	Name, Version, Dir string
}

// List finds the collections in a folder, or the one of that name; "*" is the
// version of one that does not tell it.
func List(dir, name string) []Installed {
	var out []Installed
	spaces, _ := os.ReadDir(home(dir))
	for _, ns := range spaces {
		names, _ := os.ReadDir(filepath.Join(home(dir), ns.Name()))
		for _, n := range names {
			full, at := ns.Name()+"."+n.Name(), filepath.Join(home(dir), ns.Name(), n.Name())
			if !collectionName.MatchString(full) || name != "" && full != name || !isDir(at) {
				continue
			}
			c := Installed{Name: full, Version: "*", Dir: at}
			if i, err := ReadInfo(at); err == nil {
				c.Version = i.Version
			} else if !isCollection(at) && name == "" && !isDir(filepath.Join(at, "plugins")) && !isDir(filepath.Join(at, "roles")) {
				continue
			}
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Installed) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Home is the folder of collections below dir.
func Home(dir string) string { return home(dir) }

// Verify compares an installed collection with its own lists of checksums. The
// result lists the files that differ.
func Verify(dir string) (differs []string, err error) {
	manifest, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("Collection does not have a MANIFEST.json. A MANIFEST.json is expected if the collection has been built and installed via ansible-galaxy.")
	}
	if err != nil {
		return nil, err
	}
	want, err := filesSum(manifest)
	if err != nil {
		return nil, err
	}
	list := filepath.Join(dir, "FILES.json")
	if sum, err := sumOf(list); err != nil || sum != want {
		return []string{"FILES.json"}, nil
	}
	data, err := os.ReadFile(list)
	if err != nil {
		return nil, err
	}
	files, err := readFiles(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", list, err)
	}
	known := map[string]bool{"MANIFEST.json": true, "FILES.json": true}
	for _, f := range files {
		known[f.Name] = true
		path := filepath.Join(dir, f.Name)
		if f.Type == "dir" {
			if !isDir(path) {
				differs = append(differs, f.Name)
			}
			continue
		}
		if sum, err := sumOf(path); err != nil || sum != f.Sum {
			differs = append(differs, f.Name)
		}
	}
	there, err := everything(dir, "")
	for _, f := range there {
		if !known[f] && !strings.HasSuffix(f, ".pyc") && !strings.HasSuffix(f, ".retry") && !strings.HasPrefix(f, ".git/") {
			differs = append(differs, f)
		}
	}
	return differs, err
}
