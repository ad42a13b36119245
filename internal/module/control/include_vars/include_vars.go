// Package includevars is the module that reads variables from files while the
// play runs.
package includevars

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module reads variables from a file, or from the files of a directory.
var Module = module.Control{
	Spec: module.Spec{
		Name: "ansible.builtin.include_vars", Action: true,
		Summary:  "Reads variables from a file, or from the files of a directory.",
		FreeForm: "file", AnyParams: true, // it says itself what it does not know
		Params: []module.Param{
			{Name: "file", Type: module.Path, Doc: "File to read."},
			{Name: "dir", Type: module.Path, Doc: "Directory to read, file by file in alphabetical order."},
			{Name: "name", Doc: "Put the variables into a dict of this name."},
			{Name: "depth", Type: module.Int, Default: 0, Doc: "How many levels of directories to read; 0 is all."},
			{Name: "files_matching", Doc: "Read only the files of the directory that match this regular expression."},
			{Name: "ignore_files", Type: module.Raw, Doc: "File names of the directory to leave out."},
			{Name: "extensions", Type: module.List, Elements: module.Str, Default: []any{"yaml", "yml", "json"}, Doc: "File extensions to read in a directory."},
			{Name: "ignore_unknown_extensions", Type: module.Bool, Default: false, Doc: "Pass over files with other extensions instead of failing."},
			{Name: "hash_behaviour", Choices: []any{"replace", "merge"}, Doc: "Whether dicts replace the host's or are merged into them."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "ansible_facts", Type: module.Dict, When: "success", Doc: "The variables that were read."},
			{Name: "ansible_included_var_files", Type: module.List, When: "success", Doc: "The files that were read."},
		},
	},
	Plan: plan,
}

// ofDirs are the parameters that are about a directory.
var ofDirs = []string{"depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions", "dir"}

func plan(_ context.Context, c module.Controller, args module.Args) (*module.Plan, error) {
	for k := range args.Map().All() {
		if name := value.Str(k); !slices.Contains(ofDirs, name) && !slices.Contains([]string{"file", "name", "hash_behaviour"}, name) {
			return nil, fmt.Errorf("%s is not a valid option in include_vars", name)
		}
	}
	for _, name := range ofDirs {
		if args.Given("file") && args.Given(name) {
			return nil, fmt.Errorf("You are mixing file only and dir only arguments, these are incompatible")
		}
	}
	l := loader{c: c, vars: value.NewMap(8)}
	var err error
	switch {
	case args.Given("dir"):
		err = l.dir(args)
	case args.Given("file"):
		err = l.find(strings.TrimRight(args.String("file"), "\n"))
	default:
		err = errors.New("Could not find file on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option")
	}
	result := func(r *module.Result) *module.Plan {
		return &module.Plan{Done: r.Set("ansible_included_var_files", value.FromGo(l.files))}
	}
	if err != nil {
		facts := value.NewMap(0)
		if name := args.String("name"); name != "" {
			facts.Set(name, value.NewMap(0))
		}
		// It says so under message, not msg, as Ansible does.
		return result((&module.Result{Failed: true}).Set("message", err.Error()).Set("ansible_facts", facts)), nil
	}
	vars := l.vars
	if name := args.String("name"); name != "" {
		vars = value.MapOf(name, vars)
	}
	if args.String("hash_behaviour") == "merge" {
		for k, v := range vars.Clone().All() {
			vars.Set(k, merged(c.Var(value.Str(k)), v))
		}
	}
	r := module.OK().Set("ansible_facts", vars)
	r.Effects = []module.Effect{module.IncludeVars{Vars: vars}}
	return result(r), nil
}

// merged puts b's entries over a's, dict by dict.
func merged(a, b any) any {
	ma, ok := a.(*value.Map)
	mb, ok2 := b.(*value.Map)
	if !ok || !ok2 {
		return b
	}
	out := ma.Clone()
	for k, v := range mb.All() {
		out.Set(k, merged(ma.At(k), v))
	}
	return out
}

type loader struct {
	c     module.Controller
	vars  *value.Map
	files []string
}

func (l *loader) find(name string) error {
	path, err := l.c.FindFile("vars", name)
	if err != nil {
		return err
	}
	return l.load(path)
}

func (l *loader) load(path string) error {
	data, err := l.c.LoadVars(path)
	if err != nil {
		return err
	}
	switch data := data.(type) {
	case nil:
	case *value.Map:
		l.vars.Update(data)
	case string:
		if data != "" {
			return fmt.Errorf("%s must be stored as a dictionary/hash", path)
		}
	default:
		return fmt.Errorf("%s must be stored as a dictionary/hash", path)
	}
	l.files = append(l.files, path)
	return nil
}

func (l *loader) dir(args module.Args) error {
	// In a role, vars is where it is; elsewhere, beside the file of the task.
	dir, kind, base := args.String("dir"), "", "playbook_dir"
	if role, _ := l.c.Var("role_path").(string); role != "" {
		kind, base = "vars", "role_path"
	}
	root, err := l.c.FindFile(kind, dir)
	if err != nil {
		in, _ := l.c.Var(base).(string)
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(in, kind, dir)
		}
		return fmt.Errorf("%s directory does not exist", dir)
	}
	if fi, err := os.Stat(root); err != nil || !fi.IsDir() {
		return fmt.Errorf("%s is not a directory", root)
	}
	var matching *regexp.Regexp
	if text := args.String("files_matching"); text != "" {
		if matching, err = regexp.Compile(text); err != nil {
			return fmt.Errorf("files_matching is no regular expression: %w", err)
		}
	}
	ignored, err := ignorePatterns(args.Any("ignore_files"))
	if err != nil {
		return err
	}
	dirs, err := directories(root)
	if err != nil {
		return err
	}
	depth := args.Int("depth")
	for i, dir := range dirs {
		if depth != 0 && i >= depth { // Ansible counts directories, not levels
			break
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if fi, err := os.Stat(path); err != nil || fi.IsDir() {
				continue
			}
			if role, _ := l.c.Var("role_path").(string); role != "" && path == filepath.Join(role, "vars", "main.yml") {
				continue // it is read with the role
			}
			if matching != nil && !matching.MatchString(e.Name()) ||
				slices.ContainsFunc(ignored, func(re *regexp.Regexp) bool { return re.MatchString(e.Name()) }) {
				continue
			}
			ext := strings.TrimPrefix(filepath.Ext(e.Name()), ".")
			if !slices.Contains(args.Strings("extensions"), ext) {
				if args.Bool("ignore_unknown_extensions") {
					continue
				}
				return fmt.Errorf("%s does not have a valid extension: %s", path, strings.Join(args.Strings("extensions"), ", "))
			}
			if err := l.load(path); err != nil {
				return err
			}
		}
	}
	return nil
}

func ignorePatterns(v any) ([]*regexp.Regexp, error) {
	var words []string
	switch v := v.(type) {
	case nil:
	case string:
		words = strings.Fields(v)
	case []any:
		for _, e := range v {
			words = append(words, value.Str(e))
		}
	default:
		return nil, fmt.Errorf("%s must be a list", value.Str(v))
	}
	var out []*regexp.Regexp
	for _, w := range words {
		re, err := regexp.Compile("(?:" + w + ")$")
		if err != nil {
			return nil, fmt.Errorf("Invalid regular expression: %s", w)
		}
		out = append(out, re)
	}
	return out, nil
}

// directories lists root and everything below it, sorted by path.
func directories(root string) ([]string, error) {
	var dirs []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	slices.Sort(dirs)
	return dirs, err
}
