package cli

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/internal/config"
	"github.com/tutti-run/tutti/internal/module"
	controls "github.com/tutti-run/tutti/internal/module/control/all"
	targets "github.com/tutti-run/tutti/internal/module/target/all"
	"github.com/tutti-run/tutti/internal/pydoc"
	"github.com/tutti-run/tutti/internal/value"
)

// docKinds are the kinds of plugins that may have pages.
var docKinds = []string{"become", "cache", "callback", "cliconf", "connection", "filter", "httpapi", "inventory", "lookup", "module", "netconf", "shell", "strategy", "test", "vars"}

func newDocCommand(s Streams) *cobra.Command {
	var list, asJSON, snippet bool
	var kind, modulePath string
	cmd := &cobra.Command{
		Use:   "doc NAME...",
		Short: "Show what modules do and their parameters (as ansible-doc)",
		Long: "Show what modules do and their parameters (as ansible-doc).\n\n" +
			"Modules that are built in have pages of their own. Those of others, and plugins, are\n" +
			"read from the sources in Python that Ansible and its collections have on this machine.",
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(docKinds, kind) {
				return optionsError{fmt.Errorf("there are no pages for plugins of the type %s, only for %s", kind, strings.Join(docKinds, ", "))}
			}
			c, err := config.Load(os.Getenv)
			if err != nil {
				return err
			}
			d := newDocs(c, kind, modulePath)
			if list {
				return d.list(s, args)
			}
			if len(args) == 0 {
				return usageError{fmt.Errorf("name a module, or give --list")}
			}
			pages := value.NewMap(len(args))
			for _, a := range args {
				page, err := d.page(a)
				switch {
				case err != nil:
					fmt.Fprintf(s.Err, "[WARNING]: %v\n", err)
				case asJSON:
					pages.Set(a, page.data())
				case snippet:
					fmt.Fprint(s.Out, moduleSnippet(page.spec))
				default:
					fmt.Fprint(s.Out, page.text())
				}
			}
			if asJSON {
				fmt.Fprintf(s.Out, "%s\n", value.JSON{Indent: 4, SortKeys: true}.Append(nil, pages))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&list, "list", "l", false, "list the modules that are built in, or what the collections named have")
	f.BoolVarP(&asJSON, "json", "j", false, "as JSON, for programs")
	f.BoolVarP(&snippet, "snippet", "s", false, "a task with all parameters, to copy into a playbook")
	f.StringVarP(&kind, "type", "t", "module", "the kind of plugin: "+strings.Join(docKinds, ", "))
	f.StringVarP(&modulePath, "module-path", "M", "", "folders with modules, before those of the configuration")
	f.CountP("verbose", "v", "say more")
	return cmd
}

// docs finds pages of one kind.
type docs struct {
	kind     string
	registry *module.Registry
	modules  *finder
	own      []string // the user's folders for plugins of the kind
}

func newDocs(c *config.Config, kind, modulePath string) *docs {
	d := &docs{kind: kind, registry: module.NewRegistry(targets.Targets(), controls.Controls())}
	d.modules = &finder{registry: d.registry, path: append(filepath.SplitList(modulePath), c.List("DEFAULT_MODULE_PATH")...), collections: collectionRoots(c)}
	setting := "DEFAULT_" + strings.ToUpper(kind) + "_PLUGIN_PATH"
	if _, ok := c.Lookup(setting); ok {
		d.own = c.List(setting)
	}
	return d
}

// docPage is a page, from what is built in or from a source in Python.
type docPage struct {
	spec *module.Spec
	// py, if set, is what the source at path says.
	py   *pydoc.Page
	kind string
	path string
}

// page finds the page of a name as it is written in a playbook.
func (d *docs) page(name string) (*docPage, error) {
	path, full := "", name
	if d.kind == "module" {
		found, ok := d.modules.Find(name, nil, nil)
		switch {
		case !ok:
			return nil, fmt.Errorf("module %s was not found: it is not built in (--list shows what is), and neither Ansible nor a collection on this machine has it", name)
		case found.Err != nil:
			return nil, found.Err
		case found.Spec != nil:
			return &docPage{spec: found.Spec, kind: d.kind}, nil
		}
		path, full = found.Python.Module, string(found.Name)
	} else if path, full = d.plugin(name); path == "" {
		return nil, fmt.Errorf("%s %s was not found: neither Ansible nor a collection on this machine has its documentation", d.kind, name)
	}
	page, err := pydoc.Read(path, collectionOf(full), d.fragment)
	if err != nil {
		return nil, err
	}
	return &docPage{spec: specOf(full, page), py: page, kind: d.kind, path: path}, nil
}

// plugin finds the file with a plugin's documentation, and its full name.
func (d *docs) plugin(name string) (path, full string) {
	in := func(dir, short string) string {
		for _, ext := range []string{".yml", ".yaml", ".py"} {
			if p := filepath.Join(dir, short+ext); isFile(p) {
				return p
			}
		}
		return ""
	}
	if parts := strings.SplitN(name, ".", 3); len(parts) == 3 && parts[0] != "ansible" {
		for _, root := range d.modules.collections {
			dir := filepath.Join(root, "ansible_collections", parts[0], parts[1], "plugins", d.kind)
			if p := in(dir, strings.ReplaceAll(parts[2], ".", "/")); p != "" {
				return p, name
			}
		}
	}
	short := strings.TrimPrefix(strings.TrimPrefix(name, "ansible.builtin."), "ansible.legacy.")
	if strings.Contains(short, ".") && !strings.HasPrefix(name, "ansible.") {
		return "", ""
	}
	for _, dir := range d.own {
		if p := in(dir, short); p != "" {
			return p, short
		}
	}
	for _, dir := range ansibleDirs() {
		if p := in(filepath.Join(dir, "plugins", d.kind), short); p != "" {
			return p, "ansible.builtin." + short
		}
	}
	if to, _ := d.modules.runtime("ansible.builtin").Get("plugin_routing").Get(d.kind).Get(short).Get("redirect").Text(); to != "" && to != name {
		return d.plugin(to)
	}
	return "", ""
}

// fragment finds the source of a fragment of documentation.
func (d *docs) fragment(collection, name string) string {
	var dirs []string
	if collection == "ansible.builtin" {
		for _, dir := range ansibleDirs() {
			dirs = append(dirs, filepath.Join(dir, "plugins", "doc_fragments"))
		}
	} else {
		for _, root := range d.modules.collections {
			dirs = append(dirs, filepath.Join(root, "ansible_collections", strings.ReplaceAll(collection, ".", "/"), "plugins", "doc_fragments"))
		}
	}
	for _, dir := range dirs {
		if p := filepath.Join(dir, name+".py"); isFile(p) {
			return p
		}
	}
	return ""
}

// list shows the names that there are pages for, with what they are about.
func (d *docs) list(s Streams, collections []string) error {
	if len(collections) == 0 {
		if d.kind != "module" {
			return usageError{fmt.Errorf("name the collections whose plugins to list, such as ansible.builtin")}
		}
		for _, n := range d.registry.Names() {
			fmt.Fprintf(s.Out, "%-45s %s\n", n, d.registry.Spec(n).Summary)
		}
		return nil
	}
	folder := d.kind
	if d.kind == "module" {
		folder = "modules"
	}
	for _, c := range collections {
		var dirs []string
		if c == "ansible.builtin" {
			for _, dir := range ansibleDirs() {
				if d.kind != "module" {
					dir = filepath.Join(dir, "plugins")
				}
				dirs = append(dirs, filepath.Join(dir, folder))
			}
		} else {
			for _, root := range d.modules.collections {
				dirs = append(dirs, filepath.Join(root, "ansible_collections", strings.ReplaceAll(c, ".", "/"), "plugins", folder))
			}
		}
		names := map[string]bool{}
		for _, n := range d.registry.Names() {
			if short, ok := strings.CutPrefix(string(n), c+"."); ok && d.kind == "module" {
				names[short] = true
			}
		}
		for _, dir := range dirs {
			entries, _ := os.ReadDir(dir) // nothing, if there is no such folder
			for _, e := range entries {
				ext := filepath.Ext(e.Name())
				if short := strings.TrimSuffix(e.Name(), ext); slices.Contains([]string{".py", ".yml", ".yaml"}, ext) && !strings.HasPrefix(short, "_") {
					names[short] = true
				}
			}
		}
		if len(names) == 0 {
			return fmt.Errorf("the collection %s is not installed, or has no plugins of the type %s", c, d.kind)
		}
		for _, short := range slices.Sorted(maps.Keys(names)) {
			if page, err := d.page(c + "." + short); err == nil {
				fmt.Fprintf(s.Out, "%-45s %s\n", c+"."+short, page.spec.Summary)
			}
		}
	}
	return nil
}
