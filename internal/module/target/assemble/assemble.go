// Package assemble is the target half of assemble: it joins the files of a
// directory of the target into one.
package assemble

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/pyre"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Spec is assemble's, for both halves.
var Spec = module.Spec{
	Lacking: "src and dest are required",
	Name:    "ansible.builtin.assemble", Called: "ansible.legacy.assemble", Summary: "Joins the files of a directory into one.",
	Params: append([]module.Param{
		{Name: "src", Type: module.Path, Required: true, Doc: "The directory."},
		{Name: "dest", Type: module.Path, Required: true, Doc: "The file to write."},
		{Name: "delimiter", Doc: "What to write between the fragments."},
		{Name: "regexp", Doc: "Only fragments whose name matches."},
		{Name: "ignore_hidden", Type: module.Bool, Default: false, Doc: "Leave names out that begin with a dot."},
		{Name: "remote_src", Type: module.Bool, Default: true, Doc: "src is on the target."},
		{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the old file under a dated name."},
		{Name: "validate", Doc: "Command that checks the new file, %s, before it is used."},
		{Name: "decrypt", Type: module.Bool, Default: true, Doc: "Decrypt fragments of the controller that are vaults."},
	}, files.CommonParams()...),
	Hints: []parallel.Hint{parallel.Free()},
	Check: module.None, Diff: module.Partial,
}

// Module is the target half.
var Module = module.Target{Spec: Spec, Run: run}

// Options are how the arguments want fragments joined.
func Options(args module.Args) (files.Assembly, error) {
	a := files.Assembly{Delimiter: args.String("delimiter"), IgnoreHidden: args.Bool("ignore_hidden")}
	if pattern := args.String("regexp"); pattern != "" {
		re, err := pyre.Compile(pattern, 0)
		if err != nil {
			return a, fmt.Errorf("Invalid Regexp (%w) in \"%s\"", err, pattern)
		}
		a.Wanted = func(name string) bool {
			m, err := re.Search(name, 0)
			return m != nil && err == nil
		}
	}
	return a, nil
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	if env.Check {
		return module.NoCheckMode(Spec.Name)
	}
	src, dest := args.String("src"), args.String("dest")
	switch {
	case !files.Exists(src):
		return module.Fail("Source (%s) does not exist", src)
	case !files.IsDir(src):
		return module.Fail("Source (%s) is not a directory", src)
	}
	options, err := Options(args)
	if err != nil {
		return module.Fail("%s", err)
	}
	if v := args.String("validate"); v != "" && !strings.Contains(v, "%s") {
		return module.Fail("validate must contain %%s: %s", v)
	}
	if files.IsDir(dest) {
		return module.Fail("attempted to take checksum of directory: %s", dest)
	}
	fragments := options.Reader(src)
	sums, _, err := files.SumsOf(fragments)
	fragments.Close()
	if err != nil {
		return module.Fail("%s", err)
	}
	r := module.OK().Set("src", src).Set("dest", dest).Set("checksum", sums.SHA1).Set("md5sum", sums.MD5)
	defer files.Lock(dest)()
	attrs := files.AttrsOf(args)
	if have, err := files.SHA1OfFile(dest); err != nil || have != sums.SHA1 {
		fragments = options.Reader(src) // a second time: together they may be larger than the memory
		defer fragments.Close()
		done, err := files.Replacement{
			Path: dest, Linked: true, Attrs: attrs, Validate: args.String("validate"), Environ: env.Environ,
			Backup: args.Bool("backup"), Unsafe: args.Bool("unsafe_writes"),
		}.Write(ctx, fragments)
		var invalid *files.ValidationError
		if errors.As(err, &invalid) {
			return module.Fail("failed to validate: rc:%d error:%s", invalid.RC, invalid.Stderr)
		}
		if err != nil {
			return files.Fail(err)
		}
		r.Set("checksum", done.Sums.SHA1).Set("md5sum", done.Sums.MD5)
		if v := done.Validation; v != nil {
			r.Set("validation", value.MapOf("rc", 0, "stdout", v.Stdout, "stderr", v.Stderr))
		}
		if done.BackupFile != "" {
			r.Set("backup_file", done.BackupFile)
		}
		r.Changed = true
	}
	changed, err := attrs.Apply(dest, false, nil)
	if err != nil {
		return files.Fail(err)
	}
	r.Changed = r.Changed || changed
	r.Msg = "OK"
	files.AddInfo(r, dest)
	return r
}
