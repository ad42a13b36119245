package dnf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/tool"
)

// ensure brings packages to the state asked for.
func (t *task) ensure(names []string) *module.Result {
	state := t.args.String("state")
	switch {
	case state == "" && t.args.Bool("autoremove"), state == "removed":
		state = "absent"
	case state == "", state == "installed":
		state = "present"
	}
	installed, failed := t.installed()
	if failed != nil {
		return failed
	}
	if state == "latest" && slices.Equal(names, []string{"*"}) {
		return t.carryOut([][]string{{"upgrade"}}, installed)
	}
	specs, groups, files, failed := t.sort(names)
	if failed != nil {
		return failed
	}
	if state == "absent" {
		return t.remove(specs, groups, files, installed)
	}
	downgrade := t.args.Bool("allow_downgrade")
	install, upgrade := t.wanted(files, installed), []string{}
	for _, g := range groups {
		into, word := &install, "installed"
		switch {
		case state == "latest" && g.installed:
			into, word = &upgrade, "upgraded"
		case state == "latest" && t.args.Bool("update_only"):
			continue
		}
		*into = append(*into, "@"+g.id)
		if !g.environment {
			t.results = append(t.results, fmt.Sprintf("Group %s %s.", g.id, word))
		}
	}
	missing := installed.missing(specs, downgrade)
	if t.args.Bool("update_only") {
		upgrade = append(upgrade, installed.among(specs)...)
		for _, n := range specs {
			if !installed.has(n) {
				t.results = append(t.results, fmt.Sprintf("Packages providing %s not installed due to update_only specified", n))
			}
		}
	} else {
		install = append(install, missing...)
		if state == "latest" {
			upgrade = append(upgrade, installed.among(specs)...)
			t.best = len(specs) > 0 && !t.args.Bool("nobest")
		}
	}
	var commands [][]string
	for _, c := range [][]string{append([]string{"upgrade"}, upgrade...), append([]string{"install"}, install...)} {
		if len(c) > 1 {
			commands = append(commands, c)
		}
	}
	return t.carryOut(commands, installed)
}

func (t *task) remove(specs []string, groups []group, files []string, installed *packages) *module.Result {
	if len(files) > 0 {
		return t.fail("Cannot remove paths -- please specify package name.")
	}
	gone := installed.among(specs)
	for _, g := range groups {
		if g.installed {
			gone = append(gone, "@"+g.id)
		}
	}
	for _, n := range specs {
		if strings.Contains(n, "*") && !installed.has(n) {
			t.results = append(t.results, n+" is not installed")
		}
	}
	var commands [][]string
	if len(gone) > 0 {
		commands = append(commands, append([]string{"remove"}, gone...))
	}
	if t.args.Bool("autoremove") {
		commands = append(commands, []string{"autoremove"})
	}
	return t.carryOut(commands, installed)
}

// sort tells groups and files of packages from names. The file that some package
// has stands for that package, or for nothing.
func (t *task) sort(names []string) (specs []string, groups []group, files []string, failed *module.Result) {
	var known []group
	for _, n := range names {
		switch {
		case isFile(n):
			files = append(files, n)
		case strings.HasPrefix(n, "/"):
			out, err := t.call("--quiet", "repoquery", "--available", "--whatprovides", n, "--queryformat", "%{name}")
			switch {
			case err != nil:
				return nil, nil, nil, t.fail("%s", err)
			case out.RC != 0:
				return nil, nil, nil, t.failed(out)
			}
			if name, _, _ := strings.Cut(strings.TrimSpace(out.Stdout), "\n"); name != "" {
				specs = append(specs, name)
			}
		case strings.HasPrefix(n, "@"):
			if known == nil {
				if known, failed = t.groups(); failed != nil {
					return nil, nil, nil, failed
				}
			}
			groups = append(groups, groupOf(known, strings.TrimSpace(n[1:])))
		default:
			specs = append(specs, n)
		}
	}
	return specs, groups, files, nil
}

func isFile(name string) bool {
	return strings.Contains(name, "://") || strings.HasSuffix(name, ".rpm")
}

// wanted are the files of packages that are to be installed. One that is older than
// what is there is wanted only where a downgrade is allowed.
func (t *task) wanted(files []string, installed *packages) []string {
	var list []string
	for _, f := range files {
		t.results = append(t.results, "Installed "+f)
		if !strings.Contains(f, "://") && !t.args.Bool("allow_downgrade") {
			out, err := tool.Run(t.ctx, t.env, "rpm", "-qp", "--nosignature", "--queryformat", `%{NAME}-%{EPOCHNUM}:%{VERSION}-%{RELEASE}`, f)
			if err == nil && out.RC == 0 && installed.older(strings.TrimSpace(out.Stdout)) {
				continue
			}
		}
		list = append(list, f)
	}
	return list
}

