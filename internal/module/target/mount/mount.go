// Package mount is the module for mounts: those of now, and those of fstab.
package mount

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module mounts, and keeps fstab.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.posix.mount",
		Summary: "Mounts file systems, and keeps fstab.",
		Params: []module.Param{
			{Name: "path", Type: module.Path, Required: true, Aliases: []string{"name"}, Doc: "Where it is mounted."},
			{Name: "src", Type: module.Path, Doc: "What is mounted there."},
			{Name: "fstype", Doc: "Kind of file system."},
			{Name: "opts", Doc: "Options of the mount; defaults without them."},
			{Name: "dump", Default: "0", Doc: "fstab's field for dump."},
			{Name: "passno", Default: "0", Doc: "fstab's field for fsck."},
			{Name: "state", Required: true, Choices: []any{"absent", "absent_from_fstab", "mounted", "present", "unmounted", "remounted", "ephemeral"},
				Doc: "mounted: in fstab and mounted; present: in fstab; ephemeral: mounted alone; unmounted: fstab stays; absent: neither, and its directory goes."},
			{Name: "fstab", Doc: "The file; /etc/fstab without it."},
			{Name: "boot", Type: module.Bool, Default: true, Doc: "Mount it when the machine starts."},
			{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the old file under a dated name."},
		},
		Rules: module.Rules{RequiredIf: []module.RequiredIf{
			{Param: "state", Value: "mounted", Needs: []string{"src", "fstype"}},
			{Param: "state", Value: "present", Needs: []string{"src", "fstype"}},
			{Param: "state", Value: "ephemeral", Needs: []string{"src", "fstype"}},
		}},
		Hints: []parallel.Hint{parallel.Host("mounts")},
		Check: module.Full, Diff: module.None,
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx    context.Context
	env    *module.Env
	args   module.Args
	r      *module.Result
	path   string
	fstab  string
	want   entry
	mounts map[string]string // what is mounted now: source by place
	backup string
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, r: module.OK(), path: args.String("path"), fstab: args.String("fstab")}
	if t.fstab == "" {
		t.fstab = "/etc/fstab"
	}
	t.want = entry{src: args.String("src"), name: t.path, fstype: args.String("fstype"), opts: "defaults", dump: args.String("dump"), passno: args.String("passno")}
	if args.Has("opts") {
		t.want.opts = args.String("opts")
	}
	boot := t.boot()
	var err error
	if t.mounts, err = mounted(); err != nil {
		return module.Fail("%s", err)
	}
	defer files.Lock(t.fstab)()
	if args.String("state") != "ephemeral" && !env.Check && !files.Exists(t.fstab) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(t.fstab), 0o777), os.WriteFile(t.fstab, nil, 0o666)); err != nil {
			return module.Fail("Failed to open %s due to %s", t.fstab, err)
		}
	}
	if err := t.do(); err != nil {
		failed := module.Fail("%s", err)
		failed.Warnings = t.r.Warnings
		return failed
	}
	r := t.r.Set("name", t.path).Set("opts", t.want.opts).Set("dump", t.want.dump).Set("passno", t.want.passno)
	r.Set("fstab", t.fstab).Set("boot", boot).Set("backup_file", t.backup)
	for _, name := range []string{"src", "fstype"} {
		if args.Has(name) {
			r.Set(name, args.Any(name))
		}
	}
	return r
}

// boot adds noauto to the options where the machine shall not mount by itself.
func (t *task) boot() string {
	opts := strings.Split(t.want.opts, ",")
	switch {
	case slices.Contains(opts, "noauto"):
		t.r.Warnings = append(t.r.Warnings, "Ignore the 'boot' due to 'opts' contains 'noauto'.")
		return "yes"
	case t.args.Bool("boot"):
		return "yes"
	case slices.Contains(opts, "defaults"):
		t.r.Warnings = append(t.r.Warnings, "Ignore the 'boot' due to 'opts' contains 'defaults'.")
	default:
		t.want.opts += ",noauto"
	}
	return "no"
}

func (t *task) do() (err error) {
	r := t.r
	switch t.args.String("state") {
	case "absent_from_fstab":
		r.Changed, err = t.unset()
	case "absent":
		if r.Changed, err = t.unset(); err != nil || !r.Changed || t.env.Check {
			return err
		}
		if _, ok := t.mounts[t.path]; ok {
			if err := t.unmount(); err != nil {
				return err
			}
		}
		if err := os.Remove(t.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("Error rmdir %s: %w", t.path, err)
		}
	case "unmounted":
		if _, ok := t.mounts[t.path]; ok {
			if r.Changed = true; !t.env.Check {
				return t.unmount()
			}
		}
	case "present":
		r.Changed, _, err = t.set()
	case "remounted":
		if r.Changed = true; t.env.Check {
			return nil
		}
		if err := t.remount(); err != nil {
			return fmt.Errorf("Error remounting %s: %w", t.path, err)
		}
	case "mounted":
		return t.mount()
	case "ephemeral":
		return t.ephemeral()
	}
	return err
}

