// Package deb822repository is the module for apt's sources in deb822 format, one
// file each, with the key that they are signed with.
package deb822repository

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/web"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module keeps a source of packages.
var Module = below("/etc/apt")

// spec is the module's.
var spec = module.Spec{
	Name:    "ansible.builtin.deb822_repository",
	Summary: "Keeps apt's sources of packages in deb822 format.",
	Params: []module.Param{
		{Name: "name", Required: true, Doc: "Name of the repository, and of its files."},
		{Name: "uris", Type: module.List, Elements: module.Str, Doc: "Addresses of the repository."},
		{Name: "suites", Type: module.List, Elements: module.Str, Doc: "Suites to take, or an exact path that ends with a slash."},
		{Name: "components", Type: module.List, Elements: module.Str, Doc: "Components to take; none with an exact path."},
		{Name: "types", Type: module.List, Elements: module.Str, Default: []any{"deb"}, Choices: []any{"deb", "deb-src"}, Doc: "Packages, their sources, or both."},
		{Name: "architectures", Type: module.List, Elements: module.Str, Doc: "Architectures to take."},
		{Name: "languages", Type: module.List, Elements: module.Str, Doc: "Languages of descriptions to take."},
		{Name: "targets", Type: module.List, Elements: module.Str, Doc: "What to fetch of it."},
		{Name: "signed_by", Doc: "The key: its address, a file on the target, a fingerprint, or the key itself."},
		{Name: "enabled", Type: module.Bool, Doc: "Use the repository."},
		{Name: "trusted", Type: module.Bool, Doc: "Take its word without a signature, or never."},
		{Name: "allow_insecure", Type: module.Bool, Doc: "Take it without a signature, with a warning."},
		{Name: "allow_weak", Type: module.Bool, Doc: "Take weak signatures."},
		{Name: "allow_downgrade_to_insecure", Type: module.Bool, Doc: "Take it without a signature although it had one."},
		{Name: "by_hash", Type: module.Bool, Doc: "Fetch files by their checksums."},
		{Name: "check_date", Type: module.Bool, Doc: "Refuse what comes from the future."},
		{Name: "check_valid_until", Type: module.Bool, Doc: "Refuse what is too old."},
		{Name: "date_max_future", Type: module.Int, Doc: "Seconds that are not yet the future."},
		{Name: "inrelease_path", Doc: "Where InRelease is."},
		{Name: "pdiffs", Type: module.Bool, Doc: "Fetch differences of lists."},
		{Name: "install_python_debian", Type: module.Bool, Default: true, Doc: "Of no meaning: no Python is needed."},
		{Name: "mode", Type: module.Raw, Default: "0644", Doc: "Mode of the file."},
		{Name: "state", Default: "present", Choices: []any{"present", "absent"}, Doc: "Whether it shall be there."},
	},
	HintDoc: "HostExclusive(dpkg); FullyParallel in check mode",
	HintsFor: func(_ module.Args, check bool) []parallel.Hint {
		if check {
			return []parallel.Hint{parallel.Free()}
		}
		return []parallel.Hint{parallel.Host("dpkg")} // apt reads the sources
	},
	Check: module.Full, Diff: module.None,
	Returns: []module.Return{
		{Name: "repo", When: "always", Doc: "The content of the file."},
		{Name: "dest", When: "always", Doc: "The file."},
		{Name: "key_filename", When: "always", Doc: "The file of the key, if there is one."},
	},
}

// below is the module for apt's settings in a directory.
func below(dir string) module.Target {
	return module.Target{Spec: spec, Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		t := &task{ctx: ctx, env: env, args: args, slug: slug(args.String("name")), r: module.OK()}
		t.keyrings = filepath.Join(dir, "keyrings")
		t.dest = filepath.Join(dir, "sources.list.d", t.slug+".sources")
		if t.slug == "" {
			return module.Fail("the name %q has no letter or digit for a file's name", args.String("name"))
		}
		t.r.Set("repo", nil).Set("dest", t.dest).Set("key_filename", nil)
		do := t.present
		if args.String("state") == "absent" {
			do = t.absent
		}
		if err := do(); err != nil {
			t.r = files.Fail(err)
		}
		if !t.r.Failed {
			files.AddInfo(t.r, t.dest)
		}
		return t.r
	}}
}

// task is one run of the module.
type task struct {
	ctx            context.Context
	env            *module.Env
	args           module.Args
	slug           string
	dest, keyrings string
	r              *module.Result
}

