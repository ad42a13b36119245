// Package gem is the module for packages of Ruby.
package gem

import (
	"context"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/dpkg"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module installs and removes packages.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.gem",
		Summary: "Installs and removes packages of Ruby.",
		Params: []module.Param{
			{Name: "name", Required: true, Doc: "The package."},
			{Name: "state", Default: "present", Choices: []any{"present", "absent", "latest"}, Doc: "What shall be with it."},
			{Name: "version", Doc: "Version of the package."},
			{Name: "gem_source", Type: module.Path, Doc: "File of the package on the target."},
			{Name: "include_dependencies", Type: module.Bool, Default: true, Doc: "Install what it needs as well."},
			{Name: "repository", Aliases: []string{"source"}, Doc: "Where packages come from."},
			{Name: "user_install", Type: module.Bool, Default: true, Doc: "Into the user's own directory."},
			{Name: "install_dir", Type: module.Path, Doc: "Where to install to."},
			{Name: "bindir", Type: module.Path, Doc: "Where programs go."},
			{Name: "executable", Type: module.Path, Doc: "The gem program."},
			{Name: "pre_release", Type: module.Bool, Default: false, Doc: "Take versions before their release."},
			{Name: "include_doc", Type: module.Bool, Default: false, Doc: "Install documentation."},
			{Name: "env_shebang", Type: module.Bool, Default: false, Doc: "Let programs find Ruby by env."},
			{Name: "build_flags", Doc: "Flags for extensions that are compiled."},
			{Name: "force", Type: module.Bool, Default: false, Doc: "Install or remove in any case."},
			{Name: "norc", Type: module.Bool, Default: true, Doc: "Do not read .gemrc."},
		},
		Rules: module.Rules{MutuallyExclusive: [][]string{{"gem_source", "repository"}, {"gem_source", "version"}}},
		HintsFor: func(_ module.Args, check bool) []parallel.Hint {
			if check {
				return []parallel.Hint{parallel.Free()}
			}
			return []parallel.Hint{parallel.Host("gem")} // gem has no lock of its own
		},
		HintDoc: "HostExclusive(gem); FullyParallel in check mode",
		Check:   module.Full, Diff: module.None,
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx     context.Context
	env     *module.Env
	args    module.Args
	program []string
	version string
	old     bool // before RubyGems 2.0
	common  []string
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, version: args.String("version"), program: []string{"gem"}}
	state := args.String("state")
	switch {
	case t.version != "" && state == "latest":
		return module.Fail("Cannot specify version when state=latest")
	case args.Has("gem_source") && state == "latest":
		return module.Fail("Cannot maintain state=latest when installing from local source")
	case args.Bool("user_install") && args.Has("install_dir"):
		return module.Fail("install_dir requires user_install=false")
	}
	if program := args.String("executable"); program != "" {
		t.program = strings.Split(program, " ")
	}
	there, failed := t.exists(state)
	if failed != nil {
		return failed
	}
	r := module.OK().Set("name", args.String("name")).Set("state", state)
	if r.Changed = there == (state == "absent"); r.Changed && !env.Check {
		words := t.install()
		if state == "absent" {
			words = t.uninstall()
		}
		if _, failed := t.gem(words...); failed != nil {
			return failed
		}
	}
	if t.version != "" {
		r.Set("version", t.version)
	}
	return r
}

func (t *task) gem(words ...string) (tool.Output, *module.Result) {
	cmd := tool.Cmd{Argv: append(slices.Clone(t.program), words...)}
	if dir := t.args.String("install_dir"); dir != "" && words[0] != "install" {
		cmd.Env = map[string]string{"GEM_HOME": dir}
	}
	return cmd.Checked(t.ctx, t.env)
}

var versions = lazyregexp.New(`(?m)^\S+\s+\((?:default: )?(.+)\)`)

// query lists the versions of the package.
func (t *task) query(more ...string) ([]string, *module.Result) {
	words := slices.Concat([]string{"query"}, t.common, more, []string{"-n", "^" + t.args.String("name") + "$"})
	out, failed := t.gem(words...)
	if failed != nil {
		return nil, failed
	}
	var list []string
	for _, m := range versions.FindAllStringSubmatch(out.Stdout, -1) {
		for v := range strings.SplitSeq(m[1], ", ") {
			if words := strings.Fields(v); len(words) > 0 {
				list = append(list, words[0])
			}
		}
	}
	return list, nil
}

// exists tells whether the version that is wanted is there, which for the latest
// has to be asked for.
func (t *task) exists(state string) (bool, *module.Result) {
	out, failed := t.gem("--version")
	if failed != nil {
		return false, failed
	}
	ver := strings.TrimSpace(out.Stdout)
	t.old = dpkg.Compare(ver, "2.0.0") < 0 // versions of numbers and dots
	if t.args.Bool("norc") && dpkg.Compare(ver, "2.5.2") >= 0 {
		t.common = []string{"--norc"}
	}
	if state == "latest" {
		more := []string{"--remote"}
		if source := t.args.String("repository"); source != "" {
			more = append(more, "--source", source)
		}
		remote, failed := t.query(more...)
		if failed != nil {
			return false, failed
		}
		if len(remote) > 0 {
			t.version = remote[0]
		}
	}
	installed, failed := t.query()
	if t.version != "" {
		return slices.Contains(installed, t.version), failed
	}
	return len(installed) > 0, failed
}

func (t *task) uninstall() []string {
	words := append([]string{"uninstall"}, t.common...)
	words = t.option(words, "install_dir", "--install-dir")
	words = t.option(words, "bindir", "--bindir")
	if t.version != "" {
		words = append(words, "--version", t.version)
	} else {
		words = append(words, "--all")
	}
	words = append(words, "--executable")
	words = t.flag(words, "force", "--force", "")
	return append(words, t.args.String("name"))
}

func (t *task) option(words []string, param, flag string) []string {
	if v := t.args.String(param); v != "" {
		return append(words, flag, v)
	}
	return words
}

func (t *task) flag(words []string, param, on, off string) []string {
	if t.args.Bool(param) {
		off = on
	}
	if off == "" {
		return words
	}
	return append(words, strings.Fields(off)...)
}

func (t *task) install() []string {
	words := append([]string{"install"}, t.common...)
	if t.version != "" {
		words = append(words, "--version", t.version)
	}
	words = t.option(words, "repository", "--source")
	noDoc, dependencies := "--no-document", ""
	if t.old {
		noDoc, dependencies = "--no-rdoc --no-ri", "--include-dependencies"
	}
	words = t.flag(words, "include_dependencies", dependencies, "--ignore-dependencies")
	words = t.flag(words, "user_install", "--user-install", "--no-user-install")
	words = t.option(words, "install_dir", "--install-dir")
	words = t.option(words, "bindir", "--bindir")
	words = t.flag(words, "pre_release", "--pre", "")
	words = t.flag(words, "include_doc", "", noDoc)
	words = t.flag(words, "env_shebang", "--env-shebang", "")
	source := t.args.String("gem_source")
	if source == "" {
		source = t.args.String("name")
	}
	words = t.flag(append(words, source), "force", "--force", "")
	if flags := t.args.String("build_flags"); flags != "" {
		words = append(words, "--", flags)
	}
	return words
}
