package git

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
)

func (t *task) command(dir string, env map[string]string, words ...string) tool.Cmd {
	all := map[string]string{"GIT_SSH_COMMAND": t.ssh, "GIT_TERMINAL_PROMPT": "0"}
	if t.env.Check {
		all["GIT_OPTIONAL_LOCKS"] = "0" // or a look at the status would write the index
	}
	maps.Copy(all, env)
	return tool.Cmd{Under: t.before, Argv: t.words(words), Dir: dir, Env: all}
}

// git runs git in the checkout.
func (t *task) git(words ...string) (tool.Output, error) {
	return t.command(t.dest, nil, words...).Run(t.ctx, t.env)
}

// must is git for what has to succeed.
func (t *task) must(words ...string) (tool.Output, *module.Result) {
	return t.command(t.dest, nil, words...).Checked(t.ctx, t.env)
}

// commit is what is checked out.
func (t *task) commit() string {
	out, err := t.git("rev-parse", "HEAD")
	if err != nil {
		return ""
	}
	return strings.TrimRight(out.Stdout, "\n")
}

// remoteRefs are what a remote has under the name of the version.
type remoteRefs struct{ head, branch, tag string }

// lookup asks the remote about the version.
func (t *task) lookup(remote string) (*remoteRefs, *module.Result) {
	if t.refs != nil {
		return t.refs, nil
	}
	dir := t.dest
	if !files.IsDir(dir) {
		dir = "/"
	}
	branch, tag := "refs/heads/"+t.version, "refs/tags/"+t.version
	out, failed := t.command(dir, nil, "ls-remote", remote, "HEAD", branch, tag, tag+"^{}").Checked(t.ctx, t.env)
	if failed != nil {
		return nil, failed
	}
	refs := &remoteRefs{}
	for line := range strings.Lines(out.Stdout) {
		sha, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		switch name {
		case "HEAD":
			refs.head = sha
		case branch:
			refs.branch = sha
		case tag:
			if refs.tag == "" {
				refs.tag = sha
			}
		case tag + "^{}": // the commit that an annotated tag means
			refs.tag = sha
		}
	}
	t.refs = refs
	return refs, nil
}

// remoteHead is the commit that the version means on the remote. What is neither
// branch nor tag there is taken for a commit.
func (t *task) remoteHead(remote string) (string, *module.Result) {
	refs, failed := t.lookup(remote)
	if failed != nil {
		return "", failed
	}
	switch {
	case t.version == "HEAD" && remote != t.repo:
		branch, err := t.headBranch()
		if err != nil {
			return "", module.Fail("%s", err)
		}
		out, failed := t.must("ls-remote", remote, "refs/heads/"+branch)
		if failed != nil {
			return "", failed
		}
		sha, _, _ := strings.Cut(out.Stdout, "\t")
		refs = &remoteRefs{head: sha}
		fallthrough
	case t.version == "HEAD":
		if refs.head == "" {
			return "", tool.Output{}.Fail("Could not determine remote revision for %s", t.version)
		}
		return refs.head, nil
	case refs.branch != "":
		return refs.branch, nil
	case refs.tag != "":
		return refs.tag, nil
	}
	return t.version, nil
}

// headBranch is the branch that HEAD means: of the checkout, or of the remote
// where the checkout is on none.
func (t *task) headBranch() (string, error) {
	for _, ref := range []string{"HEAD", "refs/remotes/" + t.remote + "/HEAD"} {
		out, err := t.git("symbolic-ref", "--quiet", ref)
		if err != nil {
			return "", err
		}
		if out.RC == 0 {
			name := strings.TrimSpace(out.Stdout)
			for _, prefix := range []string{"refs/heads/", "refs/remotes/" + t.remote + "/"} {
				name = strings.TrimPrefix(name, prefix)
			}
			return name, nil
		}
	}
	return "", errors.New("Unable to determine the branch of HEAD in " + t.dest)
}

