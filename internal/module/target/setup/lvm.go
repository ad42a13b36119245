package setup

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
)

// lvm are the groups and volumes of LVM, for root where its programs are there.
// Those take longer than all other facts together, so they are only asked where
// a device carries LVM's label.
func lvm(g *gathering) {
	if os.Getuid() != 0 || tool.Find(g.env, "vgs") == "" {
		g.set("lvm", "N/A")
		return
	}
	vgs, lvs, pvs := value.NewMap(2), value.NewMap(4), value.NewMap(2)
	defer func() { g.set("lvm", value.MapOf("lvs", lvs, "vgs", vgs, "pvs", pvs)) }()
	if !anyLabelled("/sys/class/block", "/dev") {
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
}

// anyLabelled reports whether one of the kernel's block devices is, or may be, a
// physical volume of LVM: what cannot be read is for LVM's programs to judge.
func anyLabelled(class, dev string) bool {
	devices, err := os.ReadDir(class)
	if err != nil {
		return true
	}
	for _, d := range devices {
		if strings.HasPrefix(d.Name(), "fd") {
			continue // a floppy drive takes seconds to say that it is empty
		}
		if labelled(filepath.Join(dev, strings.ReplaceAll(d.Name(), "!", "/"))) {
			return true
		}
	}
	return false
}

// labelled reports whether a device has LVM's label, which starts one of its
// first four sectors. A device that is not there, or has no medium, has none;
// nor has, for the programs that root starts, one that root may not open.
func labelled(device string) bool {
	const sector = 512
	f, err := os.OpenFile(device, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		for _, none := range []error{os.ErrNotExist, os.ErrPermission, syscall.ENOMEDIUM, syscall.ENXIO} {
			if errors.Is(err, none) {
				return false
			}
		}
		return true
	}
	defer f.Close()
	head := make([]byte, 4*sector)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF && !errors.Is(err, syscall.ENOMEDIUM) {
		return true
	}
	for at := 0; at+sector <= n; at += sector {
		if s := head[at:]; bytes.HasPrefix(s, []byte("LABELONE")) && bytes.HasPrefix(s[24:], []byte("LVM2 001")) {
			return true
		}
	}
	return false
}
