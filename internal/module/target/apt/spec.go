package apt

import (
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/parallel"
)

// Module installs, upgrades and removes packages.
var Module = module.Target{
	Spec: module.Spec{
		Name:    "ansible.builtin.apt",
		Summary: "Installs, upgrades and removes Debian packages.",
		Params: []module.Param{
			{Name: "state", Default: "present", Choices: []any{"absent", "build-dep", "fixed", "latest", "present"}, Doc: "What shall be with the packages."},
			{Name: "update_cache", Type: module.Bool, Aliases: []string{"update-cache"}, Doc: "Fetch the lists of packages first."},
			{Name: "update_cache_retries", Type: module.Int, Default: 5, Doc: "How often to try to fetch them."},
			{Name: "update_cache_retry_max_delay", Type: module.Int, Default: 12, Doc: "Longest wait between tries, in seconds."},
			{Name: "cache_valid_time", Type: module.Int, Default: 0, Doc: "Fetch the lists only if they are older than this, in seconds."},
			{Name: "purge", Type: module.Bool, Default: false, Doc: "Remove settings along with packages."},
			{Name: "package", Type: module.List, Elements: module.Str, Aliases: []string{"pkg", "name"}, Doc: "Packages, as name, name=version or name>=version, with shell patterns."},
			{Name: "deb", Type: module.Path, Doc: "Package file or its URL; several are parted by commas."},
			{Name: "default_release", Aliases: []string{"default-release"}, Doc: "Release to prefer."},
			{Name: "install_recommends", Type: module.Bool, Aliases: []string{"install-recommends"}, Doc: "Install what packages recommend; by default as the machine is set up."},
			{Name: "force", Type: module.Bool, Default: false, Doc: "Go on where apt-get would stop: downgrades, packages without signature, packages it would have to remove."},
			{Name: "upgrade", Default: "no", Choices: []any{"dist", "full", "no", "safe", "yes"}, Doc: "Upgrade all packages."},
			{Name: "dpkg_options", Default: "force-confdef,force-confold", Doc: "Options for dpkg, parted by commas."},
			{Name: "autoremove", Type: module.Bool, Default: false, Doc: "Remove packages that nothing needs any more."},
			{Name: "autoclean", Type: module.Bool, Default: false, Doc: "Remove fetched package files that cannot be fetched any more."},
			{Name: "fail_on_autoremove", Type: module.Bool, Default: false, Doc: "Fail if packages would be removed."},
			{Name: "policy_rc_d", Type: module.Int, Doc: "Exit status of policy-rc.d meanwhile; 101 keeps services from being started."},
			{Name: "only_upgrade", Type: module.Bool, Default: false, Doc: "Leave packages out that are not installed."},
			{Name: "force_apt_get", Type: module.Bool, Default: false, Doc: "Upgrade with apt-get even if aptitude is there."},
			{Name: "clean", Type: module.Bool, Default: false, Doc: "Remove all fetched package files."},
			{Name: "allow_unauthenticated", Type: module.Bool, Default: false, Aliases: []string{"allow-unauthenticated"}, Doc: "Install packages without signature."},
			{Name: "allow_downgrade", Type: module.Bool, Default: false, Aliases: []string{"allow-downgrade", "allow_downgrades", "allow-downgrades"}, Doc: "Install versions older than what is there."},
			{Name: "allow_change_held_packages", Type: module.Bool, Default: false, Doc: "Change packages that are on hold."},
			{Name: "lock_timeout", Type: module.Int, Default: 60, Doc: "How long to wait for other programs that change packages, in seconds."},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"deb", "package", "upgrade"}},
			RequiredOneOf:     [][]string{{"autoremove", "deb", "package", "update_cache", "upgrade"}},
		},
		HintDoc: "HostExclusive(dpkg); FullyParallel in check mode",
		HintsFor: func(_ module.Args, check bool) []parallel.Hint {
			if check {
				return []parallel.Hint{parallel.Free()}
			}
			return []parallel.Hint{parallel.Host("dpkg")}
		},
		Check: module.Full, Diff: module.Full,
		Returns: []module.Return{
			{Name: "cache_updated", Type: module.Bool, When: "success, in some cases", Doc: "Whether the lists were fetched."},
			{Name: "cache_update_time", Type: module.Int, When: "success, in some cases", Doc: "When the lists were fetched last, in seconds since 1970."},
			{Name: "stdout", When: "something was run", Doc: "What apt-get wrote."},
			{Name: "stderr", When: "something was run", Doc: "What apt-get wrote as errors."},
		},
	},
	Run: run,
}
