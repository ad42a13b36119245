package file

import (
	"os"
	"path/filepath"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
)

func (j *job) link() *module.Result {
	follow, force := j.args.Bool("follow"), j.args.Bool("force")
	src, given := j.src, j.args.Given("src")
	if !given && follow && files.Exists(j.path) {
		// Keep what the link points to now.
		target, err := os.Readlink(j.path)
		if err != nil {
			return j.fail("src is required for creating new symlinks")
		}
		src, given = target, true
	}
	beside := filepath.Dir(j.path)
	if !files.IsLink(j.path) && files.IsDir(j.path) {
		beside = j.path
	}
	if given && !force {
		absolute := src
		if !filepath.IsAbs(src) {
			absolute = filepath.Join(beside, src)
		}
		if !files.Exists(absolute) {
			return j.fail("src file does not exist, use \"force=yes\" if you really want to create the link: %s", absolute).Set("src", src)
		}
	}
	switch j.prev {
	case files.Directory:
		if !force {
			return j.fail("refusing to convert from %s to symlink for %s", j.prev, j.path)
		}
		if entries, err := os.ReadDir(j.path); err != nil || len(entries) > 0 {
			return j.fail("the directory %s is not empty, refusing to convert it", j.path)
		}
	case files.File, files.Hard:
		if !force {
			return j.fail("refusing to convert from %s to symlink for %s", j.prev, j.path)
		}
	}
	d := j.diff("link")
	r := module.OK().Set("dest", j.path)
	if given {
		r.Set("src", src)
	} else {
		r.Set("src", nil)
	}
	if j.prev != files.Link {
		if !given {
			return module.Fail("src is required for creating new symlinks")
		}
		r.Changed = true
	} else if old, err := os.Readlink(j.path); given && err == nil && old != src {
		d.Note("src", old, src)
		r.Changed = true
	}
	if r.Changed && !j.env.Check {
		if failed := j.place(func(at string) error { return os.Symlink(src, at) }, "linking"); failed != nil {
			return failed
		}
	}
	if j.env.Check && !files.Exists(j.path) {
		r.Diff = d.Value()
		return r
	}
	at := j.followed()
	if follow && files.IsLink(j.path) && !files.Exists(at) {
		r.Warnings = append(r.Warnings, "Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.")
	} else {
		changed, err := j.settle(at, d)
		if err != nil {
			return j.failed(err)
		}
		r.Changed = r.Changed || changed
	}
	r.Diff = d.Value()
	return r
}

// place makes a link at path: beside it first and then renamed where something
// is there already, so that there is always one or the other.
func (j *job) place(link func(at string) error, doing string) *module.Result {
	if j.prev == files.Absent {
		if err := link(j.path); err != nil {
			return j.fail("Error while %s: %s", doing, files.Errno(err, j.src, j.path))
		}
		return nil
	}
	tmp, err := files.TempName(j.path)
	if err == nil && j.prev == files.Directory {
		err = os.Remove(j.path)
	}
	if err == nil {
		err = link(tmp)
	}
	if err == nil {
		if err = os.Rename(tmp, j.path); err != nil {
			os.Remove(tmp)
		}
	}
	if err != nil {
		return j.fail("Error while replacing: %s", files.Errno(err, j.src, j.path))
	}
	// Renaming one name of a file over another does nothing and keeps both.
	if files.IsLink(tmp) || files.Exists(tmp) {
		os.Remove(tmp)
	}
	return nil
}

func (j *job) hard() *module.Result {
	force, given := j.args.Bool("force"), j.args.Given("src")
	if j.prev != files.Hard && !given {
		return module.Fail("src is required for creating new hardlinks")
	}
	fail := func(format string, args ...any) *module.Result {
		return module.Fail(format, args...).Set("dest", j.path).Set("src", j.src)
	}
	if given && !files.Exists(j.src) {
		return fail("src does not exist")
	}
	d := j.diff("hard")
	r := module.OK().Set("dest", j.path)
	if given {
		r.Set("src", j.src)
	} else {
		r.Set("src", nil)
	}
	same := given && sameFile(j.path, j.src)
	switch j.prev {
	case files.Absent:
		r.Changed = true
	case files.Link:
		if old, err := os.Readlink(j.path); err == nil && old != j.src {
			d.Note("src", old, j.src)
			r.Changed = true
		}
	case files.Hard:
		if given && !same {
			if r.Changed = true; !force {
				return fail("Cannot link, different hard link exists at destination")
			}
		}
	case files.File:
		if r.Changed = true; !force {
			return fail("Cannot link, %s exists at destination", j.prev)
		}
	case files.Directory:
		if same {
			return module.OK().Set("path", j.path)
		}
		if r.Changed = true; !force {
			return fail("Cannot link: different hard link exists at destination")
		}
	}
	if r.Changed && !j.env.Check {
		if failed := j.place(func(at string) error { return os.Link(j.src, at) }, "linking"); failed != nil {
			return failed
		}
	}
	r.Diff = d.Value()
	if j.env.Check && !files.Exists(j.path) {
		return r
	}
	changed, err := j.settle(j.followed(), d)
	if err != nil {
		return j.failed(err)
	}
	r.Changed, r.Diff = r.Changed || changed, d.Value()
	return r
}

func sameFile(a, b string) bool {
	fa, err := os.Stat(a)
	if err != nil {
		return false
	}
	fb, err := os.Stat(b)
	return err == nil && os.SameFile(fa, fb)
}
