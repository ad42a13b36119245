package apt

import (
	"fmt"
	"os"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
)

// install brings packages to the state present, latest, build-dep or fixed.
func (t *task) install(wanted []request) *module.Result {
	state := t.args.String("state")
	if state == "build-dep" {
		var names []string
		for _, q := range wanted {
			names = append(names, q.text)
		}
		if len(names) == 0 {
			return module.OK()
		}
		return t.get("build-dep", names)
	}
	names, failed := t.missing(wanted, state == "latest")
	if failed != nil {
		return failed
	}
	r := module.OK()
	if len(names) > 0 {
		if r = t.get("install", names); r.Failed {
			return t.explain(r)
		}
	}
	return t.markManual(r, wanted)
}

// plain is a name that apt-get can only take for a package's: no minus or plus
// at the end, no pattern, no task.
var plain = lazyregexp.New(`^[a-z0-9][a-z0-9+.-]*[a-z0-9.](:[a-z0-9]+)?$`)

// missing returns what to ask apt-get for.
func (t *task) missing(wanted []request, latest bool) (names []string, failed *module.Result) {
	var ask []string // what only apt can tell
	for _, q := range wanted {
		have := t.db.Find(q.name)
		ok := have.Installed() && q.accepts(have.Version)
		switch {
		case ok && !latest && !q.wildcard():
		case !have.Installed() && t.args.Bool("only_upgrade") && have != nil:
		case !have.Installed() && q.op == "" && plain.MatchString(q.name) && !t.args.Bool("only_upgrade"):
		default:
			ask = append(ask, q.name)
		}
	}
	var known map[string]policy
	if len(ask) > 0 {
		var err error
		if known, err = t.policies(ask); err != nil {
			return nil, module.Fail("%s", err)
		}
	}
	for _, q := range wanted {
		have := t.db.Find(q.name)
		ok := have.Installed() && q.accepts(have.Version)
		p, asked := known[q.name]
		best := p.best(q)
		switch {
		case !asked && contains(ask, q.name):
			return nil, module.Fail(noPackage+"'%s' is available", q.name)
		case !asked && ok:
			continue
		case !have.Installed() && t.args.Bool("only_upgrade"):
			continue
		case !asked:
			names = append(names, q.name)
			continue
		case p.provided && q.version != "":
			names = append(names, q.name+"="+q.version)
			continue
		case p.provided:
			names = append(names, q.name)
			continue
		case best != "" && !q.accepts(best):
			best = ""
		}
		newer := best != "" && (!have.Installed() || best != have.Version)
		switch {
		case !ok && best == "":
			return nil, module.Fail("no available installation candidate for %s", q.text)
		case newer && (latest || !ok):
			names = append(names, q.name+"="+best)
		case newer && q.op == "=":
			// What is there fits the pattern and so does something newer. Ansible
			// has always taken the newer one here.
			names = append(names, q.name+"="+q.version)
		}
	}
	return names, nil
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

var (
	notThere = lazyregexp.New(`E: (?:Unable to locate package (\S+)|Package '(\S+)' has no installation candidate)`)
)

// explain puts the usual reasons why apt-get installs nothing into Ansible's words.
func (t *task) explain(r *module.Result) *module.Result {
	stderr, _ := r.Get("stderr").(string)
	m := notThere.FindStringSubmatch(stderr)
	switch {
	case m == nil:
		return r
	case m[1] != "":
		return module.Fail(noPackage+"'%s' is available", m[1])
	}
	// Others may name a package of which there is no version.
	if known, err := t.policies(m[2:]); err == nil && len(known) == 0 {
		return module.Fail(noPackage+"'%s' is available", m[2])
	}
	r.Msg = fmt.Sprintf("no available installation candidate for %s", m[2])
	return r
}

// markManual keeps what was asked for by name from being removed as no longer
// needed.
func (t *task) markManual(r *module.Result, wanted []request) *module.Result {
	if t.env.Check || len(wanted) == 0 {
		return r
	}
	auto := automatic()
	var names []string
	for _, q := range wanted {
		name, _, _ := strings.Cut(q.name, ":")
		if auto[name] {
			names = append(names, q.name)
		}
	}
	if len(names) == 0 {
		return r
	}
	out, err := t.tool(append([]string{"apt-mark", "manual"}, names...)...)
	switch {
	case err != nil:
		r.Warnings = append(r.Warnings, "Could not find apt-mark binary, not marking package(s) as manually installed.")
	case out.RC != 0:
		return out.Fail("'apt-mark manual %s' failed: %s", strings.Join(names, " "), out.Stderr)
	}
	return r
}

// automatic is the set of packages that were installed only since others needed them.
func automatic() map[string]bool {
	set := map[string]bool{}
	data, err := os.ReadFile("/var/lib/apt/extended_states")
	if err != nil {
		return set // apt has marked none yet
	}
	name := ""
	for line := range strings.Lines(string(data)) {
		key, v, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case key == "Package":
			name = v
		case key == "Auto-Installed" && v == "1":
			set[name] = true
		}
	}
	return set
}

// remove takes packages off the machine.
func (t *task) remove(wanted []request) *module.Result {
	var names []string
	for _, q := range wanted {
		have := t.db.Find(q.name)
		if have.Installed() && q.accepts(have.Version) || t.args.Bool("purge") && have != nil && have.Status != "not-installed" && t.db.HasFiles(have) {
			names = append(names, q.text)
		}
	}
	if len(names) == 0 {
		return module.OK()
	}
	return t.get("remove", names)
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = files.Quote(w)
	}
	return strings.Join(quoted, " ")
}
