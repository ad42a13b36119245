package ssh

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/transport"
)

// home makes a user with an ssh_config.
func home(t *testing.T, config string) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("SSH_AUTH_SOCK", "/agent")
	if err := os.Mkdir(filepath.Join(dir, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".ssh/config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestResolve(t *testing.T) {
	dir := home(t, `
Host web*
  HostName %h.example.org
  Port 2222
  IdentityFile ~/.ssh/web
  ProxyJump gate,inner
  StrictHostKeyChecking accept-new
  UserKnownHostsFile ~/.ssh/%n.keys
  ConnectTimeout 7
Host old
  ProxyCommand nc %h %p
  PreferredAuthentications password
Host *
  User carla
  IdentityFile ~/.ssh/all
  ServerAliveInterval 15
`)
	resolve := func(c transport.Config) *settings {
		t.Helper()
		var f files
		s, err := f.resolve(c)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := resolve(transport.Config{Host: "web1"})
	if s.hostname != "web1.example.org" || s.port != 2222 || s.user != "carla" || s.timeout != 7*time.Second || s.aliveEvery != 15*time.Second ||
		s.hostKeys != transport.AcceptNew || s.knownHosts[0] != dir+"/.ssh/web1.keys" || s.agent != "/agent" ||
		!reflect.DeepEqual(s.identities, []string{dir + "/.ssh/web", dir + "/.ssh/all"}) || !reflect.DeepEqual(s.proxyJump, []string{"gate", "inner"}) {
		t.Errorf("%+v", s)
	}
	s = resolve(transport.Config{Host: "web1", Address: "10.0.0.1", Port: 22, User: "ops", KeyFile: "/key", HostKeys: transport.IgnoreHostKeys, Timeout: 3 * time.Second})
	if s.hostname != "10.0.0.1" || s.port != 22 || s.user != "ops" || s.identities[0] != "/key" || s.hostKeys != transport.IgnoreHostKeys || s.timeout != 3*time.Second || len(s.proxyJump) != 0 {
		t.Errorf("%+v", s)
	}
	s = resolve(transport.Config{Host: "old", Password: "x"})
	if s.proxyCommand != "nc old 22" || s.publicKey || !s.password || s.interactive {
		t.Errorf("%+v", s)
	}
	s = resolve(transport.Config{
		Host: "x", SSHArgs: "-C -o ControlMaster=auto -o ControlPersist=60s", SSHCommonArgs: `-o "User=other" -J hop -p2200 -i ~/k`,
		SSHExtraArgs: "-A -o IdentitiesOnly=yes -o ServerAliveInterval=0 -v -4",
	})
	if s.user != "other" || s.port != 2200 || s.proxyJump[0] != "hop" || s.identities[0] != dir+"/k" || !s.forward || !s.onlyThese || s.aliveEvery != 0 {
		t.Errorf("%+v", s)
	}
	if s.network != "tcp4" || s.beyond != "" {
		t.Errorf("%s, beyond us is %q", s.network, s.beyond)
	}
}

func TestBeyond(t *testing.T) {
	for _, c := range []struct{ config, args, want string }{
		{"", "", ""},
		{"Host *\n GSSAPIAuthentication yes\n SendEnv LANG LC_*\n HashKnownHosts yes\n", "", ""},
		{"Host *\n CertificateFile ~/cert\n", "", "certificatefile"},
		{"Match exec true\n User x\n", "", "config"},
		{"", "-o Ciphers=+aes128-cbc", "ciphers"},
		{"", "-o Ciphers=aes128-ctr", ""},
		{"", "-L 1:2:3", "-L"},
		{"", "-o BindAddress=10.0.0.1", "bindaddress"},
	} {
		home(t, c.config)
		var f files
		s, err := f.resolve(transport.Config{Host: "h", SSHCommonArgs: c.args})
		if err != nil || (c.want == "") != (s.beyond == "") || !strings.Contains(s.beyond, c.want) {
			t.Errorf("%q %q: beyond us is %q, %v, want %q", c.config, c.args, s.beyond, err, c.want)
		}
	}
}

func TestBadArguments(t *testing.T) {
	home(t, "")
	for args, want := range map[string]string{
		"-o":         "needs a value",
		"-o Port":    "no value",
		"host":       "unexpected word",
		"-o 'Port=1": "inside a quote",
		"-p x":       "bad port",
	} {
		var f files
		if _, err := f.resolve(transport.Config{Host: "h", SSHExtraArgs: args}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
