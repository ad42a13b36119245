// Package pamlimits is the module for the limits of logins.
package pamlimits

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module keeps a limit in limits.conf.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.pam_limits",
		Summary: "Keeps limits of logins in limits.conf.",
		Params: []module.Param{
			{Name: "domain", Required: true, Doc: "User, @group, or *."},
			{Name: "limit_type", Required: true, Choices: []any{"soft", "hard", "-"}, Doc: "Kind of the limit."},
			{Name: "limit_item", Required: true, Choices: []any{"core", "data", "fsize", "memlock", "nofile", "rss", "stack", "cpu", "nproc", "as", "maxlogins", "maxsyslogins",
				"priority", "locks", "sigpending", "msgqueue", "nice", "rtprio", "chroot"}, Doc: "What is limited."},
			{Name: "value", Required: true, Doc: "The limit: a number, unlimited, infinity or -1."},
			{Name: "use_max", Type: module.Bool, Default: false, Doc: "Keep the old limit if it is higher."},
			{Name: "use_min", Type: module.Bool, Default: false, Doc: "Keep the old limit if it is lower."},
			{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the old file under a dated name."},
			{Name: "dest", Default: "/etc/security/limits.conf", Doc: "The file."},
			{Name: "comment", Default: "", Doc: "Words to write behind it."},
		},
		Hints: []parallel.Hint{parallel.Free()}, // edits of one file wait for one another
		Check: module.Full, Diff: module.Full,
	},
	Run: run,
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	path := args.String("dest")
	switch {
	case args.Bool("use_max") && args.Bool("use_min"):
		return module.Fail("Cannot use use_min and use_max at the same time.")
	case !files.IsDir(filepath.Dir(path)):
		return module.Fail("directory %s is not writable (check presence, access rights, use sudo)", filepath.Dir(path))
	}
	if problem := invalid(args.String("limit_item"), args.String("value")); problem != "" {
		return module.Fail("%s", problem)
	}
	defer files.Lock(path)()
	data, err := os.ReadFile(path)
	exists := err == nil
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return module.Fail("%s", err)
	}
	e := &edit{args: args, comment: args.String("comment")}
	after, err := e.text(string(data))
	if err != nil {
		return module.Fail("Invalid configuration found in '%s'.%s", path, err)
	}
	r := module.OK().Set("msg", e.msg)
	r.Changed = e.changed
	r.Diff = value.MapOf("before", string(data), "after", after)
	if env.Check {
		return r
	}
	if args.Bool("backup") && exists {
		backup, err := files.Backup(path)
		if err != nil {
			return module.Fail("%s", err)
		}
		r.Set("backup_file", backup)
	}
	if e.changed {
		if _, err := (files.Replacement{Path: path, Linked: true}).Write(ctx, strings.NewReader(after)); err != nil {
			return files.Fail(err)
		}
	}
	return r
}

func unlimited(v string) bool { return v == "unlimited" || v == "infinity" || v == "-1" }

var number = lazyregexp.New(`^\d+$`)

// invalid says what is wrong with the value of a limit, "" if nothing is.
func invalid(item, v string) string {
	if item == "nice" || item == "priority" {
		if n, err := strconv.Atoi(v); err != nil || n < -20 || n > 19 {
			return fmt.Sprintf(" Value of %s for item '%s' is invalid. Value must be a number in the range -20 to 19 inclusive. "+
				"Refer to the limits.conf(5) manual pages for more details.", value.Repr(v), item)
		}
		return ""
	}
	if !unlimited(v) && !number.MatchString(v) {
		return fmt.Sprintf(" Value of %s for item '%s' is invalid. Value must either be 'unlimited', 'infinity' or -1, all of which indicate no limit, "+
			"or a limit of 0 or larger. Refer to the limits.conf(5) manual pages for more details.", value.Repr(v), item)
	}
	return ""
}

// edit is one change of the file.
type edit struct {
	args    module.Args
	comment string
	changed bool
	msg     string
}

func (e *edit) line(v string) string {
	comment := e.comment
	if comment != "" {
		comment = "\t#" + comment // one that was there has its newline, to which Ansible adds another
	}
	return strings.Join([]string{e.args.String("domain"), e.args.String("limit_type"), e.args.String("limit_item"), v}, "\t") + comment + "\n"
}

func (e *edit) text(before string) (string, error) {
	var b strings.Builder
	found := false
	for line := range strings.Lines(before) {
		if !strings.HasSuffix(line, "\n") {
			line += "\n"
		}
		limit, comment, _ := strings.Cut(line, "#")
		f := strings.Fields(limit)
		if strings.HasPrefix(line, "#") || len(f) != 4 {
			b.WriteString(line)
			continue
		}
		if problem := invalid(f[2], f[3]); problem != "" {
			return "", errors.New(problem)
		}
		if f[0] != e.args.String("domain") || f[1] != e.args.String("limit_type") || f[2] != e.args.String("limit_item") {
			b.WriteString(line)
			continue
		}
		found = true
		if e.comment == "" {
			e.comment = comment
		}
		if v := e.choose(f[3]); v != f[3] {
			e.changed, line = true, e.line(v)
		}
		e.msg = line
		b.WriteString(line)
	}
	if !found {
		e.changed, e.msg = true, e.line(e.args.String("value"))
		b.WriteString(e.msg)
	}
	return b.String(), nil
}

// choose is the limit that shall be, where there is one already.
func (e *edit) choose(have string) string {
	want := e.args.String("value")
	most, least := e.args.Bool("use_max"), e.args.Bool("use_min")
	if !most && !least || want == have {
		return want
	}
	a, b := unlimited(have), unlimited(want)
	if item := e.args.String("limit_item"); item == "nice" || item == "priority" {
		a, b = false, false
	}
	higher := b
	if !a && !b {
		x, _ := strconv.Atoi(have) // both were found to be numbers
		y, _ := strconv.Atoi(want)
		higher = y > x
	}
	if a && b || higher != most {
		return have
	}
	return want
}
