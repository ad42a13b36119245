package source

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Item is one thing to copy: Path on the controller (for a link: what it points
// to) and Rel, its place below the destination.
type Item struct{ Path, Rel string }

// Tree is what a directory holds, each list in the order of the walk.
type Tree struct{ Files, Dirs, Links []Item }

type inode struct{ dev, ino uint64 }

func inodeOf(path string) (inode, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return inode{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return inode{uint64(st.Dev), st.Ino}, nil
}

// Walk lists a directory. As with rsync, a trailing slash means its content,
// without one the directory itself comes along. Links are followed if follow
// says so, except those that would lead in circles.
func Walk(dir string, follow bool) (*Tree, error) {
	t := &Tree{}
	base := ""
	root := strings.TrimRight(dir, "/")
	if root == "" {
		root = "/"
	}
	if !strings.HasSuffix(dir, "/") {
		base = filepath.Base(root)
		if target, err := os.Readlink(root); err == nil && !follow {
			t.Links = append(t.Links, Item{target, base})
			return t, nil
		}
		t.Dirs = append(t.Dirs, Item{root, base})
	}
	id, err := inodeOf(root)
	if err != nil {
		return nil, err
	}
	return t, t.walk(root, base, follow, map[inode]bool{id: true})
}

// walk adds what is in root; above are the directories that it is in.
func (t *Tree) walk(root, rel string, follow bool, above map[inode]bool) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	type dir struct {
		Item
		id inode
	}
	var below []dir // what is in them comes after this directory's own files
	for _, e := range entries {
		path, at := filepath.Join(root, e.Name()), filepath.Join(rel, e.Name())
		isLink := e.Type()&os.ModeSymlink != 0
		fi, err := os.Stat(path)
		if isLink && (!follow || err != nil) {
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			t.Links = append(t.Links, Item{target, at})
			continue
		}
		if err != nil {
			return err
		}
		if !fi.IsDir() {
			t.Files = append(t.Files, Item{path, at})
			continue
		}
		id, err := inodeOf(path)
		if err != nil {
			return err
		}
		if above[id] { // the link leads back to where we are
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			t.Links = append(t.Links, Item{target, at})
			continue
		}
		below = append(below, dir{Item{path, at}, id})
	}
	for _, d := range below {
		t.Dirs = append(t.Dirs, d.Item)
		above[d.id] = true
		err := t.walk(d.Path, d.Rel, follow, above)
		delete(above, d.id)
		if err != nil {
			return err
		}
	}
	return nil
}
