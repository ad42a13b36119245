package copy

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
)

// remote copies from src on the target itself.
func (c *copier) remote() *module.Result {
	src := c.args.String("src")
	fi, err := os.Stat(src)
	switch {
	case err != nil:
		return module.Fail("Source %s not found", src)
	case unix.Access(src, unix.R_OK) != nil:
		return module.Fail("Source %s not readable", src)
	case fi.IsDir():
		if c.env.Check && strings.HasSuffix(c.dest, "/") && !files.Exists(c.dest) {
			return c.wouldMake(strings.TrimRight(c.dest, "/"))
		}
		return c.remoteTree(src)
	case !fi.Mode().IsRegular():
		return module.Fail("Cannot copy invalid source '%s': not a file", src)
	}
	return c.remoteFile(src, fi)
}

// wouldMake is what check mode says of a directory that has to be made first.
func (c *copier) wouldMake(dir string) *module.Result {
	r := module.OK().Set("src", c.args.String("src")).Set("msg", "dest directory "+dir+" would be created")
	r.Changed = true
	return r
}

func (c *copier) remoteFile(src string, fi os.FileInfo) *module.Result {
	attrs := files.AttrsOf(c.args)
	if attrs.Mode == "preserve" {
		attrs.Mode = files.FormatMode(files.Bits(fi))
	}
	sums, err := files.SumsOfFile(src)
	if err != nil {
		return files.Fail(err)
	}
	if want := c.args.String("checksum"); want != "" && want != sums.SHA1 {
		return module.Fail("Copied file does not match the expected checksum. Transfer failed.").
			Set("checksum", sums.SHA1).Set("expected_checksum", want)
	}
	path := c.dest
	if strings.HasSuffix(path, "/") {
		path = filepath.Join(path, filepath.Base(src))
		if dir := filepath.Dir(path); c.env.Check && !files.Exists(dir) {
			return c.wouldMake(dir)
		}
		if err := c.parents(path); err != nil {
			return files.Fail(err)
		}
	} else if files.IsDir(path) {
		path = filepath.Join(path, filepath.Base(src))
	}
	if files.IsLink(path) && c.args.Bool("follow") && files.Exists(path) {
		path = files.RealPath(path)
	}
	defer files.Lock(path)()
	r := module.OK().Set("dest", path).Set("src", src).Set("checksum", sums.SHA1).Set("md5sum", sums.MD5)
	there := files.Exists(path)
	if there && !c.args.Bool("force") {
		r := module.OK().Set("msg", "file already exists").Set("src", src).Set("dest", path)
		files.AddInfo(r, path)
		return r
	}
	if dir := filepath.Dir(path); !files.Exists(dir) {
		return module.Fail("Destination directory %s does not exist", dir)
	} else if unix.Access(dir, unix.W_OK) != nil && !c.args.Bool("unsafe_writes") {
		return module.Fail("Destination %s not writable", dir)
	}
	same := false
	if there && !files.IsLink(path) {
		sum, err := files.SHA1OfFile(path)
		same = err == nil && sum == sums.SHA1
	}
	d := files.NewDiff(path)
	if same {
		changed, err := attrs.Apply(path, c.env.Check, d)
		if err != nil {
			return files.Fail(err)
		}
		if r.Changed = changed; changed {
			r.Diff = d.Value()
		}
		files.AddInfo(r, path)
		return r
	}
	if c.env.Diff {
		header := ""
		if there {
			header = path
		}
		r.Diff = files.ContentDiff(header, files.Head(path), src, files.Head(src))
	}
	if c.env.Check {
		r.Changed = true
		files.AddInfo(r, path)
		return r
	}
	in, err := os.Open(src)
	if err != nil {
		return files.Fail(err)
	}
	defer in.Close()
	replace := c.replacement(path, attrs)
	replace.Times = &[2]time.Time{fi.ModTime(), fi.ModTime()}
	done, err := replace.Write(c.ctx, in)
	if err != nil {
		return files.Fail(err)
	}
	return c.written(r, path, attrs, done)
}

