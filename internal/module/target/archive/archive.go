// Package archive is the module that packs files of the target.
package archive

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module makes an archive, or compresses a file.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.archive",
		Summary: "Packs files of the target into an archive.",
		Params: append([]module.Param{
			{Name: "path", Type: module.List, Elements: module.Path, Required: true, Doc: "Files and directories, also as patterns."},
			{Name: "dest", Type: module.Path, Doc: "The archive; by default, for one file, its name with a suffix."},
			{Name: "format", Default: "gz", Choices: []any{"bz2", "gz", "tar", "xz", "zip"}, Doc: "Kind of archive, or of compression for a tar archive or a single file."},
			{Name: "exclude_path", Type: module.List, Elements: module.Path, Default: []any{}, Doc: "Paths to leave out, also as patterns."},
			{Name: "exclusion_patterns", Type: module.List, Elements: module.Path, Doc: "Patterns of names in the archive to leave out."},
			{Name: "force_archive", Type: module.Bool, Default: false, Doc: "Make an archive also of a single file."},
			{Name: "remove", Type: module.Bool, Default: false, Doc: "Remove the files once they are packed."},
		}, files.CommonParams()...),
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "dest_state", When: "success", Doc: "archive, compress, incomplete or absent."},
			{Name: "archived", Type: module.List, When: "success", Doc: "What was packed."},
			{Name: "missing", Type: module.List, When: "success", Doc: "What was not there."},
			{Name: "arcroot", When: "always", Doc: "What the names in the archive are below."},
			{Name: "expanded_paths", Type: module.List, When: "always", Doc: "What the paths stood for."},
			{Name: "expanded_exclude_paths", Type: module.List, When: "always", Doc: "What was left out."},
		},
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx      context.Context
	env      *module.Env
	args     module.Args
	dest     string
	format   string
	root     string
	paths    []string // all that is wanted
	targets  []string // those of them that are there
	patterns []string
	packed   []string
	r        *module.Result
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, dest: args.String("dest"), format: args.String("format"), patterns: args.Strings("exclusion_patterns"), r: module.OK()}
	expanded, globs := expand(args.Strings("path"))
	excluded, _ := expand(args.Strings("exclude_path"))
	for _, p := range expanded {
		if !slices.Contains(excluded, p) {
			t.paths = append(t.paths, p)
		}
	}
	slices.Sort(t.paths)
	t.paths = slices.Compact(t.paths)
	all := strings.Join(args.Strings("path"), ", ")
	if len(t.paths) == 0 {
		return module.Fail("Error, no source paths were found").Set("path", all).
			Set("expanded_paths", strings.Join(expanded, ", ")).Set("expanded_exclude_paths", strings.Join(excluded, ", "))
	}
	t.root = common(t.paths)
	many := args.Bool("force_archive") || globs || len(t.paths) > 1 || files.IsDir(t.paths[0])
	if t.dest == "" {
		if many {
			failed := module.Fail("Error, must specify \"dest\" when archiving multiple files or trees").Set("path", all).Set("dest", "None")
			files.AddInfo(failed, all)
			return failed
		}
		t.dest = t.paths[0] + "." + t.format
	}
	if args.Bool("remove") {
		for _, p := range t.paths {
			if files.IsDir(p) && strings.HasPrefix(t.dest, p+"/") {
				return module.Fail("Error, created archive can not be contained in source paths when remove=true").Set("path", strings.Join(t.paths, ", "))
			}
		}
	}
	if files.IsDir(t.dest) {
		return module.Fail("Unable to write to compressed file: [Errno 21] Is a directory: '%s'", t.dest)
	}
	missing := []string{}
	for _, p := range t.paths {
		if _, err := os.Lstat(p); err != nil {
			missing = append(missing, p)
		} else {
			t.targets = append(t.targets, p)
		}
	}
	defer files.Lock(t.dest)()
	state, err := t.pack(many, len(missing) > 0)
	if f, ok := errors.AsType[failure](err); ok {
		return f.result
	}
	if err != nil {
		return files.Fail(err)
	}
	if files.Exists(t.dest) {
		changed, err := files.AttrsOf(args).Apply(t.dest, env.Check, nil)
		if err != nil {
			return files.Fail(err)
		}
		t.r.Changed = t.r.Changed || changed
	}
	r := t.r.Set("dest", t.dest).Set("dest_state", state).Set("arcroot", t.root).Set("archived", value.FromGo(nonNil(t.packed))).Set("missing", value.FromGo(missing))
	r.Set("expanded_paths", value.FromGo(nonNil(expanded))).Set("expanded_exclude_paths", value.FromGo(nonNil(excluded)))
	files.AddInfo(r, t.dest)
	return r
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// expand replaces patterns by what they match.
func expand(paths []string) (list []string, globs bool) {
	for _, p := range paths {
		if !strings.ContainsAny(p, "*?") {
			list = append(list, p)
			continue
		}
		globs = true
		list = append(list, files.Glob(p)...)
	}
	return list, globs
}

