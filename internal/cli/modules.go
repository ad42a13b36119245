package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/playbook"
	"github.com/tutti-run/tutti/internal/yaml"
)

// finder tells the playbook reader which modules there are: those built in,
// then those in Python that lie where Ansible looks for them.
type finder struct {
	registry    *module.Registry
	path        []string // module folders: library/, ANSIBLE_LIBRARY
	actions     []string // folders of action plugins: action_plugins/, ANSIBLE_ACTION_PLUGINS
	collections []string
	rejected    map[string]bool // names that the user has ruled out
	deprecated  func(string)
	warn        func(string) // of wrong groups of actions; nil if nobody wants to know

	mu        sync.Mutex
	runtimes  map[string]*yaml.Node      // meta/runtime.yml by collection
	libraries map[string]library         // by folder
	groups    map[string]map[string]bool // the modules of a group of actions
}

// Find resolves a module's name as written. What runs a module may be an action
// plugin, which counts more than the module, or do without one.
func (f *finder) Find(name string, collections, roleDirs []string) (playbook.Found, bool) {
	found, ok := f.module(name, collections, roleDirs)
	if found.Err != nil || f.rejected[module.Bare(name)] {
		return found, ok
	}
	if !strings.Contains(name, ".") || strings.HasPrefix(name, "ansible.legacy.") {
		if p := f.userAction(strings.TrimPrefix(name, "ansible.legacy."), roleDirs); p != "" {
			return playbook.Found{Name: module.Name(name), Spec: found.Spec, Python: playbook.Python{Module: found.Python.Module, Plugin: p}}, true
		}
	}
	if found.Spec != nil {
		return found, ok
	}
	full := []string{name}
	if ok {
		full[0] = string(found.Name)
	} else if !strings.Contains(name, ".") {
		for _, c := range collections {
			full = append(full, c+"."+name)
		}
	}
	action, path := "", ""
	for _, n := range full {
		if action, path = f.action(n); path != "" {
			found.Name = module.Name(n)
			break
		}
	}
	if path == "" {
		return found, ok
	}
	if found.Python.Half = f.registry.Half(module.Name(action)); found.Python.Half == nil || !ok {
		found.Python.Plugin = path
	}
	return found, true
}

// userAction finds an action plugin of the user's own.
func (f *finder) userAction(short string, roleDirs []string) string {
	for _, dir := range roleDirs {
		if p := f.file(filepath.Join(dir, "action_plugins"), short); p != "" {
			return p
		}
	}
	for _, dir := range f.actions {
		if p := f.file(dir, short); p != "" {
			return p
		}
	}
	return ""
}

// networkModules begin the names of modules that one action plugin of their
// collection runs, which has the beginning as its name.
var networkModules = []string{"eos", "nxos", "ios", "iosxr", "junos", "enos", "ce", "vyos", "sros", "dellos9", "dellos10", "dellos6", "asa",
	"aruba", "aireos", "bigip", "ironware", "onyx", "netconf", "exos", "voss", "slxos"}

// action finds the action plugin of a collection that runs one of its modules:
// the full name of the plugin, and its path.
func (f *finder) action(name string) (full, path string) {
	parts := strings.SplitN(name, ".", 3)
	if len(parts) < 3 || parts[0] == "ansible" && parts[1] == "builtin" {
		return "", ""
	}
	collection := parts[0] + "." + parts[1]
	names := []string{name}
	table := f.runtime(collection).Get("plugin_routing")
	if to, _ := table.Get("action").Get(parts[2]).Get("redirect").Text(); to != "" {
		names = []string{to, name}
	}
	if to, _ := table.Get("modules").Get(parts[2]).Get("action_plugin").Text(); to != "" {
		names = []string{to}
	}
	if prefix, _, _ := strings.Cut(parts[2], "_"); slices.Contains(networkModules, prefix) {
		names = append(names, collection+"."+prefix)
	}
	for _, n := range names {
		if p := f.inCollection(n, "action"); p != "" {
			return n, p
		}
	}
	return "", ""
}

