package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/tutti-run/tutti/internal/diag"
	"github.com/tutti-run/tutti/internal/pyre"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/internal/yaml"
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
	// GroupNames says what happens to names of groups that are no identifiers:
	// never (nothing, with a warning), ignore (nothing), always and silently
	// (other characters become _).
	GroupNames string
	// Enabled are the formats that are tried, in this order. Nil is
	// DefaultEnabled.
	Enabled []string
	// Templates evaluates constructed and generated inventories.
	Templates Templates
	// Vars gives a host's variables including those of files beside the
	// inventory; nil without such files.
	Vars func(*Inventory, *Host) *value.Map
	// Extra are the variables of the command line.
	Extra *value.Map
	// Quiet leaves out the warning that there is no inventory at all.
	Quiet bool
	// IgnoreExtensions are endings of files left out in directories.
	IgnoreExtensions []string
	// IgnorePatterns are regular expressions of names left out in directories.
	IgnorePatterns []string
}

// DefaultEnabled are the formats that are tried where the user names none.
var DefaultEnabled = []string{"host_list", "script", "auto", "yaml", "ini", "toml"}

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
	if o.Enabled == nil {
		o.Enabled = DefaultEnabled
	}
	if o.IgnoreExtensions == nil {
		o.IgnoreExtensions = DefaultIgnore
	}
	inv := New()
	inv.Sources, inv.merge, inv.names, inv.warn = sources, o.MergeHashes, o.GroupNames, o.Warn
	for _, g := range inv.gorder {
		g.merge = o.MergeHashes
	}
	if len(sources) > 0 {
		var err error
		if o.Enabled, err = available(o); err != nil {
			return nil, err
		}
	}
	parsed := 0
	for _, s := range sources {
		ok, err := load(ctx, inv, s, o)
		if err != nil {
			return nil, err
		}
		if ok {
			parsed++
		}
	}
	if parsed == 0 && len(sources) > 0 {
		if o.UnparsedFailed {
			return nil, fmt.Errorf("No inventory was parsed, please check your configuration and options.")
		}
		if !o.Quiet {
			o.Warn("No inventory was parsed, only implicit localhost is available")
		}
		return inv, nil // what was read before the mistakes stays out of all
	}
	inv.reconcile()
	return inv, nil
}

// available are the formats that are enabled and exist.
func available(o Options) ([]string, error) {
	var out []string
	for _, name := range o.Enabled {
		if short := strings.TrimPrefix(name, "ansible.builtin."); formats[short].wants != nil {
			out = append(out, short)
		} else {
			o.Warn("Failed to load inventory plugin, skipping " + name)
		}
	}
	if out == nil {
		return nil, fmt.Errorf("No inventory plugins available to generate inventory, make sure you have at least one enabled.")
	}
	return out, nil
}

