// Package user is the module that manages the accounts of users. It reads
// accounts itself and changes them with the programs of the shadow suite, which
// keep /etc/shadow, subordinate ids and locks in order.
package user

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/accounts"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
)

// task is one run of the module.
type task struct {
	ctx  context.Context
	env  *module.Env
	args module.Args
	db   accounts.DB

	name     string
	local    bool
	groups   []string // nil if the task does not say
	warnings []string
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, db: accounts.Open(ctx, env), name: args.String("name"), local: args.Bool("local")}
	r := t.run()
	r.Warnings = append(r.Warnings, t.warnings...)
	return r
}

func (t *task) fail(err error) *module.Result { return module.Fail("%s", err).Set("name", t.name) }

func (t *task) run() *module.Result {
	if t.args.Has("umask") && t.local {
		return module.Fail("'umask' can not be used with 'local'")
	}
	if t.args.Has("groups") {
		t.groups = []string{}
		for _, g := range t.args.Strings("groups") {
			if g = strings.TrimSpace(g); g != "" && !slices.Contains(t.groups, g) {
				t.groups = append(t.groups, g)
			}
		}
	} else if t.args.Bool("append") {
		t.warnings = append(t.warnings, "'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups."+
			"This will change to an error in Ansible 2.14.")
	}
	if p := t.args.String("password"); p != "" && !hashed(p) {
		t.warnings = append(t.warnings, "The input password appears not to have been hashed. "+
			"The 'password' argument must be encrypted for this module to work properly.")
	}
	if t.args.String("state") == "absent" {
		return t.absent()
	}
	return t.present()
}

var outsideHash = lazyregexp.New(`[^a-zA-Z0-9./=]`)

// hashed tells whether a password looks like the hash that it must be.
func hashed(p string) bool {
	if p == "*" || p == "!" || p == "*************" {
		return true // ways to have no password
	}
	f := strings.Split(p, "$")
	if strings.ContainsAny(p, ":*!") || len(f) < 3 || outsideHash.MatchString(f[len(f)-1]) {
		return false
	}
	size, known := map[string]int{"1": 22, "5": 43, "6": 86}[f[1]]
	return !known || len(f[len(f)-1]) == size
}

// find looks the account up where this task may look.
func (t *task) find() *accounts.User {
	if !t.local {
		return t.db.User(t.name)
	}
	u := t.db.LocalUser(t.name)
	if u == nil && !slices.ContainsFunc(t.warnings, func(w string) bool { return strings.HasPrefix(w, "'local: true'") }) {
		t.warnings = append(t.warnings, fmt.Sprintf("'local: true' specified and user '%s' was not found in /etc/passwd. "+
			"The local user account may already exist if the local account database exists somewhere other than /etc/passwd.", t.name))
	}
	return u
}

// do runs the commands one after the other; nil stands for a step without one.
func (t *task) do(r *module.Result, commands ...[]string) *module.Result {
	var all tool.Output
	for _, argv := range commands {
		if len(argv) == 0 {
			continue
		}
		r.Changed = true
		if t.env.Check {
			continue
		}
		if minds(argv) {
			endAgents(t.ctx, t.find())
		}
		out, err := tool.Run(t.ctx, t.env, argv...)
		if err != nil {
			return t.fail(err)
		}
		if out.RC != 0 {
			return module.Fail("%s", out.Stderr).Set("name", t.name).Set("rc", out.RC)
		}
		all.Stdout += out.Stdout
		all.Stderr += out.Stderr
	}
	all.Describe(r)
	return nil
}

func (t *task) absent() *module.Result {
	r := module.OK()
	if t.find() != nil {
		if r.Changed = true; t.env.Check {
			return r
		}
		argv := []string{"userdel"}
		if t.local {
			argv = []string{"luserdel"}
		}
		if t.args.Bool("force") && !t.local {
			argv = append(argv, "-f")
		}
		if t.args.Bool("remove") {
			argv = append(argv, "-r")
		}
		if failed := t.do(r, append(argv, t.name)); failed != nil {
			return failed
		}
		r.Set("force", t.args.Bool("force")).Set("remove", t.args.Bool("remove"))
	}
	return r.Set("name", t.name).Set("state", "absent")
}