// remoteTree copies a directory: its content if src ends with a slash, else
// itself.
func (c *copier) remoteTree(src string) *module.Result {
	top := c.dest // what the attributes are for
	if strings.HasSuffix(top, "/") || files.IsDir(top) {
		top = strings.TrimRight(top, "/") + "/" + src[strings.LastIndexByte(src, '/')+1:]
	}
	dest := strings.TrimRight(c.dest, "/")
	if !strings.HasSuffix(src, "/") {
		dest = filepath.Join(dest, filepath.Base(src))
	}
	if want := c.args.String("checksum"); want != "" {
		return module.Fail("Copied file does not match the expected checksum. Transfer failed.").Set("checksum", nil).Set("expected_checksum", want)
	}
	if files.Exists(top) && !c.args.Bool("force") {
		top = strings.TrimRight(top, "/")
		r := module.OK().Set("msg", "file already exists").Set("src", src).Set("dest", top)
		files.AddInfo(r, top)
		return r
	}
	if !c.env.Check {
		if err := c.parents(top); err != nil {
			return files.Fail(err)
		}
	}
	t := treeCopy{copier: c, owner: files.Attrs{Owner: c.args.String("owner"), Group: c.args.String("group")}}
	// Unless the task says so, links of the target stay links.
	t.follow = t.args.Given("local_follow") && t.args.Bool("local_follow")
	at := files.RealPath(dest)
	if !files.Exists(dest) {
		at = filepath.Join(files.RealPath(filepath.Dir(dest)), filepath.Base(dest))
	}
	if strings.HasPrefix(at, strings.TrimRight(files.RealPath(src), "/")+"/") {
		t.inside = at
	}
	if err := t.dir(strings.TrimRight(src, "/")+"/", dest); err != nil {
		return files.Fail(err)
	}
	attrs := files.AttrsOf(c.args)
	if attrs.Mode == "preserve" {
		attrs.Mode = nil
	}
	changed, err := attrs.Apply(top, c.env.Check, nil)
	if err != nil {
		return files.Fail(err)
	}
	r := module.OK().Set("dest", top).Set("src", src).Set("checksum", nil).Set("md5sum", nil)
	r.Changed = t.changed || changed
	if r.Changed && c.env.Diff {
		d := files.NewDiff(dest)
		d.Note("copied", 0, t.copied)
		r.Diff = d.Value()
	}
	files.AddInfo(r, top)
	return r
}

// treeCopy copies a directory into another, file by file where they differ.
type treeCopy struct {
	*copier
	owner   files.Attrs
	follow  bool   // copy what links point to
	inside  string // where the copy is, if that is within what is copied
	changed bool
	copied  int // files and links
}

func (t *treeCopy) own(path string) error {
	did, err := t.owner.Apply(path, t.env.Check, nil)
	t.changed = t.changed || did
	return err
}

func (t *treeCopy) dir(src, dest string) (err error) {
	if err := t.ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(src)
	if err != nil {
		return err
	}
	if !files.IsDir(dest) {
		t.changed = true
		if !t.env.Check {
			fi, err := os.Stat(src)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(dest, 0o777); err != nil {
				return err
			}
			// At the end, since until then a set-gid bit counts for what is in it.
			defer func() { err = errors.Join(err, unix.Chmod(dest, files.Bits(fi))) }()
		}
	}
	for _, e := range entries {
		from, to := filepath.Join(src, e.Name()), filepath.Join(dest, e.Name())
		if t.inside != "" && files.RealPath(from) == t.inside {
			continue // the copy itself: that would have no end
		}
		isLink := e.Type()&os.ModeSymlink != 0
		switch fi, err := os.Stat(from); {
		case isLink && (err != nil || !t.follow):
			err = t.link(from, to)
			if err != nil {
				return err
			}
		case err != nil:
			return err
		case fi.IsDir():
			if err := t.dir(from, to); err != nil {
				return err
			}
		case fi.Mode().IsRegular():
			if err := t.file(from, to, fi); err != nil {
				return err
			}
		}
	}
	return t.own(dest)
}

func (t *treeCopy) link(from, to string) error {
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	if have, err := os.Readlink(to); err == nil && have == target {
		return t.own(to)
	}
	t.changed = true
	t.copied++
	if t.env.Check {
		return nil
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(target, to); err != nil {
		return err
	}
	return t.own(to)
}

func (t *treeCopy) file(from, to string, fi os.FileInfo) error {
	if same, err := sameContent(from, to); err != nil {
		return err
	} else if same {
		return t.own(to)
	}
	t.changed = true
	t.copied++
	if t.env.Check {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	replace := files.Replacement{
		Path: to, Unsafe: t.args.Bool("unsafe_writes"), DirGroup: true,
		Attrs: files.Attrs{Mode: files.FormatMode(files.Bits(fi))},
	}
	if _, err = replace.Write(t.ctx, in); err != nil {
		return err
	}
	return t.own(to)
}

func sameContent(a, b string) (bool, error) {
	fb, err := os.Open(b)
	if err != nil {
		return false, nil
	}
	defer fb.Close()
	fa, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer fa.Close()
	sa, err := fa.Stat()
	if err != nil {
		return false, err
	}
	if sb, err := fb.Stat(); err != nil || !sb.Mode().IsRegular() || sa.Size() != sb.Size() {
		return false, nil
	}
	bufA, bufB := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(fa, bufA)
		m, errB := io.ReadFull(fb, bufB)
		if n != m || !bytes.Equal(bufA[:n], bufB[:m]) {
			return false, nil
		}
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return errB == err, nil
		default:
			return false, err
		}
	}
}
