package synchronize

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	mt "github.com/tutti-run/tutti/internal/module/moduletest"
	"github.com/tutti-run/tutti/internal/value"
)

func TestSpec(t *testing.T) { mt.Spec(t, &Module.Spec) }

func TestHere(t *testing.T) {
	if _, err := exec.LookPath("rsync"); err != nil {
		t.Skip("rsync is not here")
	}
	dir := t.TempDir()
	mt.Write(t, dir, "src/a", "a\n")
	mt.Write(t, dir, "dest/old", "x\n")
	c := &mt.Controller{Dir: dir, Vars: value.MapOf("ansible_connection", "local")}
	args := mt.Args(t, dir, `{"src": "$DIR/src/", "dest": "$DIR/dest", "delete": true}`)
	c.CheckMode = true
	if r := mt.Task(t, c, &Module, nil, args); !r.Changed || r.Failed {
		t.Errorf("check mode: %s", value.Repr(r.ToMap()))
	}
	mt.Has(t, dir+"/dest/old", "x\n")
	c.CheckMode = false
	for i, changed := range []bool{true, false} {
		if r := mt.Task(t, c, &Module, nil, args); r.Changed != changed || r.Failed {
			t.Errorf("run %d: %s", i, value.Repr(r.ToMap()))
		}
	}
	mt.Has(t, dir+"/dest/a", "a\n")
	if _, err := os.Stat(dir + "/dest/old"); err == nil {
		t.Error("what src does not have is still there")
	}
	if r := mt.Task(t, c, &Module, nil, mt.Args(t, dir, `{"src": "/nowhere/", "dest": "$DIR/dest"}`)); !r.Failed || r.Get("rc") != 23 {
		t.Errorf("nowhere: %s", value.Repr(r.ToMap()))
	}
}

// What rsync is told about hosts: a stand-in says its arguments.
func TestAway(t *testing.T) {
	bin := mt.Bin(t, map[string]string{"rsync": `for a; do echo "$a"; done`, "ssh": ""})
	for _, c := range []struct{ args, want string }{
		{`{"src": "/a/", "dest": "/b"}`, "--rsh=" + bin + "/ssh -S none -i /k -o Port=2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null --rsync-path=sudo -u root rsync --out-format=%i %n%L /a/ me@10.0.0.1:/b"},
		{`{"src": "/a", "dest": "/b", "mode": "pull", "archive": false, "recursive": true, "verify_host": true, "compress": false}`,
			"--delay-updates -F --recursive --rsh=" + bin + "/ssh -S none -i /k -o Port=2222 --rsync-path=sudo -u root rsync --out-format=%i %n%L me@10.0.0.1:/a /b"},
		{`{"src": "/a", "dest": "rsync://x/y", "rsync_opts": ["--rsh=x", "--one"], "owner": false}`, "--archive --no-owner --rsync-path=sudo -u root rsync --rsh=x --one --out-format=%i %n%L /a rsync://x/y"},
		{`{"src": "/a", "dest": "rsync://x/y", "archive": false, "rsync_opts": ["", "--exclude='x y' --two"]}`, "--compress --rsync-path=sudo -u root rsync --exclude=x y --two --out-format=%i %n%L /a rsync://x/y"},
	} {
		c2 := &mt.Controller{BecomeUser: "root", Vars: value.MapOf("ansible_host", "10.0.0.1", "ansible_user", "me", "ansible_port", 2222, "ansible_ssh_private_key_file", "/k")}
		r := mt.Task(t, c2, &Module, nil, mt.Args(t, "", c.args))
		got := strings.Join(strings.Fields(value.Str(r.Get("msg"))), " ")
		if !strings.HasSuffix(got, c.want) {
			t.Errorf("%s:\n%s, want\n%s", c.args, got, c.want)
		}
	}
	mt.Script(t, filepath.Join(bin, "sshpass"), `read -r word; echo "sshpass gets $word:"; for a; do echo "$a"; done`)
	c := &mt.Controller{Vars: value.MapOf("ansible_host", "10.0.0.1", "ansible_password", "geheim")}
	r := mt.Task(t, c, &Module, nil, mt.Args(t, "", `{"src": "/a", "dest": "/b"}`))
	if text := strings.Join(strings.Fields(value.Str(r.Get("msg"))), " "); !strings.HasPrefix(text, "sshpass gets geheim: -d0 rsync --delay-updates") {
		t.Errorf("with a password: %s", text)
	}
	r = mt.Task(t, &mt.Controller{}, &Module, nil, mt.Args(t, "", `{"src": "rsync://a", "dest": "rsync://b"}`))
	if !r.Failed || r.Msg != "either src or dest must be a localhost" {
		t.Errorf("%s", value.Repr(r.ToMap()))
	}
}
