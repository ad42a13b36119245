package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tutti-run/tutti/internal/config"
)

// systemPackages are the folders in which the machine's Python keeps packages.
var systemPackages = sync.OnceValue(func() []string {
	return globs("/usr/lib/python3/dist-packages", "/usr/lib/python3*/site-packages", "/usr/local/lib/python3*/dist-packages", "/usr/local/lib/python3*/site-packages")
})

// userPackages are the folders in which Python looks for packages first: those
// that the user names, those of the virtual environment that is active, and the
// user's own.
func userPackages() []string {
	var out []string
	for _, p := range filepath.SplitList(os.Getenv("PYTHONPATH")) {
		if p != "" {
			out = append(out, p)
		}
	}
	if env := os.Getenv("VIRTUAL_ENV"); env != "" {
		out = append(out, globs(env+"/lib/python3*/site-packages")...)
	}
	if home, err := os.UserHomeDir(); err == nil {
		out = append(out, globs(home+"/.local/lib/python3*/site-packages")...)
	}
	return out
}

func globs(patterns ...string) []string {
	var out []string
	for _, p := range patterns {
		m, _ := filepath.Glob(p)
		out = append(out, m...)
	}
	return out
}

// ansibleDirs are the folders of installed ansible-core packages. The system's
// comes first: what another brings is used where there is none.
var ansibleDirs = sync.OnceValue(func() []string {
	var out []string
	for _, p := range slices.Concat(systemPackages(), userPackages()) {
		if dir := filepath.Join(p, "ansible"); isFile(filepath.Join(dir, "module_utils", "basic.py")) && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
})

// pythonCollections are the folders of Python's packages that hold
// ansible_collections: collections may be installed as packages are.
func pythonCollections(c *config.Config) []string {
	if !c.Bool("COLLECTIONS_SCAN_SYS_PATH") {
		return nil
	}
	var out []string
	for _, p := range slices.Concat(userPackages(), systemPackages()) {
		p = strings.TrimSuffix(p, "/ansible_collections")
		if isDirectory(filepath.Join(p, "ansible_collections")) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
