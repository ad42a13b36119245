// Package factcache keeps facts between runs: as one JSON file a host, the
// format of Ansible's jsonfile cache.
package factcache

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/value"
)

// Files is a cache in a folder. It is safe for concurrent use by hosts of
// different names.
type Files struct {
	dir     string
	prefix  string
	timeout time.Duration // 0 keeps facts for ever
}

// New returns a cache in dir, which is made if need be.
func New(dir, prefix string, timeout time.Duration) (*Files, error) {
	if dir == "" {
		return nil, fmt.Errorf("the fact cache jsonfile needs fact_caching_connection: a folder")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("the fact cache folder: %w", err)
	}
	return &Files{dir: dir, prefix: prefix, timeout: timeout}, nil
}

func (f *Files) path(host string) (string, error) {
	if strings.ContainsAny(host, "/\x00") || host == "." || host == ".." {
		return "", fmt.Errorf("facts of a host called %q cannot be kept in a file", host)
	}
	return filepath.Join(f.dir, f.prefix+host), nil
}

// Load returns the facts of a host, if there are some that are not too old.
func (f *Files) Load(host string) (*value.Map, bool) {
	path, err := f.path(host)
	if err != nil {
		return nil, false
	}
	st, err := os.Stat(path)
	if err != nil || f.timeout > 0 && time.Since(st.ModTime()) > f.timeout {
		return nil, false
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	v, err := value.ParseJSON(data)
	m, ok := v.(*value.Map)
	return m, ok && err == nil
}

// Store keeps the facts of a host.
func (f *Files) Store(host string, facts *value.Map) error {
	path, err := f.path(host)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(f.dir, ".new-")
	if err != nil {
		return err
	}
	_, err = tmp.Write(value.JSON{Indent: 4, SortKeys: true, Python: true}.Append(nil, facts))
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}

// Clear forgets the facts of a host.
func (f *Files) Clear(host string) error {
	path, err := f.path(host)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