// module resolves a module's name as written.
func (f *finder) module(name string, collections, roleDirs []string) (playbook.Found, bool) {
	if f.rejected[module.Bare(name)] {
		return playbook.Found{}, false
	}
	if !strings.Contains(name, ".") || strings.HasPrefix(name, "ansible.legacy.") {
		short := strings.TrimPrefix(name, "ansible.legacy.")
		// The user's own modules come before those built in.
		for _, dir := range roleDirs {
			if p := f.file(filepath.Join(dir, "library"), short); p != "" {
				return playbook.Found{Name: module.Name(short), Python: playbook.Python{Module: p}}, true
			}
		}
		for _, dir := range f.path {
			if p := f.file(dir, short); p != "" {
				return playbook.Found{Name: module.Name(short), Python: playbook.Python{Module: p}}, true
			}
		}
	}
	if !strings.Contains(name, ".") {
		for _, c := range collections {
			full := c + "." + name
			if f.registry.Spec(module.Name(full)) != nil {
				return playbook.Found{Name: module.Name(full), Spec: f.registry.Spec(module.Name(full))}, true
			}
			if found, ok := f.collectionModule(full, roleDirs); ok {
				return found, true
			}
		}
	}
	if n, ok := f.registry.Resolve(name); ok {
		return playbook.Found{Name: n, Spec: f.registry.Spec(n)}, true
	}
	if strings.Count(name, ".") >= 2 {
		if found, ok := f.collectionModule(name, roleDirs); ok {
			return found, true
		}
	}
	if p := f.inAnsible(name); p != "" {
		full := name
		if !strings.Contains(name, ".") {
			full = "ansible.builtin." + name
		}
		return playbook.Found{Name: module.Name(full), Python: playbook.Python{Module: p}}, true
	}
	if found, ok := f.kept(name, roleDirs); ok {
		return found, true
	}
	short := module.Bare(name)
	if to := f.route("ansible.builtin", short).to; to != "" && to != name {
		if found, ok := f.Find(to, nil, roleDirs); ok {
			return found, true
		}
		return playbook.Found{Name: module.Name(to), Err: fmt.Errorf("couldn't resolve module/action '%s': it is %s, and that collection is not installed or no longer has it", name, to)}, true
	}
	return playbook.Found{}, false
}

// kept finds one of the user's own modules that is there only for old playbooks:
// an underscore begins the name of its file.
func (f *finder) kept(name string, roleDirs []string) (playbook.Found, bool) {
	short := strings.TrimPrefix(name, "ansible.legacy.")
	if strings.Contains(short, ".") || strings.HasPrefix(short, "_") {
		return playbook.Found{}, false
	}
	var dirs []string
	for _, dir := range roleDirs {
		dirs = append(dirs, filepath.Join(dir, "library"))
	}
	for _, dir := range append(dirs, f.path...) {
		p := f.file(dir, "_"+short)
		if p == "" {
			continue
		}
		if st, err := os.Lstat(p); err == nil && st.Mode()&os.ModeSymlink == 0 && f.deprecated != nil {
			f.deprecated(short + " is kept for backwards compatibility but usage is discouraged. The module documentation details page may explain more about this rationale. This feature will be removed in a future release.")
		}
		return playbook.Found{Name: module.Name(short), Python: playbook.Python{Module: p}}, true
	}
	return playbook.Found{}, false
}

// collectionModule finds a module of an installed collection, by its routing
// table first.
func (f *finder) collectionModule(name string, roleDirs []string) (playbook.Found, bool) {
	parts := strings.SplitN(name, ".", 3)
	if len(parts) < 3 {
		return playbook.Found{}, false
	}
	r := f.route(parts[0]+"."+parts[1], parts[2])
	switch {
	case r.gone != "":
		return playbook.Found{Name: module.Name(name), Err: fmt.Errorf("couldn't resolve module/action '%s': %s", name, r.gone)}, true
	case r.to != "" && r.to != name:
		if found, ok := f.Find(r.to, nil, roleDirs); ok {
			return found, true
		}
	}
	if p := f.inCollection(name, "modules"); p != "" {
		return playbook.Found{Name: module.Name(name), Python: playbook.Python{Module: p}}, true
	}
	return playbook.Found{}, false
}

// route is what a collection's routing table says about a module.
type route struct {
	to   string // another name
	gone string // why there is none any more
}

func (f *finder) route(collection, name string) route {
	table := f.runtime(collection).Get("plugin_routing")
	var r route
	r.to, _ = table.Get("modules").Get(name).Get("redirect").Text()
	for _, kind := range []string{"action", "modules"} {
		n := table.Get(kind).Get(name)
		if t := n.Get("tombstone"); !t.IsNull() {
			why, _ := t.Get("warning_text").Text()
			r.gone = strings.TrimSpace(collection + "." + name + " has been removed. " + why)
		}
	}
	return r
}

