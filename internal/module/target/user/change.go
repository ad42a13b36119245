package user

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/accounts"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
)

// day is the day of expires, counted from 1970; never is -1.
func (t *task) day() int {
	if e := t.args.Float("expires"); e >= 0 {
		return int(math.Floor(e)) / 86400
	}
	return -1
}

// date writes a day as the shadow programs read it.
func date(day int) string {
	if day < 0 {
		return ""
	}
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}

func (t *task) hash() string {
	if t.args.Bool("password_lock") {
		return "!" + t.args.String("password")
	}
	return t.args.String("password")
}

// localTools reports that a program for local accounts is missing.
func (t *task) localTools() *module.Result {
	if !t.local {
		return nil
	}
	for _, program := range []string{"lgroupmod", "lchage"} {
		if _, err := tool.Require(t.env, program); err != nil {
			return module.Fail("%s", err)
		}
	}
	return nil
}

func (t *task) create(r *module.Result) *module.Result {
	if failed := t.localTools(); failed != nil {
		return failed
	}
	argv := []string{"useradd"}
	if t.local {
		argv = []string{"luseradd"}
	}
	if t.args.Has("uid") {
		if argv = append(argv, "-u", strconv.Itoa(t.args.Int("uid"))); t.args.Bool("non_unique") {
			argv = append(argv, "-o")
		}
	}
	if t.args.Has("seuser") {
		argv = append(argv, "-Z", t.args.String("seuser"))
	}
	switch group := t.args.String("group"); {
	case t.args.Has("group"):
		if t.db.GroupOf(group) == nil {
			return module.Fail("Group %s does not exist", group)
		}
		argv = append(argv, "-g", group)
	case t.db.GroupOf(t.name) != nil && t.local:
		argv = append(argv, "-n")
	case t.db.GroupOf(t.name) != nil:
		argv = append(argv, "-N") // or useradd would try to make that group
	}
	groups, err := t.checked()
	if err != nil {
		return module.Fail("%s", err)
	}
	if len(groups) > 0 && !t.local {
		argv = append(argv, "-G", strings.Join(groups, ","))
	}
	if t.args.Has("comment") {
		argv = append(argv, "-c", t.args.String("comment"))
	}
	home, orphan := t.args.String("home"), false
	if t.args.Has("home") {
		// useradd makes the last directory of the path only.
		if t.args.Bool("create_home") && !files.IsDir(filepath.Dir(home)) {
			orphan = true
			if err := t.makeHome(home); err != nil {
				return module.Fail("%s", err)
			}
		}
		argv = append(argv, "-d", home)
	}
	if t.args.Has("shell") {
		argv = append(argv, "-s", t.args.String("shell"))
	}
	if t.args.Has("expires") && !t.local {
		argv = append(argv, "-e", date(t.day()))
	}
	if t.args.Has("password") {
		argv = append(argv, "-p", t.hash())
	}
	argv = append(argv, t.homeOptions()...)
	if t.args.Bool("system") {
		argv = append(argv, "-r")
	}
	commands := [][]string{append(argv, t.name)}
	if t.local {
		if t.args.Has("expires") {
			commands = append(commands, []string{"lchage", "-E", strconv.Itoa(t.day()), t.name})
		}
		for _, g := range groups {
			commands = append(commands, []string{"lgroupmod", "-M", t.name, g})
		}
	}
	if failed := t.do(r, commands...); failed != nil {
		return failed
	}
	if have := t.find(); orphan && have != nil {
		if err := chown(home, have.UID, have.GID); err != nil {
			return module.Fail("%s", err)
		}
	}
	r.Set("system", t.args.Bool("system")).Set("create_home", t.args.Bool("create_home"))
	return nil
}

func (t *task) homeOptions() []string {
	if !t.args.Bool("create_home") {
		return []string{"-M"}
	}
	var argv []string
	if !t.local {
		argv = append(argv, "-m")
	}
	if t.args.Has("skeleton") {
		argv = append(argv, "-k", t.args.String("skeleton"))
	}
	if t.args.Has("umask") {
		argv = append(argv, "-K", "UMASK="+t.args.String("umask"))
	}
	return argv
}

// memberships lists the groups whose members include the user.
func (t *task) memberships() []string {
	var in []string
	for _, g := range t.db.Groups() {
		if slices.Contains(g.Members, t.name) {
			in = append(in, g.Name)
		}
	}
	return in
}

