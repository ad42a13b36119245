// Package modprobe is the module for modules of the kernel.
package modprobe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module loads and unloads modules of the kernel, now and at its start.
var Module = below("/")

var spec = module.Spec{
	Name:    "community.general.modprobe",
	Summary: "Loads and unloads modules of the kernel.",
	Params: []module.Param{
		{Name: "name", Required: true, Doc: "The kernel's module."},
		{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether it shall be loaded."},
		{Name: "params", Default: "", Doc: "Parameters of the kernel's module."},
		{Name: "persistent", Default: "disabled", Choices: []any{"disabled", "present", "absent"}, Doc: "Whether it is loaded when the machine starts; disabled leaves that alone."},
	},
	Hints: []parallel.Hint{parallel.Host("modprobe")},
	Check: module.Full, Diff: module.None,
}

// below is the module for the files of a root.
func below(root string) module.Target {
	return module.Target{Spec: spec, Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		t := &task{ctx: ctx, env: env, args: args, name: args.String("name"), root: root, r: module.OK()}
		t.loads, t.options = filepath.Join(root, "etc/modules-load.d"), filepath.Join(root, "etc/modprobe.d")
		name := regexp.QuoteMeta(t.name)
		t.isLoad = regexp.MustCompile(`^ *` + name + ` *([#;].*)?$`)
		t.isOption = regexp.MustCompile(`^options ` + name + ` (\w+=\S+) *([#;].*)?$`)
		t.r.Set("name", t.name).Set("params", args.String("params")).Set("state", args.String("state"))
		if failed := t.run(); failed != nil {
			for _, k := range []string{"name", "params", "state"} {
				failed.Set(k, args.Any(k))
			}
			return failed
		}
		return t.r
	}}
}

// task is one run of the module.
type task struct {
	ctx              context.Context
	env              *module.Env
	args             module.Args
	name             string
	loads, options   string // directories
	root             string
	isLoad, isOption *regexp.Regexp
	r                *module.Result
}

func (t *task) run() *module.Result {
	if _, err := tool.Require(t.env, "modprobe"); err != nil {
		return module.Fail("%s", err)
	}
	loaded, err := t.loaded()
	if err != nil {
		return module.Fail("%s", err)
	}
	params, err := files.SplitCommand(t.args.String("params"))
	if err != nil {
		return module.Fail("%s", err)
	}
	present := t.args.String("state") == "present"
	if loaded != present {
		argv := []string{"modprobe"}
		if t.env.Check {
			argv = append(argv, "-n")
		}
		if present {
			argv = append(append(argv, t.name), params...)
		} else {
			argv = append(argv, "-r", t.name)
		}
		out, err := tool.Run(t.ctx, t.env, argv...)
		if err != nil {
			return module.Fail("%s", err)
		}
		if out.RC != 0 {
			return out.Fail("%s", out.Stderr)
		}
		t.r.Changed = true
	}
	if err := t.persist(); err != nil {
		return module.Fail("%s", err)
	}
	return nil
}

// loaded tells whether the kernel has the module, loaded or built in.
func (t *task) loaded() (bool, error) {
	data, err := os.ReadFile(filepath.Join(t.root, "proc/modules"))
	if err != nil {
		return false, worded(err)
	}
	if prefix := []byte(strings.ReplaceAll(t.name, "-", "_") + " "); bytes.HasPrefix(data, prefix) || bytes.Contains(data, append([]byte("\n"), prefix...)) {
		return true, nil
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return false, err
	}
	builtin, err := os.ReadFile(filepath.Join(t.root, "lib/modules", unix.ByteSliceToString(uts.Release[:]), "modules.builtin"))
	if err != nil {
		return false, worded(err)
	}
	return bytes.Contains(builtin, []byte("/"+t.name+".ko\n")), nil
}

// worded is an error of a file in the words that a user of Ansible knows: a kernel
// without modules has none of the files.
func worded(err error) error {
	var file *os.PathError
	var number unix.Errno
	if !errors.As(err, &file) || !errors.As(err, &number) {
		return err
	}
	text := number.Error()
	return fmt.Errorf("[Errno %d] %s: '%s'", int(number), strings.ToUpper(text[:1])+text[1:], file.Path)
}

// lines calls a function with each line of the files in a directory.
func lines(dir string, do func(path, line string)) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if fi, err := os.Stat(path); err != nil || !fi.Mode().IsRegular() {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(data)) {
			do(path, strings.TrimRight(line, "\n"))
		}
	}
	return nil
}

// persist sets what happens when the machine starts.
func (t *task) persist() error {
	want := t.args.String("persistent")
	if want == "disabled" {
		return nil
	}
	loads := false
	var have []string
	err := errors.Join(
		lines(t.loads, func(_, l string) { loads = loads || t.isLoad.MatchString(l) }),
		lines(t.options, func(_, l string) {
			if m := t.isOption.FindStringSubmatch(l); m != nil && !slices.Contains(have, m[1]) {
				have = append(have, m[1])
			}
		}))
	if err != nil {
		return err
	}
	params := strings.Fields(t.args.String("params"))
	slices.Sort(have)
	sorted := slices.Compact(slices.Sorted(slices.Values(params)))
	if want == "absent" {
		if loads {
			err = t.comment(t.loads, t.isLoad)
		}
		if len(have) > 0 {
			err = errors.Join(err, t.comment(t.options, t.isOption))
		}
		t.r.Changed = t.r.Changed || loads || len(have) > 0
		return err
	}
	if !loads {
		t.r.Changed = true
		err = t.write(filepath.Join(t.loads, t.name+".conf"), t.name+"\n")
	}
	if !slices.Equal(have, sorted) {
		t.r.Changed = true
		text := ""
		for _, p := range params {
			text += fmt.Sprintf("options %s %s\n", t.name, p)
		}
		err = errors.Join(err, t.comment(t.options, t.isOption), t.write(filepath.Join(t.options, t.name+".conf"), text))
	}
	return err
}

// comment makes comments of the lines that match.
func (t *task) comment(dir string, re *regexp.Regexp) error {
	texts, hit := map[string]string{}, map[string]bool{}
	err := lines(dir, func(path, line string) {
		if re.MatchString(line) {
			line, hit[path] = "#"+line, true
		}
		texts[path] += line + "\n"
	})
	for path := range hit {
		err = errors.Join(err, t.write(path, texts[path]))
	}
	return err
}

func (t *task) write(path, text string) error {
	if t.env.Check {
		return nil
	}
	_, err := files.Replacement{Path: path}.Write(t.ctx, strings.NewReader(text))
	return err
}
