// Package dnf is the module for packages of machines of Red Hat's kind. It
// drives dnf, or yum where that is what there is: whether there is anything to
// do, rpm often tells in milliseconds; what becomes of packages, the table that
// dnf writes before it begins.
package dnf

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module is dnf, Yum the same for the program that was there before.
var (
	Module = module.Target{Spec: specOf("ansible.builtin.dnf",
		flag("allowerasing", false, "Remove packages that are in the way."),
		flag("nobest", false, "Take an older version where the newest cannot be installed.")),
		Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
			return run(ctx, env, args, "dnf")
		}}
	Yum = module.Target{Spec: specOf("ansible.builtin.yum"),
		Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
			return run(ctx, env, args, "yum")
		}}
)

func flag(name string, value bool, doc string, aliases ...string) module.Param {
	return module.Param{Name: name, Type: module.Bool, Default: value, Aliases: aliases, Doc: doc}
}

func specOf(name module.Name, more ...module.Param) module.Spec {
	texts := func(name, doc string) module.Param {
		return module.Param{Name: name, Type: module.List, Elements: module.Str, Default: []any{}, Doc: doc}
	}
	names := texts("name", "Packages, with versions where one is meant, groups as @name, files or addresses of packages.")
	names.Aliases = []string{"pkg"}
	return module.Spec{
		Name:    name,
		Summary: "Installs, upgrades and removes packages with dnf.",
		Params: slices.Concat([]module.Param{
			names,
			{Name: "state", Choices: []any{"absent", "installed", "latest", "present", "removed"}, Doc: "What shall be with the packages; present, or absent with autoremove."},
			{Name: "list", Doc: "List packages instead: installed, updates, available, repos, or those of a name."},
			flag("update_cache", false, "Fetch the lists of packages first.", "expire-cache"),
			flag("update_only", false, "With latest: leave packages out that are not installed."),
			flag("autoremove", false, "Remove packages that nothing needs any more."),
			flag("allow_downgrade", false, "Install versions older than what is there."),
			flag("bugfix", false, "With latest: only what fixes bugs."),
			flag("security", false, "With latest: only what is about security."),
			flag("cacheonly", false, "Use what was fetched before; do not fetch."),
			flag("disable_gpg_check", false, "Do not check signatures of packages."),
			flag("download_only", false, "Fetch the packages and leave it at that."),
			{Name: "download_dir", Doc: "Where to put them."},
			{Name: "conf_file", Doc: "dnf's configuration."},
			{Name: "disable_excludes", Doc: "Configuration whose exclusions do not count: all, main or a repository."},
			texts("disable_plugin", "Plugins to leave out."),
			texts("enable_plugin", "Plugins to use."),
			texts("disablerepo", "Repositories to leave out."),
			texts("enablerepo", "Repositories to use as well."),
			texts("exclude", "Packages to leave out."),
			{Name: "installroot", Default: "/", Doc: "Root of the machine to work on."},
			flag("install_repoquery", true, "Of no meaning: nothing has to be installed for it."),
			flag("install_weak_deps", true, "Install what packages recommend."),
			{Name: "lock_timeout", Type: module.Int, Default: 30, Doc: "Of no meaning: dnf waits for others that change packages."},
			{Name: "releasever", Doc: "Release to take packages of."},
			flag("skip_broken", false, "Leave out what cannot be installed."),
			flag("sslverify", true, "Check the certificates of repositories."),
			flag("validate_certs", true, "Check certificates of servers that packages are fetched from by address."),
		}, more),
		Rules: module.Rules{
			RequiredOneOf:     [][]string{{"name", "list", "update_cache"}},
			MutuallyExclusive: [][]string{{"name", "list"}},
		},
		HintDoc: "HostExclusive(rpm); FullyParallel in check mode",
		HintsFor: func(_ module.Args, check bool) []parallel.Hint {
			if check {
				return []parallel.Hint{parallel.Free()}
			}
			return []parallel.Hint{parallel.Host("rpm")}
		},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "results", Type: module.List, When: "always", Doc: "What became of which package, or the list asked for."},
			{Name: "failures", Type: module.List, When: "failed", Doc: "What went wrong with which package."},
			{Name: "rc", Type: module.Int, When: "always", Doc: "0, or 1 after a failure."},
		},
	}
}

