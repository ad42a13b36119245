package setup

import (
	"bytes"
	"fmt"
	"os"
	osuser "os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tutti-run/tutti/internal/module/localtime"
	"github.com/tutti-run/tutti/internal/module/process"
	"github.com/tutti-run/tutti/internal/module/tool"
	"github.com/tutti-run/tutti/internal/value"
)

// read returns a file's content without the white space around it.
func read(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func cstring(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

func platform(g *gathering) {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return
	}
	node, machine := cstring(u.Nodename[:]), cstring(u.Machine[:])
	g.set("system", cstring(u.Sysname[:]))
	g.set("kernel", cstring(u.Release[:]))
	g.set("kernel_version", cstring(u.Version[:]))
	g.set("machine", machine)
	g.set("nodename", node)
	g.set("architecture", machine)
	host, _, _ := strings.Cut(node, ".")
	g.set("hostname", host)
	fqdn := FullName(node)
	g.set("fqdn", fqdn)
	_, domain, _ := strings.Cut(fqdn, ".")
	g.set("domain", domain)
	bits := strconv.Itoa(strconv.IntSize)
	g.set("userspace_bits", bits)
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64", "386": "i386"}[runtime.GOARCH]
	if arch == "" {
		arch = machine
	}
	g.set("userspace_architecture", arch)
	if id := read("/etc/machine-id"); id != "" {
		g.set("machine_id", id)
	} else if id := read("/var/lib/dbus/machine-id"); id != "" {
		g.set("machine_id", id)
	}
}

// FullName is the name with its domain, from /etc/hosts; as Python's
// socket.getfqdn finds it without a network.
func FullName(node string) string {
	addr := ""
	lines := strings.Split(read("/etc/hosts"), "\n")
	for _, l := range lines {
		l, _, _ = strings.Cut(l, "#")
		f := strings.Fields(l)
		for _, n := range f[min(1, len(f)):] {
			if n == node && addr == "" {
				addr = f[0]
			}
		}
	}
	for _, l := range lines {
		l, _, _ = strings.Cut(l, "#")
		f := strings.Fields(l)
		if len(f) < 2 || f[0] != addr || addr == "" {
			continue
		}
		for _, n := range f[1:] {
			if strings.Contains(n, ".") {
				return n
			}
		}
		return f[1]
	}
	return node
}

func cmdline(g *gathering) {
	first, all := value.NewMap(8), value.NewMap(8)
	for _, word := range strings.Fields(read("/proc/cmdline")) {
		k, v, ok := strings.Cut(word, "=")
		if !ok {
			first.Set(k, true)
			all.Set(k, true)
			continue
		}
		v = strings.Trim(v, `"`)
		first.Set(k, v)
		switch old := all.At(k).(type) {
		case nil, bool:
			all.Set(k, v)
		case []any:
			all.Set(k, append(old, v))
		default:
			all.Set(k, []any{old, v})
		}
	}
	g.set("cmdline", first)
	g.set("proc_cmdline", all)
}

func dateTime(g *gathering) {
	now := time.Now().In(localtime.Zone(g.env.Environ))
	utc := now.UTC()
	zone, _ := now.Zone()
	year := now.Year()
	// Python's %W: weeks begin on Monday; days before the first one are week 0.
	yday := now.YearDay() - 1
	wday := (int(now.Weekday()) + 6) % 7
	week := (yday + 7 - wday) / 7
	dst := zone
	for _, month := range []time.Month{time.January, time.July} {
		t := time.Date(year, month, 1, 0, 0, 0, 0, now.Location())
		if t.IsDST() {
			dst, _ = t.Zone()
		}
	}
	g.set("date_time", value.MapOf(
		"year", now.Format("2006"), "month", now.Format("01"), "weekday", now.Format("Monday"), "weekday_number", strconv.Itoa(int(now.Weekday())),
		"weeknumber", fmt.Sprintf("%02d", week), "day", now.Format("02"), "hour", now.Format("15"), "minute", now.Format("04"), "second", now.Format("05"),
		"epoch", strconv.FormatInt(now.Unix(), 10), "epoch_int", strconv.FormatInt(now.Unix(), 10), "date", now.Format("2006-01-02"), "time", now.Format("15:04:05"),
		"iso8601_micro", utc.Format("2006-01-02T15:04:05.000000Z"), "iso8601", utc.Format("2006-01-02T15:04:05Z"),
		"iso8601_basic", now.Format("20060102T150405")+fmt.Sprintf("%06d", now.Nanosecond()/1000), "iso8601_basic_short", now.Format("20060102T150405"),
		"tz", zone, "tz_dst", dst, "tz_offset", now.Format("-0700")))
}

func dns(g *gathering) {
	out := value.NewMap(2)
	for _, l := range strings.Split(read("/etc/resolv.conf"), "\n") {
		f := strings.Fields(l)
		if len(f) < 2 || strings.HasPrefix(f[0], "#") || strings.HasPrefix(f[0], ";") {
			continue
		}
		switch f[0] {
		case "nameserver":
			old, _ := out.At("nameservers").([]any)
			out.Set("nameservers", append(old, f[1]))
		case "domain":
			out.Set("domain", f[1])
		case "search":
			out.Set("search", value.FromGo(f[1:]))
		case "sortlist":
			out.Set("sortlist", value.FromGo(f[1:]))
		case "options":
			o := value.NewMap(2)
			for _, w := range f[1:] {
				k, v, ok := strings.Cut(w, ":")
				if ok {
					o.Set(k, v)
				} else {
					o.Set(k, true)
				}
			}
			out.Set("options", o)
		}
	}
	g.set("dns", out)
}

func environment(g *gathering) {
	m := value.NewMap(len(g.env.Environ))
	for _, e := range g.env.Environ {
		k, v, _ := strings.Cut(e, "=")
		m.Set(k, v)
	}
	g.set("env", m)
}

func fips(g *gathering) { g.set("fips", read("/proc/sys/crypto/fips_enabled") == "1") }

func apparmor(g *gathering) {
	status := "disabled"
	if exists("/sys/kernel/security/apparmor") {
		status = "enabled"
	}
	g.set("apparmor", value.MapOf("status", status))
}

func selinux(g *gathering) {
	m := value.NewMap(5)
	if !exists("/sys/fs/selinux/enforce") {
		m.Set("status", "disabled")
	} else {
		m.Set("status", "enabled")
		mode := map[string]string{"0": "permissive", "1": "enforcing"}[read("/sys/fs/selinux/enforce")]
		m.Set("mode", mode)
		if v, err := strconv.Atoi(read("/sys/fs/selinux/policyvers")); err == nil {
			m.Set("policyvers", v)
		}
		for _, l := range strings.Split(read("/etc/selinux/config"), "\n") {
			if v, ok := strings.CutPrefix(l, "SELINUX="); ok {
				m.Set("config_mode", v)
			}
			if v, ok := strings.CutPrefix(l, "SELINUXTYPE="); ok {
				m.Set("type", v)
			}
		}
	}
	g.set("selinux", m)
	g.set("selinux_python_present", true)
}

// capabilities are what capsh says of our own; users match on its words.
func capabilities(g *gathering) {
	g.set("system_capabilities_enforced", "N/A")
	g.set("system_capabilities", "N/A")
	if tool.Find(g.env, "capsh") == "" {
		return
	}
	out, err := tool.Run(g.ctx, g.env, "capsh", "--print")
	if err != nil || out.RC != 0 {
		return
	}
	enforced, list := "NA", []any{}
	for line := range strings.Lines(out.Stdout) {
		current, ok := strings.CutPrefix(line, "Current:")
		if !ok {
			continue
		}
		if current = strings.TrimSpace(current); current == "=ep" {
			enforced = "False"
			continue
		}
		enforced = "True"
		_, names, _ := strings.Cut(current, "=")
		for name := range strings.SplitSeq(names, ",") {
			list = append(list, strings.TrimSpace(name))
		}
	}
	g.set("system_capabilities_enforced", enforced)
	g.set("system_capabilities", list)
}

// packageManagers are the files that tell a package manager, the last found wins
// among those of no particular system.
var packageManagers = []struct{ path, name string }{
	{"/usr/bin/yum", "yum"}, {"/usr/bin/dnf", "dnf"}, {"/usr/bin/apt-get", "apt"}, {"/usr/bin/zypper", "zypper"}, {"/usr/bin/pacman", "pacman"},
	{"/sbin/apk", "apk"}, {"/usr/bin/emerge", "portage"}, {"/usr/bin/xbps-install", "xbps"}, {"/usr/sbin/swupd", "swupd"}, {"/usr/bin/opkg", "opkg"},
}

func packageManager(g *gathering) {
	found := "unknown"
	family := osFamily(osRelease())
	for _, p := range packageManagers {
		if exists(p.path) {
			found = p.name
		}
	}
	switch {
	case family == "Debian" && exists("/usr/bin/apt-get"):
		found = "apt"
	case family == "RedHat" && exists("/usr/bin/dnf"):
		found = "dnf"
	case family == "RedHat" && exists("/usr/bin/yum"):
		found = "yum"
	}
	g.set("pkg_mgr", found)
}

func serviceManager(g *gathering) {
	name := read("/proc/1/comm")
	switch name {
	case "", "init", "sh", "bash":
		name = ""
	}
	if link, err := os.Readlink("/sbin/init"); err == nil && filepath.Base(link) == "systemd" && exists("/run/systemd/system") {
		name = "systemd"
	}
	switch {
	case name == "runit-init":
		name = "runit"
	case name != "":
	case exists("/run/systemd/system"), exists("/dev/.run/systemd"), exists("/dev/.systemd"):
		name = "systemd"
	case exists("/sbin/openrc"):
		name = "openrc"
	case exists("/etc/init.d"):
		name = "sysvinit"
	default:
		name = "service"
	}
	g.set("service_mgr", name)
}

func hostKeys(g *gathering) {
	for _, dir := range []string{"/etc/ssh", "/etc/openssh", "/etc"} {
		found := false
		for _, kind := range []string{"dsa", "rsa", "ecdsa", "ed25519"} {
			f := strings.Fields(read(filepath.Join(dir, "ssh_host_"+kind+"_key.pub")))
			if len(f) >= 2 {
				found = true
				g.set("ssh_host_key_"+kind+"_public", f[1])
				g.set("ssh_host_key_"+kind+"_public_keytype", f[0])
			}
		}
		if found {
			return
		}
	}
}

func user(g *gathering) {
	g.set("real_user_id", os.Getuid())
	g.set("effective_user_id", os.Geteuid())
	g.set("real_group_id", os.Getgid())
	g.set("effective_group_id", os.Getegid())
	u, err := osuser.LookupId(strconv.Itoa(os.Getuid()))
	if err != nil {
		return
	}
	g.set("user_id", u.Username)
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	g.set("user_uid", uid)
	g.set("user_gid", gid)
	g.set("user_dir", u.HomeDir)
	for _, l := range strings.Split(read("/etc/passwd"), "\n") {
		if f := strings.Split(l, ":"); len(f) >= 7 && f[0] == u.Username {
			g.set("user_gecos", f[4])
			g.set("user_shell", f[6])
		}
	}
}

func loadAverage(g *gathering) {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return
	}
	m := value.NewMap(3)
	for i, name := range []string{"1m", "5m", "15m"} {
		m.Set(name, float64(info.Loads[i])/65536)
	}
	g.set("loadavg", m)
}

