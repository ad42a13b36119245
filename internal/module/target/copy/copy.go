package copy

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/target/file"
	"github.com/tutti-run/tutti/internal/value"
)

// copier is one run of the module.
type copier struct {
	ctx  context.Context
	env  *module.Env
	args module.Args
	dest string
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	c := &copier{ctx, env, args, args.String("dest")}
	if !strings.Contains(c.dest, "/") {
		c.dest = "./" + c.dest
	}
	if args.Bool("remote_src") {
		return c.remote()
	}
	entries := args.List("_files")
	dirs, links := args.Strings("_dirs"), args.List("_links")
	changed, last := false, (*module.Result)(nil)
	var warnings []string
	note := func(r *module.Result) bool {
		warnings = append(warnings, r.Warnings...)
		changed, last = changed || r.Changed, r
		return r.Failed
	}
	for _, e := range entries {
		if r := c.one(e.(*value.Map), len(dirs) > 0); r != nil && note(r) {
			return r
		}
	}
	for _, dir := range dirs {
		if r := c.file(value.MapOf("path", filepath.Join(c.dest, dir), "state", "directory"), args.Any("directory_mode")); note(r) {
			return r
		}
	}
	for _, e := range links {
		l := e.(*value.Map)
		m := value.MapOf("path", filepath.Join(c.dest, l.At("rel").(string)), "src", l.At("target"), "state", "link", "force", true)
		if len(dirs) > 0 {
			m.Set("follow", false)
		}
		var mode any
		if args.Any("mode") != "preserve" {
			mode = args.Any("mode")
		}
		if r := c.file(m, mode); note(r) {
			return r
		}
	}
	r := last
	if r == nil || len(entries) != 1 {
		r = module.OK().Set("dest", c.args.String("dest")).Set("src", args.String("_source"))
	} else if r.Get("path") != nil && r.Get("dest") == nil {
		r.Set("dest", r.Get("path"))
	}
	r.Changed, r.Warnings = changed, warnings
	return r
}

// file lets the module file do its part, with the attributes of this task.
func (c *copier) file(m *value.Map, mode any) *module.Result {
	for _, name := range []string{"owner", "group", "seuser", "serole", "setype", "selevel", "attributes", "unsafe_writes"} {
		if c.args.Has(name) {
			m.Set(name, c.args.Any(name))
		}
	}
	if mode != nil {
		m.Set("mode", mode)
	}
	args, err := file.Module.Spec.ParseTarget(m, c.env.Environ)
	if err != nil {
		return module.Fail("%s", err)
	}
	return file.Module.Run(c.ctx, c.env, args)
}

// one puts one file into its place; nil means that it was there and stays.
func (c *copier) one(entry *value.Map, inTree bool) *module.Result {
	rel, digest := value.Str(entry.At("rel")), value.Str(entry.At("digest"))
	path := c.dest
	if strings.HasSuffix(path, "/") {
		path = filepath.Join(path, rel)
	}
	if _, err := os.Stat(path); errors.Is(err, syscall.ENOTDIR) {
		return module.Fail("Failed to get information on remote file (%s): Not a directory", path)
	}
	if files.IsDir(path) {
		if c.args.Has("content") {
			return module.Fail("can not use content with a dir as dest")
		}
		path = filepath.Join(path, rel)
	}
	named := path // what a diff calls it
	if files.IsLink(path) && c.args.Bool("follow") && !inTree && files.Exists(path) {
		path = files.RealPath(path)
	}
	unlock := files.Lock(path)
	there := files.Exists(path)
	if there && !c.args.Bool("force") {
		unlock()
		return nil
	}
	mode := c.args.Any("mode")
	if m := entry.At("mode"); m != nil {
		mode = m
	}
	if there && !files.IsLink(path) {
		if sum, err := files.SHA1OfFile(path); err == nil && sum == digest {
			unlock() // file takes it itself
			r := c.file(value.MapOf("path", strings.TrimPrefix(path, "./"), "state", "file"), mode)
			return r.Set("checksum", digest)
		}
	}
	defer unlock()
	return c.write(path, named, entry, mode)
}

