// Package git is the module that deploys from Git repositories. It drives the
// git program; begin with task.run.
package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module brings a checkout to a version of a repository.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.git",
		Summary: "Deploys software, or files, from a Git repository.",
		Params: []module.Param{
			{Name: "repo", Required: true, Aliases: []string{"name"}, Doc: "The repository's address."},
			{Name: "dest", Type: module.Path, Doc: "Where the checkout goes; needed unless clone is off."},
			{Name: "version", Default: "HEAD", Doc: "Branch, tag, commit, or HEAD."},
			{Name: "remote", Default: "origin", Doc: "Name of the remote."},
			{Name: "refspec", Doc: "More to fetch."},
			{Name: "reference", Doc: "Repository on the target to take objects from."},
			{Name: "force", Type: module.Bool, Default: false, Doc: "Give up what was changed in the checkout."},
			{Name: "depth", Type: module.Int, Doc: "How many commits to fetch."},
			{Name: "clone", Type: module.Bool, Default: true, Doc: "Make the checkout if it is not there."},
			{Name: "update", Type: module.Bool, Default: true, Doc: "Fetch what is new if it is there."},
			{Name: "verify_commit", Type: module.Bool, Default: false, Doc: "Check the signature of the commit or tag."},
			{Name: "gpg_whitelist", Type: module.List, Elements: module.Str, Default: []any{}, Doc: "Fingerprints of the keys that may sign."},
			{Name: "accept_hostkey", Type: module.Bool, Default: false, Doc: "Take whatever key the SSH server has."},
			{Name: "accept_newhostkey", Type: module.Bool, Default: false, Doc: "Take the key of an SSH server that is not known yet."},
			{Name: "key_file", Type: module.Path, Doc: "Private key on the target for SSH."},
			{Name: "ssh_opts", Doc: "Options for SSH."},
			{Name: "executable", Type: module.Path, Doc: "The git program."},
			{Name: "bare", Type: module.Bool, Default: false, Doc: "Make a repository without a checkout."},
			{Name: "recursive", Type: module.Bool, Default: true, Doc: "Submodules as well."},
			{Name: "single_branch", Type: module.Bool, Default: false, Doc: "Fetch only what leads to the version."},
			{Name: "track_submodules", Type: module.Bool, Default: false, Doc: "Take the newest of each submodule's master branch."},
			{Name: "umask", Type: module.Raw, Doc: "Umask for what is written, as an octal number in quotes."},
			{Name: "archive", Type: module.Path, Doc: "Archive to write of the version; its suffix says which kind."},
			{Name: "archive_prefix", Doc: "Folder for the files in the archive."},
			{Name: "separate_git_dir", Type: module.Path, Doc: "Where the repository goes, apart from the checkout."},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"separate_git_dir", "bare"}, {"accept_hostkey", "accept_newhostkey"}},
			RequiredBy:        map[string][]string{"archive_prefix": {"archive"}},
		},
		// Checkouts do not mind one another, and the network is what takes long;
		// but git refuses a second run in the same repository.
		HintDoc: "HostExclusive(git:DEST); FullyParallel in check mode",
		HintsFor: func(args module.Args, check bool) []parallel.Hint {
			if dest := args.String("dest"); dest != "" && !check {
				return []parallel.Hint{parallel.Host("git:" + filepath.Clean(dest))}
			}
			return []parallel.Hint{parallel.Free()}
		},
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{
			{Name: "before", When: "success", Doc: "The commit that was checked out."},
			{Name: "after", When: "success", Doc: "The commit that is."},
			{Name: "remote_url_changed", Type: module.Bool, When: "updated", Doc: "Whether the remote got another address."},
			{Name: "submodules_changed", Type: module.Bool, When: "submodules changed", Doc: "Whether submodules were updated."},
			{Name: "git_dir_before", When: "moved", Doc: "Where the repository was."},
			{Name: "git_dir_now", When: "moved", Doc: "Where the repository is."},
		},
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx     context.Context
	env     *module.Env
	args    module.Args
	program string   // git
	before  []string // what git runs under: a shell that sets the umask, where one is asked for
	umask   fs.FileMode
	ssh     string // GIT_SSH_COMMAND

	repo, dest, version, remote string
	dir                         string // the repository: .git, or dest if it is bare
	bare                        bool
	depth                       int
	refs                        *remoteRefs // once looked up
	r                           *module.Result
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, umask: 0o22, r: module.OK(), repo: args.String("repo"), dest: args.String("dest"),
		version: args.String("version"), remote: args.String("remote"), bare: args.Bool("bare"), depth: args.Int("depth")}
	for _, step := range []func() *module.Result{t.prepare, t.places, t.usable, t.run} {
		if failed := step(); failed != nil {
			failed.Warnings = append(failed.Warnings, t.r.Warnings...)
			return failed
		}
	}
	return t.r
}

