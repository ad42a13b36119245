package setup

import (
	"os"
	"strings"
	"sync"

	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
)

// lvm are the groups and volumes of LVM, for root where its programs are there.
func lvm(g *gathering) {
	if os.Getuid() != 0 || tool.Find(g.env, "vgs") == "" {
		g.set("lvm", "N/A")
		return
	}
	list := func(program string) [][]string {
		out, err := tool.Run(g.ctx, g.env, program, "--noheadings", "--nosuffix", "--units", "g", "--separator", ",")
		if err != nil {
			return nil
		}
		var rows [][]string
		for line := range strings.Lines(out.Stdout) {
			rows = append(rows, strings.Split(strings.TrimSpace(line), ","))
		}
		return rows
	}
	vgs, lvs, pvs := value.NewMap(2), value.NewMap(4), value.NewMap(2)
	var all sync.WaitGroup
	all.Go(func() {
		for _, f := range list("vgs") {
			if len(f) >= 7 {
				vgs.Set(f[0], value.MapOf("size_g", f[len(f)-2], "free_g", f[len(f)-1], "num_lvs", f[2], "num_pvs", f[1]))
			}
		}
	})
	all.Go(func() {
		for _, f := range list("lvs") {
			if len(f) >= 4 {
				lvs.Set(f[0], value.MapOf("size_g", f[3], "vg", f[1]))
			}
		}
	})
	all.Go(func() {
		for _, f := range list("pvs") {
			if len(f) >= 6 {
				pvs.Set(f[0], value.MapOf("size_g", f[4], "free_g", f[5], "vg", f[1]))
			}
		}
	})
	all.Wait()
	g.set("lvm", value.MapOf("lvs", lvs, "vgs", vgs, "pvs", pvs))
}
