//go:build lab

package client

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tutti-run/tutti/internal/lab"
	"github.com/tutti-run/tutti/internal/module"
	"github.com/tutti-run/tutti/internal/transport"
	"github.com/tutti-run/tutti/internal/transport/all"
	"github.com/tutti-run/tutti/internal/value"
)

// hosts is one lab for all tests; each test leaves its host as it found it.
var hosts = sync.OnceValues(func() (*lab.Lab, error) {
	l, err := lab.Open("client")
	if err == nil {
		err = l.Up(4)
	}
	return l, err
})

func lastly() {
	if l, err := hosts(); err == nil {
		if err := l.Down(); err != nil {
			panic(err)
		}
	}
}

func labHosts(t *testing.T) *lab.Lab {
	t.Helper()
	l, err := hosts()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func labConfig(t *testing.T, i int, user string) transport.Config {
	l := labHosts(t)
	h, err := l.Host(i)
	if err != nil {
		t.Fatal(err)
	}
	return transport.Config{
		Kind: "ssh", Host: h.Name, Address: h.Address, User: user, KeyFile: l.KeyFile(), KnownHosts: l.KnownHosts(), Timeout: 3 * time.Second,
		SSHCommonArgs: "-F none",
	}
}

func labPool(t *testing.T) *Pool {
	t.Helper()
	p := NewPool(Options{Dialers: all.Dialers(), Agents: agents, Registry: registry(), Self: []string{"/proc/self/exe", "agent"}, Holder: "the test"})
	t.Cleanup(p.Close)
	return p
}

func sh(t *testing.T, i int, script string) string {
	t.Helper()
	out, err := labHosts(t).Sh(i, script)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func shell(t *testing.T, target *Target, text string) string {
	t.Helper()
	r := do(t, target, call("shell", text))
	if r.Failed {
		t.Fatalf("%v", r.ToMap())
	}
	return value.Str(r.Get("stdout")) + value.Str(r.Get("stderr"))
}

func TestLabDeploy(t *testing.T) {
	sh(t, 1, "rm -rf /home/ops/.cache")
	for _, what := range []string{"first", "cached"} {
		begin := time.Now()
		target := labPool(t).Target(labConfig(t, 1, "ops"), nil)
		id, err := target.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: connected after %v", what, time.Since(begin))
		if id.User != "ops" || id.Hostname != "host1" || !strings.HasPrefix(id.Machine, strings.TrimSpace(sh(t, 1, "cat /etc/machine-id"))+"/") {
			t.Errorf("%+v", id)
		}
		if out := shell(t, target, "id -un; umask; ls /proc/self/fd | wc -l"); out != "ops\n0022\n4\n" {
			t.Errorf("%q", out)
		}
		begin = time.Now()
		for range 100 {
			do(t, target, call("peek", "x"))
		}
		t.Logf("%v a call", time.Since(begin)/100)
	}
	if out := sh(t, 1, "stat -c '%a %U %F' /home/ops/.cache/tutti; ls /home/ops/.cache/tutti | wc -l"); out != "700 ops directory\n1\n" {
		t.Errorf("%q", out)
	}
}

func TestLabBecome(t *testing.T) {
	p := labPool(t)
	for name, c := range map[string]struct {
		login  string
		become Become
		want   string // what id -un prints, or the error's text
		fails  bool
	}{
		"sudo":              {"ops", Become{}, "root", false},
		"sudo user":         {"ops", Become{User: "deploy"}, "deploy", false},
		"sudo homeless":     {"ops", Become{User: "svc"}, "svc", false},
		"sudo password":     {"pat", Become{Password: "secret"}, "root", false},
		"sudo wrong":        {"pat", Become{Password: "sesame"}, "Incorrect sudo password", true},
		"sudo missing":      {"pat", Become{}, "Missing sudo password", true},
		"sudo not allowed":  {"deploy", Become{Password: "x"}, "Incorrect sudo password", true},
		"sudo unknown user": {"ops", Become{User: "nemo"}, "unknown user", true},
		"sudo flags":        {"ops", Become{Flags: "-H -n", User: "deploy"}, "deploy", false},
		"sudo no such exe":  {"ops", Become{Exe: "/usr/bin/sudoku"}, "sudoku", true},
		"su password":       {"ops", Become{Method: "su", Password: "rootsecret"}, "root", false},
		"su wrong":          {"ops", Become{Method: "su", Password: "no"}, "Incorrect su password", true},
		"su missing":        {"ops", Become{Method: "su"}, "su", true},
		"doas":              {"ops", Become{Method: "doas"}, "root", false},
		"doas not allowed":  {"deploy", Become{Method: "doas"}, "doas", true},
		"magic":             {"ops", Become{Method: "magic"}, "unknown become_method \"magic\"", true},
		"root to user":      {"root", Become{User: "deploy"}, "deploy", false},
		"root to homeless":  {"root", Become{User: "svc"}, "svc", false},
		"root to nobody":    {"root", Become{User: "nemo"}, "there is no user nemo", true},
		"root su user":      {"root", Become{Method: "su", User: "ops"}, "ops", false},
		"root to root":      {"root", Become{}, "root", false},
	} {
		t.Run(name, func(t *testing.T) {
			target := p.Target(labConfig(t, 1, c.login), &c.become)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			r, err := target.Do(ctx, call("shell", "id -un; echo $HOME $USER; id -G; pwd >/dev/null"))
			if c.fails {
				var be *BecomeError
				if !errors.As(err, &be) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "sesame") {
					t.Errorf("%v (%T)", err, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			out := value.Str(r.Get("stdout"))
			home, user := map[string]string{"root": "/root", "svc": "/nonexistent"}[c.want], c.want
			if home == "" {
				home = "/home/" + c.want
			}
			if name == "su password" {
				user = c.login // su leaves $USER to root
			}
			if !strings.HasPrefix(out, c.want+"\n"+home+" "+user+"\n") || r.Get("rc") != 0 {
				t.Errorf("%v", r.ToMap())
			}
			raw, _, rc, err := target.Raw(ctx, "id -un; exit 3", nil)
			if c.become.direct(labConfig(t, 1, c.login)) && c.become.Method == "" {
				return // without an agent it is sudo's business again
			}
			if err != nil || string(raw) != c.want+"\n" || rc != 3 {
				t.Errorf("raw: %q %d %v", raw, rc, err)
			}
		})
	}
}

// Root must not run what the login user wrote.
func TestLabRootRunsNothingOfTheUser(t *testing.T) {
	p := labPool(t)
	target := p.Target(labConfig(t, 2, "ops"), nil)
	shell(t, target, "true")
	sh(t, 2, "rm -rf /root/.cache; for f in /home/ops/.cache/tutti/*; do printf '#!/bin/sh\ntouch /evil\n' >/tmp/x; chmod 755 /tmp/x; chown ops /tmp/x; mv /tmp/x $f; done")
	if out := shell(t, p.Target(labConfig(t, 2, "ops"), &Become{}), "id -un; readlink /proc/$PPID/exe"); !strings.HasPrefix(out, "root\n/root/.cache/tutti/") {
		t.Errorf("%q", out)
	}
	sh(t, 2, "test ! -e /evil; rm -rf /home/ops/.cache")
}

func TestLabPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		user, before, after string
		want                string // in the agent's path, or in the error
		fails               bool
	}{
		"link":         {"deploy", "mkdir -p /tmp/evil /home/deploy/.cache; ln -s /tmp/evil /home/deploy/.cache/tutti; chown -R deploy: /home/deploy/.cache /tmp/evil", "rm -rf /tmp/evil /home/deploy/.cache", "/var/tmp/tutti-", false},
		"noexec home":  {"deploy", "mkdir -p /home/deploy/.cache; mount -t tmpfs -o noexec,mode=777 none /home/deploy/.cache", "umount /home/deploy/.cache", "/var/tmp/tutti-", false},
		"noexec both":  {"deploy", "mkdir -p /home/deploy/.cache; mount -t tmpfs -o noexec,mode=777 none /home/deploy/.cache; mount -t tmpfs -o noexec,mode=1777 none /var/tmp", "umount /home/deploy/.cache /var/tmp", "noexec", true},
		"noexec tmp":   {"deploy", "mount -o remount,noexec /tmp", "mount -o remount,exec /tmp", "/home/deploy/.cache/tutti/", false},
		"full disk":    {"deploy", "mkdir -p /home/deploy/.cache; mount -t tmpfs -o size=1m,mode=777 none /home/deploy/.cache", "umount /home/deploy/.cache", "No space left on device", true},
		"squatter":     {"svc2", "useradd -r -m -d /var/svc2 -s /bin/sh svc2; mkdir -p -m 700 /var/svc2/.ssh; cp /root/.ssh/authorized_keys /var/svc2/.ssh/; chown -R svc2: /var/svc2/.ssh; chmod 500 /var/svc2; chown root /var/svc2; chmod 755 /var/svc2; mkdir -m 777 /var/tmp/tutti-$(id -u svc2)", "rm -rf /var/tmp/tutti-*; userdel svc2", "no directory", true},
		"no gzip":      {"deploy", "mv /usr/bin/gzip /usr/bin/gzip.away", "mv /usr/bin/gzip.away /usr/bin/gzip", "/home/deploy/.cache/tutti/", false},
		"no python":    {"deploy", "mv /usr/bin/python3 /usr/bin/python3.away", "mv /usr/bin/python3.away /usr/bin/python3", "/home/deploy/.cache/tutti/", false},
		"no shell":     {"nosh", "true", "true", "This account is currently not available", true},
		"garbage":      {"deploy", "(echo 'echo Welcome to this host; echo -n more; echo oops >&2'; cat /home/deploy/.bashrc) >/home/deploy/.new; mv /home/deploy/.new /home/deploy/.bashrc", "sed -i 1d /home/deploy/.bashrc", "/home/deploy/.cache/tutti/", false},
		"much garbage": {"deploy", "sed -i '1i yes nonsense | head -c 3000000' /home/deploy/.bashrc", "sed -i 1d /home/deploy/.bashrc", "prints more than", true},
		"damaged":      {"deploy", "true", "true", "/home/deploy/.cache/tutti/", false},
	} {
		t.Run(name, func(t *testing.T) {
			sh(t, 2, "rm -rf /home/deploy/.cache /var/tmp/tutti-*; "+c.before)
			defer sh(t, 2, c.after+"; rm -rf /home/deploy/.cache /var/tmp/tutti-*")
			if name == "damaged" {
				shell(t, labPool(t).Target(labConfig(t, 2, c.user), nil), "true")
				sh(t, 2, "for f in /home/deploy/.cache/tutti/*; do printf '\\177ELF damaged' >/tmp/x; chmod 755 /tmp/x; chown deploy /tmp/x; mv /tmp/x $f; done")
			}
			target := labPool(t).Target(labConfig(t, 2, c.user), nil)
			begin := time.Now()
			r, err := target.Do(t.Context(), call("shell", "readlink /proc/$PPID/exe"))
			if c.fails {
				if !transport.IsUnreachable(err) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v", err)
				}
				if took := time.Since(begin); took > 20*time.Second {
					t.Errorf("took %v", took)
				}
				t.Log(err)
				if left := sh(t, 2, "find /home/deploy/.cache /var/tmp -name '*.[0-9]*' 2>/dev/null | wc -l"); strings.TrimSpace(left) != "0" {
					t.Errorf("%s files are left", left)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if out := value.Str(r.Get("stdout")); !strings.HasPrefix(out, c.want) {
				t.Errorf("the agent is in %q", out)
			}
		})
	}
}

func waitGone(t *testing.T, i int, pattern string) {
	t.Helper()
	for range 100 {
		if out := sh(t, i, "pgrep -f '"+pattern+"' || true"); out == "" {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("still there: %s", sh(t, i, "ps axf"))
}

func waitThere(t *testing.T, i int, pattern string) {
	t.Helper()
	for range 100 {
		if out := sh(t, i, "pgrep -f '"+pattern+"' || true"); out != "" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s did not start", pattern)
}

func TestLabCancel(t *testing.T) {
	target := labPool(t).Target(labConfig(t, 1, "ops"), &Become{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := target.Do(ctx, call("shell", "sleep 7001 & sleep 7001"))
		done <- err
	}()
	waitThere(t, 1, "[s]leep 7001")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	waitGone(t, 1, "[s]leep 7001")
}

// The connection breaks: that call is unreachable, the next one connects anew.
func TestLabBroken(t *testing.T) {
	target := labPool(t).Target(labConfig(t, 1, "ops"), nil)
	done := make(chan error, 1)
	go func() {
		_, err := target.Do(t.Context(), call("shell", "sleep 7002 & sleep 7002"))
		done <- err
	}()
	waitThere(t, 1, "[s]leep 7002")
	sh(t, 1, "pkill -9 -f '^sshd: ops'")
	if err := <-done; !transport.IsUnreachable(err) {
		t.Error(err)
	}
	waitGone(t, 1, "[s]leep 7002")
	if out := shell(t, target, "echo again"); out != "again\n" {
		t.Errorf("%q", out)
	}
}

// The cable is pulled: both sides notice, and nothing stays behind.
func TestLabCut(t *testing.T) {
	l := labHosts(t)
	target := labPool(t).Target(labConfig(t, 3, "ops"), nil)
	done := make(chan error, 1)
	go func() {
		_, err := target.Do(t.Context(), call("shell", "sleep 7003 & sleep 7003"))
		done <- err
	}()
	waitThere(t, 3, "[s]leep 7003")
	begin := time.Now()
	if err := l.Cut(3); err != nil {
		t.Fatal(err)
	}
	defer l.Mend(3)
	err := <-done
	if took := time.Since(begin); !transport.IsUnreachable(err) || took > time.Minute {
		t.Errorf("%v after %v", err, took)
	}
	t.Log(err)
	time.Sleep(15 * time.Second) // the agent looks every five seconds
	waitGone(t, 3, "[s]leep 7003")
	if _, err := target.Do(t.Context(), call("echo", "x")); !transport.IsUnreachable(err) {
		t.Errorf("without a network: %v", err)
	}
	if err := l.Mend(3); err != nil {
		t.Fatal(err)
	}
	for range 20 { // the kernel remembers for a while that nobody was there
		if _, err = target.Connect(t.Context()); err == nil {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	if r := do(t, target, call("echo", "mended")); r.Get("text") != "mended" {
		t.Errorf("%v", r.ToMap())
	}
}

// A controller that is killed leaves nothing on its targets.
func TestLabControllerKilled(t *testing.T) {
	c := labConfig(t, 4, "ops")
	controller := exec.Command(os.Args[0], "controller", c.Address, c.KeyFile, c.KnownHosts)
	if err := controller.Start(); err != nil {
		t.Fatal(err)
	}
	waitThere(t, 4, "[s]leep 7004")
	_ = controller.Process.Kill()
	_ = controller.Wait()
	begin := time.Now()
	waitGone(t, 4, "[s]leep 7004")
	waitGone(t, 4, "[s]erve")
	t.Logf("gone after %v", time.Since(begin))
}

// controller is the program that TestLabControllerKilled kills.
func controllerMain(args []string) {
	p := NewPool(Options{Dialers: all.Dialers(), Agents: agents})
	cfg := transport.Config{Kind: "ssh", Host: "h", Address: args[0], User: "ops", KeyFile: args[1], KnownHosts: args[2], SSHCommonArgs: "-F none"}
	var work sync.WaitGroup
	for _, b := range []*Become{nil, {}, {User: "deploy"}} {
		work.Go(func() { _, _ = p.Target(cfg, b).Do(context.Background(), call("shell", "sleep 7004 & sleep 7004")) })
	}
	work.Wait()
}

// A big file needs no more memory than a little one, on either side.
func TestLabBigFile(t *testing.T) {
	const size = 1 << 30
	path := filepath.Join(t.TempDir(), "big")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	sum := sha1.New()
	if _, err := io.Copy(sum, f); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	digest := hex.EncodeToString(sum.Sum(nil))
	target := labPool(t).Target(labConfig(t, 4, "ops"), nil)
	do(t, target, call("echo", "x"))
	before := peak(t, "/proc/self/status", "")
	c := call("open", digest)
	c.Files = map[module.Digest]module.File{module.Digest(digest): {Path: path, Size: size}}
	begin := time.Now()
	r, err := target.Do(t.Context(), c)
	if err != nil || r.Get("size") != size {
		t.Fatalf("%v %v", r, err)
	}
	took := time.Since(begin)
	here := peak(t, "/proc/self/status", "") - before
	there := peak(t, "", shell(t, target, "cat /proc/$PPID/status"))
	t.Logf("%.0f MB/s; memory: %d MB more here, %d MB at most there", float64(size)/1e6/took.Seconds(), here>>10, there>>10)
	if here > 64<<10 || there > 64<<10 {
		t.Errorf("memory: %d kB more here, %d kB there", here, there)
	}
}

// peak reads the most memory that a process ever had, in kB.
func peak(t *testing.T, path, status string) int {
	t.Helper()
	if path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		status = string(data)
	}
	_, rest, _ := strings.Cut(status, "VmHWM:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Locks exclude controllers from each other, and die with their holder.
func TestLabLocks(t *testing.T) {
	one, two := labPool(t), labPool(t)
	first := call("shell", "touch /run/in; sleep 7005")
	first.Locks = []string{"dpkg"}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _, _ = one.Target(labConfig(t, 1, "ops"), &Become{}).Do(ctx, first) }()
	waitThere(t, 1, "[s]leep 7005")
	second := call("echo", "in")
	second.Locks = []string{"dpkg"}
	target := two.Target(labConfig(t, 1, "ops"), &Become{})
	short, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	if _, err := target.Do(short, second); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	sh(t, 1, "pkill -9 -f '[s]erve'")
	var r *module.Result
	var err error
	for range 5 { // both agents were killed; the second call finds that out
		if r, err = target.Do(t.Context(), second); err == nil {
			break
		}
	}
	if err != nil || r.Get("text") != "in" {
		t.Errorf("%v %v", r, err)
	}
	cancel()
	sh(t, 1, "pkill -f '[s]leep 7005' || true") // its agent was killed and could not end it
	if out := sh(t, 1, "stat -c '%a %U' /run/lock/tutti"); out != "700 root\n" {
		t.Errorf("%q", out)
	}
}

func TestLabAsync(t *testing.T) {
	p := labPool(t)
	target := p.Target(labConfig(t, 1, "ops"), &Become{User: "deploy"})
	c := call("shell", "sleep 1; id -un")
	c.Async = 20
	c.Locks = []string{"slow"}
	r := do(t, target, c)
	path := value.Str(r.Get("results_file"))
	p.Close()
	again := labPool(t).Target(labConfig(t, 1, "ops"), &Become{User: "deploy"})
	locked := call("shell", "cat "+path)
	locked.Locks = []string{"slow"} // the job still holds it
	if r := do(t, again, locked); !strings.Contains(value.Str(r.Get("stdout")), `"stdout":"deploy\n"`) && !strings.Contains(value.Str(r.Get("stdout")), `"stdout": "deploy\n"`) {
		t.Errorf("%v", r.ToMap())
	}
}

func TestLabOpenSSH(t *testing.T) {
	cfg := labConfig(t, 1, "ops")
	cfg.Kind = "openssh"
	p := labPool(t)
	if out := shell(t, p.Target(cfg, nil), "id -un"); out != "ops\n" {
		t.Errorf("%q", out)
	}
	if out := shell(t, p.Target(cfg, &Become{}), "id -un"); out != "root\n" {
		t.Errorf("%q", out)
	}
	cfg.User, cfg.KeyFile, cfg.Password = "pat", "", "secret"
	if out := shell(t, p.Target(cfg, &Become{Password: "secret"}), "id -un"); out != "root\n" {
		t.Errorf("%q", out)
	}
}

// More users than sshd allows sessions on a connection.
func TestLabManyUsers(t *testing.T) {
	p := labPool(t)
	users := strings.Fields("root deploy pat svc daemon bin sys games man lp mail news uucp proxy")
	var work sync.WaitGroup
	for range 2 {
		for _, u := range users {
			work.Go(func() {
				target := p.Target(labConfig(t, 2, "ops"), &Become{User: u})
				if r, err := target.Do(t.Context(), call("shell", "id -un")); err != nil || value.Str(r.Get("stdout")) != u+"\n" {
					t.Errorf("%s: %v %v", u, r, err)
				}
			})
		}
		work.Wait()
	}
	if n := len(p.conns); n != 2 {
		t.Errorf("%d connections for %d users", n, len(users))
	}
}

func TestLabManyHosts(t *testing.T) {
	for range 4 {
		p := labPool(t)
		var work sync.WaitGroup
		for i := range 4 {
			for _, b := range []*Become{nil, {}, {User: "deploy"}, {User: "pat"}} {
				work.Go(func() {
					for n := range 20 {
						text := fmt.Sprint(i, n)
						if r, err := p.Target(labConfig(t, i+1, "ops"), b).Do(t.Context(), call("echo", text)); err != nil || r.Get("text") != text {
							t.Errorf("%v %v", r, err)
						}
					}
				})
			}
		}
		work.Wait()
		p.Close()
	}
}