func (t *task) present() *module.Result {
	r := module.OK().Set("name", t.name).Set("state", "present")
	have := t.find()
	if have == nil {
		if t.env.Check {
			return &module.Result{Changed: true}
		}
		if failed := t.create(r); failed != nil {
			return failed
		}
	} else if failed := t.modify(r, have); failed != nil {
		return failed
	}
	if t.args.Has("password") {
		r.Set("password", "NOT_LOGGING_PASSWORD")
	}
	have = t.find()
	if have == nil {
		return r
	}
	r.Set("uid", have.UID).Set("group", have.GID).Set("comment", have.Comment).Set("home", have.Home).Set("shell", have.Shell)
	if t.args.Has("groups") {
		r.Set("groups", strings.Join(t.args.Strings("groups"), ","))
	}
	if failed := t.home(r, have); failed != nil {
		return failed
	}
	if t.args.Bool("generate_ssh_key") {
		if failed := t.sshKey(r, have); failed != nil {
			return failed
		}
	}
	return t.passwordAge(r)
}

// checked returns the groups that were asked for, or that one is not there.
func (t *task) checked() ([]string, error) {
	for _, g := range t.groups {
		if t.db.GroupOf(g) == nil {
			return nil, fmt.Errorf("Group %s does not exist", g)
		}
	}
	return t.groups, nil
}

// home makes a home directory that is not there.
func (t *task) home(r *module.Result, have *accounts.User) *module.Result {
	home := t.args.String("home")
	if !t.args.Has("home") {
		home = have.Home
	}
	if !t.args.Bool("create_home") || files.Exists(home) {
		return nil
	}
	r.Changed = true
	if t.env.Check {
		return nil
	}
	err := t.makeHome(home)
	if err == nil {
		err = chown(home, have.UID, have.GID)
	}
	if err != nil {
		return module.Fail("%s", err)
	}
	return nil
}

// loginMask is the mask of /etc/login.defs for home directories.
var loginMask = lazyregexp.New(`(?m)^UMASK\s+(\d+)$`)

// makeHome makes a home directory as useradd does, where useradd cannot.
func (t *task) makeHome(path string) error {
	if files.Exists(path) {
		return nil
	}
	skeleton := "/etc/skel"
	if t.args.Has("skeleton") {
		skeleton = t.args.String("skeleton")
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	if files.Exists(skeleton) {
		out, err := tool.Run(t.ctx, t.env, "cp", "-a", "--no-preserve=ownership", skeleton+"/.", path)
		if err != nil {
			return err
		}
		if out.RC != 0 {
			return errors.New(strings.TrimSpace(out.Stderr))
		}
	}
	defs, err := os.ReadFile("/etc/login.defs")
	if err != nil {
		return nil // no file, no mask of its own
	}
	for _, m := range loginMask.Get().FindAllSubmatch(defs, -1) {
		mask, err := strconv.ParseUint(string(m[1]), 8, 32)
		if err != nil {
			return fmt.Errorf("UMASK in /etc/login.defs: %w", err)
		}
		if err := os.Chmod(path, 0o777&^os.FileMode(mask)); err != nil {
			return err
		}
	}
	return nil
}

func chown(path string, uid, gid int) error {
	return filepath.WalkDir(path, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
}

// passwordAge sets the days of password_expire_min and password_expire_max.
func (t *task) passwordAge(r *module.Result) *module.Result {
	shadow := t.db.Shadow(t.name)
	if shadow == nil {
		return r
	}
	argv := []string{"chage"}
	if t.args.Has("password_expire_min") && t.args.Int("password_expire_min") != shadow.Min {
		argv = append(argv, "-m", strconv.Itoa(t.args.Int("password_expire_min")))
	}
	if t.args.Has("password_expire_max") && t.args.Int("password_expire_max") != shadow.Max {
		argv = append(argv, "-M", strconv.Itoa(t.args.Int("password_expire_max")))
	}
	if len(argv) == 1 {
		return r
	}
	said := module.OK()
	if failed := t.do(said, append(argv, t.name)); failed != nil {
		return failed
	}
	r.Changed = true
	return r
}
