// Package apt is the module for Debian packages. Whether there is anything to
// do it finds out from dpkg's database where that is enough, in milliseconds;
// candidates it gets from apt-cache, and changes are made by apt-get.
package apt

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/dpkg"
	"github.com/tutti-run/tutti/internal/module/tool"
)

// task is one run of the module.
type task struct {
	ctx  context.Context
	env  *module.Env
	args module.Args
	db   *dpkg.Database

	updated bool // the lists were fetched
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args}
	if tool.Find(env, "apt-get") == "" {
		return module.Fail("Failed to find required executable \"apt-get\": the apt module is for Debian and what descends from it; " +
			"the package module takes the one that fits the machine")
	}
	return t.run()
}

func (t *task) run() *module.Result {
	upgrade := t.args.String("upgrade")
	nothing := len(t.args.List("package")) == 0 && upgrade == "no" && !t.args.Has("deb")
	if t.args.Bool("clean") {
		// Ansible goes on to report on the cache, not on what it cleaned.
		if r := t.clean(); r.Failed {
			return r
		}
	}
	if failed := t.refresh(); failed != nil {
		return failed
	}
	if nothing && (t.args.Bool("update_cache") || t.args.Int("cache_valid_time") != 0) {
		r := module.OK()
		r.Changed = t.updated
		return t.withCache(r)
	}
	if upgrade != "no" {
		return t.upgrade(upgrade)
	}
	var err error
	if t.db, err = dpkg.Read(); err != nil {
		return module.Fail("%s", err)
	}
	state := t.args.String("state")
	if t.args.Has("deb") {
		if state != "present" {
			return module.Fail("deb only supports state=present")
		}
		return t.files()
	}
	var names []string
	everything := false
	for _, name := range t.args.Strings("package") {
		if name == "*" {
			everything = true
		} else {
			names = append(names, strings.TrimSpace(name))
		}
	}
	if everything && state == "latest" {
		if len(names) > 0 {
			return module.Fail("unable to install additional packages when upgrading all installed packages")
		}
		return t.upgrade("yes")
	}
	for _, name := range names {
		if strings.Count(name, "=") > 1 {
			return module.Fail("invalid package spec: %s", name)
		}
	}
	if len(names) == 0 {
		for _, operation := range []string{"autoclean", "autoremove"} {
			if t.args.Bool(operation) {
				return t.cleanup(operation)
			}
		}
	}
	wanted, err := t.expand(names)
	if err != nil {
		return module.Fail("%s", err)
	}
	if state == "absent" {
		return t.remove(wanted)
	}
	r := t.install(wanted)
	if r.Failed && strings.HasPrefix(r.Msg, noPackage) {
		return r // before apt was asked for anything, so to speak
	}
	return t.withCache(r)
}

// noPackage begins the message about a package that apt does not know.
const noPackage = "No package matching "

// withCache adds what became of the lists.
func (t *task) withCache(r *module.Result) *module.Result {
	return r.Set("cache_updated", t.updated).Set("cache_update_time", int(fetched().Unix()))
}

// fetched is when the lists were fetched last.
func fetched() time.Time {
	for _, path := range []string{"/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists"} {
		if fi, err := os.Stat(path); err == nil {
			return fi.ModTime()
		}
	}
	return time.Unix(0, 0)
}

// refresh fetches the lists if that was asked for and they are too old.
func (t *task) refresh() *module.Result {
	valid := time.Duration(t.args.Int("cache_valid_time")) * time.Second
	before := fetched()
	if !t.args.Bool("update_cache") && valid == 0 || !before.Add(valid).Before(time.Now()) {
		return nil
	}
	if t.env.Check {
		t.updated = true
		return nil
	}
	timeout := time.Duration(t.args.Int("lock_timeout")) * time.Second
	if err := dpkg.WaitFree(t.ctx, dpkg.ListsLock, timeout, t.waiting); err != nil {
		return module.Fail("%s", err)
	}
	var out tool.Output
	for try := range t.args.Int("update_cache_retries") {
		if try > 0 {
			delay := min(time.Duration(1)<<min(try-1, 30), time.Duration(t.args.Int("update_cache_retry_max_delay"))) * time.Second
			// Hosts that failed together should not all come back together.
			delay += time.Duration(rand.Int64N(int64(time.Second)))
			select {
			case <-t.ctx.Done():
				return module.Fail("%s", t.ctx.Err())
			case <-time.After(delay):
			}
		}
		var err error
		if out, err = t.tool("apt-get", "update", "-q"); err != nil {
			return module.Fail("%s", err)
		}
		if out.RC == 0 {
			t.updated = fetched().Unix() != before.Unix()
			return nil
		}
	}
	reason := strings.TrimSpace(out.Stderr)
	if reason == "" {
		reason = "unknown reason"
	}
	return out.Fail("Failed to update apt cache: %s", reason)
}

// tool runs one of apt's programs so that it asks nobody anything.
func (t *task) tool(argv ...string) (tool.Output, error) {
	return tool.Cmd{Argv: argv, Env: map[string]string{
		"DEBIAN_FRONTEND": "noninteractive", "DEBIAN_PRIORITY": "critical", "LC_CTYPE": "C.UTF-8",
	}}.Run(t.ctx, t.env)
}

func (t *task) clean() *module.Result {
	if t.env.Check {
		return &module.Result{Changed: true}
	}
	out, err := t.tool("apt-get", "clean")
	switch {
	case err != nil:
		return module.Fail("%s", err)
	case out.RC != 0:
		return out.Fail("apt-get clean failed")
	case out.Stderr != "":
		return out.Fail("apt-get clean failed: %s", out.Stderr)
	}
	r := module.OK().SetOutput(out.Stdout, out.Stderr)
	r.Changed = true
	r.Msg = out.Stdout
	return r
}

// expand replaces patterns by the packages that they match.
func (t *task) expand(names []string) ([]request, error) {
	var out []request
	for _, name := range names {
		q := parseRequest(name)
		if !strings.ContainsAny(q.name, "*?[]!") {
			out = append(out, q)
			continue
		}
		known, err := t.known()
		if err != nil {
			return nil, err
		}
		found, err := q.matching(known)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// known lists the names of all packages.
func (t *task) known() ([]string, error) {
	out, err := t.tool("apt-cache", "pkgnames")
	if err != nil {
		return nil, err
	}
	names := strings.Fields(out.Stdout)
	for _, p := range t.db.Packages {
		if p.Status != "not-installed" {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
