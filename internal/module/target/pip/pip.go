// Package pip is the module for Python's packages, through the pip program.
package pip

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Spec is the module's, for both halves.
var Spec = module.Spec{
	Name:    "ansible.builtin.pip",
	Summary: "Installs and removes Python's packages with pip.",
	Params: []module.Param{
		{Name: "name", Type: module.List, Elements: module.Str, Doc: "Packages, with conditions on their versions, or addresses of them."},
		{Name: "version", Doc: "Version of the one package, where its name says none."},
		{Name: "requirements", Doc: "File of requirements on the target."},
		{Name: "virtualenv", Type: module.Path, Doc: "Virtual environment to work in; it is made if it is not there."},
		{Name: "virtualenv_site_packages", Type: module.Bool, Default: false, Doc: "Let a new environment see the machine's own packages."},
		{Name: "virtualenv_command", Type: module.Path, Default: "virtualenv", Doc: "Command that makes the environment."},
		{Name: "virtualenv_python", Doc: "Python of a new environment."},
		{Name: "state", Default: "present", Choices: []any{"present", "absent", "latest", "forcereinstall"}, Doc: "What shall be with the packages."},
		{Name: "extra_args", Doc: "More arguments for pip."},
		{Name: "editable", Type: module.Bool, Default: false, Doc: "Install so that changes of the source count at once."},
		{Name: "chdir", Type: module.Path, Doc: "Directory to run pip in."},
		{Name: "executable", Type: module.Path, Doc: "The pip program."},
		{Name: "umask", Doc: "Umask for what is written, as an octal number."},
		{Name: "_python", Internal: true, Doc: "Python of the task, whose pip is taken."},
	},
	Rules: module.Rules{
		RequiredOneOf:     [][]string{{"name", "requirements"}},
		MutuallyExclusive: [][]string{{"name", "requirements"}, {"executable", "virtualenv"}},
	},
	HintDoc: "HostExclusive(pip); FullyParallel in check mode",
	HintsFor: func(_ module.Args, check bool) []parallel.Hint {
		if check {
			return []parallel.Hint{parallel.Free()}
		}
		return []parallel.Hint{parallel.Host("pip")} // pip has no lock of its own
	},
	Check: module.Full, Diff: module.None,
	Returns: []module.Return{
		{Name: "cmd", Type: module.List, When: "success", Doc: "The command that was run."},
		{Name: "name", Type: module.List, When: "success", Doc: "What was asked for."},
		{Name: "requirements", When: "success", Doc: "The file of requirements."},
		{Name: "version", When: "success", Doc: "The version asked for."},
		{Name: "virtualenv", When: "success", Doc: "The virtual environment."},
	},
}

// Module is the target half.
var Module = module.Target{Spec: Spec, Run: run}

// task is one run of the module.
type task struct {
	ctx      context.Context
	env      *module.Env
	args     module.Args
	venv     string
	dir      string
	pip      []string
	packages []requirement
	created  bool // the environment is new
	out, err string
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, venv: args.String("virtualenv"), dir: args.String("chdir")}
	if umask := strings.TrimPrefix(args.String("umask"), "0o"); strings.Trim(umask, "01234567") != "" {
		return module.Fail("umask must be an octal integer").
			Set("details", "invalid literal for int() with base 8: "+value.Repr(args.String("umask")))
	}
	if args.String("state") == "latest" && args.Has("version") {
		return module.Fail("version is incompatible with state=latest")
	}
	if t.venv != "" && t.dir != "" && !filepath.IsAbs(t.venv) {
		t.venv = filepath.Join(t.dir, t.venv)
	}
	if t.dir == "" {
		t.dir = os.TempDir() // the login user's directory may be closed to whom we became
	}
	if t.venv != "" && !files.Exists(filepath.Join(t.venv, "bin/activate")) {
		if env.Check {
			return &module.Result{Changed: true}
		}
		if failed := t.makeEnvironment(); failed != nil {
			return failed
		}
		t.created = true
	}
	if failed := t.findPip(); failed != nil {
		return failed
	}
	if failed := t.wanted(); failed != nil {
		return failed
	}
	return t.do()
}

