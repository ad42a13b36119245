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

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module is dnf, Yum the same under its old name.
var (
	Module = module.Target{Spec: specOf("ansible.builtin.dnf",
		flag("allowerasing", false, "Remove packages that are in the way."),
		flag("nobest", false, "Take an older version where the newest cannot be installed.")), Run: run}
	Yum = module.Target{Spec: specOf("ansible.builtin.yum",
		module.Param{Name: "use_backend", Default: "auto", Choices: []any{"auto", "yum", "yum4", "dnf"}, Doc: "The program; auto takes dnf if it is there."}), Run: run}
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
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, results: []any{}}
	backend := args.String("use_backend")
	switch {
	case backend == "yum" && tool.Find(env, "yum") != "":
		t.program = "yum"
	case tool.Find(env, "dnf") != "":
		t.program = "dnf"
	case tool.Find(env, "yum") != "":
		t.program = "yum"
	default:
		_, err := tool.Require(env, "dnf")
		return t.fail("%s", err)
	}
	names := t.names()
	switch {
	case args.Has("list"):
		return t.list(args.String("list"))
	case os.Geteuid() != 0 && !args.Bool("download_only"):
		return t.fail("This command has to be run under the root user.")
	}
	if args.Bool("update_cache") && !env.Check {
		if out, err := t.call("makecache"); err != nil {
			return t.fail("%s", err)
		} else if out.RC != 0 {
			return t.fail("Failed to synchronize repodata: %s", strings.TrimSpace(out.Stderr)).Set("rc", 1)
		}
	}
	if args.Bool("update_cache") && len(names) == 0 && !args.Bool("autoremove") {
		return module.OK().Set("msg", "Cache updated").Set("results", t.results).Set("rc", 0)
	}
	return t.ensure(names)
}

func (t *task) fail(format string, args ...any) *module.Result {
	return module.Fail(format, args...).Set("results", []any{})
}

// names are what was asked for; a playbook may have several in one string.
func (t *task) names() []string {
	var names []string
	for _, n := range t.args.Strings("name") {
		for part := range strings.SplitSeq(n, ",") {
			if part = strings.TrimSpace(part); part != "" {
				names = append(names, part)
			}
		}
	}
	return names
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
		for _, v := range t.args.Strings(param) {
			argv = append(argv, option+"="+v)
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
	flag("sslverify", false, "--setopt=sslverify=0")
	flag("cacheonly", true, "--cacheonly")
	if t.program == "dnf" {
		flag("install_weak_deps", false, "--setopt=install_weak_deps=0")
		flag("nobest", true, "--nobest")
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

// call runs dnf so that it asks nobody anything and does not break lines.
func (t *task) call(words ...string) (tool.Output, error) {
	answer := "--assumeyes"
	if t.env.Check {
		answer = "--assumeno"
	}
	argv := slices.Concat([]string{t.program, answer}, t.options(), words)
	return tool.Cmd{Argv: argv, Env: map[string]string{"COLUMNS": "500"}}.Run(t.ctx, t.env)
}

// ensure brings packages to the state asked for.
func (t *task) ensure(names []string) *module.Result {
	state := t.args.String("state")
	autoremove := t.args.Bool("autoremove")
	switch {
	case state == "" && autoremove, state == "removed":
		state = "absent"
	case state == "", state == "installed":
		state = "present"
	}
	if autoremove && state != "absent" {
		return t.fail("Autoremove should be used alone or with state=absent").Set("rc", 1)
	}
	installed, failed := t.installed()
	if failed != nil {
		return failed
	}
	var commands [][]string
	add := func(verb string, specs []string) {
		if len(specs) > 0 {
			commands = append(commands, append([]string{verb}, specs...))
		}
	}
	switch {
	case state == "absent":
		for _, n := range names {
			if isFile(n) {
				return t.fail("Cannot remove paths -- please specify package name.")
			}
		}
		add("remove", installed.among(names))
		if autoremove {
			commands = append(commands, []string{"autoremove"})
		}
	case state == "latest" && slices.Equal(names, []string{"*"}):
		commands = append(commands, []string{"upgrade"})
	case state == "latest":
		add("upgrade", installed.among(names))
		if missing := installed.missing(names, t.args.Bool("allow_downgrade")); t.args.Bool("update_only") {
			for _, n := range missing {
				t.results = append(t.results, fmt.Sprintf("Packages providing %s not installed due to update_only specified", n))
			}
		} else {
			add("install", missing)
		}
	default:
		for _, n := range names {
			if isFile(n) {
				t.results = append(t.results, "Installed "+n)
			}
		}
		add("install", installed.missing(names, t.args.Bool("allow_downgrade")))
	}
	return t.carryOut(commands, installed)
}

func isFile(name string) bool {
	return strings.Contains(name, "://") || strings.HasSuffix(name, ".rpm")
}

var noMatch = lazyregexp.New(`(?m)^(?:No match for argument: |No package )(\S+?)(?: available\.?)?$`)

func (t *task) carryOut(commands [][]string, installed *packages) *module.Result {
	r := module.OK()
	failures := []any{}
	for _, words := range commands {
		out, err := t.call(words...)
		if err != nil {
			return t.fail("%s", err)
		}
		changes := parseTable(out.Stdout)
		if words[0] != "remove" && words[0] != "autoremove" {
			for _, m := range noMatch.FindAllStringSubmatch(out.Stdout+"\n"+out.Stderr, -1) {
				if f := fmt.Sprintf("No package %s available.", m[1]); !slices.Contains(failures, any(f)) {
					failures = append(failures, f)
				}
			}
		}
		// dnf ends with 1 also where it was told not to go on.
		declined := t.env.Check && len(changes) > 0 || strings.Contains(out.Stderr, "Operation aborted")
		if out.RC != 0 && !declined && len(failures) == 0 {
			failed := out.Fail("%s", reason(out)).Set("results", []any{}).Set("failures", []any{}).Set("rc", 1)
			return failed
		}
		if len(failures) > 0 && !t.args.Bool("skip_broken") {
			return t.fail("Failed to install some of the specified packages").Set("failures", failures).Set("rc", 1)
		}
		for _, c := range changes {
			r.Changed = true
			t.results = append(t.results, c.lines(installed, t.args.Bool("download_only"))...)
		}
	}
	msg := ""
	switch {
	case !r.Changed:
		msg = "Nothing to do"
	case t.env.Check:
		msg = "Check mode: No changes made, but would have if not in check mode"
	}
	return r.Set("msg", msg).Set("results", t.results).Set("rc", 0)
}

// reason is what went wrong, in dnf's words.
func reason(out tool.Output) string {
	text := strings.TrimSpace(out.Stderr)
	if i := strings.Index(text, "Error: "); i >= 0 {
		text = strings.TrimSpace(text[i+len("Error: "):])
	}
	switch {
	case strings.HasPrefix(text, "Problem"):
		return "Depsolve Error occurred: \n " + text
	case strings.Contains(text, "Failed to download metadata"), strings.Contains(text, "Cannot download repomd"):
		return "Failed to synchronize repodata: " + text
	}
	return "Unknown Error occurred: " + text
}

// list answers the parameter list.
func (t *task) list(what string) *module.Result {
	results := []any{}
	var failed *module.Result
	switch what {
	case "repos", "repositories":
		out, err := t.call("--quiet", "repolist", "--enabled")
		if err != nil {
			return t.fail("%s", err)
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
		return nil, out.Fail("%s", reason(out)).Set("results", []any{}).Set("rc", 1)
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
