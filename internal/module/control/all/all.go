// Package all lists the modules, and halves of modules, that run on the controller.
package all

import (
	"github.com/tutti-run/tutti/internal/module"
	addhost "github.com/tutti-run/tutti/internal/module/control/add_host"
	"github.com/tutti-run/tutti/internal/module/control/assemble"
	"github.com/tutti-run/tutti/internal/module/control/assert"
	"github.com/tutti-run/tutti/internal/module/control/copy"
	"github.com/tutti-run/tutti/internal/module/control/debug"
	ec2instance "github.com/tutti-run/tutti/internal/module/control/ec2_instance"
	etcdmember "github.com/tutti-run/tutti/internal/module/control/etcd_member"
	"github.com/tutti-run/tutti/internal/module/control/fail"
	"github.com/tutti-run/tutti/internal/module/control/fetch"
	groupby "github.com/tutti-run/tutti/internal/module/control/group_by"
	"github.com/tutti-run/tutti/internal/module/control/half"
	includevars "github.com/tutti-run/tutti/internal/module/control/include_vars"
	pkg "github.com/tutti-run/tutti/internal/module/control/package"
	"github.com/tutti-run/tutti/internal/module/control/pause"
	"github.com/tutti-run/tutti/internal/module/control/pip"
	"github.com/tutti-run/tutti/internal/module/control/raw"
	"github.com/tutti-run/tutti/internal/module/control/reboot"
	"github.com/tutti-run/tutti/internal/module/control/script"
	"github.com/tutti-run/tutti/internal/module/control/service"
	setfact "github.com/tutti-run/tutti/internal/module/control/set_fact"
	setstats "github.com/tutti-run/tutti/internal/module/control/set_stats"
	"github.com/tutti-run/tutti/internal/module/control/shutdown"
	"github.com/tutti-run/tutti/internal/module/control/synchronize"
	"github.com/tutti-run/tutti/internal/module/control/template"
	"github.com/tutti-run/tutti/internal/module/control/unarchive"
	"github.com/tutti-run/tutti/internal/module/control/uri"
	validateargumentspec "github.com/tutti-run/tutti/internal/module/control/validate_argument_spec"
	waitforconnection "github.com/tutti-run/tutti/internal/module/control/wait_for_connection"
	"github.com/tutti-run/tutti/internal/module/control/yum"
	"github.com/tutti-run/tutti/internal/module/source"
)

// Controls returns every control module. They share one cache of the digests
// of the controller's files.
func Controls() []*module.Control {
	cache := source.NewCache()
	return []*module.Control{
		&addhost.Module,
		&assemble.Module,
		&assert.Module,
		copy.New(cache),
		&debug.Module,
		ec2instance.New(),
		&etcdmember.Module,
		&fail.Module,
		&fetch.Module,
		&groupby.Module,
		&includevars.Module,
		&pause.Module,
		&pip.Module,
		&pkg.Module,
		&raw.Module,
		&reboot.Module,
		script.New(cache),
		&service.Module,
		&setfact.Module,
		&setstats.Module,
		&shutdown.Module,
		&synchronize.Module,
		&template.Module,
		unarchive.New(cache),
		uri.New(cache),
		&validateargumentspec.Module,
		&waitforconnection.Module,
		&yum.Module,
	}
}

// Halves returns what does the work of action plugins.
func Halves() []*module.Half { return half.All(source.NewCache()) }
