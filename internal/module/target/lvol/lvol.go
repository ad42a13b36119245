// Package lvol is the module for logical volumes of LVM.
package lvol

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/lazyregexp"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
	"github.com/tutti-run/tutti/parallel"
)

// Module makes, resizes and removes logical volumes.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.lvol",
		Summary: "Keeps logical volumes of LVM.",
		Params: []module.Param{
			{Name: "vg", Required: true, Doc: "The volume group that it is in."},
			{Name: "lv", Doc: "The logical volume."},
			{Name: "size", Doc: "Its size, in MiB, with a unit, or in per cent of VG, PVS or FREE; with + or - by how much to change it."},
			{Name: "opts", Doc: "Options for lvcreate."},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether it shall be there."},
			{Name: "force", Type: module.Bool, Default: false, Doc: "Allow what may destroy data: making it smaller, and removing it."},
			{Name: "shrink", Type: module.Bool, Default: true, Doc: "Make it smaller if it is larger than size."},
			{Name: "active", Type: module.Bool, Default: true, Doc: "Whether the host shall see it."},
			{Name: "snapshot", Doc: "Name of a snapshot of lv."},
			{Name: "pvs", Doc: "Devices to put it on, with commas between."},
			{Name: "resizefs", Type: module.Bool, Default: false, Doc: "Resize the file system in it as well."},
			{Name: "thinpool", Doc: "The thin pool to make, or to make lv in."},
		},
		Rules: module.Rules{RequiredOneOf: [][]string{{"lv", "thinpool"}}},
		Hints: []parallel.Hint{parallel.Host("lvm")},
		Check: module.Full, Diff: module.None,
		Returns: []module.Return{
			{Name: "vg", When: "the volume was there", Doc: "The volume group."},
			{Name: "lv", When: "the volume was there", Doc: "The volume."},
			{Name: "size", Type: module.Float, When: "the volume was there", Doc: "Its size before, in the unit of the argument."},
		},
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx  context.Context
	env  *module.Env
	args module.Args
	vg   string
	size size
	yes  []string // where this LVM would ask otherwise

	group   group
	volumes []volume
}

// group and volume are what LVM says of them, in the unit of the size.
type group struct{ size, free, extent float64 }

type volume struct {
	name               string
	size               float64
	active, pool, thin bool
}

var version = lazyregexp.New(`LVM version:\s+(\d+)\.(\d+)\.(\d+).*\d{4}-\d{2}-\d{2}`)

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, vg: args.String("vg")}
	out, failed := t.tool("lvm", "version")
	if failed != nil {
		return failed
	}
	m := version.FindStringSubmatch(out.Stdout)
	if out.RC != 0 || m == nil {
		return module.Fail("Failed to get LVM version number")
	}
	var number []int
	for _, digits := range m[1:] {
		n, _ := strconv.Atoi(digits)
		number = append(number, n)
	}
	if slices.Compare(number, []int{2, 2, 99}) >= 0 {
		t.yes = []string{"--yes"}
	}
	if t.size, failed = parseSize(args.String("size")); failed != nil {
		return failed
	}
	if failed := t.look(); failed != nil {
		return failed
	}
	name, failed := t.wanted()
	if failed != nil {
		return failed
	}
	v := t.find(name)
	if v == nil {
		v = t.find(name[strings.LastIndexByte(name, '/')+1:])
	}
	present := args.String("state") == "present"
	switch {
	case v == nil && present:
		return t.create()
	case v == nil:
		return module.OK().Set("msg", "")
	case !present:
		return t.remove(v)
	}
	changed, end := t.resize(v)
	if end != nil {
		return end
	}
	return t.activate(v, changed)
}

func (t *task) tool(argv ...string) (tool.Output, *module.Result) {
	if _, err := tool.Require(t.env, argv[0]); err != nil {
		return tool.Output{}, module.Fail("%s", err)
	}
	out, err := tool.Run(t.ctx, t.env, argv...)
	if err != nil {
		return out, module.Fail("%s", err)
	}
	return out, nil
}

// change runs a program that changes something; complaint is the module's message
// if it fails.
func (t *task) change(complaint string, argv ...string) *module.Result {
	out, failed := t.tool(argv...)
	if failed == nil && out.RC != 0 {
		return module.Fail("%s", complaint).Set("rc", out.RC).Set("err", out.Stderr)
	}
	return failed
}

// look asks LVM for the group and its volumes.
func (t *task) look() *module.Result {
	unit := strings.ToLower(t.size.lookUnit())
	for _, q := range []struct {
		argv []string
		take func(f []string) bool
	}{
		{[]string{"vgs", "--noheadings", "--nosuffix", "-o", "vg_name,size,free,vg_extent_size"}, func(f []string) bool {
			n, ok := numbers(f[1:])
			if ok && len(n) == 3 {
				t.group = group{n[0], n[1], n[2]}
			}
			return ok && len(n) == 3
		}},
		{[]string{"lvs", "-a", "--noheadings", "--nosuffix", "-o", "lv_name,size,lv_attr"}, func(f []string) bool {
			if len(f) != 3 || len(f[2]) < 5 {
				return false
			}
			n, ok := numbers(f[1:2])
			if ok {
				t.volumes = append(t.volumes, volume{strings.Trim(f[0], "[]"), n[0], f[2][4] == 'a', f[2][0] == 't', f[2][0] == 'V'})
			}
			return ok
		}},
	} {
		out, failed := t.tool(append(q.argv, "--units", unit, "--separator", ";", t.vg)...)
		if failed != nil {
			return failed
		}
		if out.RC != 0 {
			if t.args.String("state") == "absent" {
				return module.OK().Set("stdout", "Volume group "+t.vg+" does not exist.").Set("stdout_lines", []any{"Volume group " + t.vg + " does not exist."})
			}
			return module.Fail("Volume group %s does not exist.", t.vg).Set("rc", out.RC).Set("err", out.Stderr)
		}
		for line := range strings.Lines(out.Stdout) {
			if f := strings.Split(strings.TrimSpace(line), ";"); !q.take(f) {
				return module.Fail("%s says %q", q.argv[0], strings.TrimSpace(line))
			}
		}
	}
	return nil
}