// prepare finds the program and settles how it is run.
func (t *task) prepare() *module.Result {
	git := t.args.String("executable")
	if git == "" {
		var err error
		if git, err = tool.Require(t.env, "git"); err != nil {
			return module.Fail("%s", err)
		}
	}
	t.program = git
	if umask := t.args.Any("umask"); umask != nil {
		text, ok := umask.(string)
		if !ok {
			return module.Fail("umask must be defined as a quoted octal integer")
		}
		if strings.Trim(text, "01234567") != "" || text == "" {
			return module.Fail("umask must be an octal integer").Set("details", "invalid literal for int() with base 8: "+value.Repr(text))
		}
		mask, _ := strconv.ParseUint(text, 8, 32)
		t.umask = fs.FileMode(mask) & fs.ModePerm
		t.before = []string{"/bin/sh", "-c", `umask "$1"; shift; exec "$@"`, "sh", text}
	}
	if path := module.Expander(t.env.Environ)(t.repo); strings.HasPrefix(path, "/") {
		t.repo = "file://" + path // without it git ignores depth
	}
	t.sshCommand()
	return nil
}

// sshCommand sets how git calls SSH.
func (t *task) sshCommand() {
	get := func(name string) string {
		for _, e := range t.env.Environ {
			if v, ok := strings.CutPrefix(e, name+"="); ok {
				return v
			}
		}
		return ""
	}
	command := get("GIT_SSH")
	if command == "" {
		command = get("GIT_SSH_COMMAND")
	}
	if command == "" {
		command = "ssh"
	}
	opts := strings.TrimSpace(get("GIT_SSH_OPTS") + " " + t.args.String("ssh_opts"))
	given := strings.Contains(opts, "StrictHostKeyChecking=no") || strings.Contains(opts, "StrictHostKeyChecking=accept-new")
	switch {
	case given:
	case t.args.Bool("accept_hostkey"):
		opts += " -o StrictHostKeyChecking=no"
	case t.args.Bool("accept_newhostkey"):
		opts += " -o StrictHostKeyChecking=accept-new"
	}
	if !strings.Contains(opts, "BatchMode=yes") {
		opts += " -o BatchMode=yes" // there is nobody to ask
	}
	if key := t.args.String("key_file"); key != "" {
		opts += " -i " + files.Quote(key) + " -o IdentitiesOnly=yes"
	}
	t.ssh = command + " " + strings.TrimSpace(opts)
}

