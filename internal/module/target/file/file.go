package file

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/value"
)

// job is one run of the module.
type job struct {
	env   *module.Env
	args  module.Args
	attrs files.Attrs
	path  string
	src   string // "" if there is none
	prev  string // state before
	mtime stamp
	atime stamp
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	j := &job{env: env, args: args, attrs: files.AttrsOf(args), path: args.String("path"), src: args.String("src")}
	defer files.Lock(j.path)()
	r := j.run(ctx)
	if path := value.Str(firstOf(r.Get("path"), r.Get("dest"))); path != "None" {
		files.AddInfo(r, path)
	}
	return r
}

func firstOf(a, b any) any {
	if a != nil {
		return a
	}
	return b
}

// failed is an error in the result; one of an attribute says more than its text.
// failed is a failed result: about what the error names, or about path.
func (j *job) failed(err error) *module.Result {
	r := files.Fail(err)
	if r.Get("path") == nil {
		r.Set("path", j.path)
	}
	return r
}

func (j *job) fail(format string, args ...any) *module.Result {
	return module.Fail(format, args...).Set("path", j.path)
}

func (j *job) run(ctx context.Context) *module.Result {
	state := j.args.String("state")
	if state != "link" && state != "absent" && files.IsDir(j.path) {
		base := j.args.String("_original_basename")
		if base == "" {
			base = j.src[strings.LastIndexByte(j.src, '/')+1:] // nothing, if a slash ends it
		}
		if base != "" {
			j.path = filepath.Join(j.path, base)
		}
	}
	var err error
	if j.prev, err = files.State(j.path); err != nil {
		return j.fail("%s", err)
	}
	if state == "" {
		switch {
		case j.prev != files.Absent:
			state = j.prev
		case j.args.Bool("recurse"):
			state = "directory"
		default:
			state = "file"
		}
	}
	if j.args.Bool("recurse") && state != "directory" {
		return j.fail("recurse option requires state to be 'directory'")
	}
	if j.src != "" && state != "link" && state != "hard" {
		return j.fail("src option requires state to be 'link' or 'hard'")
	}
	if j.args.Has("_diff_peek") {
		head := files.Head(j.path)
		return module.OK().Set("path", j.path).Set("appears_binary", bytes.IndexByte(head[:min(len(head), 8192)], 0) >= 0)
	}
	if state != "absent" {
		if err := j.times(state); err != nil {
			return module.Fail("%s", err)
		}
	}
	var r *module.Result
	switch state {
	case "file":
		r = j.file()
	case "directory":
		r = j.directory(ctx)
	case "link":
		r = j.link()
	case "hard":
		r = j.hard()
	case "touch":
		r = j.touch()
	default:
		r = j.absent()
	}
	if j.env.Check && state != "absent" {
		r.Warnings = append(j.unknownOwners(), r.Warnings...)
	}
	return r
}

// unknownOwners warns in check mode of names that an earlier task would have made.
func (j *job) unknownOwners() (warnings []string) {
	if o := j.attrs.Owner; o != "" {
		if !files.UserExists(o) {
			warnings = append(warnings, "failed to look up user "+numbered(o, "uid")+". Create user up to this point in real play")
		}
	}
	if g := j.attrs.Group; g != "" {
		if !files.GroupExists(g) {
			warnings = append(warnings, "failed to look up group "+numbered(g, "gid")+". Create group up to this point in real play")
		}
	}
	return warnings
}

// numbered says of an owner that it is a number, if it is one.
func numbered(owner, kind string) string {
	if _, err := strconv.Atoi(owner); err == nil {
		return "with " + kind + " " + owner
	}
	return owner
}

// diff begins the diff of a change to state.
func (j *job) diff(state string) *files.Diff {
	d := files.NewDiff(j.path)
	if j.prev == state {
		return d
	}
	d.Note("state", j.prev, state)
	if state == "absent" && j.prev == files.Directory {
		dirs, names := content(j.path)
		d.Before.Set("path_content", value.MapOf("directories", dirs, "files", names))
	}
	return d
}

// content lists what is below dir, one directory after the other; a link to a
// directory counts as one. What cannot be read is left out.
func content(dir string) (dirs, names []any) {
	dirs, names = []any{}, []any{}
	for todo := []string{dir}; len(todo) > 0; {
		at := todo[0]
		todo = todo[1:]
		f, err := os.Open(at)
		if err != nil {
			continue
		}
		entries, _ := f.ReadDir(-1)
		f.Close()
		var below []string
		for _, e := range entries {
			path := filepath.Join(at, e.Name())
			if e.IsDir() {
				below = append(below, path)
			}
			if e.IsDir() || e.Type()&fs.ModeSymlink != 0 && files.IsDir(path) {
				dirs = append(dirs, path)
			} else {
				names = append(names, path)
			}
		}
		todo = append(below, todo...)
	}
	return dirs, names
}

// settle applies attributes and times to path.
func (j *job) settle(path string, d *files.Diff) (bool, error) {
	changed, err := j.attrs.Apply(path, j.env.Check, d)
	if err != nil {
		return changed, err
	}
	stamped, err := j.stamp(path, d)
	return changed || stamped, err
}