func numbers(words []string) ([]float64, bool) {
	var list []float64
	for _, w := range words {
		n, err := strconv.ParseFloat(w, 64)
		if err != nil {
			return nil, false
		}
		list = append(list, n)
	}
	return list, true
}

func (t *task) find(name string) *volume {
	for i := range t.volumes {
		if t.volumes[i].name == name {
			return &t.volumes[i]
		}
	}
	return nil
}

// wanted is the name of what the task is about, if what it stands on is there.
func (t *task) wanted() (string, *module.Result) {
	lv, pool, snapshot := t.args.String("lv"), t.args.String("thinpool"), t.args.String("snapshot")
	switch {
	case snapshot != "":
		origin := slices.IndexFunc(t.volumes, func(v volume) bool { return t.args.Has("lv") && v.name == lv || pool != "" && v.name == pool })
		switch {
		case origin < 0:
			return "", module.Fail("Snapshot origin LV %s does not exist in volume group %s.", value.Str(t.args.Any("lv")), t.vg)
		case pool != "" || t.volumes[origin].pool:
			return "", module.Fail("Snapshots of thin pool LVs are not supported.")
		}
		return snapshot, nil
	case pool != "" && lv != "":
		if t.find(pool) == nil {
			return "", module.Fail("Thin pool LV %s does not exist in volume group %s.", pool, t.vg)
		}
		return lv, nil
	case pool != "":
		return pool, nil
	}
	return lv, nil
}

// create makes the volume, or lets LVM say whether it could in check mode.
func (t *task) create() *module.Result {
	lv, pool, snapshot := t.args.String("lv"), t.args.String("thinpool"), t.args.String("snapshot")
	s := t.size
	if s.operator == "-" || s.operator == "+" && s.whole == "" {
		return module.Fail("Bad size specification of '%s%s' for creating LV", s.operator, s.number)
	}
	if s.number == "" {
		if v := t.find(lv); snapshot == "" || v == nil || !v.thin {
			return module.Fail("No size given.")
		}
	}
	opts, err := files.SplitCommand(t.args.String("opts"))
	if err != nil {
		return module.Fail("opts: %s", err)
	}
	argv := slices.Concat([]string{"lvcreate"}, t.test(), t.yes)
	switch {
	case snapshot != "":
		if s.number != "" {
			argv = append(argv, s.option(), s.text())
		}
		argv = slices.Concat(argv, []string{"-s", "-n", snapshot}, opts, []string{t.vg + "/" + lv})
	case pool != "" && lv != "":
		if s.whole != "" {
			return module.Fail("Thin volume sizing with percentage not supported.")
		}
		argv = slices.Concat(argv, []string{"-n", lv, "-V", s.text()}, opts, []string{"-T", t.vg + "/" + pool})
	case pool != "":
		argv = slices.Concat(argv, []string{s.option(), s.text()}, opts, []string{"-T", t.vg + "/" + pool})
	default:
		argv = slices.Concat(argv, []string{"-n", lv, s.option(), s.text()}, opts, []string{t.vg}, t.pvs())
	}
	if failed := t.change("Creating logical volume '"+value.Str(t.args.Any("lv"))+"' failed", argv...); failed != nil {
		return failed
	}
	r := module.OK().Set("msg", "")
	r.Changed = true
	return r
}

// test has LVM's programs say what they would do.
func (t *task) test() []string {
	if t.env.Check {
		return []string{"--test"}
	}
	return nil
}

func (t *task) pvs() []string {
	return strings.Fields(strings.ReplaceAll(t.args.String("pvs"), ",", " "))
}

func (t *task) remove(v *volume) *module.Result {
	if !t.args.Bool("force") {
		return module.Fail("Sorry, no removal of logical volume %s without force=true.", v.name)
	}
	argv := slices.Concat([]string{"lvremove"}, t.test(), []string{"--force", t.vg + "/" + v.name})
	if failed := t.change("Failed to remove logical volume "+value.Str(t.args.Any("lv")), argv...); failed != nil {
		return failed
	}
	return &module.Result{Changed: true}
}

// activate makes the volume visible to the host or hides it.
func (t *task) activate(v *volume, changed bool) *module.Result {
	active := t.args.Bool("active")
	r := module.OK().Set("vg", t.vg).Set("lv", v.name).Set("size", v.size)
	r.Changed = changed || v.active != active
	if t.env.Check || v.active == active {
		return r
	}
	flag, word := "-ay", "activate"
	if !active {
		flag, word = "-an", "deactivate"
	}
	if failed := t.change("Failed to "+word+" logical volume "+value.Str(t.args.Any("lv")), "lvchange", flag, t.vg+"/"+v.name); failed != nil {
		return failed
	}
	return r
}
