// Package inifile is the module for settings in files of sections.
package inifile

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module keeps a setting, or a section, in a file.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.ini_file",
		Summary: "Keeps settings in files of sections.",
		Params: append([]module.Param{
			{Name: "path", Type: module.Path, Required: true, Aliases: []string{"dest"}, Doc: "The file."},
			{Name: "section", Doc: "The section; without one, what comes before the first."},
			{Name: "option", Doc: "The setting; without one, the section itself."},
			{Name: "value", Doc: "Its value."},
			{Name: "values", Type: module.List, Elements: module.Str, Doc: "Its values, each on a line of its own."},
			{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the old file under a dated name."},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether it shall be there."},
			{Name: "exclusive", Type: module.Bool, Default: true, Doc: "Remove other values of the setting; off, it may be there several times."},
			{Name: "no_extra_spaces", Type: module.Bool, Default: false, Doc: "Write no blanks around the equals sign."},
			{Name: "allow_no_value", Type: module.Bool, Default: false, Doc: "Take a setting without a value."},
			{Name: "create", Type: module.Bool, Default: true, Doc: "Make the file if it is not there."},
		}, files.CommonParams()...),
		Rules: module.Rules{MutuallyExclusive: [][]string{{"value", "values"}}},
		Hints: []parallel.Hint{parallel.Free()}, // edits of one file wait for one another
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{{Name: "backup_file", When: "changed and if backup=yes", Doc: "The old file."}},
	},
	Run: run,
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	path := args.String("path")
	var values []string
	switch {
	case args.Has("value"):
		values = []string{args.String("value")}
	case len(args.List("values")) > 0:
		for _, v := range args.Strings("values") {
			if !contains(values, v) {
				values = append(values, v)
			}
		}
	case args.String("state") == "present" && !args.Bool("allow_no_value"):
		return module.Fail("Parameter 'value(s)' must be defined if state=present and allow_no_value=False.")
	}
	defer files.Lock(path)()
	data, err := os.ReadFile(path)
	exists := err == nil
	switch {
	case err == nil:
	case !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
		return module.Fail("%s", err)
	case !args.Bool("create"):
		return module.Fail("Destination %s does not exist!", path).Set("rc", 257)
	}
	before := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(bytes.TrimPrefix(data, []byte("\ufeff"))))
	f := &file{
		option: args.String("option"), section: args.String("section"), values: values,
		exclusive: args.Bool("exclusive"), bare: args.Bool("allow_no_value"), assign: " = ", msg: "OK",
	}
	if args.Bool("no_extra_spaces") {
		f.assign = "="
	}
	after := f.edit(before, args.String("state") == "present")
	r := module.OK().Set("path", path).Set("msg", f.msg)
	r.Changed = f.changed
	diff := value.MapOf("before", "", "after", "", "before_header", path+" (content)", "after_header", path+" (content)")
	if env.Diff {
		diff.Set("before", before)
		diff.Set("after", after)
	}
	r.Diff = diff
	if env.Check {
		files.AddInfo(r, path)
		return r
	}
	attrs := files.AttrsOf(args)
	if f.changed {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return module.Fail("%s", err)
		}
		done, err := files.Replacement{ // a link is not followed: the file takes its place
			Path: path, Linked: true, Attrs: attrs, Backup: args.Bool("backup") && exists, Unsafe: args.Bool("unsafe_writes"),
		}.Write(ctx, strings.NewReader(after))
		if err != nil {
			return files.Fail(err)
		}
		if args.Bool("backup") { // empty where there was nothing to keep
			r.Set("backup_file", done.BackupFile)
		}
	}
	if files.Exists(path) {
		changed, err := attrs.Apply(path, false, nil)
		if err != nil {
			return files.Fail(err)
		}
		r.Changed = r.Changed || changed
	}
	files.AddInfo(r, path)
	return r
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
