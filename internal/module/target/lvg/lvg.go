// Package lvg is the module for volume groups of LVM.
package lvg

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/files"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/parallel"
)

// Module makes, changes and removes volume groups.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "community.general.lvg",
		Summary: "Keeps volume groups of LVM.",
		Params: []module.Param{
			{Name: "vg", Required: true, Doc: "The volume group."},
			{Name: "pvs", Type: module.List, Elements: module.Str, Doc: "All devices that it shall be made of."},
			{Name: "pesize", Default: "4", Doc: "Size of an extent, in MiB or with a unit."},
			{Name: "pv_options", Default: "", Doc: "Options for pvcreate."},
			{Name: "pvresize", Type: module.Bool, Default: false, Doc: "Let devices be used whole that have grown."},
			{Name: "vg_options", Default: "", Doc: "Options for vgcreate."},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}, Doc: "Whether it shall be there."},
			{Name: "force", Type: module.Bool, Default: false, Doc: "Remove it with the volumes in it."},
		},
		Hints: []parallel.Hint{parallel.Host("lvm")},
		Check: module.Full, Diff: module.None,
	},
	Run: run,
}

// task is one run of the module.
type task struct {
	ctx     context.Context
	env     *module.Env
	args    module.Args
	vg      string
	devices []string // as the kernel names them
	pvs     map[string]string
}

func run(ctx context.Context, env *module.Env, args module.Args) *module.Result {
	t := &task{ctx: ctx, env: env, args: args, vg: args.String("vg"), pvs: map[string]string{}}
	present := args.String("state") == "present"
	for _, dev := range args.Strings("pvs") {
		if present && !files.Exists(dev) {
			return module.Fail("Device %s not found.", files.RealPath(dev))
		}
		t.devices = append(t.devices, files.RealPath(dev))
	}
	if present && len(t.devices) == 0 {
		return module.Fail("No physical volumes given.")
	}
	rows, failed := t.rows("pvs", "pv_name,vg_name")
	if failed != nil {
		return failed
	}
	for _, f := range rows {
		t.pvs[files.RealPath(f[0])] = f[1]
	}
	for _, dev := range t.devices {
		if other := t.pvs[dev]; present && other != "" && other != t.vg {
			return module.Fail("Device %s is already in %s volume group.", dev, other)
		}
	}
	if rows, failed = t.rows("vgs", "vg_name,lv_count"); failed != nil {
		return failed
	}
	there, volumes := false, ""
	for _, f := range rows {
		if f[0] == t.vg {
			there, volumes = true, f[1]
		}
	}
	switch {
	case !there && !present:
		return module.OK()
	case !there:
		return t.create()
	case !present:
		return t.remove(volumes)
	}
	return t.resize()
}

// rows asks one of LVM's programs for a table of two columns.
func (t *task) rows(program, columns string) ([][]string, *module.Result) {
	if _, err := tool.Require(t.env, program); err != nil {
		return nil, module.Fail("%s", err)
	}
	out, err := tool.Run(t.ctx, t.env, program, "--noheadings", "-o", columns, "--separator", ";")
	switch {
	case err != nil:
		return nil, module.Fail("%s", err)
	case out.RC != 0:
		return nil, module.Fail("Failed executing %s command.", program).Set("rc", out.RC).Set("err", out.Stderr)
	}
	var rows [][]string
	for line := range strings.Lines(out.Stdout) {
		if f := strings.Split(strings.TrimSpace(line), ";"); len(f) == 2 {
			rows = append(rows, f)
		}
	}
	return rows, nil
}

// change runs a program unless in check mode.
func (t *task) change(failure string, argv ...string) *module.Result {
	if t.env.Check {
		return nil
	}
	out, err := tool.Run(t.ctx, t.env, argv...)
	switch {
	case err != nil:
		return module.Fail("%s", err)
	case out.RC != 0:
		return module.Fail("%s", failure).Set("rc", out.RC).Set("err", out.Stderr)
	}
	return nil
}

func (t *task) prepare(devices []string) *module.Result {
	for _, dev := range devices {
		argv := slices.Concat([]string{"pvcreate"}, strings.Fields(t.args.String("pv_options")), []string{"-f", dev})
		if failed := t.change(fmt.Sprintf("Creating physical volume '%s' failed", dev), argv...); failed != nil {
			return failed
		}
	}
	return nil
}

func (t *task) create() *module.Result {
	if failed := t.prepare(t.devices); failed != nil {
		return failed
	}
	argv := slices.Concat([]string{"vgcreate"}, strings.Fields(t.args.String("vg_options")), []string{"-s", t.args.String("pesize"), t.vg}, t.devices)
	if failed := t.change(fmt.Sprintf("Creating volume group '%s' failed", t.vg), argv...); failed != nil {
		return failed
	}
	return &module.Result{Changed: true}
}

func (t *task) remove(volumes string) *module.Result {
	if volumes != "0" && !t.args.Bool("force") && !t.env.Check {
		return module.Fail("Refuse to remove non-empty volume group %s without force=true", t.vg)
	}
	if failed := t.change("Failed to remove volume group "+t.vg, "vgremove", "--force", t.vg); failed != nil {
		return failed
	}
	return &module.Result{Changed: true}
}

// resize makes the group of the devices that it shall be made of.
func (t *task) resize() *module.Result {
	r := module.OK()
	var add, drop []string
	for _, dev := range t.devices {
		if t.pvs[dev] != t.vg {
			add = append(add, dev)
		}
	}
	for dev, vg := range t.pvs {
		if vg != t.vg {
			continue
		}
		if !slices.Contains(t.devices, dev) {
			drop = append(drop, dev)
		}
		if t.args.Bool("pvresize") {
			grown, failed := t.grow(dev)
			if failed != nil {
				return failed
			}
			r.Changed = r.Changed || grown
		}
	}
	slices.Sort(drop)
	r.Changed = r.Changed || len(add)+len(drop) > 0
	if len(add) > 0 {
		if failed := t.prepare(add); failed != nil {
			return failed
		}
		if failed := t.change(fmt.Sprintf("Unable to extend %s by %s.", t.vg, strings.Join(add, " ")), append([]string{"vgextend", t.vg}, add...)...); failed != nil {
			return failed
		}
	}
	if len(drop) > 0 {
		if failed := t.change(fmt.Sprintf("Unable to reduce %s by %s.", t.vg, strings.Join(drop, " ")), append([]string{"vgreduce", "--force", t.vg}, drop...)...); failed != nil {
			return failed
		}
	}
	return r
}

// grow lets a device be used whole, if it has room for another extent.
func (t *task) grow(dev string) (bool, *module.Result) {
	out, failed := tool.Checked(t.ctx, t.env, "pvdisplay", dev, "--units", "b", "--columns", "--noheadings", "--nosuffix", "-o", "dev_size,pv_size,pe_start,vg_extent_size")
	if failed != nil {
		return false, failed
	}
	var n []int
	for _, w := range strings.Fields(out.Stdout) {
		v, err := strconv.Atoi(w)
		if err != nil {
			return false, module.Fail("pvdisplay says %q of %s", out.Stdout, dev)
		}
		n = append(n, v)
	}
	if len(n) != 4 || n[0]-(n[1]+n[2]) <= n[3] {
		return false, nil
	}
	return true, t.change("Failed executing pvresize command.", "pvresize", dev)
}