// write replaces the content of path, which the task knows as named.
func (c *copier) write(path, named string, entry *value.Map, mode any) *module.Result {
	digest, source := value.Str(entry.At("digest")), value.Str(entry.At("source"))
	r := module.OK()
	r.Diff = []any{}
	fail := func(f *module.Result) *module.Result {
		f.Diff = r.Diff
		return f.Set("checksum", digest)
	}
	if c.env.Diff {
		d, err := c.diff(named, source, module.Digest(digest))
		if err != nil {
			return fail(files.Fail(err))
		}
		r.Diff = []any{d}
	}
	if c.env.Check {
		r.Changed = true
		return r
	}
	if want := c.args.String("checksum"); want != "" && want != digest {
		return fail(module.Fail("Copied file does not match the expected checksum. Transfer failed.").Set("expected_checksum", want))
	}
	if err := c.parents(path); err != nil {
		return fail(files.Fail(err))
	}
	dir := filepath.Dir(path)
	switch {
	case !files.Exists(dir):
		return fail(module.Fail("Destination directory %s does not exist", dir))
	case !c.args.Bool("unsafe_writes") && unix.Access(dir, unix.W_OK) != nil:
		return fail(module.Fail("Destination %s not writable", dir))
	}
	content, err := c.env.Open(c.ctx, module.Digest(digest))
	if err != nil {
		return fail(files.Fail(err))
	}
	defer content.Close()
	attrs := files.AttrsOf(c.args)
	attrs.Mode = mode
	done, err := c.replacement(path, attrs).Write(c.ctx, content)
	if err != nil {
		return fail(files.Fail(err))
	}
	return c.written(r.Set("src", source), path, attrs, done)
}

func (c *copier) replacement(path string, attrs files.Attrs) files.Replacement {
	return files.Replacement{
		Path: path, Attrs: attrs, Validate: c.args.String("validate"), Environ: c.env.Environ,
		Backup: c.args.Bool("backup"), Unsafe: c.args.Bool("unsafe_writes"),
	}
}

// written completes the result of a new file.
func (c *copier) written(r *module.Result, path string, attrs files.Attrs, done files.Replaced) *module.Result {
	r.Set("dest", path).Set("checksum", done.Sums.SHA1).Set("md5sum", done.Sums.MD5)
	if done.BackupFile != "" {
		r.Set("backup_file", done.BackupFile)
	}
	r.Changed = true
	if _, err := attrs.Apply(path, false, nil); err != nil {
		return files.Fail(err)
	}
	files.AddInfo(r, path)
	return r
}

func (c *copier) diff(path, source string, digest module.Digest) (*value.Map, error) {
	content, err := c.env.Open(c.ctx, digest)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	after, err := files.ReadHead(content)
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(content, 1<<20)) // a reader that checks the digest wants its end
	header := ""
	if files.Exists(path) {
		header = path
	}
	before := files.Head(path)
	d := files.ContentDiff(header, before, source, after)
	if header != "" && before == nil { // a folder, or a file that we may not read: it is not empty
		d.Delete("before")
		d.Delete("before_header")
	}
	return d, nil
}

// parents makes the directories above path if dest says that it is one.
func (c *copier) parents(path string) error {
	dir := filepath.Dir(path)
	if !strings.HasSuffix(c.dest, "/") || files.Exists(dir) {
		return nil
	}
	attrs := files.AttrsOf(c.args)
	attrs.Mode = c.args.Any("directory_mode")
	return mkdirs(dir, attrs)
}

// mkdirs makes a directory and those above it; each new one gets the attributes.
func mkdirs(dir string, attrs files.Attrs) error {
	if files.IsDir(dir) {
		return nil
	}
	if err := mkdirs(filepath.Dir(dir), attrs); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o777); err != nil && !files.IsDir(dir) {
		return err
	}
	_, err := attrs.Apply(dir, false, nil)
	return err
}
