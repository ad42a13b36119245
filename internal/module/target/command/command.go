package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/localtime"
	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/internal/value"
)

func run(ctx context.Context, env *module.Env, args module.Args, shell bool) *module.Result {
	r := module.OK().Set("rc", nil).Set("cmd", nil).Set("start", nil).Set("end", nil).Set("delta", nil).Set("msg", "")
	r.SetOutput("", "")
	text, argv := args.String("cmd"), args.Strings("argv")
	switch {
	case strings.TrimSpace(text) == "" && len(argv) == 0:
		return fail(r.Set("rc", 256), "no command given")
	case text != "" && len(argv) > 0:
		return fail(r.Set("rc", 256), "only command or argv can be given, not both")
	}
	if shell {
		r.Set("cmd", text)
		if len(argv) > 0 {
			r.Set("cmd", value.FromGo(argv))
			words := make([]string, len(argv))
			for i, word := range argv {
				words[i] = files.Quote(word)
			}
			text = strings.Join(words, " ")
		}
		executable := args.String("executable")
		if executable == "" {
			executable = "/bin/sh"
		}
		argv = []string{executable, "-c", text}
	} else {
		if executable := args.String("executable"); executable != "" {
			r.Warnings = append(r.Warnings, fmt.Sprintf("As of Ansible 2.4, the parameter 'executable' is no longer supported with the 'command' module. Not using '%s'.", executable))
		}
		if text != "" {
			var err error
			if argv, err = files.SplitCommand(text); err != nil {
				return fail(r.Set("cmd", text), "cannot split the command %q into words: %s", text, err)
			}
		}
		r.Set("cmd", value.FromGo(argv))
	}
	dir := args.String("chdir")
	if dir != "" {
		if err := enterable(dir); err != nil {
			return fail(r, "Unable to change directory before execution: %s", err)
		}
	}
	if skipped(r, env, args, dir) {
		return r
	}
	r.Changed = true
	if env.Check {
		r.Set("rc", 0).Set("msg", "Command would have run if not in check mode")
		if !args.Has("creates") && !args.Has("removes") {
			r.Skipped, r.Changed = true, false
		}
		return r
	}
	if !shell {
		expand := module.Expander(env.Environ)
		for i, a := range argv {
			argv[i] = expand(a)
		}
	}
	var stdin []byte
	if args.Has("stdin") {
		stdin = []byte(args.String("stdin"))
		if args.Bool("stdin_add_newline") && len(stdin) > 0 { // nothing is not a line
			stdin = append(stdin, '\n')
		}
	}
	out, err := process.Run(ctx, process.Cmd{Argv: argv, Dir: dir, Env: env.Environ, Stdin: stdin})
	if err != nil {
		return notStarted(argv, err)
	}
	SetTimes(r, env, out.Start, out.End)
	return finish(r, out, args.Bool("strip_empty_ends"))
}

func fail(r *module.Result, format string, args ...any) *module.Result {
	r.Failed, r.Msg = true, fmt.Sprintf(format, args...)
	return r
}

func enterable(dir string) error {
	f, err := os.Stat(dir)
	if err == nil && !f.IsDir() {
		err = syscall.ENOTDIR
	}
	if err == nil {
		err = syscall.Access(dir, 1)
	}
	if err != nil {
		return errors.New(files.Errno(err, dir))
	}
	return nil
}

// skipped reports whether creates or removes say that there is nothing to do.
func skipped(r *module.Result, env *module.Env, args module.Args, dir string) bool {
	did := "Did"
	if env.Check {
		did = "Would"
	}
	say := func(name, state string) bool {
		r.Set("msg", fmt.Sprintf("%s not run command since '%s' %s", did, name, state)).Set("rc", 0)
		r.SetOutput(fmt.Sprintf("skipped, since %s %s", name, state), "")
		return true
	}
	if name := args.String("creates"); name != "" && matches(name, dir) {
		return say(name, "exists")
	}
	if name := args.String("removes"); name != "" && !matches(name, dir) {
		return say(name, "does not exist")
	}
	return false
}

// matches reports whether a file of that name, or that matches the pattern, is there.
func matches(pattern, dir string) bool {
	if dir != "" && !filepath.IsAbs(pattern) {
		pattern = filepath.Join(dir, pattern)
	}
	if _, err := os.Lstat(pattern); err == nil {
		return true
	}
	return len(files.Glob(pattern)) > 0
}

// notStarted is the result of a command that could not be run at all.
func notStarted(argv []string, err error) *module.Result {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return module.Fail("%s", err).Set("cmd", quoted(argv)).SetOutput("", "")
	}
	return module.Fail("%s", files.Errno(err, argv[0])).Set("cmd", quoted(argv)).Set("rc", int(errno)).SetOutput("", "")
}

func quoted(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		words[i] = files.Quote(a)
	}
	return strings.Join(words, " ")
}

// SetTimes says in a result when a command began and ended, in the time of the
// host, and how long it took.
func SetTimes(r *module.Result, env *module.Env, begin, end time.Time) {
	zone, format := localtime.Zone(env.Environ), "2006-01-02 15:04:05.000000"
	r.Set("start", begin.In(zone).Format(format)).Set("end", end.In(zone).Format(format)).Set("delta", Delta(end.Sub(begin)))
}

func finish(r *module.Result, out process.Output, strip bool) *module.Result {
	stdout, stderr := string(out.Stdout), string(out.Stderr)
	if strip {
		stdout, stderr = strings.TrimRight(stdout, "\r\n"), strings.TrimRight(stderr, "\r\n")
	}
	r.Set("rc", out.RC).SetOutput(stdout, stderr)
	if out.RC != 0 {
		return fail(r, "non-zero return code")
	}
	return r
}

// Delta writes a duration as Python's timedelta does: 0:00:01.002003.
func Delta(d time.Duration) string {
	us := d.Microseconds()
	s := us / 1e6
	text := fmt.Sprintf("%d:%02d:%02d", s/3600%24, s/60%60, s%60)
	if us%1e6 != 0 {
		text += fmt.Sprintf(".%06d", us%1e6)
	}
	if days := s / 86400; days == 1 {
		return "1 day, " + text
	} else if days > 1 {
		return fmt.Sprintf("%d days, %s", days, text)
	}
	return text
}
