package vars

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// varsDir is a folder that may hold group_vars and host_vars.
type varsDir struct {
	path   string
	names  [2]map[string]bool // what stands in group_vars and host_vars
	loaded map[string]*value.Map
}

const (
	groupVars = iota
	hostVars
)

var kindNames = [2]string{"group_vars", "host_vars"}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// dir returns the folder's record; the lists of names are read once, so that
// ten thousand hosts cost two directory reads and not forty thousand stats.
func (m *Manager) dir(path string) *varsDir {
	if d := m.dirs[path]; d != nil {
		return d
	}
	d := &varsDir{path: path, loaded: map[string]*value.Map{}}
	for kind, name := range kindNames {
		d.names[kind] = map[string]bool{}
		entries, _ := os.ReadDir(filepath.Join(path, name))
		for _, e := range entries {
			d.names[kind][e.Name()] = true
		}
	}
	m.dirs[path] = d
	return d
}

func (m *Manager) groupFile(d *varsDir, name string) *value.Map { return m.entity(d, groupVars, name) }
func (m *Manager) hostFile(d *varsDir, name string) *value.Map  { return m.entity(d, hostVars, name) }

// entity reads <dir>/group_vars/<name>, as a file with or without an ending or
// as a folder of files.
func (m *Manager) entity(d *varsDir, kind int, name string) *value.Map {
	if strings.Contains(name, "/") || len(d.names[kind]) == 0 {
		return nil
	}
	key := kindNames[kind] + "/" + name
	if v, ok := d.loaded[key]; ok {
		return v
	}
	var out *value.Map
	for _, ext := range []string{"", ".yml", ".yaml", ".json"} {
		if !d.names[kind][name+ext] {
			continue
		}
		path := filepath.Join(d.path, kindNames[kind], name+ext)
		files := []string{path}
		if isDir(path) {
			if ext != "" {
				continue
			}
			files = below(path)
		}
		for _, f := range files {
			if v := m.load(f); v.Len() > 0 {
				if out == nil {
					out = value.NewMap(v.Len())
				}
				m.combine(out, v)
			}
		}
		break
	}
	d.loaded[key] = out
	return out
}

func (m *Manager) combine(out, v *value.Map) {
	for k, e := range v.All() {
		if m.MergeHashes {
			if old, ok := out.Get(k); ok {
				e = mergeValues(old, e)
			}
		}
		out.Set(k, e)
	}
}

// below lists the files of variables in a folder and its sub-folders, sorted.
func below(dir string) []string {
	entries, _ := os.ReadDir(dir)
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	var out []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
			continue
		}
		path := filepath.Join(dir, name)
		if isDir(path) {
			out = append(out, below(path)...)
			continue
		}
		switch filepath.Ext(name) {
		case "", ".yml", ".yaml", ".json":
			out = append(out, path)
		}
	}
	return out
}

// load reads one file; what is wrong with it is kept for Err.
func (m *Manager) load(path string) *value.Map {
	v, err := m.LoadFile(path)
	if err == nil {
		switch v := v.(type) {
		case nil:
			return nil
		case *value.Map:
			return v
		}
		err = fmt.Errorf("%s: a file of variables must hold a dictionary", path)
	}
	if m.err == nil {
		m.err = err
	}
	return nil
}

// Err returns the first thing that was wrong with a file of variables read so
// far.
func (m *Manager) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}