// interpreter asks the Python that modules in Python run in for its version and
// its kind, once; the words are nil if there is none.
func (g *gathering) interpreter() (exe string, words []string) {
	g.python.Do(func() {
		var exe string
		for _, name := range []string{g.chosen, "/usr/bin/python3", "/usr/libexec/platform-python", "python3"} {
			if strings.Contains(name, "/") && exists(name) {
				exe = name
			} else if name != "" {
				exe = process.Find(name, g.env.Environ)
			}
			if exe != "" && exists(exe) {
				break
			}
		}
		if exe == "" {
			return
		}
		out, err := process.Run(g.ctx, process.Cmd{Argv: []string{exe, "-I", "-S", "-c", "import sys; v=sys.version_info; print(v[0], v[1], v[2], v[3], v[4], sys.implementation.name)"}, Env: g.env.Environ})
		if f := strings.Fields(string(out.Stdout)); err == nil && out.RC == 0 && len(f) >= 6 {
			g.pythonExe, g.pythonWords = exe, f
		}
	})
	return g.pythonExe, g.pythonWords
}

func pythonVersion(g *gathering) {
	if _, f := g.interpreter(); f != nil {
		g.set("python_version", strings.Join(f[:3], "."))
	}
}

func python(g *gathering) {
	exe, f := g.interpreter()
	if f == nil {
		return
	}
	n := func(i int) int { v, _ := strconv.Atoi(f[i]); return v }
	g.set("python", value.MapOf("executable", exe, "has_sslcontext", true, "type", f[5],
		"version", value.MapOf("major", n(0), "minor", n(1), "micro", n(2), "releaselevel", f[3], "serial", n(4)),
		"version_info", []any{n(0), n(1), n(2), f[3], n(4)}))
}

func chroot(g *gathering) { g.set("is_chroot", IsChroot()) }

// IsChroot tells whether our root is another than that of the machine's first
// process.
func IsChroot() bool {
	if os.Getenv("debian_chroot") != "" {
		return true
	}
	var root, init unix.Stat_t
	if unix.Stat("/", &root) != nil {
		return false
	}
	if unix.Stat("/proc/1/root/.", &init) == nil {
		return root.Ino != init.Ino || root.Dev != init.Dev
	}
	return root.Ino != 2
}

func fibreChannel(g *gathering) { g.set("fibre_channel_wwn", []any{}) }

func iscsi(g *gathering) {
	iqn := ""
	for _, l := range strings.Split(read("/etc/iscsi/initiatorname.iscsi"), "\n") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(l), "InitiatorName="); ok {
			iqn = v
		}
	}
	g.set("iscsi_iqn", iqn)
}

func nvme(g *gathering) {
	nqn := ""
	for _, l := range strings.Split(read("/etc/nvme/hostnqn"), "\n") {
		if strings.HasPrefix(l, "nqn.") {
			nqn = strings.TrimSpace(l)
		}
	}
	g.set("hostnqn", nqn)
}
