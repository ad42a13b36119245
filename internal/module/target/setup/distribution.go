package setup

import (
	"strings"

	"github.com/tutti-run/tutti/internal/value"
)

// osRelease reads /etc/os-release.
func osRelease() map[string]string {
	out := map[string]string{}
	text := read("/etc/os-release")
	if text == "" {
		text = read("/usr/lib/os-release")
	}
	for _, l := range strings.Split(text, "\n") {
		if k, v, ok := strings.Cut(strings.TrimSpace(l), "="); ok {
			out[k] = strings.Trim(v, `"'`)
		}
	}
	return out
}

// distributions maps os-release's ID to Ansible's name.
var distributions = map[string]string{
	"debian": "Debian", "ubuntu": "Ubuntu", "linuxmint": "Linux Mint", "kali": "Kali", "raspbian": "Debian", "devuan": "Devuan", "pop": "Pop!_OS",
	"fedora": "Fedora", "centos": "CentOS", "rhel": "RedHat", "rocky": "Rocky", "almalinux": "AlmaLinux", "ol": "OracleLinux", "amzn": "Amazon",
	"opensuse-leap": "openSUSE Leap", "opensuse-tumbleweed": "openSUSE Tumbleweed", "sles": "SLES", "arch": "Archlinux", "alpine": "Alpine", "gentoo": "Gentoo",
	"void": "Void", "nixos": "NixOS", "flatcar": "Flatcar", "clear-linux-os": "Clear Linux OS",
}

// families maps Ansible's names of distributions to their families.
var families = map[string][]string{
	"Debian":    {"Debian", "Ubuntu", "Linux Mint", "Kali", "Raspbian", "Devuan", "Pop!_OS", "Neon", "Parrot", "Uos", "Deepin", "OSMC"},
	"RedHat":    {"RedHat", "Fedora", "CentOS", "Rocky", "AlmaLinux", "OracleLinux", "Amazon", "Scientific", "XenServer", "EulerOS", "openEuler", "TencentOS", "Virtuozzo"},
	"Suse":      {"SLES", "SLED", "openSUSE Leap", "openSUSE Tumbleweed", "SuSE"},
	"Archlinux": {"Archlinux", "Manjaro", "Antergos"}, "Alpine": {"Alpine"}, "Gentoo": {"Gentoo", "Funtoo"}, "Flatcar": {"Flatcar"},
}

func distributionName(rel map[string]string) string {
	if n := distributions[rel["ID"]]; n != "" {
		return n
	}
	if rel["NAME"] != "" {
		return strings.Fields(rel["NAME"])[0]
	}
	return "Linux"
}

func osFamily(rel map[string]string) string {
	name := distributionName(rel)
	for family, members := range families {
		for _, m := range members {
			if m == name {
				return family
			}
		}
	}
	return name
}

// OS is the distribution's id and version as os-release has them.
func OS() (id, version string) {
	rel := osRelease()
	return rel["ID"], rel["VERSION_ID"]
}

// Family is the family of a distribution that is named as in os-release; empty
// if it has the name of none that Ansible knows.
func Family(id string) string {
	if id == "rhel" {
		return "RedHat"
	}
	for family, members := range families {
		for _, m := range members {
			if strings.EqualFold(m, id) {
				return family
			}
		}
	}
	return ""
}

func distribution(g *gathering) {
	rel := osRelease()
	name := distributionName(rel)
	version, release := rel["VERSION_ID"], rel["VERSION_CODENAME"]
	path, variety := "/etc/os-release", name
	switch name {
	case "Debian":
		if v := read("/etc/debian_version"); v != "" && strings.ContainsAny(v[:1], "0123456789") {
			version = v
		}
	case "Ubuntu":
		variety = "Debian"
	case "CentOS", "RedHat", "Fedora", "Rocky", "AlmaLinux":
		if exists("/etc/redhat-release") {
			path, variety = "/etc/redhat-release", "RedHat"
		}
		if i := strings.IndexByte(rel["VERSION"], '('); i >= 0 {
			release = strings.TrimSuffix(rel["VERSION"][i+1:], ")")
		}
	}
	if release == "" {
		release = "NA"
	}
	if version == "" {
		version = "NA"
	}
	g.set("distribution", name)
	g.set("distribution_release", release)
	g.set("distribution_version", version)
	parts := strings.Split(version, ".")
	g.set("distribution_major_version", parts[0])
	if len(parts) > 1 {
		g.set("distribution_minor_version", parts[1])
	}
	g.set("distribution_file_path", path)
	g.set("distribution_file_variety", variety)
	g.set("distribution_file_parsed", true)
	g.set("os_family", osFamily(rel))
}

func lsb(g *gathering) {
	m := value.NewMap(5)
	rel := osRelease()
	if text := read("/etc/lsb-release"); text != "" {
		for _, l := range strings.Split(text, "\n") {
			k, v, _ := strings.Cut(strings.TrimSpace(l), "=")
			v = strings.Trim(v, `"'\`)
			switch k {
			case "DISTRIB_ID":
				m.Set("id", v)
			case "DISTRIB_RELEASE":
				m.Set("release", v)
				m.Set("major_release", strings.Split(v, ".")[0])
			case "DISTRIB_DESCRIPTION":
				m.Set("description", v)
			case "DISTRIB_CODENAME":
				m.Set("codename", v)
			}
		}
	} else if exists("/usr/bin/lsb_release") {
		m.Set("id", distributionName(rel))
		m.Set("description", rel["PRETTY_NAME"])
		m.Set("release", rel["VERSION_ID"])
		m.Set("codename", rel["VERSION_CODENAME"])
		m.Set("major_release", strings.Split(rel["VERSION_ID"], ".")[0])
	}
	g.set("lsb", m)
}
