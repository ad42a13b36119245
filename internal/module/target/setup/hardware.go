package setup

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/value"
)

func memory(g *gathering) {
	kb := map[string]int{}
	for _, l := range strings.Split(read("/proc/meminfo"), "\n") {
		k, v, _ := strings.Cut(l, ":")
		f := strings.Fields(v)
		if len(f) > 0 {
			kb[k], _ = strconv.Atoi(f[0])
		}
	}
	mb := func(name string) int { return kb[name] / 1024 }
	g.set("memtotal_mb", mb("MemTotal"))
	g.set("memfree_mb", mb("MemFree"))
	g.set("swaptotal_mb", mb("SwapTotal"))
	g.set("swapfree_mb", mb("SwapFree"))
	nocacheFree := mb("MemFree") + mb("Cached") + mb("Buffers")
	g.set("memory_mb", value.MapOf(
		"real", value.MapOf("total", mb("MemTotal"), "used", mb("MemTotal")-mb("MemFree"), "free", mb("MemFree")),
		"nocache", value.MapOf("free", nocacheFree, "used", mb("MemTotal")-nocacheFree),
		"swap", value.MapOf("total", mb("SwapTotal"), "free", mb("SwapFree"), "used", mb("SwapTotal")-mb("SwapFree"), "cached", mb("SwapCached"))))
}

func processor(g *gathering) {
	list := []any{}
	sockets, cores := map[string]bool{}, map[string]string{}
	physical, count := "", 0
	for _, l := range strings.Split(read("/proc/cpuinfo"), "\n") {
		k, v, ok := strings.Cut(l, ":")
		if !ok {
			continue
		}
		k, v = strings.TrimSpace(k), strings.TrimSpace(v)
		switch k {
		case "model name", "Processor", "vendor_id", "cpu", "Vendor", "processor":
			list = append(list, v)
			if k == "processor" {
				count++
			}
		case "physical id":
			physical = v
			sockets[v] = true
		case "cpu cores":
			cores[physical] = v
		}
	}
	n := max(1, len(sockets))
	perSocket := count / n
	if v, err := strconv.Atoi(cores[physical]); err == nil && v > 0 {
		perSocket = v
	}
	threads := 1
	if perSocket > 0 {
		threads = max(1, count/n/perSocket)
	}
	g.set("processor", list)
	g.set("processor_count", n)
	g.set("processor_cores", perSocket)
	g.set("processor_threads_per_core", threads)
	g.set("processor_vcpus", threads*n*perSocket)
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil {
		g.set("processor_nproc", set.Count())
	} else {
		g.set("processor_nproc", count)
	}
}

// formFactors are the chassis types of the DMI standard.
var formFactors = []string{"Unknown", "Other", "Unknown", "Desktop", "Low Profile Desktop", "Pizza Box", "Mini Tower", "Tower", "Portable", "Laptop", "Notebook",
	"Hand Held", "Docking Station", "All In One", "Sub Notebook", "Space-saving", "Lunch Box", "Main Server Chassis", "Expansion Chassis", "Sub Chassis",
	"Bus Expansion Chassis", "Peripheral Chassis", "RAID Chassis", "Rack Mount Chassis", "Sealed-case PC", "Multi-system", "CompactPCI", "AdvancedTCA",
	"Blade", "Blade Enclosure", "Tablet", "Convertible", "Detachable", "IoT Gateway", "Embedded PC", "Mini PC", "Stick PC"}

