// Package cron is the module for the jobs of cron, in a user's crontab or in a
// file of /etc/cron.d.
package cron

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module makes sure that a job, or a variable of jobs, is there, or is not.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.cron",
		Summary: "Makes sure that a job of cron, or a variable of its jobs, is there, or is not.",
		Params: []module.Param{
			{Name: "name", Required: true, Doc: "Name of the job, kept in a comment above it; or of the variable."},
			{Name: "user", Doc: "Whose crontab; or the user of the job in cron_file."},
			{Name: "job", Aliases: []string{"value"}, Doc: "The command, or the value."},
			{Name: "cron_file", Type: module.Path, Doc: "File to use instead of a crontab, from /etc/cron.d."},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}, Doc: "Whether it shall be there."},
			{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the old crontab in a file."},
			{Name: "minute", Default: "*", Doc: "Minutes, as in a crontab."},
			{Name: "hour", Default: "*", Doc: "Hours."},
			{Name: "day", Default: "*", Aliases: []string{"dom"}, Doc: "Days of the month."},
			{Name: "month", Default: "*", Doc: "Months."},
			{Name: "weekday", Default: "*", Aliases: []string{"dow"}, Doc: "Days of the week."},
			{Name: "special_time", Choices: []any{"reboot", "yearly", "annually", "monthly", "weekly", "daily", "hourly"}, Doc: "A time by name."},
			{Name: "disabled", Type: module.Bool, Default: false, Doc: "Have the job there as a comment."},
			{Name: "env", Type: module.Bool, Default: false, Doc: "Work on a variable."},
			{Name: "insertafter", Doc: "Put a new variable after this one."},
			{Name: "insertbefore", Doc: "Put a new variable before this one."},
		},
		Rules: module.Rules{MutuallyExclusive: [][]string{{"insertafter", "insertbefore"}}},
		// crontab takes a whole file: two at a time would undo one another.
		Hints: []parallel.Hint{parallel.Host("cron")},
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{
			{Name: "jobs", Type: module.List, When: "always", Doc: "Names of the jobs."},
			{Name: "envs", Type: module.List, When: "always", Doc: "Names of the variables."},
			{Name: "cron_file", When: "cron_file given", Doc: "The file."},
			{Name: "backup_file", When: "changed and if backup=yes", Doc: "The old crontab."},
		},
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx  context.Context
	env  *module.Env
	args module.Args
	file string // "" for a crontab
	tab  table
}

var fileName = lazyregexp.New(`^[A-Za-z0-9_-]+$`)

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, file: args.String("cron_file")}
	r := module.OK()
	if args.String("cron_file") == "/etc/crontab" {
		return module.Fail("Will not manage /etc/crontab via cron_file, see documentation.")
	}
	if base := filepath.Base(t.file); t.file != "" && !fileName.MatchString(base) {
		r.Warnings = append(r.Warnings, fmt.Sprintf("Filename portion of cron_file (\"%s\") should consist solely of "+
			"upper- and lower-case letters, digits, underscores, and hyphens", base))
	}
	if t.file != "" && !filepath.IsAbs(t.file) {
		t.file = filepath.Join("/etc/cron.d", t.file)
	}
	if err := t.check(r); err != nil {
		return module.Fail("%s", err)
	}
	if t.file != "" {
		defer files.Lock(t.file)()
	}
	if err := t.run(r); err != nil {
		return module.Fail("%s", err)
	}
	return r
}

