//go:build lab

package all

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/lab"
	"github.com/tutti-run/tutti/internal/transport"
	"github.com/tutti-run/tutti/internal/transport/transporttest"
)

var hosts *lab.Lab

func TestMain(m *testing.M) {
	lab.Init()
	var err error
	if hosts, err = lab.Open("transport"); err == nil {
		err = hosts.Up(2)
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	if err := hosts.Down(); err != nil {
		panic(err)
	}
	os.Exit(code)
}

func config(kind string, i int) transport.Config {
	h := hosts.Hosts()[i-1]
	return transport.Config{
		Kind: kind, Host: h.Name, Address: h.Address, User: "ops", KeyFile: hosts.KeyFile(), KnownHosts: hosts.KnownHosts(), Timeout: 5 * time.Second,
	}
}

func dial(t *testing.T, c transport.Config) (transport.Conn, error) {
	t.Helper()
	// The user's own files have no part in this.
	t.Setenv("HOME", t.TempDir())
	t.Setenv("SSH_AUTH_SOCK", "")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return Dialers()[c.Kind].Dial(ctx, c)
}

var kinds = []string{"ssh", "openssh"}

func TestContract(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			transporttest.Run(t, func(t *testing.T) transport.Conn {
				c, err := dial(t, config(kind, 1))
				if err != nil {
					t.Fatal(err)
				}
				return c
			})
		})
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnreachable(t *testing.T) {
	other, err := os.ReadFile(hosts.KeyFile() + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	address := hosts.Hosts()[0].Address
	for name, c := range map[string]struct {
		change func(*transport.Config)
		reason transport.Reason
		text   string
	}{
		"refused": {func(c *transport.Config) { c.Port = 1 }, transport.Refused, "Connection refused"},
		"nobody there": {func(c *transport.Config) {
			c.Address, c.Timeout = strings.TrimSuffix(address, ".11")+".250", time.Second
		}, "", ""},
		"no such name":     {func(c *transport.Config) { c.Address = "no-such-host.invalid" }, transport.NoName, "no-such-host.invalid"},
		"no key":           {func(c *transport.Config) { c.KeyFile = "/dev/null" }, transport.Auth, "Permission denied"},
		"no such user":     {func(c *transport.Config) { c.User = "nobodyhere" }, transport.Auth, "Permission denied"},
		"wrong password":   {func(c *transport.Config) { c.User, c.KeyFile, c.Password = "pat", "/dev/null", "wrong" }, transport.Auth, "Permission denied"},
		"unknown host key": {func(c *transport.Config) { c.KnownHosts = write(t, "") }, transport.HostKey, "Host key verification failed"},
		"changed host key": {func(c *transport.Config) { c.KnownHosts = write(t, address+" "+string(other)) }, transport.HostKey, "IDENTIFICATION HAS CHANGED"},
	} {
		for _, kind := range kinds {
			t.Run(name+"/"+kind, func(t *testing.T) {
				cfg := config(kind, 1)
				c.change(&cfg)
				begin := time.Now()
				conn, err := dial(t, cfg)
				if err == nil {
					_ = conn.Close()
					t.Fatal("connected")
				}
				var u *transport.UnreachableError
				if !errors.As(err, &u) || c.reason != "" && u.Reason != c.reason || !strings.Contains(err.Error(), c.text) {
					t.Errorf("%v (%T)", err, err)
				}
				if c.reason == "" && u != nil && u.Reason != transport.TimedOut && u.Reason != transport.NoRoute {
					t.Errorf("reason %s", u.Reason)
				}
				if took := time.Since(begin); took > 15*time.Second {
					t.Errorf("took %v", took)
				}
				t.Log(err)
			})
		}
	}
}

func TestReachable(t *testing.T) {
	one, two := hosts.Hosts()[0], hosts.Hosts()[1]
	hashed := func(t *testing.T) string {
		// |1| lines name nobody; ssh-keygen makes them of plain ones.
		data, err := os.ReadFile(hosts.KnownHosts())
		if err != nil {
			t.Fatal(err)
		}
		path := write(t, string(data))
		runLocal(t, "ssh-keygen", "-H", "-f", path)
		return path
	}
	for name, change := range map[string]func(*testing.T, *transport.Config){
		"password": func(_ *testing.T, c *transport.Config) { c.User, c.KeyFile, c.Password = "pat", "/dev/null", "secret" },
		"interactive": func(t *testing.T, c *transport.Config) {
			script := "echo KbdInteractiveAuthentication yes >/etc/ssh/sshd_config.d/lab.conf; kill -HUP $(pgrep -o sshd); sleep 0.3"
			if _, err := hosts.Sh(1, script); err != nil {
				t.Fatal(err)
			}
			c.User, c.KeyFile, c.Password, c.SSHCommonArgs = "pat", "/dev/null", "secret", "-o PasswordAuthentication=no"
		},
		"any key": func(t *testing.T, c *transport.Config) {
			c.KnownHosts, c.HostKeys = write(t, ""), transport.IgnoreHostKeys
		},
		"hashed": func(t *testing.T, c *transport.Config) { c.KnownHosts = hashed(t) },
		"arguments": func(_ *testing.T, c *transport.Config) {
			c.User, c.Port, c.SSHExtraArgs = "", 0, "-l ops -p 22 -C -o ControlMaster=no"
		},
		"agent": func(t *testing.T, c *transport.Config) {
			c.KeyFile, c.SSHCommonArgs = "", "-o IdentityAgent="+startAgent(t)
		},
		"certificate": func(t *testing.T, c *transport.Config) {
			// The host shows a certificate; only its authority is known.
			dir := t.TempDir()
			runLocal(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", dir+"/ca")
			ca, err := os.ReadFile(dir + "/ca.pub")
			if err != nil {
				t.Fatal(err)
			}
			key, err := hosts.Sh(1, "cat /etc/ssh/ssh_host_ed25519_key.pub")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dir+"/host.pub", []byte(key), 0o600); err != nil {
				t.Fatal(err)
			}
			runLocal(t, "ssh-keygen", "-q", "-s", dir+"/ca", "-I", "host1", "-h", "-n", one.Address, dir+"/host.pub")
			cert, err := os.ReadFile(dir + "/host-cert.pub")
			if err != nil {
				t.Fatal(err)
			}
			script := "echo '" + strings.TrimSpace(string(cert)) + "' >/etc/ssh/host-cert.pub; echo HostCertificate /etc/ssh/host-cert.pub >/etc/ssh/sshd_config.d/cert.conf; kill -HUP $(pgrep -o sshd); sleep 0.3"
			if out, err := hosts.Sh(1, script); err != nil {
				t.Fatal(out, err)
			}
			t.Cleanup(func() {
				_, _ = hosts.Sh(1, "rm /etc/ssh/sshd_config.d/cert.conf; kill -HUP $(pgrep -o sshd); sleep 0.3")
			})
			c.KnownHosts = write(t, "@cert-authority 10.213.* "+string(ca))
		},
		"jump": func(_ *testing.T, c *transport.Config) {
			c.SSHCommonArgs = "-J ops@" + two.Address + " -o IdentityFile=" + hosts.KeyFile()
		},
		"proxy command": func(_ *testing.T, c *transport.Config) {
			c.SSHCommonArgs = "-o ProxyCommand=\"ssh -i " + hosts.KeyFile() + " -o UserKnownHostsFile=" + hosts.KnownHosts() + " -W %h:%p ops@" + two.Address + "\""
		},
		"config": func(t *testing.T, c *transport.Config) {
			file := write(t, "Host web\n HostName "+one.Address+"\n User ops\n IdentityFile "+hosts.KeyFile()+"\n UserKnownHostsFile "+hosts.KnownHosts()+"\n")
			*c = transport.Config{Kind: c.Kind, Host: "web", SSHCommonArgs: "-F " + file}
		},
	} {
		for _, kind := range kinds {
			t.Run(name+"/"+kind, func(t *testing.T) {
				if name == "jump" && kind == "openssh" {
					return // the program takes settings of jump hosts from the real home only
				}
				cfg := config(kind, 1)
				change(t, &cfg)
				conn, err := dial(t, cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				p, err := conn.Exec(t.Context(), "hostname")
				if err != nil {
					t.Fatal(err)
				}
				buf := make([]byte, 100)
				n, _ := p.Stdout().Read(buf)
				if string(buf[:n]) != "host1\n" {
					t.Errorf("%q", buf[:n])
				}
			})
		}
	}
}

func TestAcceptNew(t *testing.T) {
	cfg := config("ssh", 1)
	cfg.KnownHosts, cfg.HostKeys = filepath.Join(t.TempDir(), "new", "known_hosts"), transport.AcceptNew
	for _, mode := range []transport.HostKeys{transport.AcceptNew, transport.CheckHostKeys} {
		cfg.HostKeys = mode
		conn, err := dial(t, cfg)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
}

// startAgent starts an ssh-agent that holds the lab's key.
func startAgent(t *testing.T) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // sockets want short names
	if err != nil {
		t.Fatal(err)
	}
	socket = dir + "/s"
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	})
	for range 100 {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Setenv("SSH_AUTH_SOCK", socket)
	runLocal(t, "ssh-add", "-q", hosts.KeyFile())
	return socket
}

func TestAgentForwarding(t *testing.T) {
	for _, kind := range kinds {
		cfg := config(kind, 1)
		cfg.KeyFile, cfg.SSHCommonArgs = "", "-A -o IdentityAgent="+startAgent(t)
		conn, err := dial(t, cfg)
		if err != nil {
			t.Fatal(err)
		}
		p, err := conn.Exec(t.Context(), "ssh-add -l")
		if err != nil {
			t.Fatal(err)
		}
		out, _ := io.ReadAll(p.Stdout())
		if !strings.Contains(string(out), "ED25519") {
			t.Errorf("%s: the host sees %q", kind, out)
		}
		_ = conn.Close()
	}
}

func TestPassphrase(t *testing.T) {
	data, err := os.ReadFile(hosts.KeyFile())
	if err != nil {
		t.Fatal(err)
	}
	locked := write(t, string(data))
	runLocal(t, "ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", locked)
	cfg := config("ssh", 1)
	cfg.KeyFile = locked
	if _, err := dial(t, cfg); err == nil || !strings.Contains(err.Error(), "needs a passphrase") {
		t.Errorf("%v", err)
	}
	cfg.KeyPassphrase = "open sesame"
	conn, err := dial(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// More connections at a time than sshd takes by default.
func TestManyAtOnce(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	d := Dialers()["ssh"]
	var work sync.WaitGroup
	for range 40 {
		work.Go(func() {
			conn, err := d.Dial(t.Context(), config("ssh", 1))
			if err != nil {
				t.Error(err)
				return
			}
			_ = conn.Close()
		})
	}
	work.Wait()
}

// What our own implementation does not do is left to the ssh program.
func TestFallback(t *testing.T) {
	cfg := config("ssh", 1)
	cfg.SSHCommonArgs = "-o PubkeyAcceptedAlgorithms=+ssh-rsa"
	conn, err := dial(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if !strings.Contains(typeName(conn), "openssh") {
		t.Errorf("connected by %s", typeName(conn))
	}
}

func typeName(v any) string { return fmt.Sprintf("%T", v) }

func runLocal(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", argv, err, out)
	}
}