// common is the directory that all paths are below, with a slash.
func common(paths []string) string {
	prefix := filepath.Dir(paths[0]) + "/"
	for _, p := range paths[1:] {
		dir := filepath.Dir(p) + "/"
		n := 0
		for n < len(prefix) && n < len(dir) && prefix[n] == dir[n] {
			n++
		}
		prefix = prefix[:n]
	}
	return strings.ReplaceAll(prefix[:strings.LastIndexByte(prefix, '/')+1], "//", "/")
}

// pack does the work and tells what dest is then.
func (t *task) pack(many, incomplete bool) (string, error) {
	exists := files.Exists(t.dest)
	switch {
	case len(t.targets) == 0:
		if !exists {
			return files.Absent, nil
		}
		if t.isArchive() {
			return "archive", nil
		}
		return "compress", nil
	case t.env.Check:
		t.r.Changed = many || !exists
		return files.Absent, nil
	}
	single := !many && t.format != "zip" && t.format != "tar"
	if single {
		if err := t.able(t.targets[0]); err != nil {
			return "", err
		}
	}
	fresh, err := t.write(single)
	if err != nil {
		return "", err
	}
	defer os.Remove(fresh)
	if !t.same(fresh, single) {
		t.r.Changed = true
		in, err := os.Open(fresh)
		if err != nil {
			return "", err
		}
		defer in.Close()
		attrs := files.AttrsOf(t.args)
		if files.IsLink(t.dest) { // it is written through, but they are to be the link's own
			attrs = files.Attrs{}
		}
		if _, err := (files.Replacement{Path: files.RealPath(t.dest), Attrs: attrs, Unsafe: t.args.Bool("unsafe_writes")}).Write(t.ctx, in); err != nil {
			return "", err
		}
	}
	if t.args.Bool("remove") {
		if err := t.remove(); err != nil {
			return "", err
		}
	}
	switch {
	case single:
		return "compress", nil
	case incomplete:
		return "incomplete", nil
	}
	return "archive", nil
}

func (t *task) isArchive() bool {
	for _, suffix := range []string{".zip", ".tar", ".tgz", ".tbz", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz"} {
		if strings.HasSuffix(strings.ToLower(t.dest), suffix) {
			return true
		}
	}
	return false
}

// failure is a failed result that says more than a message.
type failure struct{ result *module.Result }

func (f failure) Error() string { return f.result.Msg }

// able tells what keeps a file from being compressed to dest.
func (t *task) able(path string) error {
	reason := ""
	if fi, err := os.Stat(filepath.Dir(t.dest)); err != nil {
		reason = files.OSError(err, t.dest)
	} else if !fi.IsDir() {
		reason = files.OSError(syscall.ENOTDIR, t.dest)
	} else if f, err := os.Open(path); err != nil {
		reason = files.Errno(err, path)
	} else {
		return f.Close()
	}
	r := module.Fail("Unable to write to compressed file: %s", reason).Set("path", path).Set("dest", t.dest)
	files.AddInfo(r, path)
	return failure{r}
}

// remove takes away what was packed, and the folders that were.
func (t *task) remove() error {
	var left []any
	for _, p := range t.packed {
		if slices.Contains(t.packed, filepath.Dir(p)) {
			continue // it goes with that
		}
		if err := os.RemoveAll(p); err != nil {
			left = append(left, p)
		}
	}
	for _, p := range t.targets {
		if files.IsDir(p) {
			if err := os.RemoveAll(p); err != nil {
				left = append(left, p)
			}
		}
	}
	if left == nil {
		return nil
	}
	r := module.Fail("Error deleting some source files: ").Set("dest", t.dest).Set("files", left)
	files.AddInfo(r, t.dest)
	return failure{r}
}