// task is one run of the module.
type task struct {
	ctx     context.Context
	env     *module.Env
	args    module.Args
	program string // dnf or yum
	results []any

	best    bool     // nothing but the newest will do
	asking  bool     // what would happen, without check mode
	noRepos []string // patterns of repositories that there are none of
}

func run(ctx context.Context, env *module.Env, args module.Args, program string) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, program: program, results: []any{}}
	if _, err := tool.Require(env, program); err != nil {
		return t.fail("%s", err)
	}
	return t.run()
}

func (t *task) run() *module.Result {
	names := t.split("name")
	for _, n := range names {
		if strings.Contains(n, " ") && !strings.ContainsAny(n, "@><=") {
			return module.Fail("It appears that a space separated string of packages was passed in as an argument. To operate on several packages, pass a comma separated string of packages or a list of packages.")
		}
	}
	state := t.args.String("state")
	if t.args.Bool("autoremove") && state != "" && state != "absent" {
		return t.fail("Autoremove should be used alone or with state=absent")
	}
	if file := t.args.String("conf_file"); file != "" && unix.Access(file, unix.R_OK) != nil {
		return t.fail("cannot read configuration file").Set("conf_file", file)
	}
	list := t.args.Has("list")
	cacheOnly := t.args.Bool("update_cache") && len(names) == 0 && !list
	if !list && !cacheOnly && os.Geteuid() != 0 && !t.args.Bool("download_only") {
		return t.fail("This command has to be run under the root user.")
	}
	if t.args.Bool("update_cache") {
		// In check mode, too: what there is to install it can tell only from the lists.
		if out, err := t.call("makecache"); err != nil {
			return t.fail("%s", err)
		} else if out.RC != 0 {
			return t.failed(out)
		}
	}
	switch {
	case cacheOnly:
		return module.OK().Set("msg", "Cache updated").Set("results", t.results).Set("rc", 0)
	case list:
		return t.list(t.args.String("list"))
	}
	return t.ensure(names)
}

func (t *task) fail(format string, args ...any) *module.Result {
	return module.Fail(format, args...).Set("results", []any{})
}

// split is a list in which a playbook may have several in one string; those come last.
func (t *task) split(param string) []string {
	var alone, parts []string
	for _, n := range t.args.Strings(param) {
		if !strings.Contains(n, ",") {
			alone = append(alone, strings.TrimSpace(n))
		}
		for part := range strings.SplitSeq(n, ",") {
			if part = strings.TrimSpace(part); strings.Contains(n, ",") {
				parts = append(parts, part)
			}
		}
	}
	return slices.DeleteFunc(append(alone, parts...), func(s string) bool { return s == "" })
}

// options are those of every command.
func (t *task) options() []string {
	var argv []string
	flag := func(param string, when bool, words ...string) {
		if t.args.Bool(param) == when {
			argv = append(argv, words...)
		}
	}
	each := func(param, option string) {
		for _, v := range t.split(param) {
			if !slices.Contains(t.noRepos, v) {
				argv = append(argv, option+"="+v)
			}
		}
	}
	text := func(param, option string) {
		if v := t.args.String(param); v != "" && v != "/" {
			argv = append(argv, option+"="+v)
		}
	}
	text("conf_file", "--config")
	text("installroot", "--installroot")
	text("releasever", "--releasever")
	text("disable_excludes", "--disableexcludes")
	each("disable_plugin", "--disableplugin")
	each("enable_plugin", "--enableplugin")
	each("disablerepo", "--disablerepo")
	each("enablerepo", "--enablerepo")
	each("exclude", "--exclude")
	flag("disable_gpg_check", true, "--nogpgcheck")
	flag("disable_gpg_check", false, "--setopt=gpgcheck=1", "--setopt=localpkg_gpgcheck=1")
	flag("autoremove", true, "--setopt=clean_requirements_on_remove=1")
	flag("autoremove", false, "--setopt=clean_requirements_on_remove=0") // what a package brought along stays
	flag("sslverify", false, "--setopt=sslverify=0")
	flag("cacheonly", true, "--cacheonly")
	if t.program == "dnf" {
		flag("install_weak_deps", false, "--setopt=install_weak_deps=0")
		flag("nobest", true, "--nobest")
		if t.best {
			argv = append(argv, "--best")
		}
		flag("allowerasing", true, "--allowerasing")
	}
	flag("skip_broken", true, "--skip-broken")
	flag("bugfix", true, "--bugfix")
	flag("security", true, "--security")
	if t.args.Bool("download_only") {
		argv = append(argv, "--downloadonly")
		text("download_dir", "--downloaddir")
	}
	return argv
}

