// Package all lists the modules that run on the target, in the agent.
package all

import (
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/module/target/apt"
	"github.com/tutti-run/tutti/internal/module/target/assemble"
	asyncstatus "github.com/tutti-run/tutti/internal/module/target/async_status"
	authorizedkey "github.com/tutti-run/tutti/internal/module/target/authorized_key"
	"github.com/tutti-run/tutti/internal/module/target/blockinfile"
	"github.com/tutti-run/tutti/internal/module/target/command"
	"github.com/tutti-run/tutti/internal/module/target/copy"
	"github.com/tutti-run/tutti/internal/module/target/cron"
	"github.com/tutti-run/tutti/internal/module/target/fetch"
	"github.com/tutti-run/tutti/internal/module/target/file"
	"github.com/tutti-run/tutti/internal/module/target/find"
	geturl "github.com/tutti-run/tutti/internal/module/target/get_url"
	"github.com/tutti-run/tutti/internal/module/target/getent"
	"github.com/tutti-run/tutti/internal/module/target/group"
	"github.com/tutti-run/tutti/internal/module/target/hostname"
	"github.com/tutti-run/tutti/internal/module/target/lineinfile"
	"github.com/tutti-run/tutti/internal/module/target/ping"
	"github.com/tutti-run/tutti/internal/module/target/python"
	"github.com/tutti-run/tutti/internal/module/target/replace"
	"github.com/tutti-run/tutti/internal/module/target/script"
	"github.com/tutti-run/tutti/internal/module/target/service"
	"github.com/tutti-run/tutti/internal/module/target/setup"
	"github.com/tutti-run/tutti/internal/module/target/slurp"
	"github.com/tutti-run/tutti/internal/module/target/stat"
	"github.com/tutti-run/tutti/internal/module/target/sysctl"
	"github.com/tutti-run/tutti/internal/module/target/systemd"
	"github.com/tutti-run/tutti/internal/module/target/tempfile"
	"github.com/tutti-run/tutti/internal/module/target/unarchive"
	"github.com/tutti-run/tutti/internal/module/target/uri"
	"github.com/tutti-run/tutti/internal/module/target/user"
	waitfor "github.com/tutti-run/tutti/internal/module/target/wait_for"
)

// Targets returns every target module.
func Targets() []*module.Target {
	return []*module.Target{
		&apt.Module,
		&assemble.Module,
		&asyncstatus.Module,
		&authorizedkey.Module,
		&blockinfile.Module,
		&command.Command,
		&command.Shell,
		&copy.Module,
		&cron.Module,
		&fetch.Module,
		&file.Module,
		&find.Module,
		&geturl.Module,
		&getent.Module,
		&group.Module,
		&hostname.Module,
		&lineinfile.Module,
		&ping.Module,
		&python.Module,
		&replace.Module,
		&script.Module,
		&service.Module,
		&setup.Module,
		&slurp.Module,
		&stat.Module,
		&sysctl.Module,
		&systemd.Module,
		&tempfile.Module,
		&unarchive.Module,
		&uri.Module,
		&user.Module,
		&waitfor.Module,
	}
}
