package unarchive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/internal/module/web"
	"github.com/tutti-run/tutti/internal/value"
)

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	if name := args.String("creates"); name != "" && files.Exists(name) {
		return module.Skip(fmt.Sprintf("skipped, since %s exists", name))
	}
	if args.Has("_lacking") {
		return module.Fail("%s", args.String("_lacking"))
	}
	dest := args.String("dest")
	if !files.IsDir(dest) {
		return module.Fail("dest '%s' must be an existing dir", dest)
	}
	src, shown, failed := fetch(ctx, env, args)
	if failed != nil {
		return failed
	}
	a, err := open(src, env.Environ)
	if err != nil {
		return module.Fail("Source '%s' not readable, %s", shown, err)
	}
	// We read zip files ourselves. Ansible needs unzip for them, and a playbook
	// that forgets to install it shall not work here and fail there.
	if a.isZip && process.Find("unzip", env.Environ) == "" && process.Find("zipinfo", env.Environ) == "" {
		return module.Fail("Failed to find handler for \"%s\". Make sure the required command to extract the file is installed.\n"+
			"Unable to find required 'unzip' or 'zipinfo' binary in the path.", shown)
	}
	chosen, byTar := &choice{}, !a.isZip && needsTar(args)
	if !byTar {
		if chosen, err = newChoice(args, a.isZip); err != nil {
			return module.Fail("%s", err)
		}
	}
	u := &unpacker{env: env, args: args, dest: dest, a: a, chosen: chosen, attrs: files.AttrsOf(args)}
	r := module.OK().Set("handler", a.handler).Set("dest", dest).Set("src", shown)
	compare, extract := u.compare, u.extract
	if byTar {
		compare, extract = u.compareByTar, u.extractByTar
	}
	if err := compare(ctx); err != nil {
		return module.Fail("Failed to find handler for \"%s\". Make sure the required command to extract the file is installed.\n%s", shown, err)
	}
	unmatched := chosen.missing()
	switch {
	case a.isZip: // unzip finds out
	case len(u.names) == 0 && unmatched == "":
		return module.Fail("Failed to find handler for \"%s\". found no files in archive. Empty archive files are not supported.", shown)
	case unmatched != "":
		return module.Fail("Failed to find handler for \"%s\". Make sure the required command to extract the file is installed.\n"+
			"Unable to list files in the archive: tar: %s: Not found in archive", shown, unmatched)
	}
	r.Changed = u.differs || unmatched != ""
	if u.diff != "" {
		r.Diff = value.MapOf("prepared", u.diff)
	}
	if r.Changed && !env.Check {
		if err := extract(ctx); err != nil {
			return module.Fail("failed to unpack %s to %s: %s", shown, dest, err).Set("handler", a.handler).Set("dest", dest).Set("src", shown)
		}
		if unmatched != "" {
			r = module.Fail("failed to unpack %s to %s", shown, dest).Set("handler", a.handler).Set("dest", dest).Set("src", shown).
				Set("extract_results", value.MapOf("cmd", []any{}, "rc", 11, "out", "", "err", "caution: filename not matched:  "+unmatched+"\n"))
			files.AddInfo(r, dest)
			return r
		}
		r.Set("extract_results", value.MapOf("cmd", []any{}, "rc", 0, "out", "", "err", ""))
	}
	if !env.Check {
		changed, err := u.attributes()
		if a := (*files.AttrError)(nil); errors.As(err, &a) {
			return a.Result()
		}
		if err != nil {
			return module.Fail("Unexpected error when accessing exploded file: %s", err)
		}
		r.Changed = r.Changed || changed
	}
	if args.Bool("list_files") {
		r.Set("files", value.FromGo(u.names))
	}
	files.AddInfo(r, dest)
	return r
}

// fetch makes the archive a file of the target; shown is its name for results.
func fetch(ctx context.Context, env *module.Env, args module.Args) (path, shown string, failed *module.Result) {
	src := args.String("src")
	remote := args.Bool("remote_src") || args.Given("copy") && !args.Bool("copy")
	var content io.ReadCloser
	var err error
	switch {
	case args.Has("_digest"):
		src = args.String("_name")
		content, err = env.Open(ctx, module.Digest(args.String("_digest")))
	case remote && strings.Contains(src, "://") && !files.Exists(src):
		content, err = get(ctx, env, args, src)
	case !files.Exists(src):
		return "", "", module.Fail("Source '%s' does not exist", src)
	}
	if err != nil {
		return "", "", module.Fail("Failure downloading %s, %s", src, err)
	}
	path = src
	if content != nil {
		defer content.Close()
		dir, err := env.TempDir()
		if err != nil {
			return "", "", module.Fail("%s", err)
		}
		path = filepath.Join(dir, "source")
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err == nil {
			_, err = io.Copy(f, content)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return "", "", module.Fail("Source '%s' failed to transfer: %s", src, err)
		}
	}
	if unix.Access(path, unix.R_OK) != nil {
		return "", "", module.Fail("Source '%s' not readable", src)
	}
	if fi, err := os.Stat(path); err == nil && fi.Size() == 0 {
		return "", "", module.Fail("Invalid archive '%s', the file is 0 bytes", src)
	}
	return path, src, nil
}