// run runs a program as pip needs it: under the umask, and with the programs of
// the environment first.
func (t *task) run(argv ...string) (tool.Output, error) {
	if umask := strings.TrimPrefix(t.args.String("umask"), "0o"); umask != "" {
		argv = append([]string{"/bin/sh", "-c", `umask "$1"; shift; exec "$@"`, "sh", umask}, argv...)
	}
	extra := map[string]string{}
	if t.venv != "" {
		path := filepath.Join(t.venv, "bin")
		for _, e := range t.env.Environ {
			if old, ok := strings.CutPrefix(e, "PATH="); ok {
				path += ":" + old
			}
		}
		extra["PATH"] = path
	}
	return tool.Cmd{Argv: argv, Dir: t.dir, Env: extra}.Run(t.ctx, t.env)
}

func (t *task) fail(argv []string, out, stderr string) *module.Result {
	msg := ""
	if out != "" {
		msg = "stdout: " + out
	}
	if stderr != "" {
		msg += "\n:stderr: " + stderr
	}
	return module.Fail("%s", msg).Set("cmd", value.FromGo(argv))
}

func (t *task) makeEnvironment() *module.Result {
	command := t.args.String("virtualenv_command")
	argv, err := files.SplitCommand(command)
	if err != nil || len(argv) == 0 {
		return module.Fail("virtualenv_command %q is no command", command)
	}
	if !strings.Contains(argv[0], "/") {
		if argv[0], err = tool.Require(t.env, argv[0]); err != nil {
			return module.Fail("%s", err)
		}
	}
	if t.args.Bool("virtualenv_site_packages") {
		argv = append(argv, "--system-site-packages")
	} else if help, err := t.run(argv[0], "--help"); err == nil && slices.Contains(strings.Fields(help.Stdout), "--no-site-packages") {
		argv = append(argv, "--no-site-packages")
	}
	python := t.args.String("virtualenv_python")
	switch {
	case strings.Contains(command, "pyvenv") || strings.Contains(command, "-m venv"):
		if python != "" {
			return module.Fail("virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command")
		}
	case python != "":
		argv = append(argv, "-p"+python)
	default:
		if python = t.python(); python != "" {
			argv = append(argv, "-p"+python)
		}
	}
	argv = append(argv, t.venv)
	out, err := t.run(argv...)
	if err != nil {
		return tool.Cmd{Argv: argv}.Refused(t.env, err)
	}
	t.out, t.err = out.Stdout, out.Stderr
	if out.RC != 0 {
		return t.fail(argv, out.Stdout, out.Stderr)
	}
	return nil
}

// python is the Python of the task, or the machine's.
func (t *task) python() string {
	if p := t.args.String("_python"); p != "" {
		return p
	}
	return tool.Find(t.env, "python3")
}

func (t *task) findPip() *module.Result {
	executable := t.args.String("executable")
	names := []string{"pip3"}
	switch {
	case filepath.IsAbs(executable):
		t.pip = []string{executable}
		return nil
	case executable != "":
		names = []string{executable}
	case t.venv != "":
		for _, name := range []string{"pip3", "pip"} {
			if path := filepath.Join(t.venv, "bin", name); files.Exists(path) {
				t.pip = []string{path}
				return nil
			}
		}
		return module.Fail("Unable to find pip in the virtualenv, %s, under any of these names: pip3, pip. Make sure pip is present in the virtualenv.", t.venv)
	default:
		if python := t.python(); python != "" {
			out, err := t.run(python, "-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('pip') is None)")
			if err == nil && out.RC == 0 {
				t.pip = []string{python, "-m", "pip.__main__"}
				return nil
			}
		}
	}
	path := tool.Find(t.env, names...)
	if path == "" {
		return module.Fail("Unable to find any of %s to use.  pip needs to be installed.", strings.Join(names, ", "))
	}
	t.pip = []string{path}
	return nil
}

// wanted reads the names.
func (t *task) wanted() *module.Result {
	if !t.args.Has("name") {
		return nil
	}
	for _, n := range join(t.args.Strings("name")) {
		t.packages = append(t.packages, parse(n, ""))
	}
	if !t.args.Has("version") || len(t.packages) == 0 {
		return nil
	}
	switch {
	case len(t.packages) > 1:
		return module.Fail("'version' argument is ambiguous when installing multiple package distributions. " +
			"Please specify version restrictions next to each package in 'name' argument.")
	case len(t.packages[0].specs) > 0:
		return module.Fail("The 'version' argument conflicts with any version specifier provided along with a package name. " +
			"Please keep the version specifier, but remove the 'version' argument.")
	}
	t.packages[0] = parse(t.packages[0].text, t.args.String("version"))
	return nil
}