// followed is the path that attributes belong to.
func (j *job) followed() string {
	if j.args.Bool("follow") && files.IsLink(j.path) {
		return files.RealPath(j.path)
	}
	return j.path
}

func (j *job) absent() *module.Result {
	r := module.OK().Set("path", j.path).Set("state", "absent")
	if j.prev == files.Absent {
		return r
	}
	r.Diff = j.diff("absent").Value()
	if !j.env.Check {
		if j.prev == files.Directory {
			if err := os.RemoveAll(j.path); err != nil {
				return module.Fail("rmtree failed: %s", files.Errno(err, j.path))
			}
		} else if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return j.fail("unlinking failed: %s ", files.Errno(err, j.path))
		}
	}
	r.Changed = true
	return r
}

func (j *job) file() *module.Result {
	if j.prev == files.Link && j.args.Bool("follow") {
		j.path = files.RealPath(j.path)
		var err error
		if j.prev, err = files.State(j.path); err != nil {
			return j.fail("%s", err)
		}
	}
	if j.prev != files.File && j.prev != files.Hard {
		return j.fail("file (%s) is %s, cannot continue", j.path, j.prev).Set("state", j.prev)
	}
	d := j.diff("file")
	changed, err := j.settle(j.path, d)
	if err != nil {
		return j.failed(err)
	}
	r := module.OK().Set("path", j.path)
	r.Changed, r.Diff = changed, d.Value()
	return r
}

func (j *job) touch() *module.Result {
	r := module.OK().Set("dest", j.path)
	if j.prev == files.Absent {
		if j.env.Check {
			r.Changed = true
			return r
		}
		f, err := os.OpenFile(j.path, os.O_WRONLY|os.O_CREATE, 0o666)
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			return j.fail("Error, could not touch target: %s", files.Errno(err, j.path))
		}
		r.Changed = true
	}
	d := j.diff("touch")
	changed, err := j.settle(j.followed(), d)
	if err != nil {
		if j.prev == files.Absent {
			os.Remove(j.path) // we made it just now
		}
		return j.failed(err)
	}
	r.Changed = r.Changed || changed
	r.Diff = d.Value()
	return r
}

func (j *job) directory(ctx context.Context) *module.Result {
	if j.prev == files.Link && j.args.Bool("follow") {
		j.path = files.RealPath(j.path)
		var err error
		if j.prev, err = files.State(j.path); err != nil {
			return j.fail("%s", err)
		}
	}
	d := j.diff("directory")
	r := module.OK().Set("path", j.path)
	switch j.prev {
	case files.Absent:
		r.Changed = true
		if !j.env.Check {
			if failed := j.mkdirs(d); failed != nil {
				return failed
			}
		}
	case files.Directory:
		changed, err := j.settle(j.path, d)
		if err == nil && j.args.Bool("recurse") {
			var below bool
			below, err = j.recurse(ctx, j.path, map[string]bool{})
			changed = changed || below
		}
		if err != nil {
			return j.failed(err)
		}
		r.Changed = changed
	default:
		return j.fail("%s already exists as a %s", j.path, j.prev)
	}
	r.Diff = d.Value()
	return r
}

// mkdirs makes the directory and those above it; each new one gets the attributes.
func (j *job) mkdirs(d *files.Diff) *module.Result {
	at := ""
	if filepath.IsAbs(j.path) {
		at = "/"
	}
	for name := range strings.SplitSeq(strings.Trim(j.path, "/"), "/") {
		if at = filepath.Join(at, name); files.Exists(at) {
			continue
		}
		err := os.Mkdir(at, 0o777)
		if errors.Is(err, fs.ErrExist) && files.IsDir(at) { // somebody was faster
			err = nil
		}
		if err != nil {
			return j.fail("There was an issue creating %s as requested: %s", at, files.Errno(err, at))
		}
		if _, err = j.settle(at, d); err != nil {
			return j.failed(err)
		}
	}
	return nil
}

// recurse applies the attributes to everything below dir. seen breaks circles
// of links.
func (j *job) recurse(ctx context.Context, dir string, seen map[string]bool) (changed bool, err error) {
	if real := files.RealPath(dir); seen[real] {
		return false, nil
	} else {
		seen[real] = true
	}
	apply := func(path string) error {
		did, err := j.settle(path, nil)
		changed = changed || did
		return err
	}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case path == dir:
			return nil
		}
		if e.Type()&fs.ModeSymlink == 0 {
			return apply(path)
		}
		did, err := j.attrs.Apply(path, j.env.Check, nil)
		changed = changed || did
		if err != nil {
			return err
		}
		if !j.args.Bool("follow") || !files.Exists(path) {
			return nil
		}
		target := files.RealPath(path)
		if files.IsDir(target) {
			below, err := j.recurse(ctx, target, seen)
			changed = changed || below
			if err != nil {
				return err
			}
		}
		return apply(target)
	})
	return changed, err
}
