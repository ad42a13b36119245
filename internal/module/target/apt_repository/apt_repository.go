// Package aptrepository is the module for apt's sources in one-line format.
package aptrepository

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/dpkg"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/module/web"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module adds and removes sources of packages.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.apt_repository",
		Summary: "Adds and removes apt's sources of packages.",
		Params: []module.Param{
			{Name: "repo", Required: true, Doc: "The source as a line of sources.list, or ppa:OWNER/NAME."},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether it shall be there."},
			{Name: "mode", Type: module.Raw, Doc: "Mode of a new file; 0644 without it."},
			{Name: "update_cache", Type: module.Bool, Default: true, Aliases: []string{"update-cache"}, Doc: "Fetch the lists of packages after a change."},
			{Name: "update_cache_retries", Type: module.Int, Default: 5, Doc: "How often to try to fetch them."},
			{Name: "update_cache_retry_max_delay", Type: module.Int, Default: 12, Doc: "Longest wait between tries, in seconds."},
			{Name: "filename", Doc: "Name of the file in sources.list.d, without .list; by default after the address."},
			{Name: "install_python_apt", Type: module.Bool, Default: true, Doc: "Of no meaning: nothing of Python is needed."},
			{Name: "validate_certs", Type: module.Bool, Default: true, Doc: "Check the certificate of the server that knows about PPAs."},
			{Name: "codename", Doc: "Name of the release to take from a PPA."},
		},
		HintDoc: "HostExclusive(dpkg); FullyParallel in check mode",
		HintsFor: func(_ module.Args, check bool) []parallel.Hint {
			if check {
				return []parallel.Hint{parallel.Free()}
			}
			return []parallel.Hint{parallel.Host("dpkg")}
		},
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{
			{Name: "repo", When: "always", Doc: "What was asked for."},
			{Name: "state", When: "always", Doc: "What was asked for."},
		},
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx  context.Context
	env  *module.Env
	args module.Args
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx, env, args}
	switch {
	case tool.Find(env, "apt-get") == "":
		return module.Fail("Module apt_repository is not supported on target.")
	case args.String("repo") == "":
		return module.Fail("Please set argument 'repo' to a non-empty value")
	}
	main, folder, err := t.places()
	if err != nil {
		return module.Fail("%s", err)
	}
	defer files.Lock(folder)()
	before, err := read(main, folder)
	if err != nil {
		return module.Fail("%s", err)
	}
	after, err := read(main, folder)
	if err != nil {
		return module.Fail("%s", err)
	}
	if err := t.edit(after); err != nil {
		return module.Fail("%s", err)
	}
	r := module.OK().Set("repo", args.String("repo")).Set("state", args.String("state"))
	diff := []any{}
	for _, path := range after.order {
		old, now := before.text(path), after.text(path)
		r.Changed = r.Changed || old != now
		name := func(text string) string {
			if text == "" {
				return "/dev/null"
			}
			return path
		}
		if old+now != "" {
			diff = append(diff, value.MapOf("before", old, "after", now, "before_header", name(old), "after_header", name(now)))
		}
	}
	r.Diff = value.NewMap(0)
	if r.Changed && env.Diff {
		r.Diff = diff
	}
	if !r.Changed || env.Check {
		return r
	}
	err = t.save(after, after.order)
	if err == nil && args.Bool("update_cache") {
		err = t.update()
	}
	if err != nil {
		// A source that cannot be used would break every later use of apt.
		if back := t.save(before, after.order); back != nil {
			err = fmt.Errorf("%w; the sources could not be put back: %w", err, back)
		}
		return module.Fail("%s", err)
	}
	return r
}

