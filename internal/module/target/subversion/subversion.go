// Package subversion is the module that deploys from Subversion repositories. It
// drives the svn program.
package subversion

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/dpkg"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module brings a checkout to a revision of a repository.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.subversion",
		Summary: "Deploys a Subversion repository.",
		Params: []module.Param{
			{Name: "repo", Required: true, Aliases: []string{"name", "repository"}, Doc: "The repository's address."},
			{Name: "dest", Type: module.Path, Doc: "Where the checkout goes."},
			{Name: "revision", Default: "HEAD", Aliases: []string{"rev", "version"}, Doc: "The revision."},
			{Name: "force", Type: module.Bool, Default: false, Doc: "Give up what was changed in the checkout, or is in the way of an export."},
			{Name: "in_place", Type: module.Bool, Default: false, Doc: "Check out into a directory that is there."},
			{Name: "username", Doc: "User to log in as."},
			{Name: "password", NoLog: true, Doc: "Password to log in with."},
			{Name: "executable", Type: module.Path, Doc: "The svn program."},
			{Name: "checkout", Type: module.Bool, Default: true, Doc: "Make the checkout if it is not there."},
			{Name: "update", Type: module.Bool, Default: true, Doc: "Fetch what is new if it is there."},
			{Name: "export", Type: module.Bool, Default: false, Doc: "Take the files alone, without what svn keeps of them."},
			{Name: "switch", Type: module.Bool, Default: true, Doc: "Switch a checkout of another place in the repository."},
			{Name: "validate_certs", Type: module.Bool, Default: false, Doc: "Check the server's certificate."},
		},
		// As with git: checkouts do not mind one another, but svn locks each.
		HintDoc: "HostExclusive(svn:DEST); FullyParallel in check mode",
		HintsFor: func(args module.Args, check bool) []parallel.Hint {
			if dest := args.String("dest"); dest != "" && !check {
				return []parallel.Hint{parallel.Host("svn:" + filepath.Clean(dest))}
			}
			return []parallel.Hint{parallel.Free()}
		},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "before", Type: module.List, When: "success", Doc: "Revision and address of what was checked out."},
			{Name: "after", Type: module.List, When: "success", Doc: "Revision and address of what is."},
		},
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx    context.Context
	env    *module.Env
	args   module.Args
	argv   []string // svn with the options of every command
	stdin  string
	dest   string
	r      *module.Result
	failed *module.Result // of the first command that failed
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, dest: args.String("dest"), r: module.OK()}
	svn := args.String("executable")
	if svn == "" {
		var err error
		if svn, err = tool.Require(env, "svn"); err != nil {
			return module.Fail("%s", err)
		}
	}
	checkout, update, export := args.Bool("checkout"), args.Bool("update"), args.Bool("export")
	if t.dest == "" && (checkout || update || export) {
		return module.Fail("the destination directory must be specified unless checkout=no, update=no, and export=no")
	}
	t.argv = []string{svn, "--non-interactive", "--no-auth-cache"}
	t.login(svn)
	if !export && !update && !checkout {
		t.r.Set("after", t.revision("info", args.String("repo")))
	} else {
		t.do(checkout, update, export)
	}
	if t.failed != nil {
		t.failed.Warnings = t.r.Warnings
		return t.failed
	}
	return t.r
}

// login adds who we are; the password stays out of the list of processes where
// svn can read it.
func (t *task) login(svn string) {
	if !t.args.Bool("validate_certs") {
		t.argv = append(t.argv, "--trust-server-cert")
	}
	if user := t.args.String("username"); user != "" {
		t.argv = append(t.argv, "--username", user)
	}
	password := t.args.String("password")
	if password == "" {
		return
	}
	out, err := tool.Run(t.ctx, t.env, svn, "--version", "--quiet")
	if err == nil && dpkg.Compare(strings.TrimSpace(out.Stdout), "1.10.0") >= 0 {
		t.argv, t.stdin = append(t.argv, "--password-from-stdin"), password
		return
	}
	t.r.Warnings = append(t.r.Warnings, "The authentication provided will be used on the svn command line and is not secure. "+
		"To securely pass credentials, upgrade svn to version 1.10.0 or greater.")
	t.argv = append(t.argv, "--password", password)
}