// mount brings fstab and the mount in line. If it cannot be mounted, fstab and
// the directories are put back: a broken line may keep the machine from starting.
func (t *task) mount() error {
	made, err := t.directories()
	if err != nil {
		return err
	}
	changed, before, err := t.set()
	if err != nil {
		return err
	}
	t.r.Changed = changed
	_, there := t.mounts[t.path]
	switch {
	case there && !changed:
		return nil
	case t.env.Check:
		t.r.Changed = true
		return nil
	case there:
		err = t.remount()
	default:
		t.r.Changed = true
		err = t.call(append([]string{"mount"}, append(t.table(), t.path)...)...)
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("Error mounting %s: %w", t.path, err)
	if changed {
		err = errors.Join(err, t.save(before))
	}
	for _, dir := range slices.Backward(made) {
		err = errors.Join(err, os.Remove(dir))
	}
	return err
}

// directories makes the place to mount on and returns what had to be made.
func (t *task) directories() (made []string, err error) {
	if t.env.Check {
		return nil, nil
	}
	for dir := t.path; !files.Exists(dir); dir = filepath.Dir(dir) {
		made = append(made, dir)
	}
	slices.Reverse(made)
	if len(made) == 0 {
		return nil, nil
	}
	if err := os.MkdirAll(t.path, 0o777); err != nil {
		at := t.path
		if pe := (*os.PathError)(nil); errors.As(err, &pe) {
			at = pe.Path
		}
		return made, fmt.Errorf("Error making dir %s: %s", t.path, files.Errno(err, at))
	}
	return made, nil
}

func (t *task) ephemeral() error {
	t.r.Changed = true
	src, there := t.mounts[t.path]
	if there && src != t.want.src {
		return errors.New("Ephemeral mount point is already mounted with a different source than the specified one. " +
			"Failing in order to prevent an unwanted unmount or override operation. Try replacing this command with " +
			"a \"state: unmounted\" followed by a \"state: ephemeral\", or use a different destination path.")
	}
	if t.env.Check {
		return nil
	}
	made, err := t.directories()
	if err != nil {
		return err
	}
	if there {
		err = t.remount()
	} else {
		err = t.call(append([]string{"mount"}, append(t.direct(), t.path)...)...)
	}
	if err != nil {
		err = fmt.Errorf("Error mounting %s: %w", t.path, err)
		for _, dir := range slices.Backward(made) {
			err = errors.Join(err, os.Remove(dir))
		}
	}
	return err
}

// table names another fstab than the usual to mount.
func (t *task) table() []string {
	if t.fstab == "/etc/fstab" {
		return nil
	}
	return []string{"-T", t.fstab}
}

// direct are the words of a mount that fstab knows nothing of.
func (t *task) direct() []string {
	words := []string{"-t", t.want.fstype}
	if t.want.opts != "defaults" {
		words = append(words, "-o", t.want.opts)
	}
	return append(words, t.want.src)
}

func (t *task) call(argv ...string) error {
	out, err := tool.Run(t.ctx, t.env, argv...)
	if err == nil && out.RC != 0 {
		err = errors.New(out.Stdout + out.Stderr)
	}
	return err
}

func (t *task) unmount() error {
	if err := t.call("umount", t.path); err != nil {
		return fmt.Errorf("Error unmounting %s: %w", t.path, err)
	}
	return nil
}

// remount mounts again with other options, or where the file system cannot do
// that, unmounts it first.
func (t *task) remount() error {
	opts, words := "remount", t.table()
	given := t.args.String("state") == "remounted" && t.want.opts != "defaults"
	if given {
		opts += "," + t.want.opts
	}
	again := words
	if t.args.String("state") == "ephemeral" {
		words, again = t.direct(), t.direct()
	}
	err := t.call(append(append([]string{"mount", "-o", opts}, words...), t.path)...)
	switch {
	case err == nil:
		return nil
	case given:
		return errors.New("Options were specified with remounted, but the remount command failed. Failing in order to prevent an " +
			"unexpected mount result. Try replacing this command with a \"state: unmounted\" followed by a \"state: mounted\" " +
			"using the full desired mount options instead.")
	}
	if err := t.call("umount", t.path); err != nil {
		return err
	}
	return t.call(append(append([]string{"mount"}, again...), t.path)...)
}