func (t *task) clone() *module.Result {
	parent := filepath.Dir(t.dest)
	if err := os.MkdirAll(parent, 0o777&^t.umask); err != nil {
		return module.Fail("%s", err)
	}
	words := []string{"clone", "--origin", t.remote}
	if t.bare {
		words = []string{"clone", "--bare"}
	}
	refs, failed := t.lookup(t.repo)
	if failed != nil {
		return failed
	}
	named, refspec := refs.branch != "" || refs.tag != "", t.args.String("refspec")
	if t.depth != 0 {
		switch {
		case t.version == "HEAD" || refspec != "":
			words = append(words, "--depth", strconv.Itoa(t.depth))
		case named:
			words = append(words, "--depth", strconv.Itoa(t.depth), "--branch", t.version)
		default:
			t.r.Warnings = append(t.r.Warnings, "Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or in combination with refspec.")
		}
	}
	if reference := t.args.String("reference"); reference != "" {
		words = append(words, "--reference", reference)
	}
	if t.args.Bool("single_branch") {
		if words = append(words, "--single-branch"); named {
			words = append(words, "--branch", t.version)
		}
	}
	if separate := t.args.String("separate_git_dir"); separate != "" {
		words = append(words, "--separate-git-dir="+files.RealPath(separate))
	}
	if _, failed := t.command(parent, nil, append(words, t.repo, t.dest)...).Checked(t.ctx, t.env); failed != nil {
		return failed
	}
	if t.bare && t.remote != "origin" {
		if _, failed := t.must("remote", "add", t.remote, t.repo); failed != nil {
			return failed
		}
	}
	if refspec != "" {
		words := []string{"fetch"}
		if t.depth != 0 {
			words = append(words, "--depth", strconv.Itoa(t.depth))
		}
		if _, failed := t.must(append(words, t.remote, refspec)...); failed != nil {
			return failed
		}
	}
	if t.args.Bool("verify_commit") {
		return t.verify()
	}
	return nil
}

// setURL gives the remote the address asked for and reports whether it had
// another one.
func (t *task) setURL() (changed bool, failed *module.Result) {
	out, err := t.git("ls-remote", "--get-url", t.remote)
	if err != nil {
		return false, module.Fail("%s", err)
	}
	have := strings.TrimRight(out.Stdout, "\n")
	if out.RC != 0 || have == t.repo || localPath(have) == localPath(t.repo) {
		return false, nil
	}
	if t.env.Check {
		return true, nil
	}
	t.refs = nil
	if out, err = t.git("remote", "set-url", t.remote, t.repo); err == nil && out.RC != 0 {
		err = fmt.Errorf("Failed to set a new url %s for %s: %s %s", t.repo, t.remote, out.Stdout, out.Stderr)
	}
	if err != nil {
		return false, module.Fail("%s", err)
	}
	return true, nil
}

// localPath is an address as a path, so that two ways to write one are the same.
func localPath(url string) string {
	if strings.HasPrefix(url, "/") {
		return files.RealPath(url)
	}
	return url
}

func (t *task) fetch() *module.Result {
	words := []string{"fetch"}
	var refspecs []string
	refspec := t.args.String("refspec")
	if t.depth != 0 {
		var failed *module.Result
		if refspecs, failed = t.shallow(refspec); failed != nil {
			return failed
		}
	}
	if len(refspecs) > 0 {
		words = append(words, "--depth", strconv.Itoa(t.depth))
	} else {
		if t.bare {
			refspecs = []string{"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"}
		} else {
			words = append(words, "--tags")
		}
		if refspec != "" {
			refspecs = append(refspecs, refspec)
		}
	}
	if t.args.Bool("force") {
		words = append(words, "--force")
	}
	return t.fetched(nil, append(append(words, t.remote), refspecs...))
}

// fetched runs a command that fetches.
func (t *task) fetched(env map[string]string, words []string) *module.Result {
	out, err := t.command(t.dest, env, words...).Run(t.ctx, t.env)
	switch {
	case err != nil:
		return module.Fail("%s", err)
	case out.RC != 0:
		return module.Fail("Failed to download remote objects and refs: %s %s", out.Stdout, out.Stderr).Set("cmd", value.FromGo(t.words(words)))
	}
	return nil
}

// shallow is the least that has to be fetched for the version.
func (t *task) shallow(refspec string) ([]string, *module.Result) {
	if refspec != "" {
		return []string{refspec}, nil
	}
	refs, failed := t.lookup(t.repo)
	if failed != nil {
		return nil, failed
	}
	head, err := t.headBranch()
	if err != nil && t.version == "HEAD" {
		return nil, module.Fail("%s", err)
	}
	v := t.version
	switch {
	case v == "HEAD":
		return []string{head}, nil
	case refs.branch != "":
		list := []string{fmt.Sprintf("+refs/heads/%s:refs/remotes/%s/%s", v, t.remote, v)}
		if head != v {
			list = append([]string{fmt.Sprintf("+refs/heads/%s:refs/heads/%s", v, v)}, list...)
		}
		return list, nil
	case refs.tag != "":
		return []string{"+refs/tags/" + v + ":refs/tags/" + v}, nil
	}
	return nil, nil // a commit: only all of it is sure to have it
}

