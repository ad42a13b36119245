package apt

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/dpkg"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
)

// What the programs say when there was nothing to install. An upgrade counts
// as a change only if it installs something, whatever it may remove.
const (
	aptZero      = "0 upgraded, 0 newly installed"
	aptitudeZero = "0 packages upgraded, 0 newly installed"
)

// option returns the flag if the parameter is set.
func (t *task) option(param, flag string) []string {
	if t.args.Bool(param) {
		return []string{flag}
	}
	return nil
}

// common are the options of every change.
func (t *task) common() []string {
	argv := []string{"-y"}
	for o := range strings.SplitSeq(t.args.String("dpkg_options"), ",") {
		if o = strings.TrimSpace(o); o != "" {
			argv = append(argv, "-o", "Dpkg::Options::=--"+o)
		}
	}
	if t.env.Check {
		argv = append(argv, "--simulate")
	}
	return argv
}

// get runs apt-get install, build-dep or remove for packages.
func (t *task) get(verb string, names []string) *module.Result {
	argv := append([]string{"apt-get"}, t.common()...)
	argv = append(argv, t.option("force", "--force-yes")...)
	if verb == "remove" {
		argv = append(argv, "-q")
		argv = append(argv, t.option("purge", "--purge")...)
		argv = append(argv, t.option("autoremove", "--auto-remove")...)
	} else {
		argv = append(argv, t.option("only_upgrade", "--only-upgrade")...)
		if t.args.String("state") == "fixed" {
			argv = append(argv, "--fix-broken")
		}
		if verb == "install" {
			argv = append(argv, t.option("autoremove", "--auto-remove")...)
		}
		argv = append(argv, t.option("fail_on_autoremove", "--no-remove")...)
		argv = append(argv, t.release()...)
		if t.args.Has("install_recommends") {
			argv = append(argv, "-o", "APT::Install-Recommends="+map[bool]string{true: "yes", false: "no"}[t.args.Bool("install_recommends")])
		}
		argv = append(argv, t.option("allow_unauthenticated", "--allow-unauthenticated")...)
		argv = append(argv, t.option("allow_downgrade", "--allow-downgrades")...)
		argv = append(argv, t.option("allow_change_held_packages", "--allow-change-held-packages")...)
	}
	r, out := t.change(append(append(argv, verb), names...))
	if !r.Failed {
		r.Changed = !strings.Contains(out.Stdout, aptZero+", 0 to remove")
	} else if verb == "remove" {
		r.Msg = fmt.Sprintf("'apt-get remove %s' failed: %s", quoteAll(names), out.Stderr)
	}
	return r
}

func (t *task) release() []string {
	if release := t.args.String("default_release"); release != "" {
		return []string{"-t", release}
	}
	return nil
}

// waiting tells of programs outside that hold a lock of apt's.
func (t *task) waiting(holder string) { t.env.Waiting("dpkg", holder) }

// change runs a command that changes packages, when nobody else does.
func (t *task) change(argv []string) (*module.Result, tool.Output) {
	timeout := t.args.Int("lock_timeout")
	if !t.env.Check {
		if err := dpkg.WaitTurn(t.ctx, time.Duration(timeout)*time.Second, t.waiting); err != nil {
			return module.Fail("%s", err), tool.Output{}
		}
	}
	restore, err := t.policyRcD()
	if err != nil {
		return module.Fail("%s", err), tool.Output{}
	}
	run := argv
	if argv[0] == "apt-get" {
		// Somebody may take the lock between our look at it and apt-get's.
		run = slices.Insert(slices.Clone(argv), 1, "-o", "DPkg::Lock::Timeout="+strconv.Itoa(timeout))
	}
	out, err := t.tool(run...)
	if err := errors.Join(err, restore()); err != nil {
		return module.Fail("%s", err), out
	}
	if out.RC != 0 {
		return out.Fail("'%s' failed: %s", quoteAll(argv), out.Stderr), out
	}
	r := module.OK().SetOutput(out.Stdout, out.Stderr)
	r.Changed = true
	diff := value.NewMap(1)
	if t.env.Diff {
		diff.Set("prepared", prepared(out.Stdout))
	}
	r.Diff = diff
	return r, out
}