var vcs = lazyregexp.New(`^(svn|git|hg|bzr)\+`)

func (t *task) do() *module.Result {
	state := t.args.String("state")
	verbs := map[string][]string{"present": {"install"}, "absent": {"uninstall", "-y"}, "latest": {"install", "-U"}, "forcereinstall": {"install", "-U", "--force-reinstall"}}
	argv := append(slices.Clone(t.pip), verbs[state]...)
	extra := t.args.String("extra_args")
	if t.args.Bool("editable") && !slices.Contains(strings.Split(extra, " "), "-e") {
		extra = strings.TrimSpace(extra + " -e")
	}
	words, err := files.SplitCommand(extra)
	if err != nil {
		return module.Fail("%s", err)
	}
	argv = append(argv, words...)
	for _, p := range t.packages {
		argv = append(argv, p.text)
	}
	requirements := t.args.String("requirements")
	switch {
	case len(t.packages) > 0:
	case requirements != "":
		argv = append(argv, "-r", requirements)
	default:
		return &module.Result{Warnings: []string{"No valid name or requirements file found."}}
	}
	if t.env.Check {
		return t.predict(extra != "" || requirements != "" || state == "latest", state)
	}
	// What comes from a file or from a repository, pip's words do not tell.
	look := requirements != "" || slices.ContainsFunc(t.args.Strings("name"), vcs.MatchString)
	before := ""
	if look {
		var failed *module.Result
		if _, before, _, failed = t.installed(); failed != nil {
			return failed
		}
	}
	out, err := t.run(argv...)
	if err != nil {
		return tool.Cmd{Argv: argv}.Refused(t.env, err)
	}
	t.out, t.err = t.out+out.Stdout, t.err+out.Stderr
	missing := out.RC == 1 && state == "absent" && strings.Contains(out.Stdout+out.Stderr, "not installed")
	if out.RC != 0 && !missing {
		return t.fail(argv, t.out, t.err)
	}
	r := module.OK()
	switch {
	case state == "absent":
		r.Changed = strings.Contains(out.Stdout, "Successfully uninstalled")
	case !look:
		r.Changed = strings.Contains(out.Stdout, "Successfully installed")
	default:
		_, after, _, failed := t.installed()
		if failed != nil {
			return failed
		}
		r.Changed = before != after
	}
	r.Changed = r.Changed || t.created
	r.Set("cmd", value.FromGo(argv)).Set("virtualenv", nil)
	for _, name := range []string{"name", "version", "state", "requirements"} {
		r.Set(name, t.args.Any(name))
	}
	if t.venv != "" {
		r.Set("virtualenv", t.venv)
	}
	return r.SetOutput(t.out, t.err)
}

// installed lists the packages as pip does.
func (t *task) installed() (cmd, out, stderr string, failed *module.Result) {
	for _, words := range [][]string{{"list", "--format=freeze"}, {"freeze"}} {
		argv := append(slices.Clone(t.pip), words...)
		o, err := t.run(argv...)
		if err != nil {
			return "", "", "", tool.Cmd{Argv: argv}.Refused(t.env, err)
		}
		if o.RC == 0 {
			return strings.Join(argv, " "), o.Stdout, o.Stderr, nil
		}
		failed = t.fail(argv, o.Stdout, o.Stderr)
	}
	return "", "", "", failed
}

// predict tells whether a run would change anything. Where pip decides about
// versions, it would.
func (t *task) predict(unsure bool, state string) *module.Result {
	if unsure {
		return &module.Result{Changed: true}
	}
	cmd, out, stderr, failed := t.installed()
	if failed != nil {
		return failed
	}
	r := module.OK().Set("cmd", cmd).SetOutput(out, stderr)
	for _, p := range t.packages {
		present := false
		for line := range strings.Lines(out) {
			name, version, ok := strings.Cut(strings.TrimSpace(line), "==")
			present = present || ok && p.name == canonical(name) && p.accepts(version)
		}
		if state == "present" && !present || state == "absent" && present {
			r.Changed = true
		}
	}
	return r
}