// places finds the repository of the checkout, and moves it if that was asked for.
func (t *task) places() *module.Result {
	if t.dest == "" {
		if t.args.Bool("clone") {
			return module.Fail("the destination directory must be specified unless clone=no")
		}
		return nil
	}
	var err error
	if t.dest, err = filepath.Abs(t.dest); err != nil {
		return module.Fail("%s", err)
	}
	if t.dir, err = repoOf(t.dest, t.bare); err != nil {
		return module.Fail("Current repo does not have a valid reference to a separate Git dir or it refers to the invalid path").Set("details", err.Error())
	}
	separate := t.args.String("separate_git_dir")
	if separate == "" {
		return nil
	}
	separate = files.RealPath(separate)
	if !files.Exists(t.dir) || separate == files.RealPath(t.dir) {
		return nil
	}
	if t.r.Changed = true; t.env.Check {
		return nil
	}
	if files.Exists(separate) {
		return module.Fail("Separate-git-dir path %s already exists.", separate)
	}
	if err := os.MkdirAll(filepath.Dir(separate), 0o777&^t.umask); err != nil {
		return module.Fail("Unable to move git dir. %s", err)
	}
	if out, err := tool.Run(t.ctx, t.env, "mv", "-T", "--", t.dir, separate); err != nil || out.RC != 0 { // perhaps to another file system
		return module.Fail("Unable to move git dir. %s", cmp.Or(err, errors.New(strings.TrimSpace(out.Stderr))))
	}
	if err := os.WriteFile(filepath.Join(t.dest, ".git"), []byte("gitdir: "+separate), 0o666&^t.umask); err != nil {
		return module.Fail("Unable to move git dir. %s", fmt.Errorf("%w, %w", err, os.Rename(separate, t.dir)))
	}
	t.r.Set("git_dir_before", t.dir).Set("git_dir_now", separate)
	t.dir = separate
	return nil
}

// repoOf finds the repository of a checkout, also where .git only names it.
func repoOf(dest string, bare bool) (string, error) {
	if bare {
		return dest, nil
	}
	dir := filepath.Join(dest, ".git")
	fi, err := os.Stat(dir)
	if err != nil || fi.IsDir() {
		return dir, nil
	}
	data, err := os.ReadFile(dir)
	if err != nil {
		return "", err
	}
	name, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "gitdir: ")
	if !ok {
		return "", fmt.Errorf(".git file has invalid git dir reference format")
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(dest, name)
	}
	if !files.IsDir(name) {
		return "", fmt.Errorf("%s is not a directory", name)
	}
	return name, nil
}

// usable says no to a program that was named and is none. From here on git starts.
func (t *task) usable() *module.Result {
	if !t.args.Has("executable") {
		return nil
	}
	cmd := t.command(t.dest, nil, "--version")
	cmd.Under = nil
	if _, err := cmd.Run(t.ctx, t.env); err != nil {
		return cmd.Refused(t.env, err)
	}
	return nil
}

// run clones or updates, and then checks out what was asked for.
func (t *task) run() *module.Result {
	t.r.Set("before", nil)
	there := t.dest != "" && files.Exists(filepath.Join(t.dir, "config"))
	clone := t.args.Bool("clone")
	if (t.dest == "" || !there) && (!clone || t.env.Check) {
		return t.predict(t.repo)
	}
	var local, moved bool
	switch {
	case !there:
		if failed := t.clone(); failed != nil {
			return failed
		}
	case !t.args.Bool("update"):
		before := t.commit()
		t.r.Set("before", before).Set("after", before)
		return t.archive()
	default:
		var failed *module.Result
		if local, moved, failed = t.update(); failed != nil || t.env.Check {
			return failed
		}
	}
	if !t.bare {
		if failed := t.checkout(); failed != nil {
			return failed
		}
	}
	submodules := false
	if t.args.Bool("recursive") && !t.bare {
		var failed *module.Result
		if submodules, failed = t.submodules(); failed != nil {
			return failed
		}
		if submodules {
			t.r.Set("submodules_changed", true)
		}
	}
	before, after := t.r.Get("before"), t.commit()
	t.r.Set("after", after)
	if before != after || local || submodules || moved {
		t.r.Changed = true
		if failed := t.describe(); failed != nil {
			return failed
		}
	}
	return t.archive()
}

// predict tells what a run would check out.
func (t *task) predict(remote string) *module.Result {
	head, failed := t.remoteHead(remote)
	if failed != nil {
		return failed
	}
	t.r.Set("after", head)
	t.r.Changed = true
	return t.describe()
}

