package hostname

import (
	"os"
	"strings"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

// The machine's name is the machine's, whatever mounts a process has: only the
// prediction is tested.
func TestCheckMode(t *testing.T) {
	mt.Run(t, &Module, []mt.Case{
		{Name: "too long", Args: `{"name": "` + strings.Repeat("x", 65) + `"}`, Fails: "name cannot be longer than 64 characters"},
	})
	before, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	r := mt.Call(t, &Module, value.MapOf("name", "tutti-test.example.org"), mt.Options{Check: true})
	if !r.Changed || r.Diff == nil || r.Facts.At("ansible_hostname") != "tutti-test" {
		t.Errorf("%s", value.Repr(r.ToMap()))
	}
	if after, err := os.Hostname(); err != nil || after != before {
		t.Errorf("check mode made %s of %s (%v)", after, before, err)
	}
}

// TestKeepers lets each keeper keep a name below a root of its own.
func TestKeepers(t *testing.T) {
	for _, c := range []struct{ use, file, before, kept, after string }{
		{"file", "etc/hostname", "old\n", "old", "new\n"},
		{"file", "etc/hostname", "", "", "new\n"},
		{"sles", "etc/HOSTNAME", "old\n", "old", "new\n"},
		{"openbsd", "etc/myname", "old", "old", "new\n"},
		{"redhat", "etc/sysconfig/network", "A=1\nHOSTNAME=old\nB=2\n", "old", "A=1\nHOSTNAME=new\nB=2\n"},
		{"openrc", "etc/conf.d/hostname", "# x\nhostname=\"old\"\n", "old", "# x\nhostname=\"new\"\n"},
		{"openrc", "etc/conf.d/hostname", "# x\n", "", "# x\nhostname=\"new\"\n"},
		{"freebsd", "etc/rc.conf.d/hostname", "hostname=\"old\"\n", "old", "hostname=\"new\"\n"},
	} {
		root := t.TempDir()
		mt.Write(t, root, c.file, c.before)
		k, err := (&task{ctx: t.Context(), root: root, use: c.use}).keeper()
		if err != nil {
			t.Fatal(err)
		}
		if kept, err := k.kept(); err != nil || kept != c.kept {
			t.Errorf("%s: kept %q, %v; want %q", c.use, kept, err, c.kept)
		}
		if err := k.keep("new"); err != nil {
			t.Errorf("%s: %v", c.use, err)
		}
		mt.Has(t, root+"/"+c.file, c.after)
	}
	root := t.TempDir()
	k, err := (&task{ctx: t.Context(), root: root, use: "redhat"}).keeper()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.kept(); err == nil || err.Error() != "Unable to locate HOSTNAME entry in /etc/sysconfig/network" {
		t.Errorf("no entry: %v", err)
	}
	if _, err := (&task{root: root, use: "solaris"}).keeper(); err == nil {
		t.Error("solaris is no way to keep a name here")
	}
}

func TestDetect(t *testing.T) {
	for release, want := range map[string]string{
		"ID=debian\n": "file", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n": "redhat", "ID=alpine\n": "alpine", "ID=gentoo\n": "openrc", "": "file",
	} {
		root := t.TempDir()
		mt.Write(t, root, "etc/os-release", release)
		if got := (&task{root: root}).detect(); got != want {
			t.Errorf("%q: %s, want %s", release, got, want)
		}
	}
	root := t.TempDir()
	if err := os.MkdirAll(root+"/run/systemd/system", 0o755); err != nil {
		t.Fatal(err)
	}
	if got := (&task{root: root}).detect(); got != "systemd" {
		t.Errorf("with systemd: %s", got)
	}
}