func get(ctx context.Context, env *module.Env, args module.Args, url string) (io.ReadCloser, error) {
	spec := module.Spec{Params: web.Params()}
	webArgs, err := spec.ParseTarget(value.MapOf("url", url, "validate_certs", args.Bool("validate_certs"), "decompress", false), env.Environ)
	if err != nil {
		return nil, err
	}
	resp := web.Do(ctx, env, webArgs, url, web.Options{Method: http.MethodGet, Redirects: "urllib2"})
	if resp.Status != http.StatusOK {
		if resp.Body != nil {
			resp.Body.Close()
		}
		return nil, errors.New(resp.Msg)
	}
	return resp.Body, nil
}

// unpacker compares an archive with a directory, and unpacks it there.
type unpacker struct {
	env    *module.Env
	args   module.Args
	dest   string
	a      *archive
	chosen *choice
	attrs  files.Attrs

	names   []string // chosen members, as listed
	paths   []string // and where they go
	links   map[string]bool
	differs bool
	diff    string // of zip archives
}

// compare lists the archive and finds out whether anything has to be unpacked.
func (u *unpacker) compare(ctx context.Context) error {
	u.links = map[string]bool{}
	return u.a.each(ctx, func(m *member, _ io.Reader) error {
		rel, err := u.chosen.target(m)
		if err != nil {
			return err
		}
		if rel == "" {
			if u.chosen.wants(m) { // nothing is left of its name: tar lists it so, and it stands for dest
				u.names, u.paths = append(u.names, ""), append(u.paths, u.dest)
			}
			return nil
		}
		path := filepath.Join(u.dest, rel)
		name := m.name
		if u.chosen.strip > 0 {
			if name = rel; strings.HasSuffix(m.name, "/") {
				name += "/"
			}
		}
		u.names = append(u.names, name)
		u.paths = append(u.paths, path)
		if m.kind == tar.TypeSymlink {
			u.links[path] = true
		}
		if !u.a.isZip {
			u.differs = u.differs || !u.same(m, path)
		} else if item := u.itemize(m, path); item != "" {
			u.differs = true
			u.diff += item + " " + m.name + "\n"
		}
		return nil
	})
}

func (u *unpacker) modeOf(m *member) uint32 {
	if os.Geteuid() == 0 && !u.a.isZip {
		return m.mode
	}
	return m.mode & 0o777 &^ files.Umask()
}

// same reports whether what is at path is the member, as far as tar's own
// comparison goes: kind, size, time and mode, and as root the owner.
func (u *unpacker) same(m *member, path string) bool {
	var st syscall.Stat_t
	if syscall.Lstat(path, &st) != nil {
		return false
	}
	kind := st.Mode & syscall.S_IFMT
	modeOK := u.attrs.Mode != nil || uint32(st.Mode)&07777 == u.modeOf(m)
	switch m.kind {
	case tar.TypeDir:
		if kind == syscall.S_IFLNK { // tar keeps a link to a directory
			return files.IsDir(path)
		}
		return kind == syscall.S_IFDIR && modeOK
	case tar.TypeSymlink:
		target, err := os.Readlink(path)
		return err == nil && target == m.link
	case tar.TypeLink:
		return kind == syscall.S_IFREG
	case tar.TypeReg, tar.TypeGNUSparse:
		if kind != syscall.S_IFREG {
			return false
		}
		// A newer file differs, even though it stays: that is tar's comparison.
		if os.Geteuid() == 0 {
			uid, gid := u.owner(m)
			if u.attrs.Owner == "" && uid >= 0 && int(st.Uid) != uid || u.attrs.Group == "" && gid >= 0 && int(st.Gid) != gid {
				return false
			}
		}
		return st.Size == m.size && time.Unix(st.Mtim.Unix()).Unix() == m.mtime.Unix() && modeOK
	case tar.TypeFifo:
		return kind == syscall.S_IFIFO && modeOK
	}
	return true // devices are not unpacked
}

// keep reports whether a newer file stays.
func (u *unpacker) keep(m *member, st *syscall.Stat_t) bool {
	return u.args.Bool("keep_newer") && time.Unix(st.Mtim.Unix()).Unix() >= m.mtime.Unix()
}

// owner is who owns the member here: by name if there is such a name.
func (u *unpacker) owner(m *member) (uid, gid int) {
	uid, gid = m.uid, m.gid
	if m.uname != "" {
		if id, ok := files.UserID(m.uname); ok {
			uid = id
		}
	}
	if m.gname != "" {
		if id, ok := files.GroupID(m.gname); ok {
			gid = id
		}
	}
	return uid, gid
}

// attributes gives everything from the archive what the task asks for.
func (u *unpacker) attributes() (changed bool, err error) {
	seen := map[string]bool{}
	apply := func(path string) error {
		if seen[path] {
			return nil
		}
		seen[path] = true
		did, err := u.attrs.Apply(path, false, nil)
		changed = changed || did
		return err
	}
	if u.attrs == (files.Attrs{}) {
		return false, nil
	}
	for _, path := range u.paths {
		if err := apply(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return changed, err
		}
	}
	for i, path := range u.paths {
		if strings.HasPrefix(u.names[i], "./") { // all is in the folder of this name
			if err := apply(u.dest); err != nil {
				return changed, err
			}
		}
		rel, err := filepath.Rel(u.dest, path)
		if err != nil {
			return changed, err
		}
		if top, _, ok := strings.Cut(rel, "/"); ok {
			if err := apply(filepath.Join(u.dest, top)); err != nil {
				return changed, err
			}
		}
	}
	return changed, nil
}