var unknownRepo = lazyregexp.New(`(?m)^Error: Unknown repo: '(.*)'$`)

// call runs dnf so that it asks nobody anything and does not break lines. Patterns
// that no repository answers to are left out, which dnf takes for mistakes.
func (t *task) call(words ...string) (tool.Output, error) {
	answer := "--assumeyes"
	if t.env.Check || t.asking {
		answer = "--assumeno"
	}
	for {
		argv := slices.Concat([]string{t.program, answer}, t.options(), words)
		out, err := tool.Cmd{Argv: argv, Env: map[string]string{"COLUMNS": "500"}}.Run(t.ctx, t.env)
		if err != nil || out.RC == 0 {
			return out, err
		}
		m := unknownRepo.FindStringSubmatch(out.Stderr)
		if m == nil || slices.Contains(t.noRepos, m[1]) {
			return out, nil
		}
		t.noRepos = append(t.noRepos, m[1])
	}
}

// list answers the parameter list.
func (t *task) list(what string) *module.Result {
	results := []any{}
	var failed *module.Result
	switch what {
	case "repos", "repositories":
		out, err := t.call("--quiet", "repolist", "--enabled")
		switch {
		case err != nil:
			return t.fail("%s", err)
		case out.RC != 0:
			return t.failed(out)
		}
		for i, line := range strings.Split(strings.TrimSpace(out.Stdout), "\n") {
			if words := strings.Fields(line); i > 0 && len(words) > 0 {
				results = append(results, value.MapOf("repoid", words[0], "state", "enabled"))
			}
		}
	case "installed":
		results, failed = t.query("installed", "--installed")
	case "updates", "upgrades":
		results, failed = t.query("available", "--upgrades")
	case "available":
		results, failed = t.query("available", "--available")
	default:
		if results, failed = t.query("installed", "--installed", what); failed == nil {
			var more []any
			more, failed = t.query("available", "--available", what)
			results = append(results, more...)
		}
	}
	if failed != nil {
		return failed
	}
	return module.OK().Set("msg", "").Set("results", results)
}

// query lists packages; state is what they are.
func (t *task) query(state string, words ...string) ([]any, *module.Result) {
	out, err := t.call(append([]string{"--quiet", "repoquery", "--queryformat", "%{name}\t%{arch}\t%{epoch}\t%{version}\t%{release}\t%{repoid}"}, words...)...)
	if err != nil {
		return nil, t.fail("%s", err)
	}
	if out.RC != 0 {
		return nil, t.failed(out)
	}
	results := []any{}
	for line := range strings.Lines(out.Stdout) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 6 {
			continue
		}
		envra := fmt.Sprintf("%s:%s-%s-%s.%s", f[2], f[0], f[3], f[4], f[1])
		results = append(results, value.MapOf("name", f[0], "arch", f[1], "epoch", f[2], "release", f[4], "version", f[3], "repo", f[5],
			"envra", envra, "nevra", envra, "yumstate", state))
	}
	return results, nil
}