// prepared is the part of the output that says what is done to packages.
func prepared(stdout string) string {
	lines := strings.Split(strings.TrimRight(stdout, "\n"), "\n")
	for i, line := range lines {
		if line == "Reading state information..." || line == "Resolving dependencies..." {
			lines = lines[i+1:]
			break
		}
	}
	for i, line := range lines {
		if strings.Contains(line, " upgraded, ") && strings.Contains(line, " newly installed") {
			lines = lines[:i+1]
			break
		}
	}
	return strings.Join(lines, "\n")
}

const policyRcD = "/usr/sbin/policy-rc.d"

// policyRcD makes policy-rc.d exit with the status asked for, and returns what
// puts the old one back.
func (t *task) policyRcD() (restore func() error, err error) {
	if !t.args.Has("policy_rc_d") || t.env.Check {
		return func() error { return nil }, nil
	}
	saved := policyRcD + ".tutti-saved"
	err = os.Rename(policyRcD, saved)
	had := err == nil
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("Fail to move %s to %s: %w", policyRcD, saved, err)
	}
	restore = func() error {
		if had {
			return os.Rename(saved, policyRcD)
		}
		return os.Remove(policyRcD)
	}
	if err := os.WriteFile(policyRcD, fmt.Appendf(nil, "#!/bin/sh\nexit %d\n", t.args.Int("policy_rc_d")), 0o755); err != nil {
		return nil, errors.Join(fmt.Errorf("Failed to create or chmod %s: %w", policyRcD, err), restore())
	}
	return restore, os.Chmod(policyRcD, 0o755)
}

// cleanup is autoremove or autoclean.
func (t *task) cleanup(operation string) *module.Result {
	argv := append([]string{"apt-get"}, t.common()...)
	argv = append(argv, t.option("purge", "--purge")...)
	argv = append(argv, t.option("force", "--force-yes")...)
	r, out := t.change(append(argv, operation))
	if r.Failed {
		r.Msg = fmt.Sprintf("'apt-get %s' failed: %s", operation, out.Stderr)
		return r
	}
	r.Changed = strings.Contains(out.Stdout, map[string]string{
		"autoremove": "The following packages will be REMOVED", "autoclean": "Del ",
	}[operation])
	return r
}

// upgrade brings all packages up to date.
func (t *task) upgrade(mode string) *module.Result {
	program, force := "apt-get", "--force-yes"
	if mode != "dist" && !t.args.Bool("force_apt_get") && tool.Find(t.env, "aptitude") != "" {
		program, force = "aptitude", "--assume-yes"
	}
	argv := append([]string{program}, t.common()...)
	argv = append(argv, t.option("force", force)...)
	if program == "aptitude" {
		argv = append(argv, t.option("force", "--allow-untrusted")...)
		argv = append(argv, t.option("allow_unauthenticated", "--allow-untrusted")...)
	} else {
		argv = append(argv, t.option("fail_on_autoremove", "--no-remove")...)
		argv = append(argv, t.option("allow_unauthenticated", "--allow-unauthenticated")...)
		argv = append(argv, t.option("allow_downgrade", "--allow-downgrades")...)
		argv = append(argv, t.option("autoremove", "--auto-remove")...)
	}
	argv = append(argv, t.release()...)
	verb := []string{"upgrade", "--with-new-pkgs"}
	switch {
	case program == "aptitude" && mode == "full":
		verb = []string{"full-upgrade"}
	case program == "aptitude":
		verb = []string{"safe-upgrade"}
	case mode == "dist" || mode == "full":
		verb = []string{"dist-upgrade"}
	}
	r, out := t.change(append(argv, verb...))
	if r.Failed {
		return r
	}
	r.Msg = out.Stdout
	zero := aptZero
	if program == "aptitude" {
		zero = aptitudeZero
	}
	if strings.Contains(out.Stdout, zero) {
		r.Changed, r.Diff = false, nil
	}
	return r
}