// places asks apt where its sources are.
func (t *task) places() (main, folder string, err error) {
	out, err := tool.Run(t.ctx, t.env, "apt-config", "shell", "MAIN", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d")
	if err != nil {
		return "", "", err
	}
	main, folder = "/etc/apt/sources.list", "/etc/apt/sources.list.d"
	for line := range strings.Lines(out.Stdout) {
		name, quoted, _ := strings.Cut(strings.TrimSpace(line), "=")
		words, err := files.SplitCommand(quoted)
		if err != nil || len(words) != 1 {
			continue
		}
		switch name {
		case "MAIN":
			main = words[0]
		case "PARTS":
			folder = filepath.Clean(words[0])
		}
	}
	return main, folder, nil
}

func (t *task) edit(l *lists) error {
	repo, present := t.args.String("repo"), t.args.String("state") == "present"
	var text, file string
	if strings.HasPrefix(repo, "ppa:") {
		codename, err := t.codename()
		if err != nil {
			return err
		}
		owner, name := ppa(repo)
		text = fmt.Sprintf("deb http://ppa.launchpad.net/%s/%s/ubuntu %s main", owner, name, codename)
		file = suggest(repo+"_"+codename, t.args.String("filename"))
		if present && !l.has(text) {
			if err := t.ppaKey(owner, name, codename); err != nil {
				return err
			}
		}
	} else {
		s := parse(repo)
		if !s.valid || !s.enabled {
			return fmt.Errorf("Invalid repository string: %s", strings.TrimPrefix(strings.TrimSpace(repo), "#"))
		}
		if present && len(strings.Fields(s.text)) < 2 {
			return fmt.Errorf("Invalid repository string: %s", s.text) // apt would read no source any more
		}
		text, file = s.text, suggest(s.text, t.args.String("filename"))
	}
	if present {
		l.add(text, file)
	} else {
		l.remove(text)
	}
	return nil
}

// save writes files of sources in the form that all of them get, and removes those
// that hold none.
func (t *task) save(l *lists, paths []string) error {
	for _, path := range paths {
		text := l.text(path)
		if data, err := os.ReadFile(path); err == nil && text != "" && string(data) == text {
			continue
		}
		if text == "" {
			if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("Failed to create directory %s: %w", filepath.Dir(path), err)
		}
		var attrs files.Attrs
		if path == l.fresh {
			attrs.Mode = t.args.Any("mode")
			if attrs.Mode == nil && !files.Exists(path) {
				attrs.Mode = 0o644
			}
		}
		if _, err := (files.Replacement{Path: path, Attrs: attrs, Linked: true}).Write(t.ctx, strings.NewReader(text)); err != nil {
			return err
		}
	}
	return nil
}

// update fetches the lists of packages, with growing pauses between tries.
func (t *task) update() error {
	if err := dpkg.WaitFree(t.ctx, dpkg.ListsLock, time.Minute, func(holder string) { t.env.Waiting("dpkg", holder) }); err != nil {
		return err
	}
	reason := "unknown reason"
	for try := range t.args.Int("update_cache_retries") {
		out, err := tool.Cmd{Argv: []string{"apt-get", "update", "-q", "--error-on=any"}, Env: map[string]string{"DEBIAN_FRONTEND": "noninteractive"}}.Run(t.ctx, t.env)
		if err != nil {
			return err
		}
		if out.RC == 0 {
			return nil
		}
		if text := strings.TrimSpace(out.Stderr); text != "" {
			reason = strings.ReplaceAll(text, "E: ", "E:") // as python3-apt words it
		}
		delay := min(time.Duration(1)<<min(try, 20), time.Duration(t.args.Int("update_cache_retry_max_delay"))) * time.Second
		select {
		case <-t.ctx.Done():
			return t.ctx.Err()
		case <-time.After(delay):
		}
	}
	return fmt.Errorf("Failed to update apt cache: %s", reason)
}

func ppa(repo string) (owner, name string) {
	owner, name, ok := strings.Cut(strings.TrimPrefix(repo, "ppa:"), "/")
	if !ok {
		name = "ppa"
	}
	return owner, name
}

// codename is the release that a PPA is wanted for.
func (t *task) codename() (string, error) {
	if c := t.args.String("codename"); c != "" {
		return c, nil
	}
	data, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return strings.Trim(v, `"'`), nil
		}
	}
	return "", fmt.Errorf("the machine does not say what its release is called: set codename")
}

// keyFolders are where keys of sources are kept, the first one that is there.
var keyFolders = []string{"/etc/apt/keyrings", "/etc/apt/trusted.gpg.d", "/usr/share/keyrings"}

// ppaKey fetches the key that a PPA is signed with, if it is not there yet.
func (t *task) ppaKey(owner, name, codename string) error {
	fingerprint, err := t.fingerprint(owner, name)
	if err != nil || t.env.Check {
		return err
	}
	folder := ""
	for _, dir := range keyFolders {
		found, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			return err
		}
		if folder == "" && files.IsDir(dir) {
			folder = dir
		}
		for _, path := range found {
			out, err := tool.Run(t.ctx, t.env, "gpg", "--batch", "--show-keys", "--with-colons", path)
			if err != nil {
				return err
			}
			if strings.Contains(out.Stdout, fingerprint) {
				return nil
			}
		}
	}
	if folder == "" {
		return fmt.Errorf("Unable to find any existing apt gpgp repo directories, tried the following: %s", strings.Join(keyFolders, ", "))
	}
	home, err := t.env.TempDir()
	if err != nil {
		return err
	}
	for _, words := range [][]string{
		{"--keyserver", "hkp://keyserver.ubuntu.com:80", "--recv-keys", fingerprint},
		{"--output", filepath.Join(folder, fmt.Sprintf("%s-%s-%s.gpg", codename, owner, name)), "--export", fingerprint},
	} {
		out, err := tool.Run(t.ctx, t.env, append([]string{"gpg", "--batch", "--no-tty", "--homedir", home}, words...)...)
		if err != nil {
			return err
		}
		if out.RC != 0 {
			return fmt.Errorf("Unable to get required signing key: %s", strings.TrimSpace(out.Stderr))
		}
	}
	return nil
}

// fingerprint asks Launchpad which key a PPA is signed with.
func (t *task) fingerprint(owner, name string) (string, error) {
	url := fmt.Sprintf("https://launchpad.net/api/1.0/~%s/+archive/%s", owner, name)
	spec := module.Spec{Name: "ansible.builtin.apt_repository", Params: web.Params()}
	args, err := spec.ParseTarget(value.MapOf("url", url, "validate_certs", t.args.Bool("validate_certs")), t.env.Environ)
	if err != nil {
		return "", err
	}
	resp := web.Do(t.ctx, t.env, args, url, web.Options{Header: map[string]string{"Accept": "application/json"}, Redirects: "all"})
	if resp.Body != nil {
		defer resp.Body.Close()
	}
	if resp.Status != 200 {
		return "", fmt.Errorf("failed to fetch PPA information, error was: %s", resp.Msg)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	v, err := value.ParseJSON(data)
	if err != nil {
		return "", fmt.Errorf("failed to fetch PPA information, error was: %w", err)
	}
	info, _ := v.(*value.Map)
	fingerprint, _ := info.At("signing_key_fingerprint").(string)
	if fingerprint == "" {
		return "", fmt.Errorf("the PPA %s/%s has no key yet", owner, name)
	}
	return fingerprint, nil
}