// runtime is what a collection says about its plugins in meta/runtime.yml; that
// of ansible-core tells what became of the names that it once had.
func (f *finder) runtime(collection string) *yaml.Node {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, ok := f.runtimes[collection]
	if !ok {
		n = f.readRuntime(collection)
		if f.runtimes == nil {
			f.runtimes = map[string]*yaml.Node{}
		}
		f.runtimes[collection] = n
	}
	return n
}

func (f *finder) readRuntime(collection string) *yaml.Node {
	var files []string
	if collection == "ansible.builtin" {
		for _, dir := range ansibleDirs() {
			files = append(files, filepath.Join(dir, "config", "ansible_builtin_runtime.yml"))
		}
	} else {
		ns, name, _ := strings.Cut(collection, ".")
		for _, root := range f.collections {
			files = append(files, filepath.Join(root, "ansible_collections", ns, name, "meta", "runtime.yml"))
		}
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if n, err := yaml.Parse(data, file, yaml.Options{AsData: true}); err == nil {
			return n
		}
	}
	return nil
}

// Suggest lists the names of the modules that are built in.
func (f *finder) Suggest() []string {
	var out []string
	for _, n := range f.registry.Names() {
		out = append(out, string(n))
	}
	return out
}

// library is the modules of one folder: the file of each name.
type library map[string]string

// file finds a module in a folder. The folder is read once, as a module is
// asked for again and again; one that is not there may be by the next time.
func (f *finder) file(dir, name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	lib, ok := f.libraries[dir]
	if !ok {
		if lib = readLibrary(dir); lib == nil {
			return ""
		}
		if f.libraries == nil {
			f.libraries = map[string]library{}
		}
		f.libraries[dir] = lib
	}
	return lib[name]
}

// readLibrary reads a folder of modules; nil if there is none. Of two files for
// a name, the one in Python counts, then that without an extension. One level of
// folders is searched too, for Python.
func readLibrary(dir string) library {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	lib, below := library{}, map[string][]string{}
	for _, ext := range []string{".py", "", ".sh"} {
		for _, e := range entries {
			name, ok := strings.CutSuffix(e.Name(), ext)
			if p := filepath.Join(dir, e.Name()); ok && lib[name] == "" && (e.Type().IsRegular() || isFile(p)) {
				lib[name] = p
			}
		}
		if ext != ".py" {
			continue
		}
		for _, e := range entries {
			if e.Type().IsRegular() {
				continue
			}
			inside, _ := os.ReadDir(filepath.Join(dir, e.Name())) // nothing, if it is no folder
			for _, m := range inside {
				if name, ok := strings.CutSuffix(m.Name(), ".py"); ok && !strings.HasPrefix(name, "_") {
					below[name] = append(below[name], filepath.Join(dir, e.Name(), m.Name()))
				}
			}
		}
		for name, files := range below {
			if lib[name] == "" && len(files) == 1 {
				lib[name] = files[0]
			}
		}
	}
	return lib
}

// inCollection finds a plugin of that kind by its full name.
func (f *finder) inCollection(name, kind string) string {
	parts := strings.Split(name, ".")
	if len(parts) < 3 {
		return ""
	}
	for _, root := range f.collections {
		dir := filepath.Join(append([]string{root, "ansible_collections", parts[0], parts[1], "plugins", kind}, parts[2:len(parts)-1]...)...)
		if p := f.file(dir, parts[len(parts)-1]); p != "" {
			return p
		}
	}
	return ""
}

// exists reports whether there is a module, or an action, of that name.
func (f *finder) exists(name string) bool {
	found, ok := f.Find(name, nil, nil)
	return ok && found.Err == nil
}

// collectionDir is the folder of an installed collection.
func (f *finder) collectionDir(name string) string {
	ns, short, _ := strings.Cut(name, ".")
	for _, root := range f.collections {
		if dir := filepath.Join(root, "ansible_collections", ns, short); isDirectory(dir) {
			return dir
		}
	}
	return ""
}

// inAnsible finds a module of an installed ansible-core.
func (f *finder) inAnsible(name string) string {
	short := module.Bare(name)
	if strings.Contains(short, ".") {
		return ""
	}
	for _, dir := range ansibleDirs() {
		if p := filepath.Join(dir, "modules", short+".py"); isFile(p) {
			return p
		}
	}
	return ""
}

func isFile(p string) bool {
	st, err := os.Stat(p)
	return err == nil && !st.IsDir()
}
