// Package authorizedkey is the module for the keys that may log in as a user.
package authorizedkey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/accounts"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/web"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module adds keys to a user's authorized_keys, or removes them.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.posix.authorized_key",
		Summary: "Adds SSH keys that may log in as a user, or removes them.",
		Params: []module.Param{
			{Name: "user", Required: true, Doc: "The user."},
			{Name: "key", Required: true, Doc: "The keys, one a line, or a URL of them."},
			{Name: "path", Type: module.Path, Doc: "The file, if it is not ~/.ssh/authorized_keys."},
			{Name: "manage_dir", Type: module.Bool, Default: true, Doc: "Make the file's directory and give it to the user."},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether the keys shall be there."},
			{Name: "key_options", Doc: "Options to put before each key."},
			{Name: "exclusive", Type: module.Bool, Default: false, Doc: "Remove all other keys."},
			{Name: "validate_certs", Type: module.Bool, Default: true, Doc: "Check the certificate of the server that has the keys."},
			{Name: "comment", Doc: "Comment of the keys, instead of their own."},
			{Name: "follow", Type: module.Bool, Default: false, Doc: "Write through a link."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{{Name: "keyfile", When: "success", Doc: "The file."}},
	},
	Run: run,
}

// names are the parameters that a result repeats.
var names = []string{"user", "key", "path", "manage_dir", "state", "key_options", "exclusive", "validate_certs", "comment", "follow"}

// task is one run of the module.
type task struct {
	ctx  context.Context
	env  *module.Env
	args module.Args
	path string
	// named is the path before a link was followed.
	named string
	user  *accounts.User // nil in check mode if the path is given
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args}
	r, err := t.run()
	if err != nil {
		return module.Fail("%s", err)
	}
	return r
}

// find sets the path and the user.
func (t *task) find() error {
	name := t.args.String("user")
	t.user = accounts.Open(t.ctx, t.env).User(name)
	t.path = t.args.String("path")
	switch {
	case t.user == nil && t.env.Check && t.path == "":
		return errors.New("Either user must exist or you must provide full path to key file in check mode")
	case t.user == nil && !t.env.Check:
		return fmt.Errorf("Failed to lookup user %s: \"getpwnam(): name not found: %s\"", name, value.Repr(name))
	case t.path == "":
		t.path = filepath.Join(t.user.Home, ".ssh", "authorized_keys")
	}
	t.named = t.path
	if t.args.Bool("follow") {
		t.path = files.RealPath(t.path)
	}
	return nil
}

func (t *task) run() (*module.Result, error) {
	if err := t.find(); err != nil {
		return nil, err
	}
	text, err := t.keys()
	if err != nil {
		return nil, err
	}
	defer files.Lock(t.path)()
	before, err := os.ReadFile(t.path)
	// A folder holds no keys, and a link to one gives way to the file.
	if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) && !files.IsDir(t.path) {
		return nil, err
	}
	f := parseFile(string(before))
	changed, err := t.merge(f, text)
	if err != nil {
		return nil, err
	}
	r := module.OK()
	for _, name := range names {
		r.Set(name, t.args.Any(name))
	}
	r.Set("keyfile", t.named)
	if !changed {
		t.describe(r)
		return r, nil
	}
	r.Changed = true
	after := f.text()
	if t.env.Diff {
		r.Diff = value.MapOf("before_header", t.named, "after_header", t.path, "before", string(before), "after", after)
	}
	if !t.env.Check {
		err = t.save(after)
	}
	t.describe(r)
	return r, err
}

// describe adds what is known of a file that the user named.
func (t *task) describe(r *module.Result) {
	if !t.args.Has("path") {
		return
	}
	files.AddInfo(r, t.args.String("path"))
}

// keys is the text of the keys that were given.
func (t *task) keys() (string, error) {
	key := t.args.String("key")
	if !strings.HasPrefix(key, "http") {
		return key, nil
	}
	spec := module.Spec{Name: "ansible.posix.authorized_key", Params: web.Params()}
	args, err := spec.ParseTarget(value.MapOf("url", key, "validate_certs", t.args.Bool("validate_certs")), t.env.Environ)
	if err != nil {
		return "", err
	}
	resp := web.Do(t.ctx, t.env, args, key, web.Options{Redirects: "all"})
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	if resp.Status != 200 {
		return "", fmt.Errorf("Error getting key from: %s", key)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return string(data), err
}

// merge brings the keys to the state asked for and reports whether any had to
// change.
func (t *task) merge(f *keyFile, text string) (changed bool, err error) {
	present := t.args.String("state") == "present"
	wanted := map[string]bool{}
	n := 0 // of the keys that were given
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, ok := parseKey(line)
		if !ok {
			return false, fmt.Errorf("invalid key specified: %s", line)
		}
		if t.args.Has("key_options") {
			k.options = parseOptions(t.args.String("key_options"))
		}
		if t.args.Has("comment") {
			k.comment = t.args.String("comment")
		}
		wanted[k.key] = true
		have := f.find(k.key)
		switch {
		case !present && have != nil:
			f.remove(k.key)
			changed = true
		case present && (have == nil || !have.same(k)):
			f.remove(k.key)
			f.add(k, n)
			changed = true
		}
		n++
	}
	if present && t.args.Bool("exclusive") {
		changed = f.keepOnly(wanted) || changed
	}
	return changed, nil
}

// save writes the file so that sshd will trust it: the user's, and closed to
// others.
func (t *task) save(text string) error {
	dir := filepath.Dir(t.path)
	if t.args.Bool("manage_dir") {
		if !files.Exists(dir) {
			if err := os.Mkdir(dir, 0o700); err != nil {
				return fmt.Errorf("Failed to create directory %s : %s: %s", dir, files.Errno(err), value.Repr(dir))
			}
		}
		// Were the user's directory a link, its target would become the user's.
		if !files.IsLink(dir) {
			if err := errors.Join(os.Lchown(dir, t.user.UID, t.user.GID), os.Chmod(dir, 0o700)); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	attrs := files.Attrs{Owner: fmt.Sprint(t.user.UID), Group: fmt.Sprint(t.user.GID), Mode: "0600"}
	_, err := files.Replacement{Path: t.path, Attrs: attrs, Unsafe: true}.Write(t.ctx, strings.NewReader(text))
	return err
}