var (
	blanks = lazyregexp.New(`[_\s]+`)
	others = lazyregexp.New(`[^a-z0-9-]+`)
)

// slug is a name that is good for a file.
func slug(name string) string {
	return others.ReplaceAllString(blanks.ReplaceAllString(strings.ToLower(name), "-"), "")
}

func (t *task) absent() error {
	t.r.Set("key_filename", t.keyFile("gpg")) // that of the other one is removed, but not told
	for _, path := range []string{t.dest, t.keyFile("asc"), t.keyFile("gpg")} {
		if !files.Exists(path) {
			continue
		}
		if t.r.Changed = true; t.env.Check {
			continue
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

func (t *task) keyFile(suffix string) string { return filepath.Join(t.keyrings, t.slug+"."+suffix) }

func (t *task) present() error {
	text, err := t.text()
	if err != nil {
		return err
	}
	t.r.Set("repo", text)
	return t.write(t.dest, []byte(text), t.args.Any("mode"))
}

// write brings a file to its content and mode.
func (t *task) write(path string, data []byte, mode any) error {
	defer files.Lock(path)()
	have, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	attrs := files.Attrs{Mode: mode}
	if err != nil || !bytes.Equal(have, data) {
		if t.r.Changed = true; t.env.Check {
			return nil
		}
		if dir := filepath.Dir(path); !files.Exists(dir) {
			// Whatever the umask is: apt reads it as a user of its own.
			if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
				return err
			}
		}
		_, err := files.Replacement{Path: path, Attrs: attrs}.Write(t.ctx, bytes.NewReader(data))
		return err
	}
	changed, err := attrs.Apply(path, t.env.Check, nil)
	t.r.Changed = t.r.Changed || changed
	return err
}

// field is the name of a parameter in the file.
func field(param string) string {
	switch param {
	case "name":
		return "X-Repolib-Name"
	case "uris":
		return "URIs"
	}
	words := strings.Split(param, "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "-")
}

// text is the content of the file.
func (t *task) text() (string, error) {
	var names []string
	for _, p := range spec.Params {
		if p.Name != "mode" && p.Name != "state" && p.Name != "install_python_debian" && t.args.Has(p.Name) {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		text := ""
		switch v := t.args.Any(name).(type) {
		case bool:
			text = map[bool]string{true: "yes", false: "no"}[v]
		case []any:
			text = strings.Join(t.args.Strings(name), " ")
		default:
			text = value.Str(v)
		}
		if name == "signed_by" {
			var err error
			if text, err = t.signedBy(text); err != nil {
				return "", err
			}
		}
		if strings.Contains(text, "\n") {
			b.WriteString(field(name) + ":\n")
			for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
				if line = strings.TrimSpace(line); line == "" {
					line = "." // an empty line would end the source
				}
				b.WriteString("    " + line + "\n")
			}
			continue
		}
		b.WriteString(strings.TrimRight(field(name)+": "+text, " ") + "\n")
	}
	return b.String(), nil
}

// signedBy is what the file says of the key. A key that has an address is kept
// in a file of its own.
func (t *task) signedBy(text string) (string, error) {
	if fi, err := os.Stat(text); err == nil && fi.Mode().IsRegular() {
		t.r.Set("key_filename", text)
		return text, nil
	}
	if u, err := url.Parse(text); err != nil || u.Scheme == "" || strings.Contains(text, "\n") {
		return text, nil
	}
	key, err := t.fetch(text)
	if err != nil {
		return "", fmt.Errorf("Could not fetch signed_by key: %w", err)
	}
	path := t.keyFile("gpg")
	if bytes.Contains(key, []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----")) {
		path = t.keyFile("asc")
	}
	t.r.Set("key_filename", path)
	return path, t.write(path, key, "0644")
}

func (t *task) fetch(address string) ([]byte, error) {
	spec := module.Spec{Name: spec.Name, Params: web.Params()}
	args, err := spec.ParseTarget(value.MapOf("url", address), t.env.Environ)
	if err != nil {
		return nil, err
	}
	resp := web.Do(t.ctx, t.env, args, address, web.Options{Redirects: "all"})
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	if resp.Status != 200 {
		return nil, errors.New(strings.TrimPrefix(resp.Msg, "Request failed: "))
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err == nil && len(data) == 0 {
		err = errors.New("the answer is empty")
	}
	return data, err
}
