// Package filesystem is the module that makes file systems.
package filesystem

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module makes, grows and removes file systems.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.filesystem",
		Summary: "Makes file systems.",
		Params: []module.Param{
			{Name: "dev", Type: module.Path, Required: true, Aliases: []string{"device"}, Doc: "The device, or a file."},
			{Name: "fstype", Aliases: []string{"type"}, Choices: names(), Doc: "Kind of the file system."},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}, Doc: "Whether it shall be there; absent removes what tells of any."},
			{Name: "opts", Doc: "Options for mkfs."},
			{Name: "force", Type: module.Bool, Default: false, Doc: "Make it over another."},
			{Name: "resizefs", Type: module.Bool, Default: false, Doc: "Let it grow to the size of the device."},
		},
		Rules: module.Rules{RequiredIf: []module.RequiredIf{{Param: "state", Value: "present", Needs: []string{"fstype"}}}},
		HintsFor: func(args module.Args, check bool) []parallel.Hint {
			if check {
				return []parallel.Hint{parallel.Free()}
			}
			return []parallel.Hint{parallel.Host("device:" + args.String("dev"))} // devices do not mind one another
		},
		HintDoc: "HostExclusive(device:DEV); FullyParallel in check mode",
		Check:   module.Full, Diff: module.None,
	},
	Run: run,
}

// kind is how one kind of file system is made and grows.
type kind struct {
	blkid    string // what blkid calls it, if not by its name
	make     []string
	grow     []string
	mounted  bool // it grows where it is mounted
	measured bool // nor can it be measured elsewhere
	size     func(t *task, at string) (int, error)
}

// kinds are the file systems of Linux that the module knows.
var kinds = map[string]kind{
	"ext2":     {make: []string{"mkfs.ext2", "-F"}, grow: []string{"resize2fs"}, size: extSize},
	"ext3":     {make: []string{"mkfs.ext3", "-F"}, grow: []string{"resize2fs"}, size: extSize},
	"ext4":     {make: []string{"mkfs.ext4", "-F"}, grow: []string{"resize2fs"}, size: extSize},
	"ext4dev":  {make: []string{"mkfs.ext4", "-F"}, grow: []string{"resize2fs"}, size: extSize},
	"xfs":      {make: []string{"mkfs.xfs", "-f"}, grow: []string{"xfs_growfs"}, mounted: true, size: xfsSize},
	"btrfs":    {make: []string{"mkfs.btrfs", "-f"}, grow: []string{"btrfs", "filesystem", "resize", "max"}, mounted: true, measured: true, size: btrfsSize},
	"f2fs":     {make: []string{"mkfs.f2fs", "-f"}, grow: []string{"resize.f2fs"}, size: f2fsSize},
	"lvm":      {blkid: "LVM2_member", make: []string{"pvcreate", "-f"}, grow: []string{"pvresize"}, size: lvmSize},
	"vfat":     {make: []string{"mkfs.vfat"}, grow: []string{"fatresize", "-s", "max"}, size: vfatSize},
	"reiserfs": {make: []string{"mkfs.reiserfs", "-q"}},
	"ocfs2":    {make: []string{"mkfs.ocfs2", "-Fx"}},
	"swap":     {make: []string{"mkswap", "-f"}},
	"ufs":      {make: []string{"newfs"}},
}

func names() []any {
	var list []any
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		list = append(list, name)
	}
	return list
}

// sameKind tells whether blkid's word means the kind; the kinds of ext are told
// apart but for ext4dev.
func sameKind(found, want string) bool {
	k := kinds[want]
	if k.blkid != "" {
		return found == k.blkid
	}
	return found == want || strings.TrimSuffix(found, "dev") == strings.TrimSuffix(want, "dev") && found != ""
}

// task is one run of the module.
type task struct {
	ctx  context.Context
	env  *module.Env
	args module.Args
	dev  string
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, dev: args.String("dev")}
	present := args.String("state") == "present"
	if !files.Exists(t.dev) {
		return &module.Result{Failed: present, Msg: fmt.Sprintf("Device %s not found.", t.dev)}
	}
	if _, err := tool.Require(env, "blkid"); err != nil {
		return module.Fail("%s", err)
	}
	out, err := tool.Run(ctx, env, "blkid", "-c", os.DevNull, "-o", "value", "-s", "TYPE", t.dev)
	if err != nil {
		return module.Fail("%s", err)
	}
	found := strings.TrimSpace(out.Stdout)
	if !present {
		if found == "" {
			return module.OK()
		}
		return t.change("wipefs", "--all", t.dev)
	}
	want := args.String("fstype")
	if want == "btrfs" || want == "f2fs" { // the module of Ansible asks these for their version
		if _, err := tool.Require(env, kinds[want].make[0]); err != nil {
			return module.Fail("%s", err)
		}
	}
	same := sameKind(found, want)
	switch {
	case same && args.Bool("resizefs"):
		return t.grow(want)
	case same && !args.Bool("force"):
		return module.OK()
	case found != "" && !args.Bool("force"):
		return module.Fail("'%s' is already used as %s, use force=true to overwrite", t.dev, found).Set("rc", out.RC).Set("err", out.Stderr)
	}
	return t.change(slices.Concat(kinds[want].make, strings.Fields(args.String("opts")), []string{t.dev})...)
}

// change runs a program unless in check mode.
func (t *task) change(argv ...string) *module.Result {
	if !t.env.Check { // the program may be in a package that a task before would have installed
		if _, err := tool.Require(t.env, argv[0]); err != nil {
			return module.Fail("%s", err)
		}
		if _, failed := tool.Checked(t.ctx, t.env, argv...); failed != nil {
			return failed
		}
	}
	return &module.Result{Changed: true}
}

func (t *task) grow(name string) *module.Result {
	k := kinds[name]
	if k.grow == nil {
		return module.Fail("module does not support resizing %s filesystem yet.", name)
	}
	device, err := t.deviceSize()
	if err != nil {
		return module.Fail("%s", err)
	}
	at, unmounted := t.dev, false
	if k.mounted {
		out, err := tool.Run(t.ctx, t.env, "findmnt", "--mtab", "--noheadings", "--output", "TARGET", "--source", t.dev)
		if err != nil {
			return module.Fail("%s", err)
		}
		if unmounted = out.RC != 0; !unmounted {
			at, _, _ = strings.Cut(out.Stdout, "\n")
		}
	}
	if unmounted && k.measured {
		return module.Fail("%s needs to be mounted for %s operations", t.dev, class(name))
	}
	have, err := k.size(t, at)
	if err != nil {
		return module.Fail("%s", err)
	}
	title := class(name)
	if have >= device {
		return module.OK().Set("msg", fmt.Sprintf("%s filesystem is using the whole device %s", title, t.dev))
	}
	r := &module.Result{Changed: true}
	if t.env.Check {
		return r.Set("msg", fmt.Sprintf("resizing filesystem %s on device %s", title, t.dev))
	}
	if unmounted {
		return module.Fail("%s needs to be mounted for %s operations", t.dev, title)
	}
	out, failed := tool.Checked(t.ctx, t.env, append(slices.Clone(k.grow), at)...)
	if failed != nil {
		return failed
	}
	return r.Set("msg", out.Stdout)
}

// class is how messages name a kind.
func class(name string) string {
	switch name {
	case "lvm", "xfs", "vfat":
		return strings.ToUpper(name)
	case "ext4dev":
		return "Ext4"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}
