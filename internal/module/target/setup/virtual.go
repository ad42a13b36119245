package setup

import (
	"os"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// virtualization tells on what the machine runs, the innermost layer first.
func virtualization(g *gathering) {
	v := &virtual{}
	v.containers()
	v.machines()
	v.hosts()
	kind, role := v.kind, v.role
	if kind == "" {
		kind, role = "NA", "NA"
		if len(v.host) > 0 {
			kind, role = v.host[0], "host"
		}
	}
	g.set("virtualization_type", kind)
	g.set("virtualization_role", role)
	g.set("virtualization_tech_guest", value.FromGo(unique(v.guest)))
	g.set("virtualization_tech_host", value.FromGo(unique(v.host)))
}

type virtual struct {
	kind, role  string
	guest, host []string
}

func unique(l []string) []string {
	out := []string{}
	for _, e := range l {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

func (v *virtual) is(kind, role string) {
	v.guest = append(v.guest, kind)
	if v.kind == "" {
		v.kind, v.role = kind, role
	}
}

func (v *virtual) containers() {
	for _, l := range strings.Split(read("/proc/1/cgroup"), "\n") {
		switch {
		case strings.Contains(l, "/docker/") || strings.Contains(l, "/docker-"):
			v.is("docker", "guest")
			v.guest = append(v.guest, "container")
		case strings.Contains(l, "/lxc/") || strings.Contains(l, "/machine.slice/machine-lxc"):
			v.is("lxc", "guest")
			v.guest = append(v.guest, "container")
		case strings.Contains(l, "/system.slice/containerd.service"):
			v.is("containerd", "guest")
		}
	}
	env, _ := os.ReadFile("/proc/1/environ")
	for _, e := range strings.Split(string(env), "\x00") {
		name, ok := strings.CutPrefix(e, "container=")
		switch {
		case !ok:
		case name == "lxc" || name == "podman":
			v.is(name, "guest")
			v.guest = append(v.guest, "container")
		default:
			v.is("container", "guest")
		}
	}
	if exists("/.dockerenv") || exists("/.dockerinit") {
		v.is("docker", "guest")
		v.guest = append(v.guest, "container")
	}
	if exists("/run/.containerenv") {
		v.is("podman", "guest")
		v.guest = append(v.guest, "container")
	}
	if exists("/proc/vz") && !exists("/proc/lve") {
		v.is("openvz", "guest")
	}
}

func (v *virtual) machines() {
	product, vendor := read("/sys/devices/virtual/dmi/id/product_name"), read("/sys/devices/virtual/dmi/id/sys_vendor")
	switch {
	case slices.Contains([]string{"KVM", "KVM Server", "Bochs", "AHV"}, product), vendor == "QEMU", vendor == "oVirt", vendor == "Amazon EC2", vendor == "DigitalOcean", vendor == "Hetzner", vendor == "Nutanix":
		v.is("kvm", "guest")
	case strings.Contains(product, "VMware"):
		v.is("VMware", "guest")
	case vendor == "innotek GmbH" || strings.Contains(product, "VirtualBox"):
		v.is("virtualbox", "guest")
	case vendor == "Microsoft Corporation" && product == "Virtual Machine":
		v.is("VirtualPC", "guest")
	case vendor == "Xen" || strings.HasPrefix(read("/sys/hypervisor/type"), "xen"):
		v.is("xen", "guest")
	case product == "OpenStack Compute" || vendor == "OpenStack Foundation":
		v.is("openstack", "guest")
	case product == "Google Compute Engine":
		v.is("kvm", "guest")
	}
	for _, l := range strings.Split(read("/proc/cpuinfo"), "\n") {
		if strings.HasPrefix(l, "model name") && strings.Contains(l, "QEMU Virtual CPU") {
			v.is("kvm", "guest")
		}
	}
}

func (v *virtual) hosts() {
	if exists("/dev/kvm") {
		v.host = append(v.host, "kvm")
	}
	for _, l := range strings.Split(read("/proc/modules"), "\n") {
		name, _, _ := strings.Cut(l, " ")
		switch name {
		case "kvm":
			v.host = append(v.host, "kvm")
		case "vboxdrv":
			v.host = append(v.host, "virtualbox")
		}
	}
}