// update fetches into a checkout that is there. In check mode it only predicts.
func (t *task) update() (local, moved bool, failed *module.Result) {
	if !t.bare {
		out, err := t.git("status", "--porcelain", "--untracked-files=no")
		if err != nil {
			return false, false, module.Fail("%s", err)
		}
		local = strings.TrimSpace(out.Stdout) != ""
	}
	before := t.commit()
	t.r.Set("before", before)
	if local {
		msg := "Local modifications exist in the destination: " + t.dest
		if !t.args.Bool("force") {
			failed := module.Fail("%s (force=no).", msg)
			failed.Changed, failed.Fields = t.r.Changed, t.r.Fields // the repository may have moved
			return local, false, failed
		}
		if !t.env.Check {
			if _, failed := t.must("reset", "--hard", "HEAD"); failed != nil {
				return local, false, failed
			}
			t.r.Changed, t.r.Msg = true, msg
		}
	}
	if moved, failed = t.setURL(); failed != nil {
		return local, moved, failed
	}
	t.r.Set("remote_url_changed", moved)
	if !t.env.Check {
		return local, moved, t.fetch()
	}
	head, failed := t.remoteHead(t.remote)
	if failed != nil {
		return local, moved, failed
	}
	t.r.Set("after", head)
	t.r.Changed = t.r.Changed || before != head || moved
	return local, moved, t.describe()
}

// describe adds the diff between the commits before and after.
func (t *task) describe() *module.Result {
	before, _ := t.r.Get("before").(string)
	after, _ := t.r.Get("after").(string)
	if !t.env.Diff || before == after {
		return nil
	}
	text := ">> Newly checked out " + after
	if before != "" {
		out, failed := t.compare(before, after)
		switch {
		case failed != nil:
			return failed
		case out.RC != 0:
			text = fmt.Sprintf(">> Failed to get proper diff between %s and %s:\n>> %s", before, after, out.Stderr)
		case out.Stdout == "":
			text = fmt.Sprintf(">> No visual differences between %s and %s", before, after)
		default:
			text = out.Stdout
		}
	}
	t.r.Diff = value.MapOf("prepared", text)
	return nil
}

// archive writes an archive of the version, unless it is there and the same.
func (t *task) archive() *module.Result {
	path := t.args.String("archive")
	if path == "" {
		return nil
	}
	if t.env.Check {
		t.r.Changed = true
		return nil
	}
	format := map[string]string{".zip": "zip", ".gz": "tar.gz", ".tar": "tar", ".tgz": "tgz"}[filepath.Ext(path)]
	if format == "" {
		return module.Fail("Unable to get file extension from archive file name : %s", path).
			Set("details", "Please specify archive as filename with extension. File extension can be one of ['tar', 'tar.gz', 'zip', 'tgz']")
	}
	dir, err := t.env.TempDir()
	if err != nil {
		return module.Fail("%s", err)
	}
	fresh := filepath.Join(dir, "archive."+format)
	words := []string{"archive", "--format", format, "--output", fresh}
	if t.args.Has("archive_prefix") {
		words = append(words, "--prefix", t.args.String("archive_prefix"))
	}
	out, err := t.git(append(words, t.version)...)
	if err != nil {
		return module.Fail("%s", err)
	}
	if out.RC != 0 {
		return module.Fail("Failed to perform archive operation").
			Set("details", fmt.Sprintf("Git archive command failed to create archive %s using %s directory.Error: %s", path, t.dest, out.Stderr))
	}
	if have, err := files.SHA1OfFile(path); err == nil {
		if now, err := files.SHA1OfFile(fresh); err == nil && now == have {
			t.r.Changed = false
			return nil
		}
	}
	in, err := os.Open(fresh)
	if err != nil {
		return module.Fail("%s", err)
	}
	defer in.Close()
	mode := files.Attrs{Mode: int(0o666 &^ t.umask)}
	if _, err := (files.Replacement{Path: path, Attrs: mode}).Write(t.ctx, in); err != nil {
		return module.Fail("Failed to move %s to %s", fresh, path).Set("details", err.Error())
	}
	t.r.Changed = true
	return nil
}
