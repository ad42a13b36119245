package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const suite = "bookworm"

// included is what hosts have beyond a minimal Debian: what targets need, Python
// so that Ansible can be compared, and the programs that modules drive.
const included = "openssh-server,sudo,python3,python3-apt,procps,iproute2,acl,doas," +
	"apache2-utils,at,createrepo-c,cron,debconf-utils,dnf,git,gpg,iptables,kmod,libxml2-utils,locales,lvm2,make," +
	"python3-debian,python3-distro,python3-dnf,python3-lxml,python3-passlib,python3-pexpect,python3-pip,python3-selinux,python3-semanage,python3-setuptools,python3-venv,python3-wheel," +
	"rpm,rsync,ruby,subversion,ufw,unzip,bzip2,xz-utils,zstd,tzdata,e2fsprogs"

// recipe is everything that the base depends on; when it changes, the base is
// built anew.
func (l *Lab) recipe() (string, error) {
	key, err := os.ReadFile(l.KeyFile() + ".pub")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(fmt.Sprint(suite, included, setup, packages, manyPackages, string(key), 4)))
	return hex.EncodeToString(sum[:]), nil
}

// base is the root that hosts stand on, one for each recipe: programs of
// different versions that share a machine do not take theirs from one another.
func (l *Lab) base() string { return filepath.Join(l.root, "base-"+l.state.Recipe) }

// baseAge is how long a base that nobody starts hosts on is kept.
const baseAge = 7 * 24 * time.Hour

// forget removes the bases that nobody has used for long.
func (l *Lab) forget() {
	bases, err := filepath.Glob(filepath.Join(l.root, "base-*"))
	if err != nil {
		return
	}
	for _, path := range bases {
		if fi, err := os.Stat(path); err == nil && path != l.base() && time.Since(fi.ModTime()) > baseAge {
			_ = os.RemoveAll(path)
		}
	}
}

// makeBase builds the base unless it is there. Labs that are started at the
// same time wait for one another.
func (l *Lab) makeBase() error {
	lock, err := os.OpenFile(filepath.Join(l.root, "base.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return err
	}
	if err := needs(map[string]string{"ip": "iproute2", "nsenter": "util-linux"}); err != nil {
		return err
	}
	recipe, err := l.recipe()
	if err != nil {
		return err
	}
	l.state.Recipe = recipe[:16]
	if _, err := os.Stat(l.base()); err == nil {
		now := time.Now()
		return os.Chtimes(l.base(), now, now)
	}
	l.forget()
	if err := needs(map[string]string{"debootstrap": "debootstrap", "dpkg-deb": "dpkg"}); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "lab: building the base, which takes a minute or two")
	fresh := l.base() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := l.debootstrap(fresh); err != nil {
		return err
	}
	if err := l.finish(fresh); err != nil {
		return err
	}
	return os.Rename(fresh, l.base())
}

// needs installs the packages of commands that are missing.
func needs(commands map[string]string) error {
	var missing []string
	for command, pkg := range commands {
		if _, err := exec.LookPath(command); err != nil {
			missing = append(missing, pkg)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("the lab needs %s, and can install it only on Debian", strings.Join(missing, ", "))
	}
	fmt.Fprintln(os.Stderr, "lab: installing", strings.Join(missing, " "))
	install := exec.Command("apt-get", append([]string{"-qy", "-o", "DPkg::Lock::Timeout=600", "install", "--no-install-recommends"}, missing...)...)
	install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := install.CombinedOutput(); err != nil {
		// The lists may be old, or not there at all.
		if err := run("apt-get", "-q", "update"); err != nil {
			return err
		}
		again := exec.Command(install.Args[0], install.Args[1:]...)
		again.Env = install.Env
		if out, err = again.CombinedOutput(); err != nil {
			return fmt.Errorf("cannot install %s: %w: %s", strings.Join(missing, ", "), err, out)
		}
	}
	return nil
}

// debootstrap installs Debian, from where this machine gets its own packages.
func (l *Lab) debootstrap(root string) error {
	cmd := exec.Command("debootstrap", "--variant=minbase", "--include="+included, suite, root)
	if from := mirror(); from != "" {
		cmd.Args = append(cmd.Args, from)
	}
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if proxy := aptSetting("Acquire::http::Proxy"); proxy != "" && proxy != "DIRECT" {
		cmd.Env = append(cmd.Env, "http_proxy="+proxy, "https_proxy="+proxy)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		text := string(out)
		if len(text) > 3000 {
			text = "..." + text[len(text)-3000:]
		}
		return fmt.Errorf("debootstrap: %w: %s", err, text)
	}
	return nil
}

func aptSetting(name string) string {
	out, err := exec.Command("apt-config", "dump", "--format", "%v%n", name).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// mirror finds the machine's Debian mirror in apt's sources, in either format; ""
// leaves it to debootstrap.
func mirror() string {
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*")
	for _, path := range append([]string{"/etc/apt/sources.list"}, files...) {
		if !strings.HasSuffix(path, ".list") && !strings.HasSuffix(path, ".sources") {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(data), "\n") {
			fields := strings.Fields(line)
			if len(fields) < 2 || fields[0] != "deb" && fields[0] != "URIs:" {
				continue
			}
			for _, f := range fields[1:] {
				if strings.HasPrefix(f, "http") && strings.HasSuffix(strings.TrimSuffix(f, "/"), "/debian") {
					return f
				}
			}
		}
	}
	return ""
}

// setup runs in the base after the installation. Service starts are refused:
// there is no init to start them.
const setup = `set -e
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
rm -f /etc/ssh/ssh_host_* /etc/machine-id /etc/hostname /etc/apt/sources.list /var/cache/apt/archives/*.deb
rm -rf /var/lib/apt/lists/*
key=$(cat /root/key.pub); rm /root/key.pub
login() { mkdir -p -m 700 "$2/.ssh"; echo "$key" >"$2/.ssh/authorized_keys"; chmod 600 "$2/.ssh/authorized_keys"; chown -R "$1:" "$2/.ssh"; }
login root /root
for u in ops pat deploy; do useradd -m -s /bin/bash $u; login $u /home/$u; done
useradd -m -s /usr/sbin/nologin nosh; login nosh /home/nosh
useradd -r -d /nonexistent -s /usr/sbin/nologin svc
echo 'pat:secret' | chpasswd
echo 'ops:opensesame' | chpasswd
echo 'root:rootsecret' | chpasswd
echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/lab
echo 'pat ALL=(ALL:ALL) ALL' >>/etc/sudoers.d/lab
chmod 440 /etc/sudoers.d/lab
echo 'permit nopass ops' >/etc/doas.conf
echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list
printf 'APT::Install-Recommends "0";\nAcquire::Languages "none";\n' >/etc/apt/apt.conf.d/90lab
apt-get -q update
`

// finish makes a lab's base of a Debian.
func (l *Lab) finish(root string) error {
	if err := l.makeRepo(filepath.Join(root, "srv/repo")); err != nil {
		return fmt.Errorf("the packages of the lab: %w", err)
	}
	if err := copyFile(l.KeyFile()+".pub", filepath.Join(root, "root/key.pub")); err != nil {
		return err
	}
	return run("chroot", root, "/bin/sh", "-c", setup)
}