// check refuses parameters that make no sense together.
func (t *task) check(r *module.Result) error {
	if t.args.Has("special_time") {
		for _, name := range []string{"minute", "hour", "day", "month", "weekday"} {
			if t.args.String(name) != "*" {
				return errors.New("You must specify time and date fields or special time.")
			}
		}
	}
	env := t.args.Bool("env")
	if t.args.String("state") == "present" {
		switch {
		case t.file != "" && !t.args.Has("user"):
			return errors.New("To use cron_file=... parameter you must specify user=... as well")
		case !t.args.Has("job"):
			return errors.New("You must specify 'job' to install a new cron job or variable")
		case !env && (t.args.Has("insertafter") || t.args.Has("insertbefore")):
			return errors.New("Insertafter and insertbefore parameters are valid only with env=yes")
		case !env && strings.ContainsAny(strings.Trim(t.args.String("job"), "\r\n"), "\r\n"):
			r.Warnings = append(r.Warnings, "Job should not contain line breaks")
		}
	}
	if env && strings.Contains(t.args.String("name"), " ") {
		return errors.New("Invalid name for environment variable")
	}
	return nil
}

func (t *task) run(r *module.Result) error {
	before, err := t.read()
	if err != nil {
		return err
	}
	t.tab = parse(before)
	old := t.tab.text()
	if r.Changed, err = t.edit(); err != nil {
		return err
	}
	name := t.args.String("cron_file")
	after := t.tab.text()
	unended := before != "" && !strings.HasSuffix(before, "\n") && !strings.HasSuffix(before, "\r")
	emptied := r.Changed && t.file != "" && t.args.String("state") == "absent" && !t.args.Bool("env") && strings.TrimSpace(after) == ""
	if emptied {
		r.Set("cron_file", name).Set("state", "absent")
	} else {
		// cron ignores a last line without its end, so that is worth a change.
		r.Changed = r.Changed || unended
		r.Set("jobs", value.FromGo(t.tab.jobs())).Set("envs", value.FromGo(t.tab.variables()))
		if name != "" {
			r.Set("cron_file", name)
		}
	}
	if !r.Changed {
		return nil
	}
	if emptied && !t.env.Diff {
		r.Diff = value.NewMap(0)
	}
	if t.env.Diff {
		header := t.title()
		d := value.MapOf("before", before, "before_header", header, "after", after, "after_header", header)
		if emptied {
			d.Set("after", "")
			d.Set("after_header", os.DevNull)
		}
		r.Diff = d
	}
	if t.env.Check {
		return nil
	}
	if t.args.Bool("backup") {
		if err := backup(r, old); err != nil {
			return err
		}
	}
	if emptied {
		return os.Remove(t.file)
	}
	return t.write(after)
}

func backup(r *module.Result, text string) error {
	f, err := os.CreateTemp("", "crontab")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	r.Set("backup_file", f.Name())
	return errors.Join(err, f.Close())
}

func (t *task) title() string {
	switch {
	case t.file != "":
		return t.file
	case t.args.Has("user"):
		return fmt.Sprintf("crontab for user \"%s\"", t.args.String("user"))
	}
	return "crontab"
}

// crontab runs crontab for the user.
func (t *task) crontab(stdin string, words ...string) (tool.Output, error) {
	argv := []string{"crontab"}
	if user := t.args.String("user"); user != "" && user != files.UserName(os.Getuid()) {
		argv = append(argv, "-u", user)
	}
	return tool.Cmd{Argv: append(argv, words...), Stdin: stdin}.Run(t.ctx, t.env)
}

func (t *task) read() (string, error) {
	if t.file != "" {
		data, err := os.ReadFile(t.file)
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return string(data), err
	}
	out, err := t.crontab("", "-l")
	if err != nil {
		return "", err
	}
	if out.RC != 0 && out.RC != 1 { // 1: there are no jobs
		return "", errors.New("Unable to read crontab: " + strings.TrimSpace(out.Stderr))
	}
	return withoutHeader(out.Stdout), nil
}

func (t *task) write(text string) error {
	if t.file != "" {
		attrs := files.Attrs{}
		if !files.Exists(t.file) {
			attrs.Mode = "0644"
		}
		_, err := files.Replacement{Path: t.file, Attrs: attrs, Unsafe: true}.Write(t.ctx, strings.NewReader(text))
		return err
	}
	out, err := t.crontab(text, "-")
	if err == nil && out.RC != 0 {
		err = errors.New(out.Stderr)
	}
	return err
}