// noMatch is what dnf says of names that it finds no package for; excluded, of
// those that it must not see.
var (
	noMatch  = lazyregexp.New(`(?m)^(?:No match for argument: |No package )(.+?)(?: available\.?)?$`)
	excluded = lazyregexp.New(`(?m)^All matches were filtered out by .* filtering for argument: (.+)$`)
)

// carryOut runs the commands. dnf is asked what it would do first where it might do
// too much: one command its part before another finds that there is no package for a
// name, all but that with skip_broken, notes about a group that has nothing to install.
func (t *task) carryOut(commands [][]string, installed *packages) *module.Result {
	if !t.env.Check && t.mayDoTooMuch(commands) {
		t.asking = true
		for i, words := range commands {
			changes, failed := t.one(words)
			if failed != nil {
				return failed
			}
			if len(changes) == 0 && words[0] != "autoremove" {
				commands[i] = nil
			}
		}
		t.asking = false
		commands = slices.DeleteFunc(commands, func(words []string) bool { return words == nil })
	}
	r := module.OK()
	for _, words := range commands {
		changes, failed := t.one(words)
		if failed != nil {
			return failed
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

func (t *task) mayDoTooMuch(commands [][]string) bool {
	if len(commands) == 0 {
		return false
	}
	isGroup := func(s string) bool { return strings.HasPrefix(s, "@") }
	return len(commands) > 1 && commands[0][0] != "remove" || t.args.Bool("skip_broken") ||
		slices.ContainsFunc(commands, func(words []string) bool { return slices.ContainsFunc(words, isGroup) })
}

// one runs one command and returns what it changes, or would.
func (t *task) one(words []string) ([]change, *module.Result) {
	out, err := t.call(words...)
	if err != nil {
		return nil, t.fail("%s", err)
	}
	if !strings.HasSuffix(words[0], "remove") {
		if failures := notFound(out, words[1:]); len(failures) > 0 {
			return nil, t.fail("Failed to install some of the specified packages").Set("failures", failures).Set("rc", 1)
		}
	}
	if m := noGroup.FindStringSubmatch(out.Stdout + out.Stderr); m != nil {
		return nil, t.fail("No group %s available.", m[1])
	}
	changes := parseTable(out.Stdout)
	// dnf ends with 1 also where it was told not to go on.
	declined := (t.env.Check || t.asking) && len(changes) > 0 || strings.Contains(out.Stderr, "Operation aborted")
	if out.RC != 0 && !declined {
		return nil, t.failed(out)
	}
	return changes, nil
}

// notFound says which of the specs there is no package for.
func notFound(out tool.Output, specs []string) []any {
	failures := []any{}
	add := func(format, name string) {
		if f := fmt.Sprintf(format, name); !slices.Contains(failures, any(f)) {
			failures = append(failures, f)
		}
	}
	text := out.Stdout + "\n" + out.Stderr
	if out.RC != 0 && strings.Contains(text, "There are no enabled repositories") {
		for _, s := range specs {
			add("No package %s available.", s)
		}
	}
	for _, m := range noMatch.FindAllStringSubmatch(text, -1) {
		add("No package %s available.", m[1])
	}
	for _, m := range excluded.FindAllStringSubmatch(text, -1) {
		add("%s "+m[0], m[1])
	}
	return failures
}

// unsigned is what dnf says of a package that it does not trust.
var unsigned = lazyregexp.New(`(?m)^Package (\S+)\.rpm is not signed$`)

// failed is the failure of dnf, in its words.
func (t *task) failed(out tool.Output) *module.Result {
	text := strings.TrimSpace(out.Stderr)
	if i := strings.Index(text, "Error: "); i >= 0 {
		text = strings.TrimSpace(text[i+len("Error: "):])
	}
	fail := func(format string) *module.Result { return t.fail(format, text).Set("failures", []any{}).Set("rc", 1) }
	switch {
	case strings.Contains(text, "Failed to download metadata"), strings.Contains(text, "Cannot download repomd"):
		return t.fail("%s", text).Set("rc", 1)
	case strings.Contains(text, "GPG check FAILED"):
		if m := unsigned.FindStringSubmatch(out.Stdout + "\n" + out.Stderr); m != nil {
			return module.Fail("Failed to validate GPG signature for %s: %s", m[1], m[0])
		}
	case strings.HasPrefix(text, "Problem"):
		return fail("Depsolve Error occurred: \n %s")
	}
	return fail("Unknown Error occurred: %s")
}
