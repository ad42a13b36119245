package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
)

// Options says how sources are read.
type Options struct {
	// ReadFile reads a file, decrypting it if it is a vault. Nil is os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// Vault decrypts an inline !vault value.
	Vault func(ciphertext string, pos diag.Pos) (any, error)
	// Warn receives what was wrong but does not stop the run. It may be nil.
	Warn func(msg string)
	// AnyUnparsedFailed and UnparsedFailed turn warnings into errors.
	AnyUnparsedFailed bool
	UnparsedFailed    bool
	// MergeHashes makes dicts set in several places one dict.
	MergeHashes bool
	// IgnoreExtensions are endings of files left out in directories.
	IgnoreExtensions []string
}

// DefaultIgnore are the endings that Ansible leaves out in directories.
var DefaultIgnore = []string{".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini", ".cfg", ".retry"}

// Load reads the sources in order into one inventory. A source is a file, a
// directory, an executable, or a list of hosts with a comma in it. A source
// that cannot be read is a warning, as in Ansible, unless Options say otherwise.
func Load(ctx context.Context, sources []string, o Options) (*Inventory, error) {
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	if o.IgnoreExtensions == nil {
		o.IgnoreExtensions = DefaultIgnore
	}
	inv := New()
	inv.Sources, inv.merge = sources, o.MergeHashes
	for _, g := range inv.gorder {
		g.merge = o.MergeHashes
	}
	parsed := 0
	for _, s := range sources {
		ok, err := load(ctx, inv, s, o)
		if err != nil {
			return nil, err
		}
		if ok {
			parsed++
			continue
		}
		if o.AnyUnparsedFailed {
			return nil, fmt.Errorf("Completely failed to parse inventory source %s", s)
		}
	}
	if parsed == 0 && len(sources) > 0 {
		if o.UnparsedFailed {
			return nil, fmt.Errorf("No inventory was parsed, please check your configuration and options.")
		}
		o.Warn("No inventory was parsed, only implicit localhost is available")
	}
	inv.reconcile()
	return inv, nil
}

// load reads one source; false means that nothing could make sense of it.
func load(ctx context.Context, inv *Inventory, source string, o Options) (bool, error) {
	if strings.Contains(source, ",") {
		if _, err := os.Stat(source); err != nil {
			return true, hostList(inv, source)
		}
	}
	st, err := os.Stat(source)
	if err != nil {
		o.Warn(fmt.Sprintf("Unable to parse %s as an inventory source: it does not exist", source))
		return false, nil
	}
	if st.IsDir() {
		return loadDir(ctx, inv, source, o)
	}
	if err := loadFile(ctx, inv, source, st, o); err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		o.Warn(fmt.Sprintf("Unable to parse %s as an inventory source: %s", source, err))
		return false, nil
	}
	return true, nil
}

func loadDir(ctx context.Context, inv *Inventory, dir string, o Options) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	sort.Strings(names)
	any := false
	for _, name := range names {
		if strings.HasPrefix(name, ".") || name == "group_vars" || name == "host_vars" || name == "vars_plugins" || ignored(name, o.IgnoreExtensions) {
			continue
		}
		ok, err := load(ctx, inv, filepath.Join(dir, name), o)
		if err != nil {
			return false, err
		}
		any = any || ok
	}
	return any, nil
}

func ignored(name string, endings []string) bool {
	return slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(name, e) })
}

func loadFile(ctx context.Context, inv *Inventory, path string, st os.FileInfo, o Options) error {
	if st.Mode()&0o111 != 0 {
		err := runScript(ctx, inv, path)
		if err == nil || !isExecFormat(err) {
			return err
		}
	}
	data, err := o.ReadFile(path)
	if err != nil {
		return err
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yml", ".yaml", ".json":
		return readYAML(inv, data, path, o)
	}
	if trimmed := bytes.TrimSpace(data); bytes.HasPrefix(trimmed, []byte("---")) || bytes.HasPrefix(trimmed, []byte("{")) {
		if err := readYAML(inv, data, path, o); err == nil {
			return nil
		}
	}
	return readINI(inv, data, path)
}

func isExecFormat(err error) bool {
	return strings.Contains(err.Error(), "exec format error")
}

func runScript(ctx context.Context, inv *Inventory, path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	run := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, abs, args...)
		cmd.Dir = filepath.Dir(abs)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return nil, fmt.Errorf("Inventory script (%s) had an execution error: %s", path, strings.TrimSpace(stderr.String()))
			}
			return nil, err
		}
		return out, nil
	}
	out, err := run("--list")
	if err != nil {
		return err
	}
	return readScript(inv, out, path, func(host string) ([]byte, error) { return run("--host", host) })
}

// hostList reads "a,b,c[1:3]".
func hostList(inv *Inventory, source string) error {
	for _, word := range splitList(source) {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		pattern, port := splitPort(word)
		names, err := expandRange(pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			h := inv.Host(name)
			inv.addHost(inv.Group("ungrouped"), h)
			if port > 0 {
				h.Vars.Set("ansible_port", port)
			}
		}
	}
	return nil
}

// splitList splits at commas that stand outside of brackets.
func splitList(s string) []string {
	var out []string
	depth, start := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ',':
			if depth <= 0 {
				out = append(out, s[start:i])
				start = i + 1
			}
		}
	}
	return append(out, s[start:])
}
