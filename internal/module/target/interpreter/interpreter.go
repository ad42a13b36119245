// Package interpreter finds the Python that modules written in Python run in
// when nobody has set ansible_python_interpreter: the one that belongs to the
// distribution, else the first of a list. It starts no Python.
package interpreter

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/internal/module/target/setup"
	"github.com/tutti-run/tutti/parallel"
)

// Module tells which Python would be used. Users do not name it.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "tutti.internal.interpreter",
		Summary: "Finds the Python of the machine.",
		Params: []module.Param{
			{Name: "mode", Internal: true, Default: "auto", Doc: "auto, auto_legacy, or one of these with _silent."},
			{Name: "host", Internal: true, Doc: "The name that warnings use."},
			{Name: "fallback", Type: module.List, Elements: module.Str, Internal: true, Doc: "What is looked for."},
		},
		Hints: []parallel.Hint{parallel.Free()},
		Check: module.Full, Diff: module.None,
	},
	Run: func(_ context.Context, env *module.Env, args module.Args) *module.Result {
		found, warnings := Discover(env.Environ, args.String("mode"), args.String("host"), args.Strings("fallback"))
		r := module.OK().Set("interpreter", found)
		r.Warnings = warnings
		return r
	},
}

// Fallback are the interpreters that are looked for, the best first.
var Fallback = []string{"python3.11", "python3.10", "python3.9", "python3.8", "python3.7", "python3.6", "python3.5", "/usr/bin/python3", "/usr/libexec/platform-python",
	"python2.7", "/usr/bin/python", "python"}

// own are the interpreters that distributions bring along, from a version on.
var own = map[string][]since{
	"debian": {{"8", "/usr/bin/python"}, {"10", "/usr/bin/python3"}},
	"fedora": {{"23", "/usr/bin/python3"}},
	"redhat": {{"6", "/usr/bin/python"}, {"8", "/usr/libexec/platform-python"}, {"9", "/usr/bin/python3"}},
	"ubuntu": {{"14", "/usr/bin/python"}, {"16", "/usr/bin/python3"}},
}

type since struct{ version, path string }

const moreAbout = "See https://docs.ansible.com/ansible-core/2.14/reference_appendices/interpreter_discovery.html for more information."

// Discover gives the interpreter's path, empty if the machine has none, with what
// a mode that is not silent warns of. host is the name that warnings use.
func Discover(environ []string, mode, host string, fallback []string) (string, []string) {
	if len(fallback) == 0 {
		fallback = Fallback
	}
	var there []string
	for _, name := range fallback {
		if p := process.Find(name, environ); p != "" && unix.Access(p, unix.X_OK) == nil {
			there = append(there, p)
		}
	}
	id, version := setup.OS()
	path, warnings := choose(mode, host, id, version, fallback, there)
	if strings.HasSuffix(mode, "_silent") {
		warnings = nil
	}
	return path, warnings
}

// choose picks one of those that are there.
func choose(mode, host, id, version string, fallback, there []string) (path string, warnings []string) {
	if len(there) == 0 {
		return "", nil
	}
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	platform := ofDistribution(id, version)
	const legacy = "/usr/bin/python"
	switch {
	case platform == "":
		warn("Platform linux on host %s is using the discovered Python interpreter at %s, but future installation of another Python interpreter could change the meaning of that path. "+moreAbout, host, there[0])
		return there[0], warnings
	case strings.HasPrefix(mode, "auto_legacy") && platform != legacy && slices.Contains(there, legacy):
		warn("Distribution %s %s on host %s should use %s, but is using /usr/bin/python for backward compatibility with prior Ansible releases. "+moreAbout, id, version, host, platform)
		return legacy, warnings
	case slices.Contains(there, platform):
		return platform, nil
	}
	if !slices.Contains(fallback, platform) {
		warn("Platform interpreter %s on host %s is missing from bootstrap list", platform, host)
	}
	warn("Distribution %s %s on host %s should use %s, but is using %s, since the discovered platform python interpreter was not present. "+moreAbout, id, version, host, platform, there[0])
	return there[0], warnings
}

// ofDistribution is the interpreter that belongs to a version of a distribution:
// that of the newest version known which is not newer.
func ofDistribution(id, version string) string {
	table := own[id]
	if table == nil {
		table = own[strings.ToLower(setup.Family(id))]
	}
	if table == nil || version == "" {
		return ""
	}
	path := table[0].path
	for _, s := range table {
		if slices.Compare(numbers(s.version), numbers(version)) <= 0 {
			path = s.path
		}
	}
	return path
}

// numbers are the parts of a version.
func numbers(version string) []int {
	var out []int
	for _, part := range strings.Split(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		out = append(out, n)
	}
	return out
}

// Find gives the interpreter for a module: the one that was asked for, by its
// path or as a name on the PATH, else the one that is discovered.
func Find(environ []string, asked, mode string) (string, error) {
	if asked == "" {
		if p, _ := Discover(environ, cmp.Or(mode, "auto_silent"), "", nil); p != "" {
			return p, nil
		}
		return "", fmt.Errorf("this module is written in Python, and the target has no python3: install it, or set ansible_python_interpreter")
	}
	if strings.Contains(asked, "/") {
		if _, err := os.Stat(asked); err != nil {
			return "", fmt.Errorf("the interpreter %s (ansible_python_interpreter) is not there: %w", asked, err)
		}
		return asked, nil
	}
	if p := process.Find(asked, environ); p != "" {
		return p, nil
	}
	return "", fmt.Errorf("the interpreter %s (ansible_python_interpreter) is not on the PATH", asked)
}
