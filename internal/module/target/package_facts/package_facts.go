// Package packagefacts is the module that tells which packages a machine has.
package packagefacts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module collects installed packages as facts.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.package_facts",
		Summary: "Tells which packages the machine has as facts.",
		Params: []module.Param{
			{Name: "manager", Type: module.List, Elements: module.Str, Default: []any{"auto"}, Doc: "Package managers to ask; auto takes those that the machine has."},
			{Name: "strategy", Default: "first", Choices: []any{"first", "all"}, Doc: "Whether to ask only the first of them that is there, or all."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{{Name: "ansible_facts", Type: module.Dict, When: "success", Doc: "packages, a dict of lists of what is installed by name."}},
	},
	Run: run,
}

// errNotHere is a package manager that this machine does not have.
var errNotHere = errors.New("it is not on this machine")

// pkg is one installed package.
type pkg = *value.Map

// managers are those that can be asked, in the order of auto.
var managers = []struct {
	name string
	list func(context.Context, *module.Env) ([]pkg, error)
}{
	{"apt", listApt}, {"rpm", listRPM}, {"apk", listApk}, {"pacman", listPacman}, {"portage", listPortage},
	// Of systems on which we do not run.
	{"pkg", nil}, {"pkg_info", nil},
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	var names []string
	wanted := args.Strings("manager")
	for _, m := range wanted {
		if m = strings.ToLower(m); m != "auto" {
			names = append(names, m)
		}
	}
	if slices.Contains(wanted, "auto") {
		for _, m := range managers {
			names = append(names, m.name)
		}
	}
	var unknown []string
	for _, name := range names {
		if manager(name) < 0 {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		if slices.Contains(wanted, "auto") {
			return module.Fail("Could not auto detect a usable package manager, check warnings for details.")
		}
		return module.Fail("Unsupported package managers requested: %s", strings.Join(unknown, ", "))
	}
	r, found, packages := module.OK(), false, value.NewMap(512)
	for i, name := range names {
		if slices.Contains(names[:i], name) || found && args.String("strategy") == "first" {
			continue
		}
		list, err := []pkg(nil), errNotHere
		if m := managers[manager(name)]; m.list != nil {
			list, err = m.list(ctx, env)
		}
		if err != nil {
			if slices.Contains(wanted, name) && !errors.Is(err, errNotHere) {
				r.Warnings = append(r.Warnings, fmt.Sprintf("Requested package manager %s was not usable by this module: %s", name, err))
			}
			continue
		}
		found = true
		packages.Update(byName(list, name))
	}
	if !found {
		failed := module.Fail("Could not detect a supported package manager from the following list: %s, or the required Python library is not installed. Check warnings for details.",
			value.Repr(value.FromGo(names)))
		failed.Warnings = r.Warnings
		return failed
	}
	r.Facts = value.MapOf("packages", packages)
	return r
}

func manager(name string) int {
	for i, m := range managers {
		if m.name == name {
			return i
		}
	}
	return -1
}

// byName files packages under their names: several versions of one may be there.
func byName(list []pkg, source string) *value.Map {
	m := value.NewMap(len(list))
	for _, p := range list {
		p.Set("source", source)
		same, _ := m.At(p.At("name")).([]any)
		m.Set(p.At("name"), append(same, p))
	}
	return m
}

// ask runs the program of a package manager.
func ask(ctx context.Context, env *module.Env, argv ...string) (string, error) {
	if tool.Find(env, argv[0]) == "" {
		return "", errNotHere
	}
	out, err := tool.Run(ctx, env, argv...)
	if err == nil && out.RC != 0 {
		err = fmt.Errorf("Unable to list packages rc=%d : %s", out.RC, out.Stderr)
	}
	return out.Stdout, err
}

func listRPM(ctx context.Context, env *module.Env) ([]pkg, error) {
	text, err := ask(ctx, env, "rpm", "-qa", "--queryformat", `%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCH}\t%{ARCH}\n`)
	if err != nil {
		return nil, err
	}
	var list []pkg
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 5 {
			continue
		}
		p := value.MapOf("name", f[0], "version", f[1], "release", f[2], "epoch", nil, "arch", nil)
		if n, err := strconv.Atoi(f[3]); err == nil {
			p.Set("epoch", n)
		}
		if f[4] != "(none)" {
			p.Set("arch", f[4])
		}
		list = append(list, p)
	}
	return list, nil
}

func listApk(ctx context.Context, env *module.Env) ([]pkg, error) {
	text, err := ask(ctx, env, "apk", "info", "-v")
	if err != nil {
		return nil, err
	}
	var list []pkg
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		p := value.MapOf("name", line, "version", "", "release", "")
		if i := strings.LastIndexByte(line, '-'); i > 0 {
			if j := strings.LastIndexByte(line[:i], '-'); j > 0 {
				p = value.MapOf("name", line[:j], "version", line[j+1:i], "release", line[i+1:])
			}
		}
		list = append(list, p)
	}
	return list, nil
}

func listPacman(ctx context.Context, env *module.Env) ([]pkg, error) {
	text, err := ask(ctx, env, "pacman", "-Qi")
	if err != nil {
		return nil, err
	}
	var list []pkg
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		fields, last := map[string]string{}, ""
		for line := range strings.Lines(block) {
			line = strings.TrimRight(line, "\n")
			if k, v, ok := strings.Cut(line, " : "); ok && line[0] != ' ' {
				last = strings.TrimSpace(k)
				fields[last] = v
			} else {
				fields[last] += "  " + strings.TrimLeft(line, " ")
			}
		}
		p := value.MapOf("name", fields["Name"], "version", fields["Version"], "arch", fields["Architecture"], "provides", nil)
		if fields["Provides"] != "None" {
			provides := []any{}
			for _, word := range strings.Split(fields["Provides"], "  ") {
				name, _, _ := strings.Cut(word, "=")
				provides = append(provides, name)
			}
			p.Set("provides", provides)
		}
		list = append(list, p)
	}
	return list, nil
}

func listPortage(ctx context.Context, env *module.Env) ([]pkg, error) {
	names, err := ask(ctx, env, "qlist", "-Iv")
	if err != nil {
		return nil, err
	}
	text, err := ask(ctx, env, append([]string{"qatom"}, strings.Fields(names)...)...)
	if err != nil {
		return nil, err
	}
	var list []pkg
	for line := range strings.Lines(text) {
		p := value.NewMap(7)
		for i, word := range strings.Fields(line) {
			if atoms := []string{"category", "name", "version", "ebuild_revision", "slots", "prefixes", "sufixes"}; i < len(atoms) {
				p.Set(atoms[i], word)
			}
		}
		list = append(list, p)
	}
	return list, nil
}

// haveApt tells whether the machine's packages are apt's.
func haveApt(env *module.Env) bool {
	return tool.Find(env, "apt-cache") != "" && files.Exists("/var/lib/dpkg/status")
}