func dmi(g *gathering) {
	for fact, file := range map[string]string{
		"bios_date": "bios_date", "bios_vendor": "bios_vendor", "bios_version": "bios_version", "board_asset_tag": "board_asset_tag", "board_name": "board_name",
		"board_serial": "board_serial", "board_vendor": "board_vendor", "board_version": "board_version", "chassis_asset_tag": "chassis_asset_tag",
		"chassis_serial": "chassis_serial", "chassis_vendor": "chassis_vendor", "chassis_version": "chassis_version", "form_factor": "chassis_type",
		"product_name": "product_name", "product_serial": "product_serial", "product_uuid": "product_uuid", "product_version": "product_version", "system_vendor": "sys_vendor",
	} {
		v := "NA"
		if data, err := os.ReadFile("/sys/class/dmi/id/" + file); err == nil {
			v = strings.TrimSpace(string(data))
			if fact == "form_factor" {
				if n, err := strconv.Atoi(v); err == nil && n < len(formFactors) {
					v = formFactors[n]
				}
			}
		}
		g.set(fact, v)
	}
}

func uptime(g *gathering) {
	f, _, _ := strings.Cut(read("/proc/uptime"), ".")
	if n, err := strconv.Atoi(f); err == nil {
		g.set("uptime_seconds", n)
	}
}

// mounts lists what is mounted from devices. A file system that does not answer
// in time is listed without its sizes.
func mounts(g *gathering) {
	uuids := linksBelow("/dev/disk/by-uuid")
	table := read("/etc/mtab")
	if table == "" {
		table = read("/proc/mounts")
	}
	list := []any{}
	for _, l := range strings.Split(table, "\n") {
		f := strings.Fields(l)
		if len(f) < 4 {
			continue
		}
		device, mount, fstype := unescape(f[0]), unescape(f[1]), f[2]
		if !strings.HasPrefix(device, "/") && !strings.Contains(device, ":/") || fstype == "none" {
			continue
		}
		m := value.MapOf("mount", mount, "device", device, "fstype", fstype, "options", f[3])
		if st, ok := statfs(mount, g.timeout); ok {
			size := int(st.Frsize)
			if size == 0 {
				size = int(st.Bsize)
			}
			m.Set("size_total", int(st.Blocks)*size)
			m.Set("size_available", int(st.Bavail)*size)
			m.Set("block_size", int(st.Bsize))
			m.Set("block_total", int(st.Blocks))
			m.Set("block_available", int(st.Bavail))
			m.Set("block_used", int(st.Blocks)-int(st.Bavail))
			m.Set("inode_total", int(st.Files))
			m.Set("inode_available", int(st.Ffree))
			m.Set("inode_used", int(st.Files)-int(st.Ffree))
		} else {
			g.warn("the mount " + mount + " did not answer in time: its sizes are left out")
		}
		uuid := "N/A"
		if id := uuids[filepath.Base(device)]; id != "" {
			uuid = id
		}
		m.Set("uuid", uuid)
		list = append(list, m)
	}
	g.set("mounts", list)
	lvm(g)
}

// statfs asks a file system for its sizes, for at most limit: a dead network
// file system blocks for ever.
func statfs(path string, limit time.Duration) (unix.Statfs_t, bool) {
	type answer struct {
		st  unix.Statfs_t
		err error
	}
	ch := make(chan answer, 1)
	go func() { // may outlive us where the mount is dead; nothing can end it
		var a answer
		a.err = unix.Statfs(path, &a.st)
		ch <- a
	}()
	select {
	case a := <-ch:
		return a.st, a.err == nil
	case <-time.After(limit):
		return unix.Statfs_t{}, false
	}
}

func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// linksBelow maps the device that each link in dir leads to, to the link's name.
func linksBelow(dir string) map[string]string {
	out := map[string]string{}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			out[filepath.Base(to)] = e.Name()
		}
	}
	return out
}