func minus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

func (t *task) modify(r *module.Result, have *accounts.User) *module.Result {
	if failed := t.localTools(); failed != nil {
		return failed
	}
	argv := []string{"usermod"}
	if t.local {
		argv = []string{"lusermod"}
	}
	if t.args.Has("uid") && t.args.Int("uid") != have.UID {
		if argv = append(argv, "-u", strconv.Itoa(t.args.Int("uid"))); t.args.Bool("non_unique") {
			argv = append(argv, "-o")
		}
	}
	if group := t.args.String("group"); t.args.Has("group") {
		g := t.db.GroupOf(group)
		if g == nil {
			return module.Fail("Group %s does not exist", group)
		}
		if g.GID != have.GID {
			argv = append(argv, "-g", strconv.Itoa(g.GID))
		}
	}
	options, members, err := t.membership()
	if err != nil {
		return module.Fail("%s", err)
	}
	argv = append(argv, options...)
	if t.args.Has("comment") && t.args.String("comment") != have.Comment {
		argv = append(argv, "-c", t.args.String("comment"))
	}
	if home := t.args.String("home"); t.args.Has("home") && home != have.Home {
		if argv = append(argv, "-d", home); t.args.Bool("move_home") {
			argv = append(argv, "-m")
		}
	}
	if t.args.Has("shell") && t.args.String("shell") != have.Shell {
		argv = append(argv, "-s", t.args.String("shell"))
	}
	hash, expire := have.Password, -1
	if shadow := t.db.Shadow(t.name); shadow != nil {
		expire = shadow.Expire
		if len(hash) < 2 { // an x: it is in the shadow file
			hash = shadow.Password
		}
	}
	if day := t.day(); t.args.Has("expires") && day != max(expire, -1) {
		if t.local {
			members = append([][]string{{"lchage", "-E", strconv.Itoa(day), t.name}}, members...)
		} else {
			argv = append(argv, "-e", date(day))
		}
	}
	locked := strings.HasPrefix(hash, "!")
	switch {
	case t.args.Has("password") && t.args.String("update_password") == "always" &&
		strings.TrimLeft(hash, "!") != strings.TrimLeft(t.args.String("password"), "!"):
		argv = append(argv, "-p", t.hash())
	case t.args.Has("password_lock") && t.args.Bool("password_lock") && !locked:
		argv = append(argv, "-L")
	case t.args.Has("password_lock") && !t.args.Bool("password_lock") && locked:
		argv = append(argv, "-U")
	}
	if len(argv) == 1 {
		argv = nil
	} else {
		argv = append(argv, t.name)
	}
	if failed := t.do(r, append([][]string{argv}, members...)...); failed != nil {
		return failed
	}
	r.Set("append", t.args.Bool("append")).Set("move_home", t.args.Bool("move_home"))
	return nil
}

// membership is how to bring the user into the groups asked for: options for
// usermod, or commands of their own for local accounts.
func (t *task) membership() (options []string, commands [][]string, err error) {
	if t.groups == nil {
		return nil, nil, nil
	}
	groups, err := t.checked()
	if err != nil {
		return nil, nil, err
	}
	// Groups may be given by number.
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = t.db.GroupOf(g).Name
	}
	current := t.memberships()
	join, leave := minus(names, current), minus(current, names)
	if t.args.Bool("append") {
		leave = nil
	}
	switch {
	case len(join) == 0 && len(leave) == 0:
	case t.local:
		for _, g := range join {
			commands = append(commands, []string{"lgroupmod", "-M", t.name, g})
		}
		for _, g := range leave {
			commands = append(commands, []string{"lgroupmod", "-m", t.name, g})
		}
	case t.args.Bool("append"):
		options = []string{"-a", "-G", strings.Join(names, ",")}
	default:
		options = []string{"-G", strings.Join(names, ",")}
	}
	return options, commands, nil
}

func (t *task) keyFile(have *accounts.User) (string, error) {
	name := t.args.String("ssh_key_file")
	if name == "" {
		name = filepath.Join(".ssh", "id_"+t.args.String("ssh_key_type"))
	}
	if filepath.IsAbs(name) {
		return name, nil
	}
	if !files.Exists(have.Home) && !t.env.Check {
		return "", fmt.Errorf("User %s home directory does not exist", t.name)
	}
	return filepath.Join(have.Home, name), nil
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}