// svn runs a command and returns its output. After a failure it does nothing.
func (t *task) svn(words ...string) string {
	if t.failed != nil {
		return ""
	}
	var out tool.Output
	out, t.failed = tool.Cmd{Argv: append(t.argv[:len(t.argv):len(t.argv)], words...), Stdin: t.stdin}.Checked(t.ctx, t.env)
	return out.Stdout
}

var (
	revisionLine = lazyregexp.New(`(?m)^[\pL\d_]+\s?:\s+\d+$`) // in whatever language
	urlLine      = lazyregexp.New(`(?m)^URL\s?:.*$`)
	change       = lazyregexp.New(`(?m)^[ABDUCGE]\s`)
)

func (t *task) revision(words ...string) string {
	if line := revisionLine.FindString(t.svn(words...)); line != "" {
		return line
	}
	if t.args.String("repo") == words[len(words)-1] {
		return "Unable to get remote revision"
	}
	return "Unable to get revision"
}

// here is the revision and address of the checkout.
func (t *task) here() []any {
	text := t.svn("info", t.dest)
	rev, url := revisionLine.FindString(text), urlLine.FindString(text)
	if rev == "" {
		rev = "Unable to get revision"
	}
	if url == "" {
		url = "Unable to get URL"
	}
	return []any{rev, url}
}

func (t *task) modified() bool {
	for line := range strings.Lines(t.svn("status", "--quiet", "--ignore-externals", t.dest)) {
		if line[0] != '?' && line[0] != 'X' && strings.TrimSpace(line) != "" {
			return true
		}
	}
	return false
}

func number(line string) int {
	_, text, _ := strings.Cut(line, ":")
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0
	}
	return n
}

func (t *task) do(checkout, update, export bool) {
	repo, rev, force := t.args.String("repo"), t.args.String("revision"), t.args.Bool("force")
	r := t.r
	if export || !files.Exists(t.dest) {
		switch {
		case t.env.Check:
			r.Changed = true
		case export:
			words := []string{"export"}
			if force {
				words = append(words, "--force")
			}
			t.svn(append(words, "-r", rev, repo, t.dest)...)
			r.Changed = true
		case checkout:
			t.svn("checkout", "-r", rev, repo, t.dest)
			r.Changed = true
			r.Set("before", nil).Set("after", t.here())
		}
		return
	}
	out, err := tool.Run(t.ctx, t.env, append(t.argv[:len(t.argv):len(t.argv)], "info", t.dest)...)
	switch {
	case err != nil:
		t.failed = module.Fail("%s", err)
	case out.RC == 0 && !update:
	case out.RC == 0 && t.env.Check:
		if t.modified() && !force {
			t.failed = module.Fail("ERROR: modified files exist in the repository.")
			return
		}
		before, after := t.revision("info", t.dest), t.revision("info", "-r", rev, t.dest)
		r.Changed = number(before) < number(after)
		r.Set("before", before).Set("after", after)
	case out.RC == 0:
		t.update(repo, rev, force)
	case t.args.Bool("in_place"):
		if r.Changed = true; t.env.Check {
			return
		}
		t.svn("checkout", "--force", "-r", rev, repo, t.dest)
		if t.modified() && force {
			t.svn("revert", "-R", t.dest)
		}
		r.Set("before", nil).Set("after", t.here())
	default:
		t.failed = module.Fail("ERROR: %s folder already exists, but its not a subversion repository.", t.dest)
	}
}

// update brings a checkout up to date. What was changed in it is looked for
// before the switch, which shows as changes too, and given up after it, to get
// what belongs there.
func (t *task) update(repo, rev string, force bool) {
	before, modified := t.here(), t.modified()
	changed := false
	if t.args.Bool("switch") {
		changed = change.MatchString(t.svn("switch", "--revision", rev, repo, t.dest))
	}
	if modified {
		if !force {
			if t.failed == nil {
				t.failed = module.Fail("ERROR: modified files exist in the repository.")
			}
			return
		}
		t.svn("revert", "-R", t.dest)
	}
	changed = change.MatchString(t.svn("update", "-r", rev, t.dest)) || changed
	t.r.Changed = changed || modified
	t.r.Set("before", before).Set("after", t.here())
}