func devices(g *gathering) {
	kinds := map[string]map[string]string{"ids": linksBelow("/dev/disk/by-id"), "labels": linksBelow("/dev/disk/by-label"), "uuids": linksBelow("/dev/disk/by-uuid")}
	all := value.NewMap(4)
	for _, kind := range []string{"ids", "labels", "uuids"} {
		m := value.NewMap(2)
		for dev, name := range kinds[kind] {
			m.Set(dev, []any{name})
		}
		all.Set(kind, m)
	}
	all.Set("masters", value.NewMap(0))
	g.set("device_links", all)
	links := func(dev string) *value.Map {
		m := value.NewMap(4)
		for _, kind := range []string{"ids", "labels", "uuids"} {
			l := []any{}
			if n := kinds[kind][dev]; n != "" {
				l = append(l, n)
			}
			m.Set(kind, l)
		}
		m.Set("masters", []any{})
		return m
	}
	out := value.NewMap(8)
	entries, _ := os.ReadDir("/sys/block")
	for _, e := range entries {
		out.Set(e.Name(), device("/sys/block/"+e.Name(), e.Name(), links))
	}
	g.set("devices", out)
}

func device(dir, name string, links func(string) *value.Map) *value.Map {
	m := value.NewMap(16)
	// 1 for whatever is a link below /sys/block, which today all are: the name
	// says more than the fact does.
	virtual := 1
	if fi, err := os.Lstat(dir); err == nil && fi.Mode()&os.ModeSymlink == 0 && exists(filepath.Join(dir, "device")) {
		virtual = 0
	}
	m.Set("virtual", virtual)
	m.Set("links", links(name))
	orNull := func(file string) any {
		if v := read(filepath.Join(dir, file)); v != "" {
			return v
		}
		return nil
	}
	for fact, file := range map[string]string{"vendor": "device/vendor", "model": "device/model", "sas_address": "device/sas_address", "sas_device_handle": "device/sas_device_handle"} {
		m.Set(fact, orNull(file))
	}
	sectorSize := read(filepath.Join(dir, "queue/logical_block_size"))
	if sectorSize == "" {
		sectorSize = "512"
	}
	sectors := read(filepath.Join(dir, "size"))
	m.Set("removable", read(filepath.Join(dir, "removable")))
	m.Set("support_discard", read(filepath.Join(dir, "queue/discard_granularity")))
	m.Set("rotational", read(filepath.Join(dir, "queue/rotational")))
	mode := ""
	if s := read(filepath.Join(dir, "queue/scheduler")); s != "" {
		mode = s
		if i, j := strings.IndexByte(s, '['), strings.IndexByte(s, ']'); i >= 0 && j > i {
			mode = s[i+1 : j]
		}
	}
	m.Set("scheduler_mode", mode)
	m.Set("sectors", sectors)
	m.Set("sectorsize", sectorSize)
	m.Set("size", humanSize(sectors, sectorSize))
	m.Set("host", "")
	holders := []any{}
	entries, _ := os.ReadDir(filepath.Join(dir, "holders"))
	for _, e := range entries {
		holders = append(holders, e.Name())
	}
	m.Set("holders", holders)
	parts := value.NewMap(2)
	entries, _ = os.ReadDir(dir)
	for _, e := range entries {
		p := filepath.Join(dir, e.Name())
		if !strings.HasPrefix(e.Name(), name) || !exists(filepath.Join(p, "partition")) {
			continue
		}
		size := read(filepath.Join(p, "size"))
		part := value.MapOf("links", links(e.Name()), "start", read(filepath.Join(p, "start")), "sectors", size, "sectorsize", sectorSize, "size", humanSize(size, sectorSize), "uuid", nil, "holders", []any{})
		parts.Set(e.Name(), part)
	}
	m.Set("partitions", parts)
	return m
}

// humanSize is a size as Ansible's facts write it: sectors always count 512
// bytes in /sys.
func humanSize(sectors, _ string) string {
	n, _ := strconv.ParseFloat(sectors, 64)
	n *= 512
	for _, u := range []struct {
		name string
		size float64
	}{{"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}} {
		if n >= u.size {
			return strconv.FormatFloat(n/u.size, 'f', 2, 64) + " " + u.name
		}
	}
	return strconv.FormatFloat(n, 'f', 2, 64) + " Bytes"
}
