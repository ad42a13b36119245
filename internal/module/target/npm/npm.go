// Package npm is the module for packages of Node.js.
package npm

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module installs and removes packages.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.npm",
		Summary: "Installs and removes packages of Node.js.",
		Params: []module.Param{
			{Name: "name", Doc: "The package; without one, what package.json asks for."},
			{Name: "path", Type: module.Path, Doc: "Directory of the project."},
			{Name: "version", Doc: "Version of the package."},
			{Name: "global", Type: module.Bool, Default: false, Doc: "For the whole machine."},
			{Name: "executable", Type: module.Path, Doc: "The npm program."},
			{Name: "registry", Doc: "Where packages come from."},
			{Name: "state", Default: "present", Choices: []any{"present", "absent", "latest"}, Doc: "What shall be with the package."},
			{Name: "production", Type: module.Bool, Default: false, Doc: "Leave out what only developers need."},
			{Name: "ignore_scripts", Type: module.Bool, Default: false, Doc: "Do not run the scripts of packages."},
			{Name: "unsafe_perm", Type: module.Bool, Default: false, Doc: "Run the scripts of packages as root."},
			{Name: "ci", Type: module.Bool, Default: false, Doc: "Install exactly what package-lock.json says."},
			{Name: "no_optional", Type: module.Bool, Default: false, Doc: "Leave out what is optional."},
			{Name: "no_bin_links", Type: module.Bool, Default: false, Doc: "Make no links to programs."},
		},
		HintsFor: hints, HintDoc: "HostExclusive(npm:PATH), HostExclusive(npm) for the whole machine; FullyParallel in check mode",
		Check: module.Full, Diff: module.None,
	},
	Run: run,
}

// hints: npm has no lock of its own, and projects do not mind one another.
func hints(args module.Args, check bool) []parallel.Hint {
	switch path := args.String("path"); {
	case check:
		return []parallel.Hint{parallel.Free()}
	case path != "" && !args.Bool("global"):
		return []parallel.Hint{parallel.Host("npm:" + path)}
	}
	return []parallel.Hint{parallel.Host("npm")}
}

// task is one run of the module.
type task struct {
	ctx    context.Context
	env    *module.Env
	args   module.Args
	name   string // with the version
	failed *module.Result
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, name: args.String("name")}
	state, path := args.String("state"), args.String("path")
	switch {
	case path == "" && !args.Bool("global"):
		return module.Fail("path must be specified when not using global")
	case state == "absent" && t.name == "":
		return module.Fail("uninstalling a package is only available for named packages")
	case path != "" && files.Exists(path) && !files.IsDir(path):
		return module.Fail("path %s is not a directory", path)
	}
	if v := args.String("version"); v != "" && state != "absent" {
		t.name += "@" + v
	}
	if path != "" && !env.Check {
		if err := os.MkdirAll(path, 0o777); err != nil {
			return module.Fail("%s", err)
		}
	}
	changed := t.do(state)
	if t.failed != nil {
		return t.failed
	}
	return &module.Result{Changed: changed}
}

func (t *task) do(state string) bool {
	if t.args.Bool("ci") {
		t.change("ci")
		return true
	}
	installed, missing := t.list()
	switch {
	case t.failed != nil:
		return false
	case state == "absent":
		if !slices.Contains(installed, t.args.String("name")) {
			return false
		}
		t.change("uninstall")
		return true
	case state == "latest":
		outdated := strings.TrimSpace(t.npm(false, true, "outdated")) != ""
		if missing {
			t.change("install")
		}
		if outdated {
			t.change("update")
		}
		return missing || outdated
	case missing:
		t.change("install")
	}
	return missing
}

func (t *task) change(verb string) {
	if !t.env.Check {
		t.npm(true, true, verb)
	}
}

// npm runs npm in the project. After a failure it does nothing.
func (t *task) npm(strict, named bool, words ...string) string {
	if t.failed != nil {
		return ""
	}
	argv := strings.Split(t.args.String("executable"), " ")
	if argv[0] == "" {
		argv = []string{"npm"}
	}
	argv = append(argv, words...)
	option := func(param, flag string, also bool) {
		if t.args.Bool(param) && also {
			argv = append(argv, flag)
		}
	}
	option("global", "--global", true)
	option("production", "--production", slices.Contains([]string{"install", "update", "ci"}, words[0]))
	option("ignore_scripts", "--ignore-scripts", true)
	option("unsafe_perm", "--unsafe-perm", true)
	if named && t.name != "" {
		argv = append(argv, t.name)
	}
	if registry := t.args.String("registry"); registry != "" {
		argv = append(argv, "--registry", registry)
	}
	option("no_optional", "--no-optional", true)
	option("no_bin_links", "--no-bin-links", true)
	cmd := tool.Cmd{Argv: argv}
	if dir := t.args.String("path"); files.IsDir(dir) {
		cmd.Dir = dir
	}
	if strict {
		out, failed := cmd.Checked(t.ctx, t.env)
		t.failed = failed
		return out.Stdout
	}
	out, err := cmd.Run(t.ctx, t.env)
	if err != nil {
		t.failed = cmd.Refused(t.env, err)
	}
	return out.Stdout
}

// list tells what is installed, as name and as name@version, and whether
// anything that is wanted is not.
func (t *task) list() (installed []string, missing bool) {
	text := t.npm(false, false, "list", "--json", "--long")
	if t.failed != nil {
		return nil, false
	}
	if strings.TrimSpace(text) == "" {
		text = "{}"
	}
	v, err := value.ParseJSON([]byte(text))
	data, ok := v.(*value.Map)
	if err != nil || !ok {
		t.failed = module.Fail("Failed to parse NPM output with error %v", err)
		return nil, false
	}
	dependencies, ok := data.At("dependencies").(*value.Map)
	if !ok {
		return nil, true
	}
	for name, v := range dependencies.Strings() {
		props, _ := v.(*value.Map)
		if truth(props.At("missing")) || truth(props.At("invalid")) {
			missing = true
			continue
		}
		installed = append(installed, name)
		if version, _ := props.At("version").(string); version != "" {
			installed = append(installed, name+"@"+version)
		}
	}
	return installed, missing || t.name != "" && !slices.Contains(installed, t.name)
}

var no = lazyregexp.New(`^(|false)$`)

// truth is a field that is there where it means yes: as a boolean, or as the
// reason why.
func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return !no.MatchString(v)
	}
	return false
}