// load reads one source; false means that nothing could make sense of it.
func load(ctx context.Context, inv *Inventory, source string, o Options) (bool, error) {
	st, err := os.Stat(source)
	var failures []string
	if err == nil && st.IsDir() {
		if ok, err := loadDir(ctx, inv, source, o); ok || err != nil {
			return ok, err
		}
		return false, unparsed(source, st, o)
	}
	for _, name := range o.Enabled {
		f := formats[name]
		if !f.wants(source, st) {
			continue
		}
		err := f.read(ctx, inv, source, o)
		if err == nil {
			return true, nil
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		text := fmt.Sprintf("\n* Failed to parse %s with %s plugin: %s", source, name, err)
		var p *diag.Problem
		if errors.As(err, &p) {
			text += strings.TrimRight("\n"+diag.Excerpt(p.Pos), "\n")
		}
		failures = append(failures, text)
	}
	for _, f := range failures {
		o.Warn(f)
	}
	return false, unparsed(source, st, o)
}

// unparsed warns of a source that nothing could make sense of, or fails.
func unparsed(source string, st os.FileInfo, o Options) error {
	switch {
	case o.AnyUnparsedFailed:
		return fmt.Errorf("Completely failed to parse inventory source %s", source)
	case st == nil:
		o.Warn(fmt.Sprintf("Unable to parse %s as an inventory source: it does not exist", source))
	default:
		o.Warn(fmt.Sprintf("Unable to parse %s as an inventory source", source))
	}
	return nil
}

// format is one way in which a source may be written.
type format struct {
	// wants tells from the name and the file, nil if there is none, whether
	// reading is worth an attempt.
	wants func(source string, st os.FileInfo) bool
	read  func(ctx context.Context, inv *Inventory, source string, o Options) error
}

// formats are all of them, by Ansible's names.
var formats = map[string]format{
	"host_list":          {isList, func(_ context.Context, inv *Inventory, s string, _ Options) error { return hostList(inv, s) }},
	"advanced_host_list": {isList, advancedHostList},
	"script":             {isScript, func(ctx context.Context, inv *Inventory, s string, _ Options) error { return runScript(ctx, inv, s) }},
	"auto":               {hasExtension(".yml", ".yaml"), auto},
	"yaml":               {hasExtension("", ".yml", ".yaml", ".json"), fileReader(readYAML)},
	"ini":                {isThere, fileReader(func(inv *Inventory, data []byte, path string, _ Options) error { return readINI(inv, data, path) })},
	"toml":               {hasExtension(".toml"), fileReader(readTOML)},
	"constructed":        {hasExtension("", ".config", ".yml", ".yaml", ".json"), fileReader(construct)},
	"generator":          {hasExtension("", ".config", ".yml", ".yaml", ".json"), fileReader(generate)},
}

func isList(source string, st os.FileInfo) bool { return st == nil && strings.Contains(source, ",") }
func isThere(_ string, st os.FileInfo) bool     { return st != nil }

func isScript(source string, st os.FileInfo) bool {
	if st == nil {
		return false
	}
	if st.Mode()&0o111 != 0 {
		return true
	}
	f, err := os.Open(source)
	if err != nil {
		return false
	}
	defer f.Close()
	var start [2]byte
	_, err = io.ReadFull(f, start[:])
	return err == nil && string(start[:]) == "#!"
}

func hasExtension(extensions ...string) func(string, os.FileInfo) bool {
	return func(source string, st os.FileInfo) bool {
		return st != nil && slices.Contains(extensions, filepath.Ext(source))
	}
}

// fileReader reads the file for a format that works on its content.
func fileReader(read func(*Inventory, []byte, string, Options) error) func(context.Context, *Inventory, string, Options) error {
	return func(_ context.Context, inv *Inventory, source string, o Options) error {
		data, err := o.ReadFile(source)
		if err != nil {
			return err
		}
		return read(inv, data, source, o)
	}
}

// auto reads a YAML file that names the plugin that it is for.
func auto(_ context.Context, inv *Inventory, source string, o Options) error {
	data, err := o.ReadFile(source)
	if err != nil {
		return err
	}
	n, err := yaml.Parse(data, source, yaml.Options{Vault: o.Vault})
	if err != nil {
		return err
	}
	name, _ := n.Get("plugin").Text()
	switch strings.TrimPrefix(name, "ansible.builtin.") {
	case "":
		return fmt.Errorf("no root 'plugin' key found, '%s' is not a valid YAML inventory plugin config file", source)
	case "constructed":
		return construct(inv, data, source, o)
	case "generator":
		return generate(inv, data, source, o)
	}
	return fmt.Errorf("inventory config '%s' specifies unknown plugin '%s'", source, name)
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
	var patterns []*pyre.Regexp
	for _, p := range o.IgnorePatterns {
		re, err := pyre.Compile(p, 0)
		if err != nil {
			return false, fmt.Errorf("inventory_ignore_patterns: %w", err)
		}
		patterns = append(patterns, re)
	}
	left := func(name string) bool {
		return slices.ContainsFunc(patterns, func(re *pyre.Regexp) bool { m, _ := re.Search(name, 0); return m != nil })
	}
	any := false
	for _, name := range names {
		if strings.HasPrefix(name, ".") || name == "group_vars" || name == "host_vars" || name == "vars_plugins" || ignored(name, o.IgnoreExtensions) || left(name) {
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

// hostList reads "a,b:2222".
func hostList(inv *Inventory, source string) error {
	for word := range strings.SplitSeq(source, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		name, port := splitPort(word)
		if strings.Contains(name, "[") { // no ranges here
			name, port = word, 0
		}
		addListed(inv, []string{name}, port)
	}
	return nil
}

// advancedHostList reads "a,b,c[1:3]": ranges count.
func advancedHostList(_ context.Context, inv *Inventory, source string, o Options) error {
	for _, word := range splitList(source) {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		names, port, err := expandHost(word)
		if errors.Is(err, errUnfinished) {
			o.Warn("Unable to parse address from hostname, leaving unchanged: " + err.Error())
			names, port, err = []string{word}, 0, nil
		}
		if err != nil {
			return fmt.Errorf("Invalid data from string, could not parse: %w", err)
		}
		addListed(inv, names, port)
	}
	return nil
}

func addListed(inv *Inventory, names []string, port int) {
	for _, name := range names {
		inv.addHost(inv.Group("ungrouped"), inv.hostAt(name, port))
	}
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
