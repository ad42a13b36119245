// Package all lists the modules that run on the target, in the agent.
package all

import (
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/target/acl"
	"github.com/tutti-run/tutti/internal/module/target/alternatives"
	"github.com/tutti-run/tutti/internal/module/target/apt"
	aptkey "github.com/tutti-run/tutti/internal/module/target/apt_key"
	aptrepository "github.com/tutti-run/tutti/internal/module/target/apt_repository"
	"github.com/tutti-run/tutti/internal/module/target/archive"
	"github.com/tutti-run/tutti/internal/module/target/assemble"
	asyncstatus "github.com/tutti-run/tutti/internal/module/target/async_status"
	"github.com/tutti-run/tutti/internal/module/target/at"
	authorizedkey "github.com/tutti-run/tutti/internal/module/target/authorized_key"
	"github.com/tutti-run/tutti/internal/module/target/blockinfile"
	"github.com/tutti-run/tutti/internal/module/target/command"
	"github.com/tutti-run/tutti/internal/module/target/copy"
	"github.com/tutti-run/tutti/internal/module/target/cron"
	deb822repository "github.com/tutti-run/tutti/internal/module/target/deb822_repository"
	"github.com/tutti-run/tutti/internal/module/target/debconf"
	"github.com/tutti-run/tutti/internal/module/target/dnf"
	dpkgselections "github.com/tutti-run/tutti/internal/module/target/dpkg_selections"
	"github.com/tutti-run/tutti/internal/module/target/expect"
	"github.com/tutti-run/tutti/internal/module/target/fetch"
	"github.com/tutti-run/tutti/internal/module/target/file"
	"github.com/tutti-run/tutti/internal/module/target/filesystem"
	"github.com/tutti-run/tutti/internal/module/target/find"
	"github.com/tutti-run/tutti/internal/module/target/gem"
	geturl "github.com/tutti-run/tutti/internal/module/target/get_url"
	"github.com/tutti-run/tutti/internal/module/target/getent"
	"github.com/tutti-run/tutti/internal/module/target/git"
	"github.com/tutti-run/tutti/internal/module/target/group"
	"github.com/tutti-run/tutti/internal/module/target/hostname"
	"github.com/tutti-run/tutti/internal/module/target/htpasswd"
	inifile "github.com/tutti-run/tutti/internal/module/target/ini_file"
	"github.com/tutti-run/tutti/internal/module/target/interpreter"
	"github.com/tutti-run/tutti/internal/module/target/iptables"
	knownhosts "github.com/tutti-run/tutti/internal/module/target/known_hosts"
	"github.com/tutti-run/tutti/internal/module/target/lineinfile"
	localegen "github.com/tutti-run/tutti/internal/module/target/locale_gen"
	"github.com/tutti-run/tutti/internal/module/target/lvg"
	"github.com/tutti-run/tutti/internal/module/target/lvol"
	"github.com/tutti-run/tutti/internal/module/target/make"
	"github.com/tutti-run/tutti/internal/module/target/modprobe"
	"github.com/tutti-run/tutti/internal/module/target/mount"
	"github.com/tutti-run/tutti/internal/module/target/npm"
	packagefacts "github.com/tutti-run/tutti/internal/module/target/package_facts"
	pamlimits "github.com/tutti-run/tutti/internal/module/target/pam_limits"
	"github.com/tutti-run/tutti/internal/module/target/ping"
	"github.com/tutti-run/tutti/internal/module/target/pip"
	"github.com/tutti-run/tutti/internal/module/target/python"
	"github.com/tutti-run/tutti/internal/module/target/replace"
	rpmkey "github.com/tutti-run/tutti/internal/module/target/rpm_key"
	"github.com/tutti-run/tutti/internal/module/target/script"
	"github.com/tutti-run/tutti/internal/module/target/seboolean"
	"github.com/tutti-run/tutti/internal/module/target/selinux"
	"github.com/tutti-run/tutti/internal/module/target/service"
	servicefacts "github.com/tutti-run/tutti/internal/module/target/service_facts"
	"github.com/tutti-run/tutti/internal/module/target/setup"
	"github.com/tutti-run/tutti/internal/module/target/slurp"
	"github.com/tutti-run/tutti/internal/module/target/stat"
	"github.com/tutti-run/tutti/internal/module/target/subversion"
	"github.com/tutti-run/tutti/internal/module/target/sysctl"
	"github.com/tutti-run/tutti/internal/module/target/systemd"
	"github.com/tutti-run/tutti/internal/module/target/sysvinit"
	"github.com/tutti-run/tutti/internal/module/target/tempfile"
	"github.com/tutti-run/tutti/internal/module/target/timezone"
	"github.com/tutti-run/tutti/internal/module/target/ufw"
	"github.com/tutti-run/tutti/internal/module/target/unarchive"
	"github.com/tutti-run/tutti/internal/module/target/uri"
	"github.com/tutti-run/tutti/internal/module/target/user"
	waitfor "github.com/tutti-run/tutti/internal/module/target/wait_for"
	"github.com/tutti-run/tutti/internal/module/target/xml"
	yumrepository "github.com/tutti-run/tutti/internal/module/target/yum_repository"
)

// Targets returns every target module.
func Targets() []*module.Target {
	return []*module.Target{
		&acl.Module,
		&alternatives.Module,
		&apt.Module,
		&aptkey.Module,
		&aptrepository.Module,
		&archive.Module,
		&assemble.Module,
		&asyncstatus.Module,
		&at.Module,
		&authorizedkey.Module,
		&blockinfile.Module,
		&command.Command,
		&command.Shell,
		&copy.Module,
		&cron.Module,
		&deb822repository.Module,
		&debconf.Module,
		&dnf.Module,
		&dnf.Yum,
		&dpkgselections.Module,
		&expect.Module,
		&fetch.Module,
		&file.Module,
		&filesystem.Module,
		&find.Module,
		&gem.Module,
		&getent.Module,
		&geturl.Module,
		&git.Module,
		&group.Module,
		&hostname.Module,
		&htpasswd.Module,
		&inifile.Module,
		&iptables.Module,
		&knownhosts.Module,
		&lineinfile.Module,
		&localegen.Module,
		&lvg.Module,
		&lvol.Module,
		&make.Module,
		&modprobe.Module,
		&mount.Module,
		&npm.Module,
		&packagefacts.Module,
		&pamlimits.Module,
		&ping.Module,
		&pip.Module,
		&interpreter.Module,
		&python.Module,
		&replace.Module,
		&rpmkey.Module,
		&script.Module,
		&seboolean.Module,
		&selinux.Module,
		&service.Module,
		&servicefacts.Module,
		&setup.Module,
		&slurp.Module,
		&stat.Module,
		&subversion.Module,
		&sysctl.Module,
		&systemd.Module,
		&sysvinit.Module,
		&tempfile.Module,
		&timezone.Module,
		&ufw.Module,
		&unarchive.Module,
		&uri.Module,
		&user.Module,
		&waitfor.Module,
		&xml.Module,
		&yumrepository.Module,
	}
}
