// Package tool runs the system's own programs for modules that manage the
// system (useradd, apt-get, git): found also where a plain PATH does not look,
// speaking English, and with failures worded for people.
package tool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/process"
)

// sbin is where administrators' programs are, which users' PATHs leave out.
var sbin = []string{"/sbin", "/usr/sbin", "/usr/local/sbin"}

// Output is what a program that was started did.
type Output struct {
	Stdout, Stderr string
	RC             int // exit status; minus the signal that killed it
}

// Cmd is a program to run.
type Cmd struct {
	Argv  []string
	Under []string // a program and its words that is to start Argv (a shell that sets a umask); failures do not show it
	Dir   string   // one that is not there counts for nothing, as with Ansible's modules
	Stdin string
	Env   map[string]string // added to the call's environment
}

// Find returns where a program is, "" if nowhere.
func Find(env *module.Env, names ...string) string {
	for _, name := range names {
		if path := process.Find(name, env.Environ); path != "" {
			return path
		}
		for _, dir := range sbin {
			path := dir + "/" + name
			if fi, err := os.Stat(path); err == nil && !fi.IsDir() && fi.Mode()&0o111 != 0 {
				return path
			}
		}
	}
	return ""
}

// Require is Find with an error that says where it looked.
func Require(env *module.Env, name string) (string, error) {
	path := Find(env, name)
	if path == "" {
		return "", fmt.Errorf("Failed to find required executable \"%s\" in paths: %s", name, paths(env))
	}
	return path, nil
}

func paths(env *module.Env) string {
	path := ""
	for _, e := range env.Environ {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			path = v
		}
	}
	for _, dir := range sbin {
		if !strings.Contains(":"+path+":", ":"+dir+":") {
			path += ":" + dir
		}
	}
	return strings.TrimPrefix(path, ":")
}

// Environ is the environment of a call with English messages and extra set.
func Environ(env *module.Env, extra map[string]string) []string {
	out := make([]string, 0, len(env.Environ)+len(extra)+4)
	for _, e := range env.Environ {
		name, _, _ := strings.Cut(e, "=")
		if _, replaced := extra[name]; replaced || name == "LANG" || name == "LC_ALL" || name == "LC_MESSAGES" || name == "LANGUAGE" {
			continue
		}
		out = append(out, e)
	}
	for name, v := range extra {
		out = append(out, name+"="+v)
	}
	return append(out, "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "LC_MESSAGES=C.UTF-8")
}

// Run runs a program found by Require and waits for it. The error is set only
// if it could not be run to its end.
func Run(ctx context.Context, env *module.Env, argv ...string) (Output, error) {
	return Cmd{Argv: argv}.Run(ctx, env)
}

// Run runs the program and waits for it, as the function Run does.
func (c Cmd) Run(ctx context.Context, env *module.Env) (Output, error) {
	path, err := Require(env, c.Argv[0])
	if strings.Contains(c.Argv[0], "/") {
		path, err = c.Argv[0], nil
	}
	if err != nil {
		return Output{}, err
	}
	p := process.Cmd{Argv: slices.Concat(c.Under, []string{path}, c.Argv[1:]), Dir: c.Dir, Env: Environ(env, c.Env)}
	if !files.IsDir(c.Dir) {
		p.Dir = ""
	}
	if c.Stdin != "" {
		p.Stdin = []byte(c.Stdin)
	}
	out, err := process.Run(ctx, p)
	return Output{Stdout: string(out.Stdout), Stderr: string(out.Stderr), RC: out.RC}, err
}

// Fail is the failed result of a program that ended with a status other than 0.
func (o Output) Fail(format string, args ...any) *module.Result {
	return module.Fail(format, args...).Set("rc", o.RC).SetOutput(o.Stdout, o.Stderr)
}

// Describe adds what the program printed to a result, where it printed anything.
func (o Output) Describe(r *module.Result) {
	r.SetOutput(o.Stdout, o.Stderr)
	for _, stream := range []string{"stdout", "stderr"} {
		if r.Get(stream) == "" {
			r.Fields.Delete(stream)
			r.Fields.Delete(stream + "_lines")
		}
	}
}

// Checked runs a program that has to end with status 0; what it says otherwise
// is the failure.
func (c Cmd) Checked(ctx context.Context, env *module.Env) (Output, *module.Result) {
	out, err := c.Run(ctx, env)
	switch {
	case err != nil:
		return out, c.Refused(env, err)
	case out.RC != 0:
		msg := strings.TrimSpace(out.Stderr)
		if msg == "" {
			msg = strings.TrimSpace(out.Stdout)
		}
		return out, out.Fail("%s", hideLogins(msg)).Set("cmd", c.line(env))
	}
	return out, nil
}

// Refused is the failed result of a program that Run could not start.
func (c Cmd) Refused(env *module.Env, err error) *module.Result {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return module.Fail("%s", err)
	}
	return module.Fail("%s", files.Errno(err, c.Argv[0])).Set("cmd", c.line(env)).Set("rc", int(errno)).SetOutput("", "")
}

// line is the command as one would type it.
func (c Cmd) line(env *module.Env) string {
	quoted := make([]string, len(c.Argv))
	for i, w := range c.Argv {
		quoted[i] = files.Quote(w)
	}
	if path := Find(env, c.Argv[0]); path != "" {
		quoted[0] = files.Quote(path)
	}
	return hideLogins(strings.Join(quoted, " "))
}

var login = lazyregexp.New(`(://[^\s/:@]*):[^\s/@]*@`)

// hideLogins takes the passwords out of addresses: what failed is shown and logged.
func hideLogins(s string) string { return login.ReplaceAllString(s, "$1:********@") }

// Checked is Cmd.Checked for a program without more to say.
func Checked(ctx context.Context, env *module.Env, argv ...string) (Output, *module.Result) {
	return Cmd{Argv: argv}.Checked(ctx, env)
}