// checkout switches to the version.
func (t *task) checkout() *module.Result {
	if t.version == "HEAD" {
		branch, err := t.headBranch()
		if err != nil {
			return module.Fail("%s", err)
		}
		for _, words := range [][]string{{"checkout", "--force", branch, "--"}, {"reset", "--hard", t.remote + "/" + branch, "--"}} {
			if failed := t.try("Failed to checkout branch "+branch, words...); failed != nil {
				return failed
			}
		}
	} else if failed := t.toVersion(); failed != nil {
		return failed
	}
	if t.args.Bool("verify_commit") {
		return t.verify()
	}
	return nil
}

func (t *task) try(failure string, words ...string) *module.Result {
	out, err := t.git(words...)
	switch {
	case err != nil:
		return module.Fail("%s", err)
	case out.RC != 0:
		return out.Fail("%s", failure)
	}
	return nil
}

func (t *task) words(words []string) []string { return append([]string{t.program}, words...) }

// switchTo is the command that brings the version about.
func (t *task) switchTo(words ...string) *module.Result {
	failed := t.try("Failed to checkout "+t.version, words...)
	if failed != nil {
		failed.Set("cmd", strings.Join(t.words(words), " "))
	}
	return failed
}

func (t *task) toVersion() *module.Result {
	v := t.version
	refs, failed := t.lookup(t.remote)
	if failed != nil {
		return failed
	}
	if refs.branch == "" {
		return t.switchTo("checkout", "--force", v)
	}
	local := func() bool {
		out, err := t.git("show-ref", "--verify", "--quiet", "refs/heads/"+v)
		return err == nil && out.RC == 0
	}
	if !local() && t.depth != 0 {
		// A shallow clone has no other branch to switch to.
		failed := t.try("Failed to fetch branch from remote: "+v, "fetch", "--depth="+strconv.Itoa(t.depth), t.remote,
			fmt.Sprintf("+refs/heads/%s:refs/heads/%s", v, v), fmt.Sprintf("+refs/heads/%s:refs/remotes/%s/%s", v, t.remote, v))
		if failed != nil {
			return failed
		}
	}
	if !local() {
		return t.switchTo("checkout", "--track", "-b", v, t.remote+"/"+v)
	}
	if failed := t.try("Failed to checkout branch "+v, "checkout", "--force", v, "--"); failed != nil {
		return failed
	}
	return t.switchTo("reset", "--hard", t.remote+"/"+v, "--")
}

// verify checks the signature of the commit or tag.
func (t *task) verify() *module.Result {
	verb := "verify-commit"
	if out, err := t.git("cat-file", "-t", "refs/tags/"+t.version); err == nil && strings.TrimSpace(out.Stdout) == "tag" {
		verb = "verify-tag"
	}
	words, allowed := []string{verb, t.version}, t.args.Strings("gpg_whitelist")
	if len(allowed) > 0 {
		words = append(words, "--raw")
	}
	out, err := t.git(words...)
	switch {
	case err != nil:
		return module.Fail("%s", err)
	case out.RC != 0:
		return out.Fail("Failed to verify GPG signature of commit/tag \"%s\"", t.version)
	case len(allowed) == 0:
		return nil
	}
	signer := signer(out.Stderr)
	if !slices.Contains(allowed, signer) {
		return out.Fail("The gpg_whitelist does not include the public key \"%s\" for this commit", signer)
	}
	return nil
}

// signer is the fingerprint of the primary key in what gpg says of a signature.
func signer(text string) string {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 3 || words[1] != "VALIDSIG" {
			continue
		}
		if len(words) >= 12 { // signed with a subkey: the primary key comes last
			return words[11]
		}
		return words[2]
	}
	return ""
}

// compare is the diff of two commits. In check mode what the repository has is
// fetched into a place of its own, so that the checkout's stays as it is.
func (t *task) compare(before, after string) (tool.Output, *module.Result) {
	var env map[string]string
	if t.env.Check {
		dir, err := t.env.TempDir()
		if err != nil {
			return tool.Output{}, module.Fail("%s", err)
		}
		objects := filepath.Join(dir, "objects")
		if err := os.MkdirAll(filepath.Join(objects, "pack"), 0o700); err != nil {
			return tool.Output{}, module.Fail("%s", err)
		}
		env = map[string]string{"GIT_OBJECT_DIRECTORY": objects, "GIT_ALTERNATE_OBJECT_DIRECTORIES": filepath.Join(t.dir, "objects")}
		words := []string{"fetch", "--dry-run", "--no-auto-maintenance", "--tags", t.repo, "+refs/heads/*:refs/remotes/" + t.remote + "/*"}
		if failed := t.fetched(env, words); failed != nil {
			return tool.Output{}, failed
		}
	}
	out, err := t.command(t.dest, env, "diff", before, after).Run(t.ctx, t.env)
	if err != nil {
		return out, module.Fail("%s", err)
	}
	return out, nil
}
