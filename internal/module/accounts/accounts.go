// Package accounts reads the machine's users and groups: the files below /etc
// itself, and for names that are not there what else nsswitch.conf points to.
// It changes nothing; modules change accounts through the system's programs.
package accounts

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/tool"
)

// User is one account.
type User struct {
	Name, Password string
	UID, GID       int
	Comment        string
	Home, Shell    string
}

// Group is one group.
type Group struct {
	Name    string
	GID     int
	Members []string
}

// Shadow is the part of an account that only root reads. Numbers are days;
// -1 stands for an empty field.
type Shadow struct {
	Password         string
	Min, Max, Expire int
}

// DB reads accounts for one call.
type DB struct {
	ctx context.Context
	env *module.Env
}

// Open returns the machine's accounts.
func Open(ctx context.Context, env *module.Env) DB { return DB{ctx, env} }

// fields returns the lines of a file below /etc, split at colons; lines with
// fewer than n fields are left out.
func fields(file string, n int) [][]string {
	data, err := os.ReadFile("/etc/" + file)
	if err != nil {
		return nil // as for any other program, there is no account then
	}
	return split(string(data), n)
}

func split(text string, n int) [][]string {
	var out [][]string
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimRight(line, "\n"), ":")
		if len(f) >= n && f[0] != "" && !strings.HasPrefix(f[0], "#") {
			out = append(out, f)
		}
	}
	return out
}

// elsewhere asks the other sources of a database for a key; an empty key asks
// for everything that may be listed.
func (db DB) elsewhere(database, key string, n int) [][]string {
	if !others(database) {
		return nil
	}
	argv := []string{"getent", database}
	if key != "" {
		argv = append(argv, key)
	}
	out, err := tool.Run(db.ctx, db.env, argv...)
	if err != nil {
		return nil // no getent: the files are all there is
	}
	return split(out.Stdout, n)
}

// others tells whether a database has sources besides the files.
func others(database string) bool {
	data, err := os.ReadFile("/etc/nsswitch.conf")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		name, sources, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) == database {
			return slices.ContainsFunc(strings.Fields(sources), func(s string) bool {
				return s != "files" && s != "compat" && !strings.HasPrefix(s, "[")
			})
		}
	}
	return false
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

func user(f []string) *User {
	return &User{Name: f[0], Password: f[1], UID: number(f[2]), GID: number(f[3]), Comment: f[4], Home: f[5], Shell: f[6]}
}

// User finds an account by name, nil if there is none.
func (db DB) User(name string) *User {
	if name == "" {
		return nil
	}
	if u := db.LocalUser(name); u != nil {
		return u
	}
	for _, f := range db.elsewhere("passwd", name, 7) {
		if f[0] == name {
			return user(f)
		}
	}
	return nil
}

// LocalUser finds an account in /etc/passwd alone, nil if there is none.
func (DB) LocalUser(name string) *User {
	for _, f := range fields("passwd", 7) {
		if f[0] == name {
			return user(f)
		}
	}
	return nil
}

func group(f []string) *Group {
	g := &Group{Name: f[0], GID: number(f[2])}
	if f[3] != "" {
		g.Members = strings.Split(f[3], ",")
	}
	return g
}

// Group finds a group by name, nil if there is none.
func (db DB) Group(name string) *Group {
	if name == "" {
		return nil
	}
	if g := db.LocalGroup(name); g != nil {
		return g
	}
	for _, f := range db.elsewhere("group", name, 4) {
		if f[0] == name {
			return group(f)
		}
	}
	return nil
}

// LocalGroup finds a group in /etc/group alone, nil if there is none.
func (DB) LocalGroup(name string) *Group {
	for _, f := range fields("group", 4) {
		if f[0] == name {
			return group(f)
		}
	}
	return nil
}

// GroupOf finds a group by number or, where there is none of that number, by name.
func (db DB) GroupOf(name string) *Group {
	if gid, err := strconv.Atoi(name); err == nil {
		for _, f := range fields("group", 4) {
			if number(f[2]) == gid {
				return group(f)
			}
		}
		for _, f := range db.elsewhere("group", name, 4) {
			return group(f)
		}
	}
	return db.Group(name)
}

// Groups lists all groups, each once.
func (db DB) Groups() []*Group {
	var out []*Group
	seen := map[string]bool{}
	for _, f := range append(fields("group", 4), db.elsewhere("group", "", 4)...) {
		if line := strings.Join(f, ":"); !seen[line] {
			seen[line] = true
			out = append(out, group(f))
		}
	}
	return out
}

// Shadow returns what /etc/shadow says of an account, nil if it says nothing
// or may not be read.
func (db DB) Shadow(name string) *Shadow {
	for _, f := range append(fields("shadow", 8), db.elsewhere("shadow", name, 8)...) {
		if f[0] == name {
			return &Shadow{Password: f[1], Min: number(f[3]), Max: number(f[4]), Expire: number(f[7])}
		}
	}
	return nil
}
