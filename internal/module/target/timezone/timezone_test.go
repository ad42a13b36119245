package timezone

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/tutti-run/tutti/internal/module"
	mt "github.com/tutti-run/tutti/internal/module/moduletest"
)

func target(root *string) *module.Target {
	return &module.Target{Spec: spec, Run: func(ctx context.Context, env *module.Env, args module.Args) *module.Result {
		m := below(*root)
		return m.Run(ctx, env, args)
	}}
}

func TestDebian(t *testing.T) {
	mt.Bin(t, map[string]string{"timedatectl": "exit 1", "dpkg-reconfigure": "exit 0", "hwclock": `case $2 in --utc) m=UTC;; *) m=LOCAL;; esac; echo $m >$ROOT/etc/adjtime`})
	var root string
	with := func(t *testing.T, dir string) {
		root = dir
		t.Setenv("ROOT", dir)
		mt.Write(t, dir, "usr/share/zoneinfo/Europe/Berlin", "B")
		mt.Write(t, dir, "usr/share/zoneinfo/Etc/UTC", "U")
		mt.Write(t, dir, "etc/timezone", "Etc/UTC\n")
		if err := os.Symlink(dir+"/usr/share/zoneinfo/Etc/UTC", dir+"/etc/localtime"); err != nil {
			t.Fatal(err)
		}
	}
	mt.Run(t, target(&root), []mt.Case{
		{Name: "zone", Setup: with, Args: `{"name": "Europe/Berlin"}`, Changed: true, Verify: func(t *testing.T, dir string, _ *module.Result) {
			mt.Has(t, dir+"/etc/timezone", "Europe/Berlin\n")
			mt.Has(t, dir+"/etc/localtime", "B")
		}},
		{Name: "there", Setup: with, Args: `{"name": "Etc/UTC"}`},
		{Name: "link elsewhere", Setup: func(t *testing.T, dir string) {
			with(t, dir)
			mt.Write(t, dir, "etc/timezone", "Europe/Berlin\n")
		}, Args: `{"name": "Europe/Berlin"}`, Changed: true},
		{Name: "clock", Setup: with, Args: `{"hwclock": "local"}`, Changed: true, Verify: func(t *testing.T, dir string, _ *module.Result) {
			mt.Has(t, filepath.Join(dir, "etc/default/rcS"), "UTC=no\n")
		}},
		{Name: "clock that is neither", Setup: func(t *testing.T, dir string) {
			with(t, dir)
			mt.Write(t, dir, "etc/default/rcS", "UTC=maybe\n")
		}, Args: `{"hwclock": "UTC"}`, Fails: "The value 'maybe' is not a valid boolean."},
		{Name: "no name", Setup: with, Args: `{"name": ""}`, Fails: "given timezone \"\" is not available"},
		{Name: "no zone", Setup: with, Args: `{"name": "Mars/Base"}`, Fails: "given timezone \"Mars/Base\" is not available"},
		{Name: "nothing", Args: `{}`, Fails: "one of the following is required: hwclock, name"},
	})
}

func TestSystemd(t *testing.T) {
	mt.Bin(t, map[string]string{"timedatectl": `case $1 in
set-timezone) echo $2 >$ROOT/zone;;
set-local-rtc) echo $2 >$ROOT/rtc;;
*) printf '       Time zone: %s (X, +0000)\n RTC in local TZ: %s\n' $(cat $ROOT/zone) $(cat $ROOT/rtc);;
esac`})
	var root string
	with := func(t *testing.T, dir string) {
		root = dir
		t.Setenv("ROOT", dir)
		mt.Write(t, dir, "usr/share/zoneinfo/Europe/Berlin", "B")
		mt.Write(t, dir, "zone", "Etc/UTC\n")
		mt.Write(t, dir, "rtc", "no\n")
	}
	mt.Run(t, target(&root), []mt.Case{
		{Name: "both", Setup: with, Args: `{"name": "Europe/Berlin", "hwclock": "local"}`, Changed: true, Verify: func(t *testing.T, dir string, _ *module.Result) {
			mt.Has(t, dir+"/zone", "Europe/Berlin\n")
			mt.Has(t, dir+"/rtc", "yes\n")
		}},
		{Name: "there", Setup: with, Args: `{"hwclock": "UTC"}`},
	})
}
